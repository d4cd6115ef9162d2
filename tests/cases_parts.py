"""Stories in order of time with the affair that each belongs to, and what the joining makes of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

from classifiers import corpus_files
from monitor.model import Case, Chapter
from monitor.stories import cases, facts

WRITTEN = Path(__file__).resolve().parent / "data" / "cases.jsonl"
START = datetime(2019, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A story. `affair`: which one it belongs to, "" where nobody said."""

    id: str
    affair: str
    at: datetime
    language: str
    title: str
    summary: str
    codes: tuple[str, ...] = ()

    @property
    def tuning(self) -> bool:
        """Whether its affair is in the half that was looked at while rules were made."""
        return is_tuning(self.affair)

    def chapter(self) -> Chapter:
        read = facts.read(self.title, self.summary, language=self.language, codes=self.codes)
        return cases.chapter(self.id, self.at, read, [(self.title, self.summary)], self.language)


def is_tuning(affair: str) -> bool:
    return hashlib.sha256(affair.encode()).digest()[0] % 2 == 0


def written() -> list[Told]:
    """The stories written for this, in order of time."""
    lines = WRITTEN.read_text(encoding="utf-8").splitlines()
    made = [
        Told(
            id=row["id"],
            affair=row["affair"],
            at=datetime.fromisoformat(row["at"]).replace(tzinfo=UTC),
            language=row["language"],
            title=row["title"],
            summary=row["summary"],
        )
        for row in map(json.loads, lines)
    ]
    return sorted(made, key=lambda one: (one.at, one.id))


# Affairs of the corpus by a word of the event's name, which the rules never see.
_AFFAIRS = (
    "nijjar ojeda alinejad samcam besigye skripal rusesabagina volkov wolkow:volkov kuzminov jabri sharmahd sadykov "
    "mirzali krasikov zeraati limkimya kimya:limkimya bdap inandi karegeya idris:idris-hasan kenes acarer pannun:pannun "
    "gupta:pannun sarungi amirdz thanh tiergarten:krasikov chaab wanchalearm mcmahon foxhunt: goraya rahaf latifa tumso "
    "masarir kanu qaradawi soltan kanter dundar shishov sturgess:skripal assadi arno mukhtarli osechkin akunin "
    "kostyuchenko timchenko araibi kaul ablyazov benhalima tsimanouskaya khoa vardanjani:molavi molavi abouammo grozev "
    "minhai aliev dina:lasloom lasloom nissi hakeem:araibi isgandarli umarov gerasdorf:umarov akbar gadaev nhat aboud "
    "tudares setrakov zhilin duong:duong-van-thai khangoshvili:krasikov trinh:thanh pevchikh jongnam capel: kabiri"
)


def _affair(event: str) -> str:
    words = set(re.split("[^a-z0-9]+", event.casefold()))
    for entry in _AFFAIRS.split():
        word, colon, name = entry.partition(":")
        if word in words:
            return name if colon else word
    return ""


def of_corpus() -> list[Told]:
    """The relevant items of the corpus, two hours apart in an order that says nothing."""
    items = [item for item in corpus_files.items() if item.label]
    items.sort(key=lambda item: hashlib.sha256(item.id.encode()).digest())
    return [
        Told(
            id=item.id,
            affair=_affair(item.event),
            at=START + number * timedelta(hours=2),
            language=item.language,
            title=item.title,
            summary=item.summary,
            codes=item.codes,
        )
        for number, item in enumerate(items)
    ]


class Shelf:
    """Cases as a store would find them: by the keys of names."""

    def __init__(self) -> None:
        self.cases: dict[str, list[Chapter]] = {}
        self._by_key: dict[str, set[str]] = defaultdict(set)

    def place(self, chapter: Chapter) -> str:
        """The id of the case that the story is in now; "" for one that names nobody."""
        if not (names := cases.names(chapter)):
            return ""
        wanted = {key for name in names for key in cases.keys(name)}
        near = {case_id for key in wanted for case_id in self._by_key.get(key, ())}
        known = [Case(id=case_id, chapters=tuple(self.cases[case_id])) for case_id in sorted(near)]
        tie = cases.case_of(chapter, known)
        case_id = tie.case_id if tie else chapter.story_id
        self.cases.setdefault(case_id, []).append(cases.tied(chapter, tie) if tie else chapter)
        for key in wanted:
            self._by_key[key].add(case_id)
        return case_id


def placed(stories: Iterable[Told]) -> dict[str, str]:
    """Case ids by story id; a story in no case is one of its own."""
    shelf = Shelf()
    return {story.id: shelf.place(story.chapter()) or story.id for story in stories}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How many pairs of stories in one case belong together, and how many that do are in one case."""

    joined: int
    right: int
    wanted: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.joined)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.wanted)

    def __str__(self) -> str:
        return f"{self.right} of {self.joined} pairs right ({self.precision:.1%}), {self.recall:.1%} of {self.wanted} found"


def rates(stories: Sequence[Told], found: Mapping[str, str], *, tuning: bool | None = None) -> Rates:
    """Over pairs of stories whose affair is known, at least one of them in the half."""
    known = [one for one in stories if one.affair]
    pairs = [
        (one, other) for one, other in combinations(known, 2) if tuning is None or tuning in (one.tuning, other.tuning)
    ]
    joined = [(one, other) for one, other in pairs if found[one.id] == found[other.id]]
    wanted = sum(one.affair == other.affair for one, other in pairs)
    return Rates(joined=len(joined), right=sum(one.affair == other.affair for one, other in joined), wanted=wanted)


def bcubed(stories: Sequence[Told], found: Mapping[str, str], *, tuning: bool) -> tuple[float, float]:
    """Precision and recall averaged over the stories of the half."""
    known = [one for one in stories if one.affair]
    in_case, in_affair = defaultdict(set), defaultdict(set)
    for one in known:
        in_case[found[one.id]].add(one.id)
        in_affair[one.affair].add(one.id)
    mine = [one for one in known if one.tuning is tuning]
    common = [len(in_case[found[one.id]] & in_affair[one.affair]) for one in mine]
    precision = sum(n / len(in_case[found[one.id]]) for n, one in zip(common, mine, strict=True)) / len(mine)
    recall = sum(n / len(in_affair[one.affair]) for n, one in zip(common, mine, strict=True)) / len(mine)
    return precision, recall


def named_recall(stories: Sequence[Told], found: Mapping[str, str], *, tuning: bool) -> tuple[int, int]:
    """Of pairs of one affair in the half in which both texts name one person: how many are in one case, and how many are."""
    chapters = {one.id: one.chapter() for one in stories if one.affair and one.tuning is tuning}
    named = {key: {*cases.names(one), *one.bystanders} for key, one in chapters.items()}
    pairs = [
        (one.id, other.id)
        for one, other in combinations([one for one in stories if one.id in chapters], 2)
        if one.affair == other.affair
        and any(cases.same_person(name, its) for name in named[one.id] for its in named[other.id])
    ]
    return sum(found[one] == found[other] for one, other in pairs), len(pairs)


def wrong_pairs(stories: Sequence[Told], found: Mapping[str, str]) -> Iterator[tuple[Told, Told]]:
    for one, other in combinations([one for one in stories if one.affair], 2):
        if found[one.id] == found[other.id] and one.affair != other.affair:
            yield one, other
