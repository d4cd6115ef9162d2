"""`longarm channels release`: what was held goes, by hand, whether the daemon runs or not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor import app, config, errands
from monitor.model import DeliveryState
from monitor.store import Store
from tests.deliver_parts import story_row
from tests.whole_parts import door, table, write_toml


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """A watch with two held messages for the channel "desk"."""
    path = write_toml(
        tmp_path,
        table("feeds", url="https://a.example/rss", enabled=True),
        table("channels", name="desk", type="console"),
    )
    now = datetime.now(UTC)
    with Store.open(tmp_path / "state", now=now) as store:
        later = now + timedelta(hours=1)
        rows = [story_row(f"story:{n}", "desk", queued_at=now) for n in range(2)]
        store.queue([replace(row, state=DeliveryState.HELD, cause="flood-feed:x", not_before=later) for row in rows])
    return path


def held(toml: Path) -> int:
    with Store.open(toml.parent / "state", now=datetime.now(UTC), read_only=True) as store:
        return int(store.counts()["held"])


def test_what_is_held_is_released_for_the_next_run(toml: Path) -> None:
    ran = door("channels", "release", "desk", "--config", toml)
    assert (ran.code, ran.err) == (0, "")
    assert "2 held messages released" in ran.out
    assert held(toml) == 0


def test_an_unknown_channel_is_named(toml: Path) -> None:
    ran = door("channels", "release", "dsk", "--config", toml)
    assert ran.code == 1
    assert ran.said == ["longarm: dsk: no channel has this name; `longarm channels list` shows them"]


async def test_a_running_watch_is_asked_to_and_sends_them_in_its_next_pass(
    toml: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with app.opened(config.load(toml, {})) as running:
        ran = door("channels", "release", "desk", "--config", toml)
        assert ran.code == 0
        assert "was asked to release it" in ran.out
        report = await app.deliver_pass(running, datetime.now(UTC))
        assert report.sent == 2
        assert not (toml.parent / "state" / errands.RELEASE).exists()
