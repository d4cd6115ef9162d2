"""A feed that is suddenly another one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.alerts.takeover import is_odd
from monitor.model import Article, Sighting
from tests.render_parts import HEADLINES, NOW, article

CASINO = "https://lucky-casino.example/bonus"
OWN = "https://www.harbour-wire.example/1"


def habits(
    count: int = 30, *, urls: tuple[str, ...] = (OWN,), titles: tuple[str, ...] = ("Harbour news",)
) -> list[Sighting]:
    return [
        Sighting(title=titles[n % len(titles)], url=urls[n % len(urls)], first_seen_at=NOW - timedelta(days=2, hours=n))
        for n in range(count)
    ]


def previous(url: str = CASINO, title: str = "Win", count: int = 2) -> list[Sighting]:
    return [Sighting(title=title, url=url, first_seen_at=NOW - timedelta(hours=1)) for _ in range(count)]


def new(url: str = CASINO, title: str = "Win again", count: int = 2) -> list[Article]:
    return [article(n, url=url, title=title) for n in range(count)]


def test_two_polls_on_hosts_that_a_feed_never_had_are_odd() -> None:
    assert is_odd(new(), [*previous(), *habits()])


def test_two_polls_in_a_script_that_a_feed_never_had_are_odd() -> None:
    title = HEADLINES["zh"][0]
    assert is_odd(new(OWN, title), [*previous(OWN, title), *habits()])
    assert is_odd(new("", title), [*previous("", title), *habits(urls=("",))])


@pytest.mark.parametrize(
    ("found", "before"),
    [
        ([], [*previous(), *habits()]),
        (new(), []),
        (new(), [*previous(OWN), *habits()]),
        (new(OWN), [*previous(), *habits()]),
        ([*new(), *new(OWN)], [*previous(), *habits()]),
        (new("https://edition.harbour-wire.example/x"), [*previous("https://m.harbour-wire.example/y"), *habits()]),
        (new(), [*previous(), *habits(10)]),
        (new(count=1), [*previous(count=1), *habits()]),
        (new(), [*previous(), *habits(urls=tuple(f"https://h{n}.example/" for n in range(9)))]),
        (new(""), [*previous(""), *habits()]),
        (new(OWN, HEADLINES["zh"][0]), [*previous(OWN, HEADLINES["zh"][0]), *habits(titles=("News", "新聞標題"))]),
        (new(OWN, "123"), [*previous(OWN, "456"), *habits()]),
    ],
    ids=[
        "nothing new", "a new feed", "only this poll", "only the last poll", "some as ever", "subdomains", "no habits yet",
        "too few", "links all over the web", "no links", "two scripts", "numbers",
    ],
)  # fmt: skip
def test_what_happens_in_ordinary_feeds_is_not_odd(found: list[Article], before: list[Sighting]) -> None:
    assert not is_odd(found, before)


def test_hosts_of_one_country_are_not_all_one_owner() -> None:
    other = "https://www.casino.co.uk/x"
    assert is_odd(new(other), [*previous(other), *habits(urls=("https://www.paper.co.uk/1",))])
