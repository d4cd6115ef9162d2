"""`longarm doctor` looks at the bot: its token, where its updates go, who may order, and what it hears in groups."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.botapi import TOKEN, BotApi, in_thread
from tests.whole_parts import Ran, door, table, write_toml

HOOK = "https://bot.example.org/secret-path"


@pytest.fixture
def api() -> Iterator[BotApi]:
    with in_thread() as served:
        yield served


def doctor(
    folder: Path, api: BotApi, *, token: str = TOKEN, as_json: bool = True, more: str = "", **bot: object
) -> Ran:
    values = {"enabled": True, "api_url": api.url, "admins": [11], **bot}
    head = table("feeds", url="https://wire.example/rss"), table("channels", name="desk", type="console")
    toml = write_toml(folder, *head)
    spoken = "\n".join(f"{key} = {_spoken(value)}" for key, value in values.items())
    toml.write_text(f"{toml.read_text()}\n[bot]\n{spoken}\n{more}", encoding="utf-8")
    variables = {"LONGARM_TELEGRAM_TOKEN": token} if token else {}
    return door("doctor", *(["--json"] if as_json else []), "--config", toml, **variables)


def _spoken(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def bot_lines(ran: Ran) -> dict[str, dict[str, object]]:
    return {line["what"]: line for line in ran.lines if line["what"].startswith("bot")}


def test_a_bot_in_order_has_a_line_each_and_nothing_is_sent_or_changed(tmp_path: Path, api: BotApi) -> None:
    ran = doctor(tmp_path, api, raters=[11, 12])
    assert ran.code == 0
    assert {what: one["says"] for what, one in bot_lines(ran).items()} == {
        "bot token": "@longarm_bot answers",
        "bot updates": "`longarm run` asks for them; no webhook is set",
        "bot persons": "admins: 1, raters: 2",
        "bot privacy": "what people say in groups is not sent to it",
    }
    assert api.accepted == []
    assert api.hook.set_as == []


def test_a_bot_that_is_not_enabled_is_not_looked_at(tmp_path: Path, api: BotApi) -> None:
    assert bot_lines(doctor(tmp_path, api, enabled=False, admins=[])) == {}


def test_a_missing_token_is_said(tmp_path: Path, api: BotApi) -> None:
    ran = doctor(tmp_path, api, token="")
    assert ran.code == 1
    assert list(bot_lines(ran)) == ["bot token"]
    assert "@BotFather" in str(bot_lines(ran)["bot token"]["mend"])


def test_a_token_that_is_not_taken_is_said_and_never_shown(tmp_path: Path, api: BotApi) -> None:
    other = "987654321:AAother-token_that_was_revoked_long_ago00"
    ran = doctor(tmp_path, api, token=other)
    assert ran.code == 1
    assert [one["fine"] for one in bot_lines(ran).values()] == [False]
    plain = doctor(tmp_path, api, token=other, as_json=False)
    assert "BAD  bot token" in plain.out
    for shown in (ran.out, ran.err, plain.out, plain.err):
        assert other.partition(":")[2] not in shown


def test_a_server_that_is_not_there_is_said(tmp_path: Path, api: BotApi) -> None:
    ran = doctor(tmp_path, api, api_url="http://127.0.0.1:9")
    assert bot_lines(ran)["bot token"]["fine"] is False


def test_a_foreign_webhook_is_named_by_its_host_alone(tmp_path: Path, api: BotApi) -> None:
    api.hook.url = f"https://other.example/bot{TOKEN}"
    ran = doctor(tmp_path, api)
    line = bot_lines(ran)["bot updates"]
    assert ran.code == 1
    assert line["says"] == "Telegram sends them to other.example, while in feeds.toml they are asked for"
    assert "token of its own" in str(line["mend"])
    assert TOKEN.partition(":")[2] not in ran.out
    assert api.hook.url, "doctor takes nothing away"


def test_a_webhook_of_ours_is_looked_at(tmp_path: Path, api: BotApi) -> None:
    to_be = bot_lines(doctor(tmp_path, api, webhook=HOOK))["bot updates"]
    assert (to_be["fine"], "`longarm run` tells Telegram so" in str(to_be["says"])) == (True, True)
    api.hook.url = HOOK
    there = bot_lines(doctor(tmp_path, api, webhook=HOOK))["bot updates"]
    assert (there["fine"], there["says"]) == (True, "are sent to bot.example.org, 0 wait")
    api.hook.url = "https://other.example/"
    elsewhere = bot_lines(doctor(tmp_path, api, webhook=HOOK))["bot updates"]
    assert (elsewhere["fine"], "are to be sent to bot.example.org" in str(elsewhere["says"])) == (False, True)


def test_a_webhook_that_telegram_can_not_reach_is_said(tmp_path: Path, api: BotApi) -> None:
    api.hook.url, api.hook.error, api.hook.error_at = HOOK, "Connection refused", time.time() - 60
    line = bot_lines(doctor(tmp_path, api, webhook=HOOK))["bot updates"]
    assert (line["fine"], "Connection refused" in str(line["says"])) == (False, True)
    api.hook.error_at = time.time() - 7_200
    assert bot_lines(doctor(tmp_path, api, webhook=HOOK))["bot updates"]["fine"] is True


def test_who_may_order_is_looked_at(tmp_path: Path, api: BotApi) -> None:
    nobody = bot_lines(doctor(tmp_path, api, admins=[]))["bot persons"]
    assert (nobody["fine"], "/redact" in str(nobody["mend"])) == (True, True)
    itself = int(TOKEN.partition(":")[0])
    wrong = bot_lines(doctor(tmp_path, api, admins=[11, itself]))["bot persons"]
    assert (wrong["fine"], "the bot itself" in str(wrong["says"])) == (False, True)
    names = doctor(tmp_path, api, admins=["@ana"])
    assert (names.code, "admins" in names.out) == (1, True)
    review = f'[[channels]]\nname = "r"\ntype = "telegram"\nchat = "-100123"\nreview = true\napi_url = "{api.url}"\n'
    assert bot_lines(doctor(tmp_path, api, more=review))["bot persons"]["fine"] is False


def test_a_bot_that_hears_groups_is_said(tmp_path: Path, api: BotApi) -> None:
    api.hears_groups = True
    line = bot_lines(doctor(tmp_path, api))["bot privacy"]
    assert (line["fine"], "/setprivacy" in str(line["mend"])) == (False, True)
