from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from monitor.config import checks, schema
from tests.config_parts import FEED, loaded

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
TABLES = schema.File.model_fields
NEEDED = {
    "searches": {"provider": "bing-news", "query": {"en": "x"}},
    "channels": {"name": "x", "type": "console"},
    "feeds": {"url": "https://x.test/"},
}
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| `(.*?)` \| (.+) \|$", re.MULTILINE)


def rows(table: str) -> dict[str, tuple[str, str]]:
    """Key -> (default, example) as the page has them."""
    section = re.split(rf"^## `\[+{table}\]+`$", PAGE, flags=re.MULTILINE)[1].split("\n## ")[0]
    return {key: (default, example) for key, default, example, _ in ROW.findall(section)}


def keys() -> list[tuple[str, str]]:
    return [(table, key) for table in TABLES for key in schema._TABLES[table].model_fields]


@pytest.mark.parametrize("table", list(TABLES))
def test_every_key_is_described_and_none_that_is_not(table: str) -> None:
    assert set(rows(table)) == set(schema._TABLES[table].model_fields)


@pytest.mark.parametrize(("table", "key"), keys())
def test_every_example_of_the_page_is_valid(table: str, key: str) -> None:
    _, example = rows(table)[key]
    value = tomllib.loads(example)
    assert list(value) == [key]
    schema._TABLES[table].model_validate(NEEDED.get(table, {}) | value)


@pytest.mark.parametrize(("table", "key"), keys())
def test_every_default_of_the_page_is_the_real_one(table: str, key: str) -> None:
    default, _ = rows(table)[key]
    model = schema._TABLES[table]
    written = re.fullmatch(r"`([^`]*)`", default)
    if default.startswith("needed"):
        assert model.model_fields[key].is_required() or any(key == needed for needed, _ in checks._NEEDS.values())
    elif written:
        value = tomllib.loads(f"x = {written[1]}")["x"]
        assert (
            getattr(model.model_validate(NEEDED.get(table, {}) | {key: value}), key) == model.model_fields[key].default
        )
    else:
        assert model.model_fields[key].default in ("", None)


def test_the_page_names_every_variable() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in (Path(schema.__file__).parent).glob("*.py")
        if path.name != "values.py"
    )
    named = set(re.findall(r'"(LONGARM_[A-Z_]+)"', code))
    assert {"LONGARM_TELEGRAM_TOKEN", "LONGARM_PROXY", "LONGARM_DATABASE_URL", "LONGARM_WEB_PASSWORD"} <= named
    assert all(f"`{name}`" in PAGE for name in named)


def test_the_smallest_file_of_the_page_works() -> None:
    block = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    assert len(loaded(block[1]).feeds) == len(loaded(FEED).feeds)
