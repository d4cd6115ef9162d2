"""Run every bench and print a table: ours, the baseline, and how many times quicker ours is.

Figures are the best of several runs in this process, so that a busy machine disturbs both sides alike.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

import classifiers
from classifiers import Text, corpus_files
from monitor.model import Article, Decision, FeedState, Judged, Outcome, Verdict

RUNS = 3


@dataclass(frozen=True, slots=True)
class Result:
    what: str
    rate: float
    baseline: str
    baseline_rate: float


def rate(count: int, work: Callable[[], object]) -> float:
    """Things a second: the best of RUNS."""
    best = float("inf")
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return count / best


def texts(count: int) -> list[Text]:
    items = corpus_files.items()
    random.Random(0).shuffle(items)
    chosen = (items * (count // len(items) + 1))[:count]
    return [Text(title=item.title, summary=item.summary) for item in chosen]


def scoring() -> list[Result]:
    """A batch of 1,000 against scikit-learn's vectorizers with the same n-grams and a linear model."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline, make_union

    batch = texts(1_000)
    model = classifiers.load()
    model.score(batch)
    plain = [f"{text.title} {text.summary}" for text in batch]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), sublinear_tf=True)
    usual = make_pipeline(make_union(words, chars), SGDClassifier(loss="log_loss", random_state=0))
    usual.fit(plain, [index % 2 for index in range(len(plain))])
    baseline = rate(len(batch), lambda: usual.predict_proba(plain))
    single = batch[0]
    return [
        Result(
            "score texts, batch of 1,000", rate(1_000, lambda: model.score(batch)), "scikit-learn pipeline", baseline
        ),
        Result(
            "score one text at a time",
            rate(200, lambda: [model.score([single]) for _ in range(200)]),
            "scikit-learn pipeline, one at a time",
            rate(50, lambda: [usual.predict_proba(plain[:1]) for _ in range(50)]),
        ),
    ]


def grouping() -> list[Result]:
    """Placing a stream of articles against plain single-pass TF-IDF, which looks at every story."""
    from bench.grouping import as_the_command, in_hindsight, ours, plain, stream

    articles = stream(texts(4_000))
    few = articles[:1_000]
    headlines = [replace(article, summary="") for article in articles]
    untold = [replace(article, language="") for article in articles]
    baseline = "plain TF-IDF, single pass (1,000)"
    return [
        Result("group articles (4,000)", rate(len(articles), ours(articles)), baseline, rate(len(few), plain(few))),
        Result(
            "group headlines in hindsight (4,000)",
            rate(len(headlines), in_hindsight(headlines)),
            baseline,
            rate(len(few), plain(headlines[:1_000])),
        ),
        Result(
            "group as the command does (4,000)",
            rate(len(untold), as_the_command(untold, processors=2)),
            "the same, nothing read ahead",
            rate(len(untold), as_the_command(untold, processors=1)),
        ),
    ]


def storing() -> list[Result]:
    """Outcomes of thirty articles against one article an outcome, on a file with synchronous=FULL."""
    from monitor.model import Feed
    from monitor.store import Store

    now = datetime(2026, 1, 1, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "state", now=now) as store:
        store.sync_feeds([Feed(url=FEED)], {})
        salts = iter("0123456789abcdef")

        def record(size: int) -> None:
            for outcome in outcomes(size, next(salts) * 4, now):
                store.record(outcome, (), now=now)

        thirty, one = rate(300, lambda: record(30)), rate(300, lambda: record(1))
    return [Result("record articles, 30 a transaction", thirty, "1 a transaction", one)]


FEED = "https://bench.example/"


def outcomes(size: int, salt: str, now: datetime) -> list[Outcome]:
    """300 dropped articles in outcomes of `size`."""
    verdict = Verdict(decision=Decision.DROP, rule="bench")
    judged = [
        Judged(
            article=Article(id=f"{salt}{n:028x}", feed=FEED, title=f"Article {n}", first_seen_at=now),
            score=classifiers.Score(value=0.1), verdict=verdict, story_id="", opens_story=False,
        )
        for n in range(300)
    ]  # fmt: skip
    return [
        Outcome(state=FeedState(url=FEED), judged=tuple(judged[first : first + size])) for first in range(0, 300, size)
    ]


def main() -> None:
    table = Table("what", "a second", "baseline", "a second", "times quicker")
    for bench in (scoring, grouping, storing):
        for result in bench():
            table.add_row(
                result.what,
                f"{result.rate:,.0f}",
                result.baseline,
                f"{result.baseline_rate:,.0f}",
                f"{result.rate / result.baseline_rate:.1f}",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
