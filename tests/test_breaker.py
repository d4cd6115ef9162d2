"""When alerts are held back: caps for an hour, told with numbers, nothing dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from monitor.alerts.breaker import (
    Source,
    held,
    is_quarantined,
    odd_feed,
    odd_notice,
    over,
    rate_jump,
)
from monitor.model import Decision, Delivery, DeliveryKind, DeliveryState, Flow, Limits, Message, Notice, Sighting
from tests.render_parts import FEED, NOW

LIMITS = Limits(burst=5, feed_cap=3, channel_cap=4, story_cap=2)
HOUR = timedelta(hours=1)
NOTHING = Flow()


def delivery(number: int, channel: str = "main", **changes: object) -> Delivery:
    made = Delivery(key=f"story:{number}", channel=channel, message=Message(text="x"), story_id=str(number))
    return replace(made, **changes)  # type: ignore[arg-type]


def sighting(minutes: float, decision: Decision = Decision.ALERT) -> Sighting:
    at = NOW - timedelta(minutes=minutes)
    return Sighting(title="t", url="https://a.example/", first_seen_at=at, decision=decision)


def ruled(
    *mail: Delivery, flow: Flow = NOTHING, odd: bool = False, announced: tuple[str, ...] | None = None
) -> tuple[list[str], list[Notice]]:
    """Causes in order ("" for what passes), and the notices."""
    news = tuple(dict.fromkeys(one.story_id for one in mail)) if announced is None else announced
    source = Source(url=FEED.url, name="Harbour Wire", announced=news)
    decided, notices = held(mail, flow, LIMITS, source, now=NOW, odd=odd)
    for one in decided:
        assert (one.state is DeliveryState.HELD) == bool(one.cause) == (one.not_before is not None)
    return [one.cause for one in decided], list(notices)


def test_a_feed_that_brings_too_much_is_held_beyond_its_cap_and_operators_get_the_numbers() -> None:
    causes, notices = ruled(*(delivery(n, channel) for n in range(5) for channel in ("main", "second")))
    assert causes == [""] * 6 + [f"flood-feed:{FEED.url}"] * 4
    (notice,) = notices
    assert notice.key == f"flood-feed:{FEED.url}"
    assert "“Harbour Wire” brought 5 alerts within an hour (feed_cap is 3); 4 messages are held" in notice.text
    assert "longarm channels release NAME" in notice.text


def test_what_a_feed_brought_within_the_hour_counts() -> None:
    flow = Flow(sightings=(sighting(10), sighting(50), sighting(50, Decision.DIGEST), sighting(70)))
    causes, _ = ruled(delivery(1), delivery(2), flow=flow)
    assert causes == ["", f"flood-feed:{FEED.url}"]


def test_a_channel_gets_no_more_than_its_cap_whoever_brings_it() -> None:
    causes, (notice,) = ruled(delivery(1), delivery(2), delivery(1, "other"), flow=Flow(alerts=(("main", 3),)))
    assert causes == ["", "flood-channel:main", ""]
    assert "Channel “main” would get 5 alerts within an hour (channel_cap is 4); 1 message is held" in notice.text
    assert "longarm channels release main" in notice.text


def test_replies_about_one_story_have_a_cap_of_their_own() -> None:
    replies = [delivery(1, kind=DeliveryKind.REPLY, key=f"story:1/state:{n}") for n in range(2)]
    causes, (notice,) = ruled(*replies, flow=Flow(replies=(("1", "main", 1), ("1", "other", 9))))
    assert causes == ["", "flood-story:1"]
    assert "more than 2 times within an hour" in notice.text


def test_edits_notices_and_digests_are_never_held() -> None:
    edit = delivery(1, kind=DeliveryKind.EDIT)
    notice = Delivery(key="notice:x", channel="main", message=Message(text="x"))
    assert ruled(edit, notice, flow=Flow(alerts=(("main", 99),)), odd=True) == (["", ""], [])


def test_a_copy_from_a_flooding_feed_is_held_like_its_story_but_neither_counted_nor_told() -> None:
    flow = Flow(sightings=(sighting(1),) * 9)
    causes, notices = ruled(delivery(1), flow=flow, announced=())
    assert causes == [f"flood-feed:{FEED.url}"]
    assert notices == []
    assert ruled(delivery(1), delivery(2), announced=()) == (["", ""], [])


def test_a_feed_that_changed_is_held_until_a_day_after_that_was_found_out() -> None:
    since = NOW - 2 * HOUR
    source = Source(url=FEED.url, name="Harbour Wire", announced=("1",))
    flow = Flow(incidents=((odd_feed(FEED.url), since),))
    (one,), notices = held([delivery(1)], flow, LIMITS, source, now=NOW, odd=True)
    assert (one.cause, one.not_before) == (odd_feed(FEED.url), since + 24 * HOUR)
    assert notices == ()
    assert is_quarantined(FEED.url, flow, NOW)
    assert not is_quarantined(FEED.url, flow, since + 24 * HOUR)
    assert not is_quarantined("https://other.example/", flow, NOW)
    assert "19 Nov 09:00 UTC" in odd_notice(source, NOW).text


def test_what_is_over_is_told_once_nothing_is_held_for_it() -> None:
    incidents = {"flood-feed:x": NOW - HOUR, "flood-channel:m": NOW, "odd-feed:x": NOW - 24 * HOUR, "feed-fails:x": NOW}
    assert [notice.key for notice in over(incidents, set(), now=NOW)] == ["flood-feed:x", "odd-feed:x"]
    assert over(incidents, {"flood-feed:x", "odd-feed:x"}, now=NOW) == ()
    assert all(notice.closes for notice in over(incidents, set(), now=NOW))


def test_a_share_of_alerts_five_times_the_usual_is_told() -> None:
    before = tuple(sighting(3_000 + n, Decision.ALERT if n == 0 else Decision.DROP) for n in range(100))
    source = Source(url=FEED.url, name="Harbour Wire", articles=20, alerts=5)
    notice = rate_jump(source, Flow(sightings=before), now=NOW)
    assert notice is not None
    assert "5 alerts among 20 articles of a day, where 1.0% is usual" in notice.text
    assert rate_jump(replace(source, alerts=4), Flow(sightings=before), now=NOW) is None, "too few to say"
    assert rate_jump(source, Flow(sightings=before[:40]), now=NOW) is None, "no habits yet"
    assert rate_jump(replace(source, articles=200), Flow(sightings=before), now=NOW) is None
    lively = tuple(sighting(3_000 + n, Decision.ALERT if n % 10 == 0 else Decision.DROP) for n in range(100))
    assert rate_jump(source, Flow(sightings=lively), now=NOW) is None
