from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor import config
from monitor.config.searches import is_search
from monitor.errors import ConfigError
from monitor.model import ChannelRules
from tests.config_parts import FEED, problem, problems, written
from tests.config_parts import loaded as load

WHOLE = """
[monitor]
timezone = "Europe/Madrid"
user_agent = "Reader"
state = "memory"
poll_every = "1h"
first_poll_hours = 6
keep_text_days = 30

[network]
allow = ["rss-bridge:8000", "10.1.0.0/16", "[fd00::5]:81"]
proxy = "socks5h://127.0.0.1:9050"
contact = "mailto:desk@news.test"

[relevance]
alert_at = 0.9
digest_at = 0.4

[[feeds]]
url = "https://news.test/rss"
name = "News"
language = "ZH-hant"
every = "2h"
alert_at = 1
digest_at = 0.3
tags = ["ngo", "exile"]
user_agent = "Another"
proxy = "http://proxy:3128"
enabled = false

[[searches]]
provider = "google-news"
name = "Repression"
query = { en = '"a b" OR c', zh-Hant = "跨國鎮壓", pt-BR = "x" }
tags = ["search"]
every = "30m"

[[searches]]
provider = "bing-news"
query.en = "a&b"

[[channels]]
name = "main"
type = "telegram"
chat = -1001234567890
topic = 42
api_url = "https://bots.test/"
alerts = true
digest = "Monday 8:05"
languages = ["en", "zh-Hant"]
states = ["cn", "XK"]
codes = ["violence"]
tags = ["ngo"]
quiet = "22:00 - 07:00"
operators = true

[[channels]]
name = "matrix"
type = "apprise"
url_env = "MATRIX_URL"
digest = false

[[channels]]
name = "off"
type = "console"
enabled = false
"""


def test_every_key_of_a_whole_file_arrives(tmp_path: Path) -> None:
    settings = config.load(written(tmp_path, WHOLE), {"MATRIX_URL": "matrixs://user:pa55word@host/room"})
    assert settings.timezone == ZoneInfo("Europe/Madrid")
    assert (settings.user_agent, settings.state_dir) == ("Reader", tmp_path / "memory")
    assert settings.poll_every == timedelta(hours=1)
    assert settings.first_poll_window == timedelta(hours=6)
    assert settings.keep_text == timedelta(days=30)
    assert settings.allow == ("rss-bridge:8000", "10.1.0.0/16", "[fd00::5]:81")
    assert settings.proxy == "socks5h://127.0.0.1:9050"
    assert settings.contact == "desk@news.test"
    assert (settings.alert_at, settings.digest_at) == (0.9, 0.4)

    feed = settings.feeds[0]
    assert (feed.url, feed.name, feed.language) == ("https://news.test/rss", "News", "zh-Hant")
    assert (feed.every, feed.alert_at, feed.digest_at) == (timedelta(hours=2), 1.0, 0.3)
    assert (feed.tags, feed.user_agent, feed.enabled) == (("ngo", "exile"), "Another", False)
    assert feed.proxy == "http://proxy:3128"

    main, matrix = settings.channels
    assert main.rules == ChannelRules(
        name="main",
        alerts=True,
        digest="mon 08:05",
        languages=("en", "zh-Hant"),
        states=("CN", "XK"),
        codes=("violence",),
        tags=("ngo",),
        quiet=(time(22), time(7)),
        operators=True,
    )
    assert (main.type, main.chat, main.topic, main.api_url) == ("telegram", "-1001234567890", 42, "https://bots.test")
    assert matrix.apprise_url is not None
    assert matrix.apprise_url.reveal() == "matrixs://user:pa55word@host/room"
    assert (matrix.rules.digest, matrix.rules.operators) == ("", False)


def test_a_search_becomes_one_feed_for_each_language() -> None:
    feeds = load(WHOLE).feeds[1:]
    assert [(feed.name, feed.language) for feed in feeds] == [
        ("Repression (en)", "en"),
        ("Repression (zh-Hant)", "zh-Hant"),
        ("Repression (pt-BR)", "pt-BR"),
        ("Bing News (en)", "en"),
    ]
    assert feeds[0].url == ("https://news.google.com/rss/search?q=%22a%20b%22%20OR%20c&hl=en-US&gl=US&ceid=US:en")
    assert feeds[1].url.endswith("&hl=zh-TW&gl=TW&ceid=TW:zh-Hant")
    assert feeds[2].url.endswith("&hl=pt-BR&gl=BR&ceid=BR:pt-419")
    assert feeds[3].url == "https://www.bing.com/news/search?q=a%26b&format=rss&setlang=en"
    assert feeds[0].tags == ("search",)
    assert feeds[0].every == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("language", "edition"),
    [
        ("zh", "hl=zh-CN&gl=CN&ceid=CN:zh-Hans"),
        ("zh-Hans", "hl=zh-CN&gl=CN&ceid=CN:zh-Hans"),
        ("zh-HK", "hl=zh-HK&gl=HK&ceid=HK:zh-Hant"),
        ("en-GB", "hl=en-GB&gl=GB&ceid=GB:en"),
        ("es", "hl=es&gl=ES&ceid=ES:es"),
        ("es-419", "hl=es-419&gl=MX&ceid=MX:es-419"),
        ("es-AR", "hl=es-419&gl=AR&ceid=AR:es-419"),
        ("pt", "hl=pt-PT&gl=PT&ceid=PT:pt-150"),
        ("de-AT", "hl=de&gl=AT&ceid=AT:de"),
        ("fa", "hl=fa&gl=IR&ceid=IR:fa"),
        ("nb", "hl=no&gl=NO&ceid=NO:no"),
        ("bo", "hl=en-US&gl=US&ceid=US:en"),
        ("ug-CN", "hl=en-US&gl=US&ceid=US:en"),
    ],
)
def test_a_language_asks_its_own_edition(language: str, edition: str) -> None:
    feeds = load(f'[[searches]]\nprovider = "google-news"\nquery = {{ {language} = "x" }}').feeds
    assert feeds[0].url == f"https://news.google.com/rss/search?q=x&{edition}"
    assert feeds[0].language == language


def test_one_feed_is_a_whole_configuration() -> None:
    settings = load(FEED)
    assert (settings.alert_at, settings.digest_at) == (0.8, 0.5)
    assert settings.poll_every == timedelta(minutes=15)
    assert settings.user_agent == "Mozilla/5.0 (compatible; feed reader)"
    assert settings.telegram_token is settings.database_url is settings.web_password is None
    assert settings.warnings == ()
    (channel,) = settings.channels
    assert channel.type == "console"
    assert channel.rules == ChannelRules(name="console", digest="mon 08:00", operators=True)


def test_the_default_user_agent_names_no_product_and_no_version_of_ours() -> None:
    assert "longarm" not in load(FEED).user_agent.lower()


def test_a_console_hears_of_trouble_unless_told_otherwise() -> None:
    text = FEED + '[[channels]]\nname = "c"\ntype = "console"\n'
    assert load(text).channels[0].rules.operators
    quiet = load(text + "operators = false")
    assert not quiet.channels[0].rules.operators
    assert "operators = true" in quiet.warnings[0]


def test_a_channel_that_never_hears_anything_is_warned_of() -> None:
    text = FEED + '[[channels]]\nname = "deaf"\ntype = "console"\nalerts = false\noperators = false\n'
    assert [line for line in load(text).warnings if "deaf" in line]


# ── problems ──────────────────────────────────────────────────────────────────────────────────────


def test_every_problem_is_said_at_once_in_the_order_of_the_file() -> None:
    text = """[monitor]
timezone = "Europe/Madird"
[relevance]
alert_at = 1.5

[[feeds]]
url = "https://news.test/rss"

[[feeds]]
evry = "15m"
url = "https://NEWS.test:443/rss"
[[channels]]
name = "a"
type = "console"
[[channels]]
type = "telegram"
name = "a"
"""
    assert problems(text, {"LONGARM_TELEGRAM_TOKEN": "nonsense"}) == [
        'feeds.toml:2: monitor.timezone: found "Europe/Madird"; expected a time zone such as "Europe/Madrid"; did you mean "Europe/Madrid"?',
        "feeds.toml:4: relevance.alert_at: found 1.5; expected a number between 0 and 1",
        'feeds.toml:10: feeds[2].evry: unknown key; did you mean "every"?',
        'feeds.toml:11: feeds[2].url: found "https://NEWS.test:443/rss"; feeds[1].url has the same address, take one of them out',
        'feeds.toml:15: channels[2].chat: is missing; expected chat = "@name", or the number of the chat',
        'feeds.toml:17: channels[2].name: found "a"; channels[1] has it already, choose another',
        "LONGARM_TELEGRAM_TOKEN: not of a bot token's shape (digits, a colon, 30 or more letters, digits, - and _); copy it again from @BotFather, without quotes",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FEED + 'interval = "15m"', 'feeds[1].interval: unknown key; did you mean "every"?'),
        (FEED + "alert_at = 2", "feeds[1].alert_at: found 2; expected a number between 0 and 1"),
        (FEED + 'xyzzy = "15m"', "feeds[1].xyzzy: unknown key; known are every,"),
        (FEED + 'chat = "@here"', "feeds[1].chat: unknown key; it belongs under [[channels]]"),
        (FEED + "[network]\ntimezone = 1", "network.timezone: unknown key; it belongs under [monitor]"),
        (FEED + '"odd key" = 1', 'feeds[1]."odd key": unknown key'),
        (FEED + "[monitr]", 'monitr: unknown key; did you mean "monitor"?'),
        (FEED + "[feed]", 'feed: unknown key; did you mean "feeds"?'),
        (FEED + "[[monitor]]", "monitor: found a list; expected a table, under [monitor]"),
        ("[feeds]\nurl = 'https://x.test/'", "feeds: found a table; expected tables, each under [[feeds]]"),
        ("feeds = [1]", "feeds[1]: found 1; expected a table of keys and values"),
        ("feeds = ''", "no feeds; add [[feeds]]"),
        ("", "no feeds; add [[feeds]]"),
        (FEED + "enabled = false", "every feed is disabled"),
        ("[[feeds]]\nname = 'x'", "feeds[1].url: is missing; expected url ="),
        (FEED + "tags = 'ngo'", 'feeds[1].tags: found "ngo"; expected a list'),
        ("[[searches]]\nprovider = 'bing-news'\nquery = 'x'", 'query: found "x"; expected a table such as { en ='),
        ("[[searches]]\nquery = { en = 'x' }", "searches[1].provider: is missing"),
        ("[[searches]]\nprovider = 'bing-news'\nquery = { zh_Hant = 'x' }", 'did you mean "zh-Hant"?'),
        ("[[searches]]\nprovider = 'bing-news'\nquery = { zh-hant = 'x', zh-Hant = 'y' }", "same language"),
    ],
)
def test_a_problem_says_where_what_and_how_to_mend_it(text: str, said: str) -> None:
    found = problems(text)
    assert any(said in line for line in found), found


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("type = 'telegramm'", 'channels[1].type: found "telegramm"; expected "telegram" or "apprise" or "console"; '),
        ("type = 'apprise'", 'channels[1].url_env: is missing; expected url_env = "LONGARM_…"'),
        (
            "type = 'console'\nchat = '@xyzw'",
            'channels[1].chat: has no meaning for type = "console", only for "telegram"',
        ),
        (
            "type = 'telegram'\nchat = '@xyzw'\nurl_env = 'A'",
            'channels[1].url_env: has no meaning for type = "telegram"',
        ),
        ("type = 'console'\nenabled = false", "channels: every channel is disabled"),
        (
            "type = 'telegram'\nchat = '@xyzw'\ntoken = 'x'",
            "secrets don't belong in this file: set the variable LONGARM_",
        ),
        ("type = 'apprise'\nurl_env = 'A'\nurl = 'x'", "the address of an apprise channel is a secret"),
    ],
)
def test_a_channel_has_the_keys_of_its_kind(keys: str, said: str) -> None:
    assert said in problem(f"{FEED}[[channels]]\nname = 'main'\n{keys}\n")


@pytest.mark.parametrize(
    ("api_url", "allow", "fine"),
    [
        ("https://bots.test", "", True),
        ("http://bots.test", "", False),
        ("http://127.0.0.1:8081", "", True),
        ("http://localhost:8081", "", True),
        ("http://[::1]:8081", "", True),
        ("http://botapi:8081", '"botapi:8081"', True),
        ("http://botapi", '"botapi:80"', True),
        ("http://botapi:8082", '"botapi:8081"', False),
        ("http://10.1.2.3", '"10.1.0.0/16"', True),
        ("http://10.2.2.3", '"10.1.0.0/16"', False),
    ],
)
def test_the_token_goes_out_in_the_clear_only_where_nobody_listens(api_url: str, allow: str, fine: bool) -> None:
    channel = f"[[channels]]\nname = 'm'\ntype = 'telegram'\nchat = '@xyzw'\napi_url = '{api_url}'"
    found = problems(f"[network]\nallow = [{allow}]\n{FEED}{channel}\n")
    assert bool(found) is not fine
    assert fine or "in the clear" in found[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[relevance]\nalert_at = 0.4\n" + FEED,
            "2: relevance.alert_at: found 0.4; expected at least digest_at, which is 0.5",
        ),
        (
            "[relevance]\nalert_at = 0.7\ndigest_at = 0.75\n" + FEED,
            "3: relevance.digest_at: found 0.75; expected at most",
        ),
        (FEED + "digest_at = 0.9", "3: feeds[1].digest_at: found 0.9; expected at most alert_at, which is 0.8 here"),
        (FEED + "alert_at = 0.1", "3: feeds[1].alert_at: found 0.1; expected at least digest_at, which is 0.5 here"),
    ],
)
def test_thresholds_stand_in_order_in_every_feed_too(text: str, said: str) -> None:
    assert f"feeds.toml:{said}" in problem(text)


def test_thresholds_that_are_equal_leave_the_digest_empty_and_are_fine() -> None:
    assert load(FEED + "digest_at = 0.8").feeds[0].digest_at == 0.8


@pytest.mark.parametrize(
    "other",
    [
        "https://news.test/rss",
        "HTTPS://News.Test/rss",
        "https://news.test:443/rss",
        "https://news.test/rss#top",
    ],
)
def test_the_same_feed_twice_is_one_too_many(other: str) -> None:
    assert "feeds[1].url has the same address" in problem(f'{FEED}[[feeds]]\nurl = "{other}"')


def test_what_is_no_address_at_all_is_found_twice_too() -> None:
    found = problems('[[feeds]]\nurl = "news"\n[[feeds]]\nurl = "news"\n')
    assert [line for line in found if "feeds[1].url has the same address" in line]


def test_a_name_that_is_no_text_is_not_compared() -> None:
    channel = "[[channels]]\nname = 1\ntype = 'console'\n"
    assert [line.partition(";")[0] for line in problems(FEED + channel + channel)] == [
        f"feeds.toml:{number}: channels[{index}].name: found 1" for index, number in ((1, 4), (2, 7))
    ]


def test_feeds_that_differ_in_path_or_scheme_are_two() -> None:
    assert (
        len(load(f'{FEED}[[feeds]]\nurl = "http://news.test/rss"\n[[feeds]]\nurl = "https://news.test/RSS"').feeds) == 3
    )


def test_the_same_search_twice_is_found_as_well() -> None:
    search = "[[searches]]\nprovider = 'bing-news'\nquery = { en = 'x' }\n"
    assert "searches[2].query.en" in problem(search + search)


# ── the file itself ───────────────────────────────────────────────────────────────────────────────


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"feeds\.toml: there is no such file; --config names another one"):
        config.load(tmp_path / "feeds.toml", {})


def test_a_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        config.load(tmp_path, {})


def test_a_path_that_leads_nowhere_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"can't be read \(Not a directory\)"):
        config.load(tmp_path / "file" / "feeds.toml", {})
    with pytest.raises(ConfigError, match=r"a\\x00b: can't be read \(not a path\)"):
        config.load(Path("a\x00b"), {})


def test_a_file_in_another_encoding_is_one_line_with_its_place() -> None:
    assert problem((FEED + "name = 'Müller'").encode("latin-1")) == "feeds.toml:3: not UTF-8; save the file in UTF-8"
    assert "not UTF-8" in problem(FEED.encode("utf-16"))


def test_a_byte_order_mark_and_line_ends_of_windows_are_taken() -> None:
    assert load(b"\xef\xbb\xbf" + FEED.replace("\n", "\r\n").encode()).feeds[0].url == "https://news.test/rss"


def test_lines_are_counted_the_same_with_line_ends_of_windows() -> None:
    assert problem((FEED + "\nevry = 1").replace("\n", "\r\n")).startswith("feeds.toml:4: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = 1\na = 2", "feeds.toml:2: not valid TOML: this key or table stands here for the second time"),
        ("\nname = News", "feeds.toml:2: not valid TOML: a value that is none; texts need quotes (column 8)"),
        ("\n\nname =", "feeds.toml:3: not valid TOML: "),
        ("\nname = [1,\n\n", "feeds.toml:2: not valid TOML: "),
        ("key value", "feeds.toml:1: not valid TOML: expected '=' after a key"),
        ("a = 'x\x1b[31m'", "feeds.toml:1: not valid TOML: "),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("a = " + "9" * 5000, "feeds.toml:1: not valid TOML: "),
    ],
)
def test_a_mistake_in_toml_itself_is_one_line_with_its_place(text: str, said: str) -> None:
    found = problem(text)
    assert said in found
    assert "\x1b" not in found


def test_control_characters_of_the_file_never_reach_the_terminal() -> None:
    found = problems(FEED + '"evry\\u001b[31m" = 1\nname = "a\\nb\\u202e"')
    assert len(found) == 2
    assert all(line.isprintable() for line in found)


# ── the file that comes with the project ──────────────────────────────────────────────────────────


def test_the_feeds_toml_of_the_project_loads_and_speaks_many_languages() -> None:
    settings = config.load(Path(__file__).resolve().parents[1] / "feeds.toml", {})
    assert len(settings.feeds) >= 35
    assert len({feed.language for feed in settings.feeds}) >= 8
    assert all(feed.language and feed.name for feed in settings.feeds)
    assert settings.warnings == ()
    assert [channel.type for channel in settings.channels] == ["console"]


def test_the_commented_telegram_channel_of_the_project_works_without_its_marks() -> None:
    text = (Path(__file__).resolve().parents[1] / "feeds.toml").read_text(encoding="utf-8")
    marked = [line for line in text.splitlines() if line.startswith("# ")]
    begin = marked.index("# [[channels]]")
    block = "\n".join(line.removeprefix("# ") for line in marked[begin : begin + 6] if "=" in line or "[[" in line)
    (channel,) = load(FEED + block).channels
    assert (channel.name, channel.type, channel.chat) == ("main", "telegram", "@your_channel")


def test_a_note_is_kept_for_people() -> None:
    (feed,) = load(
        FEED + 'enabled = false\nnote = " paywalled "\n[[searches]]\nprovider = "bing-news"\nquery = {}'
    ).feeds
    assert feed.note == "paywalled"
    assert "a remark of at most 200 characters" in problem(FEED + f'note = "{"x" * 201}"')


def test_hubs_that_would_learn_what_a_proxy_hides_are_doubted() -> None:
    websub = '[websub]\ncallback = "https://news.test/hook/"\nlisten = "127.0.0.1:8090"\n'
    settings = load(FEED + websub)
    assert (settings.websub.callback, settings.websub.listen) == ("https://news.test/hook", "127.0.0.1:8090")
    assert not [line for line in settings.warnings if "[websub]" in line]
    (warning,) = [line for line in load(FEED + websub + '[network]\nproxy = "http://p:1"').warnings if "hubs" in line]
    assert "the callback's address" in warning


def test_an_onion_address_without_a_proxy_is_doubted() -> None:
    feed = '[[feeds]]\nurl = "http://examplexample.onion/rss"\nname = "Hidden"\n'
    (warning,) = load(feed).warnings
    assert "“Hidden”" in warning
    assert "socks5h://127.0.0.1:9050" in warning
    assert load(FEED + feed + "enabled = false").warnings == ()
    assert load(feed + '[network]\nproxy = "socks5h://127.0.0.1:9050"').warnings == ()
    assert load(feed + 'proxy = "socks5h://127.0.0.1:9050"').warnings == ()
    assert load(feed, {"LONGARM_PROXY": "socks5h://u:p@127.0.0.1:9050"}).warnings == ()


def test_only_addresses_of_searches_are_searches() -> None:
    assert all(is_search(feed.url) for feed in load(WHOLE).feeds[1:])
    assert not is_search("https://news.google.com/rss")
    assert not is_search("https://evil.test/?https://news.google.com/rss/search?q=x")
