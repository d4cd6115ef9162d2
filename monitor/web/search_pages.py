"""Search over everything stored, and exports of what was found: CSV that no spreadsheet runs, JSON, JSON Lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from classifiers.corpus_files import CODES
from monitor.incidents import Reader, records
from monitor.log import redacted_url
from monitor.model import Decision
from monitor.sheets import cell
from monitor.store import exports
from monitor.store.searching import Wish
from monitor.web.site import Site, chosen, feed_key, page, refusal, tag

PAGE = 50
MOST_PAGES = 200
MOST_WORDS = 8
_WORD_CHARS = 100
KINDS = ("articles", "incidents")
FORMS = {
    "csv": ("text/csv; charset=utf-8", "csv"),
    "json": ("application/json", "json"),
    "jsonl": ("application/x-ndjson", "jsonl"),
}
Line = dict[str, Any]


def search_page(site: Site, request: Request) -> Response:
    """Show articles that are wanted, newest first."""
    wish = wanted(site, request)
    number = _number(request.query_params.get("page", ""))
    asked = bool(request.query_params)
    found = site.review.found(wish, limit=PAGE + 1, offset=(number - 1) * PAGE) if asked else ()
    kept = {key: value for key, value in request.query_params.items() if key != "page" and value}
    return page(
        site,
        request,
        "search",
        wish=wish,
        asked=asked,
        found=found[:PAGE],
        number=number,
        more=len(found) > PAGE and number < MOST_PAGES,
        query=urlencode(kept),
        params=request.query_params,
        codes=CODES,
        decisions=tuple(Decision),
        feeds=sorted(((site.feed_name(url), url) for url in site.feeds), key=lambda pair: pair[0].casefold()),
    )


def wanted(site: Site, request: Request) -> Wish:
    """What the query asks for; what makes no sense is left out."""
    query = request.query_params
    words = [word[:_WORD_CHARS] for word in query.get("q", "").replace("\0", " ").split()]
    return Wish(
        words=tuple(words[:MOST_WORDS]),
        decisions=tuple(filter(None, (chosen(request, "decision", tuple(Decision)),))),
        language=tag(query.get("language", "").strip()[:20]),
        feed=next((url for url in site.feeds if feed_key(url) == query.get("feed", "")), ""),
        code=chosen(request, "code", CODES),
        origin=_state(query.get("origin", "")),
        host=_state(query.get("host", "")),
        since=_day(site, query.get("since", "")),
        until=_day(site, query.get("until", ""), days=1),
    )


def _state(text: str) -> str:
    """A state as facts have it: two letters of ISO 3166, in capitals."""
    code = text.strip().upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _day(site: Site, text: str, days: int = 0) -> datetime | None:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=site.settings.timezone)
        return (day + timedelta(days=days)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> int:
    return min(max(int(text), 1), MOST_PAGES) if text.isascii() and text.isdigit() and len(text) < 6 else 1


# ── exports ───────────────────────────────────────────────────────────────────────────────────────


def export(site: Site, request: Request) -> Response:
    """Give what was found as a file: the articles, or the stories among them as records of incidents."""
    kind, form = request.path_params["kind"], request.path_params["form"]
    if kind not in KINDS or form not in FORMS:
        return refusal(site, request, 404, "There is no such export.")
    wish = wanted(site, request)
    lines = _articles(site, wish) if kind == "articles" else _incidents(site, wish)
    media, suffix = FORMS[form]
    name = f"longarm-{kind}-{site.clock():%Y%m%d}.{suffix}"
    writers = {"csv": _as_csv, "json": _as_json, "jsonl": _as_json_lines}
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(writers[form](lines), media_type=media, headers=headers)


def _articles(site: Site, wish: Wish) -> Iterator[Line]:
    for row in site.review.pages(wish):
        yield {**exports.article_line(row), "feed": redacted_url(row.article.feed)}


def _incidents(site: Site, wish: Wish) -> Iterator[Line]:
    """The stories that hold an article which is wanted, each once, in that order."""
    settings = site.settings
    reader = Reader(
        alert_at=settings.alert_at, band=settings.bot.near_band, tiers=settings.tiers, feed_name=site.feed_name
    )
    ids = (row.story_id for row in site.review.pages(wish) if row.story_id)
    return records(site.store, _each_once(ids), reader, site.memory.said())


def _each_once(ids: Iterator[str]) -> Iterator[str]:
    told: set[str] = set()
    for one in ids:
        if one not in told:
            told.add(one)
            yield one


def _as_csv(lines: Iterator[Line]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf"  # else spreadsheets take it for their own old encoding
    writer = None
    buffer = io.StringIO()
    for line in lines:
        cells = {key: cell(value) for key, value in line.items()}
        if writer is None:
            writer = csv.DictWriter(buffer, fieldnames=list(cells), lineterminator="\r\n")
            writer.writeheader()
        writer.writerow(cells)
        yield buffer.getvalue().encode("utf-8", "replace")
        buffer.seek(0)
        buffer.truncate()


def _as_json(lines: Iterator[Line]) -> Iterator[bytes]:
    first = True
    for line in lines:
        yield (b"[\n" if first else b",\n") + json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")
        first = False
    yield b"[]\n" if first else b"\n]\n"


def _as_json_lines(lines: Iterator[Line]) -> Iterator[bytes]:
    for line in lines:
        yield json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
