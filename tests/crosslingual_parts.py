"""Readers of the pairs of tellings, and of items as tellings, for tests and for measuring across languages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from monitor.stories import crosslingual, facts
from monitor.stories.crosslingual import Told

DATA = Path(__file__).parent / "data"
PAIRS = DATA / "crosslingual_pairs.jsonl"
LAW_PAIRS = DATA / "law_pairs.jsonl"
"""Laws, resolutions, hearings, sanctions and reports: events that name nobody."""
NOW = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    id: str
    same: bool
    one: Told
    other: Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What came out for some pairs: joined rightly, joined wrongly, and how many should have been."""

    right: int
    wrong: int
    same: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.same)

    def __str__(self) -> str:
        return f"precision {self.precision:.3f} ({self.wrong} wrong), recall {self.recall:.3f} ({self.right} of {self.same})"


def told(title: str, summary: str = "", language: str = "en", *, at: datetime = NOW) -> Told:
    """A telling with the facts that are read off it."""
    read = facts.read(title, summary, language=language)
    return Told(title=title, summary=summary, language=language, at=at, facts=read)


def pairs(*, tuning: bool, path: Path = PAIRS) -> list[Pair]:
    """One half of the pairs: ids that end in an even digit are for tuning, the others are held out."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [
        Pair(id=row["id"], same=row["same"], one=_told(row["one"]), other=_told(row["other"]))
        for row in rows
        if (int(row["id"][-1]) % 2 == 0) is tuning
    ]


def _told(row: dict[str, str]) -> Told:
    return told(row["title"], row["summary"], row["language"], at=datetime.fromisoformat(row["published"]))


def counted(measured: list[Pair]) -> Counted:
    """Join every pair and count."""
    joins = [(pair.same, bool(crosslingual.same_event(pair.one, pair.other))) for pair in measured]
    return Counted(
        right=sum(same and joined for same, joined in joins),
        wrong=sum(joined and not same for same, joined in joins),
        same=sum(same for same, _ in joins),
    )
