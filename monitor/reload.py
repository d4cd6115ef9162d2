"""What becomes of an edit of feeds.toml while it is in use: taken, refused, or waited for.

It reads the file and changes nothing; `app` does what is decided here. A file is believed once two looks have found the
same bytes: editors and copies write in pieces, and half a file can be a valid one. Times and inodes are not asked: the
file is small, and its bytes say it all, whatever replaced it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor import config
from monitor.config import Settings
from monitor.config.difference import Difference
from monitor.errors import ConfigError
from monitor.model import Notice

INCIDENT = "configuration:"
"""How the key of the incident begins that says that an edit is not used."""

MOST_PROBLEMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A valid file; `digest` is of its bytes."""

    settings: Settings
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file that can't be used, with every problem on a line of its own."""

    problems: tuple[str, ...]
    digest: str

    @property
    def notice(self) -> Notice:
        """What operators hear of it; another edit with other mistakes is another incident."""
        shown = "\n".join(self.problems[:MOST_PROBLEMS])
        left = len(self.problems) - MOST_PROBLEMS
        more = f"\nand {left} more; `longarm doctor` names them all" if left > 0 else ""
        text = f"The settings were edited and can't be used; those from before stay in use.\n{shown}{more}"
        return Notice(key=f"{INCIDENT}{self.digest[:16]}", text=text)


class Edits:
    """Follows the file at `path`. The first look always reads it: it may have changed since it was loaded."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        self._environ = environ
        self._seen = ""
        self._settled = ""

    def look(self, *, at_once: bool = False) -> Edited | Refused | None:
        """Say what is to be done about the file as it is now; None: nothing, or not yet.

        `at_once`: somebody says that it is whole; it is read whether it changed or not, for the files that hold secrets
        may have. What is returned comes again at every look until it is settled.
        """
        digest = self._digest()
        before, self._seen = self._seen, digest
        if not at_once and (digest == self._settled or digest != before):
            return None
        found = self._read(digest)
        return found if self._digest() == digest else None

    def settle(self, found: Edited | Refused) -> None:
        """Note that `found` was dealt with."""
        self._settled = found.digest

    def _digest(self) -> str:
        try:
            return hashlib.sha256(self.path.read_bytes()).hexdigest()
        except OSError as error:
            return hashlib.sha256(type(error).__name__.encode()).hexdigest()

    def _read(self, digest: str) -> Edited | Refused:
        try:
            return Edited(settings=config.load(self.path, self._environ), digest=digest)
        except ConfigError as error:
            problems = error.problems
        if not self.path.exists():
            problems = (f"{self.path.name}: is gone; put it back",)
        named = (problem.replace(f"{self.path}", self.path.name, 1) for problem in problems)
        return Refused(problems=tuple(named), digest=digest)


def told(found: Difference, warnings: tuple[str, ...]) -> str:
    """Say for operators what is in use from now on; one thing a line."""
    return "\n".join(("New settings are in use.", *found.lines(), *(f"But: {warning}" for warning in warnings)))
