"""The one picture of a digest on its way: photo, attachment, a path on the console; and the words alone where it fails."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor import app, config
from monitor.alerts.channels.apprise import AppriseChannel
from monitor.alerts.channels.console import ConsoleChannel
from monitor.alerts.channels.telegram import MAX_CAPTION, TelegramChannel
from monitor.alerts.deliver import PICTURE_TRIES
from monitor.digest import picture, render
from monitor.digest.queueing import queue_due
from monitor.errands import Errand, ErrandKind, Errands
from monitor.errors import SendError
from monitor.model import (
    PICTURE_PART,
    SUBSCRIBER,
    ChannelRules,
    Delivery,
    DeliveryState,
    DigestEdit,
    EditKind,
    Message,
    Span,
    SpanKind,
)
from monitor.public import entries
from tests import botapi
from tests.botapi import BotApi
from tests.chats_parts import mail_to, post_office
from tests.deliver_parts import CHANNEL, QUICK, raises_send_error, row, scene, telegram
from tests.digest_parts import END, full_digest, full_week
from tests.render_parts import MADRID, STATE
from tests.store_parts import FEED, NOW, a_story, an_outcome, article_id, judged
from tests.test_digest_queueing import Week

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
WORDS = "Stories a week: 60 alerted"


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as served:
        yield served


@pytest.fixture
async def channel(api: BotApi) -> AsyncIterator[TelegramChannel]:
    made = telegram(api, "main", CHANNEL)
    yield made
    await made.aclose()
    assert api.violations == []


@pytest.fixture
def drawn(tmp_path: Path) -> Message:
    path = tmp_path / "2026-W47-en.png"
    path.write_bytes(PNG)
    return Message(text=WORDS, spans=(Span(kind=SpanKind.BOLD, start=0, length=7),), silent=True, picture=str(path))


# ── Telegram ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_picture_is_a_photo_with_its_words_as_caption(
    api: BotApi, channel: TelegramChannel, drawn: Message
) -> None:
    remote_id = await channel.send(drawn, possible_repeat=True, reply_to="7")
    (got,) = api.accepted
    assert (got.photo, got.silent, str(got.message_id)) == (PNG, True, remote_id)
    assert got.text.endswith(WORDS)
    assert got.text != WORDS, "a possible repeat is marked"
    assert [entity["length"] for entity in got.entities if entity["type"] == "bold"] == [7]
    assert [method for method, *_ in api.requests] == ["sendPhoto"]


async def test_a_caption_is_cut_where_telegram_would_refuse_it(
    api: BotApi, channel: TelegramChannel, drawn: Message
) -> None:
    await channel.send(replace(drawn, text="😀" * 3_000), possible_repeat=False)
    (got,) = api.accepted
    assert got.photo == PNG
    assert len(got.text.encode("utf-16-le")) // 2 <= MAX_CAPTION


@pytest.mark.parametrize(
    "fault",
    [
        botapi.bad_request("IMAGE_PROCESS_FAILED"),
        botapi.bad_request("PHOTO_INVALID_DIMENSIONS"),
        botapi.bad_request("not enough rights to send photos to the chat"),
        botapi.html(413),
        botapi.html(502),
        botapi.raw(b'{"ok": false, "error_code": 413, "description": "Request Entity Too Large"}', status=413),
    ],
    ids=lambda fault: f"{fault.status} {fault.body[-40:]!r}",
)
async def test_a_picture_that_is_refused_leaves_its_words(
    api: BotApi, channel: TelegramChannel, drawn: Message, fault: botapi.Fault
) -> None:
    api.script(fault)
    await channel.send(drawn, possible_repeat=False)
    (got,) = api.accepted
    assert (got.photo, got.text) == (b"", WORDS)
    assert [method for method, *_ in api.requests] == ["sendPhoto", "sendMessage"]


async def test_a_picture_that_is_gone_or_none_leaves_its_words(
    api: BotApi, channel: TelegramChannel, drawn: Message
) -> None:
    Path(drawn.picture).write_bytes(b"no picture")
    await channel.send(drawn, possible_repeat=False)
    Path(drawn.picture).unlink()
    await channel.send(drawn, possible_repeat=False)
    assert [(got.photo, got.text) for got in api.accepted] == [(b"", WORDS)] * 2


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (botapi.too_many(7), {"retry_after": timedelta(seconds=7)}),
        (botapi.forbidden(), {"permanent": True, "about": "chat"}),
        (botapi.unauthorized(), {"permanent": True, "about": "account"}),
        (botapi.migrated(-1009), {"migrated_to": "-1009"}),
        (botapi.RESET_AFTER, {"outcome_unknown": True}),
        (botapi.HALF_AFTER, {"outcome_unknown": True}),
    ],
    ids=["429", "403", "401", "moved", "reset", "half"],
)
async def test_what_holds_for_the_chat_or_leaves_it_open_is_no_matter_of_the_picture(
    api: BotApi, channel: TelegramChannel, drawn: Message, fault: botapi.Fault, expected: dict[str, object]
) -> None:
    api.script(fault)
    with pytest.raises(SendError) as caught:
        await channel.send(drawn, possible_repeat=False)
    assert {name: getattr(caught.value, name) for name in expected} == expected
    assert len(api.requests) == 1


async def test_a_photo_that_hangs_may_have_arrived(api: BotApi, drawn: Message) -> None:
    hasty = telegram(api, "main", CHANNEL, timeout=QUICK)
    api.script(botapi.HANG_AFTER)
    with raises_send_error(outcome_unknown=True):
        await hasty.send(drawn, possible_repeat=False)
    await hasty.aclose()


# ── the outbox ────────────────────────────────────────────────────────────────────────────────────


def rows(drawn: Message) -> tuple[Delivery, ...]:
    parts = [row(f"digest:2026-W47/{part}") for part in (1, 2)]
    return (*parts, replace(row(f"digest:2026-W47/{PICTURE_PART}"), message=drawn))


async def test_the_picture_goes_last_and_survives_a_restart(tmp_path: Path, drawn: Message) -> None:
    async with scene(tmp_path / "state") as stage:
        stage.queue(*rows(drawn))
        stage.again()
        await stage.deliver_all()
        assert [bool(got.photo) for got in stage.api.accepted] == [False, False, True]
        assert stage.states() == ["sent"] * 3
        assert stage.api.violations == []


async def test_a_picture_that_never_gets_through_lets_its_words_and_the_next_alert_pass(
    tmp_path: Path, drawn: Message
) -> None:
    async with scene(tmp_path / "state") as stage:
        stage.queue(*rows(drawn), row("story:1"))
        stage.api.script(botapi.OK, botapi.OK, *[botapi.RESET_BEFORE] * PICTURE_TRIES)
        await stage.deliver_all()
        assert [got.text for got in stage.api.accepted] == [found.message.text for found in rows(drawn)[:2]]
        for _ in range(PICTURE_TRIES):
            stage.clock.forward(minutes=3)
            await stage.deliver_all()
        last = stage.api.accepted[2:]
        assert [got.photo for got in last] == [b"", b""]
        assert WORDS in last[0].text
        assert stage.line("story:1")["state"] == "sent"
        assert [method for method, *_ in stage.api.requests].count("sendPhoto") == PICTURE_TRIES


async def test_a_crash_while_it_is_sent_repeats_it_marked(tmp_path: Path, drawn: Message) -> None:
    async with scene(tmp_path / "state") as stage:
        stage.queue(rows(drawn)[2])
        (waiting,) = stage.store.pending(stage.clock())
        stage.store.mark_sending(waiting.id, stage.clock())
        stage.again()
        await stage.deliver_all()
        (got,) = stage.api.accepted
        assert got.photo == PNG
        assert "repeat" in got.text.lower()


def test_a_digest_is_published_whether_its_picture_went_or_not(drawn: Message) -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    done = [replace(one, state=DeliveryState.SENT, sent_at=at) for one in rows(drawn)[:2]]
    dead = replace(rows(drawn)[2], state=DeliveryState.DEAD)
    assert entries.digests_told([*done, dead]) == (("2026-W47", "main", at),)


# ── other channels ────────────────────────────────────────────────────────────────────────────────


async def test_the_console_says_where_the_picture_is(drawn: Message) -> None:
    stream = io.StringIO()
    await ConsoleChannel(name="console", stream=stream).send(drawn, possible_repeat=False)
    assert WORDS in stream.getvalue()
    assert f"Picture: {drawn.picture}" in stream.getvalue()


async def test_a_mail_has_the_picture_as_an_attachment(drawn: Message) -> None:
    with post_office() as office:
        channel = AppriseChannel(name="desk", url=mail_to(office.port))
        assert channel.shows_pictures
        await channel.send(drawn, possible_repeat=False)
        Path(drawn.picture).unlink()
        await channel.send(drawn, possible_repeat=False)
    with_it, without = office.letters
    assert (with_it.files, without.files) == (1, 0)
    assert WORDS in with_it.text
    assert WORDS in without.text


def test_chats_that_take_no_attachment_are_sent_none() -> None:
    assert not AppriseChannel(name="desk", url="json://127.0.0.1:9/").shows_pictures


# ── queued ────────────────────────────────────────────────────────────────────────────────────────


def queued(folder: Path, *shows: str, language: str = "") -> dict[tuple[str, str], Delivery]:
    store = Week(full_week(), states=(STATE,))
    files = app.DigestFiles(folder)
    channels = [ChannelRules(name=name, digest="mon 08:00", language=language) for name in ("main", "other")]
    queue_due(store, channels, tz=MADRID, now=END + timedelta(hours=10), write=files, draw=files.drawn, shows=shows)
    return store.rows


def test_a_channel_that_shows_pictures_gets_one_after_its_text(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    if not picture.can_draw():
        pytest.skip("no font on this machine")
    found = queued(tmp_path, "main")
    mine = [key for key, channel in found if channel == "main"]
    assert mine[-1] == f"digest:2026-W47/{PICTURE_PART}"
    assert not any(PICTURE_PART in key for key, channel in found if channel == "other")
    told = found[mine[-1], "main"].message
    assert Path(told.picture) == tmp_path / "2026-W47-en.png"
    assert Path(told.picture).read_bytes().startswith(b"\x89PNG")
    assert told.silent
    assert told.text.startswith("Overseas policing week, 16–22 Nov 2026")
    assert "China → United States" in told.text
    assert Path(queued(tmp_path, "main", language="fa")[mine[-1], "main"].message.picture).name == "2026-W47-fa.png"


def test_what_can_not_be_drawn_or_written_costs_the_picture_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "find_spec", lambda _: None)
    assert not picture.can_draw()
    assert [key for key, _ in queued(tmp_path / "a", "main", "other")] == ["digest:2026-W47/1"] * 2
    monkeypatch.undo()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2026-W47-en.png").mkdir()
    assert [key for key, _ in queued(tmp_path / "b", "main", "other")] == ["digest:2026-W47/1"] * 2


def test_a_week_with_nothing_to_count_has_no_picture(tmp_path: Path) -> None:
    store = Week(states=(STATE,))
    files = app.DigestFiles(tmp_path)
    queue_due(
        store, [ChannelRules(name="main", digest="mon 08:00")], tz=ZoneInfo("UTC"), now=END + timedelta(hours=12),
        write=files, draw=files.drawn, shows=("main",),
    )  # fmt: skip
    assert [key for key, _ in store.rows] == ["digest:2026-W47/1"]
    assert render.as_caption(full_digest(trends=None), "").text == "Overseas policing week, 16–22 Nov 2026"


def test_a_font_that_is_missing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "as_png", lambda _: b"blank")
    assert not picture.can_draw()


def test_the_loopback_server_reads_what_a_form_with_a_file_says() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n-100123\r\n--b\r\nContent-Disposition: form-data; name="photo"; filename="p"\r\nContent-Type: image/png\r\n\r\n' + PNG + b"\r\n--b--\r\n"  # fmt: skip
    form = botapi._form("POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b", body)
    assert (form["chat_id"], form["photo"].encode("latin-1")) == ("-100123", PNG)


def test_subscribers_get_the_text_alone(tmp_path: Path) -> None:
    store = Week(full_week(), states=(STATE,))
    files, reader = app.DigestFiles(tmp_path), ChannelRules(name=f"{SUBSCRIBER}1", digest="mon 08:00")
    at = END + timedelta(hours=10)
    queue_due(store, [reader], tz=MADRID, now=at, write=files, draw=files.drawn, shows=(reader.name,))
    assert [key for key, _ in store.rows] == ["digest:2026-W47/1"]


# ── the whole way ─────────────────────────────────────────────────────────────────────────────────

TOML = """
[monitor]
state = "state"
digest_review = "hold until Tue 12:00"
[relevance]
read_pages = false
[[feeds]]
url = "{feed}"
[[channels]]
name = "main"
type = "telegram"
chat = "-100123"
api_url = "{url}"
digest = "mon 08:00"
"""


async def test_a_held_digest_goes_out_whole_through_the_daemon_with_what_was_changed(
    tmp_path: Path, api: BotApi
) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text(TOML.format(feed=FEED, url=api.url), encoding="utf-8")
    settings = config.load(path, {"LONGARM_TELEGRAM_TOKEN": api.token})
    ones = (judged("kept"), judged("gone"))
    ends = datetime.fromisoformat("2026-11-24T12:00:00+00:00")
    for at, count in ((ends - timedelta(hours=28), 0), (ends, 1), (ends + timedelta(hours=1), 0)):
        async with app.opened(settings, now=at, stream=io.StringIO()) as running:  # each is a restart
            told = tuple(map(a_story, ones))
            running.store.record(replace(an_outcome(*ones), announce=told), (), now=NOW)
            assert app.digest_pass(running, at) == count
            for _ in range(4):
                await app.deliver_pass(running, at)
                at += timedelta(seconds=2)
        if not count:
            edit = DigestEdit(
                id="1", week="2026-W47", kind=EditKind.DROP, by="ana", at=at, about=article_id("gone")
            )  # fmt: skip
            errand = Errand(kind=ErrandKind.DIGEST, by="ana", at=at, about=edit.week, edit=edit)
            Errands(settings.state_dir).ask(errand)
    text, *photos = api.accepted
    assert "Title kept" in text.text
    assert "Title gone" not in text.text
    assert [got.photo[:4] for got in photos] == ([b"\x89PNG"] if picture.can_draw() else [])
    assert (settings.state_dir / "digests" / "2026-W47.html").exists()
    assert api.violations == []
