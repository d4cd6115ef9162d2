"""Do two articles agree? The rules that a pair must pass, whatever its likeness is.

Pure, and about two articles only: what a story has to do with it, `stories.grouping` decides.
"""

from __future__ import annotations

from difflib import SequenceMatcher

from monitor.stories import turns
from monitor.stories.likeness import Document, contained, is_bigram
from monitor.stories.wordlists import WEEKDAYS

AGREEING_BODIES = 0.3
SLOT_WORDS = 3
"""A stretch of more words than this is no slot of a form."""
SAME_TEXT = 0.6
SURELY_SAME_TEXT = 0.85
SAME_WORDS = 0.8
REWORDED = 0.5
SAME_MARKS = 0.75
SKELETON = 0.55
"""Fixed on the tuning half of tests/data/reworded.jsonl, and so are REWORDED and LEAST_COMMON."""
LEAST_COMMON = 8
LEAST_OF_LONGER = 0.5
LEAST_WORDS = 12
COVERED = 0.70
"""Fixed on tests/data/headline_pairs.jsonl."""


def is_copy(one: Document, other: Document, *, one_host: bool = False, hosts_differ: bool = False) -> bool:
    """Say whether both are one text: under one headline, word for word under another, or reworded.

    `one_host`: two pages of one site, where one text under two headlines is a form or an advertisement, unless the
    headlines say the same. `hosts_differ`: two sites, so that the headlines need have nothing in common.
    """
    if one.headline == other.headline:
        return _is_copy_by_headline(one, other)
    if differ_in_a_slot(one, other) or (one_host and _swap_words(one, other)):
        return False
    share = contained(one, other)
    if hosts_differ and (share >= SURELY_SAME_TEXT or (share < SAME_TEXT and is_reworded(one, other))):
        return True
    if share >= SAME_TEXT:
        is_series = one.is_roundup or other.is_roundup
        return not is_series and not _count_otherwise(one, other) and (hosts_differ or headlines_agree(one, other))
    if min(len(one.body), len(other.body)) < LEAST_WORDS or not headlines_agree(one, other):
        return False
    return (_overlap(one, other) >= SAME_WORDS and one.numbers == other.numbers) or is_reworded(one, other)


def _swap_words(one: Document, other: Document) -> bool:
    """Say whether each headline has a word that the other hasn't."""
    return bool(set(one.title) - set(other.title)) and bool(set(other.title) - set(one.title))


def _is_copy_by_headline(one: Document, other: Document) -> bool:
    # A headline of few words, or of a series, needs its text to agree.
    overlap = _overlap(one, other)
    if len(one.title) < 5 or one.is_roundup:
        return overlap >= 0.6 or contained(one, other) >= SAME_TEXT
    return overlap >= 0.15 or not (one.body and other.body)


def _count_otherwise(one: Document, other: Document) -> bool:
    """Say whether the shorter text holds a number that the longer doesn't."""
    short, long = sorted((one, other), key=lambda document: len(document.body))
    return any(stem[0].isdigit() and stem not in long.words for stem in short.body)


def is_reworded(one: Document, other: Document) -> bool:
    """Say whether one text was made of the other by swapping words: what stays, stays in its order.

    All names and numbers of the shorter stand in the longer, but for a few, and LEAST_COMMON words or more, SKELETON of
    the shorter, come in the same order in both. A second newsroom on one event shares half as many.
    """
    short, long = sorted((one, other), key=lambda document: (len(document.told), document.headline))
    marks = set(short.marks)
    if len(marks & long.body) < SAME_MARKS * len(marks) or _count_otherwise(one, other):
        return False
    if len(short.body & long.body) < max(LEAST_COMMON, REWORDED * len(short.body)):
        return False
    if len(short.told) < LEAST_OF_LONGER * len(long.told):
        return False
    blocks = SequenceMatcher(None, short.told, long.told, autojunk=False).get_matching_blocks()
    common = sum(block.size for block in blocks)
    return common >= max(LEAST_COMMON, SKELETON * len(short.told))


def says_the_same(one: Document, other: Document) -> bool:
    """Say whether two headlines tell one turn of one event; asked where one of them has no text below it.

    Headlines alone differ by a word where events differ by a day: each must be covered by the other, and neither may
    tell a turn (arrest, denial, reaction) that the other does not.
    """
    covered = min(_covered(one, other), _covered(other, one))
    return covered >= COVERED and not turns.differ(one.shown, other.shown, one.language)


def _covered(one: Document, other: Document) -> float:
    whole = sum(weight for _, weight in one.title_weights)
    return sum(weight for stem, weight in one.title_weights if stem in other.words) / whole if whole else 0.0


def headlines_agree(one: Document, other: Document) -> bool:
    """Say whether a quarter of each headline is found in the other text.

    Summaries can be the outlet's own advertisement, the same under every article; headlines can't.
    """
    return all(
        4 * len(words & against.words) >= len(words)
        for words, against in ((frozenset(one.title), other), (frozenset(other.title), one))
    )


def share_enough(one: Document, other: Document) -> bool:
    """Say whether three stems are common: one place name of two words is no event."""
    return len(one.words & other.words) >= 3


def differ_in_a_slot(one: Document, other: Document) -> bool:
    """Say whether the headlines are one form filled in twice: "site 12 blocked" and "site 13 blocked".

    They are where one becomes the other by replacing short stretches, half of it staying, and a name or a number is
    replaced by another. Where nothing tells names (Chinese, Arabic, Title Case without a summary) any stretch counts,
    unless the summaries agree.
    """
    a, b = one.title, other.title
    if a == b or not a or not b:
        return False
    if _numbers_differ(one, other):
        return True
    if 2 * sum(stem in b for stem in a) < max(len(a), len(b)):
        return False  # too little stays; told before the costly part
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    replaced = [(a[i1:i2], b[j1:j2]) for kind, i1, i2, j1, j2 in blocks if kind == "replace"]
    kept = sum(i2 - i1 for kind, i1, i2, _, _ in blocks if kind == "equal")
    limit = _slot_limit(a)
    if len(replaced) + sum(1 for block in blocks if block[0] == "equal") < len(blocks) or not replaced:
        return False
    if kept * 2 < max(len(a), len(b)) or any(max(len(left), len(right)) > limit for left, right in replaced):
        return False
    if not (_tells_names(one) or _tells_names(other)):
        return _overlap(one, other) < AGREEING_BODIES
    return any(_has_mark(left, one, other) and _has_mark(right, other, one) for left, right in replaced)


def _has_mark(stretch: tuple[str, ...], document: Document, against: Document) -> bool:
    """Say whether a stretch of a headline holds a name or a number that the other text doesn't speak of."""
    own = [stem for stem in stretch if stem not in against.words]
    # A Title Case headline without names in its text gives no evidence: any word of it may be a name.
    if any(stem[0].isdigit() or stem in document.names or stem in WEEKDAYS for stem in own):
        return True
    return bool(own and not _tells_names(document))


def _tells_names(document: Document) -> bool:
    return document.cased or bool(document.names)


def _numbers_differ(one: Document, other: Document) -> bool:
    """Say whether two headlines that share most words count differently."""
    if one.title_numbers == other.title_numbers or (one.title_numbers & other.title_numbers):
        return False
    words, others = set(one.title) - one.title_numbers, set(other.title) - other.title_numbers
    both_count = bool(one.title_numbers and other.title_numbers)
    return both_count and 5 * len(words & others) >= 3 * min(len(words), len(others))


def _overlap(one: Document, other: Document) -> float:
    """The share of all words of both summaries that both have; 0.0 where there are none."""
    return len(one.body & other.body) / max(1, len(one.body | other.body))


def numbers_clash(one: Document, other: Document) -> bool:
    """Say whether both headlines count, and share no number."""
    return bool(one.title_numbers and other.title_numbers and not one.title_numbers & other.title_numbers)


def names_swapped(one: Document, other: Document) -> bool:
    """Say whether each headline names somebody or something of whom the other text does not speak.

    Not in German, where every noun has a capital.
    """
    return one.language != "de" and bool(_named_only_by(one, other) and _named_only_by(other, one))


def _named_only_by(one: Document, other: Document) -> bool:
    return any(stem in one.names and stem not in other.words for stem in one.title)


def names_shared(one: Document, other: Document) -> int:
    """How many names (of one word) both headlines speak of."""
    return len(one.names & other.names & frozenset(one.title) & frozenset(other.title))


def names_clash(one: Document, other: Document) -> bool:
    """Say whether both name somebody or some place, and nobody in common."""
    return bool(one.names and other.names and not one.names & other.names)


def _slot_limit(title: tuple[str, ...]) -> int:
    # Three characters of Chinese are four bigrams that touch them.
    return SLOT_WORDS + 2 if title and is_bigram(title[0]) else SLOT_WORDS
