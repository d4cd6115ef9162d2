"""Killed anywhere between asking a feed and marking an alert as sent: started again, nothing is lost or repeats unmarked.

The whole program is killed, not parts of it, in two ways: before a statement of the flow, and at a system call that
writes or sends. Then it is started again as a person or a service manager would, once, and looked at: by what a chat's
reader has, and by what is stored.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.alerts.channels.telegram import TelegramChannel
from monitor.alerts.updates import EDIT_AFTER
from monitor.model import EPOCH, Outcome
from monitor.store import Store, outbox
from tests.botapi import TOKEN, Accepted, BotApi, in_thread
from tests.whole_parts import (
    ABDUCTED,
    ALL,
    CAKE,
    CUP,
    EDITOR,
    NOTICE,
    PASSPORTS,
    RAIN,
    REPEAT,
    ROOT,
    SPYWARE,
    STATION,
    News,
    Site,
    environment,
    rss,
    serving,
    table,
    write_toml,
)

LETTERS = News(
    "letters",
    "Neighbours in Leeds sent letters that name exiled Hong Kong activist as wanted, with a bounty from abroad",
    "Police investigate the intimidation of the dissident by people acting for the authorities of her home.",
)

DRIVER = Path(__file__).with_name("whole_driver.py")
SYSTEM_CALLS = "pwrite64,fdatasync,fsync,write,sendto"
CHATS = {"first": "-100123", "second": "-200", "third": "-300"}

FEW_STATEMENTS, FEW_CALLS = 4, 3
"""Points of a scene in `make test`."""
MANY_STATEMENTS, MANY_CALLS = 90, 60
"""Points of a scene in `make soak`."""


# ── the driver ────────────────────────────────────────────────────────────────────────────────────


class Driver:
    """A warmed-up process that runs `longarm run --once`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment(LONGARM_TELEGRAM_TOKEN=TOKEN),
        )  # fmt: skip
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def run(self, toml: Path, **order: Any) -> int:
        """Run once with the settings `toml`; return the exit code. Nothing may outlive it."""
        assert self._process.stdin is not None
        log = toml.with_name("log.txt")
        whole = {"args": ["run", "--once", "--config", str(toml)], "log": str(log), **order}
        self._process.stdin.write(json.dumps(whole) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._answer())
        assert answer["orphans"] == 0
        said = log.read_text()
        assert "Traceback" not in said
        assert "this is a bug" not in said
        assert TOKEN not in said
        return int(answer["code"])

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


# ── the scenes ────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Scene:
    """What a run will find: a state to begin with, feeds, and which news must reach which chat."""

    name: str
    driver: Driver
    api: BotApi
    site: Site
    pages: dict[str, bytes]
    toml: Path
    expected: Mapping[str, Sequence[News]]
    """News that must arrive, by chat."""
    articles: int
    """How many are stored in the end."""
    deliveries: int
    """Messages, edits not counted."""
    chats: Sequence[Accepted] = ()
    """What the chats have to begin with."""
    edited: Mapping[str, str] = field(default_factory=dict)
    """Words that a message which a chat has must read in the end, by chat."""
    ends: Counter[str] = field(default_factory=Counter)

    def copy(self) -> Path:
        """A fresh copy of the state; the chats have what they began with, the feeds are those of this scene."""
        self.site.pages = self.pages
        folder = Path(tempfile.mkdtemp(dir=self.toml.parent.parent))
        shutil.copytree(self.toml.parent, folder, dirs_exist_ok=True)
        for kept in (self.api.accepted, self.api.requests, self.api.violations):
            kept.clear()
        self.api.accepted.extend(self.chats)
        return folder / self.toml.name

    def kill_and_look(self, **order: Any) -> None:
        """Run and be killed, run again to the end, and look at everything."""
        toml = self.copy()
        code = self.driver.run(toml, **order)
        if code == -signal.SIGKILL:
            self.ends["killed"] += 1
            self.ends["killed after sending"] += len(self.api.accepted) > len(self.chats)
            assert self.driver.run(toml) == 0, toml.with_name("log.txt").read_text()
        else:
            assert code == 0, toml.with_name("log.txt").read_text()
            self.ends["came to its end"] += 1
        self.look(toml)
        shutil.rmtree(toml.parent)

    def look(self, toml: Path) -> None:
        """Everything arrived, each repeat says so, and the state is whole."""
        repeats = self.read_as_a_reader()
        state = toml.parent / "state"
        with closing(sqlite3.connect(f"file:{state}/longarm.db?mode=ro", uri=True)) as database:
            assert database.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        with Store.open(state, now=datetime.now(UTC), read_only=True) as store:
            lines = list(store.export("deliveries"))
            assert store.counts()["articles"] == self.articles
            assert not store.open_notices()
        rows = [line for line in lines if line["kind"] != "edit"]
        assert [row["state"] for row in rows] == ["sent"] * self.deliveries
        edits = [line["state"] for line in lines if line["kind"] == "edit"]
        assert edits == ["sent" if self.edited else "pending"] * len(edits)
        assert sum(row["unknown"] for row in rows) >= repeats
        self.ends["repeats"] += repeats

    @property
    def told(self) -> Sequence[Accepted]:
        """What the chats have now."""
        return tuple(self.api.accepted)

    def read_as_a_reader(self) -> int:
        """Compare what the chats have with what they should have; how many messages came marked as repeats."""
        assert self.api.violations == []
        marked = 0
        shown = self.api.shown()
        for chat, words in self.edited.items():
            assert any(words in shown[got.message_id] for got in self.chats if got.chat == chat), "was not edited"
        for chat in CHATS.values():
            new = self.api.accepted[len(self.chats) :]
            left = [got.text for got in new if got.chat == chat and not got.edited]
            for news in self.expected.get(chat, ()):
                mine = [text for text in left if news.link in text]
                assert mine, f"{news.slug} never came to {chat}"
                assert all(text.startswith(REPEAT) for text in mine[1:]), f"{news.slug} came twice, unmarked"
                marked += sum(text.startswith(REPEAT) for text in mine)
                left = [text for text in left if text not in mine]
            assert left == [], "something came that nobody asked for"
        return marked


def _settings(folder: Path, site: Site, api: BotApi) -> Path:
    feeds = [
        table("feeds", url=site.feed("first"), name="The First", tags=["first"], every="5m", **ALL),
        table("feeds", url=site.feed("second"), name="The Second", tags=["second"], every="5m", **ALL),
        table("feeds", url=site.feed("third"), name="The Third", tags=["third"], every="5m", **ALL),
        table("feeds", url=site.feed("sport"), name="Sport", every="5m", alert_at=1.0, digest_at=1.0),
    ]
    channels = [
        table("channels", name=name, type="telegram", chat=chat, api_url=api.url, tags=[name])
        for name, chat in CHATS.items()
    ]
    return write_toml(folder, *feeds, *channels)


@dataclass
class Stage:
    """The servers and the driver, shared by the scenes."""

    site: Site
    api: BotApi
    driver: Driver
    folder: Path

    def scene(self, name: str, toml: Path, pages: dict[str, bytes], **looks: Any) -> Scene:
        return Scene(name=name, driver=self.driver, api=self.api, site=self.site, pages=pages, toml=toml, **looks)

    def first_run(self, folder: str = "first-run") -> Scene:
        """Nothing is stored yet."""
        now = datetime.now(UTC)
        pages = {
            "first": rss("The First", [EDITOR, PASSPORTS], now),
            "second": rss("The Second", [NOTICE], now),
            "third": rss("The Third", [STATION], now),
            "sport": rss("Sport", [CUP, CAKE], now),
        }
        expected = {CHATS["first"]: [EDITOR, PASSPORTS], CHATS["second"]: [NOTICE], CHATS["third"]: [STATION]}
        toml = _settings(self.folder / folder, self.site, self.api)
        return self.scene("first run", toml, pages, expected=expected, articles=6, deliveries=4)

    def later_run(self) -> Scene:
        """Something is stored and told; two feeds have something new, one of them an edit of what was told as well."""
        begun = self.first_run("later-run")
        toml = begun.copy()
        assert self.driver.run(toml) == 0
        begun.look(toml)
        make_due(toml.parent / "state")
        edited = replace(EDITOR, summary=EDITOR.summary + " He is out of danger, his family says.")
        pages = {
            "first": rss("The First", [SPYWARE, edited, PASSPORTS]),
            "second": rss("The Second", [ABDUCTED, NOTICE]),
            "third": begun.pages["third"],
            "sport": rss("Sport", [RAIN, CUP, CAKE]),
        }
        expected = {CHATS["first"]: [SPYWARE], CHATS["second"]: [ABDUCTED]}
        return self.scene("later run", toml, pages, expected=expected, articles=9, deliveries=6, chats=begun.told)

    def last_run(self) -> Scene:
        """What was told reads otherwise by now, and the time to edit it has come; and there is one more to tell."""
        later = self.later_run()
        toml = later.copy()
        assert self.driver.run(toml) == 0
        later.look(toml)
        make_due(toml.parent / "state")
        pages = {**later.pages, "third": rss("The Third", [LETTERS, STATION])}
        return self.scene(
            "last run", toml, pages, expected={CHATS["third"]: [LETTERS]}, articles=10, deliveries=7, chats=later.told,
            edited={CHATS["first"]: "He is out of danger, his family says."},
        )  # fmt: skip


def make_due(state: Path) -> None:
    """Let every feed be due, and every edit, as if its time had come."""
    now = datetime.now(UTC)
    with Store.open(state, now=now) as store:
        store.shift_schedule(-2 * EDIT_AFTER)
        for feed in store.feed_states():
            store.record(Outcome(state=replace(feed, next_poll_at=EPOCH)), (), now=now)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with serving() as site, in_thread() as api:
        api.add_chat(CHATS["third"])
        driver = Driver()
        try:
            yield Stage(site=site, api=api, driver=driver, folder=tmp_path_factory.mktemp("crash"))
        finally:
            driver.close()


@pytest.fixture(scope="module")
def first_run(stage: Stage) -> Scene:
    return stage.first_run()


@pytest.fixture(scope="module")
def later_run(stage: Stage) -> Scene:
    return stage.later_run()


@pytest.fixture(scope="module")
def last_run(stage: Stage) -> Scene:
    return stage.last_run()


@pytest.fixture(params=["first_run", "later_run", "last_run"])
def scene(request: pytest.FixtureRequest) -> Scene:
    made: Scene = request.getfixturevalue(request.param)
    made.ends.clear()
    return made


def spread(points: Sequence[Any], number: int) -> list[Any]:
    """`number` of `points`, evenly, the first and the last among them."""
    if len(points) <= number:
        return list(points)
    return [points[round(at * (len(points) - 1) / (number - 1))] for at in range(number)]


# ── at a statement ────────────────────────────────────────────────────────────────────────────────


def _statements(scene: Scene) -> list[tuple[str, int, int]]:
    """Every statement of the flow that an undisturbed run executes, at its first and at its last time."""
    toml = scene.copy()
    lines = toml.with_name("lines.json")
    assert scene.driver.run(toml, lines=str(lines)) == 0, toml.with_name("log.txt").read_text()
    scene.look(toml)
    scene.ends.clear()
    executed = json.loads(lines.read_text())
    return [(file, line, hit) for file, line, hits in executed for hit in sorted({1, hits})]


def _kill_at_statements(scene: Scene, number: int) -> Counter[str]:
    for statement in spread(_statements(scene), number):
        scene.kill_and_look(kill=statement)
    return scene.ends


def test_killed_at_a_statement_nothing_is_lost_and_nothing_repeats_unmarked(scene: Scene) -> None:
    ends = _kill_at_statements(scene, FEW_STATEMENTS)
    assert ends["killed"] >= FEW_STATEMENTS - 1


@pytest.mark.soak
def test_killed_at_any_statement_nothing_is_lost_and_nothing_repeats_unmarked(scene: Scene) -> None:
    ends = _kill_at_statements(scene, MANY_STATEMENTS)
    print(f"\nstatements, {scene.name}: {dict(ends)}")
    assert ends["killed"] >= MANY_STATEMENTS - 5
    assert ends["killed after sending"] >= 5
    assert ends["repeats"] >= 1


def _first_line(function: Callable[..., object]) -> tuple[str, int, int]:
    code = inspect.unwrap(function).__code__
    line = min(line for _, _, line in code.co_lines() if line and line > code.co_firstlineno)
    return str(Path(code.co_filename).relative_to(ROOT)), line, 1


@pytest.mark.parametrize(
    ("statement", "repeats"),
    [
        pytest.param(_first_line(outbox.mark_sending), [0], id="before the mark"),
        pytest.param(_first_line(TelegramChannel.send), [1, 2], id="between mark and send"),
        pytest.param(_first_line(outbox.settle), [1, 2], id="between the answer and the settlement"),
    ],
)
def test_an_alert_is_marked_as_a_repeat_when_nobody_knows_whether_it_arrived(
    later_run: Scene, statement: tuple[str, int, int], repeats: list[int]
) -> None:
    later_run.ends.clear()
    later_run.kill_and_look(kill=statement)
    assert later_run.ends["killed"] == 1
    assert later_run.ends["repeats"] in repeats  # two chats are written to side by side


# ── at a system call ──────────────────────────────────────────────────────────────────────────────


def _strace(*options: str) -> list[str]:
    # Without -f: it is this process that must die, not its parser, and everything that counts happens in its main thread.
    return ["-qq", "-o", os.devnull, "-e", "signal=none", *options]


@pytest.fixture(scope="session")
def strace() -> None:
    """Skips where strace is missing or may not trace."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    options = _strace("-e", "trace=write", "-e", "inject=write:signal=KILL:when=1")
    done = subprocess.run(["strace", *options, "echo", "alive"], capture_output=True, check=False)
    if done.returncode != -signal.SIGKILL or done.stdout:
        pytest.skip("strace may not trace and kill here")


def _calls(scene: Scene) -> list[tuple[str, int]]:
    """Every system call of an undisturbed run that writes or sends: its name, and the how manieth of its name it is."""
    toml = scene.copy()
    trace = toml.with_name("calls.txt")
    options = ["-qq", "-o", str(trace), "-e", "signal=none", "-e", f"trace={SYSTEM_CALLS}"]
    assert scene.driver.run(toml, strace=options) == 0, toml.with_name("log.txt").read_text()
    scene.look(toml)
    scene.ends.clear()
    counts: Counter[str] = Counter()
    calls = []
    for name in re.findall(r"^(\w+)\(", trace.read_text(errors="replace"), re.MULTILINE):
        counts[name] += 1
        calls.append((name, counts[name]))
    return calls


def _kill_at_calls(scene: Scene, number: int) -> Counter[str]:
    for name, when in spread(_calls(scene), number):
        scene.kill_and_look(
            strace=_strace("-e", f"trace={SYSTEM_CALLS}", "-e", f"inject={name}:signal=KILL:when={when}")
        )
    return scene.ends


@pytest.mark.usefixtures("strace")
def test_killed_at_a_system_call_nothing_is_lost_and_nothing_repeats_unmarked(later_run: Scene) -> None:
    later_run.ends.clear()
    ends = _kill_at_calls(later_run, FEW_CALLS)
    assert ends["killed"] >= FEW_CALLS - 1


@pytest.mark.soak
@pytest.mark.usefixtures("strace")
def test_killed_at_any_system_call_nothing_is_lost_and_nothing_repeats_unmarked(scene: Scene) -> None:
    ends = _kill_at_calls(scene, MANY_CALLS)
    print(f"\nsystem calls, {scene.name}: {dict(ends)}")
    assert ends["killed"] >= MANY_CALLS - 5
    assert ends["killed after sending"] >= 3
