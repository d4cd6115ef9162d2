"""From the stories of a poll to the cases they belong to, and from a name to its cases. Reads the store alone.

    names     whom each story names, of those that the poll touched        stories.cases
    known     the cases in which one of them occurs: the one read          store.cases
    case      which of these it belongs to, or a new one of its own        stories.cases
    note      what its messages say of that                                stories.cases

A story that has a case keeps it. One that names nobody has none, until it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitor.model import Case, Chapter, Judged, Outcome, Story
from monitor.store import Store
from monitor.store.cases import Cases
from monitor.stories import cases
from monitor.stories import facts as reading

_ID = re.compile(r"[0-9a-fA-F]{6,64}")


def recalled(store: Store, outcome: Outcome, stories: Mapping[str, Story]) -> Outcome:
    """Return the outcome with the chapters that its stories are, and with notes on those that are told.

    `stories`: those that were there before the poll, by id.
    """
    chapters = [chapter for chapter in _chapters(outcome, stories) if _has_names(chapter)]
    if not chapters:
        return outcome
    keys = {key for chapter in chapters for name in cases.names(chapter) for key in cases.keys(name)}
    found = Cases(store).tying(sorted(keys), [chapter.story_id for chapter in chapters])
    known = {case.id: case for case in found}
    placed = [_placed(chapter, known) for chapter in chapters]
    notes = {chapter.story_id: cases.note(known[case_id], chapter.story_id) for case_id, chapter in placed if case_id}

    def noted(story: Story) -> Story:
        return replace(story, case_note=notes.get(story.id, story.case_note))

    return replace(
        outcome,
        announce=tuple(map(noted, outcome.announce)),
        grown=tuple(map(noted, outcome.grown)),
        chapters=tuple(placed),
    )


def asked_for(shelf: Cases, asked: str) -> tuple[Case, ...]:
    """Find the cases that somebody asks for: by id, by a whole name in any script, or by a part of one."""
    if _ID.fullmatch(asked) and (by_id := shelf.beginning(asked)):
        return by_id
    read = reading.read(asked, "")
    spellings = (asked, *read.people, *read.organisations)
    found = shelf.naming([key for one in spellings for key in cases.keys(one)])
    if sure := tuple(one for one in found if any(_is_named(one, spelled) for spelled in spellings)):
        return sure
    parts = [key for key, name in shelf.names() if cases.part_of(asked, name)]
    return shelf.naming(parts) if parts else ()


def _is_named(one: Case, asked: str) -> bool:
    people = {name for chapter in one.chapters for name in (*cases.names(chapter), *chapter.bystanders)}
    organisations = {name.casefold() for chapter in one.chapters for name in chapter.organisations}
    return asked.casefold() in organisations or any(cases.same_person(asked, name) for name in people)


def _placed(chapter: Chapter, known: dict[str, Case]) -> tuple[str, Chapter]:
    """The case of a story, and the story as that remembers it; `known` grows with it."""
    if not cases.names(chapter):
        return "", chapter
    tie = cases.case_of(chapter, tuple(known.values()))
    case_id = tie.case_id if tie else chapter.story_id
    chapter = cases.tied(chapter, tie) if tie else chapter
    before = known[case_id].chapters if case_id in known else ()
    others = [one for one in before if one.story_id != chapter.story_id]
    ordered = sorted((*others, chapter), key=lambda one: (one.at, one.story_id))
    known[case_id] = Case(id=case_id, chapters=tuple(ordered))
    return case_id, chapter


def _has_names(chapter: Chapter) -> bool:
    return bool(cases.names(chapter) or chapter.bystanders or chapter.organisations)


def _chapters(outcome: Outcome, stories: Mapping[str, Story]) -> list[Chapter]:
    """The stories whose facts the poll read, in order of time."""
    made = []
    for story_id, facts in outcome.facts:
        joined = sorted((row for row in outcome.judged if row.story_id == story_id), key=lambda row: row.article.at)
        known = stories.get(story_id)
        at = min([row.article.at for row in joined] + ([known.first_at] if known else []))
        language = known.language if known else joined[0].article.language
        made.append(cases.chapter(story_id, at, facts, _texts(joined, known), language))
    return sorted(made, key=lambda chapter: (chapter.at, chapter.story_id))


def _texts(joined: Sequence[Judged], known: Story | None) -> list[tuple[str, str]]:
    before = [(member.title, member.summary) for member in known.members] if known else []
    return before + [(row.article.title, row.article.summary) for row in joined]
