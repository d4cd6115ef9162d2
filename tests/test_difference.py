"""Two configurations: what differs, in words; and which feed has moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from monitor.config import Settings
from monitor.config.difference import AT_RESTART, Difference, difference, moved_feeds
from monitor.model import Feed
from tests.config_parts import FEED, TOKEN, loaded

PLAIN = '[[feeds]]\nurl = "https://news.test/rss"\nname = "News"\n'
HEAD = "[monitor]\n"
DESK = '[[channels]]\nname = "desk"\ntype = "console"\n'


def lines(before: str, after: str, *environments: dict[str, str]) -> list[str]:
    old, new = environments or ({}, {})
    return list(difference(here(before, old), here(after, new)).lines())


def here(text: str, environ: dict[str, str] | None = None) -> Settings:
    """Settings whose state lies where that of all the others does."""
    settings = loaded(text, environ)
    return replace(settings, state_dir=Path(settings.state_dir.name))


def feeds(count: int) -> str:
    return "".join(f'[[feeds]]\nurl = "https://site{n}.test/rss"\nname = "Site {n}"\n' for n in range(count))


def test_the_same_settings_differ_in_nothing() -> None:
    found = difference(here(PLAIN), here("# a remark\n" + PLAIN))
    assert found == Difference()
    assert not found
    assert found.lines() == ()


def test_feeds_that_come_and_go_are_named() -> None:
    other = '[[feeds]]\nurl = "https://other.test/rss"\n'
    assert lines(PLAIN, PLAIN + other) == ["Feeds added (1): https://other.test/rss"]
    assert lines(PLAIN + other, other) == ["Feeds removed, their memory kept (1): “News”"]


def test_many_feeds_are_counted_after_the_first_ten() -> None:
    (line,) = lines(PLAIN, PLAIN + feeds(13))
    assert line.startswith("Feeds added (13): “Site 0”, ")
    assert line.endswith("“Site 9” and 3 more")


def test_many_changed_feeds_are_counted_too() -> None:
    before = feeds(12)
    found = lines(before, before.replace('"\nname', '"\nalert_at = 0.9\nname'))
    assert len(found) == 11
    assert found[0] == "Feed “Site 0”: alert_at none → 0.9"
    assert found[-1] == "Feeds changed beside these: 2"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("", "every = '90m'", "every none → 90m"),
        ("every = '1h'", "every = '24h'", "every 1h → 1d"),
        ("", "enabled = false\nnote = 'paywalled'", "enabled true → false, note none → paywalled"),
        ("tags = ['ngo']", "tags = ['ngo', 'exile']", "tags ngo → ngo exile"),
        ("language = 'en'", "", "language en → none"),
        ("alert_at = 1", "alert_at = 0.95", "alert_at 1 → 0.95"),
    ],
)
def test_a_feed_that_changed_says_which_key_and_how(before: str, after: str, said: str) -> None:
    other = '\n[[feeds]]\nurl = "https://other.test/rss"\n'
    assert lines(PLAIN + before + other, PLAIN + after + other) == [f"Feed “News”: {said}"]


def test_a_feed_with_another_name_is_the_same_feed() -> None:
    assert lines(PLAIN, PLAIN.replace('"News"', '"The News"')) == ["Feed “The News”: name News → The News"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("[relevance]\n", "[relevance]\nalert_at = 0.9\n", "relevance.alert_at 0.8 → 0.9"),
        ("[relevance]\n", "[relevance]\ndigest_at = 0.4\n", "relevance.digest_at 0.5 → 0.4"),
        (HEAD, HEAD + 'timezone = "Asia/Taipei"\n', "monitor.timezone UTC → Asia/Taipei"),
        (HEAD, HEAD + 'poll_every = "1h"\n', "monitor.poll_every 15m → 1h"),
        (HEAD, HEAD + "keep_text_days = 30\n", "monitor.keep_text_days 90d → 30d"),
        (HEAD, HEAD + "first_poll_hours = 6\n", "monitor.first_poll_hours 1d → 6h"),
        ("", '[network]\nallow = ["127.0.0.1/32"]\n', "network.allow none → 127.0.0.1/32"),
        ("", "[alerts]\nburst = 9\n", "alerts.burst 5 → 9"),
        ("", '[sources]\nfirst = ["news.test"]\n', "sources.first none → news.test"),
        (HEAD, HEAD + 'state = "other"\n', "From the next start on: monitor.state"),
    ],
)
def test_every_other_key_is_named_as_it_stands_in_the_file(before: str, after: str, said: str) -> None:
    found = lines(before + FEED, after + FEED)
    assert len(found) == 1
    assert found[0].endswith(said)


def test_channels_that_come_go_and_change_are_named() -> None:
    main = '[[channels]]\nname = "main"\ntype = "telegram"\nchat = "@a_chat"\n'
    assert lines(PLAIN + DESK, PLAIN + DESK + main) == ["Channels added (1): “main”"]
    assert lines(PLAIN + DESK + main, PLAIN + DESK) == ["Channels removed, what waits for them kept (1): “main”"]
    changed = main.replace("@a_chat", "@b_chat") + 'quiet = "22:00-07:00"\nstates = ["CN"]\n'
    assert lines(PLAIN + DESK + main, PLAIN + DESK + changed) == [
        "Channel “main”: chat @a_chat → @b_chat, states none → CN, quiet none → 22:00-07:00"
    ]


def test_a_secret_is_never_said_only_that_it_changed() -> None:
    main = PLAIN + '[[channels]]\nname = "main"\ntype = "apprise"\nurl_env = "MATRIX_URL"\n'
    old = {"MATRIX_URL": "matrixs://user:firstsecret@host/room", "LONGARM_TELEGRAM_TOKEN": TOKEN}
    new = {"MATRIX_URL": "matrixs://user:othersecret@host/room", "LONGARM_PROXY": "socks5h://u:proxysecret@host:9050"}
    found = lines(main, main, old, new)
    assert found == ["Channel “main”: its address changed", "network.proxy changed", "LONGARM_TELEGRAM_TOKEN changed"]


def test_an_address_is_shown_without_the_key_in_it() -> None:
    one = '[[feeds]]\nname = "Paid"\nurl = "https://a.test/rss?key=verysecretvalue"\n'
    (line,) = lines(one, one.replace("a.test", "b.test"))
    assert line == "Feeds moved with their memory (1): “Paid” from https://a.test/rss?key=… to https://b.test/rss?key=…"


def test_a_feed_that_moved_may_change_otherwise_too() -> None:
    after = PLAIN.replace("news.test", "new.test") + "alert_at = 0.9\n"
    assert lines(PLAIN, after)[1:] == ["Feed “News”: alert_at none → 0.9"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([("https://a.test/1", "")], [("https://a.test/2", "")]),
        ([("https://a.test/1", "A")], [("https://a.test/2", "B")]),
        ([("https://a.test/1", "A")], [("https://a.test/1", "A"), ("https://a.test/2", "A")]),
        ([("https://a.test/1", "A"), ("https://a.test/3", "A")], [("https://a.test/2", "A")]),
        (
            [("https://www.bing.com/news/search?q=a&format=rss", "Bing News (en)")],
            [("https://www.bing.com/news/search?q=b&format=rss", "Bing News (en)")],
        ),
    ],
    ids=["no name", "another name", "the old one stays", "two of one name", "a search with other words"],
)
def test_what_is_not_surely_the_same_feed_has_not_moved(
    before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    assert moved_feeds(*([Feed(url=url, name=name) for url, name in some] for some in (before, after))) == ()


def test_what_can_not_change_while_running_is_named_by_keys_that_exist() -> None:
    found = lines(
        HEAD + FEED,
        HEAD
        + 'state = "other"\n[relevance]\nread_pages = false\n'
        + '[web]\nhosts = ["review.test"]\nuser_header = "Remote-User"\nproxies = ["10.0.0.1/32"]\n'
        + '[websub]\ncallback = "https://news.test/hook"\nlisten = "127.0.0.1:8090"\n'
        + FEED,
        {},
        {"LONGARM_DATABASE_URL": "postgresql+psycopg://u:p@h/d", "LONGARM_WEB_PASSWORD": "long enough"},
    )
    (line,) = found
    assert set(line.removeprefix("From the next start on: ").split(", ")) == set(AT_RESTART)
