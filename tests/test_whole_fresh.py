"""What a newcomer meets who looks around in a fresh checkout, before the first run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.whole_parts import ROOT, Ran, door, table, write_toml


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A folder with a state directory in which nothing stands but what keeps it in a repository."""
    toml = write_toml(
        tmp_path,
        table("feeds", url="https://wire.example/rss", name="The Wire"),
        table("channels", name="desk", type="console"),
    )
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / ".gitkeep").touch()
    return toml


def look(toml: Path, *arguments: str) -> Ran:
    ran = door(*arguments, "--config", toml)
    assert sorted(path.name for path in (toml.parent / "state").iterdir()) == [".gitkeep"], "looking makes nothing"
    return ran


def test_doctor_finds_a_fresh_checkout_in_order(fresh: Path) -> None:
    ran = look(fresh, "doctor", "--json")
    assert ran.code == 0
    assert {line["what"]: line["says"] for line in ran.lines}["state"].endswith("empty; the first run creates it")


def test_the_shipped_settings_are_in_order_too(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / ".gitkeep").touch()
    ran = look(Path(shutil.copy(ROOT / "feeds.toml", tmp_path)), "doctor")
    assert ran.code == 0, ran.out
    assert "BAD" not in ran.out


def test_feeds_and_channels_are_listed_before_the_first_run(fresh: Path) -> None:
    feeds = look(fresh, "feeds", "list")
    assert (feeds.code, feeds.err) == (0, "")
    assert "none was polled yet" in feeds.out
    assert "The Wire" in feeds.out
    (line,) = look(fresh, "feeds", "list", "--json").lines
    assert line["state"] == "not polled yet"
    channels = look(fresh, "channels", "list", "--json")
    assert [(one["name"], one["state"]) for one in channels.lines] == [("desk", "fine")]


@pytest.mark.parametrize("command", ["status", "digest", "search x", "case x", "redact abcdef --why x"])
def test_what_needs_a_run_says_which(fresh: Path, command: str) -> None:
    ran = look(fresh, *command.split())
    assert ran.code == 1
    assert "`longarm run` makes it" in ran.err


def test_a_database_that_was_lost_is_no_fresh_start(fresh: Path) -> None:
    from monitor.store import Store
    from tests.store_parts import NOW

    with Store.open(fresh.parent / "state", now=NOW):
        pass
    for file in (fresh.parent / "state").glob("longarm.db*"):
        file.unlink()
    assert door("doctor", "--config", fresh).code == 1
    assert door("feeds", "list", "--config", fresh).code == 1
