"""A feed's text made harmless and whole before the XML parser sees it.

    prolog      declarations, comments and the document type go, with every entity defined there
    sweep       bad character references, stray ampersands, foreign xml:base; entries are counted outside of CDATA
    whole       what a cut connection left unfinished, and what stands after the document's end, goes
    capped      entries over the cap are cut out
    authors     names over 320 characters are cut: the feed parser's address pattern is quadratic in them

Every step walks the text once and takes time in proportion to its length. Decides nothing about what entries mean, and
must leave a well-formed, modest feed as it is.
"""

from __future__ import annotations

import html
import html.entities
import re
from dataclasses import dataclass, field
from datetime import datetime
from xml.sax.saxutils import escape

from monitor.ingest import fields
from monitor.ingest.jsonfeed import over_cap

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_SPACE = re.compile(r"[\s\ufeff]*")
_ROOT = re.compile(r"<([A-Za-z_][\w:.-]*)")
_FEED_ROOT = re.compile(r"<(?:[\w.-]{1,60}:)?(?:rss|feed|rdf|channel)(?=[\s>])", re.IGNORECASE)
_ERROR_PAGE_BIT = re.compile(r"<(?:br|b|p|pre|div|font)[\s/>]", re.IGNORECASE)
_DECLARATION_PART = re.compile(r"""["'\[\]>]|<!--""")
_OPAQUE = re.compile(r"<!\[CDATA\[|<!--")
_ENTRY_TAG = re.compile(r"<(/?)(?:[\w.-]{1,60}:)?(?:item|entry)(?=[\s/>])[^<>]*>?", re.IGNORECASE)
_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)(?:#([xX][0-9A-Fa-f]+|[0-9]+);?|([A-Za-z][A-Za-z0-9]{1,31});)?")
_BASE = re.compile(r"""\s(?:xml:)?base\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""", re.IGNORECASE)
_DATE = re.compile(
    r"<(?:[\w.-]+:)?(?:pubdate|published|updated|date|issued|modified)\b[^<>]*>([^<]{1,100})<", re.IGNORECASE
)
_PERSON = re.compile(
    r"<((?:[\w.-]{1,60}:)?(?:author|creator|managingeditor|webmaster|publisher|contributor|owner|name|email))(?=[\s>])[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"<!\[CDATA\[|\]\]>|<[^<>]*>")
_CHILD = re.compile(r"<[A-Za-z_]")
_MAX_PERSON_CHARS = 2_000
_CDATA_START, _CDATA_END = "<![CDATA[", "]]>"
_CHUNK_CHARS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Disarmed:
    """A document ready for the XML parser. `root` is its first element's name as written; empty: there is none.

    `html_doctype`: the document calls itself HTML.
    """

    text: str
    root: str
    html_doctype: bool = False
    truncated: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Swept:
    """The text so far in pieces, and where in it entries open and close."""

    pieces: list[str] = field(default_factory=list)
    length: int = 0
    opens: list[int] = field(default_factory=list)
    last_open_end: int = 0
    last_close_end: int = 0
    unfinished: bool = False

    def add(self, piece: str) -> None:
        self.pieces.append(piece)
        self.length += len(piece)

    def add_markup(self, piece: str, url: str) -> None:
        if "base" in piece:
            piece = _BASE.sub(lambda match: _base(match, url), piece)
        if "&" in piece:
            piece = _AMPERSAND.sub(_reference, piece)
        for tag in _ENTRY_TAG.finditer(piece):
            end = self.length + tag.end()
            if tag.group(1) or tag.group().endswith("/>"):
                self.last_close_end = end
            if not tag.group(1):
                self.opens.append(self.length + tag.start())
                self.last_open_end = end
        self.add(piece)

    def cut(self, text: str, end: int) -> str:
        """Forget what lies beyond `end`."""
        self.opens = [at for at in self.opens if at < end]
        self.last_open_end, self.last_close_end = min(self.last_open_end, end), min(self.last_close_end, end)
        return text[:end]


def disarmed(text: str, *, url: str, max_entries: int) -> Disarmed:
    """Make a decoded XML document safe for the feed parser. `url` is where it was found."""
    text = _FORBIDDEN.sub("", text)
    prolog = _prolog(text)
    root = _ROOT.match(text, prolog.end)
    if root is None:
        return Disarmed(text="", root="", html_doctype=prolog.html)
    swept = _swept(text, root.start(), url)
    whole, truncated = _whole("".join(swept.pieces), root.group(1), swept)
    warnings = prolog.warnings
    if truncated:
        warnings = (*warnings, "the document is cut off: its whole entries are used")
    kept = _capped(whole, swept.opens, swept, max_entries)
    if len(swept.opens) > max_entries:
        warnings = (*warnings, over_cap(len(swept.opens), max_entries))
    return Disarmed(
        text=_with_short_authors(kept),
        root=root.group(1),
        html_doctype=prolog.html,
        truncated=truncated,
        warnings=warnings,
    )


# ── what stands before the root element ───────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Prolog:
    end: int
    html: bool = False
    warnings: tuple[str, ...] = ()


def _prolog(text: str) -> _Prolog:
    """Skip what stands before the root element; `end` is where that begins, or the end of the text."""
    at, is_html, warnings = _after_space(text, 0), False, []
    while (end := _declaration_end(text, at)) != -1:
        declaration = text[at:end].lower()
        is_html = is_html or re.match(r"<!doctype\s+html", declaration) is not None
        if "<!entity" in declaration:
            warnings.append("entities that the document defines itself were left out")
        at = _after_space(text, end)
    if not _ROOT.match(text, at) or _ERROR_PAGE_BIT.match(text, at):
        # A word of the server's before the feed: "Warning: …", "<br />". The feed after it is whole.
        found = _FEED_ROOT.search(text, at)
        if found:
            at = found.start()
            warnings.append("text before the feed was left out")
    return _Prolog(at, html=is_html, warnings=tuple(dict.fromkeys(warnings)))


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _declaration_end(text: str, at: int) -> int:
    """Where the instruction, comment or declaration at `at` ends; -1 when there is none or it doesn't end."""
    if text.startswith("<?", at):
        end = text.find("?>", at)
        return end + 2 if end != -1 else -1
    if text.startswith("<!--", at):
        end = text.find("-->", at + 4)
        return end + 3 if end != -1 else -1
    return _markup_declaration_end(text, at + 2) if text.startswith("<!", at) else -1


def _markup_declaration_end(text: str, at: int) -> int:
    """Walk a <!…> declaration with its quotes, comments and internal subset."""
    depth = 0
    while part := _DECLARATION_PART.search(text, at):
        mark, at = part.group(), part.end()
        if mark in {'"', "'"}:
            at = text.find(mark, at) + 1
        elif mark == "<!--":
            end = text.find("-->", at)
            at = end + 3 if end != -1 else 0
        elif mark == "[":
            depth += 1
        elif mark == "]":
            depth = max(0, depth - 1)
        elif depth == 0:
            return at
        if at == 0:
            return -1
    return -1


# ── references, bases, counting ───────────────────────────────────────────────────────────────────


def _swept(text: str, start: int, url: str) -> _Swept:
    """Clean everything outside of CDATA; comments go."""
    swept = _Swept()
    at = start
    while mark := _OPAQUE.search(text, at):
        swept.add_markup(text[at : mark.start()], url)
        closing = _CDATA_END if mark.group() == _CDATA_START else "-->"
        end = text.find(closing, mark.end())
        if end == -1:
            swept.unfinished = True  # the connection was cut inside; what came is of no use
            return swept
        if closing == _CDATA_END:
            swept.add(text[mark.start() : end + len(closing)])
        at = end + len(closing)
    swept.add_markup(text[at:], url)
    return swept


def _reference(match: re.Match[str]) -> str:
    """What an ampersand outside of the five XML entities becomes: a character, or plain text."""
    number, name = match.group(1), match.group(2)
    if number:
        return _character(number)
    if name:
        character = html.entities.html5.get(f"{name};", "")
        if character:
            return escape(character, {'"': "&quot;", "'": "&apos;"})
    return "&amp;" + match.group()[1:]


def _character(number: str) -> str:
    digits = number.lstrip("xX0") or "0"
    if len(digits) > 8:
        return "\ufffd"
    code = int(digits, 16 if number[0] in "xX" else 10)
    if code in {0x09, 0x0A, 0x0D}:
        return f"&#{code};"
    if code < 0x20 or 0xD800 <= code <= 0xDFFF or code in {0xFFFE, 0xFFFF} or code > 0x10FFFF:
        return "\ufffd"
    return escape(chr(code), {'"': "&quot;", "'": "&apos;"})


def _base(match: re.Match[str], url: str) -> str:
    """Keep an xml:base that stays on the feed's own site; another one could give our links a stranger's host."""
    base = html.unescape(match.group(1) if match.group(1) is not None else match.group(2)).strip()
    target = fields.absolute(base, url)
    return match.group() if not url or (target and fields.same_site(target, url)) else " "


# ── whole entries, not too many ───────────────────────────────────────────────────────────────────


def _whole(text: str, root: str, swept: _Swept) -> tuple[str, bool]:
    """Cut what follows the root's end; of a document without an end drop the unfinished entry and close it."""
    endings = [match.end() for match in re.finditer(rf"</{re.escape(root)}\s*>", text, re.IGNORECASE)]
    if endings and not swept.unfinished:
        return swept.cut(text, endings[-1]), False
    if re.match(r"<[^<>]*/>\s*$", text):
        return text, False
    if swept.last_close_end:
        text = swept.cut(text, swept.last_close_end)
        if re.search(r"<channel[\s>]", text) and "</channel" not in text:
            text += "</channel>"
        text += f"</{root}>"
    return text, True


def _capped(text: str, opens: list[int], swept: _Swept, cap: int) -> str:
    """Cut entries over the cap out of the middle of the document: the oldest where dates tell, else the last ones."""
    over = len(opens) - cap
    if over <= 0:
        return text
    first, last = opens[0], opens[-1]
    dates = [_date_in(text[first : min(opens[1], first + _CHUNK_CHARS)]), _date_in(text[last : last + _CHUNK_CHARS])]
    if fields.newest_last(dates):
        return text[:first] + text[opens[over] :]
    tail = max(swept.last_close_end, swept.last_open_end)
    return text[: opens[cap]] + text[tail:]


def _date_in(chunk: str) -> datetime | None:
    match = _DATE.search(chunk)
    return fields.moment(match.group(1)) if match else None


def _with_short_authors(text: str) -> str:
    """Cut what persons' elements hold to 320 characters; an element that is never closed loses its tag."""
    pieces: list[str] = []
    done = 0
    never_closed: set[str] = set()
    for opening in _PERSON.finditer(text):
        name = opening.group(1)
        if opening.start() < done or opening.group().endswith("/>"):
            continue
        end = -1 if name in never_closed else text.find(f"</{name}", opening.end())
        if end == -1:
            never_closed.add(name)
            pieces.append(text[done : opening.start()])
            done = opening.end()
        elif end - opening.end() > fields.MAX_AUTHOR_CHARS:
            inside = text[opening.end() : end]
            held = _TAG.sub("", inside)
            # Elements inside (a person's page, a picture) are no part of the name, which is looked at on its own.
            if len(held) > (_MAX_PERSON_CHARS if _CHILD.search(inside) else fields.MAX_AUTHOR_CHARS):
                pieces += (text[done : opening.end()], escape(html.unescape(held)[: fields.MAX_AUTHOR_CHARS]))
                done = end
    return "".join([*pieces, text[done:]])
