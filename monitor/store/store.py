"""What is remembered, behind one class: each method is one transaction of SQLite or PostgreSQL.

Nouns go in, nouns come out; every time is a parameter. Which article matters, what is sent and when a feed is due again
is decided elsewhere. The statements stand beside: `recording`, `outbox`, `reading`, `exports`, `retention`.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, RowMapping, Select, select, update

from monitor.errors import StateError
from monitor.model import (
    EPOCH,
    Article,
    Burst,
    ChannelState,
    Delivery,
    DeliveryState,
    Feed,
    FeedState,
    FeedTally,
    Flow,
    Judged,
    KnownArticle,
    Label,
    Notice,
    Outcome,
    Story,
    WeekData,
)
from monitor.store import (
    exports,
    flow,
    folding,
    opening,
    outbox,
    posting,
    reading,
    recording,
    retention,
    rows,
    searching,
    told,
    weeks,
)
from monitor.store.columns import key_words
from monitor.store.searching import ANY, Wish
from monitor.store.tables import STILL_OPEN, articles, channels, feeds, incidents, labels
from monitor.store.trouble import told_in_one_line
from monitor.store.upsert import insert_into

FREE_BYTES_FLOOR = 20_000_000
"""With less free space nothing new is taken in, so that what was sent can still be marked as sent."""

CLOCK_JUMPED = timedelta(hours=25)
"""No feed is put off for longer; one that is was put off under a wrong clock, and is due."""


class Store:
    """The stored state. Made by `Store.open`; used by one process, by any of its threads."""

    def __init__(self, opened: opening.Opened, *, read_only: bool, free_bytes_floor: int) -> None:
        self._opened = opened
        self._engine = opened.engine
        self._read_only = read_only
        self._free_bytes_floor = free_bytes_floor
        self._turn = threading.RLock()
        self.warnings = opened.warnings

    @classmethod
    def open(
        cls,
        state_dir: Path,
        *,
        url: str | None = None,
        now: datetime,
        read_only: bool = False,
        free_bytes_floor: int = FREE_BYTES_FLOOR,
    ) -> Store:
        """Open the state of `state_dir`, made when new; with `url` the database there.

        `read_only` takes no lock and can't write: for looking while another process runs. `warnings` then say, in
        whole lines, what is fine to work with but should be mended.

        Raises:
            AlreadyRunning: another process holds the directory; the text names its number.
            StateError: the state is newer, foreign, damaged, lost or not writable. Nothing was changed.
        """
        found = opening.opened(state_dir, url=url, read_only=read_only, now=now)
        return cls(found, read_only=read_only, free_bytes_floor=free_bytes_floor)

    def close(self) -> None:
        """Close the database and free the lock. Doing it twice changes nothing."""
        with self._turn:
            self._engine.dispose()
            for lock in self._opened.locks:
                lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ── transactions ──────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._turn, told_in_one_line(self._opened.where), self._engine.connect() as connection:
            yield connection.execution_options(reading=True)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._turn, told_in_one_line(self._opened.where):
            self._must_be_there()
            with self._engine.begin() as connection:
                yield connection

    def _must_be_there(self) -> None:
        if self._read_only:
            raise StateError(f"{self._opened.where}: was opened to read only; nothing can be written through it")
        path = self._opened.path
        if path is None:
            return
        try:
            same = path.stat().st_ino == self._opened.inode
        except FileNotFoundError:
            same = False
        if not same:  # SQLite would go on writing into a file that nobody can see
            raise StateError(f"{path}: was removed or replaced while in use; stop, and put a backup in its place")

    def must_have_room(self) -> None:
        """Ask before fetching what could not be recorded: else every site would be asked again and again.

        Raises:
            StateError: too little space is free for taking anything new in.
        """
        path = self._opened.path
        if path and shutil.disk_usage(path.parent).free < self._free_bytes_floor:
            raise StateError(
                f"{path.parent}: less than {self._free_bytes_floor // 1_000_000} MB free, nothing new is taken in; "
                "free some space, then it goes on by itself: nothing is lost"
            )

    def _fetch(self, statement: Select[Any]) -> Sequence[RowMapping]:
        with self._reading() as connection:
            return connection.execute(statement).mappings().all()

    # ── feeds ─────────────────────────────────────────────────────────────────────────────────────

    def sync_feeds(self, watched: Sequence[Feed], first_polls: Mapping[str, datetime]) -> None:
        """Remember feeds not known yet, first due at `first_polls[url]` (at once otherwise). Forgets none."""
        states = [FeedState(url=feed.url, next_poll_at=first_polls.get(feed.url, EPOCH)) for feed in watched]
        if not states:
            return
        with self._writing() as connection:
            statement = insert_into(connection, feeds).on_conflict_do_nothing(index_elements=["url"])
            connection.execute(statement, [rows.feed_values(state) for state in states])

    def feed_states(self) -> list[FeedState]:
        """Every feed that was ever watched, by address."""
        with self._reading() as connection:
            return reading.feed_states(connection)

    def feed_tallies(self, since: datetime) -> list[FeedTally]:
        """What each feed brought since `since`, by address; one that brought nothing is missing."""
        with self._reading() as connection:
            return reading.feed_tallies(connection, since)

    def feed_state(self, url: str) -> FeedState | None:
        """What is remembered of the feed `url`; None when it was never watched."""
        found = self._fetch(select(feeds).where(feeds.c.url == url))
        return rows.feed_state({**found[0], "url": url}) if found else None

    def due_feeds(self, now: datetime, urls: Sequence[str], limit: int | None = None) -> list[FeedState]:
        """Which of the feeds `urls` are due at `now`, most overdue first."""
        wanted = {key_words(url): url for url in urls}
        is_due = (feeds.c.next_poll_at <= now) | (feeds.c.next_poll_at > now + CLOCK_JUMPED)
        found = self._fetch(select(feeds).where(is_due).order_by(feeds.c.next_poll_at, feeds.c.id))
        due = [{**row, "url": wanted[row["url"]]} for row in found if row["url"] in wanted]
        return [rows.feed_state(row) for row in due[:limit]]

    # ── articles and stories ──────────────────────────────────────────────────────────────────────

    def known(self, keys: Sequence[bytes]) -> dict[bytes, KnownArticle]:
        """Which of `keys` are known, and as what. A failed read raises; it never says "not known"."""
        with self._reading() as connection:
            return reading.known(connection, keys)

    def recent_stories(self, since: datetime) -> tuple[Story, ...]:
        """Stories that something joined since `since`, with their members, in order of time."""
        with self._reading() as connection:
            return reading.recent_stories(connection, since)

    def judged(self, ids: Sequence[str]) -> tuple[Judged, ...]:
        """The articles `ids` with what was judged of them, without their text; unknown ones are missing."""
        with self._reading() as connection:
            return reading.judged_of(connection, ids)

    def stories(self, ids: Sequence[str]) -> dict[str, Story]:
        """The stories `ids` with their members, by id; one that has none any more is missing."""
        with self._reading() as connection:
            return {story.id: story for story in reading.stories_of(connection, ids)}

    def record(self, outcome: Outcome, deliveries: Sequence[Delivery], *, now: datetime) -> None:
        """Write everything that a poll changes in one transaction: all of it or nothing. Twice changes nothing.

        A notice's deliveries ("notice:<key>" or "notice:<key>:<when>") are queued only when its incident opens, or
        closes in channels that were told of it.

        Raises:
            StateError: it could not be written, or too little space is free.
        """
        self.must_have_room()
        with self._writing() as connection:
            recording.record(connection, outcome, deliveries, now=now)

    def articles(self, since: datetime, *, feed: str = "") -> Iterator[Article]:
        """Articles (of one `feed`) first seen since `since`, oldest first, without keys. Read a page at a time."""
        order = (articles.c.first_seen_at, articles.c.id)
        statement = select(articles).where(articles.c.feed == feed) if feed else select(articles)
        return map(rows.article, reading.pages(self._fetch, statement, order, since))

    def article_ids(self, beginning: str) -> list[str]:
        """Ids that begin with `beginning`, at most ten."""
        begins = articles.c.id.startswith(beginning.lower(), autoescape=True)
        return [row["id"] for row in self._fetch(select(articles.c.id).where(begins).order_by(articles.c.id).limit(10))]

    # ── the outbox ────────────────────────────────────────────────────────────────────────────────

    def queue(self, deliveries: Sequence[Delivery]) -> int:
        """Queue `deliveries` in one transaction; how many are new. `posting` says what becomes of known ones."""
        with self._writing() as connection:
            return posting.post(connection, (), deliveries, now=EPOCH)

    def pending(self, now: datetime, limit: int = 100) -> list[Delivery]:
        """What may be sent at `now`, in order of queueing: of each channel the head of its queue.

        A row that waits to be tried again, or is being sent, holds back the later ones of its channel; held and dead
        rows don't. Channels that are paused or want silence give nothing.
        """
        with self._reading() as connection:
            return outbox.pending(connection, now, limit)

    def waiting_since(self) -> dict[str, datetime]:
        """Since when the oldest pending row of each channel waits; of one held over quiet hours from their end on."""
        with self._reading() as connection:
            return outbox.waiting_since(connection)

    def mark_sending(self, delivery_id: int, now: datetime) -> Delivery | None:
        """Begin a try, before it is made; the row with its newest words, None when it is not pending (any more)."""
        with self._writing() as connection:
            return outbox.mark_sending(connection, delivery_id, now)

    def settle_sent(self, delivery_id: int, remote_id: str, now: datetime, *, chat: str = "") -> None:
        """End a try: it was accepted, and is known in `chat` as `remote_id`."""
        where = (delivery_id, DeliveryState.SENT, "sent")
        self._settle(*where, remote_id=remote_id, chat=chat, sent_at=now, error="", not_before=None)

    def settle_retry(self, delivery_id: int, error: str, not_before: datetime | None, unknown: bool = False) -> None:
        """End a try: again from `not_before` on. `unknown`: it may have been accepted."""
        result = "unknown" if unknown else "retry"
        self._settle(delivery_id, DeliveryState.PENDING, result, unknown=unknown, error=error, not_before=not_before)

    def settle_dead(self, delivery_id: int, error: str) -> None:
        """End a try: it can never be accepted as it is."""
        self._settle(delivery_id, DeliveryState.DEAD, "dead", error=error, not_before=None)

    def _settle(
        self, delivery_id: int, state: DeliveryState, result: str, *, unknown: bool = False, **values: object
    ) -> None:
        with self._writing() as connection:
            outbox.settle(connection, delivery_id, state, result=result, unknown=unknown, **values)

    def recover_sending(self, now: datetime) -> list[Delivery]:  # noqa: ARG002 - every time is a parameter
        """Take back what a crash left in `sending`; it is pending again, with one more unknown try."""
        with self._writing() as connection:
            return outbox.recover_sending(connection)

    def recent_sends(self, since: datetime) -> list[tuple[str, datetime]]:
        """Channel and time of every try since `since`, whatever came of it, oldest first."""
        with self._reading() as connection:
            return outbox.recent_sends(connection, since)

    def hold(self, channel: str) -> int:
        """Hold what waits for `channel` back until it is released; how many rows."""
        with self._writing() as connection:
            return outbox.move_all(connection, channel, DeliveryState.PENDING, DeliveryState.HELD)

    def release(self, channel: str, ids: Sequence[int] | None = None, *, now: datetime) -> int:
        """Let what was held for `channel` go, all or the rows `ids`; how many.

        Somebody looked, where all is released: a feed that was held for having changed is then believed.
        """
        with self._writing() as connection:
            return folding.release(connection, channel, ids, now)

    def delivery(self, key: str, channel: str) -> Delivery | None:
        """The delivery of `key` for `channel`; None when there is none."""
        with self._reading() as connection:
            return posting.found(connection, key, channel)

    def fold(self, bursts: Sequence[Burst], *, now: datetime) -> int:
        """Let each list tell its rows, all in one transaction; how many were queued."""
        with self._writing() as connection:
            return sum(folding.fold(connection, burst, now) for burst in bursts)

    def stories_sent_alone(self, since: datetime) -> dict[str, int]:
        """How many stories each channel got since `since`, each in a message of its own."""
        with self._reading() as connection:
            return folding.stories_sent_alone(connection, since)

    def held_due(self, now: datetime, limit: int = 500) -> list[Delivery]:
        """Held rows that go by themselves at `now`: all of a channel and cause once the last of them may."""
        with self._reading() as connection:
            return folding.held_due(connection, now, limit)

    def flow(self, feed: str, *, now: datetime) -> Flow:
        """How much was queued within the last hour, and what `feed` brought within the last 30 days."""
        with self._reading() as connection:
            return flow.flow(connection, feed, hour_ago=now - timedelta(hours=1), month_ago=now - timedelta(days=30))

    def open_incidents(self) -> tuple[dict[str, datetime], set[str]]:
        """Keys of incidents that are not over and when they began, and those for which rows are held."""
        with self._reading() as connection:
            return dict(flow.open_since(connection)), folding.held_causes(connection)

    def told(self, channels: Sequence[str], limit: int) -> list[Delivery]:
        """Rows sent about the `limit` stories last told in `channels`; and rows of their digests, sent or not."""
        with self._reading() as connection:
            return [*told.stories(connection, channels, limit), *told.digests(connection, channels, limit)]

    def withdrawn(self) -> frozenset[str]:
        """Ids of stories that are told no more."""
        with self._reading() as connection:
            return told.withdrawn(connection)

    # ── channels ──────────────────────────────────────────────────────────────────────────────────

    def channel_states(self) -> dict[str, ChannelState]:
        """What is remembered of each channel, by name; one that never had anything to remember is missing."""
        with self._reading() as connection:
            return outbox.channel_states(connection)

    def set_channel(self, state: ChannelState) -> None:
        """Remember `state` whole."""
        with self._writing() as connection:
            outbox.set_channel(connection, state)

    def pause_channel(self, name: str, reason: str, now: datetime) -> None:
        """Send nothing to `name` until it is resumed; its queue is kept. Since when it is paused stays."""
        with self._writing() as connection:
            outbox.set_channel(connection, ChannelState(channel=name, paused_at=now, reason=reason), only=("reason",))
            never = update(channels).where(channels.c.channel == name, channels.c.paused_at.is_(None))
            connection.execute(never.values(paused_at=now))

    def resume_channel(self, name: str) -> None:
        """Send to `name` again."""
        with self._writing() as connection:
            connection.execute(update(channels).where(channels.c.channel == name).values(paused_at=None, reason=""))

    def configure_chats(self, chats: Mapping[str, str]) -> None:
        """Hear what chat each channel is configured for; a learned id holds only as long as that stays the same."""
        with self._writing() as connection:
            for name, chat in chats.items():
                outbox.configure_chat(connection, name, chat)

    def set_chat(self, name: str, chat: str) -> None:
        """Remember that the chat of `name` has the new id `chat`."""
        with self._writing() as connection:
            outbox.set_channel(connection, ChannelState(channel=name, chat=chat), only=("chat",))

    # ── what operators are told ───────────────────────────────────────────────────────────────────

    def tell(self, notice: Notice, deliveries: Sequence[Delivery], *, now: datetime) -> int:
        """Open (or close) the incident of `notice` and queue its `deliveries`, as `record` does; how many are new."""
        with self._writing() as connection:
            return posting.post(connection, (notice,), deliveries, now=now)

    def open_notices(self) -> tuple[Notice, ...]:
        """Incidents that are not over, oldest first."""
        found = select(incidents).where(STILL_OPEN).order_by(incidents.c.opened_at, incidents.c.id)
        return tuple(Notice(key=row["key"], text=row["text"]) for row in self._fetch(found))

    def close_notice(self, key: str, now: datetime) -> bool:
        """Close the open incident of `key` without a word; False when there is none."""
        with self._writing() as connection:
            return posting.close_incident(connection, key, now) is not None

    def close_passing(self, beginnings: Sequence[str], before: datetime) -> None:
        """Close, without a word, incidents without an end of their own: key begins so, and opened before `before`."""
        with self._writing() as connection:
            posting.close_passing(connection, beginnings, before)

    # ── digest, labels, exports ───────────────────────────────────────────────────────────────────

    def judged_between(self, start: datetime, end: datetime) -> WeekData:
        """What was first seen in [start, end), as a digest needs it; the judged articles come without their text."""
        with self._reading() as connection:
            return weeks.week(connection, start, end)

    def digest_sent(self, key: str, channel: str) -> bool:
        """Whether the digest `key`, or a part of it ("<key>/1"), was ever queued for `channel`."""
        with self._reading() as connection:
            return reading.has_delivery(connection, key, channel)

    def add_label(self, label: Label) -> None:
        """Remember what a person said of an article.

        Raises:
            StateError: there is no such article.
        """
        with self._writing() as connection:
            if connection.execute(select(articles.c.id).where(articles.c.id == label.article_id)).first() is None:
                raise StateError(f"label: no article has the id {label.article_id[:64]!r}; `longarm search` shows ids")
            connection.execute(insert_into(connection, labels).values(rows.label_values(label)))

    def labels(self) -> list[Label]:
        """The labels that count: of each rater the newest on an article, in order of time."""
        with self._reading() as connection:
            return reading.counting_labels(connection)

    def export(self, kind: str, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Lines of `kind` (articles, stories, deliveries, labels) in order of time, read a page at a time.

        Raises:
            StateError: there is no such kind.
        """
        return exports.lines(self._fetch, kind, since)

    def search(self, words: Sequence[str], *, limit: int = 20, among: Wish = ANY) -> list[dict[str, Any]]:
        """Articles that hold every one of `words`, of those that `among` wants, newest first, as export lines."""
        with self._reading() as connection:
            found = searching.found(connection, replace(among, words=tuple(words)), limit=limit)
        return [exports.article_line(one.judged) for one in found]

    # ── keeping house ─────────────────────────────────────────────────────────────────────────────

    def purge(self, now: datetime, *, text_after: timedelta = timedelta(days=90)) -> None:
        """Forget what is old enough, a batch a transaction; `retention` says what, and what is kept."""
        for forget in retention.passes(now, now - text_after):
            more = True
            while more:
                with self._writing() as connection:
                    more = forget(connection) > 0

    def shift_schedule(self, delta: timedelta) -> None:
        """Move every poll and wait that lies ahead by `delta`, after the wall clock jumped by as much."""
        with self._writing() as connection:
            retention.shift_schedule(connection, delta)

    def counts(self) -> dict[str, Any]:
        """Numbers of what is stored; `oldest_pending_at` is an ISO time or None, `database_bytes` 0 on a server."""
        with self._reading() as connection:
            counted = retention.counts(connection)
        path = self._opened.path
        files = [path, path.with_name(path.name + "-wal")] if path else []
        size = sum(file.stat().st_size for file in files if file.exists())
        return {**counted, "database_bytes": size, "sqlite_version": sqlite3.sqlite_version}

    def check(self) -> None:
        """Look for damage on every page of the file; on a server that is its own work.

        Raises:
            StateError: the file is damaged, or no longer the one that was opened.
        """
        if self._opened.path is None:
            return
        if not self._read_only:
            self._must_be_there()
        with self._turn, told_in_one_line(self._opened.where):
            opening.must_be_whole(opening.raw_connection(self._engine), self._opened.where)

    def backup(self, path: Path) -> None:
        """Copy the database to the new file `path`: as of one moment, checked, readable by its owner only.

        Raises:
            StateError: `path` exists or can't be written, or the database is on a server.
        """
        if self._opened.path is None:
            raise StateError(f"{self._opened.where}: a server's database is copied with pg_dump")
        with self._turn:
            opening.back_up(self._engine, path)
