"""Placing a stream of articles against the plainest way to do it: TF-IDF vectors, one pass, every story looked at."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from classifiers import Text
from monitor.cli.ahead import CHUNK, ReadingAhead
from monitor.model import Article
from monitor.stories.grouping import Grouper
from monitor.stories.hindsight import Hindsight

START = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN_THRESHOLD = 0.2


def stream(texts: Sequence[Text], every: timedelta = timedelta(minutes=1)) -> list[Article]:
    """One article of each text, `every` so often."""
    return [
        Article(
            id=str(number),
            feed="",
            title=text.title,
            summary=text.summary,
            language="en",
            published_at=START + every * number,
            first_seen_at=START + every * number,
        )
        for number, text in enumerate(texts)
    ]


def ours(articles: Sequence[Article]) -> Callable[[], None]:
    def work() -> None:
        grouper = Grouper()
        for article in articles:
            grouper.add(article)

    return work


def in_hindsight(articles: Sequence[Article]) -> Callable[[], None]:
    def work() -> None:
        hindsight = Hindsight()
        for article in articles:
            list(hindsight.add(article))
        list(hindsight.rest())

    return work


def as_the_command(articles: Sequence[Article], *, processors: int) -> Callable[[], None]:
    """As `longarm group` does with what waits already: read ahead where there is a second processor."""

    def work() -> None:
        hindsight = Hindsight()
        given = [(article.id, article) for article in articles]
        chunks = ((given[first : first + CHUNK], True) for first in range(0, len(given), CHUNK))
        for came in ReadingAhead(processors=processors).handed_on(chunks):
            if came is not None:
                list(hindsight.add(came[0][1], came[1]))
        list(hindsight.rest())

    return work


def plain(articles: Sequence[Article]) -> Callable[[], None]:
    """Single-pass clustering as textbooks have it: nothing is indexed, nothing forgotten, the nearest centroid wins."""

    def work() -> None:
        words = [Counter(re.findall(r"\w+", f"{a.title} {a.summary}".lower())) for a in articles]
        frequency = Counter(word for counts in words for word in counts)
        stories: list[dict[str, float]] = []
        for counts in words:
            weighed = {word: count * math.log(1 + len(words) / frequency[word]) for word, count in counts.items()}
            length = math.sqrt(sum(weight * weight for weight in weighed.values())) or 1.0
            best, at = 0.0, -1
            for number, story in enumerate(stories):
                product = sum(weight * story.get(word, 0.0) for word, weight in weighed.items()) / length
                norm = math.sqrt(sum(weight * weight for weight in story.values()))
                if product > best * norm:
                    best, at = product / norm, number
            if best < PLAIN_THRESHOLD:
                stories.append({})
                at = len(stories) - 1
            for word, weight in weighed.items():
                stories[at][word] = stories[at].get(word, 0.0) + weight / length

    return work
