"""Where each key of a TOML text stands: `tomllib` gives values only, and people need line numbers.

A scanner, not a second parser: it reads only text that `tomllib` has accepted, decides nothing about values, and knows
just enough of TOML 1.0 (https://toml.io/en/v1.0.0) not to be fooled by quoted keys, multi-line strings and arrays,
inline tables and nested arrays of tables. A property test holds it against `tomllib`: the same paths, all of them.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""Keys and indices from the top: ("feeds", 2, "every")."""

_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_SPACES = re.compile(r"[ \t]*+")
_KEY = re.compile(r"\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+'|[A-Za-z0-9_-]++")
_STRING = re.compile(
    r"\"\"\"(?:[^\"\\]++|\\[\s\S]|\"{1,2}(?!\"))*+\"\"\"\"{0,2}"  # up to two quotes may stand before the closing three
    r"|'''(?:[^']++|'{1,2}(?!'))*+''''{0,2}"
    r"|\"(?:[^\"\\\n]++|\\.)*+\""
    r"|'[^'\n]*+'"
)
_SCALAR = re.compile(r"[^,\]}#\r\n]++")


def positions(text: str) -> dict[Path, int]:
    """Map every path of a valid TOML `text` to its line, counted from 1; the document itself, `()`, is in line 1.

    The line of a table is that of its header, of an array of tables that of its first header, of an element of an
    array that where the element begins.
    """
    scanner = _Scanner(text)
    scanner.run()
    return scanner.lines


def line_of(path: Path, lines: Mapping[Path, int]) -> int:
    """The line of `path`, or of the nearest thing around it: what is missing has no line of its own."""
    while path not in lines:
        path = path[:-1]
    return lines[path]


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {(): 1}
        self._text = text
        self._at = 0
        self._line_starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._last_index: dict[Path, int] = {}

    def run(self) -> None:
        table: Path = ()
        while self._skip(_BLANK) < len(self._text):
            table = self._header() if self._text[self._at] == "[" else self._pair(table)

    def _header(self) -> Path:
        line = self._line()
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        *around, last = self._keys()
        path: Path = ()
        for key in around:
            path = self._inside((*path, key), line)
        path = (*path, last)
        if is_array:
            self.lines.setdefault(path, line)
            self._last_index[path] = self._last_index.get(path, -1) + 1
            path = (*path, self._last_index[path])
        self.lines[path] = line  # a table's own header says more than the first one of a table in it
        self._at += 2 if is_array else 1
        return path

    def _inside(self, path: Path, line: int) -> Path:
        self.lines.setdefault(path, line)
        return (*path, self._last_index[path]) if path in self._last_index else path

    def _pair(self, table: Path) -> Path:
        """Read `key = value`; return the table, which stays the same."""
        line = self._line()
        path = table
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._at += 1  # =
        self._skip(_SPACES)
        self._value(path)
        return table

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_SPACES)
            raw = self._take(_KEY)
            keys.append(tomllib.loads(f"key = {raw}")["key"] if raw[0] in "\"'" else raw)
            self._skip(_SPACES)
            if not self._text.startswith(".", self._at):
                return keys
            self._at += 1

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            self._take(_STRING if opening in "\"'" else _SCALAR)

    def _array(self, path: Path) -> None:
        count = 0
        self._at += 1
        while self._text[self._skip(_BLANK)] != "]":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self.lines[*path, count] = self._line()
            self._value((*path, count))
            count += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._text[self._skip(_BLANK)] != "}":
            if self._text[self._at] == ",":
                self._at += 1
            else:
                self._pair(path)
        self._at += 1

    def _line(self) -> int:
        return bisect_right(self._line_starts, self._at)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        assert found is not None
        self._at = found.end()
        return self._at

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise AssertionError(f"character {self._at} is not TOML that tomllib accepts")
        self._at = found.end()
        return found[0]
