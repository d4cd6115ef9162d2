"""The corpus: form, balance, and that nothing in it repeats itself or anybody else."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from classifiers import corpus_files
from classifiers.corpus_files import CODES, Item
from tests.shared_data import shared

ITEMS = corpus_files.items()
REGISTERS = set("wire tabloid local press-release ngo op-ed parliament court state-media headline".split())
LEAST = {
    "en": 1_500, "es": 250, "fr": 250, "de": 250, "ru": 250, "ar": 250, "fa": 250, "tr": 250,
    **dict.fromkeys(("it", "pt", "nl", "ja", "ko", "vi", "id", "pl", "cs", "sv", "uk"), 120),
}  # fmt: skip
MOST_ALIKE = 0.6
_SHARED = 5
_AT_ONCE = 1_000


def test_every_item_has_the_form_of_the_codebook() -> None:
    for item in ITEMS:
        assert item.title.strip(), item.id
        assert item.label in (0, 1), item.id
        assert bool(item.codes) == bool(item.label), item.id
        assert set(item.codes) <= set(CODES), item.id
        assert item.register in REGISTERS, item.id
        assert item.event, item.id
        assert all(re.fullmatch(r"[A-Z]{2}", code) for code in (item.state + "," + item.host).split(",") if code), (
            item.id
        )
    assert len({item.id for item in ITEMS}) == len(ITEMS)


def test_there_are_enough_items_in_every_language() -> None:
    count = Counter(item.language for item in ITEMS)
    assert len(ITEMS) >= 6_000
    assert count["zh-Hans"] + count["zh-Hant"] >= 600
    assert {language: count[language] for language, least in LEAST.items() if count[language] < least} == {}


def test_about_a_third_is_relevant_and_other_items_outnumber_them_in_every_language() -> None:
    relevant = Counter(item.language for item in ITEMS if item.label)
    everything = Counter(item.language for item in ITEMS)
    assert 0.28 <= relevant.total() / len(ITEMS) <= 0.42
    assert {language for language in everything if relevant[language] > 0.5 * everything[language]} == set()


def test_all_codes_registers_and_many_states_and_hosts_are_there() -> None:
    codes = Counter(code for item in ITEMS for code in item.codes)
    assert min(codes[code] for code in CODES) >= 100
    assert {item.register for item in ITEMS} == REGISTERS
    assert len({state for item in ITEMS if item.label for state in item.state.split(",") if state}) >= 35
    assert len({host for item in ITEMS if item.label for host in item.host.split(",") if host}) >= 60


def test_headlines_alone_are_at_least_three_in_ten_and_many_among_the_relevant() -> None:
    relevant = [item for item in ITEMS if item.label]
    assert sum(not item.summary for item in ITEMS) >= 0.3 * len(ITEMS)
    assert sum(not item.summary for item in relevant) >= 0.2 * len(relevant)


@pytest.mark.parametrize("state", ["CN", "HK", "IR", "RU", "TR", "SA", "BY", "IN", "VN", "EG", "RW"])
def test_a_state_is_about_as_often_in_items_that_are_not_relevant(state: str) -> None:
    labels = Counter(item.label for item in ITEMS if state in item.state.split(","))
    assert labels[0] >= 0.5 * labels[1]


@pytest.mark.parametrize(
    "word",
    ["exile", "interpol", "spyware", "consulate", "dissident", "extradit", "police station", "embassy", "passport"],
)
def test_a_strong_word_stands_in_items_that_are_not_relevant_too(word: str) -> None:
    labels = Counter(
        item.label for item in ITEMS if item.language == "en" and word in f"{item.title} {item.summary}".lower()
    )
    assert labels[0] >= 0.4 * labels[1]


def normalized(item: Item) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", f"{item.title} {item.summary}").lower())


def grams(text: str) -> set[str]:
    return {text[at : at + 4] for at in range(len(text) - 3)}


def too_alike(items: Iterable[Item]) -> list[tuple[str, str, float]]:
    """Pairs of different events that share more than MOST_ALIKE of their character 4-grams (Jaccard).

    Two that do have `_SHARED` grams in common among the first few of each, rarest gram first: only pairs that have are
    compared. Chaudhuri, Ganti and Kaushik, "A Primitive Operator for Similarity Joins in Data Cleaning", 2006.
    """
    items = list(items)
    sets = [grams(normalized(item)) for item in items]
    sizes = np.array([len(one) for one in sets])
    assert int(MOST_ALIKE * sizes.min()) + 1 >= _SHARED
    held = Counter(gram for one in sets for gram in one)
    rank = {gram: at for at, (gram, _) in enumerate(sorted(held.items(), key=lambda pair: (pair[1], pair[0])))}
    ranked = [sorted(map(rank.__getitem__, one)) for one in sets]
    whole = _ones(ranked, len(rank))
    first = _ones([one[: int((1 - MOST_ALIKE) * len(one)) + _SHARED] for one in ranked], len(rank))
    other = first.T.tocsr()
    found: list[tuple[str, str, float]] = []
    for begin in range(0, len(items), _AT_ONCE):
        shared = (first[begin : begin + _AT_ONCE] @ other).tocoo()
        close = (shared.data >= _SHARED) & (shared.row + begin > shared.col)
        later, earlier = shared.row[close] + begin, shared.col[close]
        both = np.asarray(whole[later].multiply(whole[earlier]).sum(axis=1), dtype=np.int64).ravel()
        alike = both / (sizes[later] + sizes[earlier] - both)
        for at in np.flatnonzero(alike > MOST_ALIKE):
            one, another = items[earlier[at]], items[later[at]]
            if one.event != another.event:
                found.append((one.id, another.id, round(float(alike[at]), 2)))
    return found


def _ones(rows: list[list[int]], columns: int) -> sparse.csr_matrix:
    row = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
    ones = np.ones(len(row), dtype=np.int16)
    return sparse.csr_matrix((ones, (row, np.concatenate(rows))), shape=(len(rows), columns))


def test_what_is_too_alike_is_found_whatever_stands_between() -> None:
    some = [item for item in ITEMS if item.language == "en"][:400]
    nearly = replace(some[7], id="nearly", event="another", summary=some[7].summary + " Again.")
    assert [pair[:2] for pair in too_alike([*some, nearly])] == [(some[7].id, "nearly")]
    assert too_alike([*some, replace(nearly, event=some[7].event)]) == []


@pytest.mark.parametrize("language", sorted({item.language for item in ITEMS}))
def test_no_two_events_are_told_alike(language: str) -> None:
    assert too_alike(item for item in ITEMS if item.language == language) == []


def shingles(text: str) -> set[str]:
    folded = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).lower())
    words = re.findall(r"\w+", folded)
    dense = "".join(c for c in folded if "\u3040" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3")
    return {" ".join(words[at : at + 8]) for at in range(len(words) - 7)} | {
        dense[at : at + 16] for at in range(len(dense) - 15)
    }


@pytest.mark.shared
def test_no_item_repeats_eight_words_of_real_news() -> None:
    mine: dict[str, str] = {}
    for item in ITEMS:
        mine.update(dict.fromkeys(shingles(f"{item.title} {item.summary}"), item.id))
    with shared("data/relevance_dev.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    with gzip.open(shared("data/background_news.jsonl.gz"), "rt", encoding="utf-8") as packed:
        rows += [json.loads(line) for line in packed]
    repeated = {}
    for row in rows:
        text = " ".join(row.get(name) or "" for name in ("title", "summary", "text"))
        repeated.update({mine[shingle]: shingle for shingle in shingles(text) & mine.keys()})
    assert repeated == {}
