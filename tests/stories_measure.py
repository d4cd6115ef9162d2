"""How good is grouping? `python -m tests.stories_measure [SHARED]` prints every measure that the design pages quote.

On data of our own (tests/data, classifiers/corpus) thresholds were fixed, and four of them moved after looking at real
headlines (the design page says which); real data is left out where it is absent.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import re
import sys
import tarfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

from classifiers import corpus_files
from monitor.model import Article
from monitor.stories.grouping import Grouper
from monitor.text import canonical_url, plain

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BCubed:
    """Precision, recall and their harmonic mean, averaged over articles."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(1e-9, self.precision + self.recall)

    def __str__(self) -> str:
        return f"precision {self.precision:.3f}, recall {self.recall:.3f}, F1 {self.f1:.3f}"


def bcubed(gold: Mapping[str, str], found: Mapping[str, str]) -> BCubed:
    """Score stories by article id against gold stories."""
    golds, stories = defaultdict(set), defaultdict(set)
    for key, story in gold.items():
        golds[story].add(key)
        stories[found[key]].add(key)
    common = {key: len(golds[gold[key]] & stories[found[key]]) for key in gold}
    return BCubed(
        sum(common[key] / len(stories[found[key]]) for key in gold) / len(gold),
        sum(common[key] / len(golds[gold[key]]) for key in gold) / len(gold),
    )


def item(number: object, title: str, *, hours: float = 0.0, **more: str) -> Article:
    at = START + timedelta(hours=hours)
    return Article(id=str(number), feed="", title=title, published_at=at, first_seen_at=at, **more)  # type: ignore[arg-type]


def grouped(articles: Iterable[Article]) -> dict[str, str]:
    """Stories by article id, as `longarm group` finds them."""
    grouper = Grouper()
    return {article.id: grouper.add(article) for article in articles}


def rows(path: Path) -> list[dict[str, str]]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return [json.loads(line) for line in text.split("\n") if line]


# ── our own ───────────────────────────────────────────────────────────────────────────────────────


def headline_stories(others: int = 0) -> tuple[list[Article], dict[str, str]]:
    """The invented affairs in order of time, among `others` headlines of the corpus; and their gold stories."""
    own = rows(DATA / "headline_stories.jsonl")
    articles = [item(row["id"], row["title"], hours=float(row["hours"]), language="en") for row in own]
    source = random.Random(1)
    events = {text.event: text for text in corpus_files.items() if text.language == "en"}
    chosen = source.sample(sorted(events.values(), key=lambda text: text.id), others)
    articles += [item(f"n{text.id}", text.title, hours=source.uniform(0, 96), language="en") for text in chosen]
    return sorted(articles, key=lambda article: article.at), {row["id"]: row["story"] for row in own}


def own_pairs() -> Counter[tuple[bool, bool]]:
    """(one event, joined) of the hand-written pairs of headlines."""
    return Counter(
        (bool(row["one_event"]), joins(row["left"], row["right"], row["language"]))
        for row in rows(DATA / "headline_pairs.jsonl")
    )


def joins(left: str, right: str, language: str) -> bool:
    found = grouped([item("a", left, language=language), item("b", right, hours=1, language=language)])
    return found["a"] == found["b"]


def copies(count: int, kind: str) -> tuple[list[Article], list[tuple[str, str]]]:
    """Texts of the corpus and a copy of each, an hour to five days later: `kind` is exact, cut, or spun."""
    source = random.Random(2)
    texts = [text for text in corpus_files.items() if len(text.summary) >= 140]
    chosen = source.sample(sorted(texts, key=lambda text: text.id), count)
    articles, pairs = [], []
    for number, text in enumerate(chosen):
        hours = number * 0.2
        articles.append(
            item(f"{number}a", text.title, hours=hours, summary=text.summary, language=text.language,
                 url=f"https://one.example/{number}")
        )  # fmt: skip
        articles.append(
            item(f"{number}b", _other_headline(text.title, text.summary), hours=hours + source.uniform(1, 120),
                 summary=_copied(text.summary, kind, source), language=text.language,
                 url=f"https://two.example/{number}")
        )  # fmt: skip
        pairs.append((f"{number}a", f"{number}b"))
    return sorted(articles, key=lambda article: (article.at, article.id)), pairs


def _other_headline(title: str, summary: str) -> str:
    """A headline made of the text's own first clause."""
    clause = re.split(r"[.,;:。，；،]", summary, maxsplit=1)[0]
    return clause if 12 <= len(clause) <= 120 and clause != title else summary[:70]


_SYNONYMS = dict(
    pair.split("=")
    for pair in (
        "said=stated police=officers man=male woman=female court=tribunal killed=slain attack=assault arrested=apprehended "
        "home=residence told=informed people=persons government=authorities officials=functionaries government's=state's "
        "accused=charged after=following before=prior because=since near=close city=town country=nation says=states "
        "family=relatives lawyer=attorney jailed=imprisoned threatened=menaced found=discovered asked=requested "
        "refused=declined helped=assisted who=that returned=sent phone=telephone money=cash fled=escaped lives=resides "
        "whose=with against=versus wrote=penned years=winters journalist=reporter activist=campaigner exile=banishment"
    ).split()
)


def _copied(text: str, kind: str, source: random.Random) -> str:
    if kind == "cut":
        return text[: int(len(text) * 0.7)] + "…"
    if kind == "spun":
        words = text.split(" ")
        return " ".join(_spun(word, source) for word in words)
    return text


def _spun(word: str, source: random.Random) -> str:
    """Another word for it: a synonym, or a made-up one for a third of the other small words."""
    if word.lower() in _SYNONYMS:
        return _SYNONYMS[word.lower()]
    swap = word.isalpha() and word.islower() and len(word) > 4 and source.random() < 0.3
    return f"re{word[::-1]}" if swap else word


def copies_found(count: int, kind: str) -> tuple[float, float]:
    """(recall of copies, precision of what was joined as a copy)."""
    articles, pairs = copies(count, kind)
    grouper = Grouper()
    placed = {article.id: grouper.place_one(article) for article in articles}
    hit = sum(placed[one].story_id == placed[other].story_id for one, other in pairs)
    as_copies = [key for key, place in placed.items() if "copy of" in place.evidence]
    right = sum(placed[f"{key[:-1]}a"].story_id == placed[f"{key[:-1]}b"].story_id for key in as_copies)
    return hit / len(pairs), right / max(1, len(as_copies))


# ── measured only ─────────────────────────────────────────────────────────────────────────────────


def headline_cause(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """(language, result, headline, headline) of every gold pair."""
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield path.name[:2], row["GOLDEN:result"], row["INPUT:left_title"], row["INPUT:right_title"]


def labelled_events(path: Path) -> BCubed:
    labelled = [row for row in rows(path) if len(row["published"] or "") >= 10]
    articles = [
        replace(
            item(row["id"], row["title"], summary=row["text"], language=row["lang"], url=row["url"]),
            published_at=datetime.fromisoformat(row["published"]).replace(tzinfo=UTC),
        )
        for row in labelled
    ]
    articles.sort(key=lambda article: (article.at, article.id))
    gold = {row["id"]: row["event"] for row in labelled}
    return bcubed(gold, grouped(articles))


def edited_headlines(path: Path) -> tuple[int, int]:
    """(edits that stay in their story, edits): one address whose title changes between polls of a feed."""
    versions: dict[str, list[str]] = defaultdict(list)
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            stream = archive.extractfile(member) if member.isfile() else None
            if stream is None or not member.name.endswith(".xml"):
                continue
            for entry in ElementTree.fromstring(stream.read()).iter("item"):
                url, title = canonical_url(entry.findtext("link") or ""), plain(entry.findtext("title") or "")
                if url and title and title not in versions[url]:
                    versions[url].append(title)
    edits = [(url, titles) for url, titles in sorted(versions.items()) if len(titles) > 1]
    articles = [
        item(f"{number}-{at}", title, hours=at * 200 + number / 100, url=url)
        for number, (url, titles) in enumerate(edits)
        for at, title in enumerate(titles)
    ]
    found = grouped(sorted(articles, key=lambda article: article.at))
    later = [key for key in found if not key.endswith("-0")]
    return sum(found[key] == found[f"{key.partition('-')[0]}-0"] for key in later), len(later)


def background(path: Path) -> list[Article]:
    articles = [
        replace(
            item(number, row["title"], summary=row["summary"], url=row["url"]),
            published_at=datetime.fromisoformat(row["published"]),
        )
        for number, row in enumerate(rows(path))
        if row["published"]
    ]
    return sorted(articles, key=lambda article: (article.at, article.id))


def merges(articles: Sequence[Article], count: int) -> list[str]:
    """A sample of what was joined, with its evidence, to be judged by eye."""
    grouper = Grouper()
    lines = []
    for article in articles:
        placed = grouper.place_one(article)
        if not placed.opens:
            lines.append(f"{article.title[:110]}  <-  {placed.evidence}")
    return [f"{len(lines)} of {len(articles)} join", *random.Random(4).sample(lines, min(count, len(lines)))]


def main(shared: Path) -> None:
    for others in (0, 800):
        articles, gold = headline_stories(others)
        print(f"own headline stories among {others} others: {bcubed(gold, grouped(articles))}")
    print("own pairs (one event, joined):", dict(own_pairs()))
    for kind in ("exact", "cut", "spun"):
        recall, precision = copies_found(1_000, kind)
        print(f"copies, {kind}: recall {recall:.3f}, precision {precision:.3f}")
    if not shared.exists():
        return
    kinds: Counter[tuple[str, bool]] = Counter()
    for language, result, left, right in headline_cause(shared / "headlinecause"):
        kinds["same" if result == "same" else "other", joins(left, right, language)] += 1
    print("headlinecause (kind, joined):", dict(kinds))
    print("labelled events:", labelled_events(shared / "relevance_dev.jsonl"))
    stay, edits = edited_headlines(shared / "feed_snapshots.tar.xz")
    print(f"edited headlines under one address: {stay} of {edits}")
    everyday = background(shared / "background_news.jsonl.gz")
    begun = time.process_time()
    grouped(everyday)
    print(f"everyday news: {len(everyday) / (time.process_time() - begun):,.0f} articles a second")
    print(*merges(everyday, 40), sep="\n  ")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED)
