"""Which source speaks for a story."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.sources import SHIPPED, Tier, Tiers, is_under, passes_for, rank, skeleton, tier

OWN = Tiers(first=("el-faro.example", "reuters.com"), last=("apnews.com",), mirrors=("faro-mirror.example",))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.reuters.com/world/x", Tier.FIRST),
        ("https://edition.bbc.co.uk/news/1", Tier.FIRST),
        ("https://harbour-wire.example/1", Tier.PLAIN),
        ("https://notreuters.com/x", Tier.PLAIN),
        ("https://news.google.com/rss/articles/x", Tier.LAST),
        ("https://web.archive.org/web/2026/https://reuters.com/", Tier.MIRROR),
        ("https://www-reuters-com.translate.goog/x", Tier.MIRROR),
        ("https://reuter5.com/x", Tier.LOOK_ALIKE),
        ("https://reuters.com.news-now.example/x", Tier.LOOK_ALIKE),
        ("https://reuters.com-news.example/x", Tier.LOOK_ALIKE),
        ("https://www.theguard1an.com/x", Tier.LOOK_ALIKE),
        ("https://arnnesty.org/x", Tier.LOOK_ALIKE),
        ("https://аpple.com/x", Tier.LOOK_ALIKE),
        ("https://192.0.2.7/x", Tier.LOOK_ALIKE),
        ("https://[2001:db8::7]/x", Tier.LOOK_ALIKE),
        ("https://2130706433/x", Tier.LOOK_ALIKE),
        ("javascript:alert(1)", Tier.NOWHERE),
        ("", Tier.NOWHERE),
    ],
)
def test_a_host_is_heard_for_what_it_is(url: str, expected: Tier) -> None:
    assert tier(url) is expected


def test_names_in_other_scripts_are_no_look_alikes_by_themselves() -> None:
    assert tier("https://новости.рф/x") is Tier.PLAIN


def test_the_readers_own_list_goes_first_and_overrules_ours() -> None:
    urls = ["https://el-faro.example/x", "https://reuters.com/x", "https://bbc.com/x", "https://a.example/x"]
    urls += ["https://apnews.com/x", "https://msn.com/x", "https://faro-mirror.example/x"]
    mixed = [*urls[4:], *urls[:4]]
    assert sorted(mixed, key=lambda url: rank(url, OWN)) == urls
    assert tier("https://apnews.com/x", OWN) is Tier.LAST


def test_a_host_that_passes_for_one_of_the_readers_own_is_seen() -> None:
    assert tier("https://e1-faro.example/x", OWN) is Tier.LOOK_ALIKE
    assert tier("https://e1-faro.example/x") is Tier.PLAIN


def test_no_host_of_ours_passes_for_another_of_ours() -> None:
    every = (*SHIPPED.first, *SHIPPED.last, *SHIPPED.mirrors)
    assert len(every) == len(set(every))
    clashes = [(host, name) for name in SHIPPED.first for host in every if not is_under(host, name)]
    assert [pair for pair in clashes if passes_for(*pair)] == []
    assert all(tier(f"https://{host}/") < Tier.LOOK_ALIKE for host in every)


@given(st.text(max_size=40).map("https://".__add__) | st.text(max_size=40))
def test_whatever_stands_in_a_link_has_a_rank(url: str) -> None:
    assert rank(url)[0] in set(Tier)
    assert isinstance(skeleton(url), str)
