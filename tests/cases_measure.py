"""How good is the joining of stories to cases? `python -m tests.cases_measure` prints what the design page quotes.

`--wrong` also prints pairs of the tuning halves that were joined and belong to two affairs.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict

from tests.cases_parts import Told, bcubed, named_recall, of_corpus, placed, rates, written, wrong_pairs


def show(name: str, stories: list[Told]) -> None:
    begun = time.process_time()
    found = placed(stories)
    spent = time.process_time() - begun
    print(f"{name}: {len(stories)} stories, {len({one.affair for one in stories if one.affair})} affairs")
    for half, tuning in (("tuning half", True), ("held-out half", False)):
        precision, recall = bcubed(stories, found, tuning=tuning)
        print(f"  {half}: {rates(stories, found, tuning=tuning)}; B-cubed {precision:.3f}, {recall:.3f}")
        joined, named = named_recall(stories, found, tuning=tuning)
        print(f"    of {named} pairs of one affair that name one person {joined / max(1, named):.1%} found")
    sizes = Counter(Counter(found.values()).values())
    print(f"  sizes of cases {dict(sorted(sizes.items()))}; {spent / len(stories) * 1000:.2f} ms a story")
    if "--wrong" in sys.argv:
        pairs: dict[tuple[str, str], list[tuple[Told, Told]]] = defaultdict(list)
        for one, other in wrong_pairs(stories, found):
            if one.tuning and other.tuning:
                pairs[one.affair, other.affair].append((one, other))
        for affairs, those in sorted(pairs.items(), key=lambda pair: -len(pair[1]))[:12]:
            print(" ", affairs, len(those), *(f"\n      {one.title} | {other.title}" for one, other in those[:2]))


if __name__ == "__main__":
    show("corpus", of_corpus())
    show("written", written())
