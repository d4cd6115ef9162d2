"""What every command works with, and how an answer is put together. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.alerts.layout import pointer
from monitor.bot.updates import Asked
from monitor.bot.words import Translate
from monitor.compose import Composer, harmless, moment
from monitor.model import Answer, ChannelRules, Effects, Message, Person, SpanKind, Story
from monitor.reload import Edits
from monitor.store import People
from monitor.wiring import App

ID_CHARS = 12
"""So much of an id is shown: enough to be unique among millions."""
TITLE_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The running watch and the bot's memory. `edits` follows feeds.toml, where a file is followed."""

    app: App
    people: People
    edits: Edits | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One command: who gave it, when, what is known of them. `words` stand behind the command.

    `language` is the one that `tr` speaks, of `words.LANGUAGES`.
    """

    desk: Desk
    asked: Asked
    words: str
    person: Person | None
    tr: Translate
    now: datetime
    language: str = "en"

    @property
    def rules(self) -> ChannelRules:
        """The filters of whoever asks; those of somebody who never set any let everything pass."""
        return self.person.rules if self.person else ChannelRules(name="")

    def says(self, *messages: Message | Composer | str) -> Effects:
        """Answer with `messages`; a text must be harmless."""
        return Effects(answers=tuple(Answer(chat=self.asked.chat, message=_message(one)) for one in messages))


def _message(said: Message | Composer | str) -> Message:
    composer = Composer().add(said) if isinstance(said, str) else said
    return composer if isinstance(composer, Message) else composer.message()


def entry(story: Story, title: str, url: str, at: datetime, turn: Turn) -> Composer:
    """One story in a list: headline and link, where it came from, what it is about, its id."""
    app = turn.desk.app
    composer = Composer().add("• ")
    composer.extend(pointer(harmless(title, TITLE_CHARS) or "…", url, app.settings.tiers))
    composer.add(f"\n  {moment(at, app.settings.timezone)}")
    about = " · ".join(part for part in (reach(story), story.facts.stage, ", ".join(story.facts.codes)) if part)
    if about:
        composer.add(f" · {harmless(about, 120)}")
    return composer.add(" · ").add(story.id[:ID_CHARS], SpanKind.CODE).add("\n")


def reach(story: Story) -> str:
    """Whose arm reaches where: "CN → GB"; "" where nothing was read."""
    origin, host = ", ".join(story.facts.origin_states), ", ".join(story.facts.host_states)
    return f"{origin or '?'} → {host or '?'}" if origin or host else ""
