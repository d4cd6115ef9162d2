"""One address, one text, one affair: what makes two articles one story besides their likeness."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Article, Placed
from monitor.stories import agreement, likeness, turns
from monitor.stories.addresses import Addresses
from monitor.stories.grouping import Grouper, place
from monitor.stories.turns import Turn
from tests.stories_parts import FEED, NOW, OTHER_FEED, article, story

LATER = NOW + timedelta(days=90)
URL = "https://news.example.org/2026/11/editor-stabbed"
BODY = (
    "Police in London are looking for three men after the presenter Pouria Zeraati was stabbed in the leg outside his "
    "home in Wimbledon on Friday afternoon. He works for Iran International, a channel that Tehran calls terrorist."
)
SPUN = (
    "Officers in London are searching for three men after the host Pouria Zeraati was knifed in the leg near his house "
    "in Wimbledon on Friday afternoon. He works for Iran International, a station that Tehran labels terrorist."
)


def placed(*articles: Article) -> list[Placed]:
    return place(articles, [], now=LATER)


def homes(*articles: Article) -> list[str]:
    """Of each article in the order given; streamed and placed together must agree."""
    grouper = Grouper()
    streamed = [grouper.add(each) for each in articles]
    assert [p.story_id for p in placed(*articles)] == streamed
    return streamed


# ── one address ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "other",
    [
        URL,
        "http://www.news.example.org/2026/11/editor-stabbed/?utm_source=feed#top",
        "https://amp.news.example.org/2026/11/editor-stabbed",
    ],
)
@pytest.mark.parametrize("days", [1, 60])
def test_an_edited_headline_under_one_address_is_the_same_story(other: str, days: int) -> None:
    first = article("a", "Exiled editor stabbed in London", url=URL)
    edited = article("b", "Three men sought over Wimbledon knife attack", url=other, hours=24 * days)
    assert homes(first, edited) == ["a", "a"]
    assert placed(first, edited)[1].evidence == "same address as “Exiled editor stabbed in London”"


def test_an_address_is_known_from_a_stored_story() -> None:
    first = article("a", "Exiled editor stabbed in London", url=URL)
    kept = story(first)
    kept = type(kept)(
        id="a", language="en", first_at=kept.first_at, last_at=kept.last_at,
        members=(type(kept.members[0])(article_id="a", title=first.title, url=URL, feed=FEED.url, at=first.at),),
    )  # fmt: skip
    edited = article("b", "Police seek trio", url=URL, hours=5)
    assert place([edited], [kept], now=LATER)[0].story_id == "a"


@pytest.mark.parametrize(
    "url",
    [
        "https://news.example.org",
        "https://news.example.org/",
        "https://news.example.org/?utm_source=feed",
        "https://news.example.org/index.html",
        "https://news.example.org/en/",
        "https://news.example.org/world/live/attacks",
        "https://news.example.org/newsticker",
        "",
        "not an address",
    ],
)
def test_a_page_of_many_articles_glues_nothing(url: str) -> None:
    first = article("a", "Exiled editor stabbed in London", url=url)
    other = article("b", "Teacher abducted from Nairobi", url=url, hours=1)
    assert homes(first, other) == ["a", "b"]


def test_an_edited_headline_of_a_live_blog_stays_in_its_story() -> None:
    url = "https://news.example.org/world/live/london-attack"
    first = article("a", "Exiled editor stabbed in London", url=url)
    edited = article("b", "Stabbed editor: three men arrested", url=url, hours=1)
    assert homes(first, edited) == ["a", "a"]


def test_a_numbered_address_below_the_root_is_an_articles() -> None:
    first = article("a", "Exiled editor stabbed in London", url="https://blog.example/?p=17")
    edited = article("b", "Three men sought", url="https://blog.example/?p=17", hours=1)
    other = article("c", "Three witnesses heard", url="https://blog.example/?p=18", hours=2)
    assert homes(first, edited, other) == ["a", "a", "c"]


def test_an_address_that_another_feed_gives_to_something_else_is_not_believed() -> None:
    decoy = article("a", "Ten recipes for autumn soups", url=URL)
    real = article("b", "Exiled editor stabbed in London", url=URL, hours=1, feed=OTHER_FEED.url)
    assert homes(decoy, real) == ["a", "b"]


def test_a_page_used_again_and_again_is_no_article() -> None:
    titles = ("Alpha bravo charlie", "Delta echo foxtrot", "Golf hotel india", "Juliet kilo lima")
    pages = [article(str(n), title, url=URL, hours=n) for n, title in enumerate(titles)]
    assert homes(*pages) == ["0", "0", "0", "3"]


def test_only_so_many_addresses_are_remembered() -> None:
    addresses = Addresses(most=2)
    document = likeness.read("Exiled editor stabbed in London", "", "", "en")
    for n in range(3):
        addresses.remember(f"https://a.example/{n}", document, title="t", feed="", story_id=str(n))
    assert addresses.find("https://a.example/0", document, "") is None
    assert addresses.find("https://a.example/2", document, "") is not None


# ── one text ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("hours", [2, 24 * 20])
def test_one_text_under_another_headline_is_a_copy(hours: float) -> None:
    first = article("a", "Exiled editor stabbed in London", BODY, url="https://one.example/a")
    copy = article("b", "You won't believe who was hurt", BODY, url="https://two.example/b", hours=hours)
    assert homes(first, copy) == ["a", "a"]
    assert "100% of the text word for word" in placed(first, copy)[1].evidence


def test_a_cut_text_is_a_copy_of_the_whole() -> None:
    whole = article("a", "Exiled editor stabbed in London", "", text=f"{BODY} More of it follows here.")
    cut = article("b", "Iran International presenter attacked", BODY[:150] + "…", hours=2)
    assert homes(whole, cut) == ["a", "a"]


def test_a_text_with_its_summary_in_front_is_read_once() -> None:
    assert likeness.read("t", BODY, BODY, "en").sketch == likeness.read("t", "", BODY, "en").sketch


def test_a_reworded_text_is_a_copy() -> None:
    first = article("a", "Exiled editor stabbed in London", BODY, url="https://one.example/a")
    spun = article("b", "Presenter knifed near Wimbledon house", SPUN, url="https://two.example/b", hours=2)
    assert homes(first, spun) == ["a", "a"]


def test_reworded_needs_names_in_the_same_order() -> None:
    one = likeness.read("Editor hurt", BODY, "", "en")
    assert agreement.is_reworded(one, likeness.read("Presenter knifed", SPUN, "", "en"))
    halves = SPUN.split(". ")
    assert not agreement.is_reworded(one, likeness.read("Presenter knifed", f"{halves[1]}. {halves[0]}.", "", "en"))
    assert not agreement.is_reworded(one, likeness.read("A man", "He was hurt near his home and is well.", "", "en"))


def test_what_one_site_writes_under_every_headline_is_no_copy() -> None:
    advert = "Subscribe to our newsletter and never miss a story from our award-winning team in forty cities every day."
    titles = ("Bishop opens a bridge", "Shares fall in Tokyo", "Exiled editor stabbed in London")
    own = [article(str(n), t, advert, url=f"https://one.example/{n}", hours=n) for n, t in enumerate(titles)]
    assert homes(*own) == ["0", "1", "2"]
    sister = article("3", "Teacher abducted from Nairobi", advert, url="https://one.example/3", hours=4)
    assert homes(*own, sister)[3] == "3"


def test_a_form_with_other_numbers_is_no_copy() -> None:
    first = article("a", "Court fines blogger", BODY + " He must pay 4000 pounds.")
    other = article("b", "Court fines writer", BODY + " He must pay 9000 pounds.", hours=1)
    one, two = (likeness.read(a.title, a.summary, "", "en") for a in (first, other))
    assert likeness.contained(one, two) > agreement.SAME_TEXT
    assert not agreement.is_copy(one, two)


def test_very_short_texts_are_not_compared_word_for_word() -> None:
    one = likeness.read("t", "Read more here today.", "", "en")
    assert likeness.contained(one, one) == 0.0


@given(st.text(alphabet="abcde ", max_size=400), st.text(alphabet="abcde ", max_size=400))
def test_how_much_is_contained_is_a_share_and_the_same_from_both_sides(one: str, other: str) -> None:
    a, b = likeness.read("", one, "", "en"), likeness.read("", other, "", "en")
    assert 0.0 <= likeness.contained(a, b) == likeness.contained(b, a) <= 1.0


# ── one turn ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("title", "language", "told"),
    [
        ("Man arrested over attack on exiled blogger", "en", {Turn.ARREST}),
        ("Embassy denies threatening blogger", "en", {Turn.DENIAL}),
        ("Regulator may approve new drug", "en", {Turn.PLAN}),
        ("Hong Kong issues arrest warrants for six", "en", {Turn.SEARCH}),
        ("Exiled blogger attacked in Tbilisi", "en", set()),
        ("Завод остановят на месяц", "ru", {Turn.PLAN}),
        ("Завод остановил работу", "ru", set()),
        ("Verdächtiger festgenommen", "de", {Turn.ARREST}),
        ("Anything at all", "xx", set()),
    ],
)
def test_turns_are_told_by_words(title: str, language: str, told: set[Turn]) -> None:
    assert turns.turns(title, language) == told


# ── one affair ────────────────────────────────────────────────────────────────────────────────────

FERRY = (
    "Ferry with 140 aboard sinks off Port Calder",
    "Passenger ferry goes down near Port Calder, dozens missing",
    "Dozens missing after ferry capsizes off Port Calder coast",
    "Port Calder ferry sinking: what happened",
    "Rescuers search for missing after Calder ferry disaster",
    "Calder ferry: captain is questioned by police",
    "Families wait at Calder harbour for news of ferry passengers",
)


def test_headlines_that_follow_an_affair_join_it() -> None:
    stories = homes(*(article(str(n), title, hours=n * 3) for n, title in enumerate(FERRY)))
    assert len(set(stories[3:])) == 1
    evidence = placed(*(article(str(n), title, hours=n * 3) for n, title in enumerate(FERRY)))[-1].evidence
    assert evidence.startswith("follows the affair “")
    assert "calder" in evidence


def test_what_has_a_summary_is_judged_by_itself() -> None:
    ferry = [article(str(n), title, hours=n * 3) for n, title in enumerate(FERRY)]
    told = article(
        "x",
        "Calder harbour to be dredged",
        "The council of the town of Calder votes on Monday on the dredging.",
        hours=30,
    )
    assert homes(*ferry, told)[-1] == "x"


def test_an_affair_takes_no_followers_after_a_fortnight() -> None:
    first = [article(str(n), title, hours=n * 3) for n, title in enumerate(FERRY)]
    alive = [
        article(f"l{day}", f"Calder ferry inquiry hears witness {name}", hours=24 * day)
        for day, name in zip((3, 6, 9, 12), ("Abel", "Brandt", "Cole", "Drexler"), strict=True)
    ]
    late = article("late", "Calder ferry memorial unveiled", hours=24 * 15.5)
    assert homes(*first, *alive, late)[-1] == "late"


def test_forms_and_countries_make_no_affair() -> None:
    blocked = [article(str(n), f"Roskomnadzor blocks site number {n} in Russia", hours=n) for n in range(8)]
    assert len(set(homes(*blocked))) == 8
    topics = (
        "Student joins Hong Kong rally",
        "Museum in Hong Kong opens",
        "Rain hits Hong Kong",
        "Horse wins Hong Kong race",
    )
    apart = [article(f"t{n}", topic, hours=n) for n, topic in enumerate(topics)]
    assert len(set(homes(*apart))) == 4
