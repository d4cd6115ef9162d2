from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator

import httpx
import pytest
import telegram
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

from monitor import log

TOKEN = "987654321:AAHplantedplantedplantedplanted_12-345"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Put the process's logging back as it was: `configure` is meant for a process of its own."""
    root = logging.getLogger()
    handlers, level, hooks = root.handlers[:], root.level, (sys.excepthook, threading.excepthook)
    levels = {name: logging.getLogger(name).level for name in log._QUIET}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(capture=False)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def configured(level: str = "DEBUG", *, as_json: bool = False) -> io.StringIO:
    stream = io.StringIO()
    log.configure(level, json=as_json, stream=stream)
    return stream


def only(stream: io.StringIO) -> str:
    (line,) = stream.getvalue().splitlines()
    return line


# ── lines ─────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_is_one_line_that_a_person_can_read() -> None:
    stream = configured()
    log.get("monitor.poll").info(
        "polled", feeds=3, failed=False, name="A b", url="https://x.test/", none=None, part=0.5
    )
    time, rest = only(stream).split(" ", 1)
    assert time.endswith("Z")
    assert len(time) == 20
    assert rest == 'INFO    monitor.poll: polled feeds=3 failed=false name="A b" url=https://x.test/ none=null part=0.5'


def test_an_event_is_one_json_object_on_demand() -> None:
    stream = configured(as_json=True)
    log.get("monitor.poll").warning(
        "polled", feeds=3, event_="x", level=9, title='"跨國"\n', nan=float("nan"), states={"CN"}
    )
    found = json.loads(only(stream))
    time = found.pop("time")
    assert time.endswith("Z")
    assert found == {
        "level": "warning",
        "logger": "monitor.poll",
        "event": "polled",
        "feeds": 3,
        "event_": "x",
        "level_": 9,
        "title": '"跨國"\n',
        "nan": "nan",
        "states": ["CN"],
    }


def test_libraries_take_the_same_way() -> None:
    stream = configured()
    logging.getLogger("somebody").warning("took %d of %s", 3, "four")
    assert only(stream).endswith("WARNING somebody: took 3 of four")


def test_a_percent_sign_in_a_headline_is_only_a_character() -> None:
    stream = configured()
    log.get("x").info("100%s of %d")
    assert only(stream).endswith("x: 100%s of %d")


def test_a_bound_logger_keeps_its_fields() -> None:
    stream = configured()
    log.get("x").bind(feed="a").info("one", n=1)
    assert only(stream).endswith("x: one feed=a n=1")


def test_the_level_decides_and_an_unknown_one_is_refused() -> None:
    stream = configured("warning")
    log.get("x").info("no")
    log.get("x").warning("yes")
    assert only(stream).endswith("x: yes")
    with pytest.raises(ValueError, match="'loud' is unknown; expected debug, info, warning or error"):
        log.configure("loud")


def test_configuring_again_replaces_and_does_not_double() -> None:
    first, second = configured(), configured()
    log.get("x").info("once")
    assert first.getvalue() == ""
    assert only(second).endswith("once")


def test_without_configuring_a_warning_still_reads_as_text(caplog: pytest.LogCaptureFixture) -> None:
    log.get("x").warning("before", feed="a")
    assert caplog.records[0].getMessage() == "before"


@pytest.mark.parametrize("as_json", [False, True])
def test_no_text_can_forge_a_line_or_drive_a_terminal(as_json: bool) -> None:
    stream = configured(as_json=as_json)
    evil = "a\n2026-01-01T00:00:00Z ERROR   forged: x\r\x1b[31m\x07\u202e\u2028\x85\x9b"
    log.get("x").info(evil, title=evil, items=[evil], **{f"k{evil}": 1})
    logging.getLogger("y").info(evil)
    lines = stream.getvalue().split("\n")
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)


def test_a_lone_surrogate_or_a_narrow_stream_loses_no_line() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    log.configure("INFO", stream=stream)
    log.get("x").info("Müller 跨國 \ud83d")
    assert raw.getvalue().decode("ascii").rstrip().endswith("x: M\\xfcller \\u8de8\\u570b \\ud83d")


def test_a_very_long_value_is_cut() -> None:
    stream = configured()
    log.get("x").info("e" * 5000, title="t" * 5000)
    assert len(only(stream)) < 4200


# ── tracebacks ────────────────────────────────────────────────────────────────────────────────────


def fail(password: str) -> None:
    token_in_a_local = f"local-{password}"
    raise ValueError(f"it broke\nforged line for {password}" if token_in_a_local else "")


def test_a_traceback_follows_its_event_behind_a_bar() -> None:
    stream = configured()
    try:
        fail("nothing")
    except ValueError as error:
        log.get("x").error("pass failed", exc_info=error)
    first, *rest = stream.getvalue().splitlines()
    assert first.endswith("ERROR   x: pass failed")
    assert rest[0] == "    | Traceback (most recent call last):"
    assert rest[-2:] == ["    | ValueError: it broke", "    | forged line for nothing"]
    assert all(line.startswith("    | ") for line in rest)


def test_a_traceback_in_json_stays_in_its_line() -> None:
    stream = configured(as_json=True)
    try:
        fail("nothing")
    except ValueError:
        log.get("x").exception("pass failed", stack_info=True)
    found = json.loads(only(stream))
    assert found["exception"].endswith("ValueError: it broke\nforged line for nothing")
    assert found["stack"].startswith("Stack")


def test_a_traceback_shows_no_values_of_variables_and_no_secrets() -> None:
    log.hide("marker-in-exception")
    for as_json in (False, True):
        stream = configured(as_json=as_json)
        try:
            try:
                fail("marker-in-exception")
            except ValueError as error:
                raise RuntimeError(f"then {TOKEN}") from error
        except RuntimeError as error:
            error.add_note("noted: marker-in-exception")
            log.get("x").error("failed", exc_info=error)
            logging.getLogger("y").exception("failed")
        text = stream.getvalue()
        assert "RuntimeError: then [hidden]" in text
        assert "direct cause" in text
        assert "local-" not in text.replace("local-{password}", "")
        assert "marker-in-exception" not in text.replace('"marker-in-exception"', "")
        assert TOKEN not in text


def test_an_exception_without_a_traceback_and_none_at_all_are_fine() -> None:
    stream = configured()
    log.get("x").error("a", exc_info=ValueError("never raised"))
    log.get("x").error("b", exc_info=None)
    log.get("x").error("c", exc_info=True)
    assert stream.getvalue().count("\n") == 4


def test_errors_that_nobody_caught_are_logged_and_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    stream = configured()
    error = RuntimeError(f"with {TOKEN}")
    sys.excepthook(RuntimeError, error, None)
    thread = threading.Thread(target=fail, args=("nothing",))
    thread.start()
    thread.join()
    leaver = threading.Thread(target=sys.exit)
    leaver.start()
    leaver.join()
    text = stream.getvalue()
    assert "CRITICAL monitor: stopped by an error" in text
    assert "| RuntimeError: with [hidden]" in text
    assert "CRITICAL monitor: a thread was stopped by an error" in text
    assert text.count("CRITICAL") == 2
    assert capsys.readouterr().err == ""


def test_warnings_are_logged() -> None:
    stream = configured()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(f"old {TOKEN}", UserWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "WARNING py.warnings: " in stream.getvalue()
    assert TOKEN not in stream.getvalue()


# ── a logger never breaks what it reports on ──────────────────────────────────────────────────────


class Unspeakable:
    def __str__(self) -> str:
        raise ZeroDivisionError("marker-unspeakable")


def test_a_value_that_can_not_be_spoken_costs_its_line_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    stream = configured()
    log.get("x").info("a", value=Unspeakable())
    logging.getLogger("y").info("%s", Unspeakable())
    log.get("x").info("still here")
    lines = stream.getvalue().splitlines()
    assert [line.split("Z ", 1)[1] for line in lines] == [
        "ERROR   monitor.log: a line of x was lost (ZeroDivisionError)",
        "ERROR   monitor.log: a line of y was lost (ZeroDivisionError)",
        "INFO    x: still here",
    ]
    assert capsys.readouterr().err == ""


def test_arguments_that_do_not_fit_are_shown_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    stream = configured()
    logging.getLogger("y").info("took %d", TOKEN)
    assert only(stream).endswith("y: took %d ('[hidden]',)")
    assert capsys.readouterr().err == ""


def test_a_closed_stream_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    stream = configured()
    stream.close()
    log.get("x").error("to nobody", token=TOKEN)
    assert capsys.readouterr().err == ""


def test_a_field_that_json_can_not_hold_is_said_as_text() -> None:
    stream = configured(as_json=True)
    log.get("x").info("a", error=ValueError("boom"), nested={"k": (1, {"z": b"x"})})
    assert json.loads(only(stream))["error"] == "boom"


# ── secrets ───────────────────────────────────────────────────────────────────────────────────────

MARKERS = {
    "bot token": TOKEN,
    "password": "marker-01-password",
    "with signs": "marker-02/p@ss word&more",
    "in quotes": "marker-03\"with'quotes\\",
    "in another script": "marker-04-пароль-密碼",
    "two lines": "marker-05\nsecond-half",
}


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("marker", list(MARKERS.values()), ids=list(MARKERS))
def test_a_hidden_secret_is_in_no_log_in_any_spelling(marker: str, as_json: bool) -> None:
    log.hide(marker)
    stream = configured(as_json=as_json)
    spellings = [marker, repr(marker), json.dumps(marker), str(httpx.URL("https://x.test/", params={"q": marker}))]
    logger = log.get("x")
    for text in spellings:
        event = f"event {text}"
        logger.debug(event, field=text, inner={"a": [text]}, error=ValueError(text), **{text: 1})
        logging.getLogger("y").debug("message %s", text)
        logging.getLogger("y").debug("message %(a)s", {"a": text})
        logger.error("error", exc_info=ValueError(text))
    found = stream.getvalue()
    first, last = marker[:9], marker[-8:]
    assert first not in found.replace("marker-0[", "")
    assert last not in found


def test_parts_of_a_secret_address_are_hidden_one_by_one() -> None:
    log.hide("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")
    log.hide("postgresql://me:pg-mark%40er@db.test/longarm")
    log.hide("matrixs://user:matr-marker@host.test/room?token=qwertyuiopasdfgh")
    said = log.redacted(
        "POST /services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ for pg-mark@er pg-mark%40er matr-marker qwertyuiopasdfgh"
    )
    assert said == "POST /services/[hidden]/[hidden]/[hidden] for [hidden] [hidden] [hidden] [hidden]"
    assert log.redacted("db.test and longarm and room and host.test") == "db.test and longarm and room and host.test"


def test_a_bot_token_is_hidden_though_nobody_registered_it() -> None:
    other = "123456789:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
    for text in (f"https://api.telegram.org/bot{other}/getMe", f"x{other}", f"tgram%3A//{other.replace(':', '%3A')}"):
        assert "BBBB" not in log.redacted(text)
    assert log.redacted("at 12:30, 1234567: short") == "at 12:30, 1234567: short"


def test_a_password_in_any_address_is_hidden() -> None:
    assert log.redacted("from https://me:pass@x.test/a to x") == "from https://[hidden]@x.test/a to x"
    assert log.redacted("see https://x.test/@name") == "see https://x.test/@name"


def test_texts_too_short_to_be_secrets_stay() -> None:
    log.hide("")
    log.hide("abc")
    assert log.redacted("abc") == "abc"
    fresh = log._Secrets()
    fresh.add("abc")
    assert fresh.removed_from("abc") == "abc"


def test_hiding_is_quick_on_long_hostile_texts() -> None:
    for text in ("1" * 200_000, "://" * 60_000, "a@" * 60_000, "://a" * 50_000, "12345678:" * 20_000):
        assert log.redacted(text)


def test_libraries_that_log_addresses_stay_quiet_at_debug() -> None:
    configured("DEBUG")
    for name in ("httpx", "httpcore", "telegram", "telegram.ext", "apprise", "urllib3"):
        assert logging.getLogger(name).getEffectiveLevel() == logging.WARNING


async def test_a_real_request_leaves_no_token_in_the_log_even_when_libraries_are_loud(httpserver: HTTPServer) -> None:
    httpserver.expect_request(f"/bot{TOKEN}/getMe").respond_with_json({"ok": True})
    stream = configured("DEBUG")
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    async with httpx.AsyncClient() as client:
        answer = await client.get(httpserver.url_for(f"/bot{TOKEN}/getMe"), headers={"X-Token": TOKEN})
        logging.getLogger("z").debug("answer %r to %r", answer, answer.request)
    text = stream.getvalue()
    assert answer.status_code == 200
    assert "httpx: HTTP Request: GET http://" in text
    assert "httpcore.http11:" in text
    assert "[hidden]" in text
    assert TOKEN not in text


async def test_a_bot_of_the_telegram_library_shows_no_token(httpserver: HTTPServer) -> None:
    httpserver.expect_request(f"/bot{TOKEN}/getMe").respond_with_json({"ok": False, "description": "no"}, status=401)
    stream = configured("DEBUG")
    for name in ("httpx", "httpcore", "telegram"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    bot = telegram.Bot(TOKEN, base_url=httpserver.url_for("/bot"))
    assert TOKEN in repr(bot)
    log.get("x").debug("bot", bot=bot, base=bot.base_url)
    try:
        async with bot:
            pass
    except telegram.error.TelegramError as error:
        log.get("x").warning("refused", exc_info=error, error=error)
    text = stream.getvalue()
    assert "Set Bot API URL" in text
    assert "refused" in text
    assert TOKEN not in text


def test_a_handler_added_by_somebody_else_sees_the_record_clean() -> None:
    configured()
    seen: list[logging.LogRecord] = []
    other = logging.Handler()
    other.emit = seen.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(other)
    logging.getLogger("y").info("with %s", TOKEN)
    assert seen[0].getMessage() == "with [hidden]"
    assert TOKEN not in repr(vars(seen[0]))


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.test/rss", "https://x.test/rss"),
        ("https://x.test:8080/@name/a", "https://x.test:8080/@name/a"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
        ("https://me:hunter22@x.test/rss", "https://x.test/rss"),
        ("https://hunter22@x.test", "https://x.test"),
        ("https:\\\\me:hunter22@x.test\\a", "https:\\\\x.test\\a"),
        ("//me:hunter22@x.test/a", "//x.test/a"),
        ("me:hunter22@x.test/a", "x.test/a"),
        ("https://me:hun?ter22@x.test/a", "https://…?…"),
        ("https://x.test/?key=hunter22&b=&hunter22&c=hunter22", "https://x.test/?key=…&b=…&…&c=…"),
        ("https://x.test/#hunter22", "https://x.test/#…"),
        ("https://x.test/?a=1#hunter22?b", "https://x.test/?a=…#…"),
        (f"https://api.telegram.org/bot{TOKEN}/x", "https://api.telegram.org/bot[hidden]/x"),
        ("https://x.test/a\n\x1b[31m", "https://x.test/a\\n\\x1b[31m"),
        ("https://[::1/", "https://[::1/"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_user_password_and_query(url: str, shown: str) -> None:
    assert log.redacted_url(url) == shown


@settings(deadline=None)
@given(st.text(), st.text(alphabet=":/?#@[]\\&= %ax.1", max_size=40))
def test_any_text_can_be_shown_as_an_address(text: str, odd: str) -> None:
    for url in (text, odd, f"https://{odd}", f"https://x.test/{text}"):
        assert "\n" not in log.redacted_url(url)


@settings(deadline=None)
@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=12))
def test_what_stands_behind_the_question_mark_is_never_shown(value: str) -> None:
    assert value not in log.redacted_url(f"https://h.test/a?k={value}&{value}#{value}")
