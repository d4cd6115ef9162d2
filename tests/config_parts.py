"""Writing a feeds.toml and loading it, for the tests of the configuration."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from monitor import config
from monitor.errors import ConfigError

FEED = '[[feeds]]\nurl = "https://news.test/rss"\n'
TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "feeds.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def loaded(text: str | bytes, environ: Mapping[str, str] | None = None) -> config.Settings:
    with tempfile.TemporaryDirectory() as folder:
        return config.load(written(Path(folder), text), environ or {})


def problems(text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
    """Every problem, with the folder taken off the file's name."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            config.load(written(Path(folder), text), environ or {})
        except ConfigError as error:
            for line in error.problems:
                assert "\n" not in line
            return [line.replace(f"{folder}/", "") for line in error.problems]
    return []


def problem(text: str | bytes, environ: Mapping[str, str] | None = None) -> str:
    """The one problem there is."""
    found = problems(text, environ)
    assert len(found) == 1, found
    return found[0]
