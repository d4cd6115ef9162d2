"""Persons a text names, and the key under which spellings of a name meet."""

from __future__ import annotations

import pytest

from monitor.stories import facts
from monitor.stories.gazetteer.tables import rows


def people(title: str, summary: str = "", language: str = "en") -> tuple[str, ...]:
    return facts.read(title, summary, language=language).people


@pytest.mark.parametrize(
    ("language", "title", "name"),
    [
        ("en", "Police guard the home of Mariam Hosseini, an editor in exile", "Mariam Hosseini"),
        ("en", "Plot to kill activist Harjot Brar foiled", "Harjot Brar"),
        ("en", "Ahmed bin Khalifa's brother held", "Ahmed bin Khalifa"),
        ("de", "Der Blogger Emil Hasanov wurde in Köln verprügelt", "Emil Hasanov"),
        ("fr", "Le journaliste Karim Benali menacé à Lyon", "Karim Benali"),
        ("tr", "Leyla Aksoy'un evi arandı", "Leyla Aksoy"),
        ("ru", "Журналистка Анна Ковалёва отравлена в Праге", "Анна Ковалёва"),
        ("zh-Hans", "记者陈小明在曼谷被带走", "陈小明"),
        ("zh-Hans", "伊朗记者马里亚姆·侯赛尼说", "马里亚姆·侯赛尼"),
        ("ja", "イランの記者、マルヤム・ホセイニ氏が襲われた", "マルヤム・ホセイニ"),
        ("ja", "活動家の田中太郎氏に脅迫状", "田中太郎"),
        ("ko", "탈북민 단체 김철수 대표 협박", "김철수"),
    ],
)
def test_a_person_is_named_as_the_text_does(language: str, title: str, name: str) -> None:
    assert name in people(title, language=language)


@pytest.mark.parametrize(
    ("language", "spelling"),
    [("ar", "مقتل جمال خاشقجي"), ("zh-Hant", "卡舒吉案開審"), ("ru", "Дело Хашогги"), ("pl", "Sprawa Chaszukdżiego")],
)
def test_who_is_widely_reported_has_one_name_in_every_script(language: str, spelling: str) -> None:
    assert people(spelling, language=language) == ("Jamal Khashoggi",)


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "Human Rights Watch Says Court In New York Heard Red Notice Case On Monday"),
        ("en", "Foreign Office and Home Office answer Radio Free Europe"),
        ("de", "Anklage gegen Mann in Berlin: Spitzel für fremde Macht"),
        ("es", "Audiencia Nacional ordena la entrega"),
        ("en", "Victim was named as Vadim S., prosecutors said"),
        ("ja", "超党派議員が会見"),
        ("ko", "외교부 대표 회담"),
    ],
)
def test_offices_cities_and_hidden_names_are_no_persons(language: str, title: str) -> None:
    assert people(title, language=language) == ()


def test_a_persons_name_is_proven_by_its_spelling_in_the_text() -> None:
    said = facts.read("Дело Хашогги", "", language="ru")
    assert [one.words for one in said.evidence if one.fact == "people"] == ["Хашогги"]


@pytest.mark.parametrize(
    "spellings",
    [
        ("Vladimir Osechkin", "Владимир Осечкин", "Wladimir Ossetschkin"),
        ("Pavel Latushko", "Павел Латушко", "Pawel Latuschko"),
        ("Dmitry Muratov", "Дмитрий Муратов", "Dmitri Mouratov", "ドミトリー・ムラトフ"),
        ("Son Jong-nam", "손정남"),
        ("Mohammed Hassan", "محمد حسن", "Мухаммед Хасан", "Muhammad Hasan"),
        ("Khairullo Mirsaidov", "Хайрулло Мирсаидов"),
        ("Nasrin Sotoudeh", "نسرین ستوده"),
        ("Alexis Tsipras", "Αλέξης Τσίπρας"),
        ("Lu Jianwang", "Jianwang Lu", "卢建旺", "盧建旺", "Лу Цзяньван"),
        ("Kim Jong-nam", "金正男", "김정남", "Ким Чен Нам"),
        ("王全璋律師", "王全璋律师"),
    ],
)
def test_spellings_of_a_name_meet(spellings: tuple[str, ...]) -> None:
    assert len({facts.folded(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("Li Wei", "Lu Wei"), ("Ali Reza", "Ali Rasa Karimi"), ("Ivan Petrov", "Ivan Sidorov"), ("王毅", "王伟")],
)
def test_names_of_different_persons_stay_apart(one: str, other: str) -> None:
    assert facts.folded(one) != facts.folded(other)


def test_a_name_without_letters_has_no_key() -> None:
    assert facts.folded(" · ") == ""


def test_keys_of_all_persons_in_the_table_differ() -> None:
    names = [name for name, _, _ in rows("names")]
    assert len({facts.folded(name) for name in names}) == len(names)
