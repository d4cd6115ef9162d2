"""Words and patterns by which channels choose."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.patterns import checked, says


@pytest.mark.parametrize(
    ("wish", "text", "said"),
    [
        ("exile", "An Exile was followed", True), ("exile", "exiled editor", False), ("exil*", "exiled editor", True),
        ("exil*", "in silexile", False), ("hunger strike", "a hunger\n strike", True), ("exile", "flexile, exile.", True),
        ("警察", "海外警察站", True), ("경찰", "비밀경찰서", True), ("ลี้ภัย", "ผู้ลี้ภัยถูก", True), ("U.S.", "the u.s. said", True),
        ("STRASSE", "die Straße", True), ("/visa (ban|refus)/", "VISA refused", True), ("/^exile/", "An exile", False),
        (r"/\bCN-\d{3}\b/", "case cn-123", True), ("/é.z/", "É z É-Z", True),
    ],
)  # fmt: skip
def test_words_stand_as_words_and_patterns_as_written(wish: str, text: str, said: bool) -> None:
    assert says(wish, text) is said


@pytest.mark.parametrize("wish", ["exile", " exil* ", "跨國鎮壓", "/a|b/", "U.S."])
def test_what_can_be_searched_for_is_kept_as_it_is(wish: str) -> None:
    assert checked(wish) == wish.strip()


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ("", "a word"), ("*", "a word"), ("...", "a word"), ("x" * 201, "at most 200"), ("/(a/", "RE2 reads: missing )"),
        ("/(?=a)/", "RE2 reads"), (r"/(a)\1/", "RE2 reads"), ("/(x{1000}){1000}/", "RE2 reads"), ("/a*/", "every text"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_said_to_be(wish: str, why: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        checked(wish)
    assert why in str(refused.value)


def test_a_pattern_made_to_take_for_ever_takes_a_moment() -> None:
    started = time.perf_counter()
    assert not says(checked("/(a|aa)+(a|aa)+(a|aa)+b$/"), "a" * 100_000)
    assert time.perf_counter() - started < 5


@given(st.text(max_size=40), st.text(max_size=80))
def test_whatever_is_let_through_can_be_searched_for(wish: str, text: str) -> None:
    try:
        kept = checked(wish)
    except ValueError:
        return
    assert says(kept, text) in (True, False)
