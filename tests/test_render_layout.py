"""How an alert looks, its denials and the sites that states run; and forty invented stories in fifteen languages."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from monitor.alerts import denials, state_media
from monitor.alerts.layout import course, update_message
from monitor.compose import Composer, from_own_words, headline_of, state_name
from monitor.config import values
from monitor.model import Facts, Message, Span, SpanKind, Update
from tests import golden_parts
from tests.render_parts import HEADLINES, MADRID, article, is_sound, lines, member, score, story, units
from tests.test_render import judged, told

# ── forty stories ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", golden_parts.stories())
def test_stories_of_fifteen_languages_look_as_they_did(language: str) -> None:
    written = (golden_parts.FOLDER / f"{language}.txt").read_text(encoding="utf-8")
    assert golden_parts.golden(language) == written, "look at it, then: python -m tests.golden_parts"


def test_there_are_forty_in_fifteen_languages_each_sound_and_on_one_screen() -> None:
    told = [message for language in golden_parts.stories() for message in golden_parts.messages(language)]
    assert (len(golden_parts.stories()), len(told)) == (15, 40)
    assert all(is_sound(message) and units(message.text) <= 1_000 for message in told)


def test_every_line_but_headline_and_summary_begins_with_a_word_of_ours() -> None:
    for language in ("ar", "fa", "he"):
        for told_, message in zip(golden_parts.stories()[language], golden_parts.messages(language), strict=True):
            ours = [line for line in lines(message) if line and line not in (told_["title"], told_["summary"])]
            assert all(re.match(r"[A-Z]|\? →|https://", line) for line in ours)


# ── the first line ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (Facts(), ""),
        (Facts(stage="charge"), "CHARGE"),
        (Facts(origin_states=("IR",), host_states=("GB",), stage="charge"), "CHARGE · Iran → United Kingdom"),
        (Facts(host_states=("US", "CA")), "? → United States, Canada"),
        (Facts(origin_states=("HK",)), "Hong Kong → ?"),
        (Facts(origin_states=("RU", "BY", "KZ", "TJ", "AZ")), "Russia, Belarus, Kazakhstan +2 → ?"),
    ],
)
def test_the_first_line_says_how_far_it_came_and_who_reaches_where_and_asks_where_it_does_not_know(
    facts: Facts, line: str
) -> None:
    assert course(facts) == line
    assert lines(told(story(facts=facts)))[0] == (line or HEADLINES["en"][0])


def test_every_state_has_an_english_name_and_an_unknown_one_stands_for_itself() -> None:
    assert all(state_name(code) != code for code in values.STATES)
    assert [state_name(code) for code in ("MM", "MO", "PS", "CD", "ZZZ", "@x")] == [
        "Myanmar", "Macau", "Palestine", "DR Congo", "ZZZ", "@\u2060x",
    ]  # fmt: skip


def test_kind_and_target_stand_below_the_summary() -> None:
    facts = Facts(codes=("response",), target_groups=("uyghurs",))
    message = told(story(facts=facts), judged(article(), score(codes=("overseas-station", "response"))))
    assert "Kind: response, overseas-station · Against: Uyghurs" in lines(message)
    assert "Kind" not in told(story()).text


def test_peoples_and_movements_are_written_as_names_and_others_are_not() -> None:
    facts = Facts(target_groups=("crimean-tatars", "buryats-and-kalmyks", "falun-gong", "journalists", "ex-officials"))
    against = "Against: Crimean Tatars, Buryats and Kalmyks, Falun Gong, journalists, ex-officials"
    assert against in told(story(facts=facts)).text


def test_an_update_of_which_only_the_article_is_known_says_what_it_is_about() -> None:
    update = Update(story_id=article().id, article_id=article().id)
    message = update_message(update, story(), feeds={}, tz=MADRID)
    assert lines(message)[0] == f"Update on: {HEADLINES['en'][0]}"


# ── who denies ────────────────────────────────────────────────────────────────────────────────────

CLAIM = "Prosecutors say he followed her for weeks. " * 7


def test_a_denial_that_the_summary_ends_before_stands_beside_the_claim() -> None:
    one = article(summary=f"{CLAIM}The embassy denies any link to him.")
    assert "Denial: “The embassy denies any link to him.”" in lines(told(story(member(one)), judged(one)))


def test_a_denial_that_only_the_whole_article_holds_is_found_in_it() -> None:
    one = article(summary=f"{CLAIM}The embassy denies any link to him.")
    remembered = replace(member(one), summary=one.summary[:-12])
    assert "Denial: “The embassy denies any link to him.”" in lines(told(story(remembered), judged(one)))
    assert "Denial" not in told(story(remembered)).text


def test_a_denial_that_stands_in_the_summary_is_not_told_twice() -> None:
    assert "Denial" not in told(story()).text
    one = article(summary=f"The embassy denies any link to him. {CLAIM} The embassy denies it all.")
    assert "Denial" not in told(story(member(one)), judged(one)).text


def test_another_sources_denial_bears_its_name() -> None:
    one = article(1, summary="He followed her.")
    other = replace(
        member(article(2, summary="Long story. السفارة. The embassy denies it.")),
        feed="https://b.example/",
        feed_name="موج",
    )
    message = told(story(member(one), other), judged(one))
    assert "Denial (\u2068موج\u2069): “The embassy denies it.”" in lines(message)
    assert is_sound(message)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", ""),
        ("He was charged. The embassy denies it! More.", "The embassy denies it!"),
        ("男子被起訴。使館否認設立警察站。案件續審。", "使館否認設立警察站。"),
        ("Обвинение предъявлено. Посольство опровергло сообщения.", "Посольство опровергло сообщения."),
        ("He was charged in London.", ""),
        ("He was charged. The embassy denies that it ru", ""),
        ("Embassy denies it\nHe was charged", "Embassy denies it"),
        ("The embassy denies " + "and denies " * 30 + "it.", ""),
    ],
)
def test_a_denial_is_a_whole_sentence_or_nothing(text: str, sentence: str) -> None:
    assert denials.denial(text) == sentence


# ── sites that states run ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("https://www.xinhuanet.com/a", "CN"), ("http://en.people.cn/x", "CN"), ("https://presstv.ir/", "IR"),
        ("https://www.trtworld.com/x", "TR"), ("https://rt.com/x", "RU"), ("https://notrt.com/x", ""),
        ("https://rt.com.evil.example/", ""), ("https://smart.com/", ""), ("", ""), ("javascript:rt.com", ""),
    ],
)  # fmt: skip
def test_a_site_is_known_by_its_host_and_what_stands_under_it(url: str, state: str) -> None:
    assert state_media.running_state(url) == state


def test_the_list_of_sites_holds_hosts_of_states_that_exist() -> None:
    assert set(state_media.hosts().values()) <= values.STATES
    assert all(values.host(host) == host for host in state_media.hosts())


def test_a_link_to_a_site_that_a_state_runs_is_marked() -> None:
    one = article(url="https://www.presstv.ir/x")
    assert lines(told(story(member(one)), judged(one)))[-1] == "https://www.presstv.ir/x (state-run: Iran)"


# ── what a message is about ───────────────────────────────────────────────────────────────────────


def test_the_headline_of_a_message_is_the_line_with_bold_words() -> None:
    facts = Facts(origin_states=("IR",))
    assert headline_of(told(story(facts=facts))) == HEADLINES["en"][0]
    update = Update(story_id=article().id, article_id="", stage="verdict")
    assert headline_of(update_message(update, story(), feeds={}, tz=MADRID)) == f"Update on: {HEADLINES['en'][0]}"
    notice = Composer().add("Attention: ", SpanKind.BOLD).extend(from_own_words("Feed fails.\nMore.")).message()
    assert headline_of(notice) == "Attention: Feed fails."
    assert headline_of(Message(text="plain\nmore", spans=(Span(kind=SpanKind.CODE, start=6, length=4),))) == "plain"
    assert headline_of(Message(text="")) == ""
