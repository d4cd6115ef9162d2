"""One update: read, decide, write. What it changes and that it was handled is one transaction.

A mistake of ours in one update must not make the bot meet it again for ever: it is logged, noted as handled, and the
next one is taken. When the database can't be written nothing is noted, and the same update comes again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor import log
from monitor.bot import admin, commands, review, words
from monitor.bot.desk import Desk, Turn
from monitor.bot.limits import Grant, Limits
from monitor.bot.updates import Added, Asked, Pressed, Update, number_of, read
from monitor.errors import StateError
from monitor.model import Answer, Effects, Message, Notice

_log = log.get(__name__)

_FAILED = "Something went wrong here. Please try again later."
_UNKNOWN = "I know no such command. /help names all of them."
_TOO_MANY = "Too many commands at once; please wait a minute."


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is still to be done once an update was written: answer a press, leave a chat, tell operators."""

    toast: tuple[str, str] | None = None
    leave: str = ""
    notice: Notice | None = None


@dataclass(slots=True)
class Listener:
    """Handles updates, one after another."""

    desk: Desk
    limits: Limits = field(default_factory=Limits)

    def take(self, raw: object, *, now: datetime, at: float, in_order: bool = True) -> Heard:
        """Handle one update; `at` are seconds of a clock that never jumps. Never raises for what stands in it.

        `in_order`: all before it came, as they do where they are asked for.

        Raises:
            StateError: it could not be written; the update is to come again.
        """
        number = number_of(raw)
        if number is None:
            _log.warning("an update without a number is passed over")
            return Heard()
        if self.desk.people.was_handled(number, now):
            self.desk.people.take(number, Effects(), now=now, in_order=in_order)  # or it would be asked for again
            return Heard()
        assert isinstance(raw, dict)
        try:
            effects, heard = self._decide(read(raw), now, at)
        except StateError:
            raise
        except Exception as error:  # noqa: BLE001 - the top of one update: a bug met here must not be met for ever
            _log.error("a bug in Longarm stopped an update", update=number, exc_info=error)
            effects, heard = _sorry(read(raw))
        return heard if self.desk.people.take(number, effects, now=now, in_order=in_order) else Heard()

    def _decide(self, update: Update, now: datetime, at: float) -> tuple[Effects, Heard]:
        match update:
            case Asked():
                return self._asked(update, now, at), Heard()
            case Pressed():
                return self._pressed(update, now, at)
            case Added():
                return Effects(), self._added(update)
        return Effects(), Heard()

    def _asked(self, asked: Asked, now: datetime, at: float) -> Effects:
        person = self.desk.people.person(asked.chat)
        language = words.chosen(person.language if person else "", asked.language)
        tr = words.speaking(language)
        is_admin = asked.person in self.desk.app.settings.bot.admins
        grant = self.limits.ask(asked.person, at, trusted=is_admin)
        name, _, rest = asked.text.strip().partition(" ")
        turn = Turn(desk=self.desk, asked=asked, words=rest.strip(), person=person, tr=tr, now=now, language=language)
        if grant is not Grant.YES:
            return turn.says(tr(_TOO_MANY)) if grant is Grant.TELL else Effects()
        command = name.partition("@")[0].removeprefix("/").casefold() if name.startswith("/") else ""
        if command in admin.COMMANDS:
            return self._ordered(turn, command) if is_admin else self._strangers(turn, command)
        if command not in commands.COMMANDS:
            return turn.says(tr(_UNKNOWN))
        effects = commands.COMMANDS[command](turn)
        return _with_orders(effects) if is_admin and command == "help" else effects

    def _ordered(self, turn: Turn, command: str) -> Effects:
        _log.info("an administrator's command", by=turn.asked.person, command=command)
        try:
            return admin.COMMANDS[command](turn)
        except admin.Refused as error:
            return turn.says(str(error))

    def _strangers(self, turn: Turn, command: str) -> Effects:
        _log.info("an administrator's command from somebody who is none", by=turn.asked.person, command=command)
        return turn.says(turn.tr(_UNKNOWN))

    def _pressed(self, press: Pressed, now: datetime, at: float) -> tuple[Effects, Heard]:
        trusted = press.person in self.desk.app.settings.bot.raters
        if not trusted and self.limits.ask(press.person, at) is not Grant.YES:
            return Effects(), Heard(toast=(press.query, ""))
        effects, said = review.pressed(self.desk, press, now)
        return effects, Heard(toast=(press.query, said))

    def _added(self, added: Added) -> Heard:
        known = {channel.chat.casefold() for channel in self.desk.app.settings.channels}
        moved = {state.chat for state in self.desk.app.store.channel_states().values()}
        if added.chat in known | moved or f"@{added.username}".casefold() in known:
            return Heard()
        text = (
            f"The bot was added to a chat that no channel names ({added.chat}). It said nothing there and left. "
            "If that chat should be told: add [[channels]] with it to feeds.toml, then add the bot again."
        )
        return Heard(leave=added.chat, notice=Notice(key=f"bot-added:{added.chat}", text=text))


def _with_orders(effects: Effects) -> Effects:
    """The answer to /help with the administrators' commands as a message of its own."""
    first = effects.answers[0]
    return replace(effects, answers=(first, replace(first, message=admin.help_().message())))


def _sorry(update: Update) -> tuple[Effects, Heard]:
    match update:
        case Asked():
            text = words.speaking(words.chosen("", update.language))(_FAILED)
            return Effects(answers=(Answer(chat=update.chat, message=Message(text=text)),)), Heard()
        case Pressed():
            return Effects(), Heard(toast=(update.query, ""))
    return Effects(), Heard()
