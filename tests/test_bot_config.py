"""[bot] and what belongs to it elsewhere in feeds.toml."""

from __future__ import annotations

import pytest

from monitor.config.difference import difference
from monitor.errors import ConfigError
from tests.config_parts import FEED, TOKEN, loaded, problem

TELEGRAM = '[[channels]]\nname = "r"\ntype = "telegram"\nchat = "-1"\noperators = true\n'


def test_nothing_is_asked_of_a_bot_unless_it_is_enabled() -> None:
    bot = loaded(FEED).bot
    assert (bot.enabled, bot.subscriptions, bot.admins, bot.raters) == (False, False, (), ())


def test_persons_are_numbers() -> None:
    bot = loaded("[bot]\nenabled = true\nadmins = [1]\nraters = [2, 3]\n" + FEED, {"LONGARM_TELEGRAM_TOKEN": TOKEN}).bot
    assert (bot.admins, bot.raters) == ((1,), (2, 3))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("admins = [1087968824]", "found 1087968824; expected a person's own number"),
        ("admins = [777000]", "found 777000; expected a person's own number"),
        ('admins = ["@ana"]', 'found "@ana"; expected the number of a person'),
        ("raters = [-100123]", "found -100123; expected the number of a person"),
        ("max_subscribers = 99999", "found 99999; expected people who may subscribe"),
        ("near_misses = -1", "found -1; expected near misses a day"),
        ("near_band = 2", "found 2; expected a number between 0 and 1"),
        ("token = 5", "secrets don't belong in this file"),
        ('api_url = "http://far.test"', "expected https://: the token would be sent in the clear"),
    ],
)
def test_what_can_not_be_used_is_said(text: str, said: str) -> None:
    assert said in problem(f"[bot]\n{text}\n{FEED}")


def test_no_channel_is_called_like_a_subscribers() -> None:
    assert "subscribers' channels are called" in problem(FEED + '[[channels]]\nname = "sub:1"\ntype = "console"\n')


def test_only_telegram_is_reviewed_in() -> None:
    text = FEED + '[[channels]]\nname = "x"\ntype = "console"\nreview = true\n'
    assert 'has no meaning for type = "console"' in problem(text)


@pytest.mark.parametrize(
    ("text", "token", "said"),
    [
        ("[bot]\nenabled = true\n", False, "no LONGARM_TELEGRAM_TOKEN is set: the bot answers nobody"),
        ("[bot]\nadmins = [1]\n", True, "is not enabled"),
        (TELEGRAM + "review = true\n", True, "needs enabled = true under [bot]"),
        ("[bot]\nenabled = true\n" + TELEGRAM + "review = true\n", True, "nobody is named in bot.raters"),
    ],
)
def test_what_will_not_work_is_warned_of(text: str, token: bool, said: str) -> None:
    found = loaded(FEED + text, {"LONGARM_TELEGRAM_TOKEN": TOKEN} if token else {})
    assert any(said in line for line in found.warnings)


def test_another_list_of_persons_is_named_when_settings_change() -> None:
    before, after = (loaded(f"[bot]\nadmins = [{who}]\n{FEED}") for who in ("1", "1, 2"))
    assert "bot.admins changed" in difference(before, after).lines()


# ── a webhook ─────────────────────────────────────────────────────────────────────────────────────

HOOKED = '[bot]\nenabled = true\nwebhook = "https://bot.example.org/telegram/"\n'


def test_telegram_is_asked_unless_there_is_an_address_to_send_to() -> None:
    assert loaded(FEED).bot.webhook == ""
    found = loaded(HOOKED + FEED, {"LONGARM_TELEGRAM_TOKEN": TOKEN, "LONGARM_WEBHOOK_SECRET": "a-secret_of-16-chars"})
    assert (found.bot.webhook, found.bot.listen) == ("https://bot.example.org/telegram", "127.0.0.1:8082")
    assert found.webhook_secret is not None
    assert "a-secret_of-16-chars" not in repr(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('webhook = "bot.example.org"', "expected an address that begins with https://"),
        ('webhook = "https://bot.example.org/?a=b"', 'expected an address without "?" and "#"'),
        ('webhook = "http://bot.example.org/"', "expected https://: Telegram sends in no other way"),
        ('webhook = "http://127.0.0.1/"', "expected https://: Telegram sends in no other way"),
        ('webhook = "https://bot.example.org:9000/"', "found port 9000; expected one that Telegram sends to: 443, 80"),
        ('webhook = "http://far.test/"\napi_url = "http://127.0.0.1:8081"', "expected https://"),
        ('webhook = "https://ana:secret@bot.example.org/"', "user"),
        ('listen = "8082"', "expected a host and port"),
    ],
)
def test_an_address_that_telegram_could_not_send_to_is_said(text: str, said: str) -> None:
    assert said in problem(f"[bot]\nenabled = true\n{text}\n{FEED}")


@pytest.mark.parametrize("webhook", ["https://bot.example.org:8443/", "http://127.0.0.1:9000/", "https://b.test:9000/"])
def test_a_bot_api_server_of_ones_own_may_send_close_by_and_to_any_port(webhook: str) -> None:
    own = 'api_url = "http://127.0.0.1:8081"\n'
    found = loaded(f'[bot]\nenabled = true\nwebhook = "{webhook}"\n{own}{FEED}', {"LONGARM_TELEGRAM_TOKEN": TOKEN})
    assert found.bot.webhook == webhook.rstrip("/")


@pytest.mark.parametrize(
    "secret", ["short", "x" * 257, "with spaces in it, and commas", "ümläute-sind-keine-buchstaben"]
)
def test_a_secret_that_telegram_does_not_take_is_said_without_it(secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(HOOKED + FEED, {"LONGARM_TELEGRAM_TOKEN": TOKEN, "LONGARM_WEBHOOK_SECRET": secret})
    assert "LONGARM_WEBHOOK_SECRET" in str(caught.value)
    assert secret not in str(caught.value)


def test_a_webhook_without_a_bot_is_warned_of() -> None:
    found = loaded('[bot]\nwebhook = "https://bot.example.org/"\n' + FEED)
    assert any("a webhook and is not enabled" in line for line in found.warnings)


def test_another_address_is_named_and_another_secret_is_only_said_to_differ() -> None:
    before = loaded(
        HOOKED + FEED, {"LONGARM_TELEGRAM_TOKEN": TOKEN, "LONGARM_WEBHOOK_SECRET": "the-first-secret-of-us"}
    )
    changed = HOOKED.replace("bot.example.org", "b.example.org")
    after = loaded(
        changed + FEED, {"LONGARM_TELEGRAM_TOKEN": TOKEN, "LONGARM_WEBHOOK_SECRET": "the-second-secret-of-us"}
    )
    lines = difference(before, after).lines()
    assert any(
        "bot.webhook https://bot.example.org/telegram → https://b.example.org/telegram" in line for line in lines
    )
    assert any("LONGARM_WEBHOOK_SECRET" in line for line in lines)
    assert not any("secret-of-us" in line for line in lines)
