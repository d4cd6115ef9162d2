"""Other chats through apprise, each in its service's own wire format: what arrives, and who can be a target."""

from __future__ import annotations

import itertools
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor.alerts import render
from monitor.alerts.channels import dialects
from monitor.alerts.channels.apprise import READ_SECONDS, AppriseChannel
from monitor.alerts.channels.base import Channel
from monitor.alerts.channels.dialects import dialect, parts
from monitor.compose import Composer, harmless
from monitor.errors import ConfigError
from monitor.model import Message, Span, SpanKind
from monitor.text import utf16_length
from tests.chats_parts import (
    ADDRESSES,
    DISCORD,
    HELLO,
    MATRIX,
    NASTY,
    SECRET,
    SLACK,
    URL,
    USUAL,
    Services,
    long_digest,
    mail_to,
    nasty_alert,
    post_office,
    services,
    text_of,
)
from tests.deliver_parts import linked, raises_send_error
from tests.render_parts import FEED, HEADLINES, MADRID, story_in


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


async def sent(service: str, online: Services, message: Message, *, possible_repeat: bool = False) -> list[str]:
    """Send `message`; the text of each part as the service gets it."""
    online.usual = USUAL[service]
    channel = AppriseChannel(name="desk", url=ADDRESSES[service])
    assert await channel.send(message, possible_repeat=possible_repeat) == ""
    return [text for text in map(text_of, online.bodies) if text]


# ── each service, in its own format ───────────────────────────────────────────────────────────────


async def test_slack_gets_text_that_is_no_markup_with_its_three_signs_escaped(online: Services) -> None:
    (text,) = await sent("slack", online, nasty_alert())
    assert online.lines == ["POST hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"]
    (body,) = online.bodies
    assert body["mrkdwn"] is False
    assert "mrkdwn_in" not in body["attachments"][0]
    assert (body["attachments"][0]["title"], "image_url" in body["attachments"][0]) == ("", False)
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text), "no mention, no link of a stranger's"
    assert "@everyone" not in text
    assert "@here" not in text
    assert text.endswith(URL.replace("&", "&amp;"))


async def test_discord_gets_every_mark_escaped_and_an_address_that_is_a_link_without_preview(online: Services) -> None:
    (text,) = await sent("discord", online, nasty_alert())
    assert online.lines == ["POST discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"]
    (body,) = online.bodies
    assert "embeds" not in body
    assert text.endswith(f"\n<{URL}>")
    assert "(`wire.example`)" in text
    headline = text.partition("\n")[0]
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_`~\[\]<>|#]", headline.replace("\\\\", "")), headline
    assert shown(headline) == harmless(NASTY, 300)
    assert "@everyone" not in text


async def test_mattermost_gets_marks_escaped_that_it_knows(online: Services) -> None:
    (text,) = await sent("mattermost", online, nasty_alert())
    assert online.lines == ["POST chat.example/hooks/3ccdd113474722377935511fc85d3dd4"]
    (body,) = online.bodies
    assert "channel" not in body
    headline = text.partition("\n")[0]
    assert "\\<" not in headline
    assert shown(headline) == harmless(NASTY, 300)
    assert not re.search(r"(?<!\\)[*_`~\[\]|#]", headline)
    assert text.endswith(f"\n<{URL}>")


def shown(text: str) -> str:
    """What Markdown shows of a line in which every mark is escaped."""
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", text)


async def test_matrix_gets_plain_text_and_no_html(online: Services) -> None:
    (text,) = await sent("matrix", online, nasty_alert())
    put = online.lines[-1]
    assert re.fullmatch(
        r"PUT matrix\.example/_matrix/client/(?:v3|r0)/rooms/!room:matrix\.example/send/m\.room\.message/\S+", put
    )
    body = online.bodies[-1]
    assert body["msgtype"] == "m.text"
    assert "formatted_body" not in body
    assert "m.mentions" not in body
    assert text == nasty_alert().text
    assert "@room" not in text


async def test_no_two_messages_to_matrix_have_one_number_or_the_second_would_be_taken_for_the_first(
    online: Services,
) -> None:
    known = {**json.loads(USUAL["matrix"][0]), "access_token": "syt_other", "home_server": "matrix.example"}
    online.usual = (json.dumps(known), 200)
    for url in (MATRIX, "matrixs://bot:password@matrix.example/!room:matrix.example?e2ee=no"):
        channel = AppriseChannel(name="desk", url=url)
        for _ in range(3):
            await channel.send(HELLO, possible_repeat=False)
    numbers = [line.rpartition("/")[2] for line in online.lines if "/send/m.room.message/" in line]
    assert len(numbers) == len(set(numbers)) == 6


async def test_signal_gets_normal_text_for_one_number(online: Services) -> None:
    (text,) = await sent("signal", online, nasty_alert())
    assert online.lines == ["POST signal.example/v2/send"]
    (body,) = online.bodies
    assert (body["text_mode"], body["number"], body["recipients"]) == ("normal", "+34600000001", ["+34600000002"])
    assert text == nasty_alert().text


async def test_a_mail_has_the_headline_as_subject_and_all_of_it_as_plain_text() -> None:
    with post_office() as office:
        channel = AppriseChannel(name="desk", url=mail_to(office.port))
        await channel.send(nasty_alert(), possible_repeat=True)
    (mail,) = office.letters
    assert (mail.to, mail.kind, mail.files) == (["desk@b.test"], "text/plain", 0)
    assert mail.subject == harmless(NASTY, 300).replace("\u2060", "")
    assert mail.text == f"(possible repeat) {nasty_alert().text}"


async def test_a_webhook_gets_text_as_it_is(httpserver: HTTPServer, target: str) -> None:
    httpserver.expect_request(f"/{SECRET}").respond_with_data("ok")
    channel: Channel = AppriseChannel(name="desk", url=target)
    text = "<b>read</b> *this* [x](y) {{ app_id }} \\n"
    assert await channel.send(linked(text, "*this*", "https://n.example/a"), possible_repeat=True) == ""
    await channel.aclose()
    (request, _) = httpserver.log[0]
    got = request.get_json()
    assert got["message"] == "(possible repeat) <b>read</b> *this* https://n.example/a [x](y) {{ app_id }} \\n"
    assert (got["attachments"], got["title"]) == ([], "")
    assert await channel.check() == ()
    assert (channel.chat, channel.account, channel.can_edit) == ("apprise:desk", "apprise:desk", False)
    assert channel.pace is not None
    channel.move("x")


@pytest.mark.parametrize("service", list(ADDRESSES))
@pytest.mark.parametrize("language", ["ar", "fa", "zh", "ru"])
async def test_a_story_of_any_script_arrives_letter_by_letter(online: Services, service: str, language: str) -> None:
    story, judged = story_in(language, 1)
    message = render.story_message(story, [judged], feeds={FEED.url: FEED}, tz=MADRID)
    (text,) = await sent(service, online, message)
    for line in HEADLINES[language][:2]:
        assert line in text
    assert text.count("https://harbour-wire.example/2026/11/1") == 1
    assert text.splitlines()[0] == HEADLINES[language][0]


# ── length ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("service", "limit"), [("discord", 2000), ("mattermost", 4000)])
async def test_what_is_too_long_comes_in_numbered_parts_cut_between_items(
    online: Services, service: str, limit: int
) -> None:
    texts = await sent(service, online, long_digest(), possible_repeat=True)
    assert len(texts) == (2 if service == "discord" else 1)
    assert all(utf16_length(text) <= limit for text in texts)
    if len(texts) == 1:
        return
    assert texts[0].startswith("(possible repeat) (1/2)\n")
    assert texts[1].startswith("(2/2)\nHeadline")
    links = [re.findall(r"<https://wire\.example/(\d\d)_x>", text) for text in texts]
    assert [*itertools.chain(*links)] == [f"{number:02}" for number in range(30)]
    assert all(len(found) == text.count("Source:") for found, text in zip(links, texts, strict=True))


async def test_parts_that_were_accepted_are_not_sent_again(online: Services) -> None:
    online.usual = ("", 204)
    online.answers = [Response("", 204), Response("", 503)]
    channel = AppriseChannel(name="desk", url=DISCORD)
    with raises_send_error():
        await channel.send(long_digest(), possible_repeat=False)
    await channel.send(long_digest(), possible_repeat=True)
    first, failed, again = map(text_of, online.bodies)
    assert first.startswith("(1/2)\n")
    assert again == f"(possible repeat) {failed}"
    await channel.send(long_digest(), possible_repeat=False)
    assert text_of(online.bodies[3]) == first, "the next message begins with its first part"


@given(st.text(max_size=600), st.integers(20, 200), st.sampled_from(["discord", "mmost", "json"]))
def test_parts_fit_lose_nothing_but_space_and_end_in_no_lone_backslash(text: str, units: int, schema: str) -> None:
    written = dialect(schema).written(Message(text=text), units)
    cut = parts(written, units)
    assert 1 <= len(cut) <= dialects.MAX_PARTS
    assert all(utf16_length(part) <= units for part in cut)
    words = "".join(re.sub(r"^\(\d/\d\)\n", "", part) for part in cut) if len(cut) > 1 else cut[0]
    kept = "".join(words.removesuffix("…").split())
    whole = "".join(written.split())
    assert whole.startswith(kept) if words.endswith("…") else whole == kept
    if schema != "json":
        for part in cut[:-1]:
            assert (len(part) - len(part.rstrip("\\"))) % 2 == 0


@given(st.text(min_size=1, max_size=80))
def test_escaped_text_shows_as_it_was(text: str) -> None:
    for schema in ("discord", "mmost"):
        assert shown(dialect(schema).escaped(text)) == text
    assert dialect("json").escaped(text) == text


def test_no_line_becomes_a_list_or_a_heading() -> None:
    assert (
        dialect("discord").escaped("- a\n+ b\n12. c\n3) d\n# e\n> f") == "\\- a\n\\+ b\n12\\. c\n3\\) d\n\\# e\n\\> f"
    )
    assert dialect("discord").escaped("in-between 1.5") == "in-between 1.5"


def test_an_address_that_no_part_could_hold_is_named_and_not_cut() -> None:
    url = "https://wire.example/" + "x" * 3_000
    message = Composer().add("Headline\n").link(url).message()
    for schema in ("discord", "json"):
        assert dialect(schema).written(message, 2_000).endswith("wire.example/…")
    assert dialect("discord").written(message, 5_000) == f"Headline\n<{url}>"


def test_an_address_behind_words_stands_behind_them_once() -> None:
    message = linked("read this.", "this", "https://n.example/a")
    assert dialect("discord").written(message, 2_000) == "read this <https://n.example/a> ."
    spans = (*message.spans, Span(kind=SpanKind.CODE, start=0, length=4))
    assert dialect("discord").written(replace(message, spans=spans), 2_000).startswith("`read` this")
    assert (
        dialect("discord").written(Message(text="a`b", spans=(Span(kind=SpanKind.CODE, start=0, length=3),)), 99)
        == "a\\`b"
    )


def test_what_needs_too_many_parts_ends_in_dots() -> None:
    cut = parts("word " * 300, 160)
    assert len(cut) == dialects.MAX_PARTS
    assert cut[-1].endswith("…")
    assert all(utf16_length(part) <= 160 for part in cut)


# ── one target, no secret ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"nosuch://{SECRET}", "can't read"),
        ("", "can't read"),
        (f"json://a.example/{SECRET} json://b.example/{SECRET}", "2 targets"),
        (f"{SLACK}/#one/#two", "2 targets"),
        (f"matrixs://{SECRET}@matrix.example/!a:x/!b:x", "2 targets"),
        (f"matrixs://bot:{SECRET}@matrix.example", "all rooms as targets"),
        ("signals://signal.example/+34600000001/+34600000002/+34600000003", "2 targets"),
        ("mailto://127.0.0.1?from=watch@a.test&to=desk@b.test,two@b.test", "2 targets"),
        (mail_to(25, "&cc=two@b.test"), "2 targets"),
        (mail_to(25, "&bcc=two@b.test,three@b.test"), "3 targets"),
        (f"{DISCORD}?format=markdown", "says format="),
        (f"mmosts://chat.example/{SECRET.replace('-', '')}?to=one,two", "2 targets"),
    ],
)
def test_an_address_that_can_not_be_one_target_is_a_configuration_error_that_does_not_show_it(
    url: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        AppriseChannel(name="desk", url=url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("url", [*ADDRESSES.values(), mail_to(25), "matrixs://hooktoken@matrix.example?mode=matrix"])
def test_one_target_is_taken(url: str) -> None:
    channel = AppriseChannel(name="desk", url=url)
    assert repr(channel) == "AppriseChannel('desk')"
    assert channel._plugin.socket_read_timeout == READ_SECONDS


async def test_apprise_can_not_edit(target: str) -> None:
    with raises_send_error(permanent=True):
        await AppriseChannel(name="desk", url=target).edit("1", HELLO)


async def test_the_address_of_a_target_is_in_no_log_line_even_at_debug(
    httpserver: HTTPServer, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_request(f"/{SECRET}").respond_with_data("no", status=500)
    with caplog.at_level(logging.DEBUG):
        channel = AppriseChannel(name="desk", url=target)
        with raises_send_error():
            await channel.send(HELLO, possible_repeat=False)
    assert any("Failed to send" in record.getMessage() for record in caplog.records)
    assert not [record for record in caplog.records if SECRET in record.getMessage() and record.name != "werkzeug"]
