"""Features: what is folded, what is found, and that the array way finds what a plain loop would."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import features
from classifiers.masks import unmasked
from classifiers.normalize import normalize

SAME = [
    ("Diѕѕident", "dissident"),  # Cyrillic s
    ("pоisoned in Вerlin", "poisoned in berlin"),
    ("ｄｉｓｓｉｄｅｎｔ", "dissident"),
    ("𝐝𝐢𝐬𝐬𝐢𝐝𝐞𝐧𝐭", "dissident"),
    ("dis\u200bsi\u00addent", "dissident"),
    ("d\U000e0069issident", "dissident"),
    ("di\u0336s\u0301sident", "dissident"),
    ("Exilé à Genève", "exile a geneve"),
    ("跨國鎮壓", "跨国镇压"),
    ("مخالف في المنفى", "مخالف فی المنفی"),
    ("Йод и ёж", "иод и еж"),
]


@pytest.mark.parametrize(("written", "folded"), SAME)
def test_what_reads_the_same_is_folded_to_one_spelling(written: str, folded: str) -> None:
    assert normalize(written) == folded


def test_cyrillic_words_without_latin_letters_stay_cyrillic() -> None:
    assert normalize("Журналист в Berlin") == "журналист в berlin"


def test_indic_vowel_signs_and_japanese_voicing_marks_are_kept() -> None:
    assert normalize("निर्वासित") == "निर्वासित"
    assert normalize("ガス") == normalize("ｶﾞｽ") == "ガス"


@pytest.mark.parametrize(
    ("masked", "meant"),
    [
        ("k i l l e d in exile", "killed in exile"),
        ("\u202enodnoL ni derednum\u202c", "mundered in London"),
        ("3x1l3d j0urn4l1st p01s0n3d", "exiled journalist poisoned"),
        ("7h3 $pi3s ki113d 7w0 3xi13d @c7iv!$7$", "the spies killed two exiled activists"),
        ("$aud! 3d!t0r kh@shogg! k!ll3d !n !st@nbul", "saudi editor khashoggi killed in istanbul"),
        ("3x1l3d j0urn4l1st p01s0n3d!", "exiled journalist poisoned!"),
        ("p.o.l.i.c.e t.r.a.c.e.d a critic, s.e.i.z.e.d, in exile", "police traced a critic, seized, in exile"),
        ("H e   w a s   4 2   i n   O s l o ' s   d a r k e s t   j a i l .", "he was 42 in oslo's darkest jail."),
        ("h e r e k i l l e d j o u r n a l i s t a b d u c t e d", "here killed journalist abducted"),
    ],
)
def test_masked_writing_is_undone(masked: str, meant: str) -> None:
    assert normalize(meant) in map(normalize, unmasked(masked))


@pytest.mark.parametrize(
    "plain",
    [
        "Boeing 737 and F-16 lead Q3",
        "U.S. and U.K. sign deal",
        "3-0 win for RB04 in the 90th",
        "A B C of cooking",
        "",
        "Dream11 tips: Dream11 team, dream11s, dream11s, Dream11",
        "S.H.I.E.L.D. and L.G.B.T.Q. fans",
        "为救孟晚舟和5g 华为涉入5g的决定 参与5g建设",
    ],
)
def test_ordinary_writing_is_no_mask(plain: str) -> None:
    assert unmasked(plain) == ()


def test_what_names_a_state_is_told_from_what_does_not() -> None:
    counts = features.counted(
        features.occurrences(["iran poisoned an exiled critic", "rain fell on the exiled critic"]), 2
    )
    concepts = features.are_concepts(counts.bucket)
    named, stated = features.naming(["IR"])[counts.bucket], features.naming_any_state()[counts.bucket]
    assert counts.row[named].tolist() == [0]
    assert stated[named].all()
    assert set(counts.row[stated]) == {0}
    assert stated.sum() > (stated & concepts).sum() == 1  # pairs with it, too
    assert not features.naming([]).any()


def spans(text: str) -> dict[str, set[str]]:
    """Which stretches of one text share a bucket, by a plain look at what the batch found."""
    found = features.occurrences([text])
    joined = "".join(map(chr, found.codes))
    stretches = [(joined[a:b], int(k)) for a, b, k in zip(found.start, found.stop, found.bucket, strict=True)]
    words = {stretch for stretch, bucket in stretches if bucket < features.WORD_BUCKETS}
    grams = {stretch for stretch, bucket in stretches if 0 <= bucket - features.WORD_BUCKETS < features.CHAR_BUCKETS}
    return {"words": words, "grams": grams}


def plain_grams(text: str) -> set[str]:
    padded = f" {text} "
    found = set()
    for n in (3, 4):
        for at in range(len(padded) - n + 1):
            gram = padded[at : at + n]
            inner = gram[1:-1]
            if all(c.isalnum() for c in inner) and sum(not c.isalnum() for c in gram) < n - 1:
                found.add(gram)
    return found


@given(st.lists(st.text("abcdeéжз019", min_size=1, max_size=9), min_size=1, max_size=8))
def test_words_pairs_and_grams_are_those_of_a_plain_loop(words: list[str]) -> None:
    text = " ".join(words)
    found = spans(text)
    assert found["words"] == {*words, *(" ".join(pair) for pair in pairwise(words))}
    assert found["grams"] == plain_grams(text)


def test_scripts_without_spaces_give_short_stretches() -> None:
    found = spans("劝返逃犯")
    assert {"劝", "劝返", "返逃", "逃犯"} <= found["words"]
    assert {"劝返逃", "劝返逃犯"} <= found["grams"]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_a_text_has_the_same_features_alone_and_in_a_batch(texts: list[str]) -> None:
    normalized = [normalize(text) for text in texts]
    together = features.counted(features.occurrences(normalized), len(texts))
    for row, text in enumerate(normalized):
        alone = features.counted(features.occurrences([text]), 1)
        mine = together.row == row
        assert together.bucket[mine].tolist() == alone.bucket.tolist()
        assert together.count[mine].tolist() == alone.count.tolist()


def test_words_and_characters_of_every_text_have_one_length_each() -> None:
    texts = ["exiled editor stabbed in london", "weather fine tomorrow tomorrow"]
    counts = features.counted(features.occurrences(texts), 2)
    values = features.weighted(counts, np.ones(features.BUCKETS, dtype=np.float32))
    edges = (0, features.WORD_BUCKETS, features.WORD_BUCKETS + features.CHAR_BUCKETS)
    for row in (0, 1):
        for (low, high), length in zip(pairwise(edges), (2.0, 1.5), strict=True):
            block = (counts.row == row) & (counts.bucket >= low) & (counts.bucket < high)
            assert np.sum(values[block] ** 2) == pytest.approx(length**2, rel=1e-4)


def test_one_concept_by_chance_counts_less_than_one_among_many() -> None:
    texts = ["liquidation of a tunnel maker", "exiled editor abducted, poisoned and killed by secret service in london"]
    counts = features.counted(features.occurrences(texts), 2)
    values = features.weighted(counts, np.ones(features.BUCKETS, dtype=np.float32))
    lengths = [np.sum(values[(counts.row == row) & features.are_concepts(counts.bucket)] ** 2) for row in (0, 1)]
    assert 0 < lengths[0] < lengths[1] < 1
