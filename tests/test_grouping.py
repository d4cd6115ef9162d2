"""Are two articles about one event?"""

from __future__ import annotations

import itertools
import random
import time
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Placed
from monitor.stories import likeness
from monitor.stories.grouping import Grouper, place
from tests.stories_parts import NOW, OTHER_EVENT, SAME_EVENT, TITLES, Pair, article, story

LATER = NOW + timedelta(days=30)


def joins(pair: Pair, *, hours: float = 3) -> Placed:
    language, title, summary, other_title, other_summary = pair
    first = article("first", title, summary, language=language)
    second = article("second", other_title, other_summary, language=language, hours=hours)
    return place([second, first], [], now=LATER)[1]


@pytest.mark.parametrize("pair", SAME_EVENT, ids=lambda pair: pair[3])
def test_two_newsrooms_words_for_one_event_are_one_story(pair: Pair) -> None:
    placed = joins(pair)
    assert placed.story_id == "first", placed.evidence
    assert not placed.opens


@pytest.mark.parametrize("pair", OTHER_EVENT, ids=lambda pair: pair[3])
def test_headlines_of_one_form_or_topic_are_two_stories(pair: Pair) -> None:
    placed = joins(pair)
    assert placed.story_id == "second", placed.evidence
    assert placed.opens


def test_a_pair_is_judged_alike_in_both_directions() -> None:
    for pair in (*SAME_EVENT, *OTHER_EVENT):
        assert joins(pair, hours=3).opens == joins(pair, hours=-3).opens, pair


def test_evidence_says_why() -> None:
    assert joins(SAME_EVENT[0]).evidence.endswith("to “Exiled Iranian editor stabbed outside his home in London”")
    assert joins(SAME_EVENT[5]).evidence.startswith("copy of “")
    assert "another event by its form, names, numbers or turn" in joins(OTHER_EVENT[1]).evidence
    assert place([article("a", "Alone in the world")], [], now=LATER)[0].evidence == "nothing like it"


def test_typographers_signs_make_no_english_foreign() -> None:
    told = "Exiled editor’s flat searched – “they took the laptops and the phones”, he said"
    assert likeness.read(told, "", "", "").language == "en"
    other = "Wohnung von Exilredakteur durchsucht – „sie nahmen die Rechner mit“, sagte er"
    assert likeness.read(other, "", "", "").language == "de"


def test_the_same_words_in_another_language_are_another_story() -> None:
    title = "Opposition Opposition Minsk Warschau Agent Festnahme"
    placed = place([article("a", title, language="de"), article("b", title, language="nl")], [], now=LATER)
    assert [p.opens for p in placed] == [True, True]


def test_the_same_words_after_the_window_are_another_story() -> None:
    assert not joins(SAME_EVENT[0], hours=24 * 3.9).opens
    assert joins(SAME_EVENT[0], hours=24 * 4.1).opens


def test_a_story_lives_as_long_as_something_is_added() -> None:
    grouper = Grouper()
    homes = {grouper.add(article(f"day-{day}", TITLES[0], hours=72 * day)) for day in range(9)}
    assert homes == {"day-0"}


def test_an_article_that_is_in_a_story_keeps_its_place() -> None:
    first, other = article("a", TITLES[0]), article("b", TITLES[1])
    edited = article("b", TITLES[0])
    placed = place([edited], [story(first), story(other)], now=LATER)
    assert (placed[0].story_id, placed[0].opens) == ("b", False)


def test_a_follow_up_joins_a_stored_story_by_any_of_its_members() -> None:
    lead = article("lead", "Exiled Iranian editor stabbed outside his home in London")
    second = article(
        "second",
        "Iranian editor stabbed in London: police look for three men in a Mazda",
        "The presenter is in hospital and his life is not in danger, his channel says.",
        hours=5,
    )
    third = article(
        "third",
        "Police find Mazda of three men after Iranian editor stabbed",
        "Detectives towed the car from a street in the south of London.",
        hours=30,
    )
    placed = place([third], [story(lead, second)], now=LATER)
    assert placed[0].story_id == "lead", placed[0].evidence


def test_a_chain_does_not_drag_a_story_away_from_its_lead() -> None:
    lead = article("lead", "Exiled Iranian editor stabbed outside home in Wimbledon")
    drifted = article("drifted", "Iranian editor speaks at Geneva summit on sanctions against Tehran banks", hours=20)
    last = article("last", "Geneva summit on sanctions against Tehran banks ends without a result", hours=30)
    placed = place([last], [story(lead, drifted)], now=LATER)
    assert placed[0].opens, placed[0].evidence


@pytest.mark.parametrize(
    "glue",
    [
        "Live updates: editor stabbed in London, teacher abducted in Nairobi",
        "Weekly digest: editor stabbed in London, teacher abducted in Nairobi",
        "Editor stabbed in London; teacher abducted in Nairobi; visa denied in Tokyo",
        "Дайджест: editor stabbed in London, teacher abducted in Nairobi",
    ],
)
def test_a_round_up_glues_nothing(glue: str) -> None:
    articles = [
        article("one", "Exiled editor stabbed in London"),
        article("glue", glue, hours=1),
        article("two", "Teacher abducted in Nairobi", hours=2),
    ]
    assert len({placed.story_id for placed in place(articles, [], now=LATER)}) == 3
    again = place([*articles, article("glue-2", glue, "", hours=3)], [], now=LATER)
    assert again[3].story_id == "glue-2"


def test_a_copy_of_a_round_up_joins_it() -> None:
    body = (
        "Rights groups count nine attacks on exiles this week, among them two stabbings, a poisoning and six threats."
    )
    first = article("a", "Weekly digest: attacks on exiles", body)
    second = article("b", "Weekly digest: attacks on exiles - The Monitor", body, hours=2)
    assert place([first, second], [], now=LATER)[1].story_id == "a"


def test_fifty_outlets_with_one_agency_text_are_one_story() -> None:
    body = (
        "BERLIN (Agency) - Prosecutors charged a former aide of a lawmaker with spying on Chinese dissidents in Germany and "
        "passing on documents of the European Parliament between 2019 and 2024, they said on Tuesday."
    )
    copies = [
        article(
            f"{n:02}",
            f"Ex-aide charged with spying on Chinese dissidents - Outlet {chr(65 + n % 26)}",
            body,
            hours=n / 10,
        )
        for n in range(50)
    ]
    reworded = article("99", "Germany charges man over spying for Beijing on dissidents", body, hours=6)
    placed = place([*copies, reworded], [], now=LATER)
    assert {p.story_id for p in placed} == {"00"}
    assert sum(p.opens for p in placed) == 1


def test_nothing_depends_on_the_order_within_a_poll() -> None:
    articles = [
        article(f"{n}-{side}", pair[1 + 2 * side], pair[2 + 2 * side], language=pair[0], hours=side * 2)
        for n, pair in enumerate((*SAME_EVENT, *OTHER_EVENT))
        for side in (0, 1)
    ]
    kept = [story(article("old-1", TITLES[2])), story(article("old-2", TITLES[3]))]
    expected = place(articles, kept, now=LATER)
    for seed in range(5):
        shuffled = articles[:]
        random.Random(seed).shuffle(shuffled)
        assert place(shuffled, kept[::-1], now=LATER) == expected


def test_whoever_opens_a_story_stands_before_its_others() -> None:
    placed = place([article("late", TITLES[0], hours=4), article("early", TITLES[0])], [], now=LATER)
    assert [p.article.id for p in placed] == ["early", "late"]


def test_texts_without_words_open_their_own_stories() -> None:
    articles = [article("a", ""), article("b", ""), article("c", "…"), article("d", "the of and")]
    assert all(placed.opens for placed in place(articles, [], now=LATER))


def test_outlets_advertisements_glue_nothing() -> None:
    advert = (
        "Subscribe to our newsletter and never miss a story from our award-winning team of reporters, photographers and "
        "columnists in forty cities around the globe, every morning in your inbox, free of charge."
    )
    articles = [article(str(n), title, advert, hours=n) for n, title in enumerate(TITLES)]
    assert all(placed.opens for placed in place(articles, [], now=LATER))


def test_a_headline_of_few_words_needs_its_text_to_agree() -> None:
    first = article(
        "a", "Statement on Iran", "The foreign minister condemned the execution of a citizen with two passports."
    )
    other = article(
        "b", "Statement on Iran", "New sanctions against three banks were announced in Brussels today.", hours=2
    )
    assert place([first, other], [], now=LATER)[1].opens


def test_streaming_and_placing_agree_on_clear_cases() -> None:
    grouper = Grouper(timedelta(days=4))
    for n, pair in enumerate(SAME_EVENT):
        hours = 24 * 30 * n
        first = grouper.add(article(f"{n}a", pair[1], pair[2], language=pair[0], hours=hours))
        assert grouper.add(article(f"{n}b", pair[3], pair[4], language=pair[0], hours=hours + 2)) == first == f"{n}a"


def test_memory_is_let_go_when_stories_end() -> None:
    grouper = Grouper()
    for n in range(300):
        grouper.add(article(str(n), f"Alpha{n} bravo{n} charlie{n} delta{n}", hours=n))
    assert len(grouper._window.groups) <= 4 * 24 + 2
    words = grouper._window._words.values()
    assert 0 < sum(len(one.lists) for one in words) <= (4 * 24 + 2) * 4
    assert 0 < sum(len(one.frequency) for one in words) <= (4 * 24 + 2) * 4


def test_late_news_of_an_old_story_does_not_break_the_memory() -> None:
    grouper = Grouper()
    assert grouper.add(article("new", TITLES[0], hours=24 * 60)) == "new"
    assert grouper.add(article("old", TITLES[0], hours=0)) == "old"
    assert grouper.add(article("newer", TITLES[0], hours=24 * 61)) == "new"
    assert grouper.add(article("newest", TITLES[0], hours=24 * 200)) == "newest"


def test_the_index_stays_bounded_under_a_flood_of_one_word() -> None:
    grouper = Grouper()
    for n in range(400):
        grouper.add(article(str(n), f"London word{n} other{n} third{n} fourth{n}", hours=n / 100))
    lists = [found for words in grouper._window._words.values() for found in words.lists.values()]
    assert max(len(found.numbers) for found in lists) <= 150
    assert all(len(found.numbers) == len(found.weights) for found in lists)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=80), max_size=8), st.randoms(use_true_random=False))
def test_any_text_has_a_place_and_order_does_not_matter(titles: list[str], shuffler: random.Random) -> None:
    articles = [article(f"{n:02}", title, language="", hours=n % 3) for n, title in enumerate(titles)]
    placed = place(articles, [], now=LATER)
    assert sorted(p.article.id for p in placed) == [a.id for a in articles]
    openers = {p.article.id for p in placed if p.opens}
    assert {p.story_id for p in placed} == openers
    shuffler.shuffle(articles)
    assert place(articles, [], now=LATER) == placed


@pytest.mark.parametrize(
    ("title", "is_roundup"),
    [
        ("Live: attack in London", True),
        ("Olive growers attacked in the West Bank", False),
        ("Activists live in fear in Bangkok", False),
        ("一周新聞摘要", True),
        ("Revue de presse du lundi", True),
    ],
)
def test_round_ups_are_told_by_their_words(title: str, is_roundup: bool) -> None:
    assert likeness.read(title, "", "", "").is_roundup is is_roundup


def test_names_are_told_only_where_capitals_mean_something() -> None:
    read = likeness.read("Exiled editor Pouria Zeraati stabbed in London by three men", "", "", "en")
    assert {"pouri", "zeraa", "londo"} <= read.names
    assert "exile" not in read.names
    assert not likeness.read("Exiled Editor Stabbed In London By Three Men", "", "", "en").names


def test_grouping_a_long_stream_is_not_quadratic() -> None:
    words = [f"{a}{b}{c}" for a, b, c in itertools.product("bdfglmnprst", "aeiou", "bdfglmnprst")]
    source = random.Random(7)
    grouper = Grouper()
    began = time.perf_counter()
    for n in range(800):
        title = " ".join(source.choices(words, k=9))
        grouper.add(article(str(n), title, " ".join(source.choices(words, k=25)), hours=n / 20))
    # A generous ceiling: the index must keep this from being quadratic, on any machine.
    assert time.perf_counter() - began < 15
