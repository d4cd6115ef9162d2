"""[bot] and what belongs to it elsewhere in feeds.toml."""

from __future__ import annotations

import pytest

from monitor.config.difference import difference
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
