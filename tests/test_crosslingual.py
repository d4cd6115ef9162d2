"""Are two articles in two languages about one event?"""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.model import Article, Facts, Member, Placed, Story
from monitor.stories import crosslingual, details, facts, grouping, numbers, sounds
from monitor.stories.crosslingual import Candidate, Joiner, Told, joined, rejoined, same_event
from monitor.stories.details import Writing
from tests.crosslingual_parts import NOW, counted, pairs, told

ENGLISH = told(
    "Belarusian poet Alena Mikhalevich stabbed outside her home in Vilnius",
    "Two men in masks attacked her on Tuesday. Lithuanian police are looking at Minsk.",
)
RUSSIAN = told(
    "В Вильнюсе ранили ножом беларусскую поэтессу Алену Михалевич",
    "Двое в масках ждали её у подъезда, полиция Литвы проверяет след Минска.",
    "ru",
    at=NOW + timedelta(hours=2),
)
POLISH = told(
    "Wilno: białoruska poetka Alena Michalewicz ugodzona nożem",
    "Litewska policja szuka dwóch zamaskowanych mężczyzn.",
    "pl",
    at=NOW + timedelta(hours=5),
)
OTHER_PERSON = told(
    "В Вильнюсе подожгли машину беларусского блогера Дениса Карпука",
    "Полиция Литвы ищет троих.",
    "ru",
    at=NOW + timedelta(hours=2),
)


def later(telling: Told, **by: float) -> Told:
    return replace(telling, at=telling.at + timedelta(**by))


# ── measured on pairs ─────────────────────────────────────────────────────────────────────────────


def test_on_pairs_it_was_never_fixed_on_hardly_a_join_is_wrong_and_most_events_meet() -> None:
    held_out = counted(pairs(tuning=False))
    assert held_out.precision >= 0.97
    assert held_out.recall >= 0.70


def test_on_the_tuning_pairs_no_join_is_wrong() -> None:
    tuning = counted(pairs(tuning=True))
    assert tuning.wrong == 0
    assert tuning.recall >= 0.80


def test_the_pairs_hold_many_languages_and_as_many_different_as_same_events() -> None:
    every = pairs(tuning=True) + pairs(tuning=False)
    languages = {telling.language for pair in every for telling in (pair.one, pair.other)}
    assert len({pair.id for pair in every}) == len(every)
    assert len(languages) >= 12
    assert sum(pair.same for pair in every) >= 80
    assert sum(not pair.same for pair in every) >= 80
    assert all(pair.one.language[:2] != pair.other.language[:2] for pair in every)


def test_whichever_of_two_tellings_comes_first_the_answer_is_the_same() -> None:
    for pair in pairs(tuning=True):
        assert bool(same_event(pair.one, pair.other)) is bool(same_event(pair.other, pair.one)), pair.id


# ── one event ─────────────────────────────────────────────────────────────────────────────────────


def test_a_name_in_two_scripts_is_the_evidence_and_is_shown() -> None:
    evidence = same_event(ENGLISH, RUSSIAN)
    assert evidence.startswith("both: ")
    assert "“Alena Mikhalevich” = “Алену Михалевич”" in evidence
    assert "Belarus → Lithuania" in evidence
    assert "17 Nov" in evidence


def test_the_same_route_on_the_same_day_is_no_evidence_by_itself() -> None:
    assert same_event(ENGLISH, OTHER_PERSON) == ""


def test_two_texts_of_one_language_are_left_to_grouping() -> None:
    assert same_event(ENGLISH, replace(ENGLISH, at=NOW + timedelta(hours=1))) == ""
    chinese = told("旅居柏林的维吾尔作家遭跟踪 警方介入", "", "zh-Hans")
    assert same_event(chinese, told("旅居柏林的維吾爾作家遭跟蹤 警方介入", "", "zh-Hant")) == ""


def test_what_is_told_of_the_same_woman_two_days_later_is_another_event() -> None:
    assert same_event(ENGLISH, later(RUSSIAN, hours=30))
    assert same_event(ENGLISH, later(RUSSIAN, hours=40)) == ""


def test_a_live_blog_or_a_round_up_joins_nothing() -> None:
    live = told(f"Live: {ENGLISH.title}", ENGLISH.summary)
    assert same_event(live, RUSSIAN) == ""
    assert crosslingual.weighed(live, RUSSIAN) is None


def test_half_a_name_is_none() -> None:
    one = told("Sikh leader Gurmeet Singh Bhatti shot in Brampton", "Police in Canada suspect India.")
    other = told("Canada : le chef sikh Jasvir Singh Randhawa abattu", "L'Inde est soupçonnée.", "fr")
    assert same_event(one, other) == ""


def test_texts_that_are_at_different_stages_lose_points() -> None:
    charged = Facts(stage="charge")
    assert crosslingual.weighed(replace(ENGLISH, facts=charged), replace(RUSSIAN, facts=charged)).points > (  # type: ignore[union-attr]
        crosslingual.weighed(  # type: ignore[union-attr]
            replace(ENGLISH, facts=charged), replace(RUSSIAN, facts=Facts(stage="sentence"))
        ).points
    )


def test_a_verdict_and_a_sentence_are_one_day_in_court() -> None:
    verdict, sentence = (replace(RUSSIAN, facts=Facts(stage=stage)) for stage in ("verdict", "sentence"))
    tried = replace(ENGLISH, facts=Facts(stage="verdict"))
    assert same_event(tried, verdict)
    assert same_event(tried, sentence)


def test_people_of_other_names_speak_against_texts_without_a_name_in_common() -> None:
    english = told("Germany jails man for spying on Uyghurs in Munich for China", "He got 4 years and 6 months.")
    french = told("Munich : un homme condamné pour avoir espionné des Ouïghours pour la Chine", "4 ans, 6 mois.", "fr")
    assert same_event(english, french)
    named = replace(english, facts=replace(english.facts, people=("Abdul Tursun",)))
    other = replace(french, facts=replace(french.facts, people=("Li Qiang",)))
    assert same_event(named, other) == ""


def test_a_person_the_gazetteer_knows_in_both_scripts_is_a_name_in_common() -> None:
    english = told("Hong Kong cancels passport of Nathan Law, who lives in Britain", "Five others are on the list.")
    chinese = told("保安局註銷羅冠聰護照", "他現居英國，另有五人被列入名單。", "zh-Hant")
    assert "“Nathan Law”" in same_event(english, chinese)


def test_without_a_name_states_numbers_and_deeds_must_agree() -> None:
    english = told("Thailand sends 43 Uyghurs back to China", "They had been detained in Bangkok for ten years.")
    german = told("Bangkok schiebt 43 Uiguren nach China ab", "Die Männer saßen zehn Jahre in Haft.", "de")
    other = told("Bangkok schiebt 12 Uiguren nach China ab", "", "de")
    assert "numbers 10 and 43" in same_event(english, german)
    assert same_event(english, other) == ""


# ── one story ─────────────────────────────────────────────────────────────────────────────────────


def test_an_article_joins_the_one_story_that_tells_its_event() -> None:
    stories = [
        Candidate(story_id="poet", members=(ENGLISH,)),
        Candidate(story_id="other", members=(told("Passports of Belarusian exiles cancelled in Warsaw"),)),
    ]
    found = joined(RUSSIAN, stories)
    assert found is not None
    assert found.story_id == "poet"
    assert found.evidence == same_event(RUSSIAN, ENGLISH)


def test_of_two_stories_that_answer_alike_none_is_joined() -> None:
    twin = replace(ENGLISH, at=NOW + timedelta(minutes=5))
    stories = [Candidate(story_id="one", members=(ENGLISH,)), Candidate(story_id="two", members=(twin,))]
    assert joined(RUSSIAN, stories) is None


def test_a_story_that_has_an_article_in_the_language_is_left_alone() -> None:
    assert joined(POLISH, [Candidate(story_id="poet", members=(ENGLISH, RUSSIAN))]) is not None
    assert joined(replace(RUSSIAN, title=f"{RUSSIAN.title}: очевидцы"), [
        Candidate(story_id="poet", members=(ENGLISH, RUSSIAN))
    ]) is None  # fmt: skip


def test_a_member_does_not_open_a_story_whose_lead_speaks_against_it() -> None:
    lead = told("Nicaragua strips 94 exiles of their nationality", "Most of them live in Costa Rica.")
    assert joined(RUSSIAN, [Candidate(story_id="drifted", members=(lead, ENGLISH))]) is None


def test_the_joiner_finds_what_comparing_with_every_story_finds() -> None:
    half = pairs(tuning=True)
    joiner = Joiner()
    for pair in half:
        joiner.remember(pair.one, pair.id)
    stories = [Candidate(story_id=pair.id, members=(pair.one,)) for pair in half]
    found = [(joiner.home(pair.other), joined(pair.other, stories)) for pair in half[:60]]
    assert any(by_index for by_index, _ in found)
    assert all(by_index == by_all for by_index, by_all in found)


def test_joining_costs_little_where_there_is_little_to_join() -> None:
    joiner = Joiner()
    for number in range(2_000):
        joiner.remember(told(f"Council of town {number} opens a library", "It has room for books."), f"{number}")
    joiner.home(RUSSIAN)
    began = time.perf_counter()
    for _ in range(100):
        joiner.home(RUSSIAN)
    assert time.perf_counter() - began < 1.0


# ── places ────────────────────────────────────────────────────────────────────────────────────────


def article(name: str, telling: Told) -> Article:
    return Article(
        id=name,
        feed="https://news.example.org/rss",
        title=telling.title,
        summary=telling.summary,
        language=telling.language,
        published_at=telling.at,
        first_seen_at=telling.at,
    )


def opens(name: str, telling: Told) -> Placed:
    return Placed(article=article(name, telling), story_id=name, opens=True, evidence="nothing like it")


def story(name: str, telling: Told) -> Story:
    member = Member(
        article_id=name, title=telling.title, summary=telling.summary, language=telling.language, at=telling.at
    )
    return Story(
        id=name,
        language=telling.language,
        members=(member,),
        first_at=telling.at,
        last_at=telling.at,
        facts=telling.facts,
    )


def test_what_opened_a_story_moves_into_the_one_told_elsewhere_and_its_followers_move_too() -> None:
    follower = Placed(article=article("c", later(RUSSIAN, hours=1)), story_id="b", opens=False, evidence="0.71 to …")
    found = rejoined(
        [opens("b", RUSSIAN), follower],
        [story("a", ENGLISH)],
        {"b": RUSSIAN.facts, "c": RUSSIAN.facts},
        now=NOW + timedelta(days=1),
    )
    assert [(place.article.id, place.story_id, place.opens) for place in found] == [
        ("b", "a", False),
        ("c", "a", False),
    ]
    assert found[0].evidence == same_event(RUSSIAN, ENGLISH)
    assert found[1].evidence == "0.71 to …"


def test_articles_of_one_poll_meet_across_languages_too() -> None:
    read = {"a": ENGLISH.facts, "b": RUSSIAN.facts, "c": POLISH.facts}
    found = rejoined(
        [opens("a", ENGLISH), opens("b", RUSSIAN), opens("c", POLISH)], [], read, now=NOW + timedelta(days=1)
    )
    assert [place.story_id for place in found] == ["a", "a", "a"]
    assert [place.opens for place in found] == [True, False, False]


def test_an_article_without_facts_stays_where_it_is() -> None:
    placed = [opens("b", RUSSIAN)]
    assert rejoined(placed, [story("a", ENGLISH)], {}, now=NOW) == placed
    assert rejoined(placed, [story("a", ENGLISH)], {"x": ENGLISH.facts}, now=NOW) == placed


def test_an_article_that_is_in_a_story_stays_in_it() -> None:
    there = Placed(article=article("a", ENGLISH), story_id="a", opens=False, evidence="was in it before")
    found = rejoined(
        [there, opens("b", RUSSIAN)],
        [story("a", ENGLISH)],
        {"a": ENGLISH.facts, "b": RUSSIAN.facts},
        now=NOW + timedelta(days=1),
    )
    assert found[0] == there
    assert found[1].story_id == "a"


def test_the_order_in_which_stories_are_loaded_changes_nothing() -> None:
    half = pairs(tuning=True)[:60]
    stories = [story(f"{number:03}", pair.one) for number, pair in enumerate(half)]
    placed = [opens(f"new {number:03}", pair.other) for number, pair in enumerate(half)]
    read = {place.article.id: pair.other.facts for place, pair in zip(placed, half, strict=True)}
    shuffled = random.Random(1).sample(stories, len(stories))
    now = NOW + timedelta(days=365)
    assert rejoined(placed, stories, read, now=now) == rejoined(placed, shuffled, read, now=now)


def test_grouping_joins_across_languages_unless_told_not_to() -> None:
    articles = [article("a", ENGLISH), article("b", RUSSIAN), article("c", OTHER_PERSON)]
    read = {"a": ENGLISH.facts, "b": RUSSIAN.facts, "c": OTHER_PERSON.facts}
    now = NOW + timedelta(days=1)
    homes = [place.story_id for place in grouping.place(articles, [], now=now, facts=read)]
    apart = [place.story_id for place in grouping.place(articles, [], now=now, facts=read, across_languages=False)]
    assert sorted(homes) == ["a", "a", "c"]
    assert sorted(apart) == ["a", "b", "c"]


def test_a_story_told_in_two_languages_still_takes_followers_in_each_by_words() -> None:
    both = story("a", ENGLISH)
    russian = Member(article_id="b", title=RUSSIAN.title, summary=RUSSIAN.summary, language="ru", at=RUSSIAN.at)
    both = replace(both, members=(*both.members, russian))
    follower = later(RUSSIAN, hours=3)
    (place,) = grouping.place([article("c", follower)], [both], now=NOW + timedelta(days=1), facts={})
    assert (place.story_id, place.opens) == ("a", False)
    assert "Михалевич" in place.evidence


# ── sounds ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "spellings",
    [
        (("Rostami", "en"), ("Ростами", "ru"), ("رستمی", "fa")),
        (("Khangoshvili", "en"), ("Хангошвили", "ru"), ("Changoschwili", "de")),
        (("Timchenko", "en"), ("Timtchenko", "fr"), ("Тимченко", "ru")),
        (("Volkov", "en"), ("Wołkow", "pl"), ("Волков", "ru"), ("Wolkow", "de")),
        (("Ghamdi", "en"), ("الغامدي", "ar")),
        (("Isgandarli", "fr"), ("İsgenderli", "tr"), ("Искендерли", "ru")),
        (("Haijun", "en"), ("하이쥔은", "ko")),
        (("Papadopoulos", "en"), ("Παπαδόπουλος", "el")),
        (("Mizrahi", "en"), ("מזרחי", "he")),
    ],
)
def test_spellings_of_one_name_sound_alike(spellings: tuple[tuple[str, str], ...]) -> None:
    for one, other in itertools.combinations(spellings, 2):
        assert set(sounds.keys(*one)) & set(sounds.keys(*other)), (one, other)


def test_names_that_only_begin_alike_sound_different() -> None:
    for one, other in (("Rostami", "Rostova"), ("Alinejad", "Alimardan"), ("Волков", "Волин")):
        assert not set(sounds.keys(one)) & set(sounds.keys(other))


def test_c_is_read_as_the_language_reads_it() -> None:
    assert sounds.keys("Cemal", "tr")[0][0] == "S"
    assert sounds.keys("Carlos", "es")[0][0] == "K"
    assert sounds.keys("Cecilia", "es")[0][0] == "S"


def test_an_ambiguous_word_has_few_keys() -> None:
    assert 1 < len(sounds.keys("Chachchajwixchachj")) <= sounds.MAX_KEYS


def test_spelling_with_vowels_tells_chance_from_likeness() -> None:
    assert sounds.alike("Мердана Оразова", "Merdan Orazov") > 0.7
    assert sounds.alike("Sabit Yerkin", "Еркина Сабита") > 0.7
    assert sounds.alike("普里亚·泽拉蒂", "Pouria Zeraati") > 0.5
    assert sounds.alike("김서윤", "Kim Seo-yun") > 0.7
    assert sounds.alike("キーウ", "Kiu") > 0.7
    assert sounds.alike("Xue Jian", "Zhang Youxia") < 0.5


def test_a_character_is_read_in_all_its_ways_and_one_that_stands_in_no_name_in_none() -> None:
    assert sounds.syllables("陈") == ("chen",)
    assert set(sounds.syllables("柏")) == {"bai", "bo"}
    assert sounds.syllables("ン") == ("n",)
    assert sounds.character("的") == sounds.syllables("的") == ()
    assert sounds.character("ー") == ("",)


def test_the_table_of_syllables_names_no_character_twice_in_one_line() -> None:
    spelled = [sounds.syllables(chr(code)) for code in range(0x4E00, 0x9FFF)]
    assert all(len(set(ways)) == len(ways) <= 3 for ways in spelled)
    assert sum(bool(ways) for ways in spelled) > 800


# ── details ───────────────────────────────────────────────────────────────────────────────────────


def test_names_are_read_from_every_kind_of_writing() -> None:
    cased = details.read("Exiled poet Keyvan Rostami stabbed in London", "", "en")
    spaced = details.read("حمله با چاقو به کیوان رستمی در لندن", "", "fa")
    dense = details.read("流亡诗人凯万·罗斯塔米在伦敦遇刺", "", "zh-Hans")
    assert (cased.writing, spaced.writing, dense.writing) == (Writing.CASED, Writing.SPACED, Writing.DENSE)
    assert all("RSTM" in text.sounds for text in (cased, spaced, dense))


def test_a_chinese_name_meets_its_spelling_in_passports() -> None:
    chinese = details.read("纽约法院开审陈金平案", "", "zh-Hans")
    english = details.read("Chen Jinping stands trial in New York", "", "en")
    assert "=chenjinping" in chinese.sounds.keys() & english.sounds.keys()


def test_words_of_one_case_are_no_names_where_capitals_tell() -> None:
    read = details.read("Police searched the flat of Rostami in Wimbledon", "", "en")
    assert {sounding.words for sounding in read.sounds.values()} == {"Rostami", "Wimbledon"}


def test_what_every_paper_names_is_no_name() -> None:
    read = details.read("On Friday Telegram and YouTube blocked Kadyrov", "", "en")
    assert read.sounds == {}


def test_the_name_of_the_paper_behind_a_headline_is_no_name() -> None:
    with_paper = details.read("Exiled poet Rostami stabbed in London - The Wexford Courier", "", "en")
    assert "=wexford" not in with_paper.sounds


def test_suffixes_of_turkish_are_no_part_of_a_name() -> None:
    assert "=ashgabat" in details.read("Muhalif Ashgabat'a gönderildi", "", "tr").sounds


def test_empty_and_odd_texts_are_read_without_complaint() -> None:
    for text in ("", " ", "!!!", "\u200b", "12", "ー・ー", "ال", "x" * 5_000):
        assert details.read(text, text, "").numbers is not None
        assert same_event(Told(title=text, at=NOW), RUSSIAN) == ""


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("30,000 euros and 2.5 kilos", "en", {"30000", "2.5"}),
        ("30.000 Euro", "de", {"30000"}),
        ("30 000 рублей, двое задержаны", "ru", {"30000", "2"}),
        ("3万人，四十名维吾尔人，两男", "zh", {"30000", "40", "2"}),
        ("二十五万元", "zh", {"250000"}),
        ("二〇二六年", "zh", {"2026"}),
        ("一百人", "zh", {"100"}),
        ("百人", "zh", set()),
        ("万人", "zh", set()),
        ("廿二日", "zh", {"22"}),
        ("٤٣ أويغوريًا", "ar", {"43"}),
        ("۲۵ سال زندان", "fa", {"25"}),
        ("1.2 million dollars", "en", {"1200000"}),
        ("twelve men, one woman, in 2026", "en", {"12"}),
        ("1 000 personnes", "fr", {"1000"}),
    ],
)
def test_numbers_are_read_whatever_they_are_written_with(text: str, language: str, expected: set[str]) -> None:
    assert numbers.read(text, language) == expected


def test_facts_are_no_must() -> None:
    bare = replace(RUSSIAN, facts=Facts())
    assert facts.read(RUSSIAN.title, RUSSIAN.summary, language="ru") == RUSSIAN.facts
    assert same_event(replace(ENGLISH, facts=Facts()), bare)
