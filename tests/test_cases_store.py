"""Cases in a real SQLite file: what a poll writes of them, what is found again, what alerts say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts import render
from monitor.model import ChannelRules, Facts, Judged, Outcome, Redaction, Story
from monitor.recalling import recalled
from monitor.store import Store, withdrawing
from monitor.store import cases as shelves
from monitor.store.cases import Cases
from monitor.stories import cases, facts
from tests.store_parts import FEED, NOW, a_story, an_outcome, everything, judged, opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path / "state", now=NOW) as made:
        yield made


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def told(store: Store, name: str, title: str, summary: str, at: str, language: str = "en") -> Outcome:
    """Take one article that is a story of its own the way from its facts to its record."""
    moment = day(at)
    row = judged(name, title=title, summary=summary, language=language, published_at=moment, first_seen_at=moment)
    read = facts.read(title, summary, language=language)
    return recorded(store, row, read, a_story(row, facts=read), moment)


def recorded(
    store: Store, row: Judged, read: Facts, story: Story, at: datetime, known: dict[str, Story] | None = None
) -> Outcome:
    plain = an_outcome(row, facts=((row.story_id, read),))
    plain = replace(plain, grown=(story,)) if known else replace(plain, announce=(story,))
    outcome = recalled(store, plain, known or {})
    store.record(outcome, (), now=at)
    return outcome


def an_affair(store: Store) -> list[Outcome]:
    return [
        told(
            store, "search", "FBI searches Chinatown office said to house a Chinese police post",
            "The floor is rented by Lu Jianwang of New York, who was not there.", "2022-10-06",
        ),
        told(
            store, "charge", "Lu Jianwang and Chen Jinping charged over secret Chinese police station in New York",
            "Prosecutors say they worked for Beijing.", "2023-04-17",
        ),
        told(store, "zh", "纽约“海外警察站”案：卢建旺、陈金平被控充当中国代理人", "", "2023-04-19", "zh-Hans"),
        told(
            store, "plea", "Chen Jinping pleads guilty over police station run for China in New York",
            "He faces five years.", "2024-12-18",
        ),
    ]  # fmt: skip


def test_the_stories_of_an_affair_become_one_case_over_years_and_languages(store: Store) -> None:
    outcomes = an_affair(store)
    (case,) = Cases(store).naming(cases.keys("陈金平"))
    assert [chapter.story_id for chapter in case.chapters] == [outcome.announce[0].id for outcome in outcomes]
    assert case.id == outcomes[0].announce[0].id
    assert {"Lu Jianwang", "Chen Jinping"} == {name for names in cases.spellings(case) for name in names}
    assert case.chapters[1].stage == "charge"
    assert case.chapters[1].at == day("2023-04-17")


def test_a_later_story_says_in_its_alert_what_it_belongs_to(store: Store) -> None:
    *_, plea = an_affair(store)
    (story,) = plea.announce
    assert story.case_note.startswith("4th report on this affair since 2022 (Chen Jinping: ")
    assert "charge 17 Apr 2023" in story.case_note
    channel = ChannelRules(name="main")
    (mail,) = render.deliveries(plea, channels=[channel], feeds={}, tz=ZoneInfo("UTC"), now=NOW)
    assert story.case_note in mail.message.text


def test_the_first_story_of_a_case_says_nothing_of_one(store: Store) -> None:
    first, *_ = an_affair(store)
    assert first.announce[0].case_note == ""


def test_another_person_on_the_same_route_is_another_case(store: Store) -> None:
    an_affair(store)
    other = told(
        store, "student", "Man charged with spying on Chinese students in New York",
        "Victor Zhouberg passed names to Beijing, prosecutors say.", "2024-03-12",
    )  # fmt: skip
    ((case_id, chapter),) = other.chapters
    assert case_id == other.announce[0].id
    assert "Victor Zhouberg" in cases.names(chapter)


def test_recording_twice_changes_nothing(store: Store) -> None:
    *_, last = an_affair(store)
    before = everything(store)
    store.record(last, (), now=day("2024-12-18"))
    assert everything(store) == before


def test_a_story_that_grows_keeps_its_case_and_its_note_and_remembers_new_names(store: Store) -> None:
    *_, plea = an_affair(store)
    (story,) = plea.announce
    row = judged(
        "copy", story=story.id, title="Chen Jinping admits running police post with Lu Jianwang in New York",
        summary="", published_at=day("2024-12-19"),
    )  # fmt: skip
    read = facts.merged([story.facts, facts.read(row.article.title, ""), facts.read(row.article.title, "")])
    grown = recorded(store, row, read, replace(story, facts=read), day("2024-12-19"), {story.id: story})
    assert grown.grown[0].case_note == story.case_note
    (case,) = Cases(store).naming(cases.keys("Chen Jinping"))
    assert len(case.chapters) == 4
    assert set(case.chapters[-1].people) == {"Chen Jinping", "Lu Jianwang"}


def test_two_stories_of_one_poll_that_open_a_case_are_in_it_together(store: Store) -> None:
    rows = [
        judged("one", title="Farid Rostamian stabbed in London, Iran suspected", summary="", published_at=NOW),
        judged("two", title="Police guard exile Farid Rostamian in London after Iranian threats", summary="",
               published_at=NOW + timedelta(hours=1)),
    ]  # fmt: skip
    read = {row.story_id: facts.read(row.article.title, "") for row in rows}
    outcome = recalled(store, an_outcome(*rows, announce=tuple(rows), facts=tuple(read.items())), {})
    assert [case_id for case_id, _ in outcome.chapters] == [rows[0].story_id] * 2
    assert [story.case_note for story in outcome.announce] == [
        "",
        "2nd report on this affair since 2026 (Farid Rostamian)",
    ]


def test_a_story_that_names_only_an_agency_has_no_case_until_it_names_somebody(store: Store) -> None:
    row = judged("agency", title="MI5 says the Revolutionary Guards plot against exiles in Britain", summary="")
    read = facts.read(row.article.title, "")
    assert read.organisations
    first = recorded(store, row, read, a_story(row, facts=read), NOW)
    assert first.chapters[0][0] == ""
    assert Cases(store).names() == ()
    (story,) = first.announce
    edit = judged("more", story=story.id, title="Exile Farid Rostamian was target of the Guards, MI5 says", summary="")
    both = facts.merged([facts.read(edit.article.title, ""), read])
    recorded(store, edit, both, replace(story, facts=both), NOW, {story.id: story})
    (case,) = Cases(store).naming(cases.keys("Farid Rostamian"))
    assert case.id == story.id
    assert {name for _, name in Cases(store).names()} >= {"Farid Rostamian"}


def test_a_poll_without_names_is_left_as_it_is(store: Store) -> None:
    row = judged("dull", title="Something happened somewhere", summary="")
    outcome = an_outcome(row, facts=((row.story_id, Facts()),))
    assert recalled(store, outcome, {}) is outcome


def test_cases_are_found_by_the_beginning_of_their_id_and_by_organisation(store: Store) -> None:
    first, *_ = an_affair(store)
    case_id = first.announce[0].id
    assert [case.id for case in Cases(store).beginning(case_id[:8].upper())] == [case_id]
    assert Cases(store).beginning("zzzzzz") == ()
    told(store, "irgc", "Farid Rostamian stabbed in London; Revolutionary Guards suspected", "", "2024-01-01")
    (found,) = Cases(store).naming(
        [facts.folded(name) for name in facts.read("Revolutionary Guards", "").organisations]
    )
    assert found.chapters[0].organisations


def test_the_newest_cases_are_looked_at_when_a_name_has_too_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "MAX_CASES", 2)
    for number, host in enumerate(("Ireland", "Italy", "Portugal")):
        told(
            store, f"n{number}", f"Ali Hassan, an exile from Iran, followed in {host}", "",
            f"2024-0{number + 1}-01",
        )  # fmt: skip
    found = Cases(store).tying(cases.keys("Ali Hassan"))
    assert [case.chapters[0].at.month for case in found] == [3, 2]


def test_a_story_that_was_withdrawn_is_in_no_case_and_counts_for_none(store: Store) -> None:
    first, *_ = an_affair(store)
    with store._writing() as connection:
        withdrawn = Redaction(story_id=first.announce[0].id, by=1, why="wrong person", at=NOW)
        withdrawing.withdraw(connection, withdrawn)
    (case,) = Cases(store).naming(cases.keys("Chen Jinping"))
    assert [chapter.at.year for chapter in case.chapters] == [2023, 2023, 2024]
    later = told(store, "later", "Lu Jianwang waits for trial in New York", "He worked for China.", "2025-02-01")
    assert later.announce[0].case_note.startswith("4th report on this affair since 2023 (Lu Jianwang: charge")


def test_stories_are_exported_with_their_case(store: Store) -> None:
    first, *_ = an_affair(store)
    lines = list(store.export("stories"))
    assert {line["case"] for line in lines} == {first.announce[0].id}
    assert FEED in {line["feed"] for line in store.export("articles")}
