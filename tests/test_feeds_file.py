"""The feeds.toml that comes with Longarm: it loads, covers what it says, and hides nothing."""

from __future__ import annotations

import csv
import re
import tomllib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor import config
from monitor.config import Settings
from monitor.config.searches import is_search
from monitor.model import Feed
from monitor.store import Store
from monitor.text import canonical_url
from tests.shared_data import shared
from tests.whole_parts import door

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "feeds.toml"
TEXT = FILE.read_text(encoding="utf-8")
RAW = tomllib.loads(TEXT)
KINDS = {
    "ngo", "research", "government", "parliament", "court", "prosecutor", "police", "newspaper", "broadcaster", "wire",
}  # fmt: skip


@pytest.fixture(scope="module")
def settings() -> Settings:
    return config.load(FILE, {})


def subscriptions(settings: Settings) -> list[Feed]:
    return [feed for feed in settings.feeds if not is_search(feed.url)]


def searches(settings: Settings) -> list[Feed]:
    return [feed for feed in settings.feeds if is_search(feed.url)]


def test_the_file_loads_without_a_warning(settings: Settings) -> None:
    assert settings.warnings == ()


def test_there_are_many_feeds_in_many_languages_of_many_regions(settings: Settings) -> None:
    feeds = subscriptions(settings)
    enabled = [feed for feed in feeds if feed.enabled]
    assert len(feeds) >= 150
    assert len(enabled) >= 100
    assert len({feed.language for feed in feeds}) >= 25
    assert len({feed.language for feed in enabled}) >= 20
    regions = {tag for feed in enabled for tag in feed.tags if tag.startswith("region:")}
    assert len(regions) >= 12


def test_every_kind_of_source_is_there(settings: Settings) -> None:
    feeds = subscriptions(settings)
    assert {tag for feed in feeds for tag in feed.tags} >= KINDS
    in_use = {tag for feed in feeds if feed.enabled for tag in feed.tags}
    assert KINDS - in_use == {"court"}, "no court's feed was seen answering; that of the justice department is used"


def test_every_feed_has_a_name_a_language_one_region_and_a_kind(settings: Settings) -> None:
    for feed in subscriptions(settings):
        assert feed.name, feed.url
        assert feed.language, feed.url
        assert sum(tag.startswith("region:") for tag in feed.tags) == 1, feed.url
        assert not KINDS.isdisjoint(feed.tags), feed.url


def test_names_are_unique_so_that_people_can_tell_feeds_apart(settings: Settings) -> None:
    counts = Counter(feed.name for feed in settings.feeds)
    assert [name for name, count in counts.items() if count > 1] == []


def test_names_are_written_in_their_own_script(settings: Settings) -> None:
    scripts = {
        "ru": "[а-яё]", "uk": "[а-яіїє]", "fa": "[؀-ۿ]", "ar": "[؀-ۿ]", "zh-Hans": "[一-鿿]", "zh-Hant": "[一-鿿]",
        "ko": "[가-힣]", "ja": "[ぁ-ヿ一-鿿]", "bo": "[ༀ-࿿]", "my": "[က-႟]", "km": "[ក-៿]", "ug": "[؀-ۿ]",
    }  # fmt: skip
    latin_by_choice = {"The Insider", "Meduza", "The Bell", "Tibet Times", "Vlast.kz"}
    for feed in subscriptions(settings):
        if feed.language in scripts and feed.name not in latin_by_choice:
            assert re.search(scripts[feed.language], feed.name.lower()), feed.name


def test_each_enabled_feed_says_what_sign_of_life_it_has() -> None:
    for block in re.split(r"^\[\[feeds\]\]$", TEXT, flags=re.MULTILINE)[1:]:
        table = block.split("\n[[")[0]
        if "enabled = false" not in table:
            assert re.search(
                r'^url = "[^"]+"  # (answered,? |lists? of |a list of |many lists)', table, re.MULTILINE
            ), table


def test_each_disabled_feed_says_why(settings: Settings) -> None:
    disabled = [feed for feed in settings.feeds if not feed.enabled]
    assert len(disabled) >= 50
    assert [feed.url for feed in disabled if not feed.note] == []


def test_no_feed_stands_in_it_twice(settings: Settings) -> None:
    counts = Counter(canonical_url(feed.url) for feed in settings.feeds)
    assert [url for url, count in counts.items() if count > 1] == []


def test_what_is_asked_is_asked_over_tls(settings: Settings) -> None:
    assert [feed.url for feed in settings.feeds if feed.enabled and not feed.url.startswith("https://")] == []


def test_searches_ask_two_engines_in_eighteen_languages_each(settings: Settings) -> None:
    hosts: dict[str | None, set[str]] = {}
    for feed in searches(settings):
        hosts.setdefault(urlsplit(feed.url).hostname, set()).add(feed.language)
    assert set(hosts) == {"news.google.com", "www.bing.com"}
    assert all(len(languages) >= 18 for languages in hosts.values())
    wanted = {"zh-Hans", "zh-Hant", "ar", "fa", "tr", "vi", "uk", "ru", "es", "fr", "de", "ja", "ko"}
    assert all(languages >= wanted for languages in hosts.values())


def test_every_search_is_one_valid_address_whose_query_comes_back_as_it_was_written(settings: Settings) -> None:
    written = [query for table in RAW["searches"] for query in table["query"].values()]
    found = searches(settings)
    assert len(found) == len(written)
    for feed, query in zip(found, written, strict=True):
        assert len(feed.url) < 2_000
        assert feed.url.isascii()
        assert not re.search(r'[\s"<>]', feed.url)
        parts = urlsplit(feed.url)
        assert (parts.scheme, parts.fragment) == ("https", "")
        assert parse_qs(parts.query)["q"] == [query]


def test_every_search_of_google_asks_for_recent_news_of_an_edition_that_exists(settings: Settings) -> None:
    for feed in searches(settings):
        if "news.google.com" in feed.url:
            given = {key: value[0] for key, value in parse_qs(urlsplit(feed.url).query).items()}
            assert re.search(r" when:\d+d$", given["q"]), feed.name
            country, _, _ = given["ceid"].partition(":")
            assert given["gl"] == country
            assert given["hl"].split("-")[0] == given["ceid"].partition(":")[2].split("-")[0]


def test_quotes_and_brackets_of_every_query_are_closed() -> None:
    for table in RAW["searches"]:
        for language, query in table["query"].items():
            assert query.count('"') % 2 == 0, (language, query)
            assert query.count("(") == query.count(")"), (language, query)
            assert 1 <= len(re.findall(r" OR ", query)) + 1 <= 12, (language, query)


def test_searches_are_polite(settings: Settings) -> None:
    an_hour: Counter[str] = Counter()
    for feed in searches(settings):
        assert feed.every is not None
        an_hour[str(urlsplit(feed.url).hostname)] += 3600 / feed.every.total_seconds()
    assert an_hour["news.google.com"] <= 40
    assert an_hour["www.bing.com"] <= 12


def test_the_page_of_the_list_has_the_numbers_of_the_list(settings: Settings) -> None:
    page = (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8")
    feeds = subscriptions(settings)
    enabled = sum(feed.enabled for feed in feeds)
    first = f"{len(feeds)} feeds, {enabled} of them enabled, and eight searches, which become {len(searches(settings))}"
    assert first in page
    assert len(RAW["searches"]) == 8
    signs = Counter(re.findall(r'^url = "[^"]+"  # (answered|lists? of|a list of|many lists)', TEXT, re.MULTILINE))
    assert [int(number) for number in re.findall(r"\| (\d+) \|$", page, re.MULTILINE)] == [
        signs["answered"], signs["lists of"] + signs["a list of"], signs["many lists"],
    ]  # fmt: skip
    assert f"The other {len(feeds) - enabled} are there" in page


def test_the_list_of_feeds_shows_why_a_feed_is_disabled(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text(TEXT, encoding="utf-8")
    Store.open(tmp_path / "state", now=datetime.now(UTC)).close()
    listed = door("feeds", "list", "--json", "--config", path)
    assert (listed.code, len(listed.lines)) == (0, len(settings.feeds))
    notes = {row["name"]: row["note"] for row in listed.lines if row["state"] == "disabled"}
    assert "403" in notes["Hong Kong Free Press"]
    assert all(notes.values())


@pytest.mark.shared
def test_no_address_is_invented(settings: Settings) -> None:
    with shared("domain/feeds.tsv").open(encoding="utf-8", newline="") as stream:
        known = {row["url"] for row in csv.DictReader(stream, delimiter="\t")}
    assert [feed.url for feed in subscriptions(settings) if feed.url not in known] == []
