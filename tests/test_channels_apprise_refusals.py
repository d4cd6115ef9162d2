"""Other chats through apprise, what a refusal, a silence and a cut connection mean."""

from __future__ import annotations

import asyncio
import json
import smtplib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.alerts.channels import heard
from monitor.alerts.channels.apprise import AppriseChannel
from monitor.alerts.channels.base import Channel
from monitor.alerts.channels.dialects import brief
from monitor.alerts.channels.heard import Heard, failure, listening
from monitor.errors import SendError
from monitor.text import utf16_length
from tests.chats_parts import (
    ADDRESSES,
    DISCORD,
    HELLO,
    MATTERMOST,
    SECRET,
    SLACK,
    URL,
    USUAL,
    Services,
    mail_to,
    nasty_alert,
    post_office,
    services,
    text_of,
)
from tests.deliver_parts import raises_send_error, row, scene


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """apprise spaces the requests of one target by seconds."""
    monkeypatch.setattr("apprise.url.URLBase.throttle", lambda self, last_io=None, wait=None: None)


@pytest.fixture
def online(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    with services(tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def target(httpserver: HTTPServer) -> str:
    return f"json://127.0.0.1:{httpserver.port}/{SECRET}"


# ── what a refusal means ──────────────────────────────────────────────────────────────────────────


async def refused(online: Services, *answers: Response, url: str = DISCORD) -> SendError:
    online.answers = [*answers]
    channel = AppriseChannel(name="desk", url=url)
    with pytest.raises(SendError) as caught:
        await channel.send(HELLO, possible_repeat=False)
    assert "\n" not in str(caught.value)
    assert not [secret for secret in ("JHMHI8", "TIiajkd", "3ccdd", "syt_token", SECRET) if secret in str(caught.value)]
    return caught.value


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
@pytest.mark.parametrize("service", ["slack", "discord", "mattermost", "matrix", "signal"])
async def test_a_service_in_trouble_is_asked_again_and_nothing_is_a_repeat(
    online: Services, service: str, status: int
) -> None:
    online.usual = ("trouble", status)
    error = await refused(online, url=ADDRESSES[service])
    assert (error.permanent, error.retry_after, error.outcome_unknown) == (False, None, False)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
@pytest.mark.parametrize("service", ["slack", "discord", "mattermost", "signal"])
async def test_a_target_that_refuses_is_paused_with_its_queue_kept(online: Services, service: str, status: int) -> None:
    error = await refused(online, Response("no", status), url=ADDRESSES[service])
    assert (error.permanent, error.about) == (True, "account")
    assert str(status) in str(error)
    assert "look whether the address in its variable is right" in str(error)


def in_two_minutes() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(minutes=2, seconds=1), usegmt=True)


@pytest.mark.parametrize(
    ("service", "headers", "body", "seconds"),
    [
        ("slack", {"Retry-After": "30"}, "rate_limited", 30),
        ("discord", {"Retry-After": "65"}, '{"retry_after": 64.57, "global": false}', 65),
        ("discord", {}, '{"retry_after": 64.5}', 64.5),
        ("matrix", {}, '{"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}', 2.5),
        ("mattermost", {"Retry-After": "soon"}, "{", 60),
        ("mattermost", {"Retry-After": "1e999"}, "[]", 60),
        ("signal", {}, "", 60),
    ],
)
async def test_a_service_that_asks_for_silence_gets_it_and_is_asked_once(
    online: Services, service: str, headers: dict[str, str], body: str, seconds: float
) -> None:
    online.usual = USUAL[service]
    first = [Response(USUAL["matrix"][0])] * (2 if service == "matrix" else 0)  # who am I, join
    error = await refused(online, *first, Response(body, 429, headers), url=ADDRESSES[service])
    assert error.retry_after == timedelta(seconds=seconds)
    assert not error.outcome_unknown
    assert len([line for line in online.lines if "well-known" not in line]) == 1 + len(first)


async def test_silence_until_a_date_is_kept(online: Services) -> None:
    error = await refused(online, Response("", 429, {"Retry-After": in_two_minutes()}))
    assert error.retry_after is not None
    assert timedelta(seconds=110) < error.retry_after < timedelta(seconds=122)


async def test_a_message_that_is_refused_goes_as_headline_and_link(online: Services) -> None:
    online.usual = ("", 204)
    online.answers = [Response('{"code": 50006}', 400)]
    channel = AppriseChannel(name="desk", url=DISCORD)
    await channel.send(nasty_alert(), possible_repeat=False)
    whole, short = map(text_of, online.bodies)
    assert "Source" in whole
    assert "Source" not in short
    assert short.endswith(f"\n<{URL}>")
    assert brief(HELLO) == HELLO


async def test_a_target_that_never_took_anything_is_refused_as_a_whole_and_one_that_did_for_this_message(
    online: Services,
) -> None:
    online.usual = ('{"id": "web.incoming_webhook.invalid.app_error"}', 400)
    channel = AppriseChannel(name="desk", url=MATTERMOST)
    with raises_send_error(permanent=True, about="account") as caught:
        await channel.send(HELLO, possible_repeat=False)
    assert "400 (web.incoming_webhook.invalid.app_error)" in str(caught.value)
    online.usual = ("ok", 200)
    await channel.send(HELLO, possible_repeat=False)
    online.usual = ("too big", 413)
    with raises_send_error(permanent=True):
        await channel.send(HELLO, possible_repeat=False)
    online.answers = [Response("too big", 413), Response("later", 503)]
    with raises_send_error():
        await channel.send(HELLO, possible_repeat=False)
    online.answers = [Response("too big", 413), Response("gone", 404)]
    with raises_send_error(permanent=True, about="account"):
        await channel.send(HELLO, possible_repeat=False)


async def test_a_redirect_is_not_followed_and_named(httpserver: HTTPServer, target: str) -> None:
    httpserver.expect_request(f"/{SECRET}").respond_with_response(Response(status=302, headers={"Location": "/inside"}))
    channel = AppriseChannel(name="desk", url=target)
    with raises_send_error(permanent=True, about="account") as caught:
        await channel.send(HELLO, possible_repeat=False)
    assert "another address" in str(caught.value)
    assert [request.path for request, _ in httpserver.log] == [f"/{SECRET}"]


async def test_a_service_that_answers_nonsense_with_200_is_tried_again(online: Services) -> None:
    error = await refused(online, Response("<html>log in first</html>"), url=SLACK)
    assert (error.permanent, error.outcome_unknown) == (False, False)
    bot = "slack://xoxb-1234-1234-4ddbc191d40ee098cbaae6f3523ada2d/#desk"
    error = await refused(online, Response('{"ok": false, "error": "not_in_channel"}'), url=bot)
    assert "200 (not_in_channel)" in str(error)
    assert not error.permanent


# ── no answer ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_connection_that_was_never_made_sent_nothing() -> None:
    for url in ("json://127.0.0.1:9/x", "json://no-such-host.invalid/x"):
        with raises_send_error():
            await AppriseChannel(name="desk", url=url).send(HELLO, possible_repeat=False)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.fixture
async def slow(httpserver: HTTPServer, gate: threading.Event) -> AsyncIterator[str]:
    """A webhook that answers when the gate is opened."""

    def answer(request: Request) -> Response:
        gate.wait(10)
        return Response("ok")

    httpserver.expect_request(f"/{SECRET}").respond_with_handler(answer)
    yield f"json://127.0.0.1:{httpserver.port}/{SECRET}"
    gate.set()
    started = time.monotonic()
    while not httpserver.log and time.monotonic() - started < 5:
        await asyncio.sleep(0.01)


async def test_an_answer_that_does_not_come_leaves_the_outcome_unknown(slow: str) -> None:
    with raises_send_error(outcome_unknown=True) as caught:
        await AppriseChannel(name="desk", url=f"{slow}?rto=0.2").send(HELLO, possible_repeat=False)
    assert "ReadTimeout" in str(caught.value)


async def test_a_thread_that_hangs_is_unknown_and_what_comes_after_it_was_not_sent(
    slow: str, gate: threading.Event, httpserver: HTTPServer
) -> None:
    channel = AppriseChannel(name="desk", url=slow, timeout=timedelta(seconds=0.2))
    with raises_send_error(outcome_unknown=True):
        await channel.send(HELLO, possible_repeat=False)
    with raises_send_error():
        await channel.send(HELLO, possible_repeat=False)
    gate.set()
    (worker,) = (thread for thread in threading.enumerate() if thread.name == "apprise desk")
    assert worker.daemon
    await asyncio.to_thread(worker.join, 5)
    await channel.send(HELLO, possible_repeat=True)
    assert len(httpserver.log) == 2


async def test_a_connection_that_is_cut_leaves_the_outcome_unknown() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with raises_send_error(outcome_unknown=True):
            await AppriseChannel(name="desk", url=f"json://127.0.0.1:{port}/x").send(HELLO, possible_repeat=False)


async def test_a_plugin_that_breaks_leaves_the_outcome_unknown(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    channel = AppriseChannel(name="desk", url=target)
    monkeypatch.setattr(channel._plugin, "notify", lambda **_: 1 / 0)
    with raises_send_error(outcome_unknown=True) as caught:
        await channel.send(HELLO, possible_repeat=False)
    assert "ZeroDivisionError" in str(caught.value)


def test_what_says_nothing_at_all_is_unknown() -> None:
    assert failure("desk", Heard()).outcome_unknown
    assert not failure("desk", Heard(answered=True)).outcome_unknown
    assert not failure("desk", Heard(error=requests.exceptions.InvalidURL("x"))).outcome_unknown
    assert not failure("desk", Heard(error=requests.exceptions.SSLError("x"))).outcome_unknown


# ── mail ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"at_rcpt": "550 5.1.1 no such user"}, {"permanent": True, "about": "account"}),
        ({"at_rcpt": "451 4.7.1 greylisted"}, {}),
        ({"at_data": "452 4.3.1 no space"}, {}),
        ({"drops": True}, {"outcome_unknown": True}),
    ],
)
async def test_a_mail_server_that_refuses(answers: dict[str, object], expected: dict[str, object]) -> None:
    with post_office(**answers) as office:
        channel = AppriseChannel(name="desk", url=mail_to(office.port))
        with raises_send_error(**expected):
            await channel.send(HELLO, possible_repeat=False)


async def test_a_mail_that_is_refused_goes_short_and_is_dead_only_where_others_went(online: Services) -> None:
    with post_office(at_data="554 5.7.1 looks like spam") as office:
        channel = AppriseChannel(name="desk", url=mail_to(office.port))
        with raises_send_error(permanent=True, about="account"):
            await channel.send(nasty_alert(), possible_repeat=False)
        assert len(office.letters) == 2
        assert utf16_length(office.letters[1].text) < utf16_length(office.letters[0].text)
        office.at_data = ""
        await channel.send(HELLO, possible_repeat=False)
        office.at_data = "554 5.7.1 looks like spam"
        with raises_send_error(permanent=True):
            await channel.send(nasty_alert(), possible_repeat=False)


async def test_a_mail_server_that_is_not_there_got_nothing() -> None:
    with raises_send_error():
        await AppriseChannel(name="desk", url=mail_to(9)).send(HELLO, possible_repeat=False)


async def test_a_server_that_wants_a_password_says_so() -> None:
    with post_office() as office:
        url = f"mailto://user:wrong@127.0.0.1:{office.port}?from=watch@a.test&to=desk@b.test&mode=insecure"
        with raises_send_error():
            await AppriseChannel(name="desk", url=url).send(HELLO, possible_repeat=False)


# ── the ear ───────────────────────────────────────────────────────────────────────────────────────


def test_other_threads_and_requests_are_not_listened_to(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("", status=429)
    assert requests.get(httpserver.url_for("/x"), timeout=5).status_code == 429, "as ever, where nobody listens"
    with listening() as found:
        aside = threading.Thread(target=lambda: requests.get(httpserver.url_for("/x"), timeout=5))
        aside.start()
        aside.join()
        assert found == Heard()
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:9/", timeout=1)
    with pytest.raises(OSError), smtplib.SMTP("127.0.0.1", 9):
        """Never inside."""


def test_mail_is_as_ever_where_nobody_listens() -> None:
    with post_office() as office, smtplib.SMTP("127.0.0.1", office.port) as client:
        assert client.noop()[0] == 250


def test_an_answer_that_is_streamed_or_huge_is_not_read(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/big").respond_with_data(json.dumps({"ok": False, "error": "x" * 200_000}))
    with listening() as found:
        requests.get(httpserver.url_for("/big"), timeout=5)
        assert (found.answered, found.status) == (True, 0)
        with requests.get(httpserver.url_for("/big"), timeout=5, stream=True) as response:
            assert response.raw.tell() == 0 or not response._content_consumed  # type: ignore[attr-defined]


def test_a_service_own_word_is_let_through_only_where_it_is_a_word() -> None:
    assert heard._word({"errcode": "M_FORBIDDEN", "error": "You are not in the room"}) == "M_FORBIDDEN"
    assert heard._word({"error": "<b>evil</b>", "id": 5}) == ""


# ── with the outbox ───────────────────────────────────────────────────────────────────────────────


async def test_one_row_a_target_so_the_one_that_fails_repeats_nothing_of_the_other(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    statuses = {"good": [200] * 9, "bad": [503, 429, 200]}

    def answer(name: str) -> Callable[[Request], Response]:
        return lambda request: Response("", statuses[name].pop(0), {"Retry-After": "40"})

    for name in statuses:
        httpserver.expect_request(f"/{name}").respond_with_handler(answer(name))
    channels: dict[str, Channel] = {
        name: AppriseChannel(name=name, url=f"json://127.0.0.1:{httpserver.port}/{name}") for name in statuses
    }
    async with scene(tmp_path, channels=channels) as stage:
        stage.queue(row(channel="good"), row(channel="bad"))
        await stage.deliver_all()
        stage.clock.forward(seconds=15)
        await stage.deliver_all()
        stage.clock.forward(seconds=39)
        await stage.deliver_all()
        asked = [request.path for request, _ in httpserver.log]
        assert sorted(asked) == ["/bad", "/bad", "/good"], "silence is kept, and the other one is not asked again"
        stage.clock.forward(seconds=2)
        await stage.deliver_all()
        lines = {
            line["channel"]: (line["state"], line["attempts"], line["unknown"])
            for line in stage.store.export("deliveries")
        }
    assert lines == {"good": ("sent", 1, 0), "bad": ("sent", 3, 0)}


async def test_a_target_that_refuses_is_paused_keeps_its_queue_and_heals_by_itself(
    tmp_path: Path, httpserver: HTTPServer
) -> None:
    status = [404]
    httpserver.expect_request("/hook").respond_with_handler(lambda request: Response("", status[0]))
    channel = AppriseChannel(name="main", url=f"json://127.0.0.1:{httpserver.port}/hook")
    async with scene(tmp_path, channels={"main": channel}) as stage:
        stage.queue_keys("story:1", "story:2")
        report = await stage.deliver()
        assert report.paused == 1
        assert "404" in report.notices[0].text
        assert stage.states() == ["pending", "pending"]
        status[0] = 200
        for _ in range(3):
            stage.clock.forward(minutes=5, seconds=1)
            await stage.deliver_all()
        assert stage.states() == ["sent", "sent"]
