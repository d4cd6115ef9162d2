"""The frame of a digest in every language that it speaks."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from importlib import resources

import pytest

from monitor.digest.frame import Frame, language_for
from monitor.digest.render import as_html, as_markdown, as_messages, as_text
from monitor.model import DIGEST_LANGUAGES, Stage
from tests.digest_parts import full_digest
from tests.render_parts import MADRID, is_closed, is_sound, lines

GAP = re.compile(r"\{\w+\}")


def table(language: str) -> dict[str, str]:
    file = resources.files("monitor.digest") / "frames" / f"{language}.tsv"
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    assert all(len(row) == 2 for row in rows)
    assert len({key for key, _ in rows}) == len(rows)
    return dict(rows)


@pytest.mark.parametrize("language", DIGEST_LANGUAGES)
def test_every_language_has_every_phrase_with_the_same_gaps(language: str) -> None:
    english, own = table("en"), table(language)
    assert list(own) == list(english)
    for key, phrase in own.items():
        assert sorted(GAP.findall(phrase)) == sorted(GAP.findall(english[key])), key
        assert phrase.strip() == phrase != "", key


@pytest.mark.parametrize("language", [tag for tag in DIGEST_LANGUAGES if tag != "en"])
def test_no_phrase_was_left_in_english(language: str) -> None:
    english, own = table("en"), table(language)
    same = {
        key for key, phrase in own.items() if phrase == english[key] and re.search(r"[A-Za-z]{4}", GAP.sub("", phrase))
    }
    # Words that both languages have.
    assert same <= {"corrections", "chart.articles", "articles", "n_corrected", "n_corrected.one", "feeds", "score",
                    "stage.verdict", "feeds_blind", "HK", "MM", "PS", "MO", "link", "source"}, same  # fmt: skip


@pytest.mark.parametrize("language", DIGEST_LANGUAGES)
def test_a_whole_digest_is_told_in_every_form_and_language(language: str) -> None:
    digest = full_digest(language)
    frame = Frame(language)
    for form in (as_text, as_markdown, as_html):
        shown = form(digest)
        assert is_closed(shown)
        for key in ("moved", "report", "next", "corrections", "quiet"):
            assert (frame.upper(frame.say(key)) if form is as_text else frame.say(key)) in shown
        assert "Father of wanted activist" in shown
    messages = as_messages(digest)
    assert all(is_sound(message) for message in messages)
    assert frame.state("BY") in "".join(message.text for message in messages)
    assert f'<html lang="{language}" dir="{frame.direction}">' in as_html(digest)


def test_right_to_left_frames_keep_our_words_and_strangers_apart() -> None:
    html = as_html(full_digest("fa"))
    assert 'dir="rtl"' in html
    assert "\u2068Harbour Wire\u2069" in html
    assert "چین ← ایالات متحده" in html
    assert "Harbour Wire\u2069" not in as_html(full_digest("es"))


def test_long_words_of_a_right_to_left_script_stay_isolated_on_every_line_of_text() -> None:
    digest = full_digest()
    words = " ".join(["خواهد"] * 40)
    (first, *_) = digest.ahead
    text = as_text(full_digest(ahead=(type(first)(day=first.day, words=words, item=first.item),)))
    told = [line for line in lines(text) if "خواهد" in line]
    assert len(told) > 2
    assert is_closed(text)
    assert all(line.lstrip(" “").startswith("\u2068") for line in told)


@pytest.mark.parametrize(
    ("tag", "language"),
    [("de-AT", "de"), ("zh", "zh-Hans"), ("zh-CN", "zh-Hans"), ("zh_TW", "zh-Hant"), ("zh-Hant-HK", "zh-Hant"),
     ("pt", "en"), ("", "en"), ("FA", "fa")],
)  # fmt: skip
def test_a_tag_finds_its_language_or_english(tag: str, language: str) -> None:
    assert language_for(tag) == language


def test_numbers_days_and_names_are_written_as_the_language_writes_them() -> None:
    spanish, turkish = Frame("es"), Frame("tr")
    assert spanish.number(1211) == "1.211"
    assert spanish.day(date(2026, 12, 4)) == "4 dic 2026"
    assert spanish.span(date(2026, 11, 16), date(2026, 11, 22)) == "16–22 nov 2026"
    assert spanish.moment(datetime(2026, 2, 11, 8, 14, tzinfo=UTC), MADRID) == "11 feb 2026 09:14 CET"
    assert spanish.length(timedelta(hours=6)) == "6 horas"
    assert (spanish.state("GB"), spanish.state("XQ")) == ("Reino Unido", "XQ")
    assert (spanish.tongue("zh-Hant"), spanish.tongue("xx-odd")) == ("chino", "xx-odd")
    assert turkish.upper("ilerleyen ışık") == "İLERLEYEN IŞIK"
    assert Frame("zh-Hans").listed(["a", "b"]) == "a、b"


@pytest.mark.parametrize("language", DIGEST_LANGUAGES)
def test_stages_have_names_and_no_date_looks_like_a_command(language: str) -> None:
    frame = Frame(language)
    assert all(frame.stage(stage) != "" for stage in Stage)
    assert frame.stage("odd") == "odd"
    for month in range(1, 13):
        day = date(2026, month, 4)
        written = (frame.day(day), frame.short_day(day), frame.span(day, date(2027, 1, 30)))
        assert not any("/" in text or text.isdecimal() for text in written)


def test_one_of_something_has_its_own_form() -> None:
    english = Frame()
    assert english.say("n_read", n=1) == "1 article read"
    assert english.say("n_read", n=1_227) == "1,227 articles read"
