"""Was this address seen before? An article whose headline was edited is still the same article.

Pure memory of addresses, in the order in which they came; the oldest are let go when there are too many. It decides
nothing about texts, and never believes an address that can't be one article's: a home page, the page of a live blog
with an entirely other headline, an address another feed gives to something else, a page used again and again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from monitor.stories.likeness import Document

MOST = 200_000
"""Addresses remembered in one process, about 100 MB. The store remembers all of them (`stories.identity`)."""
UNRELATED_ALLOWED = 2
"""Entirely other headlines that one address may get, before it is taken for a page and not for an article."""

_FRONT = re.compile(
    r"^https://[^/?]+(?:/(?:index|home|default)(?:\.\w{2,5})?|/[a-z]{2}(?:[-_][a-z]{2})?|/(?:news|rss|feed))?/?(?:\?.*)?$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"[?&](?:p|id|aid|sid|nid|newsid|article|articleid|story|storyid|itemid)=\d+", re.IGNORECASE)
_LIVE = re.compile(
    r"[/-](?:live|liveblog|live-blog|live-updates?|liveticker|live-ticker|newsticker|ticker|en-direct|direct|en-vivo|"
    r"directo|diretta|online|onlayn|minute-by-minute)(?:[/.?_-]|$)",
    re.IGNORECASE,
)


@dataclass(slots=True, kw_only=True)
class Seen:
    """What is remembered of an address. `stems`: of every headline that stood under it."""

    story_id: str
    title: str
    feed: str
    stems: frozenset[str]
    unrelated: int = 0


class Addresses:
    """The addresses of placed articles; `url` is canonical everywhere here (`monitor.text.canonical_url`)."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._seen: dict[str, Seen] = {}

    def find(self, url: str, document: Document, feed: str) -> Seen | None:
        """Give the article of `url`, None where it is new or not believed."""
        seen = self._seen.get(url)
        if seen is None or seen.stems.intersection(document.title) or not seen.stems or not document.title:
            return seen
        if _LIVE.search(url) or document.is_roundup or seen.unrelated >= UNRELATED_ALLOWED or feed != seen.feed:
            return None
        return seen

    def remember(self, url: str, document: Document, *, title: str, feed: str, story_id: str) -> None:
        """Remember that the article under `url` has its place in a story; what names no one article is passed over."""
        if not url or (_FRONT.match(url) and not _NUMBERED.search(url)):
            return
        stems = frozenset(document.title)
        seen = self._seen.get(url)
        if seen is None:
            self._seen[url] = Seen(story_id=story_id, title=title, feed=feed, stems=stems)
            if len(self._seen) > self._most:
                del self._seen[next(iter(self._seen))]
            return
        seen.unrelated += not seen.stems & stems
        seen.stems |= stems
