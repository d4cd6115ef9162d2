"""How well do languages meet? Run by hand: `python -m tests.crosslingual_measure [--sample 200000]`.

Prints precision and recall on both halves of our own pairs, then on the real items of the shared folder (measured only),
then every join among a sample of the classifier's corpus, to be read by eye: its items have no dates, so all of them
count as told at the same time, which is the hardest case and not the usual one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from monitor.stories import crosslingual
from monitor.stories.crosslingual import Told
from tests.crosslingual_parts import LAW_PAIRS, NOW, Counted, Pair, counted, pairs, told
from tests.shared_data import SHARED

CORPUS = Path(__file__).parents[1] / "classifiers" / "corpus"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=200_000, help="pairs of corpus items")
    sample = parser.parse_args().sample
    for name, tuning in (("tuning half", True), ("held-out half", False)):
        half = pairs(tuning=tuning)
        print(f"{name}: {counted(half)}")
        print(f"  by languages: {_by_languages(half)}")
        print(f"  as one stream: {_streamed(half)}")
        laws = pairs(tuning=tuning, path=LAW_PAIRS)
        print(f"  laws, sanctions and reports: {counted(laws)}; as one stream: {_streamed(laws)}")
    _real_items()
    _corpus(sample)


def _by_languages(half: list[Pair]) -> str:
    """Recall by the language that is not English (both, where none is)."""
    all_, found = Counter[str](), Counter[str]()
    for pair in half:
        if pair.same:
            for language in {pair.one.language, pair.other.language} - {"en"}:
                all_[language] += 1
                found[language] += bool(crosslingual.same_event(pair.one, pair.other))
    return ", ".join(f"{language} {found[language]}/{count}" for language, count in all_.most_common())


def _streamed(half: list[Pair]) -> str:
    """Every telling once, in order of time, through a Joiner that opens a story for what joins none."""
    joiner, homes, began = crosslingual.Joiner(), dict[Told, str](), time.perf_counter()
    tellings = {telling for pair in half for telling in (pair.one, pair.other)}
    for number, telling in enumerate(sorted(tellings, key=lambda one: (one.at, one.language, one.title))):
        home = joiner.home(telling)
        homes[telling] = home.story_id if home else f"{number}"
        joiner.remember(telling, homes[telling])
    seconds = time.perf_counter() - began
    together = [(pair.same, homes[pair.one] == homes[pair.other]) for pair in half]
    count = Counted(
        right=sum(same and joined for same, joined in together),
        wrong=sum(joined and not same for same, joined in together),
        same=sum(same for same, _ in together),
    )
    return f"{count}, {len(tellings)} tellings, {seconds / len(tellings) * 1000:.2f} ms each"


def _real_items() -> None:
    path = SHARED / "data" / "relevance_dev.jsonl"
    if not path.exists():
        print("real items: not here")
        return
    rows = list(map(json.loads, path.read_text(encoding="utf-8").splitlines()))
    items = [(row, told(row["title"], row["text"], row["lang"], at=_day(row["published"]))) for row in rows]
    right = wrong = same = 0
    for (row, one), (other_row, other) in itertools.combinations(items, 2):
        if row["lang"] == other_row["lang"]:
            continue
        is_same = bool(row["event"]) and row["event"] == other_row["event"]
        evidence = crosslingual.same_event(one, other)
        same += is_same
        right += bool(evidence) and is_same
        wrong += bool(evidence) and not is_same
        if evidence or is_same:
            print(f"  {'same' if is_same else 'DIFF'} {one.title} | {other.title} | {evidence or 'not joined'}")
    print(f"real items: {Counted(right=right, wrong=wrong, same=same)} among {len(items)} items")


def _day(text: str) -> datetime:
    """The day of an item; some say only the month or the year."""
    full = f"{text}-01-01"[:10]
    return datetime.fromisoformat(full).replace(tzinfo=UTC) if full[:4].isdigit() else NOW


def _corpus(sample: int) -> None:
    rows = [row for path in sorted(CORPUS.glob("*.jsonl")) for row in map(json.loads, path.open(encoding="utf-8"))]
    read: dict[str, Told] = {}
    joins = 0
    for one, other in _sampled(rows, sample):
        for row in (one, other):
            if row["id"] not in read:
                read[row["id"]] = told(row["title"], row["summary"], row["language"])
        if evidence := crosslingual.same_event(read[one["id"]], read[other["id"]]):
            joins += 1
            print(f"  {one['id']} {one['title']} | {other['id']} {other['title']} | {evidence}")
    print(f"corpus: {joins} joins in {sample} pairs of different languages, told at the same time")


def _sampled(rows: list[dict[str, str]], sample: int) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    chance = random.Random(2026)
    found = 0
    while found < sample:
        one, other = chance.choice(rows), chance.choice(rows)
        if one["language"][:2] != other["language"][:2]:
            found += 1
            yield one, other


if __name__ == "__main__":
    main()
