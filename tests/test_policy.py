"""Verdicts and announcements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import Score
from monitor.alerts.policy import Reading, Rules, decision, outcome, verdict
from monitor.model import Decision, Facts, Feed, FeedState, Notice, Outcome, Placed, Story, Told, Update
from tests.render_parts import FEED, NOW, RULES, STATE, article, member, ruled, score, story


def after_poll(
    *,
    new: tuple = (),
    edited: tuple = (),
    placed: tuple[Placed, ...] = (),
    stories: tuple[Story, ...] = (),
    feed: Feed = FEED,
    state: FeedState = STATE,
    said: dict[str, Facts] | None = None,
) -> Outcome:
    return outcome(
        feed,
        state,
        new=new,
        edited=edited,
        placed=placed,
        stories={known.id: known for known in stories},
        seen_keys=((b"k", "a"),),
        notices=(Notice(key="n", text="t"),),
        now=NOW,
        reading=None if said is None else Reading(of=said, merge=together),
    )


def together(facts: Sequence[Facts]) -> Facts:
    """A merge that is easy to follow: the last stage, every state."""
    return Facts(
        stage=next((one.stage for one in reversed(facts) if one.stage), ""),
        origin_states=tuple(dict.fromkeys(state for one in facts for state in one.origin_states)),
    )


def opening(row: tuple) -> Placed:
    return Placed(article=row[0], story_id=row[0].id, opens=True)


def joining(row: tuple, story_id: str) -> Placed:
    return Placed(article=row[0], story_id=story_id, opens=False, evidence="0.71 to the lead")


# ── verdicts ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "expected", "rule"),
    [
        (0.93, Decision.ALERT, "0.93 >= alert_at 0.80"),
        (0.80, Decision.ALERT, "0.80 >= alert_at 0.80"),
        (0.62, Decision.DIGEST, "0.62 >= digest_at 0.50"),
        (0.12, Decision.DROP, "0.12 < digest_at 0.50"),
    ],
)
def test_a_verdict_says_the_comparison_that_made_it(value: float, expected: Decision, rule: str) -> None:
    said = verdict(score(value), article(), FEED, RULES)
    assert (said.decision, said.rule) == (expected, rule)


@pytest.mark.parametrize("value", [0.499, 0.49999, 0.5 - 1e-6, 0.5 - 1e-12])
def test_a_score_just_below_a_threshold_is_written_so_that_the_rule_is_seen_to_be_true(value: float) -> None:
    shown, _, _, bound = verdict(score(value), article(), FEED, RULES).rule.split()
    assert float(shown) < float(bound)


def test_a_feeds_own_thresholds_go_before_the_general_ones() -> None:
    strict = replace(FEED, alert_at=0.95)
    lenient = replace(FEED, digest_at=0.1)
    assert verdict(score(0.9), article(), strict, RULES).decision is Decision.DIGEST
    said = verdict(score(0.2), article(), lenient, RULES)
    assert said.decision is Decision.DIGEST
    assert said.rule == "0.20 >= digest_at 0.10 of this feed"


def test_what_a_first_poll_only_remembers_is_never_an_alert() -> None:
    old = article(recent=False)
    said = verdict(score(0.99), old, FEED, RULES)
    assert said.decision is Decision.DIGEST
    assert "remembered at the first poll" in said.rule
    assert "0.99 >= alert_at 0.80" in said.rule
    assert verdict(score(0.1), old, FEED, RULES).decision is Decision.DROP


def test_obfuscated_text_is_shown_to_people_however_low_it_scores() -> None:
    said = verdict(score(0.01, obfuscated=True), article(), FEED, RULES)
    assert said.decision is Decision.DIGEST
    assert "dodge" in said.rule
    assert verdict(score(0.9, obfuscated=True), article(), FEED, RULES).decision is Decision.ALERT


def test_a_broken_score_ends_where_people_look() -> None:
    said = verdict(Score(value=float("nan")), article(), FEED, RULES)
    assert said.decision is Decision.DIGEST
    assert said.rule == "no usable score"


@given(value=st.floats(0, 1), alert_at=st.floats(0, 1), digest_at=st.floats(0, 1))
def test_a_higher_score_never_gets_a_lesser_verdict(value: float, alert_at: float, digest_at: float) -> None:
    order = [Decision.DROP, Decision.DIGEST, Decision.ALERT]
    rules = Rules(alert_at=alert_at, digest_at=digest_at)
    lower, higher = (order.index(decision(Score(value=v), rules)) for v in (value / 2, value))
    assert lower <= higher
    assert decision(Score(value=value), rules) is verdict(Score(value=value), article(), FEED, rules).decision


# ── announcements ─────────────────────────────────────────────────────────────────────────────────


def test_a_new_story_is_announced_with_everything_known_of_it() -> None:
    row = ruled(1)
    after = after_poll(new=(row,), placed=(opening(row),))
    (told,) = after.announce
    assert told.id == row[0].id
    assert told.alerted
    assert (told.language, told.first_at, told.last_at) == ("en", row[0].at, row[0].at)
    (lead,) = told.members
    assert (lead.title, lead.feed, lead.feed_name, lead.score) == (row[0].title, FEED.url, "Harbour Wire", 0.93)
    (judged,) = after.judged
    assert (judged.story_id, judged.opens_story, judged.edited) == (told.id, True, False)
    assert (after.state, after.seen_keys) == (STATE, ((b"k", "a"),))
    assert after.notices == (Notice(key="n", text="t"),)


def test_dropped_articles_are_recorded_outside_of_every_story() -> None:
    row = ruled(1, 0.1)
    after = after_poll(new=(row,))
    assert after.judged[0].story_id == ""
    assert after.announce == ()


def test_a_story_for_the_digest_alone_is_not_announced() -> None:
    row = ruled(1, 0.6)
    assert after_poll(new=(row,), placed=(opening(row),)).announce == ()


def test_copies_in_one_poll_make_one_announcement_with_all_of_them() -> None:
    first, second, third = ruled(1), ruled(2), ruled(3, 0.6)
    after = after_poll(
        new=(first, second, third),
        placed=(opening(first), joining(second, first[0].id), joining(third, first[0].id)),
    )
    (told,) = after.announce
    assert [one.article_id for one in told.members] == [first[0].id, second[0].id, third[0].id]
    assert after.judged[1].evidence == "0.71 to the lead"


def test_a_copy_of_a_story_that_was_told_is_silent() -> None:
    told = story(member(article(1)), alerted=True)
    copy = ruled(2, 0.99)
    after = after_poll(new=(copy,), placed=(joining(copy, told.id),), stories=(told,))
    assert after.announce == ()
    assert after.judged[0].story_id == told.id


def test_a_decoy_published_first_does_not_silence_the_news() -> None:
    decoy = story(member(article(1, title="Local council notes"), 0.55, decision=Decision.DIGEST))
    news = ruled(2)
    after = after_poll(new=(news,), placed=(joining(news, decoy.id),), stories=(decoy,))
    (told,) = after.announce
    assert told.id == decoy.id
    assert [one.article_id for one in told.members] == [article(1).id, news[0].id]
    assert told.alerted


def test_a_decoy_in_the_same_poll_does_not_silence_the_news() -> None:
    decoy, news = ruled(1, 0.55), ruled(2)
    after = after_poll(new=(decoy, news), placed=(opening(decoy), joining(news, decoy[0].id)))
    assert [told.id for told in after.announce] == [decoy[0].id]


def test_three_hundred_new_stories_in_one_poll_are_all_announced_oldest_first() -> None:
    rows = tuple(ruled(n, published_at=NOW - timedelta(minutes=n)) for n in range(1, 301))
    after = after_poll(new=rows, placed=tuple(opening(row) for row in rows))
    assert len(after.announce) == 300
    times = [told.last_at for told in after.announce]
    assert times == sorted(times)


def test_fifty_outlets_with_one_text_are_one_announcement() -> None:
    rows = tuple(ruled(n) for n in range(1, 51))
    lead = rows[0][0].id
    after = after_poll(new=rows, placed=(opening(rows[0]), *(joining(row, lead) for row in rows[1:])))
    (told,) = after.announce
    assert len(told.members) == 50


def test_a_told_story_that_an_alert_joins_is_offered_again_to_those_whose_filters_left_it_out() -> None:
    known = story(member(article(1)), alerted=True)
    untold = story(member(article(4), 0.6, decision=Decision.DIGEST))
    copy, dull, opener = ruled(2), ruled(3, 0.6), ruled(5)
    after = after_poll(
        new=(copy, dull, opener),
        placed=(joining(copy, known.id), joining(dull, known.id), joining(opener, untold.id)),
        stories=(known, untold),
    )
    assert [told.id for told in after.announce] == [untold.id]
    (grown,) = after.grown
    assert (grown.id, grown.alerted) == (known.id, True)
    assert [one.article_id for one in grown.members] == [article(1).id, copy[0].id, dull[0].id]


def test_a_told_story_that_something_for_the_digest_joins_has_grown_too() -> None:
    known = story(member(article(1)), alerted=True)
    dull, dropped = ruled(2, 0.6), ruled(3, 0.1)
    after = after_poll(new=(dull, dropped), placed=(joining(dull, known.id),), stories=(known,))
    assert [[one.article_id for one in grown.members] for grown in after.grown] == [[article(1).id, dull[0].id]]


def test_what_a_first_poll_remembers_is_recorded_in_its_story_without_a_word() -> None:
    row = ruled(1, recent=False)
    after = after_poll(new=(row,), placed=(opening(row),))
    assert after.announce == ()
    assert after.judged[0].verdict.decision is Decision.DIGEST


# ── what is known of stories, and what is new in them ─────────────────────────────────────────────


def test_a_new_story_says_what_its_articles_say_and_remembers_what_was_told() -> None:
    first, second, weak = ruled(1), ruled(2), ruled(3, 0.6)
    lead = first[0].id
    after = after_poll(
        new=(first, second, weak),
        placed=(opening(first), joining(second, lead), joining(weak, lead)),
        said={
            first[0].id: Facts(stage="charge", origin_states=("CN",)),
            second[0].id: Facts(origin_states=("RU",)),
            weak[0].id: Facts(stage="sentence"),
        },
    )
    (told,) = after.announce
    assert told.facts == Facts(stage="sentence", origin_states=("CN", "RU"))
    assert told.told == Told(stage="charge", origin_states=("CN", "RU")), (
        "what a weak source says was not told for good"
    )
    assert after.facts == ((lead, told.facts),)
    assert after.updates == ()


def test_a_story_for_the_digest_is_read_too() -> None:
    row = ruled(1, 0.6)
    after = after_poll(new=(row,), placed=(opening(row),), said={row[0].id: Facts(origin_states=("CN",))})
    assert after.facts == ((row[0].id, Facts(origin_states=("CN",))),)
    assert after.announce == ()


CHARGED = Told(stage="charge", origin_states=("CN",))


def grown(row: tuple, facts: Facts, told: Told | None = CHARGED) -> Outcome:
    known = story(member(article(1)), alerted=True, told=told, facts=Facts(origin_states=("CN",)))
    return after_poll(new=(row,), placed=(joining(row, known.id),), stories=(known,), said={row[0].id: facts})


def test_a_later_stage_in_a_story_that_was_told_is_an_update() -> None:
    row = ruled(2)
    after = grown(row, Facts(stage="verdict", origin_states=("CN", "RU")))
    lead = article(1).id
    assert after.updates == (Update(story_id=lead, article_id=row[0].id, stage="verdict", states=("RU",)),)
    (story_now,) = after.grown
    assert story_now.told == Told(stage="verdict", origin_states=("CN", "RU"))
    assert story_now.facts == Facts(stage="verdict", origin_states=("CN", "RU"))


@pytest.mark.parametrize(
    "row",
    [
        ruled(2, 0.6),
        ruled(2, url="https://reuter5.com/x"),
        ruled(2, url="https://archive.ph/x"),
        ruled(2, url=""),
        ruled(2, recent=False),
    ],
    ids=["only for the digest", "a look-alike", "a mirror", "no address", "only remembered"],
)
def test_a_weak_source_alone_makes_no_update(row: tuple) -> None:
    after = grown(row, Facts(stage="sentence"))
    assert after.updates == ()
    assert after.grown[0].told == CHARGED


def test_a_story_of_which_nobody_noted_what_was_told_begins_to_be_noted_without_a_word() -> None:
    after = grown(ruled(2), Facts(stage="verdict"), told=None)
    assert after.updates == ()
    assert after.grown[0].told == Told(stage="verdict")


# ── edits ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_that_lifts_an_untold_story_is_announced_with_the_new_text() -> None:
    known = story(member(article(1, title="Man hurt in London"), 0.6, decision=Decision.DIGEST))
    edit = ruled(1, title="Exiled editor stabbed in London", version=2)
    after = after_poll(edited=(edit,), placed=(joining(edit, known.id),), stories=(known,))
    (told,) = after.announce
    assert told.id == known.id
    assert [one.title for one in told.members] == ["Exiled editor stabbed in London"]
    assert after.judged[0].edited


def test_an_edit_of_a_told_story_is_silent_even_where_another_article_of_it_was_told() -> None:
    known = story(member(article(1)), member(article(2), 0.6, decision=Decision.DIGEST), alerted=True)
    edits = (ruled(1, title="New headline", version=2), ruled(2, title="Other headline", version=2))
    placed = tuple(opening(row) for row in edits)
    after = after_poll(edited=edits, placed=placed, stories=(known,))
    assert after.announce == ()
    assert [judged.story_id for judged in after.judged] == [known.id, known.id]
    assert [judged.opens_story for judged in after.judged] == [True, False]  # the first one is its lead


def test_what_joins_a_story_that_an_edited_member_would_have_opened_follows_it_home() -> None:
    known = story(member(article(1)), member(article(2)), alerted=True)
    edit, copy = ruled(2, title="Quite another headline", version=2), ruled(3)
    after = after_poll(new=(copy,), edited=(edit,), placed=(opening(edit), joining(copy, edit[0].id)), stories=(known,))
    assert {judged.story_id for judged in after.judged} == {known.id}
    assert after.announce == ()


def test_an_edit_that_drops_an_article_leaves_it_in_its_story() -> None:
    known = story(member(article(1)), alerted=True)
    edit = ruled(1, 0.1, version=2)
    after = after_poll(edited=(edit,), stories=(known,))
    assert after.judged[0].story_id == known.id
    assert after.judged[0].verdict.decision is Decision.DROP


def test_an_edit_that_makes_news_of_a_dropped_article_is_announced() -> None:
    edit = ruled(1, version=2)
    after = after_poll(edited=(edit,), placed=(opening(edit),))
    assert [told.id for told in after.announce] == [edit[0].id]


def test_an_edit_of_something_only_remembered_stays_unannounced() -> None:
    edit = ruled(1, version=2, recent=False)
    assert after_poll(edited=(edit,), placed=(opening(edit),)).announce == ()


def test_a_feed_without_a_name_is_called_by_its_title_or_its_host() -> None:
    row = ruled(1)
    nameless = replace(FEED, name="")
    titled = after_poll(new=(row,), placed=(opening(row),), feed=nameless).announce[0]
    bare = after_poll(new=(row,), placed=(opening(row),), feed=nameless, state=FeedState(url=FEED.url)).announce[0]
    assert titled.members[0].feed_name == "Harbour Wire: all news"
    assert bare.members[0].feed_name == "harbour-wire.example"


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.1, 0.6, 0.9])), max_size=12),
    st.sets(st.integers(0, 4)),
)
def test_every_alert_worthy_article_is_in_a_story_that_was_or_is_told_exactly_once(
    arrivals: list[tuple[int, float]], told_before: set[int]
) -> None:
    stories = tuple(story(member(article(100 + n)), alerted=n in told_before) for n in range(5))
    rows = [(ruled(n + 1, value), stories[where]) for n, (where, value) in enumerate(arrivals)]
    placed = tuple(joining(row, where.id) for row, where in rows if row[2].decision is not Decision.DROP)
    after = after_poll(new=tuple(row for row, _ in rows), placed=placed, stories=stories)
    now_told = [told.id for told in after.announce]
    assert len(now_told) == len(set(now_told))
    before = {known.id for known in stories if known.alerted}
    assert before.isdisjoint(now_told)
    assert all(row.story_id in before | set(now_told) for row in after.judged if row.verdict.decision is Decision.ALERT)
