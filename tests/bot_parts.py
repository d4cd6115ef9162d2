"""Parts for tests of the bot: a watch that is opened, a Bot API server, and the bot between them on a set clock."""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from classifiers import Reason, Score
from monitor import app as watch_app
from monitor import config
from monitor.alerts.channels.telegram import TelegramLine
from monitor.bot.daemon import Bot
from monitor.bot.webhook import hook_of
from monitor.model import Chapter, Decision, Delivery, Facts, FeedState, Judged, Message, Outcome, Story
from monitor.reload import Edits
from monitor.store import People
from monitor.wiring import App
from tests.botapi import BotApi
from tests.deliver_parts import SetClock
from tests.store_parts import FEED, a_story, an_outcome, judged

ADMIN, RATER, READER, STRANGER = 11, 22, 33, 44
REVIEW = "-100777"


def toml(api: BotApi, *, bot: str = "", more: str = "") -> str:
    return f"""
[monitor]
state = "state"
[relevance]
read_pages = false # not here
alert_at = 0.8 # as measured
[bot]
enabled = true
admins = [{ADMIN}]
raters = [{RATER}, {RATER + 1}]
subscriptions = true
api_url = "{api.url}"
{bot}
[[feeds]]
url = "{FEED}"
name = "Harbour Wire"
tags = ["ngo"]
[[channels]]
name = "main"
type = "telegram"
chat = "-100123"
api_url = "{api.url}"
operators = true
[[channels]]
name = "reviewers"
type = "telegram"
chat = "{REVIEW}"
api_url = "{api.url}"
review = true
{more}
"""


@dataclass
class Scene:
    """The watch, the bot and what Telegram has."""

    folder: Path
    api: BotApi
    app: App
    bot: Bot
    clock: SetClock

    @property
    def people(self) -> People:
        return self.bot.people

    async def turn(self, *, times: int = 1) -> None:
        """Let time pass, and the bot ask once."""
        for _ in range(times):
            self.clock.forward(seconds=3)
            await self.bot.listen_once(wait=timedelta(0))

    async def says(self, person: int, text: str, **more: object) -> list[str]:
        """Let `person` write, and return what the bot answers."""
        before = len(self.api.accepted)
        self.clock.forward(seconds=7)
        self.api.says(person, text, **more)  # type: ignore[arg-type]
        await self.turn()
        for _ in range(3):  # several answers to one chat keep its pace
            self.clock.forward(seconds=2)
            await self.bot.answer()
        return [got.text for got in self.api.accepted[before:] if got.chat == str(person)]

    async def answer(self, person: int, text: str, **more: object) -> str:
        """The same, for one answer."""
        found = await self.says(person, text, **more)
        assert len(found) == 1, found
        return found[0]

    async def deliver(self, *, times: int = 1) -> None:
        """Let time pass, and send what may be sent."""
        for _ in range(times):
            self.clock.forward(seconds=4)
            await watch_app.deliver_pass(self.app, self.clock())

    async def tend(self, *, times: int = 1) -> None:
        for _ in range(times):
            self.clock.forward(seconds=31)
            await self.bot.tend_once()

    def tells(
        self,
        *ones: Judged,
        facts: Facts | None = None,
        channels: Sequence[str] | None = None,
        case: str = "",
    ) -> list[str]:
        """Record articles as stories that are told to every channel that wants them; return the stories' ids.

        `case`: the id of the case they belong to, "new" for one of their own.
        """
        from monitor.alerts import render

        now = self.clock()
        ids = []
        for one in ones:
            row = replace(one, article=replace(one.article, first_seen_at=now))
            story = told_as(row, facts or Facts())
            outcome = Outcome(
                state=state_of(row, now), judged=(row,), announce=(story,), facts=((story.id, story.facts),)
            )
            if case:
                chapter = Chapter(
                    story_id=story.id, at=now, people=story.facts.people, headliners=story.facts.people,
                    stage=story.facts.stage,
                )  # fmt: skip
                outcome = replace(outcome, chapters=((story.id if case == "new" else case, chapter),))
            mail = render.deliveries(
                outcome, channels=self.app.watch.channels, feeds=self.app.watch.feeds, tz=self.app.settings.timezone,
                now=now, editable=self.app.watch.editable,
            )  # fmt: skip
            kept = [row for row in mail if channels is None or row.channel in channels]
            self.app.store.record(outcome, kept, now=now)
            ids.append(story.id)
        return ids

    def says_nothing_wrong(self) -> None:
        assert self.api.violations == []


def state_of(row: Judged, now: object) -> FeedState:
    return an_outcome(row, url=row.article.feed).state


def told_as(row: Judged, facts: Facts) -> Story:
    story = a_story(row, facts=facts)
    member = replace(
        story.members[0], url=row.article.url, feed=row.article.feed, feed_name="Harbour Wire", language="en",
        score=row.score.value, decision=row.verdict.decision, summary=row.article.summary,
    )  # fmt: skip
    return replace(story, members=(member,))


def alert(name: object, title: str = "", **changes: object) -> Judged:
    reasons = (Reason(term="secret police", weight=1.5), Reason(term="football", weight=-0.4))
    score = Score(value=0.93, codes=("violence",), reasons=reasons, model="test:1")
    return judged(name, title=title or f"Title {name}", score=score, **changes)  # type: ignore[arg-type]


def near(name: object, value: float = 0.75, **changes: object) -> Judged:
    return judged(name, Decision.DIGEST, score=Score(value=value, codes=(), reasons=(), model="test:1"), **changes)  # type: ignore[arg-type]


def queued(key: str, channel: str, text: str) -> Delivery:
    return Delivery(key=key, channel=channel, message=Message(text=text))


@contextlib.asynccontextmanager
async def scene(
    folder: Path,
    *,
    bot: str = "",
    more: str = "",
    clock: SetClock | None = None,
    api: BotApi | None = None,
) -> AsyncIterator[Scene]:
    """A scene in `folder`; opened again there it goes on with what is stored."""
    at = clock or SetClock()
    async with contextlib.AsyncExitStack() as stack:
        served = api or await stack.enter_async_context(BotApi(clock=at.seconds, limits=True))
        served.add_chat(REVIEW)
        folder.mkdir(exist_ok=True, parents=True)
        path = folder / "feeds.toml"
        path.write_text(toml(served, bot=bot, more=more), encoding="utf-8")
        environ = {"LONGARM_TELEGRAM_TOKEN": served.token}
        settings = config.load(path, environ)
        app = await stack.enter_async_context(watch_app.opened(settings, now=at(), stream=io.StringIO(), clock=at))
        line = TelegramLine(token=served.token, api_url=served.url, timeout=timedelta(seconds=5), pool=8)
        stack.push_async_callback(line.aclose)
        made = Bot(
            app=app, line=line, edits=Edits(path, environ), hook=hook_of(settings),
            clock=at, seconds=at.seconds, pause=at.sleep,
        )  # fmt: skip
        made.hang_keyboards()
        yield Scene(folder=folder, api=served, app=app, bot=made, clock=at)
