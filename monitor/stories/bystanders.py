"""Who is named in a text beside its affair: office holders, and those of whom an ally or a critic is spoken.

Pure but for one table that is read once. Judges the words that stand next to a name, and knows nothing of cases.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources

from monitor.stories.facts import folded

_TABLE = "bystanders.tsv"
_BEFORE, _BEHIND = 60, 60
_CLAUSE_ENDS = re.compile(r"[!?;:\n。！？；：]|(?<=\w\w\w\w)\.\s")
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_OWN_WITHIN = 24
"""Letters before an office within which "former", "exiled" says that it is the matter, and no office any more."""

_NO_APPOSITION = "of to by for from against with de du des von vom zu della do da от из против".split()


def is_bystander(spellings: Sequence[str], texts: Iterable[str]) -> bool:
    """Whether one of `texts` gives the person of `spellings` an office, or speaks of an ally or a critic of them."""
    patterns = [_name(spelling.casefold()) for spelling in spellings if spelling]
    return any(
        _is_beside(text[max(0, start - _BEFORE) : start], text[stop : stop + _BEHIND])
        for text in map(str.casefold, texts)
        for pattern in patterns
        for start, stop in (match.span() for match in pattern.finditer(text))
    )


def is_ruler(name: str) -> bool:
    """Whether the name is an office holder's, whatever stands next to it."""
    return folded(name) in _named("ruler")


def is_known(name: str) -> bool:
    """Whether the person is named in many affairs that are others'."""
    return folded(name) in _named("known")


def _is_beside(before: str, behind: str) -> bool:
    before = _CLAUSE_ENDS.split(before)[-1]
    behind = _CLAUSE_ENDS.split(behind)[0]
    if _ends("beside").search(before) or _begins("beside_after").match(behind):
        return True
    office = _ends("office").search(before)
    if office and not _own().search(before[max(0, office.start() - _OWN_WITHIN) : office.start()]):
        return True
    apposition = _apposition().match(behind)
    return bool(apposition and not _own().search(apposition["between"] or ""))


@functools.cache
def _table() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for line in (resources.files("monitor.stories") / _TABLE).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, words = line.split("\t")
            found.setdefault(kind, []).extend(words.split("|"))
    return {kind: tuple(dict.fromkeys(words)) for kind, words in found.items()}


@functools.cache
def _named(kind: str) -> frozenset[str]:
    return frozenset(map(folded, _table()[kind]))


@functools.lru_cache(maxsize=256)
def _name(spelling: str) -> re.Pattern[str]:
    edge = "" if _DENSE.search(spelling) else r"(?<!\w)"
    return re.compile(edge + re.escape(spelling))


@functools.cache
def _ends(kind: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(_each(_table()[kind], before=True))})$")


@functools.cache
def _begins(kind: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(_each(_table()[kind], before=False))})")


@functools.cache
def _apposition() -> re.Pattern[str]:
    words = [word for word in _table()["office"] if not _DENSE.search(word)]
    plain = "|".join(map(re.escape, words))
    no = "|".join(_NO_APPOSITION)
    dense = "|".join(word for word in _table()["office"] if _DENSE.search(word))
    return re.compile(
        rf"(?:['’]s)?\s?[,(]\s?(?P<between>(?:(?!(?:{no})\s)[\w'’-]+\s){{0,3}})(?:{plain})(?![\w'’-])|(?:{dense})"
    )


@functools.cache
def _own() -> re.Pattern[str]:
    words = _table()["own"]
    spaced = "|".join(re.escape(word) for word in words if not _DENSE.search(word))
    dense = "|".join(word for word in words if _DENSE.search(word))
    return re.compile(rf"(?<!\w)(?:{spaced})(?!\w)|(?<=[\W_])ex|{dense}")


def _each(words: Sequence[str], *, before: bool) -> Iterator[str]:
    for word in words:
        if _DENSE.search(word):
            yield word
        elif before:
            yield rf"(?<![\w'’]){re.escape(word)},?\s(?:the\s|der\s|dem\s)?"
        else:
            joined = word[0] in "'’-"
            yield re.escape(word) + r"\w{0,2}(?!\w)" if joined else rf"\s{re.escape(word)}(?!\w)"
