"""Everything stored as plain lines with stable ids, for `longarm export` and `longarm search`. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select

from monitor.errors import StateError
from monitor.model import Judged
from monitor.store import rows
from monitor.store.people_tables import still_told
from monitor.store.reading import Fetch, iso, pages, since_filter
from monitor.store.tables import articles, deliveries, labels, stories

Line = dict[str, Any]

_ARTICLE = [column for column in articles.c if column is not articles.c.text]


def lines(fetch: Fetch, kind: str, since: datetime | None) -> Iterator[Line]:
    """Lines of `kind` in order of time, from `since` on: when articles were first seen, stories touched, labels given.
    Nothing of a withdrawn story is among them but that it was sent.

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
    statement = select(*_ARTICLE).where(still_told())
    for row in pages(fetch, statement, (articles.c.first_seen_at, articles.c.id), since):
        yield article_line(rows.judged({**row, "text": ""}))


def article_line(row: Judged) -> Line:
    """An article as a line."""
    article, score = row.article, row.score
    return {
        "id": article.id,
        "feed": article.feed,
        "url": article.url,
        "title": article.title,
        "published": iso(article.published_at),
        "score": score.value,
        "verdict": row.verdict.decision.value,
        "story": row.story_id or None,
        "summary": article.summary,
        "language": article.language,
        "first_seen": iso(article.first_seen_at),
        "codes": list(score.codes),
        "rule": row.verdict.rule,
        "model": score.model,
        "reasons": [{"term": one.term, "weight": one.weight} for one in score.reasons],
        "version": article.version,
        "page": article.page_state,
    }


def _stories(fetch: Fetch, since: datetime | None) -> Iterator[Line]:
    statement = select(stories).where(still_told(stories.c.id))
    for row in pages(fetch, statement, (stories.c.touched_at, stories.c.id), since):
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
    statement = statement.where(still_told())
    for row in pages(fetch, statement, (labels.c.at, labels.c.id), since):
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
