"""Which days to come a text names."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.digest.upcoming import _solar_day, upcoming
from monitor.model import DIGEST_LANGUAGES

PUBLISHED = date(2026, 2, 14)


def days(text: str, language: str, *, published: date = PUBLISHED, after: date = PUBLISHED) -> list[str]:
    return [str(found.day) for found in upcoming(text, language=language, published=published, after=after)]


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("en", "He pleaded guilty; sentencing is set for 29 May, a judge said on Monday.", "2026-05-29"),
        ("en", "The trial will open on March 4, 2026, at the Old Bailey.", "2026-03-04"),
        ("en", "They will be heard from Sept. 1st 2026 on.", "2026-09-01"),
        ("es", "La audiencia será el 4 de marzo de 2027 en la sala 3.", "2027-03-04"),
        ("fr", "Le jugement sera rendu le 1er avril.", "2026-04-01"),
        ("de", "Der Prozess beginnt am 4. März vor dem Landgericht.", "2026-03-04"),
        ("de", "Das Urteil fällt am 12.03.2026.", "2026-03-12"),
        ("pt", "O julgamento está marcado para 12 de março.", "2026-03-12"),
        ("it", "L'udienza è prevista il 12 marzo.", "2026-03-12"),
        ("ru", "Суд назначен на 4 марта, сообщили два источника.", "2026-03-04"),
        ("uk", "Засідання призначено на 12 березня.", "2026-03-12"),
        ("pl", "Proces rozpocznie się 4 marca.", "2026-03-04"),
        ("tr", "Duruşma 4 Mart 2026'da görülecek.", "2026-03-04"),
        ("nl", "De zaak staat gepland op 4 maart.", "2026-03-04"),
        ("ar", "ومن المقرر أن تعقد الجلسة في ٤ آذار المقبل.", "2026-03-04"),
        ("ar", "ستبدأ المحاكمة في 4 مارس.", "2026-03-04"),
        ("fa", "دادگاه در ۴ مارس ۲۰۲۶ برگزار خواهد شد.", "2026-03-04"),
        ("fa", "دادگاه در ۱۵ اسفند برگزار خواهد شد.", "2026-03-06"),
        ("fa", "جلسه ۱ فروردین ۱۴۰۵ است.", "2026-03-21"),
        ("fa", "جلسه در ۳۰ اسفند ماه ۱۴۰۴ نیست، در ۳۱ اردیبهشت سال ۱۴۰۵ است.", "2026-05-21"),
        ("zh-Hant", "案件將於三月開審，法官定於3月4日宣判。", "2026-03-04"),
        ("zh-Hans", "法院将于2026年10月5日开庭。", "2026-10-05"),
        ("ja", "公判は2026年10月5日に開かれる予定だ。", "2026-10-05"),
        ("ko", "재판은 3월 4일 열릴 예정이다.", "2026-03-04"),
        ("vi", "Phiên tòa sẽ mở vào ngày 4 tháng 3.", "2026-03-04"),
        ("id", "Sidang akan digelar 4 Maret.", "2026-03-04"),
        ("", "Next hearing: 2026-03-04.", "2026-03-04"),
    ],
)
def test_a_whole_date_is_read_in_the_texts_language(language: str, text: str, day: str) -> None:
    assert days(text, language) == [day]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Police said 34 people, 10 of them abroad, now march on and may 3 of them leave."),
        ("en", "He was jailed on 4 March and released."),
        ("en", "Sentencing is due next Tuesday, or in May 2026."),
        ("en", "It happens on 03/04/2026 or 4/3/2026."),
        ("en", "A court will hear it on 31 April 2026."),
        ("en", "The stations opened on 4 March 2018."),
        ("en", "The passport is valid until 3 May 2031."),
        ("en", "They will meet on March 4.5 kilometres away."),
        ("en", "The deal will be worth May 12% more."),
        ("de", "Er wurde am 4. März verhaftet."),
        ("fa", "او در ۱۵ اسفند بازداشت شد."),
        ("fa", "دادگاه در ۳۲ فروردین ۱۴۰۵ برگزار خواهد شد."),
        ("zh", "3月4日，他被捕。"),
        ("xx", "4 March"),
    ],
)
def test_what_is_no_whole_date_or_not_said_to_come_is_left_out(language: str, text: str) -> None:
    assert days(text, language) == []


@pytest.mark.parametrize(
    ("solar", "day"),
    # New years and last days of leap years, as almanacs have them.
    [((1399, 12, 30), date(2021, 3, 20)), ((1400, 1, 1), date(2021, 3, 21)), ((1403, 12, 30), date(2025, 3, 20)),
     ((1404, 1, 1), date(2025, 3, 21)), ((1408, 12, 30), date(2030, 3, 20)), ((1357, 11, 22), date(1979, 2, 11)),
     ((1404, 12, 30), None), ((1342, 1, 1), None), ((1404, 13, 1), None), ((1404, 7, 31), None)],
)  # fmt: skip
def test_a_day_of_irans_calendar_is_one_of_ours(solar: tuple[int, int, int], day: date | None) -> None:
    assert _solar_day(*solar) == day


def test_a_cue_of_another_sentence_does_not_count() -> None:
    assert days("Sentencing is due May 29. He was jailed on 4 March.", "en") == ["2026-05-29"]
    assert days("Das Urteil wird erwartet. Am 4. März war er verhaftet.", "de") == []


def test_a_date_without_a_year_is_the_next_one_within_months() -> None:
    assert days("It will open on 3 January.", "en", published=date(2026, 12, 1)) == ["2027-01-03"]
    assert days("It will open on 3 January.", "en", published=date(2026, 2, 1)) == []
    assert days("It will open on 29 February.", "en", published=date(2026, 2, 1)) == []


def test_only_days_after_the_week_are_told_each_once_and_in_order() -> None:
    text = (
        "It will open on 20 February 2026, go on until 5 March 2026 and, again, 5 March 2026; 25 February 2026 is off."
    )
    assert days(text, "en") == ["2026-02-20", "2026-02-25", "2026-03-05"]
    assert days(text, "en", after=date(2026, 2, 22)) == ["2026-02-25", "2026-03-05"]


def test_the_words_are_those_of_the_text_cut_at_spaces() -> None:
    (found,) = upcoming(
        f"{'long ' * 60}sentencing is set for ٢٩ May {'more ' * 60}", published=PUBLISHED, after=PUBLISHED
    )
    assert "set for ٢٩ May" in found.words
    assert found.words.startswith("…long")
    assert found.words.endswith("more…")
    assert len(found.words) < 220


@given(st.text(max_size=200), st.sampled_from([*DIGEST_LANGUAGES, "ja", "ko", "vi", "pl", ""]), st.dates())
def test_any_text_is_read_without_harm(text: str, language: str, published: date) -> None:
    for found in upcoming(text, language=language, published=published, after=published):
        assert found.day > published
        assert found.words.strip("…") in text


@given(st.dates(date(2026, 2, 15), date(2026, 12, 31)), st.sampled_from(["en", "de", "fr", "ru", "es"]))
def test_every_day_of_a_year_is_found_as_cldr_writes_it(day: date, language: str) -> None:
    from babel.dates import format_date

    written = format_date(day, "d MMMM y" if language != "es" else "d 'de' MMMM 'de' y", locale=language)
    assert days(f"x {written} x", language) == [str(day)]
