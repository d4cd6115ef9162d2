"""The outbox: in order of queueing within a channel, every try on record, and operators told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.model import ChannelState, Delivery, DeliveryState, Notice
from monitor.store import Store
from tests.store_parts import DAY, MINUTE, NOW, a_delivery, an_outcome, everything, opened


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = opened(tmp_path / "state")
    yield made  # type: ignore[misc]
    made.close()


def keys(rows: list[Delivery]) -> list[str]:
    return [row.key for row in rows]


def by_key(store: Store) -> dict[str, dict[str, object]]:
    return {line["key"]: line for line in store.export("deliveries")}


def test_a_delivery_comes_back_as_it_was_queued(store: Store) -> None:
    delivery = a_delivery(story_id="ab", not_before=NOW)
    assert store.queue([delivery]) == 1
    assert store.pending(NOW) == [replace(delivery, id=1)]


def test_queueing_counts_only_what_is_new(store: Store) -> None:
    assert store.queue([a_delivery("a"), a_delivery("b"), a_delivery("a", "second")]) == 3
    assert store.queue([a_delivery("a"), a_delivery("c")]) == 1
    assert store.queue([]) == 0


def test_rows_come_in_order_of_queueing(store: Store) -> None:
    store.queue([a_delivery(name) for name in "cab"])
    assert keys(store.pending(NOW)) == ["c", "a", "b"]


def test_a_long_queue_of_one_channel_keeps_no_other_waiting(store: Store) -> None:
    store.queue([a_delivery(f"a{number}", "busy") for number in range(50)])
    store.queue([a_delivery("b0", "calm")])
    assert keys(store.pending(NOW, limit=4)) == ["a0", "a1", "a2", "b0"]


def test_a_row_that_waits_holds_back_the_later_ones_of_its_channel(store: Store) -> None:
    store.queue([a_delivery("a"), a_delivery("b"), a_delivery("x", "other")])
    first = store.pending(NOW)[0]
    store.mark_sending(first.id, NOW)
    assert keys(store.pending(NOW)) == ["x"]
    store.settle_retry(first.id, "502", NOW + MINUTE)
    assert keys(store.pending(NOW)) == ["x"]
    assert keys(store.pending(NOW + MINUTE)) == ["a", "b", "x"]


def test_dead_and_held_rows_hold_nothing_back(store: Store) -> None:
    store.queue([a_delivery("a"), a_delivery("b", state=DeliveryState.HELD), a_delivery("c")])
    first = store.pending(NOW)[0]
    store.mark_sending(first.id, NOW)
    store.settle_dead(first.id, "400")
    assert keys(store.pending(NOW)) == ["c"]
    assert by_key(store)["a"]["state"] == "dead"
    assert by_key(store)["a"]["error"] == "400"


def test_a_paused_channel_keeps_its_queue_until_it_is_resumed(store: Store) -> None:
    store.queue([a_delivery("a"), a_delivery("x", "other")])
    store.pause_channel("main", "bot was removed", NOW)
    store.pause_channel("main", "bot was blocked", NOW + MINUTE)
    assert keys(store.pending(NOW)) == ["x"]
    state = store.channel_states()["main"]
    assert (state.paused_at, state.reason) == (NOW, "bot was blocked")
    store.resume_channel("main")
    assert keys(store.pending(NOW)) == ["a", "x"]
    assert store.channel_states()["main"] == ChannelState(channel="main")
    store.pause_channel("main", "again", NOW + DAY)
    assert store.channel_states()["main"].paused_at == NOW + DAY


def test_a_chat_that_wants_silence_gets_it_across_restarts(tmp_path: Path) -> None:
    state = ChannelState(channel="main", chat="-100", not_before=NOW + 12 * 60 * MINUTE)
    with opened(tmp_path) as store:
        store.queue([a_delivery("a"), a_delivery("x", "other")])
        store.set_channel(state)
    with opened(tmp_path) as store:
        assert store.channel_states() == {"main": state}
        assert keys(store.pending(NOW)) == ["x"]
        assert keys(store.pending(NOW + DAY)) == ["a", "x"]


def test_waits_written_under_a_wrong_clock_keep_nothing_for_ever(store: Store) -> None:
    store.queue([a_delivery("a", not_before=NOW + 3650 * DAY)])
    store.set_channel(ChannelState(channel="main", not_before=NOW + 3650 * DAY))
    assert keys(store.pending(NOW)) == ["a"]


def test_a_group_that_moved_keeps_its_new_id(store: Store) -> None:
    store.set_chat("main", "-100777")
    store.pause_channel("main", "why", NOW)
    store.set_chat("main", "-100888")
    assert store.channel_states()["main"] == ChannelState(channel="main", chat="-100888", paused_at=NOW, reason="why")


def test_a_sent_row_bears_what_the_peer_called_it(store: Store) -> None:
    store.queue([a_delivery("a")])
    assert store.mark_sending(1, NOW)
    store.settle_retry(1, "timeout", NOW, unknown=True)
    assert store.mark_sending(1, NOW + MINUTE)
    store.settle_sent(1, "4711", NOW + 2 * MINUTE)
    line = by_key(store)["a"]
    assert (line["state"], line["remote_id"], line["attempts"], line["unknown"]) == ("sent", "4711", 2, 1)
    assert (line["error"], line["sent_at"]) == ("", "2026-11-17T08:02:00Z")
    assert store.pending(NOW + DAY) == []


def test_a_try_can_be_begun_only_once(store: Store) -> None:
    store.queue([a_delivery("a")])
    assert store.mark_sending(1, NOW)
    assert not store.mark_sending(1, NOW)
    assert not store.mark_sending(99, NOW)
    assert store.recent_sends(NOW) == [("main", NOW)]


def test_a_settled_row_stays_settled(store: Store) -> None:
    store.queue([a_delivery("a")])
    store.mark_sending(1, NOW)
    store.settle_sent(1, "1", NOW)
    before = everything(store)
    store.settle_retry(1, "late", NOW, unknown=True)
    store.settle_dead(1, "later")
    assert everything(store) == before


def test_rows_cut_off_while_sending_are_taken_back_as_unknown(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.queue([a_delivery("a"), a_delivery("b"), a_delivery("c", "other")])
        store.mark_sending(1, NOW)
        store.mark_sending(3, NOW)
    with opened(tmp_path) as store:
        back = store.recover_sending(NOW)
        assert [(row.key, row.state, row.unknown, row.attempts) for row in back] == [
            ("a", DeliveryState.PENDING, 1, 1),
            ("c", DeliveryState.PENDING, 1, 1),
        ]
        assert store.recover_sending(NOW) == []
        assert keys(store.pending(NOW)) == ["a", "b", "c"]


def test_every_try_counts_for_the_pace_whatever_came_of_it(store: Store) -> None:
    store.queue([a_delivery("a"), a_delivery("x", "other")])
    store.mark_sending(1, NOW)
    store.settle_retry(1, "502", NOW)
    store.mark_sending(1, NOW + MINUTE)
    store.settle_dead(1, "400")
    store.mark_sending(2, NOW + MINUTE)
    assert store.recent_sends(NOW) == [("main", NOW), ("main", NOW + MINUTE), ("other", NOW + MINUTE)]
    assert store.recent_sends(NOW + timedelta(seconds=1)) == [("main", NOW + MINUTE), ("other", NOW + MINUTE)]


def test_a_held_channel_is_released_in_order(store: Store) -> None:
    store.queue([a_delivery("a"), a_delivery("b"), a_delivery("x", "other")])
    assert store.hold("main") == 2
    assert keys(store.pending(NOW)) == ["x"]
    assert store.counts()["held"] == 2
    assert store.release("main", now=NOW) == 2
    assert keys(store.pending(NOW)) == ["a", "b", "x"]


# ── what operators are told ───────────────────────────────────────────────────────────────────────

FAILS = Notice(key="feed-fails:https://a.example/", text="a fails")
MENDED = Notice(key=FAILS.key, text="a answers again", closes=True)


def mail(when: str, *channels: str) -> list[Delivery]:
    return [a_delivery(f"notice:{FAILS.key}:{when}", channel) for channel in channels]


def test_an_incident_is_told_once_while_it_lasts_and_again_when_it_returns(store: Store) -> None:
    store.record(an_outcome(notices=(FAILS,)), mail("202611170800", "ops"), now=NOW)
    store.record(an_outcome(notices=(FAILS,)), mail("202611170815", "ops"), now=NOW + MINUTE)
    assert len(store.pending(NOW)) == 1
    assert store.open_notices() == (FAILS,)
    store.record(an_outcome(notices=(MENDED,)), mail("202611170830", "ops"), now=NOW + 2 * MINUTE)
    assert store.open_notices() == ()
    store.record(an_outcome(notices=(MENDED,)), mail("202611170845", "ops"), now=NOW + 3 * MINUTE)
    store.record(an_outcome(notices=(FAILS,)), mail("202611170900", "ops"), now=NOW + 4 * MINUTE)
    assert [row.key[-4:] for row in store.pending(NOW + DAY)] == ["0800", "0830", "0900"]


def test_the_end_of_an_incident_is_told_only_where_it_was_told(store: Store) -> None:
    store.record(an_outcome(notices=(FAILS,)), mail("1", "ops"), now=NOW)
    store.record(an_outcome(notices=(MENDED,)), mail("2", "ops", "new"), now=NOW)
    assert [(row.key[-1], row.channel) for row in store.pending(NOW)] == [("1", "ops"), ("2", "ops")]


def test_notices_leave_alerts_of_the_same_poll_alone(store: Store) -> None:
    store.tell(FAILS, [], now=NOW)
    store.record(an_outcome(notices=(FAILS,)), [*mail("1", "ops"), a_delivery("story:1")], now=NOW)
    assert keys(store.pending(NOW)) == ["story:1"]


def test_a_notice_can_be_told_and_closed_outside_of_a_poll(store: Store) -> None:
    assert store.tell(FAILS, [a_delivery(f"notice:{FAILS.key}", "ops")], now=NOW) == 1
    assert store.tell(FAILS, mail("2", "ops"), now=NOW) == 0
    assert store.close_notice(FAILS.key, NOW)
    assert not store.close_notice(FAILS.key, NOW)
    assert store.tell(MENDED, mail("3", "ops"), now=NOW) == 0


def test_a_learned_chat_id_holds_until_another_chat_is_configured(tmp_path: Path) -> None:
    with Store.open(tmp_path / "state", now=NOW) as store:
        store.configure_chats({"main": "@watch"})
        store.set_chat("main", "-100777")
        store.configure_chats({"main": "@watch"})
        assert store.channel_states()["main"].chat == "-100777"
        store.configure_chats({"main": "@other"})
        assert store.channel_states()["main"].chat == ""


def test_a_channel_waits_since_its_oldest_row_could_go_and_quiet_hours_do_not_count(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        held = NOW + 9 * 60 * MINUTE
        store.queue([a_delivery("story:1", "night", not_before=held), a_delivery("story:1"), a_delivery("story:2")])
        assert store.waiting_since() == {"night": held, "main": NOW}
        for row in store.pending(NOW):
            store.mark_sending(row.id, NOW)
            store.settle_retry(row.id, "refused", NOW + 5 * MINUTE)
        assert store.waiting_since()["main"] == NOW  # a try that failed is no reason not to wait any more


def test_incidents_without_an_end_are_closed_in_time_and_told_again(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        notice = Notice(key="backfill:x", text="an archive")
        told = a_delivery("notice:backfill:x:1")
        assert store.tell(notice, [told], now=NOW) == 1
        store.tell(Notice(key="feed-fails:x", text="fails"), [], now=NOW)
        store.close_passing(("backfill:", "other:"), NOW)
        assert len(store.open_notices()) == 2  # not old enough
        store.close_passing(("backfill:", "other:"), NOW + DAY)
        assert [one.key for one in store.open_notices()] == ["feed-fails:x"]
        assert store.tell(notice, [replace(told, key="notice:backfill:x:2")], now=NOW + DAY) == 1
