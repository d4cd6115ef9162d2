"""Parts for tests of the public feeds: a real store in which channels were told stories, and the rules of both formats."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from monitor.alerts import render
from monitor.config import Settings
from monitor.config.settings import ChannelSettings, ChannelType, PublicSettings
from monitor.model import ChannelRules, Decision, Delivery, Judged, Outcome, Story
from monitor.public.files import Publisher
from monitor.store import Store
from tests.render_parts import FEED, MADRID, NOW, STATE, story_in

MAIN, INNER = ChannelRules(name="main"), ChannelRules(name="inner")
BASE = "https://watch.example/feeds"


def settings(state: Path, *rules: ChannelRules, **public: Any) -> Settings:
    """Settings under which what "main" is told is public, at `BASE`."""
    values = {"enabled": True, "title": "The watch", "url": BASE, "channels": ("main",)} | public
    channels = tuple(
        ChannelSettings(name=rule.name, type=ChannelType.TELEGRAM, chat="@x", rules=rule)
        for rule in rules or (MAIN, INNER)
    )
    return Settings(feeds=(FEED,), channels=channels, timezone=MADRID, state_dir=state, public=PublicSettings(**values))


@dataclass
class Face:
    """A store, and what its public feeds are. Every time is a minute after the last."""

    state: Path
    store: Store
    settings: Settings
    publisher: Publisher = field(default_factory=Publisher)
    now: datetime = NOW

    def record(self, *pairs: tuple[Story, Judged], rules: Sequence[ChannelRules] = (MAIN,)) -> None:
        """Stories become known and are queued for `rules`."""
        rows = tuple(row for _, row in pairs)
        alerts = tuple(story for story, row in pairs if row.verdict.decision is Decision.ALERT)
        outcome = Outcome(state=STATE, judged=rows, announce=alerts)
        mail = render.deliveries(outcome, channels=rules, feeds={FEED.url: FEED}, tz=MADRID, now=self.now)
        self.store.record(outcome, mail, now=self.now)

    def queue(self, *mail: Delivery) -> None:
        assert self.store.queue([replace(one, queued_at=self.now) for one in mail]) == len(mail)

    def send(self) -> None:
        """Everything that waits is sent, a minute later."""
        self.now += timedelta(minutes=1)
        later = self.now + timedelta(hours=1)
        while rows := self.store.pending(later):
            for row in rows:
                self.store.mark_sending(row.id, self.now)
                self.store.settle_sent(row.id, str(row.id), self.now, chat="telegram:@x")

    def tell(self, *pairs: tuple[Story, Judged], rules: Sequence[ChannelRules] = (MAIN,)) -> None:
        self.record(*pairs, rules=rules)
        self.send()

    def publish(self) -> list[str]:
        """Names of the files that changed. What is there afterwards is valid by the rules of its format."""
        changed = [path.name for path in self.publisher.publish(self.store, self.settings)]
        for path in sorted((self.state / "public").glob("*")):
            faults = atom_faults(path.read_bytes()) if path.suffix == ".atom" else json_faults(path.read_bytes())
            assert faults == [], path.name
        return changed

    def bytes(self, name: str = "alerts.atom") -> bytes:
        return (self.state / "public" / name).read_bytes()

    def items(self, name: str = "alerts.json") -> list[dict[str, Any]]:
        """The entries, as the JSON file has them."""
        items: list[dict[str, Any]] = json.loads(self.bytes(name))["items"]
        return items

    def titles(self, name: str = "alerts.json") -> list[str]:
        return [item["title"] for item in self.items(name)]


def a_story(number: int, title: str = "", language: str = "en", **changes: Any) -> tuple[Story, Judged]:
    """A story of one article with its own title."""
    made, row = story_in(language, number, **changes)
    title = title or made.members[0].title
    article = replace(row.article, title=title)
    return replace(made, members=(replace(made.members[0], title=title),)), replace(row, article=article)


# ── the rules of the formats ──────────────────────────────────────────────────────────────────────

_A = "{http://www.w3.org/2005/Atom}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_TAG_URI = re.compile(r"tag:[a-z0-9.@-]+,\d{4}(?:-\d\d(?:-\d\d)?)?:[A-Za-z0-9:./_-]+")
_MEDIA = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_TAGS = set("a b bdi br code dd dl dt em h1 h2 h3 header footer i li main ol p section span strong ul".split())
_ATTRIBUTES = {"href", "rel", "dir", "lang"}


def atom_faults(document: bytes) -> list[str]:
    """What RFC 4287 demands and `document` lacks; https://www.rfc-editor.org/rfc/rfc4287 by section."""
    root = ElementTree.fromstring(document)
    faults = [] if root.tag == f"{_A}feed" else ["4.1.1: the root is no atom:feed"]
    faults += [] if _LANGUAGE.fullmatch(root.get(f"{_XML}lang", "")) else ["2: no xml:lang"]
    faults += _once(root, "id", "title", "updated")
    entries = root.findall(f"{_A}entry")
    if not root.findall(f"{_A}author/{_A}name"):
        faults += ["4.1.1: neither the feed nor its entries have an author"]
    ids = [entry.findtext(f"{_A}id", "") for entry in entries]
    faults += ["4.2.6: ids are not unique"] if len({*ids, root.findtext(f"{_A}id")}) != len(ids) + 1 else []
    for element in (root, *entries):
        name = element.findtext(f"{_A}id") or "?"
        faults += [f"{name}: {fault}" for fault in _element_faults(element)]
    for entry in entries:
        faults += _once(entry, "id", "title", "updated", "content")
        if (entry.findtext(f"{_A}updated") or "") < (entry.findtext(f"{_A}published") or ""):
            faults.append("4.2.9: published after updated")
    order = [entry.findtext(f"{_A}updated", "") for entry in entries]
    faults += [] if order == sorted(order, reverse=True) else ["the newest is not first"]
    return faults + [
        f"control character in {e.tag}" for e in root.iter() if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", e.text or "")
    ]


def _once(element: ElementTree.Element, *names: str) -> list[str]:
    return [f"exactly one atom:{name}" for name in names if len(element.findall(_A + name)) != 1]


def _element_faults(element: ElementTree.Element) -> list[str]:
    faults = []
    for name in ("updated", "published"):
        for found in element.findall(_A + name):
            faults += [] if _DATE.fullmatch(found.text or "") else [f"3.3: {name} is no date"]
    for found in element.findall(f"{_A}id"):
        faults += [] if _TAG_URI.fullmatch(found.text or "") else ["4.2.6: the id is no URI"]
    for found in element.findall(f"{_A}title"):
        faults += (
            [] if found.get("type") == "text" and (found.text or "").strip() and not len(found) else ["3.1: title"]
        )
    for found in element.findall(f"{_A}content"):
        faults += [] if found.get("type") == "html" and not len(found) else ["4.1.3.3: content is no escaped HTML"]
        faults += html_faults(found.text or "")
    kinds = []
    for link in element.findall(f"{_A}link"):
        parts = urlsplit(link.get("href", ""))
        faults += [] if parts.scheme in ("http", "https") and parts.netloc else ["4.2.7.1: href"]
        faults += [] if _MEDIA.fullmatch(link.get("type", "")) else ["4.2.7.3: type is no media type"]
        kinds.append((link.get("rel"), link.get("type")))
    return faults + (["4.1.1: two alternates of one type"] if len(kinds) != len(set(kinds)) else [])


def html_faults(content: str) -> list[str]:
    """What in an entry's HTML could act, load, or tell where it was clicked."""
    faults: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            faults.extend(["tag " + tag] if tag not in _TAGS else [])
            faults.extend(f"attribute {name}" for name, _ in attrs if name not in _ATTRIBUTES)
            given = dict(attrs)
            if "href" in given:
                safe = urlsplit(given["href"] or "").scheme in ("http", "https")
                faults.extend([] if safe and given.get("rel") == "noopener noreferrer nofollow" else ["link"])

    Reader().feed(content)
    return faults


def json_faults(document: bytes) -> list[str]:
    """What https://www.jsonfeed.org/version/1.1/ demands and `document` lacks."""
    feed = json.loads(document.decode("utf-8"))
    faults = [] if feed.get("version") == "https://jsonfeed.org/version/1.1" else ["version"]
    faults += [] if isinstance(feed.get("title"), str) and feed["title"] else ["title"]
    faults += [] if isinstance(feed.get("items"), list) else ["items"]
    faults += [] if all(one.get("name") for one in feed.get("authors", [{}])) else ["authors"]
    faults += ["author is of version 1"] if "author" in feed else []
    faults += [] if urlsplit(feed.get("feed_url", "https://x")).scheme in ("http", "https") else ["feed_url"]
    ids = [item.get("id") for item in feed["items"]]
    faults += ["ids are not unique"] if len(ids) != len(set(ids)) else []
    for item in feed["items"]:
        faults += [] if isinstance(item.get("id"), str) and item["id"] else ["item id"]
        faults += [] if item.get("content_html") or item.get("content_text") else ["neither content"]
        faults += html_faults(item.get("content_html", ""))
        faults += [
            f"{key} is no date" for key in ("date_published", "date_modified") if not _DATE.fullmatch(item.get(key, ""))
        ]
        faults += [] if _LANGUAGE.fullmatch(item.get("language", "en")) else ["language"]
        faults += [] if urlsplit(item.get("url", "https://x")).scheme in ("http", "https") else ["url"]
        known = {"id", "url", "title", "content_html", "date_published", "date_modified", "language"}
        faults += [f"item says {key}" for key in set(item) - known]
    return faults
