"""Cases in a real SQLite file: what a poll writes of them, what is found again, what alerts say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts import render
from monitor.model import ChannelRules, Decision, Facts, Judged, Outcome, Redaction, Story
from monitor.recalling import recalled
from monitor.store import People, Store, withdrawing
from monitor.store import cases as shelves
from monitor.store.case_edits import CaseEdits
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


# ── by hand ───────────────────────────────────────────────────────────────────────────────────────


def case_of(store: Store, story_id: str) -> tuple[str, ...]:
    """The stories of the case that a story is in."""
    (found,) = Cases(store).tying((), [story_id])
    return tuple(chapter.story_id for chapter in found.chapters)


def two_cases(store: Store) -> tuple[list[str], str]:
    affair = [outcome.announce[0].id for outcome in an_affair(store)]
    other = told(store, "x", "Exile Farid Rostamian stabbed in London", "Iran denies it.", "2024-05-01")
    return affair, other.announce[0].id


def test_cases_joined_by_hand_are_one_until_that_is_taken_back(store: Store) -> None:
    affair, other = two_cases(store)
    shelf, edits = Cases(store), CaseEdits(store, NOW)
    (mine,), (its,) = shelf.tying((), [affair[0]]), shelf.tying((), [other])
    assert edits.merge(its, mine) == affair[0]
    assert set(case_of(store, other)) == {*affair, other}
    assert edits.undo(affair[0]) == f"merge {other}"
    assert case_of(store, other) == (other,)
    assert case_of(store, affair[1]) == tuple(affair)
    assert edits.undo(affair[0]) == ""


def test_a_story_taken_out_by_hand_stays_out_when_it_grows(store: Store) -> None:
    affair, _ = two_cases(store)
    (mine,) = Cases(store).tying((), [affair[0]])
    assert CaseEdits(store, NOW).split(mine, affair[3]) == affair[3]
    assert case_of(store, affair[3]) == (affair[3],)
    told(store, "plea", "Chen Jinping pleads guilty over police station run for China in New York", "", "2024-12-18")
    assert case_of(store, affair[3]) == (affair[3],)
    assert CaseEdits(store, NOW).undo(affair[3]) == f"split {affair[3]}"
    assert case_of(store, affair[3]) == tuple(affair)


def test_the_story_that_a_case_is_named_for_can_be_taken_out_too(store: Store) -> None:
    affair, _ = two_cases(store)
    (mine,) = Cases(store).tying((), [affair[0]])
    assert CaseEdits(store, NOW).split(mine, affair[0]) == affair[0]
    assert case_of(store, affair[0]) == (affair[0],)
    assert case_of(store, affair[1]) == tuple(affair[1:])


def test_changes_by_hand_stand_in_the_book_of_acts(store: Store) -> None:
    affair, other = two_cases(store)
    (mine,), (its,) = Cases(store).tying((), [affair[0]]), Cases(store).tying((), [other])
    CaseEdits(store, NOW).merge(mine, its)
    (act,) = People(store).acts(NOW - timedelta(days=1))
    assert (act.what, act.about, act.why) == ("case", f"{other} {other} {affair[0]}", f"merge {other}")


# ── names that go ─────────────────────────────────────────────────────────────────────────────────


def named(store: Store) -> set[str]:
    return {str(row[3]) for row in everything(store)["case_names"]}  # type: ignore[attr-defined]


def facts_of(store: Store, story_id: str) -> Facts:
    return store.stories([story_id])[story_id].facts


def test_whom_a_withdrawn_story_names_is_forgotten_whatever_joins_it_later(store: Store) -> None:
    title = "Exile Farid Rostamian stabbed in London"
    story_id = told(store, "x", title, "Iran denies it.", "2024-05-01").announce[0].id
    assert facts_of(store, story_id).people
    with store._writing() as connection:
        withdrawing.withdraw(connection, Redaction(story_id=story_id, by=1, why="wrong person", at=NOW))
    assert (facts_of(store, story_id).people, facts_of(store, story_id).evidence) == ((), ())
    assert named(store) == set()
    told(store, "x", title, "Iran denies it.", "2024-05-01")
    assert facts_of(store, story_id).people == ()
    assert named(store) == set()


def test_names_of_what_was_never_told_go_with_its_text(store: Store) -> None:
    moment = day("2024-05-01")
    title = "Exile Farid Rostamian stabbed in London"
    row = judged(
        "x", Decision.DIGEST, title=title, summary="", language="en", published_at=moment, first_seen_at=moment
    )
    outcome = recalled(store, an_outcome(row, facts=((row.story_id, facts.read(title, "", language="en")),)), {})
    store.record(outcome, (), now=moment)
    assert named(store)
    store.purge(moment + timedelta(days=91))
    assert (facts_of(store, row.story_id).people, facts_of(store, row.story_id).evidence) == ((), ())
    assert facts_of(store, row.story_id).host_states == ("GB",)
    assert named(store) == set()


def test_an_alert_keeps_its_people_and_of_its_text_only_what_its_title_says(store: Store) -> None:
    outcome = told(
        store, "x", "Exile stabbed in London", "Farid Rostamian had been followed by men from Tehran.", "2024-05-01"
    )
    story_id = outcome.announce[0].id
    before = facts_of(store, story_id)
    assert before.people == ("Farid Rostamian",)
    store.purge(day("2024-05-01") + timedelta(days=91))
    after = facts_of(store, story_id)
    assert after.people == before.people
    assert {proof.words for proof in after.evidence} < {proof.words for proof in before.evidence}
    assert all(proof.words in "Exile stabbed in London" for proof in after.evidence)


def test_names_stay_while_one_article_of_the_story_has_its_text(store: Store) -> None:
    story_id = told(store, "x", "Exile Farid Rostamian stabbed in London", "", "2024-05-01").announce[0].id
    young = judged("y", Decision.DIGEST, story=story_id, first_seen_at=day("2024-07-20"))
    store.record(an_outcome(young), (), now=day("2024-07-20"))
    before = facts_of(store, story_id)
    store.purge(day("2024-05-01") + timedelta(days=91))
    assert facts_of(store, story_id) == before
