"""The letter box: what becomes of what is posted depends on what the channel has heard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.model import Burst, Delivery, DeliveryKind, DeliveryState, Facts, Message, Notice, Told
from monitor.store import Store
from tests.store_parts import DAY, MINUTE, NOW, a_delivery, a_story, an_outcome, everything, judged, opened

OLD, NEW, NEWER = (Message(text=text) for text in ("old", "new", "newer"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = opened(tmp_path / "state")
    yield made
    made.close()


def first(message: Message = OLD, **changes: object) -> Delivery:
    return replace(a_delivery("story:1", story_id="1", message=message), **changes)  # type: ignore[arg-type]


def edit(message: Message = NEW, **changes: object) -> Delivery:
    made = replace(a_delivery("story:1/edit", story_id="1", message=message), kind=DeliveryKind.EDIT, about="story:1")
    return replace(made, **changes)  # type: ignore[arg-type]


def reply(key: str = "story:1/stage:verdict", **changes: object) -> Delivery:
    made = replace(a_delivery(key, story_id="1"), kind=DeliveryKind.REPLY, about="story:1")
    return replace(made, **changes)  # type: ignore[arg-type]


def sent(store: Store, *, remote_id: str = "7") -> None:
    """Send what is pending."""
    for row in store.pending(NOW + DAY):
        assert store.mark_sending(row.id, NOW)
        store.settle_sent(row.id, remote_id, NOW)


def at(store: Store, key: str = "story:1") -> Delivery:
    found = store.delivery(key, "main")
    assert found is not None
    return found


def states(store: Store) -> dict[str, str]:
    return {line["key"]: line["state"] for line in store.export("deliveries")}


# ── first messages ────────────────────────────────────────────────────────────────────────────────


def test_what_waits_says_the_new_words_when_it_is_posted_again(store: Store) -> None:
    store.queue([first()])
    assert store.queue([first(NEW)]) == 0
    (row,) = store.pending(NOW)
    assert (row.message, row.state) == (NEW, DeliveryState.PENDING)


def test_what_is_out_stays_as_it_was_sent(store: Store) -> None:
    store.queue([first()])
    sent(store)
    store.queue([first(NEW)])
    assert (at(store).message, at(store).state) == (OLD, DeliveryState.SENT)


def test_what_is_neither_story_nor_waiting_is_not_reworded(store: Store) -> None:
    store.queue([a_delivery("digest:2026-W47/1", message=OLD)])
    store.queue([a_delivery("digest:2026-W47/1", message=NEW)])
    assert at(store, "digest:2026-W47/1").message == OLD


def test_a_held_row_goes_when_another_feed_brings_the_story_and_stays_when_the_flood_itself_does(store: Store) -> None:
    flood = {"state": DeliveryState.HELD, "cause": "flood-feed:x", "not_before": NOW + DAY}
    store.queue([first(**flood)])
    store.queue([first(NEW, **flood)])
    assert (at(store).state, at(store).message) == (DeliveryState.HELD, NEW)
    store.queue([first(NEW)])
    assert (at(store).state, at(store).cause, at(store).not_before) == (DeliveryState.PENDING, "", None)


def test_a_refused_row_goes_once_more_with_other_words_and_not_with_the_same(store: Store) -> None:
    store.queue([first()])
    (row,) = store.pending(NOW)
    store.mark_sending(row.id, NOW)
    store.settle_dead(row.id, "400")
    store.queue([first()])
    assert at(store).state is DeliveryState.DEAD
    store.queue([first(NEW)])
    assert (at(store).state, at(store).message, at(store).error) == (DeliveryState.PENDING, NEW, "")


def test_marking_gives_the_newest_words(store: Store) -> None:
    store.queue([first()])
    (row,) = store.pending(NOW)
    store.queue([first(NEW)])  # while the row was read already
    marked = store.mark_sending(row.id, NOW)
    assert marked is not None
    assert (marked.message, marked.attempts) == (NEW, 1)
    assert store.mark_sending(row.id, NOW) is None


# ── edits ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_of_what_waits_rewords_it_and_is_no_row(store: Store) -> None:
    store.queue([first(), edit()])
    assert states(store) == {"story:1": "pending"}
    assert at(store).message == NEW


def test_an_edit_of_what_nobody_was_told_is_nothing(store: Store) -> None:
    assert store.queue([edit()]) == 0
    assert states(store) == {}


def test_one_open_edit_takes_the_newest_words_and_the_next_one_is_another_row(store: Store) -> None:
    store.queue([first()])
    sent(store)
    assert store.queue([edit(not_before=NOW + MINUTE)]) == 1
    assert store.queue([edit(NEWER, not_before=NOW + 2 * MINUTE)]) == 0
    (row,) = store.pending(NOW + MINUTE)
    assert (row.key, row.message, row.not_before) == ("story:1/edit:1", NEWER, NOW + MINUTE)
    sent(store)
    assert store.queue([edit(NEWER)]) == 0, "it reads so already"
    assert store.queue([edit(OLD)]) == 1, "a headline may be changed back"
    assert [row.key for row in store.pending(NOW)] == ["story:1/edit:2"]


def test_an_edit_that_comes_while_another_is_on_its_way_follows_it(store: Store) -> None:
    store.queue([first()])
    sent(store)
    store.queue([edit()])
    (row,) = store.pending(NOW)
    store.mark_sending(row.id, NOW)
    assert store.queue([edit(NEWER)]) == 1
    store.settle_sent(row.id, "7", NOW)
    assert [row.message for row in store.pending(NOW)] == [NEWER]


def test_what_can_not_be_edited_any_more_is_not_tried_again(store: Store) -> None:
    store.queue([first()])
    sent(store)
    store.queue([edit()])
    (row,) = store.pending(NOW)
    store.mark_sending(row.id, NOW)
    store.settle_dead(row.id, "message to edit not found")
    assert store.queue([edit(NEWER)]) == 0
    assert store.pending(NOW) == []


def test_edits_wait_for_the_message_to_be_out_and_go_behind_everything_new(store: Store) -> None:
    store.queue([first()])
    (row,) = store.pending(NOW)
    store.mark_sending(row.id, NOW)
    store.queue([edit()])
    store.settle_retry(row.id, "502", NOW + MINUTE)
    assert store.pending(NOW) == []
    assert [row.key for row in store.pending(NOW + MINUTE)] == ["story:1"]
    sent(store)
    store.queue([a_delivery("story:2")])
    assert [row.key for row in store.pending(NOW)] == ["story:2", "story:1/edit:1"]


def test_an_edit_that_waits_holds_nothing_back_and_none_goes_while_something_new_is_tried_again(store: Store) -> None:
    store.queue([first(), a_delivery("story:2", story_id="2")])
    sent(store)
    later = replace(edit(), key="story:2/edit", about="story:2")
    store.queue([edit(not_before=NOW + DAY), later, a_delivery("story:3")])
    assert [row.key for row in store.pending(NOW)] == ["story:3", "story:2/edit:1"]
    (row, _) = store.pending(NOW)
    store.mark_sending(row.id, NOW)
    assert store.pending(NOW) == []
    store.settle_retry(row.id, "502", NOW + MINUTE)
    assert store.pending(NOW) == []


def test_edits_go_in_quiet_hours_that_hold_back_what_is_new(store: Store) -> None:
    store.queue([first()])
    sent(store)
    store.queue([a_delivery("story:2", not_before=NOW + 9 * 60 * MINUTE), edit()])
    assert [row.key for row in store.pending(NOW)] == ["story:1/edit:1"]


def test_an_edit_is_in_no_hurry_so_nobody_is_alarmed_that_it_waits(store: Store) -> None:
    store.queue([first()])
    sent(store)
    store.queue([edit()])
    assert store.waiting_since() == {}


# ── replies ───────────────────────────────────────────────────────────────────────────────────────


def test_a_reply_is_queued_only_where_the_message_is_out_and_only_once(store: Store) -> None:
    assert store.queue([reply()]) == 0
    store.queue([first()])
    assert store.queue([reply()]) == 0, "the waiting message says it itself"
    sent(store)
    assert store.queue([reply()]) == 1
    assert store.queue([reply()]) == 0
    assert [row.key for row in store.pending(NOW)] == ["story:1/stage:verdict"]


# ── lists ─────────────────────────────────────────────────────────────────────────────────────────


def a_list(*names: int, counts: tuple[int, ...] = ()) -> Burst:
    return Burst(delivery=a_delivery("burst:1/1", message=Message(text="list")), names=names, counts=counts)


def test_a_list_tells_its_rows_and_they_are_sent_with_it(store: Store) -> None:
    store.queue([first(), a_delivery("story:2", story_id="2"), a_delivery("story:3", story_id="3")])
    assert store.fold([a_list(2, 3)], now=NOW) == 1
    assert states(store) == {"story:1": "pending", "story:2": "folded", "story:3": "folded", "burst:1/1": "pending"}
    assert [row.key for row in store.pending(NOW)] == ["story:1", "burst:1/1"]
    sent(store, remote_id="9")
    assert set(states(store).values()) == {"sent"}
    assert (at(store, "story:3").remote_id, at(store, "story:3").about) == ("9", "burst:1/1")


def test_a_list_that_is_refused_gives_its_rows_back_and_says_what_may_have_arrived(store: Store) -> None:
    store.queue([first(), a_delivery("story:2", story_id="2")])
    store.fold([a_list(1, 2)], now=NOW)
    (row,) = store.pending(NOW)
    store.mark_sending(row.id, NOW)
    store.settle_retry(row.id, "timeout", NOW, unknown=True)
    store.mark_sending(row.id, NOW)
    store.settle_dead(row.id, "400")
    back = store.pending(NOW)
    assert [(one.key, one.unknown, one.about) for one in back] == [("story:1", 1, ""), ("story:2", 1, "")]
    assert all(one.error for one in back), "they are not folded again"


def test_a_list_with_a_row_that_is_out_already_is_not_made(store: Store) -> None:
    store.queue([first(), a_delivery("story:2", story_id="2")])
    (row, _) = store.pending(NOW)
    store.mark_sending(row.id, NOW)
    before = everything(store)
    assert store.fold([a_list(1, 2)], now=NOW) == 0
    assert everything(store) == before


def test_what_a_list_tells_is_not_edited_and_may_be_answered(store: Store) -> None:
    store.queue([first(), a_delivery("story:2", story_id="2")])
    store.fold([a_list(1, 2)], now=NOW)
    assert store.queue([first(NEW), edit(), reply()]) == 1
    sent(store)
    assert store.queue([edit(NEWER)]) == 0
    assert set(states(store)) == {"story:1", "story:2", "burst:1/1", "story:1/stage:verdict"}


def test_a_story_that_was_only_counted_is_told_when_another_alert_joins_it(store: Store) -> None:
    store.queue([a_delivery("story:2", story_id="2"), first()])
    store.fold([a_list(1, counts=(2,))], now=NOW)
    sent(store)
    store.queue([first(NEW)])
    (row,) = store.pending(NOW)
    assert (row.key, row.message, row.about, row.remote_id) == ("story:1", NEW, "", "")


# ── held rows ─────────────────────────────────────────────────────────────────────────────────────


def held(key: str, cause: str = "flood-feed:x", minutes: int = 60) -> Delivery:
    made = a_delivery(key, story_id=key.partition(":")[2])
    return replace(made, state=DeliveryState.HELD, cause=cause, not_before=NOW + minutes * MINUTE)


def test_held_rows_are_due_together_once_the_last_of_their_cause_is(store: Store) -> None:
    store.queue([held("story:1", minutes=60), held("story:2", minutes=90), held("story:3", "odd-feed:y", minutes=50)])
    store.queue([a_delivery("story:4")])
    store.hold("main")  # by hand: it is not let go by itself
    assert [row.key for row in store.held_due(NOW + 60 * MINUTE)] == ["story:3"]
    assert [row.key for row in store.held_due(NOW + 90 * MINUTE)] == ["story:1", "story:2", "story:3"]
    assert store.open_incidents() == ({}, {"flood-feed:x", "odd-feed:y", ""})


def test_releasing_lets_all_go_and_believes_a_feed_that_had_changed(store: Store) -> None:
    store.tell(Notice(key="odd-feed:y", text="odd"), [], now=NOW)
    store.tell(Notice(key="flood-feed:x", text="flood"), [], now=NOW)
    store.queue([held("story:1"), held("story:2", "odd-feed:y")])
    assert store.release("main", now=NOW) == 2
    assert [(row.key, row.not_before, row.cause) for row in store.pending(NOW)] == [
        ("story:1", None, ""),
        ("story:2", None, ""),
    ]
    assert store.open_incidents() == ({"flood-feed:x": NOW}, set())


def test_some_rows_can_be_released_alone(store: Store) -> None:
    store.queue([held("story:1"), held("story:2")])
    assert store.release("main", [2], now=NOW) == 1
    assert states(store) == {"story:1": "held", "story:2": "pending"}


# ── what flows, and what was told ─────────────────────────────────────────────────────────────────


def test_flow_counts_the_last_hour_and_shows_what_the_feed_brought(store: Store) -> None:
    ones = (judged(1), judged(2, first_seen_at=NOW - DAY), judged(3, first_seen_at=NOW - 40 * DAY))
    mail = [
        a_delivery("story:1", story_id="1"),
        a_delivery("story:2", story_id="2", queued_at=NOW - DAY),
        a_delivery("digest:2026-W47/1"),
        held("story:3"),
    ]
    store.record(an_outcome(*ones), mail, now=NOW)
    sent(store)
    store.queue([reply()])
    flow = store.flow(ones[0].article.feed, now=NOW)
    assert flow.alerts == (("main", 2),)
    assert flow.replies == (("1", "main", 1),)
    assert [one.title for one in flow.sightings] == ["Title 1", "Title 2"]
    assert store.flow("https://other.example/", now=NOW).sightings == ()


def test_what_was_told_of_a_story_and_what_its_articles_say_is_remembered(store: Store) -> None:
    lead = judged(1)
    told = Told(stage="charge", origin_states=("CN",))
    store.record(an_outcome(lead, facts=((lead.story_id, Facts(origin_states=("CN",))),)), [], now=NOW)
    (story,) = store.recent_stories(NOW)
    assert (story.facts, story.told, story.alerted) == (Facts(origin_states=("CN",)), None, False)
    grown = a_story(lead, facts=Facts(origin_states=("CN",), stage="charge"), told=told)
    store.record(an_outcome(judged(2, story=lead.story_id), grown=(grown,)), [], now=NOW)
    (story,) = store.recent_stories(NOW)
    assert (story.facts.stage, story.told, story.alerted) == ("charge", told, True)
    assert store.stories([story.id, "unknown"]) == {story.id: story}
    assert [row.article.title for row in store.judged([lead.article.id])] == ["Title 1"]


def test_stories_sent_alone_are_counted_and_lists_are_not(store: Store) -> None:
    store.queue([first(), a_delivery("story:2", story_id="2"), a_delivery("story:3", story_id="3"), a_delivery("x")])
    store.fold([a_list(2, 3)], now=NOW)
    sent(store)
    assert store.stories_sent_alone(NOW - MINUTE) == {"main": 1}
    assert store.stories_sent_alone(NOW + MINUTE) == {}
