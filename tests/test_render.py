"""Alerts and notices as messages and deliveries."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import Reason
from monitor.alerts.render import deliveries, story_message
from monitor.alerts.sources import Tiers
from monitor.model import (
    ChannelRules,
    Decision,
    DeliveryKind,
    Facts,
    Feed,
    Message,
    Notice,
    Outcome,
    SpanKind,
    Story,
    Update,
)
from tests.render_parts import (
    FEED,
    HEADLINES,
    MADRID,
    NOW,
    STATE,
    article,
    is_closed,
    is_sound,
    judged,
    lines,
    marked,
    member,
    score,
    story,
    story_in,
    tapped,
    units,
)

FEEDS = {FEED.url: FEED}
HOST = "harbour-wire.example"


def told(of: Story, *rows: object, feeds: dict[str, Feed] | None = None) -> Message:
    return story_message(of, rows, feeds=FEEDS if feeds is None else feeds, tz=MADRID)  # type: ignore[arg-type]


def message_of(**changes: object) -> Message:
    one = article(**changes)
    return told(story(member(one)), judged(one))


# ── an alert ──────────────────────────────────────────────────────────────────────────────────────


def test_an_alert_says_what_when_who_why_and_where_on_one_screen() -> None:
    message = message_of(url="https://harbour-wire.example/2026/father")
    assert lines(message) == [
        HEADLINES["en"][0],
        "",
        HEADLINES["en"][1],
        "",
        "Source: Harbour Wire (harbour-wire.example), 18 Nov 2026 08:00 CET",
        "Why: “wanted activist”, “abroad”, “police list” · score 0.93",
        "https://harbour-wire.example/2026/father",
    ]
    assert marked(message, SpanKind.BOLD) == [HEADLINES["en"][0]]
    assert marked(message, SpanKind.LINK) == ["https://harbour-wire.example/2026/father"]
    assert not message.silent


@pytest.mark.parametrize("language", sorted(HEADLINES))
def test_headline_and_summary_stand_in_their_own_language_untouched(language: str) -> None:
    of, row = story_in(language, 1)
    message = told(of, row)
    title, summary, terms = HEADLINES[language]
    assert lines(message)[0] == title
    assert summary in lines(message)
    assert all(term in message.text for term in terms)
    assert is_sound(message)


def test_the_language_is_named_when_it_is_not_english() -> None:
    for language, name in (("zh", "Chinese"), ("fa", "Persian"), ("ar", "Arabic"), ("ru", "Russian")):
        of, row = story_in(language, 1)
        assert f"CET, in {name}" in told(of, row).text
    assert ", in " not in message_of(language="en-GB").text
    assert ", in " not in message_of(language="").text
    assert "CET, in xx" in message_of(language="xx").text


def test_a_date_that_the_feed_did_not_give_is_called_first_seen() -> None:
    assert "first seen 18 Nov 2026 10:00 CET" in message_of(published_at=None).text


def test_other_sources_are_named_and_the_rest_is_counted() -> None:
    lead = article(1)
    others = [
        replace(member(article(n)), feed=f"https://f{n}.example/rss", feed_name=f"Outlet {n}") for n in range(2, 51)
    ]
    message = told(story(member(lead), *others), judged(lead))
    assert f"Also: Outlet 2 ({HOST}), Outlet 3 ({HOST}), Outlet 4 ({HOST}) +46" in lines(message)
    assert units(message.text) < 1_000


def test_several_articles_of_one_source_are_no_other_sources() -> None:
    assert "Also" not in told(story(member(article(1)), member(article(2))), judged(article(1))).text


def test_the_alert_worthy_article_tells_the_story_and_not_the_decoy_that_opened_it() -> None:
    decoy = article(1, title="Council notes", feed="https://decoy.example/rss")
    weaker, news = article(2, title="Exile attacked"), article(3, title="Exiled editor stabbed")
    of = story(
        member(decoy, 0.55, feed_name="Decoy Daily", decision=Decision.DIGEST), member(weaker, 0.85), member(news, 0.97)
    )
    message = told(of, judged(weaker, score(0.85), story_id=of.id), judged(news, score(0.97), story_id=of.id))
    assert lines(message)[0] == "Exiled editor stabbed"
    assert "score 0.97" in message.text
    assert f"Also: Decoy Daily ({HOST})" in lines(message)


def test_a_story_can_be_told_from_memory_alone() -> None:
    message = told(story(member(article(), 0.91)))
    assert lines(message)[0] == HEADLINES["en"][0]
    assert "Why: score 0.91" in lines(message)
    assert lines(told(story(member(article(), 0.3, decision=Decision.DIGEST))))[0] == HEADLINES["en"][0]


def test_an_edited_article_says_so() -> None:
    one = article(version=2)
    message = told(story(member(one)), judged(one, edited=True))
    assert marked(message, SpanKind.ITALIC) == ["The text was changed after it was first seen."]


def test_a_summary_that_only_repeats_the_headline_is_left_out() -> None:
    title = "Exiled editor stabbed in London"
    assert message_of(title=title, summary=f"{title} - Harbour Wire").text.count(title) == 1


def test_only_words_that_speak_for_relevance_are_given_as_reasons() -> None:
    reasons = (Reason(term="exile", weight=3), Reason(term="football", weight=-2), Reason(term="exile", weight=1))
    message = told(story(), judged(article(), score(reasons=reasons)))
    assert "Why: “exile” · score 0.93" in lines(message)


def test_text_that_looks_made_to_dodge_filters_is_said_to_be() -> None:
    message = told(story(), judged(article(), score(obfuscated=True)))
    assert "the text looks made to dodge filters" in message.text


@pytest.mark.parametrize("title", ["", " ", "\u200b\u2060\u00ad", "\u202e\u202c", "\U000e0041\U000e0042"])
def test_an_invisible_title_is_told_as_none_with_its_host(title: str) -> None:
    assert lines(message_of(title=title))[0] == "(no title) – harbour-wire.example"
    assert lines(message_of(title=title, url=""))[0] == "(no title)"


# ── hostile text ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "@admin read this", "hello @everyone and <@123> <!channel> <#42>", "/stop@bot now", "say /start", "#tag $TSLA",
        "see evil.example/x", "tg://user?id=1", "[x](tg://user?id=1)", '<a href="tg://user?id=1">x</a>', "me@evil.example",
        "https://evil.example/", "ton://transfer/x", "跨國/stop", "＠admin ＃tag", "t.me/evil www.evil.com",
    ],
)  # fmt: skip
def test_nothing_in_a_feeds_text_can_be_tapped_or_pings_anybody(text: str) -> None:
    terms = (Reason(term=text, weight=2),)
    one = article(title=text, summary=f"{text} and more, {text}")
    feed = replace(FEED, name=text)
    message = told(story(member(one)), judged(one, score(reasons=terms)), feeds={FEED.url: feed})
    assert tapped(message) == []
    assert is_sound(message)
    assert lines(message)[0].replace("\u2060", "") == text


def test_the_detector_of_this_test_would_see_them() -> None:
    naive = Message(text="@admin /stop #tag $TSLA evil.example tg://x <!channel>")
    assert len(tapped(naive)) >= 7


@pytest.mark.parametrize(
    "text", ["and/or 24/7", "U.S. and e.g. this", "3.5 million", "$500 in costs", "Price: 5 @ 3", "10:30 – 12:00"]
)
def test_ordinary_text_is_not_touched(text: str) -> None:
    assert lines(message_of(title=text))[0] == text


@pytest.mark.parametrize(
    "url",
    [
        "", "javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "tg://resolve?domain=x", "intent://x#Intent;end",
        "file:///etc/passwd", "vbscript:x", "java\nscript:alert(1)", "//evil.example/x", "/relative", "http://", "ftp://x.example",
    ],
)  # fmt: skip
def test_an_address_that_is_not_http_is_no_link_and_the_story_is_told_all_the_same(url: str) -> None:
    message = message_of(url=url)
    assert marked(message, SpanKind.LINK) == []
    assert lines(message)[-1] == "Link: none that could be opened safely"
    assert is_sound(message)


def test_userinfo_is_stripped_and_the_real_host_shown() -> None:
    message = message_of(url="https://good.example@evil.example/login")
    assert "(evil.example)" in message.text
    assert [span.url for span in message.spans if span.url] == ["https://evil.example/login"]
    assert "good" not in message.text


def test_a_look_alike_host_is_shown_as_what_it_is_and_flagged() -> None:
    message = message_of(url="https://аpple.com/news")
    assert "https://xn--pple-43d.com/news (careful: unusual letters in this address)" in lines(message)
    assert "careful" not in message_of(url="https://новости.рф/x").text


def test_a_long_address_is_shown_by_its_host_and_keeps_its_target() -> None:
    url = "https://news.search.example/rss/articles/" + "CBMi" * 100
    message = message_of(url=url)
    assert marked(message, SpanKind.LINK) == ["news.search.example/…"]
    assert [span.url for span in message.spans if span.url] == [url]


def test_a_very_long_host_is_shown_by_its_end() -> None:
    message = message_of(url=f"https://{'a' * 50}.{'b' * 50}.evil.example/x")
    assert marked(message, SpanKind.LINK)[0].endswith(".evil.example/…")


def test_direction_overrides_do_not_survive_and_right_to_left_names_do_not_spill() -> None:
    message = message_of(
        title="Alert \u202egnp.exe\u202c \u2067 open", summary="x \u202d y", url="https://a.example/\u202ex"
    )
    assert is_closed(message.text)
    arabic = replace(FEED, name="صوت المهجر")
    source = lines(told(story(), judged(article()), feeds={FEED.url: arabic}))[4]
    assert source.startswith("Source: \u2068صوت المهجر\u2069 (")


def test_the_longest_texts_still_make_one_message() -> None:
    huge = "😀@a" * 5_000
    one = article(title=huge, summary=huge, language="x" * 500, url="https://a.example/" + "y" * 5_000)
    others = [replace(member(article(n)), feed=f"https://{n}.example", feed_name=huge + str(n)) for n in range(2, 60)]
    terms = tuple(Reason(term=f"{n}{huge}", weight=2) for n in range(9))
    facts = Facts(origin_states=("CN",) * 99, codes=(huge,), stage=huge)
    message = told(story(member(one), *others, facts=facts), judged(one, score(reasons=terms)), feeds={})
    assert is_sound(message)
    assert lines(message)[-1] == "a.example/…"


_hostile = st.text(
    st.sampled_from("ab @/#$.:<!\n\r\t\0\x1b\u202e\u202d\u2067\u2069\u202b\u202c\u200b\u200d\ud800אبم😀e\u0301字＠")
    | st.characters(),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(title=_hostile, summary=_hostile, name=_hostile, term=_hostile, url=_hostile.map("https://".__add__) | _hostile)
def test_whatever_a_feed_says_the_message_is_sound(title: str, summary: str, name: str, term: str, url: str) -> None:
    one = article(title=title, summary=summary, url=url)
    feed = replace(FEED, name=name)
    row = judged(one, score(reasons=(Reason(term=term, weight=1),)))
    assert is_sound(told(story(member(one)), row, feeds={FEED.url: feed}))


# ── deliveries ────────────────────────────────────────────────────────────────────────────────────

MAIN = ChannelRules(name="main")
OPERATORS = ChannelRules(name="ops", alerts=False, operators=True)


def mail(
    *stories: Story, channels: tuple[ChannelRules, ...] = (MAIN,), notices: tuple[Notice, ...] = (), rows: tuple = ()
) -> list:
    outcome = Outcome(state=STATE, judged=rows, announce=stories, notices=notices)
    return list(deliveries(outcome, channels=channels, feeds=FEEDS, tz=MADRID, now=NOW))


def test_a_story_goes_once_to_each_channel_that_takes_alerts() -> None:
    of, row = story_in("en", 1)
    other = ChannelRules(name="other")
    none = ChannelRules(name="digest-only", alerts=False)
    found = mail(of, channels=(MAIN, other, none), rows=(row,))
    assert [(one.key, one.channel, one.story_id) for one in found] == [
        (f"story:{of.id}", "main", of.id),
        (f"story:{of.id}", "other", of.id),
    ]
    assert found[0].queued_at == NOW
    assert found[0].not_before is None
    assert "“wanted activist”" in found[0].message.text


def test_stories_keep_their_order() -> None:
    stories = tuple(story_in("en", n)[0] for n in range(1, 9))
    assert [one.story_id for one in mail(*stories)] == [of.id for of in stories]


def test_quiet_hours_hold_a_message_and_drop_none() -> None:
    quiet = ChannelRules(name="main", quiet=(time(9), time(11)))
    (held,) = mail(story(), channels=(quiet,))
    assert held.not_before == NOW.replace(hour=10)
    assert held.message.text


def test_a_channel_hears_only_what_passes_its_filters() -> None:
    of, row = story_in("ru", 1)
    wishes = (ChannelRules(name="ru", languages=("ru",)), ChannelRules(name="zh", languages=("zh-Hant",)))
    assert [one.channel for one in mail(of, channels=wishes, rows=(row,))] == ["ru"]


def test_codes_of_the_score_count_for_a_filter() -> None:
    one = article()
    rows = (judged(one, score(codes=("violence",))),)
    wishes = (ChannelRules(name="a", codes=("violence",)), ChannelRules(name="b", codes=("surveillance",)))
    assert [sent.channel for sent in mail(story(member(one)), channels=wishes, rows=rows)] == ["a"]


# ── stories that grow ─────────────────────────────────────────────────────────────────────────────


def growth(
    *joined: tuple, editable: frozenset[str] = frozenset({"main"}), updates: tuple = (), known: tuple = ()
) -> list:
    """What is addressed when articles join a story that was told."""
    lead = article(1)
    rows = tuple(judged(of, score(value), story_id=lead.id) for of, value in joined)
    members = (member(lead), *(member(of, value, feed_name=f"Outlet {n}") for n, (of, value) in enumerate(joined)))
    outcome = Outcome(state=STATE, judged=rows, grown=(story(*members, alerted=True),), updates=updates)
    return list(
        deliveries(outcome, channels=(MAIN, OPERATORS), feeds={}, tz=MADRID, now=NOW, editable=editable, known=known)
    )


def test_an_alert_that_joins_is_offered_anew_and_edits_what_is_out_after_five_minutes() -> None:
    offered, edited = growth((article(2, feed="https://b.example/"), 0.9))
    assert (offered.key, offered.kind, offered.about) == (f"story:{article(1).id}", DeliveryKind.SEND, "")
    assert (edited.kind, edited.about, edited.story_id) == (DeliveryKind.EDIT, offered.key, offered.story_id)
    assert edited.not_before == NOW + timedelta(minutes=5)
    assert edited.message == offered.message
    assert f"Also: Outlet 0 ({HOST})" in lines(edited.message)


def test_something_for_the_digest_that_joins_is_only_edited_in() -> None:
    (edited,) = growth((article(2, feed="https://b.example/"), 0.6))
    assert edited.kind is DeliveryKind.EDIT


def test_a_channel_that_can_not_edit_is_only_offered_what_an_alert_joined() -> None:
    assert [one.kind for one in growth((article(2), 0.9), editable=frozenset())] == [DeliveryKind.SEND]
    assert growth((article(2), 0.6), editable=frozenset()) == []


def test_an_edit_gives_the_reasons_of_the_article_that_spoke_before() -> None:
    lead = article(1)
    edited = growth((article(2), 0.9), known=(judged(lead), judged(article(9))))[-1]
    assert "Why: “wanted activist”, “abroad”, “police list” · score 0.93" in lines(edited.message)


def test_what_is_really_new_answers_the_first_message() -> None:
    says = article(2, title="Exile's kidnapper jailed", feed="https://b.example/rss", url="https://b.example/2")
    update = Update(story_id=article(1).id, article_id=says.id, stage="sentence", states=("RU", "DE"))
    found = growth((says, 0.9), updates=(update,))
    (answer,) = [one for one in found if one.kind is DeliveryKind.REPLY]
    assert (answer.key, answer.about) == (f"story:{article(1).id}/stage:sentence", f"story:{article(1).id}")
    assert answer.channel == "main"
    assert lines(answer.message) == [
        "Now: SENTENCE · Russia, Germany",
        f"Update on: {HEADLINES['en'][0]}",
        "",
        "Exile's kidnapper jailed",
        "",
        "Source: Outlet 0 (b.example), 18 Nov 2026 08:00 CET",
        "https://b.example/2",
    ]
    assert is_sound(answer.message)


def test_an_answer_waits_for_the_end_of_quiet_hours_and_an_edit_does_not() -> None:
    quiet = ChannelRules(name="main", quiet=(time(9), time(11)))
    of = story(member(article(1)), alerted=True)
    update = Update(story_id=of.id, article_id="gone", states=("RU",))
    outcome = Outcome(state=STATE, grown=(of,), updates=(update,))
    edited, answer = deliveries(outcome, channels=(quiet,), feeds={}, tz=MADRID, now=NOW, editable=frozenset({"main"}))
    assert (edited.kind, edited.not_before) == (DeliveryKind.EDIT, NOW + timedelta(minutes=5))
    assert (answer.kind, answer.not_before) == (DeliveryKind.REPLY, NOW.replace(hour=10))


# ── sources ───────────────────────────────────────────────────────────────────────────────────────


def sourced(*urls: str, decisions: tuple[Decision, ...] = ()) -> Story:
    members = [
        replace(
            member(article(n, url=url, title=f"By {n}", published_at=NOW - timedelta(hours=9 - n))),
            feed=f"https://f{n}.example/rss", feed_name=f"Outlet {n}",
        )
        for n, url in enumerate(urls)
    ]  # fmt: skip
    ruled = [replace(one, decision=decision) for one, decision in zip(members, decisions, strict=False)]
    return story(*ruled, *members[len(ruled) :])


def test_the_best_source_tells_and_the_others_follow_by_rank() -> None:
    of = sourced(
        "https://a.example/", "https://msn.com/x", "https://bbc.com/x", "https://reuters.com/x", "https://b.example/"
    )
    message = told(of, feeds={})
    assert lines(message)[0] == "By 2", "of two first sources the one that was first"
    assert "Also: Outlet 3 (reuters.com), Outlet 0 (a.example), Outlet 4 (b.example) +1" in lines(message)
    assert marked(message, SpanKind.LINK) == ["https://bbc.com/x"]


def test_the_readers_own_sources_tell_before_ours() -> None:
    of = sourced("https://reuters.com/x", "https://el-faro.example/x")
    message = story_message(of, [], feeds={}, tz=MADRID, tiers=Tiers(first=("el-faro.example",)))
    assert lines(message)[0] == "By 1"


def test_a_best_source_that_is_no_alert_by_itself_does_not_tell() -> None:
    of = sourced("https://a.example/", "https://reuters.com/x", decisions=(Decision.ALERT, Decision.DIGEST))
    assert lines(told(of, feeds={}))[0] == "By 0"


@pytest.mark.parametrize("url", ["https://archive.ph/x", "https://reuter5.com/x", "https://аpple.com/x", ""])
def test_the_link_is_never_a_mirrors_or_a_look_alikes_where_there_is_another(url: str) -> None:
    of = sourced(url, "https://msn.com/x", decisions=(Decision.ALERT, Decision.DIGEST))
    message = told(of, feeds={})
    assert lines(message)[0] == "By 0"
    assert [span.url for span in message.spans if span.url] == ["https://msn.com/x"]


def test_a_look_alike_is_linked_with_a_warning_where_there_is_no_other() -> None:
    message = told(sourced("https://аpple.com/x", ""), feeds={})
    assert "(careful: unusual letters in this address)" in message.text


def test_the_note_on_a_case_has_a_line() -> None:
    message = told(story(case_note="Third report on @somebody since 2022"))
    assert "Third report on @⁠somebody since 2022" in lines(message)


# ── notices ───────────────────────────────────────────────────────────────────────────────────────


def test_notices_go_to_operators_and_a_later_incident_is_another_delivery() -> None:
    notice = Notice(key="feed-fails:x", text="Feed “X” fails.")
    (sent,) = mail(channels=(MAIN, OPERATORS), notices=(notice,))
    assert (sent.channel, sent.key, sent.story_id) == ("ops", "notice:feed-fails:x:202611180900", "")
    assert sent.message.text == "Attention: Feed “X” fails."
    assert not sent.message.silent
    outcome = Outcome(state=STATE, notices=(notice,))
    (later,) = deliveries(outcome, channels=(OPERATORS,), feeds={}, tz=MADRID, now=NOW + timedelta(days=1))
    assert later.key != sent.key


def test_the_end_of_an_incident_is_told_without_a_sound_and_under_a_key_of_its_own() -> None:
    opened, closed = Notice(key="k", text="Fails."), Notice(key="k", text="Answers again.", closes=True)
    first, second = mail(channels=(OPERATORS,), notices=(opened, closed))
    assert second.message.silent
    assert second.message.text == "Solved: Answers again."
    assert first.key != second.key


def test_addresses_in_notices_can_be_copied_and_names_ping_nobody() -> None:
    text = "Feed “@admin x.com” has moved to https://new.example/feed?key=1.\nSee /help"
    (sent,) = mail(channels=(OPERATORS,), notices=(Notice(key="k", text=text),))
    assert marked(sent.message, SpanKind.CODE) == ["https://new.example/feed?key=1"]
    assert sent.message.text.replace("\u2060", "") == f"Attention: {text}"
    assert is_sound(sent.message)


@settings(deadline=None)
@given(
    st.text(max_size=300) | st.text("@/. \n\u202e:hтps", max_size=80) | st.just("x" * 9_000) | st.just("w \n" * 3_000)
)
def test_any_notice_is_a_sound_message(text: str) -> None:
    (sent,) = mail(channels=(OPERATORS,), notices=(Notice(key="k", text=text),))
    assert is_sound(sent.message)
