"""The history of an affair, and stories made up of what is stored of them. Reads, and answers."""

from __future__ import annotations

from dataclasses import replace

from monitor import recalling
from monitor.alerts.render import headline, voice
from monitor.bot.desk import ID_CHARS, Turn
from monitor.compose import Composer, harmless, isolated
from monitor.digest.select import member_of
from monitor.model import Case, Effects, Judged, SpanKind, Story
from monitor.store.cases import Cases
from monitor.text import safe_url

CHAPTERS = 12
CASES = 3
NAMES = 3


def case(turn: Turn) -> Effects:
    """Tell an affair by the name of somebody in it, or by its id: its stories in order of time, newest last."""
    if not turn.words.strip():
        return turn.says(turn.tr("Which name?") + "\n/case Lu Jianwang")
    found = recalling.asked_for(Cases(turn.desk.app.store), turn.words)
    gone = {one.story_id for one in turn.desk.people.redactions()}
    still = [replace(one, chapters=tuple(part for part in one.chapters if part.story_id not in gone)) for one in found]
    told = [(one, stories) for one in still if (stories := _stories(turn, one))]
    if not told:
        return turn.says(turn.tr("Nothing was found."))
    composer = Composer()
    for one, stories in told[:CASES]:
        part = _line_of_events(turn, one, stories)
        if composer.fits(part):
            composer.extend(part)
    return turn.says(composer)


def _stories(turn: Turn, one: Case) -> list[Story]:
    stories = turn.desk.app.store.stories([chapter.story_id for chapter in one.chapters])
    return sorted(stories.values(), key=lambda story: (story.first_at, story.id))


def _line_of_events(turn: Turn, one: Case, stories: list[Story]) -> Composer:
    names = dict.fromkeys(name for chapter in one.chapters for name in chapter.people)
    shown = ", ".join(isolated(harmless(name, 60)) for name in list(names)[:NAMES])
    composer = Composer().add(shown or harmless(turn.words, 60), SpanKind.BOLD).add("\n")
    if one.line:
        composer.add(f"{harmless(one.line, 200)}\n")
    for story in stories[-CHAPTERS:]:
        composer.extend(_event(turn, story))
    return composer.add("\n")


def _event(turn: Turn, story: Story) -> Composer:
    member = voice(story, turn.desk.app.settings.tiers)
    at = story.first_at
    stage = f"{harmless(story.facts.stage, 30)}: " if story.facts.stage else ""
    composer = Composer().add(f"• {at.day} {at:%b %Y} · {stage}")
    url, title = safe_url(member.url), isolated(headline(member, 120))
    if url:
        composer.link(url, title)
    else:
        composer.add(title)
    return composer.add(" · ").add(story.id[:ID_CHARS], SpanKind.CODE).add("\n")


def alone(row: Judged) -> Story:
    """An article that stands in no story, as a story of its own."""
    article = row.article
    return Story(
        id=article.id, language=article.language, members=(member_of(row),), first_at=article.at, last_at=article.at
    )
