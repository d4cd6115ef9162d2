"""The bot as users have it: `longarm run` in a process of its own, asked through a Bot API server."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bot_parts import READER, STRANGER
from tests.botapi import SLOW, TOKEN, BotApi, in_thread
from tests.whole_parts import ALL, EDITOR, command, environment, rss, serving, table, write_toml


@contextmanager
def running(toml: Path) -> Iterator[Callable[[Callable[[], object]], None]]:
    """A running daemon; what is given waits until a fact is true. It must stop when asked to, without a trace."""
    said = toml.with_name("log.jsonl")
    with said.open("ab") as log:
        daemon = subprocess.Popen(
            command("run", "--config", toml, "--log-json", "--log-level", "DEBUG"), stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, env=environment(LONGARM_TELEGRAM_TOKEN=TOKEN), cwd="/",
        )  # fmt: skip

    def wait(fact: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not fact():
            assert daemon.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.02)

    try:
        yield wait
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0, said.read_text()
    finally:
        daemon.kill()
        daemon.wait()
    assert TOKEN not in said.read_text()
    assert "Traceback" not in said.read_text()


def settings(folder: Path, api: BotApi, url: str) -> Path:
    main = table("channels", name="main", type="telegram", chat="-100123", api_url=api.url)
    bot = f'[bot]\nenabled = true\nsubscriptions = true\napi_url = "{api.url}"\n'
    return write_toml(folder, table("feeds", url=url, every="5m", **ALL), main, bot)


def test_longarm_run_answers_subscribes_and_tells_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    with in_thread() as api, serving({"wire": rss("The Wire", [])}) as site:
        toml = settings(tmp_path, api, site.feed("wire"))
        with running(toml) as wait:
            api.says(READER, "/subscribe")
            wait(lambda: api.texts(str(READER)))
        api.says(STRANGER, "/status")  # while it is down
        site.pages["wire"] = rss("The Wire", [EDITOR])
        toml.write_text(toml.read_text().replace(site.feed("wire"), site.feed("wire") + "?again"))
        with running(toml) as wait:
            wait(lambda: api.texts(str(STRANGER)))
            wait(lambda: any(EDITOR.title[:30] in text for text in api.texts(str(READER))))
        assert len(api.texts(str(STRANGER))) == 1
        assert len(api.texts(str(READER))) == 2
        assert any(EDITOR.link in text for text in api.texts("-100123"))
        assert api.violations == []


def test_an_answer_that_is_under_way_when_the_daemon_stops_is_not_given_again(tmp_path: Path) -> None:
    with in_thread() as api, serving({"wire": rss("The Wire", [])}) as site:
        toml = settings(tmp_path, api, site.feed("wire"))
        with running(toml) as wait:
            api.script_chat(str(READER), SLOW)
            api.says(READER, "/help")
            wait(lambda: api.texts(str(READER)))
        api.says(STRANGER, "/status")
        with running(toml) as wait:
            wait(lambda: api.texts(str(STRANGER)))
        assert len(api.texts(str(READER))) == 1
