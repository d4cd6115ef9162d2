"""Search over everything stored, and exports of what was found: CSV that no spreadsheet runs, JSON, JSON Lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from classifiers.corpus_files import CODES
from monitor.log import redacted_url
from monitor.model import Decision, Story
from monitor.store import review
from monitor.store.reading import iso
from monitor.store.review import Wish
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
FAMILIES = {
    "violence": "direct",
    "forced-return": "direct",
    "interpol-abuse": "co-opted",
    "mobility-control": "mobility",
    "proxy-coercion": "distance",
    "surveillance": "distance",
    "intimidation": "distance",
    "overseas-station": "distance",
}
"""Which of Freedom House's four families a code falls into; a response is no incident and has none."""

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
        decision=chosen(request, "decision", tuple(Decision)),
        language=tag(query.get("language", "").strip()[:20]),
        feed=next((url for url in site.feeds if feed_key(url) == query.get("feed", "")), ""),
        code=chosen(request, "code", CODES),
        since=_day(site, query.get("since", "")),
        until=_day(site, query.get("until", ""), days=1),
    )


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
        yield {**review.line_of(row), "feed": redacted_url(row.article.feed)}


def _incidents(site: Site, wish: Wish) -> Iterator[Line]:
    """The stories that hold an article which is wanted, each once, in that order; none that was withdrawn."""
    told: set[str] = set(site.review.withdrawn())
    batch: list[str] = []
    for row in site.review.pages(wish):
        if row.story_id and row.story_id not in told:
            told.add(row.story_id)
            batch.append(row.story_id)
        if len(batch) == 200:
            yield from _records(site, batch)
            batch = []
    yield from _records(site, batch)


def _records(site: Site, ids: list[str]) -> Iterator[Line]:
    found = site.store.stories(ids)
    said = site.memory.said()
    for one in ids:
        if one in found:
            yield incident(found[one], site, [label.value.value for m in found[one].members
                                              for label in said.get(m.article_id, ())])  # fmt: skip


def incident(story: Story, site: Site, labels: list[str]) -> Line:
    """A story as a record of an incident. What was read off it by machine is a suggestion; empty is unsure."""
    facts, lead = story.facts, story.members[0]
    families = dict.fromkeys(FAMILIES[code] for code in facts.codes if code in FAMILIES)
    score = max(member.score for member in story.members)
    return {
        "id": story.id,
        "first_seen": iso(story.first_at),
        "event_date": story.first_at.date().isoformat(),
        "event_date_precision": "reported",
        "title": lead.title,
        "origin_state": list(facts.origin_states),
        "host_state": list(facts.host_states),
        "code": list(facts.codes),
        "fh_family": list(families),
        "target_group": list(facts.target_groups),
        "target_named": bool(facts.people),
        "stage": facts.stage,
        "physical": facts.physical,
        "lang": story.language,
        "n_sources": len({member.feed for member in story.members}),
        "sources": list(dict.fromkeys(site.feed_name(m.feed, m.feed_name) for m in story.members)),
        "urls": list(dict.fromkeys(member.url for member in story.members if member.url)),
        "score": score,
        "alerted": story.alerted,
        "borderline": abs(score - site.settings.alert_at) <= site.settings.bot.near_band,
        "labels": labels,
    }


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


def cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula; lists with "; " between."""
    if isinstance(value, list):
        text = "; ".join(str(one["term"]) if isinstance(one, Mapping) else str(one) for one in value)
    else:
        text = "" if value is None else str(value)
    begins = text.lstrip(" \u00a0\u200b\ufeff")[:1]
    # Full-width signs are formulas to some spreadsheets too.
    is_formula = begins in ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠") or text[:1] in ("\t", "\r", "\n")
    return f"'{text}" if is_formula and not isinstance(value, int | float) else text


def _as_json(lines: Iterator[Line]) -> Iterator[bytes]:
    first = True
    for line in lines:
        yield (b"[\n" if first else b",\n") + json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")
        first = False
    yield b"[]\n" if first else b"\n]\n"


def _as_json_lines(lines: Iterator[Line]) -> Iterator[bytes]:
    for line in lines:
        yield json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
