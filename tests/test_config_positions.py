from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import log
from monitor.config.positions import Path, line_of, positions
from tests.config_parts import problems


def paths_of(value: object, path: Path = ()) -> set[Path]:
    found = {path}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found |= paths_of(item, (*path, key))
    return found


def test_every_way_to_write_a_key_has_its_line() -> None:
    text = '''# [not.a.table]
top = 1
"quoted key".'lit.eral' = 2   # evry = 3
[a]
b.c = """
[fake]
x = 1"""
d = [ # [
  1, [
    2], "]",
]
[a.e]
f = { g = 1, "h i" = [
  { j = 2 } ] }
[[k.l]]
[[k.l.m]]
n = 1
[[k.l.m]]
n = 2
[[k.l]]
[k.l.o]
p = \'\'\'a\'\'\'\'\'
q = 1979-05-27 07:32:00Z
"\\u0072" = """a"" \\""""""
'''
    lines = positions(text)
    assert lines == {
        (): 1, ("top",): 2, ("quoted key",): 3, ("quoted key", "lit.eral"): 3,
        ("a",): 4, ("a", "b"): 5, ("a", "b", "c"): 5, ("a", "d"): 8, ("a", "d", 0): 9, ("a", "d", 1): 9,
        ("a", "d", 1, 0): 10, ("a", "d", 2): 10, ("a", "e"): 12, ("a", "e", "f"): 13, ("a", "e", "f", "g"): 13,
        ("a", "e", "f", "h i"): 13, ("a", "e", "f", "h i", 0): 14, ("a", "e", "f", "h i", 0, "j"): 14,
        ("k",): 15, ("k", "l"): 15, ("k", "l", 0): 15, ("k", "l", 0, "m"): 16, ("k", "l", 0, "m", 0): 16,
        ("k", "l", 0, "m", 0, "n"): 17, ("k", "l", 0, "m", 1): 18, ("k", "l", 0, "m", 1, "n"): 19,
        ("k", "l", 1): 20, ("k", "l", 1, "o"): 21, ("k", "l", 1, "o", "p"): 22, ("k", "l", 1, "o", "q"): 23,
        ("k", "l", 1, "o", "r"): 24,
    }  # fmt: skip
    assert set(lines) == paths_of(tomllib.loads(text))


def test_what_is_missing_has_the_line_of_what_is_around_it() -> None:
    lines = positions("[[feeds]]\nurl = 'x'\n[[feeds]]\nname = 'y'")
    assert line_of(("feeds", 1, "url"), lines) == 3
    assert line_of(("nothing", 0), lines) == 1


def test_a_table_that_is_opened_after_its_part_has_the_line_of_its_own_header() -> None:
    assert positions("[a.b]\n\n[a]\n")["a",] == 3


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "a = 1 # end"])
def test_small_texts_are_read_to_their_end(text: str) -> None:
    assert set(positions(text)) == paths_of(tomllib.loads(text))


# ── any document at all ───────────────────────────────────────────────────────────────────────────

CHARS = st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t")
KEYS = st.text(alphabet="abc-_09", min_size=1, max_size=4) | st.text(CHARS, max_size=5)
TRICKY = st.sampled_from(["[feeds]", "a = 1", "# x", '"', "'", '"""', "'''", "\\", "}", "]", "\n[x]\ny = 2\n", "", ","])
SCALARS = st.integers(-9, 99) | st.booleans() | TRICKY | st.text(CHARS, max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


class Writer:
    """Writes a document in styles chosen by chance, and notes on which line it put each thing."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Path, int] = {(): 1}

    def choice(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def line(self) -> int:
        return self.text.count("\n") + 1

    def key(self, key: str) -> str:
        if re.fullmatch(r"[A-Za-z0-9_-]+", key) and self.choice(True, False):
            return key
        literal = "'" not in key and "\n" not in key
        return f"'{key}'" if literal and self.choice(True, False) else json.dumps(key, ensure_ascii=False)

    def string(self, value: str) -> str:
        styles = ["basic", "multi"]
        styles += ["literal"] if "'" not in value and "\n" not in value else []
        styles += ["literals"] if "'''" not in value and not value.endswith("'") else []
        style = self.choice(*styles)
        if style == "literal":
            return f"'{value}'"
        if style == "literals":
            return f"'''\n{value}'''"
        if style == "multi":
            return '"""\n' + value.replace("\\", "\\\\").replace('"', '\\"') + '"""'
        return json.dumps(value, ensure_ascii=False)

    def value(self, value: Any, path: Path) -> None:
        if isinstance(value, dict):
            self.text += "{ "
            for index, (key, item) in enumerate(value.items()):
                self.text += ", " if index else ""
                self.pair(key, item, path)
            self.text += " }"
        elif isinstance(value, list):
            self.text += "["
            for index, item in enumerate(value):
                self.text += self.choice("", "\n", " # ]\n  ")
                self.lines[*path, index] = self.line()
                self.value(item, (*path, index))
                self.text += self.choice(",", " , # ,\n")
            self.text += "]"
        else:
            self.text += str(value).lower() if isinstance(value, bool | int) else self.string(value)

    def pair(self, key: str, value: Any, path: Path) -> None:
        self.lines[*path, key] = self.line()
        self.text += f"{self.key(key)} = "
        self.value(value, (*path, key))

    def table(self, table: dict[str, Any], path: Path, header: str) -> None:
        later = []
        for key, value in table.items():
            many = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
            if (isinstance(value, dict) or many) and self.choice(True, False):
                later.append((key, value))
                continue
            self.pair(key, value, path)
            self.text += self.choice("\n", " # [x]\n", "\n\n")
        for key, value in later:
            full = f"{header}.{self.key(key)}" if header else self.key(key)
            self.lines[*path, key] = self.line()
            for index, item in enumerate(value) if isinstance(value, list) else ():
                self.lines[*path, key, index] = self.line()
                self.text += f"[[{full}]]\n"
                self.table(item, (*path, key, index), full)
            if isinstance(value, dict):
                self.text += f"[ {full} ]\n"
                self.table(value, (*path, key), full)


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5), st.data())
def test_any_document_keeps_its_lines(document: dict[str, Any], data: st.DataObject) -> None:
    writer = Writer(data.draw)
    writer.table(document, (), "")
    assert tomllib.loads(writer.text) == document
    assert positions(writer.text) == writer.lines


KNOWN = st.sampled_from(
    ["monitor", "network", "relevance", "feeds", "searches", "channels", "url", "query", "name", "type", "alert_at",
     "digest_at", "allow", "proxy", "provider", "enabled", "api_url", "url_env", "chat", "tags", "en", "zh-Hant"]
)  # fmt: skip
LIKELY = st.sampled_from(
    ["telegram", "console", "apprise", "https://x.test/", "http://[", "google-news", "0.0.0.0/0", "h:1"]
)
SETTINGS = st.recursive(
    LIKELY | SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KNOWN, inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KNOWN, SETTINGS, max_size=6), st.data())
def test_any_document_at_all_is_taken_or_refused_with_lines_that_exist(
    document: dict[str, Any], data: st.DataObject
) -> None:
    writer = Writer(data.draw)
    writer.table(document, (), "")
    for line in problems(writer.text):
        assert log.escaped(line) == line
        number = re.match(r"feeds\.toml:(?:(\d+): | )", line)
        assert number
        assert int(number[1] or 1) <= writer.line()


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(st.characters(exclude_categories=["Cs"]), max_size=60).map(str.encode))
def test_any_bytes_at_all_are_refused_in_lines_that_can_be_printed(content: bytes) -> None:
    found = problems(content)
    assert found
    assert all(log.escaped(line) == line for line in found)
