"""Subscriptions, and what is kept of a person: the chat, its filters, its language. Nothing else, and not for longer.

No name is kept, no text, no time. /stop deletes the row and every trace of what was sent to the chat.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import replace

from monitor.bot import filters
from monitor.bot.desk import Turn
from monitor.bot.words import LANGUAGES, named, speaking
from monitor.compose import Composer, harmless, isolated
from monitor.digest.select import due
from monitor.model import DIGEST_AT, Answer, ChannelRules, Effects, Message, Person, SpanKind, Stage

ID_BYTES = 8


def subscribe(turn: Turn) -> Effects:
    """Subscribe the chat, or give it other filters; without any, say which there are."""
    bot = turn.desk.app.settings.bot
    if not bot.subscriptions:
        return turn.says(turn.tr("Subscriptions are not offered here."))
    is_new = turn.person is None or not turn.person.subscribed
    if turn.person is not None and not turn.words and not is_new:
        return turn.says(_filters(turn, turn.person))
    if is_new and len(turn.desk.people.subscribers()) >= bot.max_subscribers:
        return turn.says(turn.tr("There is no room for more subscribers at the moment."))
    try:
        words, digest = filters.digest_wish(turn.words)
        wanted = filters.parsed(words) if words or is_new else turn.rules  # of the digest alone was spoken
    except filters.Unknown as error:
        return turn.says(_unknown(turn, str(error)))
    person = _subscribed(turn, wanted, digest)
    said = Composer().add(turn.tr("You are subscribed: reports come here from now on.") + "\n")
    said.extend(_filters(turn, person))
    return replace(turn.says(said), people=(person,))


def _subscribed(turn: Turn, wanted: ChannelRules, digest: bool | None) -> Person:
    """The person with these wishes. The language is kept too: a digest comes when Telegram says none."""
    before = _known(turn)
    is_heard = before.subscribed and not before.paused
    person = replace(
        before,
        rules=replace(wanted, name=before.channel),
        language=before.language or turn.language,
        subscribed=True,
        paused=False,
        failures=0,
        refused_at=None,
        digest=before.digest if digest is None else digest,
    )
    return person if is_heard and before.digest else _from_now_on(turn, person)


def _from_now_on(turn: Turn, person: Person) -> Person:
    """With the digests that are still to come: the last one was for those who were there."""
    settings = turn.desk.app.settings
    wish = ChannelRules(name="", digest=DIGEST_AT)
    last = due(wish, tz=settings.timezone, now=turn.now, review=settings.digest_review)
    return replace(person, digest_from=str(last.week.next)) if last else person


def _filters(turn: Turn, person: Person) -> Composer:
    shown = harmless(filters.spoken(person.rules), 500) or turn.tr("none: every report")
    composer = Composer().add(turn.tr("Filters: {filters}", filters=shown) + "\n")
    if person.digest:
        composer.add(turn.tr("The digest comes every Monday; /subscribe digest=off ends that.") + "\n\n")
    else:
        composer.add(turn.tr("The weekly digest does not come; /subscribe digest=on brings it.") + "\n\n")
    composer.add(turn.tr("Other filters, for example:") + "\n")
    return composer.add("/subscribe states=CN,IR languages=en,fa score=0.9\n/subscribe all", SpanKind.CODE)


def _unknown(turn: Turn, word: str) -> Composer:
    from classifiers.corpus_files import CODES  # noqa: PLC0415 - small, and only here

    said = turn.tr("I don't understand “{word}”.", word=isolated(harmless(word, 60)))
    keys = (
        "languages=en,zh-Hant",
        "states=CN,RU",
        "hosts=DE,GB",
        f"codes={','.join(CODES)}",
        f"stages={','.join(Stage)}",
        "tags=ngo",
        "score=0.9",
        "digest=off",
    )
    composer = Composer().add(f"{said} {turn.tr('These filters are known:')}\n")
    return composer.add("\n".join(keys), SpanKind.CODE)


def pause(turn: Turn) -> Effects:
    """Send nothing until it is asked for again."""
    if turn.person is None or not turn.person.subscribed:
        return turn.says(turn.tr("You are not subscribed. /subscribe begins it."))
    person = _from_now_on(turn, replace(turn.person, paused=not turn.person.paused))
    said = turn.tr("Paused. /pause goes on.") if person.paused else turn.tr("It goes on.")
    return replace(turn.says(said), people=(person,))


def stop(turn: Turn) -> Effects:
    """Delete everything that is kept of the chat."""
    if turn.person is None:
        return turn.says(turn.tr("Nothing is kept of you."))
    said = turn.says(turn.tr("Everything that was kept of you is deleted."))
    return replace(said, forget=(turn.asked.chat,))


def mydata(turn: Turn) -> Effects:
    """Show everything that is kept of the chat, as JSON."""
    if turn.person is None:
        return turn.says(turn.tr("Nothing is kept of you."))
    composer = Composer().add(turn.tr("This is all that is kept of you:") + "\n")
    composer.add(as_json(turn.person), SpanKind.CODE).add("\n" + turn.tr("/stop deletes it."))
    return turn.says(composer)


def as_json(person: Person) -> str:
    """Everything that is kept of a person, and nothing that is not."""
    kept = {
        "id": person.id,
        "chat": person.chat,
        "language": person.language,
        "subscribed": person.subscribed,
        "paused": person.paused,
        "filters": filters.spoken(person.rules),
        "digest": person.digest,
        "digest_from": person.digest_from,
        "refusals_in_a_row": person.failures,
    }
    return json.dumps(kept, ensure_ascii=False, indent=1)


def language(turn: Turn) -> Effects:
    """Answer in another language from now on."""
    tag = named(turn.words)
    if not tag:
        names = "\n".join(f"/language {one} – {name}" for one, name in LANGUAGES.items())
        return turn.says(f"{turn.tr('Which language?')}\n{names}")
    said = speaking(tag)("From now on I answer in English.")
    answer = Answer(chat=turn.asked.chat, message=Message(text=said))
    return Effects(people=(replace(_known(turn), language=tag),), answers=(answer,))


def _known(turn: Turn) -> Person:
    if turn.person is not None:
        return turn.person
    made = Person(id=secrets.token_hex(ID_BYTES), chat=turn.asked.chat)
    return replace(made, rules=replace(made.rules, name=made.channel))
