"""What is forgotten and what is kept; what a jump of the clock moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.model import EPOCH, ChannelState, Decision, Feed, FeedState, Label, LabelValue
from monitor.store import Store, retention
from tests.store_parts import (
    DAY,
    FEED,
    MINUTE,
    NOW,
    a_delivery,
    an_outcome,
    article_id,
    everything,
    judged,
    key,
    opened,
    record,
)

LATER = NOW + 91 * DAY


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = opened(tmp_path / "state")
    yield made  # type: ignore[misc]
    made.close()


def texts(store: Store) -> dict[str, tuple[bool, bool, bool]]:
    """Which of title, summary and text each article still has."""
    return {
        article.id: (bool(article.title), bool(article.summary), bool(article.text))
        for article in store.articles(EPOCH)
    }


def test_old_texts_go_and_what_people_look_up_stays(store: Store) -> None:
    record(store, "alerted")
    store.record(
        an_outcome(
            judged("digest", Decision.DIGEST),
            judged("dropped", Decision.DROP),
            judged("labelled", Decision.DROP),
            judged("young", Decision.DROP, first_seen_at=LATER - 90 * DAY),
        ),
        [],
        now=NOW,
    )
    store.add_label(Label(article_id=article_id("labelled"), rater="ana", value=LabelValue.RELEVANT, at=NOW))
    store.purge(LATER)
    assert texts(store) == {
        article_id("alerted"): (True, False, False),
        article_id("digest"): (False, False, False),
        article_id("dropped"): (False, False, False),
        article_id("labelled"): (True, True, False),
        article_id("young"): (True, True, True),
    }
    assert store.counts()["seen_keys"] == 10
    once = everything(store)
    store.purge(LATER)
    assert everything(store) == once


def test_earlier_versions_of_a_text_go_with_it(store: Store) -> None:
    record(store, 1)
    store.record(an_outcome(judged(1, edited=True, version=2, title="Second")), [], now=NOW)
    store.purge(LATER)
    ((_, version, title, summary, *_rest),) = everything(store)["article_versions"]  # type: ignore[misc]
    assert (version, title, summary) == (1, "", "")


def test_an_edit_of_a_purged_article_brings_its_text_back_for_a_while(store: Store) -> None:
    record(store, 1)
    store.purge(LATER)
    store.record(an_outcome(judged(1, edited=True, version=2)), [], now=LATER)
    assert texts(store) == {article_id(1): (True, True, True)}
    store.purge(LATER)
    assert texts(store) == {article_id(1): (True, False, False)}


def test_sent_messages_are_emptied_and_never_queued_again(store: Store) -> None:
    store.queue([a_delivery("a"), a_delivery("b")])
    store.mark_sending(1, NOW)
    store.settle_sent(1, "7", NOW)
    store.purge(LATER)
    assert store.queue([a_delivery("a")]) == 0
    assert [row.message.text for row in store.pending(LATER)] == [a_delivery("b").message.text]
    assert b"Alert a" not in b"".join(str(row).encode() for row in everything(store)["deliveries"])  # type: ignore[attr-defined]
    assert store.recent_sends(EPOCH) == []


def test_a_try_that_has_no_end_yet_is_kept(store: Store) -> None:
    store.queue([a_delivery("a")])
    store.mark_sending(1, NOW)
    store.purge(LATER)
    assert store.recent_sends(EPOCH) == [("main", NOW)]


def test_what_a_resting_feed_shows_is_known_however_long_it_rests(store: Store) -> None:
    store.record(an_outcome(judged(1, Decision.DROP)), [], now=NOW)
    store.purge(NOW + 5 * 365 * DAY)
    assert key("id 1") in store.known([key("id 1")])


def test_keys_not_shown_for_more_than_a_year_are_forgotten_with_their_dropped_article(store: Store) -> None:
    store.record(an_outcome(judged(1, Decision.DROP), judged(2), judged(3, Decision.DROP)), [], now=NOW)
    store.add_label(Label(article_id=article_id(3), rater="ana", value=LabelValue.UNSURE, at=NOW))
    moved_on = FeedState(url=FEED, changed_at=NOW + 399 * DAY)
    store.record(an_outcome(state=moved_on), [], now=NOW + 399 * DAY)
    store.purge(NOW + 399 * DAY)
    assert store.counts()["seen_keys"] == 6
    store.purge(NOW + 401 * DAY)
    assert store.counts()["seen_keys"] == 0
    assert {line["id"] for line in store.export("articles")} == {article_id(2), article_id(3)}


def test_a_key_that_another_feed_still_shows_is_known(store: Store) -> None:
    store.record(an_outcome(judged(1, Decision.DROP)), [], now=NOW)
    store.record(
        an_outcome(url="https://b.example/", seen_keys=((key("id 1"), article_id(1)),)), [], now=NOW + 300 * DAY
    )
    store.record(an_outcome(state=FeedState(url=FEED, changed_at=NOW + 399 * DAY)), [], now=NOW + 399 * DAY)
    store.purge(NOW + 450 * DAY)
    assert store.known([key("id 1"), key("link 1")]).keys() == {key("id 1")}


def test_a_purge_of_years_goes_in_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    record(store, *range(10))
    store.record(an_outcome(*(judged(n, Decision.DROP) for n in range(10, 20))), [], now=NOW)
    for row in store.pending(NOW):
        store.mark_sending(row.id, NOW)
        store.settle_sent(row.id, "1", NOW)
    store.record(an_outcome(state=FeedState(url=FEED, changed_at=NOW + 399 * DAY)), [], now=NOW + 399 * DAY)
    store.purge(NOW + 401 * DAY)
    counts = store.counts()
    assert (counts["articles"], counts["seen_keys"], counts["sent"]) == (10, 0, 10)
    assert not any(summary for _, summary, _ in texts(store).values())


# ── the clock ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("jump", [-timedelta(hours=1), timedelta(days=7), -timedelta(days=365)])
def test_a_jump_of_the_clock_moves_what_lies_ahead(store: Store, jump: timedelta) -> None:
    store.record(an_outcome(), [], now=NOW)
    store.sync_feeds([Feed(url="https://never.example/")], {})
    store.queue([a_delivery("a", not_before=NOW + MINUTE), a_delivery("b"), a_delivery("c", "other")])
    store.set_channel(ChannelState(channel="other", not_before=NOW + MINUTE))
    before = store.feed_state(FEED)
    store.shift_schedule(jump)
    after = store.feed_state(FEED)
    assert before is not None
    assert after == replace(before, next_poll_at=before.next_poll_at + jump)
    never = store.feed_state("https://never.example/")
    assert never is not None
    assert never.next_poll_at == EPOCH
    assert [row.key for row in store.pending(NOW + jump)] == ["b"]
    assert [row.key for row in store.pending(NOW + jump + MINUTE)] == ["a", "b", "c"]
    assert store.channel_states()["other"].not_before == NOW + MINUTE + jump
