"""`longarm digest` on a real state: forms, channels, languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli import longarm
from monitor.digest import picture
from monitor.errors import ConfigError
from monitor.model import Decision
from monitor.store import Store
from tests.store_parts import an_outcome, judged

CONFIG = """
[[feeds]]
url = "https://harbour-wire.example/rss"
[[channels]]
name = "spanish"
type = "console"
language = "es"
languages = ["es"]
[[channels]]
name = "everything"
type = "console"
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """A configuration with a state in which two articles of this week stand, one of them Spanish."""
    path = tmp_path / "feeds.toml"
    path.write_text(CONFIG, encoding="utf-8")
    now = datetime.now(UTC)
    ones = (
        judged("English", Decision.DIGEST, first_seen_at=now, published_at=now - timedelta(minutes=5)),
        judged("Spanish", Decision.DIGEST, first_seen_at=now, language="es"),
    )
    with Store.open(tmp_path / "state", now=now) as store:
        store.record(an_outcome(*ones), [], now=now)
    return path


def digest(toml: Path, *options: str) -> Result:
    week = f"{datetime.now(UTC):%G-W%V}"
    return CliRunner().invoke(longarm, ["digest", "--config", str(toml), "--week", week, *options])


def test_a_channels_digest_has_its_stories_and_its_language(toml: Path) -> None:
    told = digest(toml, "--channel", "spanish").output
    assert "Title Spanish" in told
    assert "Title English" not in told
    assert "SEMANA DE LA REPRESIÓN" in told
    whole = digest(toml, "--channel", "everything").output
    assert "Title English" in whole
    assert "OVERSEAS POLICING WEEK" in whole


def test_a_language_that_is_asked_for_goes_before_the_channels(toml: Path) -> None:
    assert "WOCHE" in digest(toml, "--channel", "spanish", "--language", "de").output
    assert 'dir="rtl"' in digest(toml, "--format", "html", "--language", "ar").output
    assert digest(toml, "--language", "xx").exit_code == 2


def test_an_unknown_channel_is_refused_with_those_that_are_known(toml: Path) -> None:
    with pytest.raises(ConfigError, match="no channel is called “none”; known are spanish, everything"):
        CliRunner().invoke(longarm, ["digest", "--config", str(toml), "--channel", "none"], catch_exceptions=False)


def test_pictures_are_given_as_svg_and_as_pixels(toml: Path) -> None:
    assert digest(toml, "--format", "svg").output.startswith("<svg")
    pytest.importorskip("resvg_py")
    assert digest(toml, "--format", "png").stdout_bytes.startswith(b"\x89PNG")


def test_pixels_without_the_extra_are_refused_before_anything_is_read(
    toml: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", None)
    with pytest.raises(ConfigError, match="resvg-py"):
        picture.must_be_there()
    result = digest(toml, "--format", "png")
    assert isinstance(result.exception, ConfigError)


def test_a_language_of_a_channel_that_no_digest_speaks_is_a_mistake_with_its_line(toml: Path) -> None:
    toml.write_text(CONFIG.replace('language = "es"', 'language = "xx"', 1), encoding="utf-8")
    result = digest(toml)
    assert isinstance(result.exception, ConfigError)
    assert "language" in str(result.exception)
    assert "zh-Hans" in str(result.exception)
