"""What a reader sees, which two addresses are one, and what is compared."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor import text
from monitor.text import (
    canonical_url,
    clean_line,
    cut_utf16,
    display_host,
    language_of,
    normalized,
    plain,
    safe_url,
    tokens,
    utf16_length,
)

RLO, LRO, PDF, RLE, RLI, LRI, PDI, RLM, ALM = (
    "\u202e", "\u202d", "\u202c", "\u202b", "\u2067", "\u2066", "\u2069", "\u200f", "\u061c",
)  # fmt: skip
RIGHT_TO_LEFT = (
    "خبرنگار ایران‌اینترنشنال در لندن با چاقو زخمی شد",
    "می‌خواهند او را به ایران بازگردانند؛ خانواده‌اش نگران‌اند",
    "اعتقال معارض سعودي في مطار بيروت (خاص)",
    "السلطات تُسلّم ناشطًا إلى بلاده رغم قرار المحكمة",
    "הפרקליטות: סוכן איראני ריגל אחר גולים בברלין ב־2026",
    "ئۇيغۇر پائالىيەتچى تۈركىيەدە تۇتۇلدى",
    "لندن میں جلاوطن صحافی پر حملہ، تین گرفتار",
    f"בית המשפט: {RLI}BBC{PDI} פנתה לשגרירות{RLM}.",
    f"{RLE}وكالة الأنباء{PDF}: قرار جديد",
    f"{ALM}٪١٢ من اللاجئين",
)
OTHER_SCRIPTS = (
    "हिन्दी में क्‍या लिखा है, शक्‍ति और क्‌ष",
    "ശ്രീലങ്ക‌ൻ അഭയാർത്ഥിയെ നാടുകടത്തി",
    "ශ්‍රී ලංකාවේ මාධ්‍යවේදියා",
    "བོད་ཀྱི་བསྒྲུབས་པ",
    "Nhà báo Việt Nam bị bắt cóc ở Bangkok",
    "ผู้ลี้ภัยชาวกัมพูชาถูกส่งกลับ",
    "香港警方通緝八名海外港人",
    "👨‍👩‍👧 🏳️‍🌈 👍🏽 🇨🇿 ❤️",
)


# ── HTML ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p>One</p><p>two<br>three</p>", "One two three"),
        ("a<b>b</b>c", "abc"),
        ("x<script>alert(1)</script>y<style>p{}</style>z", "xyz"),
        ("<img src=x onerror=alert(1)>text", "text"),
        ("fish &amp; chips &lt;3 &eacute;&#x27;&nbsp;end", "fish & chips <3 é' end"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("5 < 6 and 7 > 2", "5 < 6 and 7 > 2"),
        ("a <!-- hidden --> b", "a b"),
        ("lone \ud800 half &#xD800;", "lone \ufffd half \ufffd"),
        ("tab\tand\r\nline", "tab and line"),
        ("<<script>script>alert(1)</script>", "<"),
        ("", ""),
    ],
)
def test_html_becomes_plain_text(html: str, shown: str) -> None:
    assert plain(html) == shown


@given(st.text())
def test_any_text_becomes_plain(anything: str) -> None:
    assert plain(anything) == " ".join(plain(anything).split())


# ── what is shown ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("line", [*RIGHT_TO_LEFT, *OTHER_SCRIPTS])
def test_real_text_in_any_script_stays_as_it_is(line: str) -> None:
    assert clean_line(line, 200) == line


def test_the_titles_of_our_own_corpus_stay_as_they_are() -> None:
    folder = Path(__file__).parents[1] / "classifiers" / "corpus"
    seen = 0
    for file in sorted(folder.glob("*.jsonl")):
        for row in file.read_text(encoding="utf-8").splitlines():
            title = " ".join(json.loads(row)["title"].split())
            if all(len(word) <= 60 for word in title.split()):
                assert clean_line(title, 1_000) == title
                seen += 1
    assert seen > 100


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (f"invoice{RLO}fdp.exe", "invoicefdp.exe"),
        (f"a{RLO}b{PDF}c", "abc"),
        (f"{LRO}{RLO}nested{PDF}{PDF} out", "nested out"),
        (f"never closed {RLE}abc", "never closed abc"),
        (f"never closed {LRI}abc", "never closed abc"),
        (f"never opened{PDF}{PDI}", "never opened"),
        (f"{RLI}kept{PDI}", f"{RLI}kept{PDI}"),
        (f"{RLI}a{RLE}b{PDI}c", f"{RLI}ab{PDI}c"),
        (f"{RLI}a{PDF}b{PDI}", f"{RLI}ab{PDI}"),
        ("in\u200bvis\u00adi\u2060ble\ufeff", "invisible"),
        ("tags\U000e0041\U000e0042", "tags"),
        ("join\u200der in Latin\u200c", "joiner in Latin"),
        ("fillers\u3164\u115f\u2800\u034f", "fillers"),
        ("one\ntwo\r\nthree\x0bfour\x85five\u2028six\u2029seven", "one two three four five six seven"),
        ("bell\x07 null\x00 del\x7f c1\x9b", "bell null del c1"),
        ("private\ue000 unassigned\U000e0fff", "private unassigned"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("z" + "\u0301" * 500, "z" + "\u0301" * 4),
        ("a " + "\u0301" * 9 + "b", "a b"),
        ("\u0301\u0301leading", "leading"),
        ("  much   space  ", "much space"),
        ("kept\u00a0non-breaking\u3000wide", "kept\u00a0non-breaking\u3000wide"),
        ("\u200b\u200d\u00ad", ""),
        (f" {RLM}{RLM} ", ""),
        ("\u0301", ""),
        ("", ""),
        ("plain ascii", "plain ascii"),
    ],
)  # fmt: skip
def test_what_hides_or_turns_text_is_taken_away(sent: str, shown: str) -> None:
    assert clean_line(sent, 1_000) == shown


@pytest.mark.parametrize(
    ("line", "limit", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd efg", 6, "abcd…"),
        ("abcdefg", 1, "…"),
        ("abcdefg", 0, ""),
        ("abcde\u0301f", 6, "abcd…"),
        ("abc👨‍👩‍👧xyz", 6, "abc…"),
        ("abc👍🏽def", 5, "abc…"),
        ("ab🇨🇿🇩🇪xyz", 6, "ab🇨🇿…"),
        ("कक्षा कक्षा", 3, "क…"),
        ("각" * 4 + "\u1100\u1161\u11a8zzz", 6, "각각각각…"),
        (f"abc {RLI}defghijk{PDI}", 8, "abc de…"),
    ],
)
def test_a_cut_falls_between_whole_characters(line: str, limit: int, shown: str) -> None:
    assert clean_line(line, limit) == shown


def test_a_long_word_gets_invisible_breaks() -> None:
    shown = clean_line("see " + "x" * 4_000, 10_000)
    assert max(len(piece) for piece in shown.replace("\u200b", " ").split()) == 60
    assert shown.replace("\u200b", "") == "see " + "x" * 4_000
    assert clean_line(shown, 10_000) == shown


def test_writing_without_spaces_needs_no_breaks() -> None:
    assert clean_line("香港警方通緝八名海外港人" * 20, 1_000) == "香港警方通緝八名海外港人" * 20


def test_megabytes_of_nothing_cost_nothing() -> None:
    assert clean_line("\u200b" * 5_000_000 + "x", 100) == ""


HOSTILE = st.text(
    st.one_of(
        st.characters(), st.sampled_from([RLO, LRO, PDF, RLE, RLI, PDI, "\u200d", "\u0301", "🇨", "👍", "🏽", " ", "ا"])
    ),
    max_size=120,
)


@given(HOSTILE, st.integers(0, 60))
@example(f"{RLI}{RLO}{PDI}{PDF}", 50)
def test_no_line_ends_with_text_turned_around(line: str, limit: int) -> None:
    shown = clean_line(line, limit)
    assert len(shown) <= limit
    assert not set(shown) & set("\n\r\t\x00" + RLO + LRO)
    depth = 0
    for char in shown:
        depth += (char in RLI + LRI + "\u2068") - (char == PDI)
        assert depth >= 0
    assert depth == 0
    assert sum(c in RLE + "\u202a" for c in shown) == shown.count(PDF)
    shown.encode("utf-8")
    assert clean_line(shown, limit) == shown


@given(st.text(max_size=50))
def test_utf16_units_are_counted_as_telegram_counts(line: str) -> None:
    assert utf16_length(line) == sum(2 if ord(char) > 0xFFFF else 1 for char in line)


@given(HOSTILE, st.integers(0, 80))
def test_a_utf16_cut_fits_and_begins_the_text(line: str, units: int) -> None:
    shown = cut_utf16(line, units)
    assert utf16_length(shown) <= units
    assert line.startswith(shown)


def test_a_utf16_cut_keeps_characters_whole() -> None:
    assert cut_utf16("ab👍🏽c", 5) == "ab"
    assert cut_utf16("ab👍🏽c", 6) == "ab👍🏽"
    assert cut_utf16("abc", 3) == "abc"
    assert cut_utf16("🇨🇿🇩🇪", 7) == "🇨🇿"


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────

ONE_ARTICLE = "https://example.org/2026/11/editor-stabbed"


@pytest.mark.parametrize(
    "spelling",
    [
        "http://example.org/2026/11/editor-stabbed",
        "https://www.example.org/2026/11/editor-stabbed/",
        "HTTPS://EXAMPLE.ORG:443/2026/11/editor-stabbed",
        "http://example.org:80/2026/11/editor-stabbed#comments",
        "https://example.org./2026/11/editor-stabbed",
        "  https://example.org/2026/11/editor-stabbed  ",
        "https://user:secret@example.org/2026/11/editor-stabbed",
        "https://example.org/2026/11/editor-stabbed?",
        "https://example.org/2026/11/editor-stabbed?utm_source=rss&utm_medium=feed&UTM_Campaign=x",
        "https://example.org/2026/11/editor-stabbed?fbclid=1&gclid=2&mc_cid=3&igshid=4&yclid=5",
        "https://example.org/2026/11/editor-stabbed?at_medium=RSS&amp;at_campaign=KARANGA",
        "https://example.org/2026/11/editor-stabbed?amp",
        "https://example.org/2026/11/editor-stabbed?amp=1",
        "https://example.org/2026/11/editor-stabbed/amp/",
        "https://example.org/2026/11/editor-stabbed.amp",
        "https://amp.example.org/2026/11/editor-stabbed",
        "https://www.google.com/amp/s/example.org/2026/11/editor-stabbed",
        "https://example-org.cdn.ampproject.org/c/s/example.org/2026/11/editor-stabbed",
        "https://example.org/2026/11/editor%2Dstabbed",
    ],
)
def test_spellings_of_one_address_are_one(spelling: str) -> None:
    assert canonical_url(spelling) == ONE_ARTICLE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://example.org/?id=1", "https://example.org/?id=2"),
        ("https://example.org/a?ref=1", "https://example.org/a"),
        ("https://example.org/a?page=2", "https://example.org/a"),
        ("https://example.org/a?a=1&b=2", "https://example.org/a?b=2&a=1"),
        ("https://example.org/A", "https://example.org/a"),
        ("https://example.org:8443/a", "https://example.org/a"),
        ("https://news.example.org/a", "https://example.org/a"),
        ("https://example.org/guitars/amp", "https://example.org/guitars"),
        ("https://amp.co.uk/a", "https://co.uk/a"),
        ("https://example.org/a?amp=volt", "https://example.org/a"),
        ("https://example.org/a?output=pdf", "https://example.org/a"),
        ("https://example.org/#!/a", "https://example.org/#!/b"),
        ("https://www.google.com/amp/x", "https://x"),
        ("https://www.google.com/amp/s/exa%20mple.org/x", "https://www.google.com/amp/s/example.org/x"),
        ("https://example.org/a%2Fb", "https://example.org/a/b"),
    ],
)
def test_other_addresses_stay_apart(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/a.amp.html", "https://example.org/a.amp.html"),
        ("https://example.org/a-1.amp.html", "https://example.org/a-1.html"),
        ("https://example.org/новости?q=да нет", "https://example.org/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8?q=%D0%B4%D0%B0%20%D0%BD%D0%B5%D1%82"),
        ("https://новости.рф/a", "https://xn--b1amnebsh.xn--p1ai/a"),
        ("https://[2606:4700::1111]/a", "https://[2606:4700::1111]/a"),
        ("http://www.com/a", "https://www.com/a"),
    ],
)  # fmt: skip
def test_the_canonical_spelling(url: str, expected: str) -> None:
    assert canonical_url(url) == expected


BAD_ADDRESSES = (
    "", "example.org/a", "//example.org/a", "/a", "ftp://example.org/a", "javascript:alert(1)", "file:///etc/passwd",
    "data:text/html,x", "http:", "http://", "https:///a", "http://./a", "http://x.org\\@y.org/", "http://exa mple.org/",
    "http://example.org/a\nb", "http://example.org/\x00", "http://[::1/a", "http://example.org:0/", "httpx://a.org/b",
    "http://example.org:port/", "http://example.org:99999/", "http://a..b/", "http://a%2eb.org/", "http://a<b>.org/",
    "http://\ud800.org/", "https://evil.com／.example.org/", "https://example.org/" + "a" * 9_000,
)  # fmt: skip


@pytest.mark.parametrize("url", BAD_ADDRESSES, ids=lambda url: repr(url)[:40])
def test_what_is_no_address_is_refused_by_all(url: str) -> None:
    assert (canonical_url(url), display_host(url), safe_url(url)) == ("", "", "")


TRACKING = st.sampled_from(["utm_source=a", "fbclid=b", "gclid=c", "utm_x=", "xtor=RSS-1", "amp=1"])
UNKNOWN = st.from_regex(r"[b-f][a-z0-9]{0,4}=[a-z0-9]{0,5}", fullmatch=True)


@given(st.lists(st.one_of(TRACKING, UNKNOWN), max_size=8))
def test_unknown_parameters_are_always_kept_in_their_order(pieces: list[str]) -> None:
    known = {"utm_source=a", "fbclid=b", "gclid=c", "utm_x=", "xtor=RSS-1", "amp=1"}
    kept = [piece for piece in pieces if piece not in known]
    expected = "https://example.org/a" + ("?" + "&".join(kept) if kept else "")
    assert canonical_url("http://www.example.org/a/?" + "&".join(pieces)) == expected


@given(
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(
        ["example.org", "www.example.org:8080", "amp.example.org", "пример.рф", "u:p@x.org", "[::1]:80", "www.www.org"]
    ),
    st.text(max_size=30),
)
def test_the_canonical_spelling_is_its_own(scheme: str, host: str, rest: str) -> None:
    once = canonical_url(f"{scheme}://{host}/{rest}")
    assert canonical_url(once) == once


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.org/a", "example.org"),
        ("https://good.com@evil.com/", "evil.com"),
        ("https://good.com:80@evil.com:8443/", "evil.com"),
        ("https://good.com%2F@evil.com/", "evil.com"),
        ("https://аpple.com/", "xn--pple-43d.com"),
        ("https://xn--pple-43d.com/", "xn--pple-43d.com"),
        ("https://аррӏе.com/", "xn--80ak6aa92e.com"),
        ("https://xn--80ak6aa92e.com/", "xn--80ak6aa92e.com"),
        ("http://example.com。evil.com/a", "example.com.evil.com"),
        ("http://example.com．evil.com/a", "example.com.evil.com"),
        ("http://example.com｡evil.com/a", "example.com.evil.com"),
        ("https://ｅｘａｍｐｌｅ.org/", "example.org"),
        ("https://exa\u200bmple.org/", "example.org"),
        ("https://gıthub.com/", "xn--gthub-n4a.com"),
        ("https://ɡoogle.com/", "xn--oogle-qmc.com"),
        ("https://münchen.de/", "münchen.de"),
        ("https://tuoitrẻ.vn/", "tuoitrẻ.vn"),
        ("https://новости.рф/", "новости.рф"),
        ("https://xn--b1amnebsh.xn--p1ai/", "новости.рф"),
        ("https://сора.рф/", "сора.рф"),
        ("https://例え.jp/", "例え.jp"),
        ("https://ニュース新聞.jp/", "ニュース新聞.jp"),
        ("https://한국뉴스.kr/", "한국뉴스.kr"),
        ("https://a한국.kr/", "xn--a-yj6ep17h.kr"),
        ("https://موقع.com/", "موقع.com"),
        ("https://हिन्दी.com/", "हिन्दी.com"),
        ("https://exam☃ple.com/", "xn--example-dz6d.com"),
        ("https://xn--a.com/", "xn--a.com"),
        ("https://xn--\u00fc.com/", "xn--xn---3ra.com"),
        ("https://xn--99999999999.com/", "xn--99999999999.com"),
        ("https://[2606:4700::1111]:443/", "2606:4700::1111"),
        ("HTTPS://EXAMPLE.ORG./", "example.org"),
    ],
)
def test_the_host_shown_is_the_host_dialled(url: str, host: str) -> None:
    assert display_host(url) == host


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/a?b=1&c=2#d", "https://example.org/a?b=1&c=2#d"),
        ("https://good.com@evil.com/x", "https://evil.com/x"),
        ("https://user:pass@example.org:8443/x", "https://example.org:8443/x"),
        ("https://example.org/a b", "https://example.org/a%20b"),
        ("https://example.org/a\u202eb\u200b", "https://example.org/a%E2%80%AEb%E2%80%8B"),
        ('https://example.org/"><script>', "https://example.org/%22%3E%3Cscript%3E"),
        ("https://example.org/новости", "https://example.org/новости"),
        ("https://аpple.com/x", "https://xn--pple-43d.com/x"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://example.org", "http://example.org"),
    ],
)
def test_a_safe_address_can_be_shown_and_clicked(url: str, safe: str) -> None:
    assert safe_url(url) == safe


@given(st.text(max_size=60), st.text(max_size=20))
@example("", "\u202a")
def test_a_safe_address_stays_safe(rest: str, host: str) -> None:
    for url in (f"https://example.org/{rest}", f"https://{host}.org/x", rest, f"https://{host}@example.org/{rest}"):
        safe = safe_url(url)
        assert safe_url(safe) == safe
        assert not safe or safe.startswith(("https://", "http://"))
        assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp", "Zs") or char in '\\"<>' for char in safe)
        assert display_host(safe) == display_host(url)


# ── matching ──────────────────────────────────────────────────────────────────────────────────────

PLAIN_TITLE = "exiled journalist detained in istanbul"


@pytest.mark.parametrize(
    "disguised",
    [
        "Exiled Journalist DETAINED in Istanbul",
        "exiled  journalist\tdetained\u00a0in\nistanbul",
        "ex\u200biled jour\u00adnal\u2060ist detai\ufeffned in istan\U000e0041bul",
        "ｅｘｉｌｅｄ ｊｏｕｒｎａｌｉｓｔ ｄｅｔａｉｎｅｄ in istanbul",
        "𝐞𝐱𝐢𝐥𝐞𝐝 𝒋𝒐𝒖𝒓𝒏𝒂𝒍𝒊𝒔𝒕 𝓭𝓮𝓽𝓪𝓲𝓷𝓮𝓭 in istanbul",
        "еxiled jоurnalist dеtained in istanbul",
        "e\u0336x\u0336iled journali\u0489st detained in istanbul",
        "exiled journalist\ufe0f detained in istanbul",
        f"{RLO}exiled journalist detained{PDF} in istanbul",
    ],
)
def test_disguises_are_folded_for_matching(disguised: str) -> None:
    assert normalized(disguised) == PLAIN_TITLE
    assert tokens(disguised) == tokens(PLAIN_TITLE)


def test_words_of_one_script_are_not_turned_into_another() -> None:
    assert normalized("Сорок человек и BBC") == "сорок человек и bbc"
    assert normalized("Αθήνα") == "αθήνα"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("China's police, 10,000 strong", ("china", "police", "10000", "strong")),
        ("2.5% of 1.000.000", ("2.5", "of", "1000000")),
        ("don’t l'État", ("don", "t", "l", "état")),
        ("香港國安處 BBC", ("香港", "港國", "國安", "安處", "bbc")),
        ("國", ("國",)),
        ("ไทย", ("ไท", "ทย")),
        ("हिन्दी में", ("हिन्दी", "में")),
        ("می‌خواهد", ("میخواهد",)),
        ("", ()),
        ("… !", ()),
    ],
)
def test_text_is_cut_into_comparable_words(line: str, expected: tuple[str, ...]) -> None:
    assert tokens(line) == expected


@given(st.text(max_size=80))
def test_normalizing_twice_changes_nothing(line: str) -> None:
    once = normalized(line)
    assert normalized(once) == once
    assert all(tokens(line))


# ── language ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "hint", "language"),
    [
        ("Exiled editor stabbed outside his home in London", "", "en"),
        ("Exilierter Journalist wurde vor seiner Wohnung in Berlin angegriffen", "", "de"),
        ("Exilierter Journalist wurde angegriffen", "de-AT", "de"),
        ("Un opposant tué dans une rue de Lille, selon la police", "ru", "fr"),
        ("Турция арестовала журналиста", "", "ru"),
        ("Суд у Празі засудив шпигуна, який стежив за українцями", "en-us", "uk"),
        ("Беларускі блогер знік у Варшаве, паведаміў яго сябар з Гродна, ў", "", "be"),
        ("Съдът във София осъди шпионин", "", "bg"),
        ("Новинар из Београда ухапшен је у Ћуприји", "", "sr"),
        ("Журналист арестован", "uk_UA", "uk"),
        ("خبرنگار ایرانی در لندن بازداشت شد و گفت", "en-us", "fa"),
        ("اعتقال معارض في مطار بيروت", "", "ar"),
        ("لندن میں جلاوطن صحافی پر حملہ، تین گرفتار", "", "ur"),
        ("ئۇيغۇر پائالىيەتچى تۈركىيەدە تۇتۇلدى", "ar", "ar"),
        ("香港警方通緝八名海外港人", "en", "zh"),
        ("香港で活動家を指名手配", "", "ja"),
        ("해외 활동가 체포영장", "zh", "ko"),
        ("हिन्दी में समाचार", "", "hi"),
        ("12 345", "zh-Hant", "zh"),
        ("", "", ""),
    ],
)
def test_the_hint_is_believed_unless_the_script_speaks_against_it(line: str, hint: str, language: str) -> None:
    assert language_of(line, hint) == language


def test_the_language_model_is_not_loaded_where_a_hint_will_do() -> None:
    program = (
        "import sys; from monitor.text import language_of; language_of('Editor stabbed', 'en'); "
        "language_of('香港警方'); print('py3langid' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_cleaning_is_quick_enough_for_every_title_of_a_poll() -> None:
    source = random.Random(1)
    letters = "".join(RIGHT_TO_LEFT) + "abc " * 30
    for _ in range(300):
        line = "".join(source.choices(letters, k=300))
        assert len(clean_line(line, 200)) <= 200
    assert text.MAX_MARKS == 4


def test_what_needs_no_folding_is_told_without_looking_at_every_letter() -> None:
    characters = [chr(code) for code in range(0x11_0000) if not 0x3_2000 <= code < 0xE_0000]
    assert [char for char in characters if text._folded(char) != char.translate(text._FOLDS)] == []


@pytest.mark.parametrize("written", ["1,330 deaths, 2.5 a day", "the editor's son’s car", "№1.5 in Сеуле"])
def test_words_are_cut_alike_in_and_out_of_ascii(written: str) -> None:
    assert tokens(f"{written} ж")[:-1] == tokens(written) == text.tokens_of(normalized(written))
