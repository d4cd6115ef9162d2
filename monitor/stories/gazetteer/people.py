"""Which persons a text names, as far as spelling and the words around tell. Pure; rather silent than wrong.

Scripts with capitals: two to four capitalised words that begin with a given name, or stand behind a title, and hold
nothing the gazetteers know. Chinese and Japanese: names written with a dot between their parts; a surname behind a
title or before an honorific. Korean: a surname before an honorific. Arabic script has neither capitals nor dots: only
the persons of the table are found there. They are found in every script.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from monitor.stories.gazetteer.finding import PLACES, Findings, Found
from monitor.stories.gazetteer.tables import Kind, rows
from monitor.stories.gazetteer.texts import Prepared

MAX_PEOPLE = 8

_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ-][^\W\d_]+)*")
_CAPITAL = re.compile(r"[A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĴĶĹĻĽĿŁŃŅŇŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽƏȘȚẞЀ-ЯҐҚҢӘӨҮΑ-Ω]")
_GAP = re.compile(r"[ \xa0]|\. |-")
_ENDING = re.compile(r"['’][a-zğıöşüç]+$")
_NO_PART_OF_A_NAME = re.compile("[党派野与市国院会府省社党課署區区縣县州]")
_DOT = re.compile("[・·‧•]")
_KATAKANA = re.compile(r"(?<![ァ-ヶー])[ァ-ヶー]{2,}(?:・[ァ-ヶー]{2,}){1,3}(?![ァ-ヶー・])")
_DOTTED = re.compile(r"([\u4e00-\u9fff]{1,6})[·・‧•]([\u4e00-\u9fff]{1,7})(?:[·・‧•]([\u4e00-\u9fff]{1,7}))?")
_BEHIND_CHINESE = re.compile(
    "[说說称稱被在遭于於因的是与與和及等对對曾已将將就为為，。：、；！？“”「」『』（）()\\s]|$"
)
_LONGEST, _SHORTEST = 4, 2


@functools.cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(word for of, words in rows("given") if of == kind for word in words.split())


@functools.cache
def _letters(kind: str) -> str:
    return "".join(sorted("".join(_words(kind))))


def people(text: Prepared, found: Findings) -> list[tuple[str, str]]:
    """Names of persons in order of the text: how each is named (the table's name for those in it) and its words."""
    named: list[tuple[int, str, str]] = [
        (one.start, one.value, text.words(one.start, one.end)) for one in found.named if one.kind is Kind.PERSON
    ]
    taken = [(text.place(one.start, one.end), one.kind) for one in found.named if one.kind is not Kind.GROUP]
    for start, stop in _spelled(text, found):
        dotted = _DOT.search(text.original, start, stop)  # syllables of a foreign name may spell a state
        if not any(start < end and begin < stop and not (dotted and kind in PLACES) for (begin, end), kind in taken):
            words = text.original[start:stop]
            named.append((start, words, words))
    first: dict[str, str] = {}
    for _, name, words in sorted(named):
        if not any(name != other and name in other for other in first):
            first.setdefault(name, words)
    return list(first.items())[:MAX_PEOPLE]


def _spelled(text: Prepared, found: Findings) -> Iterator[tuple[int, int]]:
    original = text.original
    if _DOT.search(original):
        yield from (match.span() for match in _KATAKANA.finditer(original))
        yield from _dotted(original)
    if text.is_dense:
        yield from _chinese(text, found.named)
    elif _CAPITAL.search(original):
        yield from _capitalised(text)
    yield from (match.span(1) for match in _korean().finditer(original))


# ── scripts with capitals ─────────────────────────────────────────────────────────────────────────


def _capitalised(text: Prepared) -> Iterator[tuple[int, int]]:
    words = list(_WORD.finditer(text.original))
    at = 0
    while at < len(words):
        run = _run(text.original, words, at)
        at += max(1, len(run))
        before = words[at - len(run) - 1].group() if run and at > len(run) else ""
        yield from _person(run, before)


def _run(original: str, words: Sequence[re.Match[str]], at: int) -> list[re.Match[str]]:
    """Capitalised words from `at` on with nothing but a space between them; particles of names may stand inside."""
    run: list[re.Match[str]] = []
    for word in words[at:]:
        if run and not _GAP.fullmatch(original, run[-1].end(), word.start()):
            break
        if not _CAPITAL.match(word.group()) and not (run and word.group() in _words("particle")):
            break
        run.append(word)
    while run and not _CAPITAL.match(run[-1].group()):
        run.pop()
    return run


def _person(run: Sequence[re.Match[str]], before: str) -> Iterator[tuple[int, int]]:
    """The name in a run: from its first given name, or from behind its titles, to its end."""
    folded = [_ENDING.sub("", word.group()).casefold() for word in run]
    start, titled = 0, _is_title(before.casefold())
    while start < len(run) and _is_title(folded[start]):
        start, titled = start + 1, True
    given = next((at for at in range(start, len(run)) if folded[at].partition("-")[0] in _words("given")), None)
    if given is None and not titled:
        return
    begin = start if given is None else given
    end = begin
    while end < len(run) and folded[end] not in _words("never") and not _is_title(folded[end]):
        end += 1
    while end > begin and folded[end - 1] in _words("particle"):
        end -= 1
    if not _SHORTEST <= end - begin <= _LONGEST:
        return
    last = run[end - 1]
    ending = _ENDING.search(last.group())
    if len(last.group()) > 1:  # an initial hides somebody on purpose
        yield run[begin].start(), last.end() - (len(ending.group()) if ending else 0)


def _is_title(word: str) -> bool:
    return word in _words("title")


# ── Chinese, Japanese, Korean ─────────────────────────────────────────────────────────────────────


def _dotted(original: str) -> Iterator[tuple[int, int]]:
    """Foreign names in Chinese: of what stands around the dots, the letters that such names are written with."""
    letters = _words("transliteration")
    known = frozenset("".join(letters))
    for match in _DOTTED.finditer(original):
        first, last = match.group(1), match.group(3) or match.group(2)
        head = len(first)
        while head and _simplified(first[head - 1]) in known:
            head -= 1
        tail = 0
        while tail < len(last) and _simplified(last[tail]) in known:
            tail += 1
        start, stop = match.start() + head, match.end() - len(last) + tail
        if head < len(first) and tail > 1:
            yield start, stop


def _chinese(text: Prepared, named: Sequence[Found]) -> Iterator[tuple[int, int]]:
    """A surname and one or two letters behind the word for what somebody is; before an honorific, two to four."""
    original = text.original
    for match in _honoured().finditer(original):
        if not _NO_PART_OF_A_NAME.search(match.group(1)):
            yield match.span(1)
    surnames = _letters("surname")
    for one in named:
        if one.kind is not Kind.GROUP:
            continue
        start = text.place(one.start, one.end)[1]
        if _simplified(original[start : start + 1]) in surnames and original[start : start + 1]:
            for length in (3, 2):
                name = original[start : start + length]
                if len(name) == length and _BEHIND_CHINESE.match(original, start + length):
                    yield start, start + length
                    break


def _simplified(char: str) -> str:
    from classifiers.normalize import normalize  # noqa: PLC0415 - loads NumPy

    return normalize(char)


@functools.cache
def _honoured() -> re.Pattern[str]:
    honorifics = "|".join(word for word in _words("honorific") if not "가" <= word[0] <= "힣")
    return re.compile(f"(?<![\u4e00-\u9fff])([\u4e00-\u9fff]{{2,4}})(?:{honorifics})")


@functools.cache
def _korean() -> re.Pattern[str]:
    surnames = "".join(word for word in _words("surname") if "가" <= word[0] <= "힣")
    honorifics = "|".join(word for word in _words("honorific") if "가" <= word[0] <= "힣")
    return re.compile(f"(?<![가-힣])([{surnames}][가-힣]{{2}}) ?(?:{honorifics})")
