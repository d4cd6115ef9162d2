"""The bot's loops: ask for updates, send answers, draw buttons, look after subscribers.

Updates are asked for with a long poll: there is no web server then, so nobody can forge one. With a `webhook` in the
settings Telegram sends them instead (`webhook`). Either way what was handled stands in the database. Answers and
buttons give way to alerts: they wait where the pace of a chat or of the account is used up.
docs/design/what-may-the-bot-be-asked.md
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from monitor import doorway, log, wiring
from monitor.alerts import render
from monitor.alerts.channels.base import Channel
from monitor.alerts.channels.telegram import TelegramChannel, TelegramLine
from monitor.bot import review, webhook
from monitor.bot.desk import Desk
from monitor.bot.listening import Heard, Listener
from monitor.bot.webhook import Hook
from monitor.bot.wire import Conflict, Sending, Wire
from monitor.config import Settings
from monitor.errors import LongarmError, SendError
from monitor.model import EPOCH, Answer, Card, Keyboard, Notice, Person
from monitor.reload import Edits
from monitor.store import People
from monitor.wiring import App, utc_now

_log = log.get(__name__)

LONG_POLL = timedelta(seconds=25)
TEND_EVERY = timedelta(seconds=2)
LOOK_EVERY = timedelta(seconds=30)
AFTER_CONFLICT = timedelta(seconds=60)
AFTER_REFUSAL = timedelta(minutes=5)
CALM_FOR = timedelta(hours=1)
"""A conflict that returns within this time is told to be over only after as long without one."""
HOOK_EVERY = timedelta(seconds=60)
"""So often we look whether Telegram still sends to us, and whether it can."""
LET_GO_WITHIN, ENDS_WITHIN = timedelta(seconds=0.7), timedelta(seconds=4)
"""The daemon waits six seconds for us to end."""
FIRST_REST, LONGEST_REST = timedelta(seconds=1), timedelta(seconds=60)
ANSWER_WITHIN = timedelta(hours=1)
"""What could not be answered for so long is not answered any more: nobody waits for it."""
ANSWER_TRIES = 5
REFUSALS = 3
"""So often must a subscriber's chat refuse the bot, with `REFUSED_AGAIN` between, until the subscription is deleted."""
REFUSED_AGAIN = timedelta(hours=12)


async def run(app: App, edits: Edits | None = None) -> None:
    """Answer what the bot is asked until cancelled; follow `[bot]` as it changes."""
    while True:
        settings = app.settings
        if not settings.bot.enabled or settings.telegram_token is None:
            await asyncio.sleep(LOOK_EVERY.total_seconds() / 10)
            continue
        line = TelegramLine(token=settings.telegram_token.reveal(), api_url=settings.bot.api_url, pool=8)
        bot = Bot(app=app, line=line, edits=edits, hook=webhook.hook_of(settings))
        try:
            await bot.serve(lambda began=settings: _same(began, app))  # type: ignore[misc]
        finally:
            await line.aclose()


def _same(began: Settings, app: App) -> bool:
    now = app.settings
    is_same = now.telegram_token == began.telegram_token and now.bot.api_url == began.bot.api_url
    return now.bot.enabled and is_same and webhook.hook_of(now) == webhook.hook_of(began)


@dataclass(slots=True)
class Bot:
    """One bot, as long as token, server and hook stay the same.

    `seconds` are those of a clock that never jumps; `pause` waits so many of them for the turn of a chat.
    """

    app: App
    line: TelegramLine
    edits: Edits | None = None
    hook: Hook | None = None
    clock: Callable[[], datetime] = utc_now
    seconds: Callable[[], float] | None = None
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    people: People = field(init=False)
    wire: Wire = field(init=False)
    listener: Listener = field(init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _looked_at: datetime | None = None
    _is_alone: bool = False
    _may_be_told: bool = True
    _conflict_at: datetime = EPOCH
    _calm_for: timedelta = timedelta(0)
    _hooked_at: datetime = EPOCH
    _came: asyncio.Event = field(default_factory=asyncio.Event)
    _following: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.people = People(self.app.store)
        self.wire = Wire(self.line)
        if self.hook is not None:
            log.hide(self.hook.secret)
        self.listener = Listener(Desk(app=self.app, people=self.people, edits=self.edits))

    async def serve(self, goes_on: Callable[[], bool]) -> None:
        """Listen and tend until `goes_on` says no."""
        self.hang_keyboards()
        hears = [self._listen(self.ask)] if self.hook is None else [self._be_sent(self.hook), self._answer_sent()]
        loops = [asyncio.create_task(loop) for loop in (*hears, self._tend())]
        try:
            while goes_on():
                await asyncio.wait(loops, timeout=LOOK_EVERY.total_seconds() / 10)
        finally:
            await self.let_go()
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    # ── listening ─────────────────────────────────────────────────────────────────────────────────

    async def ask(self) -> None:
        """Ask for updates, and wait for some."""
        await self.listen_once(wait=LONG_POLL)

    async def _listen(self, once: Callable[[], Awaitable[None]]) -> None:
        rest = FIRST_REST
        while True:
            try:
                await once()
                rest = FIRST_REST
            except Conflict as error:
                self.tell_conflict(error)
                await asyncio.sleep(AFTER_CONFLICT.total_seconds())
            except Exception as error:  # noqa: BLE001 - the top of a task: logged, and it goes on
                _failed("listening", error)
                refused = isinstance(error, SendError) and error.permanent
                wait = error.retry_after if isinstance(error, SendError) else None
                await asyncio.sleep((wait or (AFTER_REFUSAL if refused else rest)).total_seconds())
                rest = min(rest * 2, LONGEST_REST)

    async def listen_once(self, *, wait: timedelta) -> int:
        """Ask for updates once and handle what comes; how many there were.

        Raises:
            Conflict: another program takes them.
            LongarmError: Telegram or the database can't be used.
        """
        if not self._is_alone:
            await self.wire.take_over()
        raws = await self.wire.updates(self.people.next_update(self.clock()), wait=wait)
        self.end_conflict()
        at = (self.seconds or asyncio.get_running_loop().time)()
        ordered = sorted(raws, key=lambda raw: raw.get("update_id", 0) if isinstance(raw, dict) else 0)
        after = [asyncio.create_task(self._after(self.listener.take(raw, now=self.clock(), at=at))) for raw in ordered]
        if raws:
            self.take_up_subscribers()
            await asyncio.gather(*after)
            await self.answer()
            await self.draw()
        return len(raws)

    # ── being sent ────────────────────────────────────────────────────────────────────────────────

    async def _be_sent(self, hook: Hook) -> None:
        """Let Telegram send here; where nothing can listen there, say so and try again."""
        key = f"bot-deaf:{self._id}"
        while True:
            try:
                async with doorway.listening(webhook.built(hook.secret, self.sent), hook.listen, key="bot.listen"):
                    _log.info("listening for Telegram", address=hook.listen)
                    self._over(key, "The bot answers again.")
                    await self._listen(self._look)
            except LongarmError as error:
                _log.error("the bot is not heard", error=str(error))
                text = f"The bot answers nobody: {error}. Alerts are sent all the same."
                self._try_to_tell(Notice(key=key, text=text))
                await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def _look(self) -> None:
        await self.look_once()
        await asyncio.sleep(HOOK_EVERY.total_seconds())

    async def look_once(self) -> None:
        """Have updates sent here, or look whether they still are, and whether they arrive.

        Raises:
            Conflict: another program has them sent elsewhere, or asks for them.
            LongarmError: Telegram or the database can't be used.
        """
        assert self.hook is not None
        if not self._is_alone:
            await self._ask_to_be_sent(self.hook)
            return
        found = await self.wire.sent_to()
        if found.url != self.hook.url:
            raise Conflict("the bot: the address that Telegram sends to was changed or taken away")
        self.end_conflict()
        self._say_whether_they_arrive(found, self.hook)

    async def _ask_to_be_sent(self, hook: Hook) -> None:
        try:
            await self.wire.be_sent(hook.url, hook.secret)
        except SendError as error:
            if error.permanent and error.about == "message":
                self.tell(Notice(key=self._unreached, text=f"The bot hears nothing: its address is refused ({error})."))
            raise
        self._is_alone, self._hooked_at = True, self.clock()

    def _say_whether_they_arrive(self, found: Sending, hook: Hook) -> None:
        failed_at = found.failed_at or EPOCH
        if found.waiting and failed_at > self._hooked_at and self.clock() - failed_at < 2 * HOOK_EVERY:
            text = (
                f"The bot hears nothing: Telegram can't hand updates over ({found.failed}), and {found.waiting} wait. "
                f"Does a reverse proxy hand on what comes to {log.redacted_url(hook.url)}, to {hook.listen}?"
            )
            self.tell(Notice(key=self._unreached, text=text))
        elif not found.waiting:
            self._over(self._unreached, "The bot hears again.")

    def sent(self, raw: object) -> None:
        """Handle an update that was sent here; what follows from it is done later.

        Raises:
            StateError: it could not be written, and is to be sent again.
        """
        at = (self.seconds or asyncio.get_running_loop().time)()
        heard = self.listener.take(raw, now=self.clock(), at=at, in_order=False)
        if heard != Heard():
            after = asyncio.create_task(self._after(heard))
            self._following.add(after)
            after.add_done_callback(self._following.discard)
        self._came.set()

    async def _answer_sent(self) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            try:
                self.take_up_subscribers()
                await self.answer()
                await self.draw()
            except Exception as error:  # noqa: BLE001 - the top of a task: logged, and it goes on; tending tries again
                _failed("answering", error)

    async def let_go(self) -> None:
        """Have Telegram keep updates instead of sending them where soon nobody listens."""
        if self.hook is None or not self._is_alone:
            return
        try:
            await asyncio.wait_for(self.wire.take_over(), LET_GO_WITHIN.total_seconds())
        except (LongarmError, TimeoutError) as error:
            _failed("letting go of the webhook", error)  # it sends in vain then, and keeps what it could not hand over

    # ── what follows ──────────────────────────────────────────────────────────────────────────────

    async def _after(self, heard: Heard) -> None:
        """Do what follows an update; none of it is worth a second try."""
        try:
            if heard.toast:
                await self.wire.toast(*heard.toast)
            if heard.leave:
                await self.wire.leave(heard.leave)
        except LongarmError as error:
            _failed("answering", error)
        if heard.notice:
            self._try_to_tell(heard.notice)

    def take_up_subscribers(self) -> None:
        """Let the outbox write to everybody who is subscribed now, and to nobody else."""
        persons = self.people.subscribers() if self.app.settings.bot.subscriptions else ()
        if persons != self.app.subscribers:
            wiring.subscribe(self.app, persons)

    # ── operators ─────────────────────────────────────────────────────────────────────────────────

    def tell(self, notice: Notice) -> None:
        """Tell operators, once while it lasts."""
        now, settings = self.clock(), self.app.settings
        mail = render.notice_deliveries(notice, channels=self.app.watch.channels, tz=settings.timezone, now=now)
        self.app.store.tell(notice, mail, now=now)

    def _try_to_tell(self, notice: Notice) -> None:
        """Tell them, where a loop must go on although the store can't be written; the log has it then."""
        try:
            self.tell(notice)
        except LongarmError as error:
            _failed("telling operators", error)

    def tell_conflict(self, error: Conflict) -> None:
        """Say that another program takes the bot's updates; sending goes on."""
        _log.error("the bot is not heard", error=str(error))
        now = self.clock()
        if self._is_alone and now - self._conflict_at < CALM_FOR:
            self._calm_for = CALM_FOR  # it comes and goes: two programs take the bot from each other by turns
        self._conflict_at, self._is_alone, self._may_be_told = now, False, True
        text = (
            f"The bot answers nobody: another program takes its updates ({error}). Is Longarm running twice with one "
            "token? Stop the other one, or give this one a token of its own. Alerts are sent all the same."
        )
        self._try_to_tell(Notice(key=self._conflict, text=text))

    def end_conflict(self) -> None:
        """Say that the bot is heard again, if it was not, and if that lasts."""
        self._is_alone = True
        if self._may_be_told and self.clock() - self._conflict_at >= self._calm_for:
            self._may_be_told, self._calm_for = False, timedelta(0)
            self._over(self._conflict, "The bot answers again.")

    def _over(self, key: str, text: str) -> None:
        if any(one.key == key for one in self.app.store.open_notices()):
            self.tell(Notice(key=key, text=text, closes=True))

    @property
    def _conflict(self) -> str:
        return f"bot-conflict:{self._id}"

    @property
    def _unreached(self) -> str:
        return f"bot-unreached:{self._id}"

    @property
    def _id(self) -> str:
        return self.line.token.partition(":")[0]

    # ── tending ───────────────────────────────────────────────────────────────────────────────────

    async def _tend(self) -> None:
        while True:
            try:
                await self.tend_once()
            except Exception as error:  # noqa: BLE001 - the top of a task: logged, and it goes on
                _failed("tending", error)
                await asyncio.sleep(LONGEST_REST.total_seconds() / 2)
            await asyncio.sleep(TEND_EVERY.total_seconds())

    async def tend_once(self) -> None:
        """Draw buttons, send answers that are left, and every half minute look after reviewers and subscribers.

        Raises:
            LongarmError: the database can't be used.
        """
        now = self.clock()
        if self._looked_at is None or abs(now - self._looked_at) >= LOOK_EVERY:
            self._looked_at = now
            self.hang_keyboards()
            self.app.store.queue(review.near_misses(self.listener.desk, now))
            self.look_after_subscribers(now)
            self.people.purge(now, cards_after=review.CARDS_LAST)
        self.people.add_cards(review.new_cards(self.listener.desk, now))
        await self.answer()
        await self.draw()

    def look_after_subscribers(self, now: datetime) -> None:
        """Count refusals; try a chat again that refused long enough ago, and delete what was refused too often."""
        states = self.app.store.channel_states()
        for person in self.people.subscribers():
            state = states.get(person.channel)
            refused_at = state.paused_at if state and not state.reason.startswith("account refused") else None
            if refused_at is not None:
                self._refused(person, refused_at, now)
            elif person.refused_at and self.people.was_sent(person.channel, since=person.refused_at):
                self.people.keep(replace(person, failures=0, refused_at=None))
        self.take_up_subscribers()

    def _refused(self, person: Person, refused_at: datetime, now: datetime) -> None:
        is_another = person.refused_at is None or refused_at - person.refused_at >= REFUSED_AGAIN
        if is_another and person.failures + 1 >= REFUSALS:
            self.people.forget(person.chat)
            _log.info("a subscriber's chat refused the bot too often; the subscription is deleted")
        elif is_another:
            self.people.keep(replace(person, failures=person.failures + 1, refused_at=refused_at))
        elif person.refused_at and now - person.refused_at >= REFUSED_AGAIN:
            self.app.store.resume_channel(person.channel)

    # ── answers and buttons ───────────────────────────────────────────────────────────────────────

    async def answer(self) -> None:
        """Send what was asked for, in order; leave for later what may not be sent yet."""
        async with self._turn:  # both loops come here, and nothing is to be sent twice
            await self._answer()

    async def _answer(self) -> None:
        waiting: set[str] = set()
        for answer in self.people.answers():
            if answer.chat in waiting:
                continue
            if answer.attempts >= ANSWER_TRIES or self.clock() - answer.asked_at > ANSWER_WITHIN:
                self.people.answered(answer.id)
            elif not await self._send(answer):
                waiting.add(answer.chat)

    async def _send(self, answer: Answer) -> bool:
        channel = TelegramChannel(name="bot", token=self.line.token, chat=answer.chat, line=self.line, is_private=True)
        if not await self._may_write(channel):
            return False
        self.people.answering(answer.id)
        sending = asyncio.ensure_future(channel.send(answer.message, possible_repeat=answer.attempts > 0))
        try:
            with self._paced(channel):
                await asyncio.shield(sending)
        except asyncio.CancelledError:
            # We stop. Cut off now, nobody would know whether it arrived, and it would be said twice.
            await asyncio.wait([sending], timeout=ENDS_WITHIN.total_seconds())
            if sending.done() and not sending.cancelled() and sending.exception() is None:
                self.people.answered(answer.id)
            sending.cancel()
            raise
        except SendError as error:
            _failed("answering", error)
            if error.permanent and error.about != "account":
                self.people.answered(answer.id)
            return False
        self.people.answered(answer.id)
        return True

    async def _may_write(self, channel: Channel, *, sparing: bool = False) -> bool:
        """Wait for a turn, but not for long: alerts go before."""
        for _ in range(2):
            wait = self.app.pacer.wait(channel, self.clock(), sparing=sparing)
            if not wait:
                return True
            if wait > timedelta(seconds=1):
                return False
            await self.pause(wait.total_seconds())
        return False

    @contextlib.contextmanager
    def _paced(self, channel: Channel) -> Any:
        self.app.pacer.begins(channel)
        try:
            yield
        finally:
            self.app.pacer.ends(channel, self.clock())

    async def draw(self) -> None:
        """Draw the buttons that are not as they should be."""
        async with self._turn:
            await self._draw_stale()

    async def _draw_stale(self) -> None:
        for card in self.people.stale_cards():
            channel = self.app.channels.get(card.channel)
            if channel is None or channel.chat != f"telegram:{card.chat}".lower():
                self.people.drawn(card.id)  # the chat is another one by now
            elif not await self._draw(card, channel):
                return

    async def _draw(self, card: Card, channel: Channel) -> bool:
        if not await self._may_write(channel, sparing=True):
            return False
        self.people.drawn(card.id)  # before: a press that comes meanwhile makes it stale again
        try:
            with self._paced(channel):
                await self.wire.draw(card.chat, card.remote_id, review.keyboard_of(self.listener.desk, card))
        except SendError as error:
            _failed("drawing buttons", error)
            if not error.permanent:
                self.people.redraw(card.id)
            return error.permanent
        return True

    def hang_keyboards(self) -> None:
        """Let edits of messages in review chats keep their buttons."""
        for settings in self.app.settings.channels:
            channel = self.app.channels.get(settings.name)
            if isinstance(channel, TelegramChannel):
                channel.keyboard = self._keyboard_in(channel) if settings.review else None

    def _keyboard_in(self, channel: TelegramChannel) -> Callable[[str], Keyboard]:
        def keyboard(remote_id: str) -> Keyboard:
            card = self.people.card_at(channel.chat.partition(":")[2], remote_id)
            return review.keyboard_of(self.listener.desk, card) if card else ()

        return keyboard


def _failed(what: str, error: Exception) -> None:
    expected = isinstance(error, LongarmError)
    _log.warning("the bot failed", work=what, error=str(error), exc_info=None if expected else error)
