"""What the review pages read, and the errands that they leave. Beside the store and in its database.

Each method is one transaction. Nothing is decided here: which article is reviewed next is `web.queues`' affair.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Text, and_, func, or_, select, true, type_coerce, update

from monitor import log
from monitor.model import EPOCH, Decision, Delivery, DeliveryState, DigestEdit, Judged, Label, Story
from monitor.store import edits, outbox, reading, rows, searching
from monitor.store.people_tables import acts, mutes, redactions, still_told
from monitor.store.searching import Wish
from monitor.store.store import Store
from monitor.store.tables import IS_HELD, STILL_TO_SEND, article_versions, articles, attempts, channels, deliveries
from monitor.store.tables import feeds as feeds_table
from monitor.store.tables import incidents as incidents_table
from monitor.store.tables import labels as labels_table
from monitor.store.tables import stories as stories_table
from monitor.store.upsert import insert_into

_log = log.get(__name__)

_GLANCES = 2_000
_BY_PAGES = 0
"""Numbers of persons are the bot's; what is done through the pages is written down under this one, with the name."""

LABEL, CHECK, MUTE, WAKE, RESUME, RELEASE = "label", "check", "mute", "wake", "resume", "release"
DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """An article as far as choosing needs it. `recent` is `Article.recent`; `at` when it was first seen."""

    id: str
    at: datetime
    feed: str
    language: str
    score: float
    decision: Decision
    story_id: str
    recent: bool
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What an edited article said before."""

    version: int
    title: str
    score: float
    decision: Decision
    replaced_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a delivery."""

    at: datetime
    result: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something operators were told of; `closed_at` is None while it lasts."""

    key: str
    text: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Rows of a channel in one state."""

    channel: str
    state: DeliveryState
    count: int


class Review:
    """The pages' eyes in the database of `store`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._store._reading() as connection:  # noqa: SLF001 - one room
            yield connection

    # ── articles ──────────────────────────────────────────────────────────────────────────────────

    def glances(self, since: datetime, limit: int) -> tuple[Glance, ...]:
        """The articles first seen since `since`, oldest first, at most the newest `limit`; none of a withdrawn story.

        Read a page at a time, so that nobody waits for it; and past the column types, which cost more than the rest.
        """
        names = ("id", "feed", "language", "score", "decision", "story_id", "recent")
        at, codes = type_coerce(articles.c.first_seen_at, BigInteger), type_coerce(articles.c.codes, Text)
        wanted = select(*(articles.c[name] for name in names), at.label("micros"), codes.label("listed"))
        wanted = wanted.where(articles.c.first_seen_at >= since, still_told()).limit(_GLANCES)
        wanted = wanted.order_by(articles.c.first_seen_at.desc(), articles.c.id.desc())
        found: list[Glance] = []
        before: Any = true()
        while len(found) < limit:
            with self._reading() as connection:
                got = connection.execute(wanted.where(before)).all()
            found += map(_glance, got)
            if len(got) < _GLANCES:
                break
            last = found[-1]
            # The first condition alone begins in the index where the last page ended; the other one leaves that out.
            earlier = or_(articles.c.first_seen_at < last.at, articles.c.id < last.id)
            before = and_(articles.c.first_seen_at <= last.at, earlier)
        return tuple(found[limit - 1 :: -1] if limit < len(found) else reversed(found))

    def article(self, article_id: str) -> Judged | None:
        """One article whole, with what was judged of it."""
        with self._reading() as connection:
            row = connection.execute(select(articles).where(articles.c.id == article_id)).mappings().first()
            return rows.judged(row) if row else None

    def versions(self, article_id: str) -> tuple[Version, ...]:
        """What an article said before its edits, oldest first."""
        statement = select(article_versions).where(article_versions.c.article_id == article_id)
        with self._reading() as connection:
            found = connection.execute(statement.order_by(article_versions.c.version)).mappings()
            return tuple(
                Version(
                    version=row["version"],
                    title=row["title"],
                    score=row["score"],
                    decision=Decision(row["decision"]),
                    replaced_at=row["replaced_at"],
                )
                for row in found
            )

    def scores(self, ids: Sequence[str]) -> dict[str, Glance]:
        """Glances of the articles `ids`, by id."""
        found: dict[str, Glance] = {}
        for row in self._store.judged(ids):
            found[row.article.id] = Glance(
                id=row.article.id,
                at=row.article.first_seen_at,
                feed=row.article.feed,
                language=row.article.language,
                score=row.score.value,
                decision=row.verdict.decision,
                story_id=row.story_id,
                recent=row.article.recent,
                codes=row.score.codes,
            )
        return found

    def found(self, wish: Wish, *, limit: int, offset: int = 0) -> tuple[Judged, ...]:
        """Articles that `wish` wants, newest first, without their text."""
        with self._reading() as connection:
            return tuple(one.judged for one in searching.found(connection, wish, limit=limit, offset=offset))

    def pages(self, wish: Wish, *, page: int = 500, most: int = 100_000) -> Iterator[Judged]:
        """The same for exports, at most `most`; read a page at a time, each once whatever comes in meanwhile."""
        below: int | None = None
        for _ in range(0, most, page):
            with self._reading() as connection:
                got = searching.found(connection, wish, limit=page, below=below)
            yield from (one.judged for one in got)
            if len(got) < page:
                return
            below = got[-1].place

    # ── labels ────────────────────────────────────────────────────────────────────────────────────

    def newest_label(self) -> int:
        """A number that grows with every label: what is remembered of labels holds as long as it stays."""
        with self._reading() as connection:
            return int(connection.execute(select(func.coalesce(func.max(labels_table.c.id), 0))).scalar_one())

    # ── stories ───────────────────────────────────────────────────────────────────────────────────

    def newest_stories(self, *, before: datetime | None, only_alerted: bool, limit: int) -> tuple[Story, ...]:
        """Stories by when something last joined them, newest first."""
        with self._reading() as connection:
            statement = select(stories_table.c.id)
            statement = statement.where(stories_table.c.touched_at < before) if before else statement
            statement = statement.where(stories_table.c.alerted) if only_alerted else statement
            statement = statement.order_by(stories_table.c.touched_at.desc(), stories_table.c.id).limit(limit)
            ids = list(connection.execute(statement).scalars())
            found = {story.id: story for story in reading.stories_of(connection, ids)}
        return tuple(found[one] for one in ids if one in found)

    def touched_at(self, story_id: str) -> datetime | None:
        """When something last joined a story."""
        with self._reading() as connection:
            return connection.execute(
                select(stories_table.c.touched_at).where(stories_table.c.id == story_id)
            ).scalar_one_or_none()

    def members(self, story_id: str) -> tuple[Judged, ...]:
        """The articles of a story with what was judged of them, in order of time."""
        columns = (column for column in articles.c if column is not articles.c.text)
        statement = select(*columns).where(articles.c.story_id == story_id)
        with self._reading() as connection:
            found = connection.execute(statement.order_by(articles.c.first_seen_at, articles.c.id)).mappings()
            return tuple(rows.judged({**row, "text": ""}) for row in found)

    def case_of(self, story_id: str) -> str:
        """The case that a story belongs to; "" is none."""
        with self._reading() as connection:
            found = select(stories_table.c.case_id).where(stories_table.c.id == story_id)
            return connection.execute(found).scalar_one_or_none() or ""

    def withdrawn(self) -> dict[str, str]:
        """Why stories are told no more, by id."""
        with self._reading() as connection:
            found = connection.execute(select(redactions.c.story_id, redactions.c.why))
            return {row[0]: row[1] or "no reason was given" for row in found}

    def withdrawn_articles(self) -> frozenset[str]:
        """Ids of the articles of stories that are told no more."""
        mine = select(articles.c.id).where(articles.c.story_id.in_(select(redactions.c.story_id)))
        with self._reading() as connection:
            return frozenset(connection.execute(mine).scalars())

    def sent_about(self, story_id: str) -> tuple[tuple[Delivery, tuple[Attempt, ...]], ...]:
        """The deliveries of a story with their tries, in order of queueing."""
        key, after = f"story:{story_id}", f"story:{story_id}0"  # "0" follows "/": a range, which an index serves
        mine = or_(deliveries.c.key == key, and_(deliveries.c.key > f"{key}/", deliveries.c.key < after))
        with self._reading() as connection:
            found = connection.execute(select(deliveries).where(mine).order_by(deliveries.c.id)).mappings().all()
            ids = [row["id"] for row in found]
            tries: dict[int, list[Attempt]] = {}
            tried = select(attempts).where(attempts.c.delivery_id.in_(ids)).order_by(attempts.c.id)
            for row in connection.execute(tried).mappings():
                one = Attempt(at=row["attempted_at"], result=row["result"], error=row["error"])
                tries.setdefault(row["delivery_id"], []).append(one)
        return tuple((rows.delivery(row), tuple(tries.get(row["id"], ()))) for row in found)

    # ── how it stands ─────────────────────────────────────────────────────────────────────────────

    def incidents(self, limit: int) -> tuple[Incident, ...]:
        """What operators were told of: what lasts first, then the newest."""
        statement = select(incidents_table).order_by(
            incidents_table.c.closed_at.is_not(None), incidents_table.c.opened_at.desc(), incidents_table.c.id.desc()
        )
        with self._reading() as connection:
            return tuple(
                Incident(
                    key=row["key"], text=row["text"], opened_at=row["opened_at"], closed_at=row["closed_at"]
                )
                for row in connection.execute(statement.limit(limit)).mappings()
            )  # fmt: skip

    def waiting(self, dead_since: datetime) -> tuple[Waiting, ...]:
        """How many rows of each channel wait, are held, or died since `dead_since`."""
        grouped = select(deliveries.c.channel, deliveries.c.state, func.count())
        died = and_(deliveries.c.queued_at >= dead_since, deliveries.c.state == DeliveryState.DEAD)
        found: list[Waiting] = []
        with self._reading() as connection:
            for which in (STILL_TO_SEND, IS_HELD, died):
                counted = connection.execute(grouped.where(which).group_by(deliveries.c.channel, deliveries.c.state))
                found += [Waiting(channel=row[0], state=DeliveryState(row[1]), count=row[2]) for row in counted]
        return tuple(found)

    def muted(self, now: datetime) -> dict[str, datetime]:
        """Until when feeds are muted, by address."""
        with self._reading() as connection:
            found = connection.execute(select(mutes.c.feed, mutes.c.until).where(mutes.c.until > now))
            return {row[0]: row[1] for row in found}

    # ── digests ───────────────────────────────────────────────────────────────────────────────────

    def digest_edits(self, week: str) -> tuple[DigestEdit, ...]:
        """What reviewers changed in the digests of `week`, in order."""
        with self._reading() as connection:
            return edits.of_week(connection, week)

    def is_digest_queued(self, week: str, channel: str) -> bool:
        """Whether the digest of `week` is on its way to `channel`, or ("") to any channel of the settings."""
        with self._reading() as connection:
            return edits.is_queued(connection, week, channel)

    def dropped(self, start: datetime, end: datetime) -> tuple[str, ...]:
        """Ids of the articles first seen in [start, end) that were news then and that nobody was shown."""
        with self._reading() as connection:
            return edits.dropped(connection, start, end)

    # ── errands ───────────────────────────────────────────────────────────────────────────────────

    def do_errand(
        self,
        *,
        kind: str,
        about: str,
        until: datetime,
        label: Label | None,
        by: str,
        at: datetime,
        edit: DigestEdit | None = None,
    ) -> None:
        """Write what the pages asked for in one transaction, with who did it. Twice changes nothing that counts.

        Raises:
            StateError: it could not be written.
        """
        with self._store._writing() as connection:  # noqa: SLF001 - one room
            if kind == LABEL and label is not None:
                _remember(connection, label)
                return
            if kind == DIGEST and edit is not None:
                if not edits.keep(connection, edit):
                    _log.warning("an edit came after its digest was sent", week=edit.week, by=by, what=edit.kind.value)
                return
            if kind == CHECK:
                due = update(feeds_table).where(feeds_table.c.url == about, feeds_table.c.next_poll_at > at)
                connection.execute(due.values(next_poll_at=at))
            elif kind in (MUTE, WAKE):
                _mute(connection, about, until if kind == MUTE else EPOCH, at)
            elif kind == RESUME:
                resumed = update(channels).where(channels.c.channel == about)
                connection.execute(resumed.values(paused_at=None, reason=""))
            elif kind == RELEASE:
                outbox.move_all(connection, about, DeliveryState.HELD, DeliveryState.PENDING)
            values = {"by": _BY_PAGES, "what": kind, "about": about, "why": f"by {by}, on the review pages", "at": at}
            connection.execute(insert_into(connection, acts).values(values))


def _glance(row: Any) -> Glance:
    return Glance(
        id=row.id,
        feed=row.feed,
        language=row.language,
        at=EPOCH + timedelta(microseconds=row.micros),
        score=row.score,
        decision=Decision(row.decision),
        story_id=row.story_id or "",
        recent=row.recent,
        codes=() if row.listed == "[]" else tuple(json.loads(row.listed)),
    )


def _remember(connection: Connection, label: Label) -> None:
    """Add the label, unless it is there already or its article is not any more."""
    known = select(articles.c.id).where(articles.c.id == label.article_id)
    same = select(labels_table.c.id).where(
        labels_table.c.article_id == label.article_id,
        labels_table.c.rater == label.rater,
        labels_table.c.at == label.at,
    )
    if connection.execute(known).first() and not connection.execute(same).first():
        connection.execute(insert_into(connection, labels_table).values(rows.label_values(label)))


def _mute(connection: Connection, feed: str, until: datetime, now: datetime) -> None:
    values = {"feed": feed, "until": until, "by": _BY_PAGES}
    statement = insert_into(connection, mutes).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["feed"], set_=values))
    if until <= now:  # what was held for it goes now, by the way of all rows whose time has come
        held = update(deliveries).where(deliveries.c.cause == f"muted-feed:{feed}", deliveries.c.state == "held")
        connection.execute(held.values(not_before=now))
