"""`longarm web`: where it listens, how it ends, what it says when it can't."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from monitor.errands import Errand, ErrandKind, Errands
from monitor.model import Label, LabelValue
from tests.store_parts import FEED, NOW, opened
from tests.web_parts import PASSWORD, article_id, fill
from tests.whole_parts import command, door, environment, process, table, write_toml


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = write_toml(tmp_path, table("feeds", url=FEED))
    with opened(tmp_path / "state") as store:
        fill(store, dropped=5)
    return path


def test_the_pages_are_served_until_the_process_is_told_to_stop(config: Path) -> None:
    left = Label(article_id=article_id("low"), rater="ana", value=LabelValue.RELEVANT, at=NOW)
    running = subprocess.Popen(
        command("web", "--config", config, "--port", 0), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(), cwd="/",
    )  # fmt: skip
    assert running.stderr is not None
    try:
        line = running.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found is not None, line
        with httpx.Client(base_url=found[0], trust_env=False, timeout=20) as http:
            assert http.get("/health").text == "ok\n"
            assert "Review" in http.get("/review/alerts").text
        Errands(config.parent / "state").ask(Errand(kind=ErrandKind.LABEL, by="ana", at=NOW, label=left))
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=30)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 0, err
    assert out == ""
    assert "Traceback" not in err
    with opened(config.parent / "state") as store:  # what was said on the pages was written when they closed
        assert left.article_id in {label.article_id for label in store.labels()}


def test_a_run_does_what_the_pages_were_asked_for(config: Path) -> None:
    state = config.parent / "state"
    left = Label(article_id=article_id("low"), rater="ana", value=LabelValue.RELEVANT, at=NOW)
    Errands(state).ask(Errand(kind=ErrandKind.LABEL, by="ana", at=NOW, label=left))
    process("run", "--once", "--config", config)
    assert Errands(state).waiting() == ()
    with opened(state) as store:
        assert left.article_id in {label.article_id for label in store.labels()}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_beyond_this_machine_it_refuses_in_one_line_without_a_login(config: Path, host: str) -> None:
    ran = door("web", "--config", config, "--host", host)
    assert ran.code == 2
    assert len(ran.said) == 1
    assert "LONGARM_WEB_PASSWORD" in ran.err


def test_a_short_password_is_none(config: Path) -> None:
    ran = door("web", "--config", config, "--host", "0.0.0.0", LONGARM_WEB_PASSWORD="short")
    assert ran.code == 2
    assert "short;" not in ran.err


def test_without_a_state_it_says_what_makes_one(tmp_path: Path) -> None:
    ran = door("web", "--config", write_toml(tmp_path, table("feeds", url=FEED)))
    assert ran.code == 1
    assert "longarm run" in ran.err


def test_an_address_that_is_taken_is_said(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = door("web", "--config", config, "--port", taken.getsockname()[1], LONGARM_WEB_PASSWORD=PASSWORD)
    assert ran.code == 1
    assert "name another --port" in ran.said[-1]


def test_a_session_key_is_made_for_its_owner_alone(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        door("web", "--config", config, "--port", taken.getsockname()[1])
    assert (config.parent / "state" / "web.key").stat().st_mode & 0o077 == 0
