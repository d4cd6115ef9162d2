"""Builders of the nouns that the store takes, and eyes for what it holds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from classifiers import Reason, Score
from monitor.model import (
    Article,
    Decision,
    Delivery,
    FeedState,
    Judged,
    Member,
    Message,
    Outcome,
    Span,
    SpanKind,
    Story,
    Verdict,
)
from monitor.store import Store

NOW = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)
FEED = "https://harbour-wire.example/rss"
OTHER = "https://el-faro.example/rss"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def opened(state: Path, *, now: datetime = NOW, **options: Any) -> Store:
    return Store.open(state, now=now, **options)


def key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def article_id(name: object) -> str:
    return hashlib.sha256(f"article {name}".encode()).hexdigest()[:32]


def an_article(name: object, **changes: Any) -> Article:
    made = Article(
        id=article_id(name),
        feed=FEED,
        title=f"Title {name}",
        url=f"https://harbour-wire.example/{name}",
        entry_id=f"guid-{name}",
        summary=f"Summary {name}",
        text=f"Text {name}",
        author="Ana",
        language="en",
        published_at=NOW - timedelta(hours=1),
        first_seen_at=NOW,
        keys=(key(f"id {name}"), key(f"link {name}")),
        raw_hash=f"hash-{name}-1",
    )
    return replace(made, **changes)


def a_score(value: float = 0.9, **changes: Any) -> Score:
    reasons = (Reason(term="transnational repression", weight=2.5), Reason(term="court", weight=-0.5))
    return replace(Score(value=value, codes=("abduction",), reasons=reasons, model="test:1"), **changes)


def judged(
    name: object,
    decision: Decision = Decision.ALERT,
    *,
    story: str | None = None,
    edited: bool = False,
    score: Score | None = None,
    **changes: Any,
) -> Judged:
    article = an_article(name, **changes)
    story_id = story if story is not None else "" if decision is Decision.DROP else article.id
    return Judged(
        article=article,
        score=score or a_score({"alert": 0.93, "digest": 0.6, "drop": 0.1}[decision.value]),
        verdict=Verdict(decision=decision, rule=f"rule of {decision.value}"),
        story_id=story_id,
        opens_story=story_id == article.id,
        evidence="0.71 to another",
        edited=edited,
    )


def a_story(one: Judged, **changes: Any) -> Story:
    article = one.article
    member = Member(article_id=article.id, title=article.title, at=article.at)
    made = Story(
        id=one.story_id,
        language=article.language,
        members=(member,),
        first_at=article.at,
        last_at=article.at,
        alerted=True,
    )
    return replace(made, **changes)


def a_delivery(name: str = "story:1", channel: str = "main", **changes: Any) -> Delivery:
    message = Message(text=f"Alert {name} 😀 صحيفة", spans=(Span(kind=SpanKind.BOLD, start=0, length=5),), silent=True)
    return replace(Delivery(key=name, channel=channel, message=message, queued_at=NOW), **changes)


def an_outcome(*ones: Judged, url: str = FEED, announce: tuple[Judged, ...] = (), **changes: Any) -> Outcome:
    state = FeedState(
        url=url,
        title="Harbour Wire",
        etag='"1"',
        next_poll_at=NOW + 15 * MINUTE,
        baselined_at=NOW,
        polled_at=NOW,
        succeeded_at=NOW,
        changed_at=NOW,
    )
    made = Outcome(state=state, judged=ones, announce=tuple(a_story(one) for one in announce))
    return replace(made, **changes)


def record(store: Store, *names: object, now: datetime = NOW, **changes: Any) -> None:
    """Record articles that alert, with a delivery each."""
    ones = tuple(judged(name, **changes) for name in names)
    mail = [a_delivery(f"story:{one.story_id}", story_id=one.story_id) for one in ones]
    store.record(an_outcome(*ones, announce=ones), mail, now=now)


def everything(store: Store) -> dict[str, object]:
    """All that a store holds, as plain values, for comparing."""
    with store._reading() as connection:
        names = sorted(inspect(connection).get_table_names())
        return {
            name: connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY 1, 2").all()
            for name in names
            if name not in ("alembic_version", "article_search")  # what it holds stands in tables of its own
        }


def footprint(folder: Path) -> dict[str, bytes]:
    """Every file under `folder` with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def in_a_child(work: Callable[[], int]) -> int:
    """Run `work` in a forked process and give back its exit code (negative: the signal that ended it)."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Only for children that end soon: give up root for good."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    yield
