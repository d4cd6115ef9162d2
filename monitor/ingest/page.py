"""An article's page -> its headline, description and paragraphs; a plain reading, for explaining one address.

Touches nothing. What it cannot read is empty; it raises for no page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from monitor.ingest.decode import decoded

MAX_BYTES = 2 * 2**20
"""A page longer than this is read up to here: its article stands at the top."""

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?[\w-]+", re.IGNORECASE)
_SKIPPED = {"script", "style", "nav", "footer", "aside", "form", "noscript", "template"}
_LEAST_PARAGRAPH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page says of its article. `text` holds paragraphs, one a line."""

    title: str
    summary: str
    text: str


def read_page(body: bytes, content_type: str = "") -> Page:
    """Read `body` (HTML in any encoding it or `content_type` names; UTF-8 otherwise)."""
    head = body[:MAX_BYTES]
    inside = _CHARSET.search(head[:4096])
    named = content_type if "charset" in content_type.lower() or not inside else inside.group().decode()
    text, _ = decoded(head, named)
    reader = _Reader()
    reader.feed(text)
    reader.close()
    meta = reader.meta
    return Page(
        title=_folded(meta.get("og:title") or reader.title),
        summary=_folded(meta.get("og:description") or meta.get("description") or ""),
        text="\n".join(p for p in map(_folded, reader.paragraphs) if len(p) >= _LEAST_PARAGRAPH),
    )


def _folded(text: str) -> str:
    return " ".join(text.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.meta: dict[str, str] = {}
        self.paragraphs: list[str] = []
        self._inside: str = ""
        self._skipping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self._skipping += 1
        elif tag == "meta":
            values = dict(attrs)
            name = (values.get("property") or values.get("name") or "").lower()
            self.meta.setdefault(name, values.get("content") or "")
        elif tag in ("title", "p") and not self._skipping:
            self._inside = tag
            if tag == "p":
                self.paragraphs.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._skipping = max(0, self._skipping - 1)
        elif tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._skipping or not self._inside:
            return
        if self._inside == "title":
            self.title += data
        else:
            self.paragraphs[-1] += data
