"""The bot as users have it, asked and sent to: `longarm run` in a process of its own, killed, started again, switched."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bot_parts import READER, STRANGER
from tests.botapi import TOKEN, BotApi, in_thread
from tests.webhook_parts import URL, free_port, hooked
from tests.whole_parts import ALL, REPEAT, Site, command, environment, rss, serving, table, write_toml

SECRET = "a-secret-of_our_own-0123456789"


@dataclass
class Life:
    """A process of the program."""

    daemon: subprocess.Popen[bytes]
    said: Callable[[], str]

    def wait(self, fact: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not fact():
            assert self.daemon.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)


@dataclass
class Whole:
    """A folder with settings, and the servers that they name."""

    folder: Path
    api: BotApi
    site: Site
    port: int

    def configure(self, way: str) -> None:
        main = table("channels", name="main", type="telegram", chat="-100123", api_url=self.api.url)
        how = hooked(self.port) if way == "sent" else ""
        bot = f'[bot]\nenabled = true\nsubscriptions = true\n{how}api_url = "{self.api.url}"\n'
        write_toml(self.folder, table("feeds", url=self.site.feed("wire"), every="5m", **ALL), main, bot)

    @property
    def said(self) -> str:
        return (self.folder / "log.jsonl").read_text()

    @contextmanager
    def running(self, *, dies: bool = False) -> Iterator[Life]:
        """A process; in the end it is stopped, or killed."""
        with (self.folder / "log.jsonl").open("ab") as log:
            daemon = subprocess.Popen(
                command("run", "--config", self.folder / "feeds.toml", "--log-json", "--log-level", "DEBUG"),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/",
                env=environment(LONGARM_TELEGRAM_TOKEN=TOKEN, LONGARM_WEBHOOK_SECRET=SECRET),
            )  # fmt: skip

        try:
            yield Life(daemon, lambda: self.said)
            daemon.send_signal(signal.SIGKILL if dies else signal.SIGTERM)
            assert daemon.wait(20) == (-signal.SIGKILL if dies else 0), self.said
        finally:
            daemon.kill()
            daemon.wait()

    def told(self, person: int) -> list[str]:
        """What a person has; a repeat counts only where it says that it is one, and repeats something."""
        texts = self.api.texts(str(person))
        first = [text for text in texts if not text.startswith(REPEAT)]
        assert all(text.removeprefix(REPEAT).strip() in first for text in texts if text not in first)
        return first


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    with in_thread() as api, serving({"wire": rss("The Wire", [])}) as site:
        port = free_port()
        api.hook.proxy = f"127.0.0.1:{port}"
        made = Whole(folder=tmp_path, api=api, site=site, port=port)
        yield made
        assert api.violations == []
        for hidden in (TOKEN, SECRET, "Traceback"):
            assert hidden not in made.said


@pytest.mark.parametrize("way", ["asked", "sent"])
def test_it_answers_through_kills_and_a_restart(whole: Whole, way: str) -> None:
    whole.configure(way)
    with whole.running(dies=True) as life:
        whole.api.says(READER, "/subscribe")
        life.wait(lambda: whole.told(READER))
    assert (whole.api.hook.url == URL) is (way == "sent")
    whole.api.says(STRANGER, "/status")  # while it is down
    with whole.running(dies=True) as life:
        life.wait(lambda: whole.told(STRANGER))
        # Killed with this one under way: it is handled now, or after the start, or both and the second says so.
        whole.api.says(STRANGER, "/help")
    with whole.running() as life:
        life.wait(lambda: len(whole.told(STRANGER)) == 2 and not (way == "sent" and whole.api.updates))
    assert whole.api.hook.url == ""
    assert len(whole.told(READER)) == 1


def test_it_goes_from_one_way_to_the_other_while_it_runs(whole: Whole) -> None:
    whole.configure("asked")
    with whole.running() as life:
        for number, way in enumerate(("asked", "sent", "asked"), start=1):
            whole.configure(way)
            if number > 1:
                life.daemon.send_signal(signal.SIGHUP)  # read it now
            life.wait(lambda: (whole.api.hook.url == URL) is (way == "sent"))  # noqa: B023 - within the turn
            whole.api.says(READER, "/help")
            life.wait(lambda: len(whole.told(READER)) == number)  # noqa: B023 - within the turn
    assert len(whole.told(READER)) == 3, "each question was answered once, in whichever way it came"
    assert whole.api.hook.url == ""
    assert whole.api.violations == []
