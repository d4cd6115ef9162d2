"""Thousands of alerts to many chats by the whole program, while Telegram fails at random and the program is killed.

`longarm run` in a process of its own, killed with SIGKILL again and again; what is to be told is queued while it is
dead. Its clock, the server's and that of this test are one, and run faster than ours. Looked at in the end: what the
chats have, what is stored, what the server noted, and what the logs hold.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.store import Store
from tests import botapi
from tests.botapi import TOKEN, Accepted, BotApi, Fault, in_thread
from tests.deliver_parts import edit, reply, row
from tests.soak_driver import fast
from tests.whole_parts import REPEAT, environment, rss, serving, table, write_toml

DRIVER = Path(__file__).with_name("soak_driver.py")
MARK = f"{REPEAT} "
MARKS = re.compile(r"^(?:\((?:possible repeat|delayed, from [^)]+)\) )+")
VERSION = re.compile(r", version \d+$")
"""An alert that was still waiting when its words changed goes out in the newer ones."""
SENDS = {"sendMessage", "editMessageText"}
SETTLED_WITHIN = 1.5
"""Our seconds: so long after an answer it must be written, on a busy machine too."""

FAULTS: Sequence[tuple[int, Fault]] = (
    (20, botapi.too_many(3)), (6, botapi.too_many(35)), (1, botapi.too_many(200)), (4, botapi.too_many(None)),
    (8, botapi.HANG_AFTER), (4, botapi.HANG_BEFORE), (12, botapi.RESET_AFTER), (8, botapi.RESET_BEFORE),
    (12, botapi.HALF_AFTER), (8, botapi.html(502)), (6, botapi.empty(500)), (4, botapi.empty(504)),
    (4, botapi.html(200)), (3, botapi.not_ok()), (3, botapi.raw(b'{"ok":true,"result":{}}', accepts=True)),
)  # fmt: skip


@dataclass
class Storm(BotApi):
    """The server, of whose calls a share fails."""

    share: float = 0.03
    chance: random.Random = field(default_factory=lambda: random.Random(20261124))
    blows: bool = True
    faults: int = 0

    def _ordered(self, chat: str) -> Fault:
        if not self.blows or self.chance.random() >= self.share:
            return super()._ordered(chat)
        self.faults += 1
        weights, faults = zip(*FAULTS, strict=True)
        return self.chance.choices(faults, weights)[0]


@dataclass(frozen=True)
class Size:
    """How much of it. `speed`: seconds of the clock in one of ours."""

    alerts: int
    chats: int
    kills: int
    speed: float
    lives: tuple[float, float]
    """Our seconds from the first message of a process to its end, from the shortest to the longest."""
    within: float
    """Our seconds for everything."""


@dataclass
class Soak:
    """The program's lives, one after another."""

    folder: Path
    api: Storm
    size: Size
    wall: float
    began: float
    toml: Path
    chance: random.Random = field(default_factory=lambda: random.Random(11))
    queued: list[tuple[str, str]] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    killed_at: list[float] = field(default_factory=list)

    def now(self) -> float:
        return fast(self.size.speed, self.wall, self.began)

    @property
    def database(self) -> str:
        return f"file:{self.folder}/state/longarm.db?mode=ro"

    def run(self) -> None:
        """Let everything be told, through all deaths."""
        deadline = time.monotonic() + self.size.within
        for life in range(self.size.kills + 1):
            self.queue(life)
            with self.living(life) as daemon:
                if life < self.size.kills:
                    self.wait(daemon, deadline, heard=len(self.api.accepted))
                    time.sleep(self.chance.uniform(*self.size.lives))
                    self.kill(daemon)
                else:
                    self.wait(daemon, deadline)
                    daemon.send_signal(signal.SIGTERM)
                    assert daemon.wait(30) == 0, self.said()

    def queue(self, life: int) -> None:
        """Add the life's share of alerts, each with its chat, and some edits of and replies to earlier ones."""
        share = range(len(self.queued), self.size.alerts * (life + 1) // (self.size.kills + 1))
        at = datetime.fromtimestamp(self.now(), UTC)
        earlier = tuple(self.queued)
        with Store.open(self.folder / "state", now=at) as store:
            for number in share:
                key, channel = f"story:{number:05}", f"chat{number % self.size.chats}"
                self.queued.append((key, channel))
                self.words[key] = f"alert of {key}"
                store.queue([row(key, channel, queued_at=at)])
            for key, channel in self.chance.sample(earlier, min(len(earlier), len(share) // 20)):
                self.words[key] = f"alert of {key}, version {life}"
                store.queue([replace(edit(key, channel, self.words[key]), queued_at=at)])
            for key, channel in self.chance.sample(earlier, min(len(earlier), len(share) // 20)):
                store.queue([replace(reply(key, channel, f"stage:{life}"), queued_at=at)])

    @contextmanager
    def living(self, life: int):  # type: ignore[no-untyped-def]
        """A process of the program; its log is kept."""
        level = "DEBUG" if life % 4 == 0 else "INFO"
        where = map(str, (self.size.speed, self.wall, self.began))
        with (self.folder / "log.jsonl").open("ab") as log:
            daemon = subprocess.Popen(
                [sys.executable, str(DRIVER), *where, "run", "--config", str(self.toml), "--log-json", "--log-level", level],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(LONGARM_TELEGRAM_TOKEN=TOKEN), cwd="/",
            )  # fmt: skip
        try:
            yield daemon
        finally:
            daemon.kill()
            daemon.wait()

    def kill(self, daemon: subprocess.Popen[bytes]) -> None:
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait()
        self.killed_at.append(self.now())
        # What a chat asked for in an answer that the dead process could not write down, nobody knows any more.
        for channel in self.stored("SELECT channel FROM deliveries WHERE state = 'sending'"):
            self.api.silent_until.pop(self.chat(channel), None)

    def wait(self, daemon: subprocess.Popen[bytes], deadline: float, *, heard: int | None = None) -> None:
        """Until the server takes one more message than `heard`; without it, until nothing waits any more."""
        waiting = "SELECT id FROM deliveries WHERE state IN ('pending', 'sending') LIMIT 1"
        while len(self.api.accepted) == heard if heard is not None else self.stored(waiting):
            assert daemon.poll() is None, self.said()
            assert time.monotonic() < deadline, (
                f"{len(self.stored(waiting.partition(' LIMIT')[0]))} wait; {self.said()}"
            )
            time.sleep(0.1)

    def stored(self, question: str) -> list[str]:
        with closing(sqlite3.connect(self.database, uri=True, timeout=10)) as database:
            return [found[0] for found in database.execute(question)]

    def chat(self, channel: str) -> str:
        return f"-100{int(channel.removeprefix('chat')):06}"

    def said(self) -> str:
        return (self.folder / "log.jsonl").read_text()[-3000:]

    # ── what must hold ────────────────────────────────────────────────────────────────────────────

    def look(self) -> None:
        with Store.open(self.folder / "state", now=datetime.fromtimestamp(self.now(), UTC), read_only=True) as store:
            lines = {str(line["key"]): line for line in store.export("deliveries")}
        assert {line["state"] for line in lines.values()} == {"sent"}
        copies: dict[str, list[Accepted]] = defaultdict(list)
        for got in self.api.accepted:
            if not got.edited:
                copies[VERSION.sub("", MARKS.sub("", got.text))].append(got)
        self.nothing_is_lost(lines, copies)
        self.repeats_are_marked_and_explained(lines, copies)
        self.chats_are_in_order(copies)
        assert self.api.violations == []
        assert broken_limits(self.api.requests) == []
        said = (self.folder / "log.jsonl").read_text()
        assert TOKEN not in said
        assert "Traceback" not in said

    def nothing_is_lost(
        self, lines: Mapping[str, Mapping[str, object]], copies: Mapping[str, Sequence[Accepted]]
    ) -> None:
        shown = self.api.shown()
        for key, channel in self.queued:
            assert {got.chat for got in copies[f"alert of {key}"]} == {self.chat(channel)}
            assert MARKS.sub("", shown[int(str(lines[key]["remote_id"]))]) == self.words[key]

    def repeats_are_marked_and_explained(
        self, lines: Mapping[str, Mapping[str, object]], copies: Mapping[str, Sequence[Accepted]]
    ) -> None:
        unknown = {told(line): int(str(line["unknown"])) for line in lines.values() if line["kind"] != "edit"}
        for words, texts in copies.items():
            assert all(got.text.startswith(MARK) for got in texts[1:]), f"{words} came twice, unmarked"
            assert len(texts) <= 1 + unknown[words], f"{words} came {len(texts)} times"
            for got in texts[:-1]:
                assert not got.heard or self.died_soon_after(got.at), f"{words} came again without a reason"

    def died_soon_after(self, at: float) -> bool:
        return any(0 <= died - at <= SETTLED_WITHIN * self.size.speed for died in self.killed_at)

    def chats_are_in_order(self, copies: Mapping[str, Sequence[Accepted]]) -> None:
        for number in range(self.size.chats):
            mine = [key for key, channel in self.queued if channel == f"chat{number}"]
            arrived = sorted(mine, key=lambda key: copies[f"alert of {key}"][0].message_id)
            assert arrived == mine


def told(line: Mapping[str, object]) -> str:
    """What a stored row says, as it was queued at first."""
    key = str(line["key"])
    return f"news of {key.replace('/', ': ', 1)}" if line["kind"] == "reply" else f"alert of {key}"


def broken_limits(requests: Sequence[tuple[str, str, float]]) -> list[str]:
    """Telegram's limits that a log of requests breaks, looked at whole."""
    chats: dict[str, list[float]] = defaultdict(list)
    for method, chat, at in requests:
        if method in SENDS:
            chats[chat].append(at)
    broken = [
        f"{chat}: more than {most} within {seconds:g} s at {at:.3f}"
        for chat, times in chats.items()
        for seconds, most in ((0.999, 1), (59.999, 20))
        for at in crowded(times, seconds, most)
    ]
    everywhere = sorted(at for times in chats.values() for at in times)
    return broken + [f"more than 30 within a second at {at:.3f}" for at in crowded(everywhere, 0.999, 30)]


def crowded(times: Sequence[float], seconds: float, most: int) -> list[float]:
    """Moments at which more than `most` of `times` lie within the last `seconds`."""
    return [at for at in times if bisect_right(times, at) - bisect_left(times, at - seconds) > most]


def soaked(folder: Path, size: Size) -> Soak:
    wall, began = time.time(), time.monotonic()
    storm = Storm(clock=lambda: fast(size.speed, wall, began), limits=True)
    with in_thread(storm) as api, serving({"wire": rss("The Wire", [])}) as site:
        channels = [
            table("channels", name=f"chat{number}", type="telegram", chat=f"-100{number:06}", api_url=api.url)
            for number in range(size.chats)
        ]
        for number in range(size.chats):
            api.add_chat(f"-100{number:06}")
        toml = write_toml(folder, table("feeds", url=site.feed("wire"), every="24h"), *channels)
        assert isinstance(api, Storm)
        soak = Soak(folder=folder, api=api, size=size, wall=wall, began=began, toml=toml)
        soak.run()
        soak.look()
    return soak


def test_a_log_that_breaks_a_limit_is_found_out() -> None:
    def log(*times: float, chat: str = "-1") -> list[tuple[str, str, float]]:
        return [("sendMessage", chat, at) for at in times]

    assert broken_limits(log(0, 1, 2.5)) == []
    assert broken_limits([*log(0, 0.5), ("getMe", "", 0.6)]) == ["-1: more than 1 within 0.999 s at 0.500"]
    assert broken_limits(log(*range(0, 63, 3))) == []
    assert len(broken_limits(log(*range(0, 42, 2)))) == 1
    many = [one for number in range(31) for one in log(number / 40, chat=f"{number}")]
    assert broken_limits(many) == ["more than 30 within a second at 0.750"]


def test_hundreds_of_alerts_arrive_through_faults_and_kills(tmp_path: Path) -> None:
    size = Size(alerts=300, chats=6, kills=3, speed=30, lives=(0.3, 1.0), within=100)
    soak = soaked(tmp_path, size)
    assert soak.api.faults > 0
    assert len(soak.killed_at) == 3


@pytest.mark.soak
@pytest.mark.timeout(2400)
def test_ten_thousand_alerts_to_forty_chats_arrive_through_faults_and_kills(tmp_path: Path) -> None:
    size = Size(alerts=10_000, chats=40, kills=25, speed=4, lives=(2, 12), within=2300)
    soak = soaked(tmp_path, size)
    assert soak.api.faults > 250
    assert len(soak.killed_at) == 25
