"""How long the review pages take with 100,000 stored articles: `python -m bench.web [articles] [postgres]`.

The articles are invented: one every eighteen seconds, in five languages, half of their words common ones and half out
of 30,000 that are as unevenly used as real ones. Every page is asked over loopback HTTP; the median and the slowest of
its answers are told, the first one apart. With a million `make bench-pages` takes some minutes.
"""

from __future__ import annotations

import itertools
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from classifiers import Reason, Score
from monitor.model import (
    Article,
    Chapter,
    Decision,
    Facts,
    FeedState,
    Judged,
    Member,
    Outcome,
    Story,
    Verdict,
)
from monitor.store import Store
from monitor.web.site import feed_key

NOW = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)
FEEDS = 200
FEED = "https://feed-7.example/rss"
STATES = ("RU", "CN", "IR", "GB", "DE", "TR", "US")
ASKED = 21
WORDS_MADE = 30_000
WORDS = (
    "court police exile embassy harbour match cup budget storm minister strike bridge film verdict passport student "
    "dissident surveillance market river council hospital election school tunnel port journalist abroad arrest"
).split()
OTHERS = ("跨國鎮壓 海外警察站", "مراقبة المعارضين في الخارج", "преследование оппозиции за рубежом", "수사 해외 경찰서")


@dataclass(frozen=True, slots=True)
class Timed:
    path: str
    first_ms: float
    median_ms: float
    slowest_ms: float


def vocabulary() -> tuple[list[str], list[float]]:
    """Made-up words, the commonest first, and how common they are together with all before them."""
    chance = random.Random(1)
    words = ["".join(chance.choices("aeiourstlnmdkpbcg", k=chance.randint(3, 12))) for _ in range(WORDS_MADE)]
    return words, list(itertools.accumulate(1 / (place + 5) for place in range(WORDS_MADE)))


def articles(count: int) -> Iterator[Judged]:
    chance = random.Random(0)
    made, weights = vocabulary()
    for number in range(count):
        score = chance.random() ** 30  # two in a hundred are for the digest, and a third of them alerts
        decision = Decision.ALERT if score >= 0.8 else Decision.DIGEST if score >= 0.5 else Decision.DROP
        title = " ".join(chance.choices(WORDS, k=9)) + (f" {chance.choice(OTHERS)}" if number % 5 == 0 else "")
        at = NOW - timedelta(seconds=number * 18)
        article = Article(
            id=f"{number:032x}",
            feed=f"https://feed-{number % FEEDS}.example/rss",
            title=title.capitalize(),
            url=f"https://feed-{number % FEEDS}.example/{number}",
            summary=" ".join(chance.choices(WORDS, k=22) + chance.choices(made, cum_weights=weights, k=23)),
            language=("en", "ar", "ru", "ko", "zh")[number % 5],
            published_at=at,
            first_seen_at=at,
        )
        yield Judged(
            article=article,
            score=Score(value=score, codes=("violence",) if score > 0.5 else (), model="bench",
                        reasons=(Reason(term="court", weight=1.0),) if score > 0.3 else ()),
            verdict=Verdict(decision=decision, rule="bench"),
            story_id="" if decision is Decision.DROP else article.id,
            opens_story=decision is not Decision.DROP,
        )  # fmt: skip


def fill(store: Store, count: int) -> None:
    """Store the articles, oldest first, a thousand a transaction."""
    ones = list(articles(count))
    ones.reverse()
    for start in range(0, len(ones), 1_000):
        batch = tuple(ones[start : start + 1_000])
        told = tuple(
            Story(id=one.story_id, language="en", members=(Member(article_id=one.article.id, title=one.article.title),),
                  first_at=one.article.at, last_at=one.article.at, alerted=True,
                  facts=Facts(origin_states=(STATES[place % 7],), host_states=(STATES[place % 5],)))
            for place, one in enumerate(batch) if one.verdict.decision is Decision.ALERT
        )  # fmt: skip
        chapters = tuple(
            (
                f"{start // 10_000:032x}",
                Chapter(story_id=one.id, at=one.first_at, people=(f"Person {start // 10_000}",)),
            )
            for one in told[:3]
        )
        url = f"https://feed-{start // 1_000 % FEEDS}.example/rss"
        state = FeedState(url=url, polled_at=NOW, baselined_at=NOW - timedelta(days=60), next_poll_at=NOW)
        store.record(
            Outcome(state=state, judged=batch, announce=told, chapters=chapters),
            (),
            now=batch[-1].article.first_seen_at,
        )


def pages(some: str) -> tuple[str, ...]:
    """The pages that are asked; `some` is the id of an article that has a story."""
    return (
        "/", "/review/alerts", "/review/near", "/review/sample", "/review/codes", f"/articles/{some}",
        f"/stories/{some}", "/stories", "/search?q=dissident+passport", "/search?q=跨國鎮壓", "/search?q=nowhere",
        "/search?q=court&decision=alert", "/search?q=cou", "/search?q=court&language=ar&since=2026-11-10",
        "/search?q=court&origin=RU&host=GB", f"/search?feed={feed_key(FEED)}&q=court",
        "/search?code=violence&q=nowhere", "/search?q=court&page=100", "/search", "/digest", f"/cases/{0:032x}",
        "/feeds", "/channels", "/incidents", "/model",
    )  # fmt: skip


def timed(client: httpx.Client, path: str) -> Timed:
    took = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        client.get(path).raise_for_status()
        took.append((time.perf_counter() - begun) * 1_000)
    return Timed(path, took[0], statistics.median(took[1:]), max(took[1:]))


def measured(count: int, url: str | None = None) -> list[Timed]:
    """Fill a store in a folder of its own, or `url`, and ask every page; then label articles, one after another."""
    from tests.web_parts import served

    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        with Store.open(state, url=url, now=NOW) as store:
            fill(store, count)
        with served(state, url=url) as site:
            client = site.client(timeout=60.0)
            some = next(f"{one.article.id}" for one in articles(count) if one.story_id)
            rows = [timed(client.http, path) for path in pages(some)]
            return [*rows, labelling(site.client(headers={"HX-Request": "true"}))]


def labelling(client: object) -> Timed:
    from tests.web_parts import Visit, csrf

    assert isinstance(client, Visit)
    page, took = client.get("/review/alerts").text, []
    for _ in itertools.repeat(None, ASKED):
        fields = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("item", "next")}
        begun = time.perf_counter()
        answer = client.post("/review/alerts", {**fields, "value": "relevant"}, token=csrf(page))
        took.append((time.perf_counter() - begun) * 1_000)
        page = answer.raise_for_status().text
    return Timed("label, and the next article", took[0], statistics.median(took[1:]), max(took[1:]))


def on_postgres(count: int) -> list[Timed]:
    from tests.postgres_parts import running

    with running() as server, server.database() as address:
        return measured(count, address)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    table = Table(f"page, {count:,} articles", "first ms", "median ms", "slowest ms")
    for row in on_postgres(count) if "postgres" in sys.argv else measured(count):
        table.add_row(row.path, f"{row.first_ms:.0f}", f"{row.median_ms:.0f}", f"{row.slowest_ms:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
