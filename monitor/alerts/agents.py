"""Who acted for the state? The kinds of agent that the words of a text name. Pure; suggests, never asserts.

Reads a list of words once. Empty means unsure: most texts name the deed and not who did it. Decides nothing about a
story, neither whether it is told nor how.
"""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import TYPE_CHECKING

from classifiers.normalize import normalize

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

_TABLE = "agents.tsv"
_DENSE = re.compile("[\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7a3]")
_GAPS = re.compile(r"[\W_]+")


def agent_types(text: str) -> tuple[str, ...]:
    """Name the kinds of agent in `text`, in the order in which it names them; () where it names none.

    state-officer, diplomat, proxy, criminal-hire, relative, host-state-officer.
    """
    words, kinds = _words()
    found = words.find_matches_as_indexes(_folded(text))
    return tuple(dict.fromkeys(kinds[number] for number, _, _ in found))


def _folded(text: str) -> str:
    return f" {_GAPS.sub(' ', normalize(text)).strip()}"


@functools.cache
def _words() -> tuple[AhoCorasick, tuple[str, ...]]:
    """What finds the words, those of spaced writing with the gap before them, and the kind of each."""
    from ahocorasick_rs import AhoCorasick  # noqa: PLC0415 - loads a compiled library

    kinds: dict[str, str] = {}
    for line in (resources.files("monitor.alerts") / _TABLE).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, listed = line.split("\t")
            folded = (_folded(word) for word in listed.split(";"))
            kinds |= {word.strip() if _DENSE.search(word) else word: kind for word in folded if word.strip()}
    return AhoCorasick(list(kinds)), tuple(kinds.values())
