"""What other processes want written: each errand is a file until the process that holds the state has done it.

Only one process writes into the database. The review pages run beside it, so they leave an errand in `state/errands`
instead: whole or not at all, and on the disk before they say that it was taken. Doing one twice changes nothing that
counts, because a crash may come between doing it and taking its file away. Nothing is decided here.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from monitor import log
from monitor.errors import StateError
from monitor.model import EPOCH, DigestEdit, EditKind, Label, LabelValue
from monitor.store import People, Review, Store

_log = log.get(__name__)

FOLDER = "errands"
MAX_BYTES = 64_000
RESUME, RELEASE, REDACT = "resume", "release", "redact"
"""In the state directory: names of channels that a command asked to resume or to release, and stories that it asked to
withdraw, each with a tab and the reason; one a line."""
BY_HAND = 0
"""Who does what a command, and no person of Telegram, asked for."""
_NUMBERS = itertools.count()
"""Of errands of one moment the one that was left first is done first."""


class ErrandKind(StrEnum):
    """What is wanted: remember a label, or what a reviewer changed in a digest; ask a feed now; mute it until then, or
    no more; send to a channel again.
    """

    LABEL = "label"
    CHECK = "check"
    MUTE = "mute"
    WAKE = "wake"
    RESUME = "resume"
    RELEASE = "release"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One wish of `by`, a person's name. `about` is a feed's address, a channel's name or a week.

    `label` is only for a label, `edit` only for a digest.
    """

    kind: ErrandKind
    by: str
    at: datetime
    about: str = ""
    until: datetime = EPOCH
    label: Label | None = None
    edit: DigestEdit | None = None


@dataclass(slots=True)
class Errands:
    """The errands of one state directory."""

    state_dir: Path
    _read: dict[str, Errand] = field(default_factory=dict)

    def ask(self, errand: Errand) -> None:
        """Leave an errand; it is on the disk when this returns.

        Raises:
            StateError: it could not be written.
        """
        folder = self.state_dir / FOLDER
        name = f"{_micros(errand.at):020d}-{next(_NUMBERS):06d}-{secrets.token_hex(4)}"
        draft = folder / f".{name}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(_encoded(errand))
                file.flush()
                os.fsync(file.fileno())
            draft.rename(folder / name)
            _sync(folder)
        except OSError as error:
            raise StateError(f"{folder}: can't be written ({error.strerror or error}); nothing was noted") from error

    def waiting(self) -> tuple[Errand, ...]:
        """What was asked for and is not done yet, oldest first."""
        return tuple(errand for _, errand in self._listed())

    def settle(self, review: Review) -> int:
        """Do what waits, in order; return how many. Only for the process that holds the state.

        Raises:
            StateError: one could not be written; it and the later ones wait.
        """
        done = 0
        for path, errand in self._listed():
            review.do_errand(
                kind=errand.kind.value,
                about=errand.about,
                until=errand.until,
                label=errand.label,
                by=errand.by,
                at=errand.at,
                edit=errand.edit,
            )
            path.unlink(missing_ok=True)
            self._read.pop(path.name, None)
            done += 1
        return done

    def _listed(self) -> list[tuple[Path, Errand]]:
        folder = self.state_dir / FOLDER
        try:
            names = sorted(path.name for path in folder.iterdir() if path.name[:1].isdigit())
        except FileNotFoundError:
            names = []
        known = set(names)
        self._read = {name: errand for name, errand in self._read.items() if name in known}
        found = ((folder / name, self._one(folder / name)) for name in names)
        return [(path, errand) for path, errand in found if errand is not None]

    def _one(self, path: Path) -> Errand | None:
        if path.name not in self._read:
            try:
                self._read[path.name] = _decoded(path.read_bytes()[: MAX_BYTES + 1])
            except FileNotFoundError:  # it was done in between
                return None
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                _log.error("an errand that can't be read is put aside", file=path.name, error=type(error).__name__)
                path.rename(path.with_name(f"bad-{path.name}"))
                return None
        return self._read[path.name]


def settle(state_dir: Path, store: Store) -> int:
    """Do what the review pages asked for; return how many errands. Only for the process that holds the state.

    Raises:
        StateError: one could not be written; it and the later ones wait.
    """
    return Errands(state_dir).settle(Review(store))


def edits_of(errands: Iterable[Errand], week: str) -> tuple[DigestEdit, ...]:
    """What is to be changed in the digests of `week` among `errands`, in their order."""
    return tuple(errand.edit for errand in errands if errand.edit is not None and errand.edit.week == week)


# ── words left by commands ────────────────────────────────────────────────────────────────────────


def ask_to_resume(state_dir: Path, channel: str) -> None:
    """Ask the process that holds the state to send to a channel again."""
    _leave(RESUME, state_dir, channel)


def ask_to_release(state_dir: Path, channel: str) -> None:
    """Ask it to send what it holds back for a channel."""
    _leave(RELEASE, state_dir, channel)


def ask_to_redact(state_dir: Path, story_id: str, why: str) -> None:
    """Ask it to withdraw a story; `why` is one line."""
    _leave(REDACT, state_dir, f"{story_id}\t{why}")


def heed(state_dir: Path, store: Store, channels: Container[str], now: datetime) -> None:
    """Do what commands asked for, as far as `channels` has those names. Only for the process that holds the state."""
    todo: tuple[tuple[str, Callable[[str], object]], ...] = (
        (RESUME, store.resume_channel),
        (RELEASE, lambda name: store.release(name, now=now)),
    )
    for what, do in todo:
        for name in _left(what, state_dir):
            if name in channels:
                do(name)
                _log.info("done by hand", what=what, channel=name)
    for line in _left(REDACT, state_dir):
        story_id, _, why = line.partition("\t")
        People(store).withdraw(story_id, by=BY_HAND, why=why, now=now)
        _log.info("done by hand", what=REDACT, story=story_id)


def _leave(what: str, state_dir: Path, line: str) -> None:
    with (state_dir / what).open("a", encoding="utf-8") as asked:
        asked.write(f"{line}\n")


def _left(what: str, state_dir: Path) -> Iterator[str]:
    """The lines that were left, each of which may be asked for again until all of them were done."""
    asked, taken = state_dir / what, state_dir / f".{what}.taken"
    if not taken.exists():  # else a process ended in the middle of it
        if not asked.exists():
            return
        asked.replace(taken)
    yield from taken.read_text(encoding="utf-8").splitlines()
    taken.unlink()


def labels_of(errands: Iterable[Errand]) -> tuple[Label, ...]:
    """The labels among `errands`, in their order."""
    return tuple(errand.label for errand in errands if errand.label is not None)


# ── on the disk ───────────────────────────────────────────────────────────────────────────────────


def _encoded(errand: Errand) -> bytes:
    said = errand.label
    values: dict[str, Any] = {
        "kind": errand.kind.value,
        "by": errand.by,
        "at": _micros(errand.at),
        "about": errand.about,
        "until": _micros(errand.until),
        "label": said
        and {
            "article_id": said.article_id,
            "rater": said.rater,
            "value": said.value.value,
            "codes": said.codes,
            "note": said.note,
            "at": _micros(said.at),
        },
        "edit": errand.edit and {**asdict(errand.edit), "at": _micros(errand.edit.at)},
    }
    return json.dumps(values).encode()


def _decoded(content: bytes) -> Errand:
    raw = json.loads(content)
    said = raw["label"]
    label = said and Label(
        article_id=str(said["article_id"]),
        rater=str(said["rater"]),
        value=LabelValue(said["value"]),
        codes=tuple(map(str, said["codes"])),
        note=str(said["note"]),
        at=_moment(said["at"]),
    )
    return Errand(
        kind=ErrandKind(raw["kind"]),
        by=str(raw["by"]),
        at=_moment(raw["at"]),
        about=str(raw["about"]),
        until=_moment(raw["until"]),
        label=label or None,
        edit=_edit(raw.get("edit")),
    )


def _edit(said: dict[str, Any] | None) -> DigestEdit | None:
    if not said:
        return None
    words = {name: str(said[name]) for name in ("id", "week", "by", "channel", "about", "other", "text")}
    return DigestEdit(**words, kind=EditKind(said["kind"]), at=_moment(said["at"]))


def _micros(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=int(micros))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
