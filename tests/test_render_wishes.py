"""What channels want, quiet hours, and the small words of messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.compose import MAX_UNITS, Composer, harmless, language_name, moment, source_name
from monitor.model import ChannelRules, Facts, Feed, SpanKind, Story
from monitor.wishes import held_until, wants
from tests.render_parts import FEED, MADRID, NOW, article, is_sound, member, story, units

TAGGED = replace(FEED, tags=("asia", "wire"))


def passes(of: Story, *codes: str, feed: Feed = FEED, **wishes: object) -> bool:
    return wants(ChannelRules(name="c", **wishes), of, codes=codes, feeds={feed.url: feed})  # type: ignore[arg-type]


def test_a_channel_without_wishes_wants_everything() -> None:
    assert passes(story())


@pytest.mark.parametrize(
    ("language", "wish", "fits"),
    [
        ("zh", "zh", True), ("zh-Hant", "zh", True), ("zh", "zh-Hant", True), ("zh-Hans", "zh-Hant", False),
        ("pt-BR", "pt", True), ("ru", "uk", False), ("", "uk", True), ("EN_us", "en", True),
    ],
)  # fmt: skip
def test_languages_are_compared_as_far_as_both_are_known(language: str, wish: str, fits: bool) -> None:
    assert passes(story(member(article(language=language))), languages=(wish,)) is fits


def test_states_match_at_either_end_and_unsure_ones_pass() -> None:
    known = story(facts=Facts(origin_states=("CN",), host_states=("US",)))
    assert passes(known, states=("US", "FR"))
    assert passes(known, states=("CN",))
    assert not passes(known, states=("FR",))
    assert passes(story(), states=("FR",))


def test_codes_come_from_facts_and_scores_and_unsure_ones_pass() -> None:
    assert passes(story(facts=Facts(codes=("violence",))), codes=("violence",))
    assert passes(story(), "violence", codes=("violence",))
    assert not passes(story(), "response", codes=("violence",))
    assert passes(story(), codes=("violence",))


def test_tags_are_known_from_configuration_so_a_feed_without_them_does_not_pass() -> None:
    assert passes(story(), feed=TAGGED, tags=("asia",))
    assert not passes(story(), feed=TAGGED, tags=("europe",))
    assert not passes(story(), feed=FEED, tags=("asia",))


def test_a_feed_that_is_not_configured_any_more_passes() -> None:
    assert wants(ChannelRules(name="c", tags=("asia",)), story(), codes=(), feeds={})


# ── quiet hours ───────────────────────────────────────────────────────────────────────────────────

NIGHT = ChannelRules(name="c", quiet=(time(22), time(7)))


def held(rules: ChannelRules, at: str, tz: ZoneInfo = MADRID) -> str | None:
    found = held_until(rules, tz=tz, now=datetime.fromisoformat(at))
    return found.isoformat() if found else None


def test_a_night_window_holds_until_the_morning_on_either_side_of_midnight() -> None:
    assert held(NIGHT, "2026-11-18T22:30:00+00:00") == "2026-11-19T06:00:00+00:00"
    assert held(NIGHT, "2026-11-18T01:30:00+00:00") == "2026-11-18T06:00:00+00:00"
    assert held(NIGHT, "2026-11-18T21:00:00+00:00") == "2026-11-19T06:00:00+00:00"  # 22:00 itself is quiet
    assert held(NIGHT, "2026-11-18T06:00:00+00:00") is None  # 07:00 itself is not
    assert held(NIGHT, "2026-11-18T12:00:00+00:00") is None
    assert held(ChannelRules(name="c"), "2026-11-18T23:00:00+00:00") is None


def test_a_day_window_holds_until_its_end() -> None:
    noon = ChannelRules(name="c", quiet=(time(12), time(14, 30)))
    assert held(noon, "2026-11-18T11:30:00+00:00") == "2026-11-18T13:30:00+00:00"
    assert held(noon, "2026-11-18T10:59:59+00:00") is None


def test_a_window_of_no_length_holds_nothing() -> None:
    assert held(ChannelRules(name="c", quiet=(time(8), time(8))), "2026-11-18T07:00:00+00:00") is None


def test_a_window_that_ends_in_the_repeated_hour_ends_at_the_one_that_lies_ahead() -> None:
    rules = ChannelRules(name="c", quiet=(time(1), time(2, 45)))
    assert held(rules, "2026-10-25T00:30:00+00:00") == "2026-10-25T00:45:00+00:00"
    assert held(rules, "2026-10-25T01:30:00+00:00") == "2026-10-25T01:45:00+00:00"


def test_a_window_that_ends_in_the_skipped_hour_ends_all_the_same() -> None:
    rules = ChannelRules(name="c", quiet=(time(1), time(2, 30)))
    assert held(rules, "2026-03-29T00:30:00+00:00") == "2026-03-29T01:30:00+00:00"


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    st.times(),
    st.times(),
    st.sampled_from(["Europe/Madrid", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
)
def test_quiet_hours_hold_for_less_than_a_day_and_an_hour_and_always_end_ahead(
    at: datetime, start: time, end: time, zone: str
) -> None:
    now = at.replace(tzinfo=UTC)
    until = held_until(ChannelRules(name="c", quiet=(start, end)), tz=ZoneInfo(zone), now=now)
    assert until is None or now < until <= now + timedelta(hours=25)


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def test_moments_are_written_with_their_zone() -> None:
    assert moment(NOW, MADRID) == "18 Nov 2026 10:00 CET"
    assert moment(NOW, ZoneInfo("Asia/Kathmandu")) == "18 Nov 2026 14:45 UTC+0545"
    assert moment(NOW, ZoneInfo("UTC")) == "18 Nov 2026 09:00 UTC"


def test_languages_have_english_names_and_unknown_tags_stand_for_themselves() -> None:
    assert [language_name(tag) for tag in ("zh-Hant", "fa_IR", "ckb", "tlh", "")] == [
        "Chinese", "Persian", "Central Kurdish", "tlh", "",
    ]  # fmt: skip


def test_a_source_is_called_by_the_first_name_that_shows_anything() -> None:
    assert source_name("\u200b", "Wire", url="https://a.example") == "Wire"
    assert source_name("", "", url="https://a.example/x?key=secret") == "a.example"
    assert source_name("", url="not an address") == "unknown source"


def test_a_message_over_the_limit_is_cut_between_characters_and_its_marks_with_it() -> None:
    composer = Composer().add("😀" * 1_990, SpanKind.BOLD).add("😀" * 2_000, SpanKind.ITALIC).add("x", SpanKind.CODE)
    message = composer.message()
    assert units(message.text) <= MAX_UNITS
    assert message.text.endswith("😀…")
    assert is_sound(message)
    assert [span.kind for span in message.spans] == [SpanKind.BOLD, SpanKind.ITALIC]


def test_more_marks_than_a_chat_takes_are_left_out_at_the_end() -> None:
    composer = Composer()
    for _ in range(130):
        composer.add("x", SpanKind.BOLD).add(" ")
    assert len(composer.message().spans) == 100


@given(st.text())
def test_harmless_text_reads_as_the_clean_text(text: str) -> None:
    assert len(harmless(text, 50).replace("\u2060", "")) <= 50
