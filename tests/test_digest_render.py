"""A digest as text, Markdown, HTML and messages."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.digest.render import as_html, as_markdown, as_messages, as_text
from monitor.digest.select import Week, select
from monitor.model import (
    ChannelRules,
    Digest,
    DigestItem,
    Estimate,
    Facts,
    FeedState,
    FeedTrouble,
    Route,
    SpanKind,
    WeekData,
)
from tests.digest_parts import full_digest
from tests.render_parts import FEED, HEADLINES, MADRID, NOW, STATE, is_closed, is_sound, lines, marked, story_in, units

FEEDS = {FEED.url: FEED}
FORMS = [as_text, as_markdown, as_html]


def a_digest(**changes: object) -> Digest:
    told = [story_in(language, n) for n, language in enumerate(HEADLINES, start=1)]
    below = [story_in(language, n, 0.6) for n, language in enumerate(HEADLINES, start=11)]
    silent = FeedState(
        url="https://g.example/", polled_at=NOW, failures=3, failing_since=NOW, error_kind="name-not-found"
    )
    data = WeekData(
        stories=(*(replace(of, alerted=True) for of, _ in told), *(of for of, _ in below)),
        judged=tuple(row for _, row in (*told, *below)),
        alerted=7,
        digest=9,
        dropped=1_211,
        feeds=(STATE, silent),
    )
    return replace(select(data, ChannelRules(name="c"), Week(2026, 47), feeds=FEEDS, tz=MADRID), **changes)  # type: ignore[arg-type]


def item(number: int = 1, **changes: object) -> DigestItem:
    values: dict[str, object] = {
        "story_id": str(number),
        "title": f"Headline {number}",
        "url": f"https://a.example/{number}",
    }
    return DigestItem(**{"source": "Wire", "at": NOW, "language": "en", **values, **changes})  # type: ignore[arg-type]


def digest_of(*below: DigestItem, **changes: object) -> Digest:
    return Digest(week="2026-W47", first_day=Week(2026, 47).first_day, below=below, **changes)  # type: ignore[arg-type]


class Page(HTMLParser):
    """What a browser would see: tags with attributes, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


# ── every form ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", FORMS)
def test_every_form_tells_the_week_its_counts_its_stories_and_the_feeds(form: object) -> None:
    shown = form(a_digest())  # type: ignore[operator]
    text = Page(shown).text if form is as_html else shown.replace("\\", "")
    assert "16–22 Nov 2026" in text
    assert "2026-W47" in text
    assert "5 stories alerted · 5 below the threshold · 1,227 articles read" in text
    for title, _, _ in HEADLINES.values():
        assert text.count(title) == 2
    assert "Arabic 2 · English 2" in text
    assert "1 of 2 fine" in text
    assert "name-not-found since 18 Nov 2026 10:00 CET" in text
    assert is_closed(text)


@pytest.mark.parametrize("form", FORMS)
def test_a_late_digest_says_so_and_another_does_not(form: object) -> None:
    sentence = "Sent late: it was due on 18 Nov 2026 10:00 CET."
    assert sentence in form(a_digest(due_at=NOW))  # type: ignore[operator]
    assert "it was due" not in form(a_digest(due_at=None))  # type: ignore[operator]


@pytest.mark.parametrize("form", FORMS)
def test_a_week_without_stories_asks_whether_the_feeds_are_blind(form: object) -> None:
    shown = form(digest_of())  # type: ignore[operator]
    assert "Are the feeds blind?" in shown
    assert "none is watched" in shown
    assert "0 stories alerted" in shown


@pytest.mark.parametrize("form", FORMS)
def test_what_a_story_has_to_say_is_said_and_nothing_else(form: object) -> None:
    facts = Facts(origin_states=("CN",), host_states=("US",), stage="verdict")
    full = item(
        also=tuple(f"Outlet {n}" for n in range(9)), facts=facts, codes=("response",), language="fa", reasons=("exile", "exile"),
        dated=False, url="https://аpple.com/x", summary="A lead.",
    )  # fmt: skip
    shown = form(digest_of(full))  # type: ignore[operator]
    text = re.sub(r"\s+", " ", Page(shown).text if form is as_html else shown.replace("\\", ""))
    assert "verdict · China → United States · response" in text
    assert "Also reported by: Outlet 0, Outlet 1, Outlet 2, Outlet 3, Outlet 4, Outlet 5 and 3 more" in text
    assert "first seen 18 Nov 2026" in text
    assert "Persian" in text
    assert "A lead." in text
    assert text.count("“exile”") == 1
    assert "careful: unusual letters" in text
    bare = form(digest_of(item(summary="Headline 1", url="")))  # type: ignore[operator]
    assert "no address that could be opened safely" in bare
    assert "Also" not in bare
    assert (Page(bare).text if form is as_html else bare).count("Headline 1") == 1


def test_a_span_over_months_and_years_is_written_out() -> None:
    assert "28 Sep – 4 Oct 2026" in as_text(replace(digest_of(), first_day=Week(2026, 40).first_day))
    assert "28 Dec 2026 – 3 Jan 2027" in as_text(replace(digest_of(), first_day=Week(2026, 53).first_day))


def test_many_silent_feeds_are_counted_after_the_first_dozen() -> None:
    trouble = tuple(FeedTrouble(name=f"Feed {n}", kind="tls") for n in range(30))
    text = " ".join(as_text(digest_of(feeds=100, trouble=trouble)).split())
    assert "70 of 100 fine. Blind: Feed 0 (tls)" in text
    assert text.endswith("and 18 more")


def test_lines_of_text_fit_a_terminal_but_for_addresses() -> None:
    long = [line for line in lines(as_text(a_digest())) if len(line) > 88]
    assert all(line.strip().startswith("http") for line in long)


# ── HTML ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_loads_nothing_and_its_links_tell_nothing() -> None:
    page = Page(as_html(a_digest()))
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "link", "iframe", "form", "input", "object"})
    links = [attrs for tag, attrs in page.tags if tag == "a"]
    assert len(links) == 10
    assert all(attrs["rel"] == "noreferrer noopener" for attrs in links)
    assert all(str(attrs["href"]).startswith("https://") for attrs in links)
    assert "default-src 'none'" in as_html(a_digest())
    assert "url(" not in as_html(a_digest())


def test_the_page_names_languages_and_lets_each_text_run_its_own_way() -> None:
    page = Page(as_html(a_digest()))
    assert ("html", {"lang": "en", "dir": "ltr"}) in page.tags
    assert {attrs.get("lang") for tag, attrs in page.tags if tag == "h3"} == {"en", "zh", "ar", "fa", "ru"}
    assert all(attrs["dir"] == "auto" for tag, attrs in page.tags if tag == "h3")
    odd = Page(as_html(digest_of(item(language='x" onclick="y'))))
    assert all(set(attrs) <= {"lang", "dir"} and "lang" not in attrs for tag, attrs in odd.tags if tag == "h3")


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "</li></ol><h1>x",
    "&lt;b&gt; &amp;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_strangers_text_stays_text_on_the_page(text: str) -> None:
    hostile = item(title=text, summary=f"see {text}", source=text, also=(text, "B"), reasons=(text,), codes=(text,))
    usual = item(title="t", summary="see s", source="s", also=("a", "B"), reasons=("r",), codes=("c",))
    page = Page(as_html(digest_of(hostile, by_code=((text, 1),))))
    assert [tag for tag, _ in page.tags] == [
        tag for tag, _ in Page(as_html(digest_of(usual, by_code=(("c", 1),)))).tags
    ]
    assert page.text.count(text) >= 5
    assert "\u2060" not in page.text


@settings(max_examples=80, deadline=None)
@given(
    st.text(),
    st.text("<>\"'&{}%#/ab\u202e\u2067\u0000אب", max_size=40),
    st.text(max_size=30).map("https://a.example/".__add__),
)
def test_no_text_can_add_a_tag_or_an_attribute(one: str, other: str, url: str) -> None:
    page = Page(as_html(digest_of(item(title=one, summary=other, source=other, url=url))))
    allowed = {"lang", "dir", "href", "rel", "class", "charset", "name", "content", "http-equiv"}
    assert all(set(attrs) <= allowed for _, attrs in page.tags)
    assert [tag for tag, _ in page.tags].count("h3") == 1
    assert is_closed(page.text)


# ── Markdown ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text", ["[x](javascript:alert(1))", "![i](http://x)", "**b** _i_ `c`", "<b>x</b>", "# h", "a | b", "~~s~~", "\\*"]
)
def test_strangers_text_is_no_markup_in_markdown(text: str) -> None:
    shown = as_markdown(digest_of(item(title=text, summary=f"see {text}")))
    for line in [line for line in lines(shown) if "see" in line or line.startswith("- **[")]:
        body = line.removeprefix("- **[").removesuffix("](<https://a.example/1>)**  ")
        assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]*_`<>#|~!]", body)


def test_an_address_can_not_break_out_of_its_link() -> None:
    shown = as_markdown(digest_of(item(url="https://a.example/)>[x](javascript:1) <b>")))
    assert "](<https://a.example/)%3E[x](javascript:1)%20%3Cb%3E>)" in shown


# ── messages ──────────────────────────────────────────────────────────────────────────────────────


def test_a_usual_week_is_one_message() -> None:
    (message,) = as_messages(a_digest(due_at=NOW))
    assert is_sound(message)
    assert lines(message)[:3] == [
        "Overseas policing week, 16–22 Nov 2026",
        "5 stories alerted · 5 below the threshold · 1,227 articles read",
        "Sent late: it was due on 18 Nov 2026 10:00 CET.",
    ]
    assert len(marked(message, SpanKind.LINK)) == 10
    assert marked(message, SpanKind.BOLD)[1] == "Alerted"
    assert not message.silent


def test_five_hundred_items_are_split_between_items_in_order_and_ring_once() -> None:
    items = [item(n, title=f"Headline {n:03} " + "😀 word" * (n % 30)) for n in range(500)]
    messages = as_messages(digest_of(*items))
    assert all(is_sound(message) for message in messages)
    assert [message.silent for message in messages] == [False, *[True] * (len(messages) - 1)]
    text = "\n".join(message.text for message in messages)
    assert re.findall(r"Headline (\d{3})", text) == [f"{n:03}" for n in range(500)]
    for number, message in enumerate(messages, start=1):
        assert lines(message)[0] == f"Overseas policing week, 16–22 Nov 2026 ({number}/{len(messages)})"
        assert message.text.count("Headline") == message.text.count("https://")
    assert all(units(message.text) > 2_000 for message in messages[:-1])


def test_a_heading_never_ends_a_message() -> None:
    for pad in range(40, 60):
        told = tuple(item(n, title="x" * 100, also=("Other",)) for n in range(pad))
        messages = as_messages(replace(digest_of(item(900, title="y" * 280)), alerted=told))
        assert not any(message.text.endswith("look through") for message in messages)


def test_items_of_the_greatest_length_make_sound_messages() -> None:
    huge = "😀@a " * 3_000
    told = item(title=huge, source=huge, also=(huge,) * 9, codes=(huge,) * 9, url="https://a.example/" + "y" * 5_000)
    messages = as_messages(replace(digest_of(told, told), alerted=(told,) * 5, by_code=((huge, 1),) * 40))
    assert all(is_sound(message) for message in messages)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(item, title=st.text(), summary=st.text(), source=st.text("a@/.\u202e\u2067א"), url=st.text()),
        max_size=8,
    )
)
def test_whatever_feeds_say_messages_are_sound_and_text_is_closed(items: list[DigestItem]) -> None:
    digest = replace(digest_of(*items), alerted=tuple(items))
    assert all(is_sound(message) for message in as_messages(digest))
    assert is_closed(as_text(digest))
    assert is_closed(as_markdown(digest))


# ── what stands around the stories ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", FORMS)
def test_every_form_tells_what_moved_what_comes_and_what_was_corrected(form: object) -> None:
    guess = Estimate(likely=20, least=1, most=106, labelled=50)
    shown = form(full_digest(missed=guess))  # type: ignore[operator]
    text = re.sub(r"\s+", " ", Page(shown).text if form is as_html else shown.replace("\\", ""))
    assert "China → United States · charge 17 Apr 2023 › verdict 18 Nov 2026" in text
    assert "India → United States · verdict › sentence 18 Nov 2026" in text
    assert "China → United States 1, United Kingdom 1" in text
    assert "29 Jan 2027" in text
    assert "“Sentencing is set for 29 January, a judge said.”" in text
    assert "found in the text, unchecked" in text
    assert "it said: “Chinese police station found in London”" in text
    assert "1 report that had been told was withdrawn" in text
    assert "Belarus: no story since" in text
    assert "1 of 2 feeds that told of it are blind" in text
    assert "about 20 articles below the threshold, or 1 to 106 (95 %)" in text
    assert "2 moved on · 2 corrections · 5 held back" in text
    assert is_closed(text)


def test_routes_that_were_not_read_are_counted_beside_those_that_were() -> None:
    routes = (
        Route(origin="CN", host="US", stories=3),
        Route(origin="IR", host="GB", stories=2),
        Route(origin="CN", host="", stories=1),
        Route(origin="", host="", stories=7),
    )
    told = "China → United States 3, ? 1 · Iran → United Kingdom 2 · from or to not read: 7"
    assert told in as_text(digest_of(routes=routes))


def test_what_is_news_comes_first_in_messages_and_silence_last() -> None:
    messages = as_messages(full_digest())
    assert all(is_sound(message) for message in messages)
    text = "\n".join(message.text for message in messages)
    order = [
        text.index(word) for word in ("Moved on", "What comes next", "Corrections", "Alerted\n", "Quiet", "Feeds:")
    ]
    assert order == sorted(order)
    assert not any(message.text.rstrip().endswith(("Moved on", "Quiet", "unchecked")) for message in messages)


@pytest.mark.parametrize("text", HOSTILE)
def test_strangers_text_stays_text_in_notes(text: str) -> None:
    one = full_digest()
    named = replace(one.ahead[0].item, title=text, source=text)
    hostile = replace(
        one,
        moved=(replace(one.moved[0], item=named),),
        report=named,
        ahead=(replace(one.ahead[0], words=f"see {text}", item=named),),
        corrections=(replace(one.corrections[0], title=text, before=text, source=text),),
    )
    usual = replace(one, moved=one.moved[:1])
    tags = [tag for tag, _ in Page(as_html(hostile)).tags]
    assert tags == [tag for tag, _ in Page(as_html(usual)).tags]
    assert all(is_sound(message) for message in as_messages(hostile))


def test_an_odd_address_is_told_beside_a_note_too() -> None:
    one = full_digest()
    odd = replace(one, report=replace(one.ahead[0].item, url="https://аpple.com/x"))
    for form in FORMS:
        assert "careful: unusual letters" in form(odd)
    assert "careful: unusual letters" in "".join(message.text for message in as_messages(odd))
