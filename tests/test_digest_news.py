"""What moved, where it came from, what to read, what comes next; where it is quiet; what was corrected."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from monitor.digest.corrections import corrections
from monitor.digest.missed import missed
from monitor.digest.quiet import quiet
from monitor.digest.select import select
from monitor.digest.trends import trends
from monitor.model import Case, ChannelRules, Chapter, Decision, Digest, Judged, Route, Story, Turn, WeekData
from tests.digest_parts import (
    DEAF,
    ELSEWHERE,
    END,
    FEEDS,
    START,
    W47,
    case,
    edition,
    full_digest,
    full_week,
    half_year,
    past,
    told,
)
from tests.render_parts import FEED, MADRID, NOW, STATE, article, judged

ALL = ChannelRules(name="")
APRIL = datetime(2023, 4, 17, tzinfo=UTC)


def chosen(*pairs: tuple[Story, Judged], rules: ChannelRules = ALL, **data: object) -> Digest:
    week = WeekData(stories=tuple(of for of, _ in pairs), judged=tuple(row for _, row in pairs), **data)  # type: ignore[arg-type]
    return select(week, rules, W47, feeds=FEEDS, tz=MADRID)


def known(number: int) -> tuple[Story, Judged]:
    """A story that opened before the week."""
    story, row = told(number)
    return story, replace(row, opens_story=False)


# ── moved ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_known_story_moved_when_readers_were_told_a_later_stage() -> None:
    story, row = known(1)
    turns = (
        Turn(story_id=story.id, stage="trial", at=START, before="charge"),
        Turn(story_id=story.id, stage="verdict", at=NOW, before="trial"),
    )
    (moved,) = chosen((story, row), turns=turns).moved
    assert [(step.stage, step.at) for step in moved.steps] == [("charge", None), ("trial", START), ("verdict", NOW)]
    assert moved.item.story_id == story.id
    (bare,) = chosen((story, row), turns=(replace(turns[0], before=""),)).moved
    assert [step.stage for step in bare.steps] == ["trial"]


def test_a_new_story_moved_when_its_case_came_further_by_it() -> None:
    story, row = told(1)
    steps = ((APRIL, "charge"), (APRIL + timedelta(days=30), "charge"), (APRIL + timedelta(days=60), "trial"))
    (moved,) = chosen((story, row), cases=(case(story.id, "verdict", *steps),)).moved
    assert [(step.stage, step.at) for step in moved.steps] == [
        ("charge", APRIL),
        ("trial", APRIL + timedelta(days=60)),
        ("verdict", NOW),
    ]


@pytest.mark.parametrize(
    ("stage", "before"),
    [
        ("verdict", ()),  # the first story of its case
        ("charge", ((APRIL, "verdict"),)),  # no step further
        ("verdict", ((APRIL, "verdict"),)),
        ("", ((APRIL, "charge"),)),
        ("report", ((APRIL, "charge"),)),
        ("investigation", ((APRIL, ""),)),  # where a case stands of which nothing was read
    ],
)
def test_a_case_that_stands_still_did_not_move(stage: str, before: tuple[tuple[datetime, str], ...]) -> None:
    story, row = told(1)
    assert chosen((story, row), cases=(case(story.id, stage, *before),)).moved == ()


def test_a_charge_moves_a_case_of_which_no_stage_was_read() -> None:
    story, row = told(1)
    (moved,) = chosen((story, row), cases=(case(story.id, "charge", (APRIL, "")),)).moved
    assert [step.stage for step in moved.steps] == ["charge"]


def test_a_story_that_comes_later_in_its_case_does_not_count_for_an_earlier_one() -> None:
    story, row = told(1)
    chapters = (
        Chapter(story_id="old", at=APRIL, stage="charge"),
        Chapter(story_id=story.id, at=NOW, stage="trial"),
        Chapter(story_id="later", at=NOW + timedelta(days=20), stage="sentence"),
    )
    (moved,) = chosen((story, row), cases=(Case(id="c", chapters=chapters),)).moved
    assert [step.stage for step in moved.steps] == ["charge", "trial"]


def test_an_old_story_is_not_moved_by_its_case_and_a_filtered_one_not_told() -> None:
    story, row = known(1)
    moved = case(story.id, "verdict", (APRIL, "charge"))
    assert chosen((story, row), cases=(moved,)).moved == ()
    turns = (Turn(story_id=story.id, stage="trial", at=NOW),)
    assert chosen((story, row), turns=turns, rules=ChannelRules(name="ru", languages=("ru",))).moved == ()


# ── where from, what to read, what comes ──────────────────────────────────────────────────────────


def test_new_stories_are_counted_by_origin_and_host() -> None:
    digest = chosen(
        told(1, origin_states=("CN",), host_states=("US",)),
        told(2, origin_states=("CN",), host_states=("US",), alerted=False),
        told(3, origin_states=("IR",)),
        told(4, origin_states=("RU",), host_states=("DE", "PL")),
        told(5),
        known(6),
    )
    assert digest.new == 5
    assert digest.routes == (
        Route(origin="CN", host="US", stories=2, alerted=1),
        Route(origin="IR", host="", stories=1, alerted=1),
        Route(origin="RU", host="DE", stories=1, alerted=1),
        Route(origin="RU", host="PL", stories=1, alerted=1),
        Route(origin="", host="", stories=1, alerted=1),
    )
    assert chosen(told(1), told(2)).routes == ()


def test_the_one_report_is_an_alerted_one_before_any_other() -> None:
    below, alerted = told(1, stage="report", alerted=False), told(2, stage="report")
    digest = chosen(below, alerted, told(3, stage="verdict"))
    assert digest.report is not None
    assert digest.report.story_id == alerted[0].id
    assert chosen(told(3, stage="verdict")).report is None


def test_days_to_come_are_found_in_titles_summaries_and_texts() -> None:
    story, row = told(1)
    row = replace(row, article=replace(row.article, summary="Sentencing is set for 29 January."))
    text = "It will open on 2 December. The 20 November hearing is over. Sentencing is set for 29 January, again."
    digest = chosen((story, row), passages=((row.article.id, text),))
    assert [(one.day, one.item.story_id) for one in digest.ahead] == [
        (date(2026, 12, 2), story.id),
        (date(2027, 1, 29), story.id),
    ]
    assert digest.ahead[0].words == "It will open on 2 December"


def test_a_day_that_copies_name_in_the_same_words_is_told_once() -> None:
    pairs = [told(n) for n in (1, 2)]
    passages = tuple((row.article.id, "It will open on 2 December.") for _, row in pairs)
    assert len(chosen(*pairs, passages=passages).ahead) == 1


# ── quiet ─────────────────────────────────────────────────────────────────────────────────────────


def found(*ones: tuple[str, int], blind: tuple[str, ...] = (), watched: tuple[str, ...] = (FEED.url,)) -> list[str]:
    stories = [past(n, END - timedelta(days=ago), origin_states=(state,)) for n, (state, ago) in enumerate(ones)]
    return [one.state for one in quiet(stories, end=END, blind=blind, watched=watched)]


def test_an_origin_that_was_told_of_and_is_no_longer_is_quiet() -> None:
    assert found(("BY", 29), ("BY", 100)) == ["BY"]
    assert found(("BY", 27), ("BY", 100)) == []
    assert found(("BY", 100)) == []
    assert found(("RW", 60), ("RW", 61), ("BY", 40), ("BY", 50), ("BY", 60)) == ["BY", "RW"]


def test_how_many_of_its_feeds_are_blind_is_told() -> None:
    stories = [
        past(n, END - timedelta(days=60 + n), origin_states=("BY",), feeds=(FEED.url, ELSEWHERE)) for n in (1, 2)
    ]
    (one,) = quiet(stories, end=END, blind={ELSEWHERE}, watched={FEED.url, ELSEWHERE})
    assert (one.feeds, one.blind, one.last_at) == (2, 1, END - timedelta(days=61))
    (gone,) = quiet(stories, end=END, blind=(), watched={FEED.url})
    assert gone.blind == 1


def test_failing_disabled_and_removed_feeds_are_blind() -> None:
    data = WeekData(feeds=(STATE, DEAF), past=half_year())
    for feeds in (
        FEEDS,
        {**FEEDS, ELSEWHERE: replace(FEED, url=ELSEWHERE)},
        {**FEEDS, ELSEWHERE: replace(FEED, url=ELSEWHERE, enabled=False)},
        {},
    ):
        (one,) = select(data, ALL, W47, feeds=feeds, tz=MADRID).quiet
        assert (one.state, one.feeds, one.blind) == ("BY", 2, 1)


# ── corrections ───────────────────────────────────────────────────────────────────────────────────


def test_an_edit_that_names_another_state_is_a_correction() -> None:
    (one,) = corrections([edition()], FEEDS)
    assert (one.changed, one.source) == (("states",), "Harbour Wire")
    assert (one.before, one.title) == (
        "Chinese police station found in London",
        "Chinese police station found in Paris",
    )


def test_an_edit_that_is_judged_otherwise_is_a_correction() -> None:
    (one,) = corrections([edition(title="Chinese police station found in London", decision=Decision.DIGEST)], {})
    assert (one.changed, one.before, one.source) == (("verdict",), "", "harbour-wire.example")
    (purged,) = corrections([edition(title_before="", title="", decision=Decision.DROP)], {})
    assert (purged.changed, purged.title) == (("verdict",), "")


def test_an_edit_that_adds_something_or_goes_on_is_none() -> None:
    assert corrections([edition(title="Chinese police station found in London, a charity says")], FEEDS) == ()
    further = edition(
        title_before="Man charged over Chinese police station in New York",
        title="Man found guilty over Chinese police station in New York",
    )
    assert corrections([further], FEEDS) == ()


def test_a_stage_taken_back_is_a_correction() -> None:
    back = edition(
        title_before="Man found guilty over Chinese police station in New York",
        title="Man charged over Chinese police station in New York",
    )
    (one,) = corrections([back], FEEDS)
    assert one.changed == ("stage",)


def test_a_channel_hears_of_the_corrections_and_the_silence_that_it_wants() -> None:
    data = full_week()
    for rules, heard in (
        (ALL, (1, ["BY"])),
        (ChannelRules(name="a", languages=("en",), least=0.9), (1, ["BY"])),
        (ChannelRules(name="b", languages=("ru",)), (0, ["BY"])),
        (ChannelRules(name="c", states=("IR",)), (1, [])),
        (ChannelRules(name="d", states=("BY",)), (1, ["BY"])),
    ):
        digest = select(data, rules, W47, feeds=FEEDS, tz=MADRID)
        assert (len(digest.corrections), [one.state for one in digest.quiet]) == heard, rules.name


# ── counts ────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_held_back_is_counted_for_the_channel_and_for_all() -> None:
    data = full_week()
    assert select(data, ChannelRules(name="main"), W47).held == 2
    assert select(data, ALL, W47).held == 5
    assert select(data, ChannelRules(name="x"), W47).held == 0


def test_what_was_missed_is_told_only_where_a_sample_was_judged() -> None:
    guess = select(WeekData(), ALL, W47, missed=missed(1_000, relevant=1, not_relevant=49)).missed
    assert guess is not None
    assert (guess.likely, guess.labelled) == (20, 50)
    assert 0 <= guess.least < 20 < guess.most
    assert select(WeekData(), ALL, W47, missed=missed(1_000, relevant=0, not_relevant=0)).missed is None
    assert select(WeekData(), ALL, W47).missed is None


def test_the_half_year_is_counted_by_weeks_routes_codes_languages_and_delay() -> None:
    rows = [
        judged(article(n, published_at=NOW - delay))
        for n, delay in enumerate([timedelta(minutes=5), timedelta(minutes=50), timedelta(hours=5), timedelta(days=3)])
    ]
    odd = [
        judged(article(10, published_at=None)),
        judged(article(11, recent=False)),
        judged(article(12, published_at=NOW + timedelta(hours=1))),
        judged(article(13, published_at=NOW - timedelta(days=60))),
    ]
    counted = trends(half_year(), [*rows, *odd], first_day=W47.first_day, tz=MADRID)
    assert counted is not None
    assert len(counted.weeks) == 26
    assert counted.weeks[-1].first_day == W47.first_day
    assert sum(week.alerted + week.below for week in counted.weeks[1:]) == 175 + 2
    assert counted.weeks[-1].alerted + counted.weeks[-1].below == 7
    assert counted.routes[0] == Route(origin="CN", host="US", stories=180, alerted=60)
    assert counted.codes == (("response", 180),)
    assert counted.languages == (("en", 90), ("zh", 90), ("be", 2))
    assert counted.delays == (1, 1, 1, 0, 1)
    assert counted.delay == timedelta(hours=5)


def test_a_young_watch_has_no_weeks_before_its_first_story() -> None:
    young = trends([past(1, NOW)], [], first_day=W47.first_day, tz=MADRID)
    assert young is not None
    assert [week.first_day for week in young.weeks] == [W47.first_day]
    assert (young.delays, young.delay) == ((), None)
    assert trends([], [], first_day=W47.first_day, tz=MADRID) is None


def test_a_full_week_has_something_of_everything() -> None:
    digest = full_digest()
    assert all((digest.moved, digest.routes, digest.report, digest.ahead, digest.quiet, digest.corrections))
    assert len(digest.moved) == 2
    assert digest.withdrawn == 1
    assert digest.trends is not None
