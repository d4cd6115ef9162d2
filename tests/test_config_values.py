from __future__ import annotations

import importlib.resources
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import log
from monitor.config import values
from monitor.ingest.guard import Guard, allow_problem


def refused(check: object, found: object) -> str:
    with pytest.raises(ValueError) as caught:
        check(found)  # type: ignore[operator]
    text = str(caught.value)
    assert text.isprintable()
    return text


@pytest.mark.parametrize(
    ("text", "span"),
    [("5m", 5), ("15m", 15), ("2h", 120), ("1d", 1440), ("24h", 1440), ("300s", 5), ("90 m", 90)],
)
def test_an_interval_is_a_number_and_a_unit(text: str, span: int) -> None:
    assert values.every(text) == timedelta(minutes=span)


@pytest.mark.parametrize("found", ["4m", "25h", "0m", "-5m", "5", "m", "5M", 15, 15.0, True, [], {}, "", "9999999m"])
def test_an_interval_out_of_bounds_or_without_unit_is_refused(found: object) -> None:
    assert "expected a span" in refused(values.every, found)


@pytest.mark.parametrize(("found", "number"), [(0, 0.0), (1, 1.0), (0.5, 0.5)])
def test_a_fraction_is_a_number_from_0_to_1(found: float, number: float) -> None:
    assert values.fraction(found) == number


@pytest.mark.parametrize("found", [True, -0.1, 1.01, float("nan"), float("inf"), "0.5", None])
def test_a_fraction_is_nothing_else(found: object) -> None:
    assert "a number between 0 and 1" in refused(values.fraction, found)


def test_whole_numbers_stay_in_their_range() -> None:
    assert values.hours(0) == timedelta(0)
    assert values.days(90) == timedelta(days=90)
    assert values.topic(42) == 42
    for check, found in [
        (values.hours, -1),
        (values.days, 0),
        (values.days, 4000),
        (values.topic, True),
        (values.hours, 1.5),
    ]:
        assert "a whole number from" in refused(check, found)


@pytest.mark.parametrize(
    ("found", "tag"),
    [
        ("en", "en"), ("EN", "en"), ("zh-hant", "zh-Hant"), ("zh-hant-hk", "zh-Hant-HK"), ("pt-br", "pt-BR"),
        ("es-419", "es-419"), ("de-CH-1996", "de-CH-1996"), ("fil", "fil"), ("ca-valencia", "ca-valencia"),
    ],
)  # fmt: skip
def test_a_language_is_a_bcp_47_tag_in_its_usual_spelling(found: str, tag: str) -> None:
    assert values.language(found) == tag


@pytest.mark.parametrize("found", ["", "e", "english", "zh_Hant", "en-", "-en", "en us", "中文", 1, None, "en-US-x"])
def test_a_language_is_nothing_else(found: object) -> None:
    assert "expected a language tag" in refused(values.language, found)


def test_states_are_those_of_iso_3166_and_kosovo() -> None:
    table = importlib.resources.files("tzdata").joinpath("zoneinfo/iso3166.tab").read_text(encoding="utf-8")
    known = {line.split("\t")[0] for line in table.splitlines() if line and not line.startswith("#")}
    assert known | {"XK"} == values.STATES


def test_a_state_by_another_name_is_mended() -> None:
    assert values.state("cn") == "CN"
    assert 'did you mean "GB"?' in refused(values.state, "UK")
    assert "ISO 3166" in refused(values.state, "XX")
    assert "ISO 3166" in refused(values.state, 7)


def test_a_code_is_one_of_the_codebook() -> None:
    assert values.code("violence") == "violence"
    assert 'did you mean "violence"?' in refused(values.code, "violance")
    assert "expected one of" in refused(values.code, ["violence"])


@pytest.mark.parametrize(
    ("found", "moment"),
    [("mon 08:00", "mon 08:00"), ("Sunday 23:59", "sun 23:59"), (" Tue  7:05 ", "tue 07:05"), (False, "")],
)
def test_a_digest_has_a_weekday_and_a_time(found: object, moment: str) -> None:
    assert values.digest(found) == moment


@pytest.mark.parametrize("found", [True, "", "mon", "08:00", "mon 24:00", "mon 8", "xyz 08:00", "mon 08:60", 1, None])
def test_a_digest_is_nothing_else(found: object) -> None:
    assert 'such as "mon 08:00", or false' in refused(values.digest, found)


def test_quiet_hours_may_reach_over_midnight() -> None:
    assert values.quiet("22:00-07:00") == (time(22), time(7))
    assert values.quiet("0:00 - 6:30") == (time(0), time(6, 30))


@pytest.mark.parametrize("found", ["22:00", "22-7", "22:00-22:00", "25:00-07:00", "", 5, True])
def test_quiet_hours_are_two_different_times(found: object) -> None:
    assert "two different times" in refused(values.quiet, found)


@pytest.mark.parametrize("found", ["Mars/Base", "../etc/passwd", "/etc/passwd", "Europe", "", "a\x00b", 1])
def test_a_time_zone_that_is_none_is_refused(found: object) -> None:
    assert "expected a time zone" in refused(values.timezone, found)


@pytest.mark.parametrize(
    "found",
    [
        "https://news.test/rss",
        "http://news.test",
        "HTTPS://News.test:8443/a?b=c&d#e",
        "https://[2001:db8::1]:443/",
        "https://münchen.test/中文?q=跨國",
        "https://taz.test/!a=;rss/@x",
    ],
)
def test_an_address_is_taken_as_it_is_written(found: str) -> None:
    assert values.url(found) == found
    assert values.url(f" {found} ") == found


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("ftp://x.test/", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("javascript:alert(1)", "begins with https://"),
        ("news.test/rss", "begins with https://"),
        ("//news.test/rss", "begins with https://"),
        ("", "begins with https://"),
        (7, "begins with https://"),
        ("https://", "with a host"),
        ("https:///rss", "with a host"),
        ("https://news.test:0/", "port from 1"),
        ("https://news.test:65536/", "port from 1"),
        ("https://news.test:abc/", "port from 1"),
        ("https://user:pass@news.test/", "user name or password"),
        ("https://good.test@127.0.0.1/", "user name or password"),
        ("https://news.test\\@evil.test/", "backslash"),
        ("https://news.test/a b", "%20"),
        ("https://news.test/a\r\nHost: evil", "control characters"),
        ("https://news.test/\u202e", "control characters"),
        ("https://news.test/a\x00", "control characters"),
        ("https://[fe80::1%25lo]/", "with a host"),
        ("https://[::1/", "with a host"),
        ("https://[12]/", "IPv6"),
        ("https://news.test/" + "a" * 2100, "at most 2,048"),
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_refused(found: object, said: str) -> None:
    assert said in refused(values.url, found)


@pytest.mark.parametrize(
    "found", ["https://u:hunter22@h.test/", "ftp://u:hunter22@h.test/", "ftp://h.test/?key=hunter22"]
)
def test_what_is_said_of_an_address_shows_no_secret(found: str) -> None:
    assert "hunter22" not in refused(values.url, found)


def test_a_bot_api_server_has_a_plain_address() -> None:
    assert values.api_url("https://bots.test/") == "https://bots.test"
    assert "without" in refused(values.api_url, "https://bots.test/?x=1")
    assert "begins with https" in refused(values.api_url, "bots.test")


def test_a_feeds_own_proxy_has_no_place_for_a_password() -> None:
    assert values.own_proxy("") == ""
    assert values.own_proxy("socks5h://127.0.0.1:9050") == "socks5h://127.0.0.1:9050"
    told = refused(values.own_proxy, "http://user:hunter22@proxy:1")
    assert "a feed's own proxy has none" in told
    assert "hunter22" not in told


def test_the_callback_is_an_address_to_which_a_path_can_be_added() -> None:
    assert values.callback("") == ""
    assert values.callback("https://news.test/hook/") == "https://news.test/hook"
    assert "https://example.org/hook" in refused(values.callback, "https://news.test/hook?a=b")


def test_where_to_listen_is_a_host_and_port() -> None:
    assert values.listen("127.0.0.1:8081") == "127.0.0.1:8081"
    assert values.listen(" [::1]:80 ") == "[::1]:80"
    for bad in ("127.0.0.1", ":8081", "127.0.0.1:0", "127.0.0.1:70000", 8081):
        assert "a host and port such as" in refused(values.listen, bad)


def test_a_contact_is_a_mail_address() -> None:
    assert values.contact("") == ""
    assert values.contact("mailto:desk@news.test") == "desk@news.test"
    assert 'did you mean "mailto:desk@news.test"?' in refused(values.contact, "desk@news.test")
    for bad in ("mailto:", "mailto:a b@news.test", "mailto:a@news.test\r\nX: y", "https://news.test", 1):
        assert "a mail address such as" in refused(values.contact, bad)


def test_a_proxy_leaves_names_to_the_other_side() -> None:
    assert values.proxy("") == ""
    assert values.proxy("socks5h://127.0.0.1:9050") == "socks5h://127.0.0.1:9050"
    assert values.proxy("http://proxy:3128") == "http://proxy:3128"
    assert "socks5h:// has the proxy look names up" in refused(values.proxy, "socks5://127.0.0.1:9050")
    assert "LONGARM_PROXY" in refused(values.proxy, "http://user:hunter22@proxy:1")
    assert "begins with" in refused(values.proxy, "ftp://proxy")
    assert "begins with" in refused(values.proxy, 1)
    assert "with a host" in refused(values.proxy, "http://:80")


@pytest.mark.parametrize(
    ("found", "chat"),
    [("@my_channel", "@my_channel"), ("-1001234", "-1001234"), (-1001234, "-1001234"), (5, "5")],
)
def test_a_chat_is_a_name_or_a_number(found: object, chat: str) -> None:
    assert values.chat(found) == chat


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("my_channel", 'did you mean "@my_channel"?'),
        ("https://t.me/my_channel", 'did you mean "@my_channel"?'),
        ("@a", "the name of a chat"),
        ("@my channel", "the name of a chat"),
        (True, "the name of a chat"),
        ("", "the name of a chat"),
        (1.5, "the name of a chat"),
    ],
)
def test_a_chat_written_otherwise_is_mended(found: object, said: str) -> None:
    assert said in refused(values.chat, found)


ALLOWED = ["rss-bridge:8000", "127.0.0.1:80", "[::1]:8080", "127.0.0.1/32", "10.0.0.0/8", "fc00::/7", "host.internal:1"]
NOT_ALLOWED = [
    "", "*", "host", "host:", "host:0", "host:70000", "*.internal:80", "10.0.0.1/8", "0.0.0.0/0", "::/0", "1.2.3.4/7",
    "a/b", "127.0.0.1", "::1", "http://host:80", "0x7f.1:80", "017700000001:80", "127.1:80", "[::g]:80", "[12]:80", "hôte:80",
    "user@host:80", "a b:80", 5, "127.1/8",
]  # fmt: skip


@pytest.mark.parametrize("found", ALLOWED)
def test_what_may_be_private_is_named_exactly(found: str) -> None:
    assert values.allow(found) == found


@pytest.mark.parametrize("found", NOT_ALLOWED)
def test_everything_is_never_allowed_at_once(found: object) -> None:
    assert "expected" in refused(values.allow, found)


@settings(deadline=None)
@given(st.text(alphabet="0123456789abcfx.:/[]*@-% ", max_size=20) | st.sampled_from(ALLOWED))
def test_what_the_configuration_allows_the_guard_understands(entry: str) -> None:
    try:
        taken = values.allow(entry)
    except ValueError:
        return
    assert allow_problem(taken) is None
    Guard([taken])


@pytest.mark.parametrize("found", ["", "Ünicode", "a\nb", "a" * 201, " a", 5])
def test_a_user_agent_can_carry_no_second_header(found: object) -> None:
    assert "printable ASCII" in refused(values.user_agent, found)


def test_a_variable_that_holds_an_address_instead_of_a_name_is_not_shown() -> None:
    assert values.variable("LONGARM_MATRIX_URL") == "LONGARM_MATRIX_URL"
    assert "hunter22" not in refused(values.variable, "matrix://me:hunter22@host")


@pytest.mark.parametrize("found", ["", "  ", "a\nb", "x" * 65, 5])
def test_a_name_is_one_short_line(found: object) -> None:
    assert "a name of one to 64 characters" in refused(values.line, found)


@pytest.mark.parametrize("found", ["", "a\nb", "x" * 501, 5])
def test_a_search_is_one_line(found: object) -> None:
    assert "the text of a search" in refused(values.query, found)


@pytest.mark.parametrize("found", ["", "a\x00", 5])
def test_a_folder_is_a_path(found: object) -> None:
    assert "path of a folder" in refused(values.folder, found)


def test_values_of_every_kind_are_shown_short_and_on_one_line() -> None:
    assert values.shown(True) == "true"
    assert values.shown(False) == "false"
    assert values.shown("a\n\x1b") == '"a\\n\\u001b"'
    assert values.shown("x" * 100) == f'"{"x" * 60}…"'
    assert values.shown([1]) == "a list"
    assert values.shown({}) == "a table"
    assert values.shown(datetime(2026, 11, 23, tzinfo=UTC)) == "2026-11-23 00:00:00+00:00"
    assert "true or false" in refused(values.flag, "yes")


CHECKS = [
    values.every, values.fraction, values.hours, values.language, values.state, values.code, values.digest, values.quiet,
    values.timezone, values.url, values.proxy, values.chat, values.allow, values.user_agent, values.variable, values.line,
    values.query, values.folder, values.flag, values.topic, values.api_url,
]  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize("check", CHECKS)
@settings(max_examples=25, deadline=None)
@given(found=ANYTHING)
def test_whatever_stands_in_the_file_is_taken_or_refused_in_one_printable_line(check: object, found: object) -> None:
    said = ""
    try:
        check(found)  # type: ignore[operator]
    except ValueError as error:
        said = str(error)
    assert log.escaped(said) == said
