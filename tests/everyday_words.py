"""Write monitor/stories/everyday.tsv: `python -m tests.everyday_words`. How often headlines of our own corpus use a word.

One headline an event, so that an event told often counts once. Only languages with enough events, and words that are
common enough to say nothing alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from classifiers import corpus_files
from monitor.stories import likeness

TABLE = Path(__file__).parents[1] / "monitor" / "stories" / "everyday.tsv"
LEAST_EVENTS = 150
LEAST_SHARE = 0.001
LEAST_EVENTS_WITH = 3
_HEAD = (
    "# How many of ten thousand headlines use a word: language, number, stems (as monitor.stories.likeness cuts them).\n"
    "# Counted over the classifier's corpus; written by `python -m tests.everyday_words`.\n"
)


def table() -> str:
    """Count the words and give the file's text."""
    titles: dict[str, dict[str, str]] = defaultdict(dict)
    for text in sorted(corpus_files.items(), key=lambda text: text.id):
        titles[text.language].setdefault(text.event, text.title)
    lines = []
    for language, by_event in sorted(titles.items()):
        if len(by_event) < LEAST_EVENTS:
            continue
        counts: Counter[str] = Counter()
        for title in by_event.values():
            counts.update(set(likeness.read_once(title, "", "", language).title))
        rates: dict[int, list[str]] = defaultdict(list)
        for stem, count in counts.items():
            if count >= max(LEAST_EVENTS_WITH, LEAST_SHARE * len(by_event)):
                rates[round(10_000 * count / len(by_event))].append(stem)
        lines += [f"{language}\t{rate}\t{' '.join(sorted(stems))}\n" for rate, stems in sorted(rates.items())]
    return _HEAD + "".join(lines)


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
