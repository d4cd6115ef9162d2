"""Real feeds as they were polled, in turn: every entry is stored once, nothing is told twice, again adds nothing."""

from __future__ import annotations

import io
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest

from monitor import app, config
from monitor.poll import poll_due
from monitor.store import Store
from tests.shared_data import shared
from tests.whole_parts import ALL, Site, serving, table, write_toml

pytestmark = pytest.mark.shared

LEAST_GAP = timedelta(minutes=6)
"""Feeds are asked every five minutes, give or take a little; a poll that came sooner is served a little later."""
EARLY = ("bbc", "latimes", "nytimes")
LATE = ("aljazeeraenglish",)


@dataclass(frozen=True)
class Snapshot:
    feed: str
    at: datetime
    body: bytes


def snapshots(folder: Path, feeds: Sequence[str], every: int) -> list[Snapshot]:
    """Every `every`-th poll of `feeds`, in order of time."""
    chosen = [path for feed in feeds for path in sorted((folder / feed).glob("*.xml"))[::every]]
    made = [
        Snapshot(path.parent.name, datetime.fromtimestamp(int(path.stem), UTC), path.read_bytes()) for path in chosen
    ]
    return sorted(made, key=lambda one: (one.at, one.feed))


class Articles:
    """An independent reading: entries of one feed that share id, link, or the whole of their text are one article.

    The last is for a paper that moves an article to another section: id and address change, not a word of it does.
    """

    def __init__(self, polls: Sequence[Snapshot]) -> None:
        self._of: dict[tuple[str, str], tuple[str, str]] = {}
        self.entries = 0
        for poll in polls:
            for entry in feedparser.parse(poll.body).entries:
                self.entries += 1
                text = f"{entry.title}\n{entry.get('summary', '')}"
                names = [(poll.feed, name) for name in (entry.get("id"), entry.get("link"), text) if name]
                for name in names:
                    self._of.setdefault(name, name)
                    self._of[self.of(*name)] = self.of(*names[0])

    def of(self, feed: str, name: str) -> tuple[str, str]:
        found = (feed, name)
        while self._of[found] != found:
            found = self._of[found]
        return found

    def all(self) -> set[tuple[str, str]]:
        return {self.of(*name) for name in self._of}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("snapshots")
    with tarfile.open(shared("data/feed_snapshots.tar.xz")) as archive:
        archive.extractall(place, filter="data")
    return place / "feed_snapshots"


def settings(place: Path, site: Site, feeds: Sequence[str]) -> config.Settings:
    wanted = [table("feeds", url=site.feed(feed), name=feed, every="5m", **ALL) for feed in feeds]
    no_caps = "[alerts]\nburst = 1000\nfeed_cap = 100000\nchannel_cap = 100000\n"
    desk = table("channels", name="desk", type="console")
    return config.load(write_toml(place, *wanted, desk, relevance=no_caps), {})


async def watched(
    settings: config.Settings, site: Site, polls: Sequence[Snapshot], now: datetime
) -> tuple[str, datetime]:
    """Serve `polls` in turn and take each in; return what the channel heard, and the time afterwards."""
    heard = io.StringIO()
    async with app.opened(settings, now=now, stream=heard, clock=lambda: now) as opened:
        for poll in polls:
            now = max(poll.at, now + LEAST_GAP)
            site.pages[poll.feed] = poll.body
            before = len(site.asked)
            report = await poll_due(opened.watch, now)
            assert report.failed == 0
            assert poll.feed in site.asked[before:]
            while (await app.deliver_pass(opened, now)).progressed:
                pass
    return heard.getvalue(), now


async def take_in_and_compare(place: Path, folder: Path, every: int) -> None:
    early, late = snapshots(folder, EARLY, every), snapshots(folder, LATE, every)
    expected = Articles([*early, *late])
    with serving() as site:
        site.pages |= {poll.feed: poll.body for poll in reversed([*early, *late])}  # what there is before its time
        heard, now = await watched(settings(place, site, EARLY), site, early, early[0].at)
        # A feed is added later, the others go on.
        more, now = await watched(settings(place, site, EARLY + LATE), site, late, now)
        stored, told = _stored(settings(place, site, EARLY + LATE), expected)
        again, _ = await watched(settings(place, site, EARLY + LATE), site, [*early, *late], now)
        assert _stored(settings(place, site, EARLY + LATE), expected) == (stored, told)
    assert again == ""
    assert expected.entries > 2 * len(expected.all())  # most of a poll was there before
    assert len(told) > 50
    answers = len(re.findall(r"^Update on: ", heard + more, re.MULTILINE))
    assert heard.count("Source: ") + more.count("Source: ") == len(told) + answers


def _stored(settings: config.Settings, expected: Articles) -> tuple[dict[str, tuple[str, int]], set[str]]:
    """What is stored, after a comparison with the independent reading: id -> (title, version), and what was told."""
    with Store.open(settings.state_dir, now=datetime.now(UTC), read_only=True) as store:
        articles = {row["id"]: row for row in store.export("articles")}
        found = defaultdict(list)
        for article in store.articles(datetime(2000, 1, 1, tzinfo=UTC)):
            found[expected.of(article.feed.rpartition("/")[2], article.entry_id or article.url)].append(article.title)
        deliveries = list(store.export("deliveries"))
        stories = {row["id"]: row for row in store.export("stories")}
    assert {key: titles for key, titles in found.items() if len(titles) > 1} == {}
    assert expected.all() - set(found) == set()
    assert len(articles) == len(found)
    first = [row for row in deliveries if row["kind"] == "send"]
    assert all(row["state"] == "sent" and row["attempts"] == 1 for row in first)
    told = [row["story"] for row in first if row["story"]]
    assert len(told) == len(set(told))
    members = [member for story in stories.values() for member in story["articles"]]
    assert len(members) == len(set(members))
    return {key: (row["title"], row["version"]) for key, row in articles.items()}, set(told)


async def test_every_entry_of_real_polls_is_stored_once_and_told_once(tmp_path: Path, folder: Path) -> None:
    await take_in_and_compare(tmp_path, folder, every=4)


@pytest.mark.soak
async def test_every_entry_of_all_real_polls_is_stored_once_and_told_once(tmp_path: Path, folder: Path) -> None:
    await take_in_and_compare(tmp_path, folder, every=1)
