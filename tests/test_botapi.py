"""The Bot API server itself: it must refuse what Telegram refuses, or tests against it prove nothing."""

from __future__ import annotations

from typing import Any

import pytest
from telegram import Bot, LinkPreviewOptions
from telegram.error import BadRequest, InvalidToken

from tests import botapi
from tests.botapi import BotApi
from tests.deliver_parts import SetClock


def bot_of(api: BotApi, token: str = "") -> Bot:
    return Bot(token or api.token, base_url=f"{api.url}/bot")


async def post(api: BotApi, **data: Any) -> Any:
    off = {"link_preview_options": LinkPreviewOptions(is_disabled=True)}
    async with bot_of(api) as bot:
        return await bot.send_message(**{"chat_id": "-200", "text": "x", **off, **data})


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        ({"text": "x" * 4097}, "too long"),
        ({"text": "🕊" * 2049}, "too long"),
        ({"text": " \n"}, "empty"),
        ({"chat_id": "-1"}, "Chat not found"),
        ({"text": "🕊x", "entities": [{"type": "bold", "offset": 1, "length": 2}]}, "entities"),
        ({"text": "abc", "entities": [{"type": "bold", "offset": 2, "length": 2}]}, "entities"),
        ({"text": "abc", "entities": [{"type": "text_link", "offset": 0, "length": 2}]}, "entities"),
    ],
)
async def test_it_refuses_what_telegram_refuses(data: dict[str, Any], refusal: str) -> None:
    async with BotApi() as api:
        entities = data.pop("entities", None)
        with pytest.raises(BadRequest, match=refusal):
            await post(api, **data, api_kwargs={"entities": entities} if entities else None)
        assert api.accepted == []


async def test_it_takes_exactly_4096_units() -> None:
    async with BotApi() as api:
        await post(api, text="🕊" * 2048)
        assert api.violations == []
        assert len(api.texts("-200")) == 1


async def test_it_notes_a_parse_mode_a_preview_and_too_many_entities() -> None:
    async with BotApi() as api:
        await post(api, parse_mode="HTML")
        await post(api, link_preview_options=None)
        with pytest.raises(BadRequest):
            await post(
                api,
                text="x" * 300,
                api_kwargs={"entities": [{"type": "bold", "offset": n, "length": 1} for n in range(101)]},
            )
        assert [line.split(" ")[0] for line in api.violations] == ["parse_mode", "a", "101"]


async def test_it_knows_its_token_and_its_methods() -> None:
    async with BotApi() as api:
        for token in ("123456789:" + "B" * 35, "nonsense"):
            with pytest.raises(InvalidToken):
                async with bot_of(api, token):
                    pass
        async with bot_of(api) as bot:
            assert await bot.get_updates() == ()
            assert await bot.delete_message("-200", 1)
            with pytest.raises(InvalidToken):
                await bot.log_out()


async def test_it_notes_broken_limits_on_its_own_clock() -> None:
    clock = SetClock()
    async with BotApi(clock=clock.seconds, limits=True) as api:
        await post(api)
        await post(api)
        assert api.violations == ["more than 1 request a second to -200"]
        for _ in range(20):
            clock.forward(seconds=1)
            await post(api)
        assert "more than 20 requests a minute to -200" in api.violations
        clock.forward(minutes=2)
        api.violations.clear()
        api.script(botapi.too_many(30))
        with pytest.raises(Exception, match="Flood"):
            await post(api)
        clock.forward(seconds=29)
        await post(api)
        assert api.violations == ["a request to -200 before its retry_after was over"]


def test_it_computes_what_telegram_would_make_live() -> None:
    code = ({"type": "code", "offset": 0, "length": 6},)
    assert botapi.pings("@admin said /stop@longarm_bot #tag, mail a@b.example and https://x.example/#frag") == (
        "@admin",
        "/stop@longarm_bot",
        "#tag",
    )
    assert botapi.pings("@admin", code) == ()
    assert botapi.pings("x", ({"type": "text_link", "offset": 0, "length": 1, "url": "tg://user?id=1"},)) == (
        "tg://user?id=1",
    )


def test_it_runs_in_a_thread_for_tests_without_a_loop() -> None:
    with botapi.in_thread() as api:
        api.script_chat("-200", botapi.forbidden(), times=2)
        assert api.url.startswith("http://127.0.0.1:")
