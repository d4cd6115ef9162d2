"""What no site can bring about: that its words leave by an error, or that something else than the guard dials."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.health_parts import HOUR, START, Site, answer, world

PACKAGE = Path(__file__).resolve().parents[1] / "monitor"
DIALS = {"urllib.request", "http.client", "ftplib", "smtplib", "telnetlib", "websockets", "pycurl"}
MARKER = "INTERNAL-7f3a"


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield str(path.relative_to(PACKAGE)), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_no_part_of_the_standard_library_dials_past_the_guard() -> None:
    found = {
        (name, one)
        for name, tree in trees()
        for one in imported(tree)
        if one in DIALS and not name.startswith("alerts/channels/")
    }
    assert found == set()


def test_the_feed_parser_is_given_a_stream_and_never_a_string_that_it_would_open() -> None:
    calls = [
        (name, ast.unparse(node.args[0]))
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "feedparser.parse"
    ]
    assert calls == [("ingest/parse.py", "stream")]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418, 429, 451, 500, 503])
async def test_nothing_of_what_a_refusal_says_is_told_kept_or_logged(
    tmp_path: Path, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(1, days=1)
    site.answer = lambda request, now: answer(status, MARKER.encode(), **{"x-said": MARKER})  # type: ignore[method-assign]
    with caplog.at_level(logging.DEBUG), world(tmp_path, [site]) as it:
        await it.run(START + 60 * HOUR, step=3 * HOUR)
        assert it.notices() != []
        assert it.state(site).error
        assert MARKER not in repr((it.notices(), it.store.feed_states(), it.store.open_notices()))
    assert MARKER not in caplog.text
