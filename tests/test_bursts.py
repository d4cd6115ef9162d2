"""Many stories at once: which go alone, and how the others are listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts import bursts
from monitor.alerts.bursts import Plan, Words, lists, plan
from monitor.model import Decision, Delivery, DeliveryKind, DeliveryState, Message, SpanKind, Story
from tests.render_parts import HEADLINES, MADRID, NOW, article, is_sound, marked, member, story, units

WORDS = Words(feeds={}, tz=MADRID)
MINUTE = timedelta(minutes=1)


def row(number: int, **changes: object) -> Delivery:
    made = Delivery(
        key=f"story:{number}", channel="main", message=Message(text=f"Story {number}\nmore"), id=number,
        story_id=f"{number:032x}", queued_at=NOW,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def planned(count: int, *, sent_alone: int = 0, gathering: bool = False, minutes: float = 0) -> Plan:
    rows = [row(number) for number in range(count)]
    return plan(rows, sent_alone=sent_alone, burst=5, gathering=gathering, now=NOW + minutes * MINUTE)


# ── the plan ──────────────────────────────────────────────────────────────────────────────────────


def test_up_to_five_stories_within_ten_minutes_go_alone() -> None:
    assert planned(5) == Plan()
    assert planned(2, sent_alone=3) == Plan()
    assert planned(0) == Plan()


def test_what_is_beyond_is_folded_in_the_order_of_the_queue() -> None:
    assert planned(9).fold == (5, 6, 7, 8)
    assert planned(3, sent_alone=7).fold == (0, 1, 2)


def test_what_was_queued_before_a_list_that_waits_goes_alone_and_what_is_tried_again_counts() -> None:
    rows = [row(1, attempts=3), row(2), row(3), row(4, story_id="", key="burst:9/1"), row(5), row(6), row(7)]
    found = plan(rows, sent_alone=1, burst=5, gathering=False, now=NOW)
    assert found.fold == (6, 7)


def test_one_beyond_is_no_list() -> None:
    assert planned(6) == Plan()
    assert planned(1, sent_alone=9) == Plan()


def test_while_feeds_are_asked_what_is_beyond_is_left_for_two_minutes() -> None:
    assert planned(6, gathering=True).leave == {5}
    assert planned(9, gathering=True, minutes=1.9).leave == {5, 6, 7, 8}
    assert planned(9, gathering=True, minutes=2).fold == (5, 6, 7, 8)
    assert planned(9, gathering=True, minutes=-5).fold == (5, 6, 7, 8), "a clock that was set back leaves nothing"


def test_only_first_messages_of_stories_that_were_never_tried_are_folded() -> None:
    assert bursts.is_foldable(row(1))
    assert bursts.is_foldable(row(1, state=DeliveryState.HELD))
    for changes in (
        {"story_id": ""}, {"kind": DeliveryKind.REPLY}, {"kind": DeliveryKind.EDIT}, {"attempts": 1},
        {"error": "was refused beside others"}, {"state": DeliveryState.SENT},
    ):  # fmt: skip
        assert not bursts.is_foldable(row(1, **changes))


# ── the list ──────────────────────────────────────────────────────────────────────────────────────


def listed(stories: Sequence[Story], why: str = "2 more new stories") -> list[Message]:
    rows = [row(number, story_id=of.id) for number, of in enumerate(stories)]
    return [one.delivery.message for one in lists(rows, {of.id: of for of in stories}, WORDS, why=why, now=NOW)]


def test_each_story_is_listed_with_headline_host_time_and_link() -> None:
    one, other = article(1), article(2, title=HEADLINES["fa"][0], url="")
    (message,) = listed([story(member(one)), story(member(other))])
    assert message.text.splitlines() == [
        "2 more new stories",
        "",
        f"• {HEADLINES['en'][0]} (harbour-wire.example), 18 Nov 2026 08:00 CET",
        f"• \u2068{HEADLINES['fa'][0]}\u2069, 18 Nov 2026 08:00 CET",
    ]
    assert [span.url for span in message.spans if span.url] == [one.url]
    assert marked(message, SpanKind.CODE) == ["harbour-wire.example"]
    assert is_sound(message)


def test_a_story_is_listed_by_its_best_source() -> None:
    decoy = member(article(1, title="Decoy"), 0.55, decision=Decision.DIGEST)
    news = member(article(2, title="Real news", url="https://reuters.com/x"))
    (message,) = listed([story(decoy, news)])
    assert "Real news (reuters.com)" in message.text


def test_a_story_without_articles_is_listed_as_its_message_began() -> None:
    (one,) = lists([row(7)], {}, WORDS, why="1", now=NOW)
    assert one.delivery.message.text == "1\n\n• Story 7"


def test_many_stories_are_several_messages_of_which_one_makes_a_sound() -> None:
    stories = [story(member(article(n, title=f"Headline {n:03} " + "x" * 80))) for n in range(100)]
    rows = [row(number, story_id=of.id) for number, of in enumerate(stories)]
    made = lists(rows, {of.id: of for of in stories}, WORDS, why="100 more", now=NOW)
    assert len(made) == 4
    assert [one.delivery.message.silent for one in made] == [False, True, True, True]
    assert [one.delivery.key for one in made] == [f"burst:0/{n}" for n in range(1, 5)]
    assert [number for one in made for number in one.names] == list(range(100))
    assert all(one.counts == () for one in made)
    whole = "\n".join(one.delivery.message.text for one in made)
    assert all(f"Headline {n:03}" in whole for n in range(100))
    assert made[1].delivery.message.text.startswith("100 more (2/4)\n")
    assert all(is_sound(one.delivery.message) for one in made)


def test_more_than_anybody_reads_is_counted() -> None:
    stories = [story(member(article(n, title=f"{n} " + "字" * 130))) for n in range(600)]
    rows = [row(number, story_id=of.id) for number, of in enumerate(stories)]
    made = lists(rows, {of.id: of for of in stories}, WORDS, why="600 more", now=NOW)
    assert len(made) == bursts.PARTS
    assert [number for one in made for number in (*one.names, *one.counts)] == list(range(600))
    assert made[-1].counts
    assert f"and {len(made[-1].counts)} more; all of them are in the digest" in made[-1].delivery.message.text


@given(st.lists(st.text(max_size=200), min_size=1, max_size=40))
def test_whatever_headlines_say_each_story_is_told_exactly_once(titles: list[str]) -> None:
    stories = [story(member(article(n, title=title))) for n, title in enumerate(titles)]
    rows = [row(number, story_id=of.id) for number, of in enumerate(stories)]
    made = lists(rows, {of.id: of for of in stories}, WORDS, why="all", now=NOW)
    assert [number for one in made for number in (*one.names, *one.counts)] == [one.id for one in rows]
    assert all(is_sound(one.delivery.message) and units(one.delivery.message.text) <= 4_000 for one in made)
