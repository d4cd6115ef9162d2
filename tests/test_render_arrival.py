"""Alerts, notices and digests on their way through the real store and to Telegram's own wire format."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from classifiers import Reason
from monitor.alerts.channels.telegram import TelegramChannel
from monitor.alerts.policy import outcome
from monitor.alerts.render import deliveries
from monitor.digest.queueing import queue_due
from monitor.model import ChannelRules, DeliveryState, FeedState, Notice, Outcome, Placed
from monitor.store import Store
from tests.botapi import BotApi
from tests.render_parts import FEED, HEADLINES, MADRID, NOW, STATE, article, ruled, score

MAIN = ChannelRules(name="main", digest="mon 08:00", operators=True)
MONDAY = datetime.fromisoformat("2026-11-23T07:00:05+00:00")


def polled(store: Store, rows: list[tuple], *, now: datetime = NOW, notices: tuple[Notice, ...] = ()) -> Outcome:
    """Take `rows` the way from policy to the store; each that matters opens a story."""
    placed = [Placed(article=row[0], story_id=row[0].id, opens=True) for row in rows if row[2].decision != "drop"]
    known = {story.id: story for story in store.recent_stories(now - timedelta(days=4))}
    after = outcome(
        FEED, STATE, new=rows, edited=(), placed=placed, stories=known, seen_keys=(), notices=notices, now=now
    )
    store.record(after, deliveries(after, channels=(MAIN,), feeds={FEED.url: FEED}, tz=MADRID, now=now), now=now)
    return after


def settled(store: Store, now: datetime = NOW) -> list[str]:
    """Deliver everything that is pending, in order; the texts."""
    texts = []
    while found := store.pending(now):
        store.mark_sending(found[0].id, now)
        store.settle_sent(found[0].id, str(found[0].id), now)
        texts.append(found[0].message.text)
    return texts


async def test_telegram_makes_nothing_live_of_a_feeds_text_and_links_only_what_was_meant(tmp_path: Path) -> None:
    hostile = "@admin /stop@bot #tag <@1> tg://user?id=1 evil.example \u202egnp\u202c 😀"
    rows = [
        ruled(1, title=hostile, summary=hostile * 3, url="https://a.example/@user/stop#tag"),
        ruled(2, title=HEADLINES["fa"][0], summary=HEADLINES["fa"][1], language="fa", url="javascript:alert(1)"),
    ]
    rows[0] = (rows[0][0], score(reasons=(Reason(term=hostile, weight=1),)), rows[0][2])
    async with BotApi() as api:
        channel = TelegramChannel(name="main", token=api.token, chat="-100123", api_url=api.url)
        with Store.open(tmp_path, now=NOW) as store:
            polled(store, rows)
            for _ in range(2):
                sent = store.pending(NOW)[0]
                store.mark_sending(sent.id, NOW)
                store.settle_sent(sent.id, await channel.send(sent.message, possible_repeat=True), NOW)
        await channel.aclose()
    first, second = sorted(api.accepted, key=lambda message: "admin" not in message.text)
    assert (first.pings, second.pings) == ((), ())
    assert first.links == ("https://a.example/@user/stop#tag",)
    assert second.links == ()
    assert HEADLINES["fa"][1] in second.text
    assert {entity["type"] for message in api.accepted for entity in message.entities} == {"bold", "code", "text_link"}
    assert api.violations == []


def test_a_copy_of_a_stored_alert_is_silent_and_a_story_for_the_digest_still_wakes(tmp_path: Path) -> None:
    with Store.open(tmp_path, now=NOW) as store:
        polled(store, [ruled(1), ruled(2, 0.6)])
        assert len(settled(store)) == 1
        known = {story.id: story for story in store.recent_stories(NOW - timedelta(days=4))}
        news = [ruled(3, feed="https://b.example/rss"), ruled(4, feed="https://b.example/rss", title="Now it is news")]
        placed = [Placed(article=row[0], story_id=article(n).id, opens=False) for n, row in enumerate(news, start=1)]
        after = outcome(
            FEED, STATE, new=news, edited=(), placed=placed, stories=known, seen_keys=(), notices=(), now=NOW
        )
        store.record(after, deliveries(after, channels=(MAIN,), feeds={}, tz=MADRID, now=NOW), now=NOW)
        (text,) = settled(store)
        assert text.startswith("Now it is news")
        assert all(story.alerted for story in store.recent_stories(NOW - timedelta(days=4)))


def test_an_incident_is_told_once_its_end_once_and_a_later_one_again(tmp_path: Path) -> None:
    fails, ends = (
        Notice(key="feed-fails:https://x/", text="Fails."),
        Notice(key="feed-fails:https://x/", text="Fine.", closes=True),
    )
    with Store.open(tmp_path, now=NOW) as store:
        told = []
        for minute, notice in enumerate([ends, fails, fails, ends, ends, fails]):
            polled(store, [], now=NOW + timedelta(minutes=minute // 3), notices=(notice,))
            told.append(settled(store, NOW + timedelta(minutes=9)))
    assert told == [[], ["Attention: Fails."], [], ["Solved: Fine."], [], ["Attention: Fails."]]


def test_an_incident_that_begins_and_ends_within_a_minute_is_told_twice(tmp_path: Path) -> None:
    with Store.open(tmp_path, now=NOW) as store:
        for notice in (Notice(key="k", text="Fails."), Notice(key="k", text="Fine.", closes=True)):
            polled(store, [], notices=(notice,))
        assert settled(store) == ["Attention: Fails.", "Solved: Fine."]


def test_a_long_digest_goes_on_after_a_crash_where_it_stopped(tmp_path: Path) -> None:
    rows = [ruled(n, 0.6, first_seen_at=NOW, title=f"Headline {n:03}") for n in range(100)]
    folder = tmp_path / "digests"
    folder.mkdir()

    def write(name: str, content: str) -> Path:
        (folder / name).write_text(content, encoding="utf-8")
        return folder / name

    with Store.open(tmp_path, now=NOW) as store:
        polled(store, rows)
        assert queue_due(store, (MAIN,), tz=MADRID, now=MONDAY, write=write) == 1
        first = store.pending(MONDAY)[0]
        assert first.key == "digest:2026-W47/1"
        store.mark_sending(first.id, MONDAY)
        store.settle_sent(first.id, "1", MONDAY)
    with Store.open(tmp_path, now=MONDAY) as store:
        assert queue_due(store, (MAIN,), tz=MADRID, now=MONDAY, write=write) == 0
        rest = settled(store, MONDAY)
        assert len(rest) > 1
        assert not any("(1/" in text for text in rest)
        assert [row["state"] for row in store.export("deliveries")] == [DeliveryState.SENT] * (len(rest) + 1)
    whole = "\n".join([first.message.text, *rest])
    assert all(f"Headline {n:03}" in whole for n in range(100))


@pytest.mark.parametrize("baselined", [None, NOW])
def test_the_first_digest_waits_for_a_first_poll(tmp_path: Path, baselined: datetime | None) -> None:
    with Store.open(tmp_path, now=NOW) as store:
        store.record(Outcome(state=FeedState(url=FEED.url, baselined_at=baselined)), (), now=NOW)
        count = queue_due(
            store, (replace(MAIN, name="c"),), tz=MADRID, now=MONDAY, write=lambda name, _: tmp_path / name
        )
    assert count == (1 if baselined else 0)
