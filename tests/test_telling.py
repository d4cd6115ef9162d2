"""From what a poll found to what is posted, through a real store: what a channel has in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor import telling
from monitor.alerts import breaker, policy
from monitor.alerts.sources import Tiers
from monitor.model import (
    ChannelRules,
    Decision,
    Entry,
    Facts,
    Feed,
    FeedState,
    Limits,
    Outcome,
    ParsedFeed,
    Placed,
)
from monitor.store import Store
from monitor.stories import facts
from tests.render_parts import FEED, MADRID, NOW, STATE, article, member, ruled, story

OTHER = Feed(url="https://el-faro.example/rss", name="El Faro")
MINUTE = timedelta(minutes=1)


@dataclass
class Watching:
    """What telling needs, with a poll that goes the whole way to the store."""

    store: Store
    feeds: Mapping[str, Feed] = field(default_factory=lambda: {FEED.url: FEED, OTHER.url: OTHER})
    channels: Sequence[ChannelRules] = (
        ChannelRules(name="main"), ChannelRules(name="paper"), ChannelRules(name="ops", alerts=False, operators=True),
    )  # fmt: skip
    timezone: ZoneInfo = MADRID
    limits: Limits = field(default_factory=Limits)
    tiers: Tiers = field(default_factory=Tiers)
    editable: frozenset[str] = frozenset({"main"})

    def poll(
        self, *numbers: int, joins: int = 0, feed: Feed = FEED, now: datetime = NOW, said: Facts | None = None,
        value: float = 0.93, **changes: object,
    ) -> Outcome:  # fmt: skip
        """Articles that each open a story, or join that of article `joins`."""
        rows = [ruled(n, value, feed=feed.url, first_seen_at=now, **changes) for n in numbers]
        home = f"{joins:032x}" if joins else ""
        placed = [Placed(article=row[0], story_id=home or row[0].id, opens=not joins) for row in rows]
        known = {one.id: one for one in self.store.recent_stories(now - timedelta(days=4))}
        reading = policy.Reading(of={row[0].id: said for row in rows if said}, merge=facts.merged)
        state = replace(STATE, url=feed.url, title=feed.name)
        outcome = policy.outcome(
            feed, state, new=rows, edited=(), placed=placed, stories=known, seen_keys=(), notices=(), now=now,
            reading=reading, tiers=self.tiers,
        )  # fmt: skip
        outcome, mail = telling.told(self, feed, state, outcome, now)
        self.store.record(outcome, mail, now=now)
        return outcome

    def send(self, now: datetime = NOW + timedelta(days=1)) -> list[tuple[str, str, str]]:
        """Send what is pending; (channel, kind, text) of each."""
        out = []
        while rows := self.store.pending(now):
            for row in rows:
                assert self.store.mark_sending(row.id, now)
                self.store.settle_sent(row.id, str(row.id), now)
                out.append((row.channel, row.kind.value, row.message.text))
        return out

    def told(self) -> list[str]:
        """What operators were sent."""
        return [text for channel, _, text in self.send() if channel == "ops"]

    def states(self) -> list[str]:
        return [line["state"] for line in self.store.export("deliveries") if line["story"]]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watching]:
    with Store.open(tmp_path / "state", now=NOW) as store:
        yield Watching(store=store)


# ── growth ────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_source_edits_the_first_message_where_that_can_be_done_and_pings_nobody(watch: Watching) -> None:
    watch.poll(1)
    assert [(channel, kind) for channel, kind, _ in watch.send()] == [("main", "send"), ("paper", "send")]
    watch.poll(2, joins=1, feed=OTHER)
    ((channel, kind, text),) = watch.send()
    assert (channel, kind) == ("main", "edit")
    assert "Also: El Faro" in text
    assert "“wanted activist”" in text, "the reasons of the first article are kept"
    assert watch.send() == []


def test_a_second_source_that_comes_before_the_first_message_went_is_told_with_it(watch: Watching) -> None:
    watch.poll(1)
    watch.poll(2, joins=1, feed=OTHER)
    sent = watch.send()
    assert [kind for _, kind, _ in sent] == ["send", "send"]
    assert all("Also: El Faro" in text for *_, text in sent)


def test_fifty_copies_are_one_alert_and_one_open_edit(watch: Watching) -> None:
    watch.poll(1)
    watch.send()
    for n in range(2, 51):
        feed = Feed(url=f"https://f{n}.example/rss", name=f"Outlet {n:02}")
        watch.feeds = {**watch.feeds, feed.url: feed}
        watch.poll(n, joins=1, feed=feed, url=f"https://f{n}.example/{n}")
    ((_, kind, text),) = watch.send()
    assert kind == "edit"
    assert "Also: Outlet 02 (f2.example), Outlet 03 (f3.example), Outlet 04 (f4.example) +46" in text


def test_a_better_source_takes_over_the_link(watch: Watching) -> None:
    watch.poll(1)
    watch.send()
    watch.poll(2, joins=1, feed=OTHER, url="https://www.reuters.com/world/2")
    ((*_, text),) = watch.send()
    assert text.endswith("https://www.reuters.com/world/2")


def test_a_verdict_is_answered_once_however_many_report_it(watch: Watching) -> None:
    watch.poll(1, said=Facts(stage="charge", origin_states=("CN",)))
    watch.send()
    watch.poll(2, joins=1, feed=OTHER, said=Facts(stage="verdict"), title="Guilty, says the court")
    sent = watch.send()
    assert [(channel, kind) for channel, kind, _ in sent if kind == "reply"] == [("main", "reply"), ("paper", "reply")]
    answer = next(text for _, kind, text in sent if kind == "reply")
    assert answer.startswith("Now: VERDICT\nUpdate on: ")
    assert "\n\nGuilty, says the court\n" in answer
    watch.poll(3, joins=1, feed=FEED, said=Facts(stage="verdict"))
    assert "reply" not in [kind for _, kind, _ in watch.send()]
    watch.poll(4, joins=1, feed=FEED, said=Facts(stage="sentence"), value=0.6)
    assert "reply" not in [kind for _, kind, _ in watch.send()], "a weak source alone pings nobody"


def test_what_articles_say_of_a_story_is_stored_as_it_grows(watch: Watching) -> None:
    watch.poll(1, value=0.6, said=Facts(origin_states=("CN",), host_states=("US",)))
    (known,) = watch.store.recent_stories(NOW)
    assert (known.facts.origin_states, known.alerted) == (("CN",), False)
    watch.poll(2, joins=1, said=Facts(stage="trial"))
    (known,) = watch.store.recent_stories(NOW)
    assert known.alerted
    assert known.told is not None
    assert known.told.stage == "trial"


def test_a_channel_that_came_later_hears_of_a_story_with_its_next_alert_and_not_by_an_edit(watch: Watching) -> None:
    watch.channels = (ChannelRules(name="main"),)
    watch.poll(1)
    watch.send()
    watch.channels = (ChannelRules(name="main"), ChannelRules(name="new"))
    watch.editable = frozenset({"main", "new"})
    watch.poll(2, joins=1, feed=OTHER, value=0.6)
    assert [channel for channel, *_ in watch.send()] == ["main"]
    watch.poll(3, joins=1, feed=OTHER)
    assert ("new", "send") in [(channel, kind) for channel, kind, _ in watch.send()]


def test_a_decoy_that_was_refused_by_a_chat_does_not_silence_the_real_report(watch: Watching) -> None:
    watch.channels = (ChannelRules(name="main"),)
    watch.poll(1)
    (row,) = watch.store.pending(NOW)
    watch.store.mark_sending(row.id, NOW)
    watch.store.settle_dead(row.id, "400")
    watch.poll(2, joins=1, feed=OTHER, title="The real report", url="https://reuters.com/x")
    assert [(kind, text.splitlines()[0]) for _, kind, text in watch.send()] == [("send", "The real report")]


# ── floods ────────────────────────────────────────────────────────────────────────────────────────


def test_a_flood_from_one_feed_is_held_and_told_once_and_others_are_not(watch: Watching) -> None:
    watch.limits = Limits(feed_cap=2)
    watch.poll(1, 2, 3)
    watch.poll(4, 5, now=NOW + MINUTE)
    watch.poll(6, feed=OTHER, now=NOW + MINUTE)
    assert watch.states().count("held") == 6
    (text,) = watch.told()
    assert "“Harbour Wire” brought 3 alerts within an hour (feed_cap is 2); 2 messages are held" in text
    assert watch.states().count("sent") == 6


def test_a_report_that_a_flood_told_first_goes_when_another_feed_brings_it(watch: Watching) -> None:
    watch.limits = Limits(feed_cap=1)
    watch.poll(1, 2)
    watch.poll(3, joins=2)
    assert watch.states().count("held") == 2, "the flood does not free itself"
    watch.poll(4, joins=2, feed=OTHER)
    assert "held" not in watch.states()


def test_a_channel_has_a_cap_over_all_feeds(watch: Watching) -> None:
    watch.limits = Limits(channel_cap=2)
    watch.poll(1, 2)
    watch.poll(3, feed=OTHER, now=NOW + MINUTE)
    assert watch.states() == ["pending"] * 4 + ["held"] * 2
    watch.poll(4, feed=OTHER, now=NOW + timedelta(hours=2))
    assert watch.states()[-2:] == ["pending", "pending"]


def test_a_jump_in_a_feeds_share_of_alerts_is_told_once_and_nothing_is_held(watch: Watching) -> None:
    for day in range(1, 11):
        watch.poll(*range(1000 * day, 1000 * day + 8), value=0.1, now=NOW - timedelta(days=day))
    watch.poll(1, 2, 3, 4, 5)
    watch.poll(6, 7, now=NOW + MINUTE)
    assert "held" not in watch.states()
    (text,) = watch.told()
    assert "5 alerts among 5 articles of a day, where 1.2% is usual" in text


# ── a feed that changes ───────────────────────────────────────────────────────────────────────────


def taken_over(watch: Watching) -> None:
    """A feed with a month behind it begins to lead to other hosts."""
    for day in range(1, 26):
        watch.poll(1000 + day, value=0.1, now=NOW - timedelta(days=day))
    watch.poll(1, 2, url="https://lucky-casino.example/x")
    watch.poll(3, 4, url="https://lucky-casino.example/x", now=NOW + MINUTE)


def test_a_feed_that_was_taken_over_is_held_from_its_second_odd_poll_on_and_told(watch: Watching) -> None:
    taken_over(watch)
    watch.poll(5, url="https://lucky-casino.example/x", now=NOW + 2 * MINUTE)
    assert watch.states() == ["pending"] * 4 + ["held"] * 6
    (text,) = watch.told()
    assert "“Harbour Wire” is suddenly another one" in text
    assert [row.cause for row in watch.store.held_due(NOW + timedelta(hours=25))] == [breaker.odd_feed(FEED.url)] * 6
    assert watch.store.held_due(NOW + timedelta(hours=23)) == []


def test_a_changed_feed_that_an_operator_believes_is_held_no_more(watch: Watching) -> None:
    taken_over(watch)
    watch.store.release("main", now=NOW + 2 * MINUTE)
    watch.poll(5, url="https://lucky-casino.example/x", now=NOW + 3 * MINUTE)
    assert watch.states()[-2:] == ["pending", "pending"]


def test_a_changed_feed_is_taken_as_it_is_after_a_day(watch: Watching) -> None:
    taken_over(watch)
    watch.poll(5, url="https://lucky-casino.example/x", now=NOW + timedelta(hours=25))
    assert watch.states()[-2:] == ["pending", "pending"]


# ── what was missed, and what was read ────────────────────────────────────────────────────────────

BACK = NOW + timedelta(days=3)
SHOWN = ParsedFeed(entries=(Entry(id="1", title="t", url="", published_at=BACK - timedelta(hours=5)),))


def test_a_time_in_which_nobody_read_is_named_where_a_feed_shows_nothing_known_any_more() -> None:
    before = replace(STATE, succeeded_at=NOW)
    (notice,) = telling.gap(FEED, before, SHOWN, knows_any=False, now=BACK)
    assert notice.key == "gap:2026-11-18"
    assert "“Harbour Wire” was not read from 18 Nov 09:00 to 21 Nov 09:00 UTC" in notice.text
    assert "items before 21 Nov 04:00 UTC may be missing" in notice.text
    (same,) = telling.gap(OTHER, before, SHOWN, knows_any=False, now=BACK)
    assert same.key == notice.key, "a weekend away is told once and not for each feed"


@pytest.mark.parametrize(
    ("before", "shown", "knows_any"),
    [
        (replace(STATE, succeeded_at=NOW), SHOWN, True),
        (replace(STATE, succeeded_at=NOW), ParsedFeed(), False),
        (replace(STATE, succeeded_at=BACK - timedelta(hours=2)), SHOWN, False),
        (FeedState(url=FEED.url, succeeded_at=NOW), SHOWN, False),
        (replace(STATE, succeeded_at=None), SHOWN, False),
    ],
    ids=["something is known", "nothing is shown", "a short rest", "a new feed", "never read"],
)
def test_no_gap_is_named_where_there_is_none(before: FeedState, shown: ParsedFeed, knows_any: bool) -> None:
    assert telling.gap(FEED, before, shown, knows_any=knows_any, now=BACK) == ()


def test_facts_are_read_off_every_article_that_matters() -> None:
    rows = [ruled(1), ruled(2, 0.6), ruled(3, 0.1)]
    read = telling.reading(rows)
    assert set(read.of) == {rows[0][0].id, rows[1][0].id}
    assert all(isinstance(one, Facts) for one in read.of.values())
    assert isinstance(read.merge([*read.of.values()]), Facts)


def test_a_poll_that_brings_nothing_is_told_as_it_is(watch: Watching) -> None:
    outcome = Outcome(state=STATE)
    assert telling.told(watch, FEED, STATE, outcome, NOW) == (outcome, ())


def test_an_alert_from_memory_alone_is_told(watch: Watching) -> None:
    of = story(member(article(1), decision=Decision.ALERT), alerted=True)
    _, mail = telling.told(watch, FEED, STATE, Outcome(state=STATE, announce=(of,)), NOW)
    assert [one.channel for one in mail] == ["main", "paper"]
