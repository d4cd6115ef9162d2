"""The outbox: rows become messages that arrive, at least once.

    mark     the row is `sending`, and that is committed        outbox
    send     one attempt                                        the channel
    settle   `sent`, or pending again, or `dead`                outbox

A row that ends here neither sent nor told to operators is a bug. There are three windows in which a message may arrive
twice, and in all of them the second copy says so: the process dies between mark and settle; the service takes the
message and its answer is lost; the message was taken, "sent" could not be written, and the process ended before it
could. docs/design/why-is-a-delivery-a-row.md

Rows of one chat go one after another in the order of queueing, chats go side by side. A row that must be tried again
holds back the later ones of its chat; a row that can never be taken is put away and holds back nothing. Edits go last:
they ping nobody and can be told later or never, so they hold nothing back, take at most half of a chat's pace, and end
quietly where the message is gone.

Nothing but the outbox outlives a pass, except the `Pacer`. Must not decide what is worth sending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from zoneinfo import ZoneInfo

from monitor import log
from monitor.alerts import render
from monitor.alerts.bursts import is_list
from monitor.alerts.channels.base import Channel
from monitor.alerts.channels.wording import POSSIBLE_REPEAT, cut, marked, written_out
from monitor.alerts.folding import Folding
from monitor.alerts.outbox import Outbox
from monitor.alerts.pacing import Pacer
from monitor.errors import SendError, StateError
from monitor.model import (
    EPOCH,
    HELD_BY_HAND,
    SUBSCRIBER,
    ChannelRules,
    ChannelState,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Message,
    Notice,
)
from monitor.wishes import held_until, is_urgent

__all__ = ["DeliveryReport", "Outbox", "Pacer", "backoff", "deliver_pending", "recover"]

_log = log.get(__name__)

ROWS_A_PASS = 500
LONGEST_SLEEP = timedelta(seconds=1)
FIRST_BACKOFF = timedelta(seconds=15)
LONGEST_BACKOFF = timedelta(minutes=15)
REPEAT_AFTER = timedelta(seconds=60)
LONGEST_WAIT = timedelta(days=2)
PROBE_EVERY = timedelta(minutes=5)
TELL_WAIT_OVER = timedelta(minutes=10)
TELL_AT_ATTEMPT = 6
"""The sixth failure in a row comes about eight minutes after the first."""
PLAINER_FROM_ATTEMPT = 12
"""From here every second attempt goes out short and bare, in case it is the message that breaks the service."""
PLAINER_UNITS = 600
PICTURE_TRIES = 2
"""After so many the words go without their picture: it must not keep a chat waiting."""
LATE_AFTER = timedelta(hours=1)

_UTC = ZoneInfo("UTC")
_ACCOUNT = "account refused: "
_CHAT = "chat refused: "
_MOVED = "chat moved: "


@dataclass(slots=True, kw_only=True)
class DeliveryReport:
    """What one pass did.

    `retried` rows are pending again, `unknown` of them may have arrived. `waiting` rows were due and are left for a
    later pass. `unconfigured`: channels that have rows and are not configured any more; the rows stay.
    """

    sent: int = 0
    repeats: int = 0
    retried: int = 0
    unknown: int = 0
    dead: int = 0
    paused: int = 0
    waiting: int = 0
    unconfigured: tuple[str, ...] = ()
    notices: list[Notice] = field(default_factory=list)

    @property
    def progressed(self) -> bool:
        """Whether anything was sent or settled, so that another pass may have more to do."""
        return bool(self.sent or self.retried or self.dead or self.paused)


async def deliver_pending(
    store: Outbox,
    channels: Mapping[str, Channel],
    *,
    now: datetime,
    clock: Callable[[], datetime] | None = None,
    pace: Pacer,
    rules: Sequence[ChannelRules] = (),
    tz: ZoneInfo = _UTC,
    folding: Folding | None = None,
    limit: int = ROWS_A_PASS,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> DeliveryReport:
    """Send what is due at `now` and may go within a second; settle every row that was tried.

    `clock` gives the time within the pass (without one it is `now` and the time that passed). Those of `rules`
    that are operators' are told of trouble, by another way than the one that failed; `tz` is for their quiet hours.
    `folding` says how many stories at once become one message; without it each goes alone.

    Raises:
        StateError: the store can't be written. What is known of rows already tried is written before the next pass.
    """
    started = asyncio.get_running_loop().time()
    this = _Pass(
        store=store,
        channels=channels,
        pace=pace,
        rules=rules,
        tz=tz,
        sleep=sleep,
        moment=clock or (lambda: now + timedelta(seconds=asyncio.get_running_loop().time() - started)),
    )
    pace.pay()
    this.resume_accounts(now)
    await this.drain(this.folded(folding, now, limit) if folding else store.pending(now, limit))
    return this.report


def recover(store: Outbox, now: datetime) -> list[Delivery]:
    """Take up what an earlier process left: rows on their way are unknown, chats that refused get another try.

    A start is an operator's way to say "try again". A refused account is left to its own probes, so that a service
    that is started again and again does not knock each time.
    """
    rows = list(store.recover_sending(now))
    for row in rows:
        _log.warning("delivery may have arrived before the stop; it is sent again", key=row.key, channel=row.channel)
    for state in store.channel_states().values():
        if state.paused_at and not state.reason.startswith((_ACCOUNT, HELD_BY_HAND)):
            store.resume_channel(state.channel)
    return rows


def backoff(attempts: int) -> timedelta:
    """How long to wait after `attempts` failures in a row: 15 s, doubling up to 15 minutes."""
    return min(FIRST_BACKOFF * (1 << min(max(attempts, 1) - 1, 10)), LONGEST_BACKOFF)


class _Then(Enum):
    """What follows an attempt: the chat's next row, the same row once more, or nothing of this chat in this pass."""

    NEXT = auto()
    AGAIN = auto()
    STOP = auto()


@dataclass(slots=True, kw_only=True)
class _Pass:
    """One pass over the outbox."""

    store: Outbox
    channels: Mapping[str, Channel]
    pace: Pacer
    rules: Sequence[ChannelRules]
    tz: ZoneInfo
    moment: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    report: DeliveryReport = field(default_factory=DeliveryReport)
    asked: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    def folded(self, folding: Folding, now: datetime, limit: int) -> Sequence[Delivery]:
        """What is to be sent, once what waited was folded and what was held long enough is let go."""
        for notice in folding.let_go(self.store, now):
            self.tell(notice)
        rows, left = folding.folded(self.store, set(self.channels) - self.quiet_now(), now, limit)
        self.report.waiting += left
        return rows

    async def drain(self, rows: Sequence[Delivery]) -> None:
        queues: dict[str, list[Delivery]] = {}
        quiet = self.quiet_now()
        for row in sorted(rows, key=lambda row: (row.kind is DeliveryKind.EDIT, row.id)):
            if row.channel in self.channels and (row.channel not in quiet or self.goes_in_quiet(row)):
                queues.setdefault(self.channels[row.channel].chat, []).append(row)
            else:
                self.report.waiting += 1
        self.report.unconfigured = tuple(sorted({row.channel for row in rows} - set(self.channels)))
        for name in set(self.report.unconfigured) - self.pace.told:
            self.pace.told.add(name)
            self.tell(_unconfigured(name))
        # Not a task group: that would cancel the sends under way of every chat when one can't be settled.
        ended = await asyncio.gather(*map(self.drain_chat, queues.values()), return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    def quiet_now(self) -> set[str]:
        """Channels in their quiet hours: what was queued before them and did not get out in time waits as well."""
        now = self.moment()
        return {rule.name for rule in self.rules if held_until(rule, tz=self.tz, now=now) is not None}

    def goes_in_quiet(self, row: Delivery) -> bool:
        """An edit pings nobody, so quiet hours are as good as any; and a story may be urgent to its channel."""
        rules = next((rule for rule in self.rules if rule.name == row.channel and rule.urgent), None)
        if row.kind is DeliveryKind.EDIT or rules is None or not row.story_id:
            return row.kind is DeliveryKind.EDIT
        story = self.store.stories([row.story_id]).get(row.story_id)
        return story is not None and is_urgent(rules, story, codes=())

    async def drain_chat(self, rows: Sequence[Delivery]) -> None:
        slept = timedelta(0)
        for number, row in enumerate(rows):
            then, slept = await self.take_turn(row, slept)
            if then is _Then.AGAIN:
                then, slept = await self.take_turn(replace(row, attempts=row.attempts + 1, error=_MOVED), slept)
            if then is not _Then.NEXT:
                self.report.waiting += len(rows) - number - 1
                return

    async def take_turn(self, row: Delivery, slept: timedelta) -> tuple[_Then, timedelta]:
        """Try `row` when its account and its chat may be asked; return what follows and the time slept in all.

        An account of which nothing good is known yet is asked by one chat, and by the others once that has an answer:
        a revoked token costs one request, not one for each chat.
        """
        channel = self.channels[row.channel]
        if channel.account not in self.pace.proved | self.asked:
            async with self.locks.setdefault(channel.account, asyncio.Lock()):
                if channel.account not in self.pace.proved | self.asked:
                    return await self.wait_and_attempt(row, channel, slept)
        return await self.wait_and_attempt(row, channel, slept)

    async def wait_and_attempt(self, row: Delivery, channel: Channel, slept: timedelta) -> tuple[_Then, timedelta]:
        while wait := self.pace.wait(channel, self.moment(), sparing=row.kind is DeliveryKind.EDIT):
            slept += wait
            if slept > LONGEST_SLEEP:
                self.report.waiting += 1
                return _Then.STOP, slept
            await self.sleep(wait.total_seconds())
        if channel.account in self.refused:
            self.report.waiting += 1
            return _Then.STOP, slept
        return await self.attempt(row, channel), slept

    async def attempt(self, row: Delivery, channel: Channel) -> _Then:
        """Mark, send, settle."""
        first = self.store.delivery(row.about, row.channel) if row.about else None
        current = self.marked(row)
        if current is None:
            return _Then.NEXT
        self.pace.begins(channel)
        try:
            remote_id = await self.put(replace(row, message=current.message), channel, first)
        except SendError as error:
            return self.failed(row, channel, error)
        except asyncio.CancelledError:
            self.pace.owed.append(self.retry_of(row, "stopped while sending", REPEAT_AFTER, unknown=True))
            raise
        except Exception as error:  # noqa: BLE001 - the top of a row's attempt: a channel's bug must not strand the row
            _log.error("channel failed in a way it must not", channel=row.channel, exc_info=error)
            return self.failed(row, channel, SendError(f"{type(error).__name__} in the channel", outcome_unknown=True))
        finally:
            self.pace.ends(channel, self.moment())
            self.asked.add(channel.account)
        self.sent(row, channel, remote_id)
        return _Then.NEXT

    async def put(self, row: Delivery, channel: Channel, first: Delivery | None) -> str:
        """Send, answer or edit, as the row says; `first` is what it is about. Return the message's id."""
        # Where the channel's chat is another one by now, the same number would be another message.
        is_here = first is not None and first.state is DeliveryState.SENT and first.chat == channel.chat
        known_as = first.remote_id if first is not None and is_here else ""
        if row.kind is not DeliveryKind.EDIT:
            return await channel.send(_worded(row, self.moment()), possible_repeat=row.unknown > 0, reply_to=known_as)
        if first is None or not known_as:
            raise SendError("what it edits is not in this chat", permanent=True)
        await channel.edit(known_as, _worded_anew(first, row.message))
        return known_as

    def marked(self, row: Delivery) -> Delivery | None:
        try:
            return self.store.mark_sending(row.id, self.moment())
        except StateError:
            # The mark may have been written all the same; nothing was sent, so take it back when writing works again.
            self.pace.owed.append(self.retry_of(row, "could not be marked", timedelta(0)))
            raise

    def sent(self, row: Delivery, channel: Channel, remote_id: str) -> None:
        self.report.sent += 1
        self.report.repeats += row.unknown > 0
        _log.info("sent", key=row.key, channel=row.channel, attempts=row.attempts + 1, repeat=row.unknown > 0)
        at, chat = self.moment(), channel.chat
        self.pace.owe(lambda: self.store.settle_sent(row.id, remote_id, at, chat=chat))
        if row.channel not in self.pace.proved:
            self.ended(channel)
        self.pace.proved |= {row.channel, channel.account}

    # ── failures ──────────────────────────────────────────────────────────────────────────────────

    def failed(self, row: Delivery, channel: Channel, error: SendError) -> _Then:
        """Settle a row that was not confirmed, by what the failure holds for."""
        self.pace.proved.discard(row.channel)
        _log.warning("not sent", key=row.key, channel=row.channel, attempt=row.attempts + 1, error=str(error))
        if error.migrated_to:
            return self.moved(row, channel, error)
        if row.kind is DeliveryKind.EDIT and error.retry_after is None and error.about != "account":
            return self.edit_failed(row, error)
        if error.permanent and error.about == "message":
            return self.buried(row, error)
        if error.permanent:
            return self.paused(row, channel, error)
        if error.retry_after is not None:
            return self.held_off(row, channel, error, error.retry_after)
        attempt = row.attempts + 1
        if error.outcome_unknown:
            self.report.unknown += 1
            self.retry(row, str(error), max(REPEAT_AFTER, backoff(row.unknown + 1)), unknown=True)
        else:
            self.retry(row, str(error), backoff(attempt))
        if attempt >= TELL_AT_ATTEMPT:
            self.tell(_failing(row.channel, error), avoid={row.channel})
        return _Then.STOP

    def edit_failed(self, row: Delivery, error: SendError) -> _Then:
        """Try an edit again later, or let it be: the reader has the alert, and nobody needs to be told."""
        if error.permanent:
            self.report.dead += 1
            self.pace.owe(lambda: self.store.settle_dead(row.id, str(error)))
            return _Then.NEXT
        self.retry(row, str(error), max(REPEAT_AFTER, backoff(row.attempts + 1)), unknown=error.outcome_unknown)
        return _Then.STOP

    def moved(self, row: Delivery, channel: Channel, error: SendError) -> _Then:
        """The chat has a new id: remember it and try again at once, or later when it moved twice in a row."""
        new, old = str(error.migrated_to), channel.chat
        again = not row.error.startswith(_MOVED)
        self.retry(row, _MOVED + str(error), timedelta(0) if again else backoff(row.attempts + 1))
        for name in self.names(lambda other: other.chat == old):
            self.store.set_chat(name, new)
            self.channels[name].move(new)
        self.tell(Notice(key=f"chat-moved:{row.channel}:{new}", text=f"{error}. Until then it is remembered."))
        return _Then.AGAIN if again else _Then.STOP

    def buried(self, row: Delivery, error: SendError) -> _Then:
        """This message can't be taken: put it away and go on with the next."""
        self.report.dead += 1
        self.pace.owe(lambda: self.store.settle_dead(row.id, str(error)))
        text = f"A message was not taken and is kept as dead ({row.key}): {error}"
        # A notice that can't be taken must not bear another one.
        quietly = row.key.startswith("notice:")
        self.tell(Notice(key=f"message-refused:{row.channel}:{row.key}", text=text), quietly=quietly)
        # What a list told goes alone now, and goes before what was queued after the list.
        return _Then.STOP if is_list(row) else _Then.NEXT

    def paused(self, row: Delivery, channel: Channel, error: SendError) -> _Then:
        """The chat or the whole account refuses us: keep the queue and send nothing more there."""
        whole = error.about == "account"
        names = self.names(lambda other: other.account == channel.account if whole else other.chat == channel.chat)
        if whole:
            self.refused.add(channel.account)
            self.pace.proved.discard(channel.account)
        prefix = _ACCOUNT if whole else _CHAT
        self.pace.owe(self.retry_of(row, prefix + str(error), timedelta(0)))
        for name in names:
            self.store.pause_channel(name, prefix + str(error) if whole else str(error), self.moment())
        self.report.paused += len(names)
        self.tell(_refused(channel, whole, error), avoid=set(names))
        return _Then.STOP

    def held_off(self, row: Delivery, channel: Channel, error: SendError, wait: timedelta) -> _Then:
        """The chat wants silence for a time: remember it for every channel that writes there."""
        wait = min(max(wait, timedelta(seconds=1)), LONGEST_WAIT)
        until = self.moment() + wait
        self.retry(row, str(error), wait)
        states = self.store.channel_states()
        for name in self.names(lambda other: other.chat == channel.chat):
            self.store.set_channel(replace(states.get(name, ChannelState(channel=name)), not_before=until))
        if wait > TELL_WAIT_OVER:
            text = f"{error}; until {until:%d %b %H:%M} UTC. Its messages are kept."
            self.tell(Notice(key=f"channel-waits:{row.channel}", text=text), avoid={row.channel})
        return _Then.STOP

    def retry(self, row: Delivery, error: str, wait: timedelta, *, unknown: bool = False) -> None:
        self.report.retried += 1
        self.pace.owe(self.retry_of(row, error, wait, unknown=unknown))

    def retry_of(self, row: Delivery, error: str, wait: timedelta, *, unknown: bool = False) -> Callable[[], None]:
        at = self.moment() + wait
        return lambda: self.store.settle_retry(row.id, error, at, unknown=unknown)

    def names(self, same: Callable[[Channel], bool]) -> list[str]:
        return [name for name, channel in self.channels.items() if same(channel)]

    # ── accounts, and what operators are told ─────────────────────────────────────────────────────

    def resume_accounts(self, now: datetime) -> None:
        """Let a refused account try again every five minutes; its first message decides for all its channels."""
        paused: dict[str, list[ChannelState]] = {}
        for state in self.store.channel_states().values():
            if state.paused_at and state.reason.startswith(_ACCOUNT) and state.channel in self.channels:
                paused.setdefault(self.channels[state.channel].account, []).append(state)
        for account, states in paused.items():
            since = max(state.paused_at or EPOCH for state in states)
            if now - since >= PROBE_EVERY or since > now:
                self.pace.proved.discard(account)
                for state in states:
                    self.store.resume_channel(state.channel)

    def ended(self, channel: Channel) -> None:
        """Close what was open about a channel that takes messages again, or for the first time since the start."""
        name = channel.name
        incidents = [f"chat-refused:{channel.chat}"]
        incidents += [f"channel-{what}:{name}" for what in ("fails", "waits", "unconfigured")]
        if channel.account not in self.pace.proved:
            incidents.append(f"account-refused:{channel.account}")
        still_open = {notice.key for notice in self.store.open_notices()}
        for key in still_open.intersection(incidents):
            self.tell(Notice(key=key, text=f"Channel “{name}” takes messages again.", closes=True))

    def tell(self, notice: Notice, *, avoid: Container[str] = (), quietly: bool = False) -> None:
        """Record an incident and queue it for operators, by another way than the one that failed (`avoid`)."""
        if notice.key.partition(":")[2].startswith(SUBSCRIBER):
            return  # a subscriber's own affair: whoever blocks the bot has left, and is nobody's news
        now = self.moment()
        rules = [] if quietly else [rule for rule in self.rules if rule.name not in avoid]
        self.store.tell(notice, render.notice_deliveries(notice, channels=rules, tz=self.tz, now=now), now=now)
        if not notice.closes:
            self.report.notices.append(notice)


def _refused(channel: Channel, whole: bool, error: SendError) -> Notice:
    chat = channel.name if channel.name.startswith(SUBSCRIBER) else channel.chat
    key = f"account-refused:{channel.account}" if whole else f"chat-refused:{chat}"
    mend = "It is tried again every five minutes." if whole else f"Then: longarm channels resume {channel.name}"
    return Notice(key=key, text=f"Nothing is sent any more: {error}. Messages are kept. {mend}")


def _failing(name: str, error: SendError) -> Notice:
    text = f"Channel “{name}” takes no messages: {error}. They are kept and tried again at least every 15 minutes."
    return Notice(key=f"channel-fails:{name}", text=text)


def _unconfigured(name: str) -> Notice:
    text = f"Messages wait for the channel “{name}”, which is not in feeds.toml any more. Add it to have them sent."
    return Notice(key=f"channel-unconfigured:{name}", text=text)


def _worded(row: Delivery, now: datetime) -> Message:
    """The row's message as it goes out now: plainer after failures, and with its date when it is late."""
    message = replace(row.message, picture=row.message.picture if row.attempts < PICTURE_TRIES else "")
    failed_plainly = row.error and not row.error.startswith((_ACCOUNT, _CHAT))
    if failed_plainly and row.attempts >= PLAINER_FROM_ATTEMPT and row.attempts % 2 == 0:
        message = cut(replace(message, text=written_out(message), spans=()), PLAINER_UNITS)
    queued_at = max(row.queued_at, row.not_before) if row.not_before and not row.attempts else row.queued_at
    return message if row.key.startswith("digest:") else _dated(message, queued_at, now)


def _worded_anew(first: Delivery, message: Message) -> Message:
    """The new words of a message that is out, with the marks that it went out with: they are still true."""
    if first.sent_at is not None:
        message = _dated(message, first.queued_at, first.sent_at)
    return marked(message, POSSIBLE_REPEAT) if first.unknown else message


def _dated(message: Message, queued_at: datetime, now: datetime) -> Message:
    is_late = queued_at > EPOCH and now - queued_at > LATE_AFTER
    return marked(message, f"(delayed, from {queued_at:%d %b %H:%M} UTC)") if is_late else message
