"""What public channels were told, as entries of a feed. Pure: rows of the outbox in, entries out.

An entry says the words that were sent and no others: those of the first message, or of its last edit, and below them
the replies. So nothing can get out that the channels' own filters held back: what they were not told is not here. A
story that a list only named is here with its headline and its link, as it was there. Invisible word joiners, which keep
chats from making links, are taken out again: a feed makes none.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import nh3

from monitor.compose import WORD_JOINER, headline_of, shown_url, stretches
from monitor.model import (
    EPOCH,
    PICTURE_PART,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Label,
    LabelValue,
    Message,
    Span,
    SpanKind,
    Story,
)
from monitor.text import clean_line, safe_url

NEWEST = 100
"""Entries in a feed."""
AUTHORITY = "tag:longarm,2026"
"""Before every id (https://www.rfc-editor.org/rfc/rfc4151). No host's name: who moves the files keeps the ids."""

_TITLE_CHARS = 300
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_TAGS = {
    "a", "b", "bdi", "blockquote", "br", "code", "dd", "dl", "dt", "em", "h1", "h2", "h3", "header", "i", "li", "main",
    "ol", "p", "section", "span", "strong", "ul", "footer",
}  # fmt: skip
_MARKUP = {SpanKind.BOLD: "b", SpanKind.ITALIC: "i", SpanKind.CODE: "code", SpanKind.QUOTE: "em"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicEntry:
    """One entry. `title` is one line of text, `content` sanitised HTML, `url` safe to open or empty.

    `language` is that of the title, a BCP 47 tag or empty; both times are aware UTC.
    """

    id: str
    title: str
    content: str
    published_at: datetime
    updated_at: datetime
    url: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicFeed:
    """A feed: entries, the newest first. `base` is the address of the folder it will stand in, or empty."""

    name: str
    title: str
    base: str = ""
    entries: tuple[PublicEntry, ...] = ()

    @property
    def id(self) -> str:
        """Its id, a tag URI."""
        return f"{AUTHORITY}:{self.name}"

    @property
    def updated_at(self) -> datetime:
        """When something last changed in it; 1970 while it is empty."""
        return max((entry.updated_at for entry in self.entries), default=EPOCH)

    def address(self, suffix: str) -> str:
        """Where the file with `suffix` ("atom") will stand; empty without a base."""
        return f"{self.base.rstrip('/')}/{self.name}.{suffix}" if self.base else ""


def taken_back(stories: Iterable[Story], labels: Iterable[Label]) -> frozenset[str]:
    """Ids of stories that people took back: an article of it is labelled not relevant, and none is labelled relevant.

    `labels` are those that count, in order of time: of several raters the newest has the word on an article.
    """
    said = {label.article_id: label.value for label in labels}
    ids = []
    for story in stories:
        values = {said.get(member.article_id) for member in story.members}
        if LabelValue.NOT_RELEVANT in values and LabelValue.RELEVANT not in values:
            ids.append(story.id)
    return frozenset(ids)


def of_stories(
    rows: Iterable[Delivery], languages: Mapping[str, str], without: Collection[str]
) -> tuple[PublicEntry, ...]:
    """Make an entry of each story that `rows` (sent) tell, the last told first.

    `languages`: story id -> language. A story of `without` is left out, and one whose first message is missing.
    """
    by_story: dict[str, list[Delivery]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        if row.story_id and row.story_id not in without:
            by_story.setdefault(row.story_id, []).append(row)
    told = (_story(mine, languages.get(story_id, "")) for story_id, mine in by_story.items())
    return tuple(sorted(filter(None, told), key=lambda entry: (entry.updated_at, entry.id), reverse=True)[:NEWEST])


def _story(rows: Sequence[Delivery], language: str) -> PublicEntry | None:
    firsts = [row for row in rows if row.kind is DeliveryKind.SEND]
    if not firsts:
        return None
    first = next((row for row in firsts if not row.about), firsts[0])  # one that went alone says more than a list
    edits = [row for row in rows if row.kind is DeliveryKind.EDIT]
    replies = {row.key: row for row in reversed(rows) if row.kind is DeliveryKind.REPLY}  # in each channel the same
    words = edits[-1].message if edits else first.message
    only_named = bool(first.about) and not edits
    parts = [brief_html(words) if only_named else message_html(words)]
    parts += [message_html(row.message) for row in sorted(replies.values(), key=lambda row: row.id)]
    title = plain_line(headline_of(words))
    return PublicEntry(
        id=f"{AUTHORITY}:story:{first.story_id}",
        title=title,
        content="\n".join(filter(None, parts)) or f"<p>{html.escape(title)}</p>",
        published_at=min(row.sent_at or EPOCH for row in firsts),
        updated_at=max(row.sent_at or EPOCH for row in (first, *edits, *replies.values())),
        url=link_of(words),
        language=language_tag(language),
    )


def digests_told(rows: Iterable[Delivery]) -> tuple[tuple[str, str, datetime], ...]:
    """(week, channel, when it was told) of digests of which every part was sent; of a week the first channel's.

    Whether the picture went too is no part of it.
    """
    parts: dict[tuple[str, str], list[Delivery]] = {}
    for row in rows:
        week, _, part = row.key.removeprefix("digest:").partition("/")
        if part == PICTURE_PART:
            continue
        parts.setdefault((week, row.channel), []).append(row)
    told: dict[str, tuple[str, datetime]] = {}
    for (week, channel), mine in sorted(parts.items(), key=lambda item: item[1][0].id):
        if all(row.state is DeliveryState.SENT for row in mine):
            told.setdefault(week, (channel, max(row.sent_at or EPOCH for row in mine)))
    return tuple((week, channel, at) for week, (channel, at) in sorted(told.items(), reverse=True)[:NEWEST])


def of_digest(week: str, title: str, page: str, at: datetime, language: str = "en") -> PublicEntry:
    """Make an entry of a digest's HTML page."""
    return PublicEntry(
        id=f"{AUTHORITY}:digest:{week}",
        title=plain_line(title),
        content=sanitised(page),
        published_at=at,
        updated_at=at,
        language=language,
    )


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def plain_line(text: str) -> str:
    """Write a chat's line as a feed has it: no joiners, nothing that XML can't hold."""
    return xml_text(clean_line(text.replace(WORD_JOINER, ""), _TITLE_CHARS)) or "(no title)"


def xml_text(text: str) -> str:
    """Take out what no XML document may hold, escaped or not."""
    return _NOT_XML.sub("", text)


def language_tag(language: str) -> str:
    """Give a BCP 47 tag, or nothing where it is none."""
    tag = language.replace("_", "-")
    return tag if _TAG.fullmatch(tag) else ""


def link_of(message: Message) -> str:
    """Give the address that a message's last link leads to."""
    links = [safe_url(span.url) for span in message.spans if span.kind is SpanKind.LINK]
    return next((url for url in reversed(links) if url), "")


def sanitised(page: str) -> str:
    """Leave of HTML what a feed reader needs: text, structure, links that tell nothing of where they were clicked."""
    return xml_text(
        nh3.clean(
            page,
            tags=_TAGS,
            clean_content_tags={"script", "style", "title"},
            attributes={"*": {"dir", "lang"}, "a": {"href", "dir", "lang"}},
            url_schemes={"http", "https"},
            link_rel="noopener noreferrer nofollow",
        )
    ).strip()


def message_html(message: Message) -> str:
    """Write a message as HTML, a paragraph a line."""
    pieces = stretches(message)
    lines = "".join(_marked(message.text[start:end], spans) for start, end, spans in pieces).split("\n")
    return sanitised("\n".join(f'<p dir="auto">{line}</p>' for line in lines if line.strip()))


def brief_html(message: Message) -> str:
    """Write what a list says of a message's story: its headline and its link."""
    url = link_of(message)
    lines = [html.escape(plain_line(headline_of(message)))]
    lines += [f'<a href="{html.escape(url)}">{html.escape(shown_url(url))}</a>'] if url else []
    return sanitised("\n".join(f'<p dir="auto">{line}</p>' for line in lines))


def _marked(text: str, spans: Sequence[Span]) -> str:
    marked = html.escape(text.replace(WORD_JOINER, ""))
    for span in spans if marked.strip() else ():
        if span.kind is SpanKind.LINK:
            url = safe_url(span.url)
            marked = f'<a href="{html.escape(url)}">{marked}</a>' if url else marked
        else:
            marked = f"<{_MARKUP[span.kind]}>{marked}</{_MARKUP[span.kind]}>"
    return marked
