"""Everything stored as plain lines with stable ids, for `longarm export` and `longarm search`. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, select

from monitor.errors import StateError
from monitor.store import withdrawing
from monitor.store.reading import Fetch, iso, pages, since_filter
from monitor.store.tables import articles, deliveries, labels, stories

Line = dict[str, Any]

_ARTICLE = [column for column in articles.c if column is not articles.c.text]


def lines(fetch: Fetch, kind: str, since: datetime | None) -> Iterator[Line]:
    """Lines of `kind` in order of time, from `since` on: when articles were first seen, stories touched, labels given.

    Raises:
        StateError: there is no such kind.
    """
    if kind == "articles":
        return _articles(fetch, since)
    if kind == "stories":
        return _stories(fetch, since)
    if kind == "deliveries":
        return _deliveries(fetch, since)
    if kind == "labels":
        return _labels(fetch, since)
    raise StateError(f"export {kind}: unknown; expected articles, stories, deliveries or labels")


def _articles(fetch: Fetch, since: datetime | None) -> Iterator[Line]:
    statement = since_filter(select(*_ARTICLE), articles.c.first_seen_at, since)
    return map(article_line, pages(fetch, statement, (articles.c.first_seen_at, articles.c.id)))


def article_line(row: RowMapping) -> Line:
    """An article as a line."""
    return {
        "id": row["id"],
        "feed": row["feed"],
        "url": row["url"],
        "title": row["title"],
        "published": iso(row["published_at"]),
        "score": row["score"],
        "verdict": row["decision"],
        "story": row["story_id"],
        "summary": row["summary"],
        "language": row["language"],
        "first_seen": iso(row["first_seen_at"]),
        "codes": row["codes"],
        "rule": row["rule"],
        "model": row["model"],
        "reasons": [{"term": term, "weight": weight} for term, weight in row["reasons"]],
        "version": row["version"],
        "page": row["page_state"],
    }


def _stories(fetch: Fetch, since: datetime | None) -> Iterator[Line]:
    statement = since_filter(select(stories), stories.c.touched_at, since)
    for row in pages(fetch, statement, (stories.c.touched_at, stories.c.id)):
        members = select(articles.c.id).where(articles.c.story_id == row["id"])
        ids = [one["id"] for one in fetch(members.order_by(articles.c.first_seen_at, articles.c.id))]
        ids.sort(key=lambda article_id, lead=row["id"]: article_id != lead)  # type: ignore[misc]
        yield {
            "id": row["id"],
            "language": row["language"],
            "first_at": iso(row["first_at"]),
            "last_at": iso(row["last_at"]),
            "alerted": row["alerted"],
            "case": row["case_id"],
            "articles": ids,
            **row["facts"],
        }


def _deliveries(fetch: Fetch, since: datetime | None) -> Iterator[Line]:
    statement = since_filter(select(deliveries), deliveries.c.queued_at, since)
    for row in pages(fetch, statement, (deliveries.c.id,)):
        yield {
            "key": row["key"],
            "channel": row["channel"],
            "kind": row["kind"],
            "about": row["about"],
            "state": row["state"],
            "attempts": row["attempts"],
            "remote_id": row["remote_id"],
            "error": row["error"],
            "queued_at": iso(row["queued_at"]),
            "sent_at": iso(row["sent_at"]),
            "unknown": row["unknown"],
            "story": row["story_id"] or None,
        }


def _labels(fetch: Fetch, since: datetime | None) -> Iterator[Line]:
    statement = select(labels, articles.c.title, articles.c.url).join(articles, articles.c.id == labels.c.article_id)
    for row in pages(fetch, since_filter(statement, labels.c.at, since), (labels.c.at, labels.c.id)):
        yield {
            "article": row["article_id"],
            "rater": row["rater"],
            "value": row["value"],
            "codes": row["codes"],
            "note": row["note"],
            "at": iso(row["at"]),
            "title": row["title"],
            "url": row["url"],
        }


def matching(words: Sequence[str], limit: int) -> Select[Any]:
    """Articles that hold every one of `words` in title or summary, newest first; none of a withdrawn story."""
    statement = select(*_ARTICLE).where(withdrawing.still_told())
    for word in words:
        text = articles.c.title + "\n" + articles.c.summary
        statement = statement.where(text.icontains(word, autoescape=True))
    return statement.order_by(articles.c.first_seen_at.desc(), articles.c.id).limit(limit)
