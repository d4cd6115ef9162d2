"""Which week a digest covers, when it is due, and what is in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.digest.select import Week, due, last_whole_week, select
from monitor.model import ChannelRules, Decision, Facts, Feed, FeedState, Judged, Story, Verdict, WeekData
from tests.render_parts import FEED, MADRID, NOW, STATE, article, judged, member, score, story, story_in

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
W47 = Week(2026, 47)


def key(digest: str, now: str, *, tz: ZoneInfo = MADRID, not_before: datetime = LONG_AGO) -> str | None:
    found = due(ChannelRules(name="c", digest=digest), tz=tz, now=datetime.fromisoformat(now), not_before=not_before)
    return found.key if found else None


# ── weeks ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_week_is_read_written_and_begins_on_its_monday() -> None:
    assert str(Week.parse(" 2026-W07 ")) == "2026-W07"
    assert W47.first_day == date(2026, 11, 16)
    assert Week.of(date(2027, 1, 3)) == Week(2026, 53)


@pytest.mark.parametrize("text", ["", "2026-47", "2026-W00", "2026-W54", "2025-W53", "W47", "2026-W4", "0000-W01"])
def test_what_is_no_week_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected one like 2026-W47"):
        Week.parse(text)


def test_a_week_with_a_change_of_clocks_is_an_hour_longer_or_shorter() -> None:
    autumn, spring = Week(2026, 43).span(MADRID), Week(2026, 13).span(MADRID)
    assert autumn[1] - autumn[0] == timedelta(days=7, hours=1)
    assert spring[1] - spring[0] == timedelta(days=6, hours=23)
    assert W47.span(MADRID)[0] == datetime(2026, 11, 15, 23, tzinfo=UTC)


def test_the_last_whole_week_is_one_of_the_time_zone() -> None:
    sunday_night = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # Monday in Madrid
    assert last_whole_week(sunday_night, MADRID) == W47
    assert last_whole_week(sunday_night, ZoneInfo("UTC")) == Week(2026, 46)


# ── due ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_digest_of_monday_covers_the_week_before() -> None:
    assert key("mon 08:00", "2026-11-23T07:00:00+00:00") == "digest:2026-W47"
    assert key("mon 08:00", "2026-11-23T06:59:59+00:00") == "digest:2026-W46"


@pytest.mark.parametrize("day", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
def test_every_day_of_a_week_covers_the_week_before(day: str) -> None:
    assert key(f"{day} 08:00", "2026-11-29T22:00:00+00:00") == "digest:2026-W47"


def test_a_channel_without_a_digest_is_owed_none() -> None:
    assert key("", "2026-11-23T12:00:00+00:00") is None


def test_no_digest_is_due_for_a_week_that_was_over_when_the_watch_began() -> None:
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    assert key("mon 08:00", "2026-11-23T12:00:00+00:00", not_before=monday) is None
    assert key("mon 08:00", "2026-11-23T12:00:00+00:00", not_before=monday - timedelta(days=2)) == "digest:2026-W47"
    began = datetime(2026, 11, 24, tzinfo=UTC)
    assert key("mon 08:00", "2026-11-25T12:00:00+00:00", not_before=began) is None
    assert key("mon 08:00", "2026-11-30T12:00:00+00:00", not_before=began) == "digest:2026-W48"


def test_of_several_moments_slept_over_only_the_last_is_owed() -> None:
    assert key("mon 08:00", "2026-12-27T12:00:00+00:00") == "digest:2026-W51"


@pytest.mark.parametrize(("hour", "expected"), [("00:30", "2026-W43"), ("01:30", "2026-W43")])
def test_an_hour_that_the_clocks_repeat_is_one_digest(hour: str, expected: str) -> None:
    # Sunday 25 October 2026, 02:30 comes twice in Madrid: at 00:30 and at 01:30 UTC.
    assert key("sun 02:30", f"2026-10-25T{hour}:00+00:00") == "digest:2026-W42"
    assert key("sun 02:30", "2026-10-25T00:29:00+00:00") == "digest:2026-W41"
    assert expected == str(Week.of(date(2026, 10, 25)))


def test_an_hour_that_the_clocks_skip_is_not_a_week_without_a_digest() -> None:
    assert key("sun 02:30", "2026-03-29T01:29:00+00:00") == "digest:2026-W11"
    assert key("sun 02:30", "2026-03-29T01:30:00+00:00") == "digest:2026-W12"


@given(
    st.sampled_from(["mon 00:00", "sun 02:30", "sun 23:59", "wed 8:00", "FRI 12:00"]),
    st.sampled_from(["Europe/Madrid", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)),
)
def test_whatever_the_hour_a_moment_is_owed_that_has_passed_within_a_week(digest: str, zone: str, at: datetime) -> None:
    now, tz = at.replace(tzinfo=UTC), ZoneInfo(zone)
    found = due(ChannelRules(name="c", digest=digest), tz=tz, now=now, not_before=LONG_AGO)
    assert found is not None
    assert now - timedelta(days=7, hours=1) <= found.at <= now
    assert found.week.span(tz)[1] <= found.at + timedelta(hours=1)


@given(st.integers(0, 60 * 24 * 30), st.lists(st.integers(1, 60 * 30), max_size=40))
def test_asking_at_any_rhythm_owes_each_week_at_most_one_digest_in_order(start: int, steps: list[int]) -> None:
    now, keys = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=start), []
    for step in steps:
        now += timedelta(minutes=step)
        found = due(ChannelRules(name="c", digest="sun 02:30"), tz=MADRID, now=now, not_before=LONG_AGO)
        keys.append(found.week if found else None)
    assert keys == sorted(keys)  # type: ignore[type-var]


# ── what is in it ─────────────────────────────────────────────────────────────────────────────────


def week_of(*pairs: tuple[Story, Judged], **changes: object) -> WeekData:
    return WeekData(stories=tuple(of for of, _ in pairs), judged=tuple(row for _, row in pairs), **changes)  # type: ignore[arg-type]


def told(pair: tuple[Story, Judged]) -> tuple[Story, Judged]:
    return replace(pair[0], alerted=True), pair[1]


ALL = ChannelRules(name="c")


def test_alerted_stories_come_by_time_and_those_below_by_score() -> None:
    later = told(story_in("en", 1, published_at=NOW))
    earlier = told(story_in("zh", 2, published_at=NOW - timedelta(days=2)))
    weak, strong = story_in("ru", 3, 0.55), story_in("ar", 4, 0.75)
    digest = select(week_of(later, weak, earlier, strong, alerted=2, digest=2, dropped=99), ALL, W47, tz=MADRID)
    assert [item.language for item in digest.alerted] == ["zh", "en"]
    assert [item.language for item in digest.below] == ["ar", "ru"]
    assert (digest.week, digest.first_day, digest.timezone) == ("2026-W47", date(2026, 11, 16), "Europe/Madrid")
    assert (digest.articles_alerted, digest.articles_digest, digest.articles_dropped) == (2, 2, 99)
    assert digest.by_language == (("ar", 1), ("en", 1), ("ru", 1), ("zh", 1))
    assert digest.due_at is None


def test_a_story_is_told_by_its_alert_and_names_its_other_sources() -> None:
    decoy, news = article(1, title="Notes", feed="https://d.example"), article(2, title="Exile stabbed")
    of = story(member(decoy, 0.6, feed_name="Decoy", decision=Decision.DIGEST), member(news, 0.9), alerted=True)
    rows = (judged(decoy, score(0.6), story_id=of.id), judged(news, score(0.9, codes=("violence",)), story_id=of.id))
    (item,) = select(WeekData(stories=(of,), judged=rows), ALL, W47, feeds={FEED.url: FEED}).alerted
    assert (item.title, item.source, item.also, item.score) == ("Exile stabbed", "Harbour Wire", ("Decoy",), 0.9)
    assert item.codes == ("violence",)
    assert item.reasons == ("wanted activist", "abroad", "police list")


def test_a_channels_filters_hold_for_its_digest_but_not_for_what_was_read() -> None:
    data = week_of(story_in("en", 1, 0.6), story_in("ru", 2, 0.6), alerted=0, digest=2, dropped=7)
    digest = select(data, ChannelRules(name="c", languages=("ru",)), W47)
    assert [item.language for item in digest.below] == ["ru"]
    assert digest.articles_digest == 2


def test_tags_are_those_of_the_configured_feeds() -> None:
    data = week_of(story_in("en", 1, 0.6))
    wish = ChannelRules(name="c", tags=("asia",))
    assert select(data, wish, W47, feeds={FEED.url: FEED}).below == ()
    assert len(select(data, wish, W47, feeds={FEED.url: replace(FEED, tags=("asia",))}).below) == 1
    assert len(select(data, wish, W47).below) == 1


def test_an_article_that_stands_in_no_story_is_told_rather_than_lost() -> None:
    first, second = article(1), article(2, language="ru", published_at=None)
    loose = replace(judged(first, score(0.6)), story_id="")
    rows = (loose, judged(second, score(0.9), story_id="gone"))
    digest = select(WeekData(judged=rows), ALL, W47)
    assert [item.story_id for item in digest.below] == [first.id]
    assert [(item.story_id, item.dated, item.source) for item in digest.alerted] == [
        ("gone", False, "harbour-wire.example")
    ]


def test_dropped_articles_are_counted_and_not_told() -> None:
    row = replace(judged(article()), verdict=Verdict(decision=Decision.DROP, rule="0.1"))
    assert select(WeekData(judged=(row,), dropped=1), ALL, W47).below == ()


def test_codes_are_counted_by_story_commonest_first() -> None:
    stories = [
        story(member(article(n)), facts=Facts(codes=codes)) for n, codes in enumerate([("a",), ("b", "a"), ("b", "a")])
    ]
    assert select(WeekData(stories=tuple(stories)), ALL, W47).by_code == (("a", 3), ("b", 2))


def test_feeds_that_do_not_answer_are_named_without_their_addresses() -> None:
    failing = FeedState(
        url="https://g.example/?key=SECRET", polled_at=NOW, failures=3, failing_since=NOW, error_kind="tls"
    )
    never = FeedState(url="https://n.example/", title="Never Times")
    named = replace(failing, url="https://named.example")
    feeds = {"https://named.example": Feed(url="https://named.example", name="A named one")}
    digest = select(WeekData(feeds=(STATE, failing, never, named)), ALL, W47, feeds=feeds)
    assert digest.feeds == 4
    assert [(feed.name, feed.kind, feed.since) for feed in digest.trouble] == [
        ("A named one", "tls", NOW),
        ("Never Times", "never asked", None),
        ("g.example", "tls", NOW),
    ]
    assert "SECRET" not in repr(digest)
