"""Write a sample outlet as of a moment: RSS 2.0, Atom 1.0, RSS 1.0 (RDF) and JSON Feed 1.1 bytes.

Pure. The same outlet at the same state gives the same bytes, so that a feed without news can be answered with 304. The
truth fields of an item never reach the bytes. Titles and summaries are taken as the HTML they may hold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, tzinfo
from email.utils import format_datetime
from html import escape

from monitor.demo.items import DemoItem, Outlet

VISIBLE_ITEMS = 15

CONTENT_TYPES = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "rdf": "application/rdf+xml",
    "json": "application/feed+json",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A feed's bytes, their media type, and when the newest thing in them was changed."""

    body: bytes
    content_type: str
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    guid: str
    link: str
    title: str
    summary: str
    language: str
    published_at: datetime
    changed_at: datetime
    edited: bool


def page(outlet: Outlet, now: datetime, *, feed_url: str) -> Page:
    """Write the outlet's feed as of `now`: the 15 items that appeared last, newest first. `feed_url` names itself."""
    appeared = [item for item in outlet.items if item.appears_at <= now]
    shown = [_shown(item, outlet, now) for item in reversed(appeared[-VISIBLE_ITEMS:])]
    modified_at = max((item.changed_at for item in shown), default=now)
    write = {"rss": _rss, "atom": _atom, "rdf": _rdf, "json": _json}[outlet.format]
    text = write(outlet, shown, modified_at, feed_url)
    return Page(
        body=text.encode(outlet.encoding, "xmlcharrefreplace"),
        content_type=f"{CONTENT_TYPES[outlet.format]}; charset={outlet.encoding}",
        modified_at=modified_at,
    )


def _shown(item: DemoItem, outlet: Outlet, now: datetime) -> _Shown:
    title, summary, changed_at = item.wording(now)
    guid = item.guid
    if guid and outlet.changing_guids:
        guid = f"{guid}-{now:%Y%m%d%H%M%S}"
    return _Shown(
        guid=guid,
        link=item.link,
        title=title,
        summary=summary,
        language=item.language,
        published_at=item.published_at.astimezone(outlet.zone),
        changed_at=changed_at.astimezone(outlet.zone),
        edited=changed_at != item.appears_at,
    )


def _rss(outlet: Outlet, shown: list[_Shown], modified_at: datetime, feed_url: str) -> str:
    lines = [
        _declaration(outlet),
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>',
        f"<title>{escape(outlet.title)}</title><link>{outlet.home}</link>",
        f'<atom:link rel="self" type="application/rss+xml" href="{escape(feed_url)}"/>',
        f"<description>{escape(outlet.title)}</description><language>{outlet.language}</language>",
        f"<lastBuildDate>{_mail_date(modified_at, outlet.zone)}</lastBuildDate>",
    ]
    for item in shown:
        lines.append(f"<item><title>{escape(item.title)}</title>")
        if item.link:
            lines.append(f"<link>{escape(item.link)}</link>")
        if item.guid:
            permalink = "true" if item.guid == item.link else "false"
            lines.append(f'<guid isPermaLink="{permalink}">{escape(item.guid)}</guid>')
        lines.append(f"<description>{escape(item.summary)}</description>")
        lines.append(f"<pubDate>{_mail_date(item.published_at, outlet.zone)}</pubDate></item>")
    return "\n".join([*lines, "</channel></rss>", ""])


def _atom(outlet: Outlet, shown: list[_Shown], modified_at: datetime, feed_url: str) -> str:
    lines = [
        _declaration(outlet),
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{outlet.language}">',
        f"<title>{escape(outlet.title)}</title><id>{outlet.home}</id>",
        f'<link href="{outlet.home}"/><link rel="self" href="{escape(feed_url)}"/>',
        f"<author><name>{escape(outlet.title)}</name></author>",
        f"<updated>{modified_at.astimezone(outlet.zone).isoformat()}</updated>",
    ]
    for item in shown:
        updated_at = item.changed_at if item.edited else item.published_at
        lines += [
            f'<entry><title type="html">{escape(item.title)}</title><id>{escape(item.guid)}</id>',
            f'<link rel="alternate" href="{escape(item.link)}"/>',
            f"<published>{item.published_at.isoformat()}</published><updated>{updated_at.isoformat()}</updated>",
            f'<summary type="html">{escape(item.summary)}</summary></entry>',
        ]
    return "\n".join([*lines, "</feed>", ""])


def _rdf(outlet: Outlet, shown: list[_Shown], _modified_at: datetime, feed_url: str) -> str:
    lines = [
        _declaration(outlet),
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"',
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">',
        f'<channel rdf:about="{escape(feed_url)}"><title>{escape(outlet.title)}</title><link>{outlet.home}</link>',
        f"<description>{escape(outlet.title)}</description><dc:language>{outlet.language}</dc:language>",
        "<items><rdf:Seq>",
        *(f'<rdf:li rdf:resource="{escape(item.guid)}"/>' for item in shown),
        "</rdf:Seq></items></channel>",
    ]
    for item in shown:
        lines += [
            f'<item rdf:about="{escape(item.guid)}"><title>{escape(item.title)}</title>',
            f"<link>{escape(item.link)}</link>",
            f"<description>{escape(item.summary)}</description><dc:date>{item.published_at.isoformat()}</dc:date></item>",
        ]
    return "\n".join([*lines, "</rdf:RDF>", ""])


def _json(outlet: Outlet, shown: list[_Shown], _modified_at: datetime, feed_url: str) -> str:
    items = []
    for item in shown:
        row = {
            "id": item.guid,
            "url": item.link,
            "title": item.title,
            "content_text": item.summary,
            "language": item.language,
            "date_published": item.published_at.isoformat(),
        }
        if item.edited:
            row["date_modified"] = item.changed_at.isoformat()
        items.append(row)
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.title,
        "home_page_url": outlet.home,
        "feed_url": feed_url,
        "language": outlet.language,
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False, indent=1) + "\n"


def _declaration(outlet: Outlet) -> str:
    return f'<?xml version="1.0" encoding="{outlet.encoding}"?>'


def _mail_date(at: datetime, zone: tzinfo) -> str:
    return format_datetime(at.astimezone(zone))
