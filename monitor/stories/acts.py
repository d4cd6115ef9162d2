"""Two texts on a law, on sanctions or on a report: the same one, and the same step of it?

Pure but for one table of words, read when a headline is first read. A law names nobody, and most happen in one state,
so that neither names nor a route tell whether two texts in two languages are on the same one. What does:

- A number that hardly any other event has, the votes or the heads of a list, with a state or a body in common, or two
  such numbers.
- Where one parliament takes one step with a law on one matter, as far as deeds or all numbers tell it.
- A bill is debated, adopted, signed or refused, comes into force, and is answered by another state. Each is an event
  of its own, though name, country and votes stay the same; so is what is done by the law (an arrest, an expulsion).
  Headlines that tell different steps, or different houses of a parliament, tell two events. Where only one of them
  tells a step, a number in common may be the law's own ("Bill C-84"), and is not enough.

A step that the table doesn't know is not seen. Decides nothing about stories: `stories.crosslingual` does.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from monitor.model import Facts, Stage
from monitor.stories import details
from monitor.stories.details import Details

COMMON_DEEDS = frozenset(
    "relatives trial journalist minority consulate exile kill charge condemn secretservice abduct detain report "
    "refugee activist deport law threaten attack investigate abroad sentence opposition verdict dissident diaspora "
    "travel transnational silence".split()
)
"""What many stories of the watch speak of; sharing it says little."""
_ACTS = frozenset(("law", "sanction", "report"))
# What of a law says nothing of its matter.
_ANY_LAW = COMMON_DEEDS - {"transnational"} | {"prisonhome"}
# What follows on a law or answers it, if a headline tells it and the other text doesn't.
_CONSEQUENCES = frozenset("expeldiplomat detain charge kill deport extradite deny attack abduct protesthome".split())
# Languages in which a word may begin in the middle of a string of letters.
_DENSE_OR_GROWN = frozenset(("zh", "ja", "ko", "ar", "fa"))


class Step(StrEnum):
    """What happened to a law, in the order in which one headline's words for it count."""

    ANSWERED = "answered"
    FORCE = "force"
    REFUSED = "refused"
    SIGNED = "signed"
    ADOPTED = "adopted"
    PLAN = "plan"


class House(StrEnum):
    """The house of a parliament."""

    UPPER = "upper"
    LOWER = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a headline says of a law's way; None where it doesn't."""

    step: Step | None
    house: House | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A text that may tell of a law, sanctions or a report."""

    title: str
    facts: Facts
    read: Details


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two texts on laws, sanctions or reports. `is_one_ahead`: one headline tells a step of a law, the other none."""

    is_one: bool = False
    is_other_step: bool = False
    is_one_ahead: bool = False


def compared(one: Act, other: Act) -> Compared:
    """Say whether two texts in two languages are on the same law, sanctions or report."""
    a, b = one.read, other.read
    shared, deeds = a.numbers & b.numbers, a.deeds & b.deeds
    rare = _marked(shared)
    actors = a.states & b.states or set(one.facts.organisations) & set(other.facts.organisations)
    if not (_same_stage(one.facts, other.facts) or deeds & _ACTS or (len(rare) > 1 and actors)):
        return Compared()
    first, second = steps(one.title, a.language), steps(other.title, b.language)
    if _differ(first, second):
        return Compared(is_other_step=True)
    if _follows(one, b) or _follows(other, a):
        return Compared(is_one_ahead=True)
    is_one_ahead = first.step is not second.step and not deeds & (_ACTS - {"law"})
    if len(rare) > 1 or (rare and actors):
        return Compared(is_one=not is_one_ahead, is_one_ahead=is_one_ahead)
    is_step = first.step is second.step and first.step not in (None, Step.PLAN)
    is_clash = bool(a.numbers and b.numbers and not shared)
    if not is_step or is_clash or not _one_state(one.facts, other.facts):
        return Compared(is_one_ahead=is_one_ahead)
    matter = deeds - _ANY_LAW
    is_matter = len(matter) > (0 if shared or "transnational" in matter else 1)
    return Compared(is_one=is_matter or bool(shared and a.numbers == b.numbers))


def index_keys(read: Details) -> list[str]:
    """Under what a text is looked up so that whatever may be the same act is found."""
    states = [f"law {state}" for state in sorted(read.states) if "law" in read.deeds]
    return [*states, *(f"number {number}" for number in sorted(_marked(read.numbers)))]


def _marked(numbers: frozenset[str]) -> list[str]:
    """Those that hardly any other event has: of two digits or more, and not round."""
    return [number for number in numbers if len(number) > 1 and number[-1] != "0"]


def _same_stage(one: Facts, other: Facts) -> bool:
    return one.stage == other.stage and one.stage in (Stage.LAW, Stage.REPORT)


def _follows(one: Act, other: Details) -> bool:
    """Say whether a headline tells what is done by a law, or because of one, and the other text doesn't."""
    if not one.read.deeds & _CONSEQUENCES - other.deeds:
        return False
    return bool(details.read(one.title, "", one.read.language).deeds & _CONSEQUENCES - other.deeds)


def _one_state(one: Facts, other: Facts) -> bool:
    """Say whether both have a state in common, on the same side of what happens."""
    hosts, origins = set(one.host_states) & set(other.host_states), set(one.origin_states) & set(other.origin_states)
    return bool(hosts or origins)


@functools.lru_cache(maxsize=8_192)
def steps(title: str, language: str) -> Steps:
    """Read a headline. `language`: ISO 639 code. Two houses in one headline are none."""
    patterns = _patterns().get(language.partition("-")[0], {})
    folded = title.casefold()
    told = [what for what, pattern in patterns.items() if pattern.search(folded)]
    houses = [House(what) for what in told if what in set(House)]
    return Steps(
        step=next((step for step in Step if step in told), None),
        house=houses[0] if len(houses) == 1 else None,
    )


def _differ(one: Steps, other: Steps) -> bool:
    """Say whether two headlines tell different steps, or different houses."""
    is_other_step = one.step is not None and other.step is not None and one.step is not other.step
    return is_other_step or (one.house is not None and other.house is not None and one.house is not other.house)


@functools.cache
def _patterns() -> dict[str, dict[str, re.Pattern[str]]]:
    table = (resources.files("monitor.stories") / "steps.tsv").read_text(encoding="utf-8")
    found: dict[str, dict[str, re.Pattern[str]]] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            languages, what, words = line.split("\t")
            for language in languages.split():
                found.setdefault(language, {})[what] = _pattern(words.split("; "), language)
    return found


def _pattern(words: list[str], language: str) -> re.Pattern[str]:
    start = "" if language in _DENSE_OR_GROWN else r"\b"
    return re.compile("|".join(start + re.escape(word.rstrip("$")) + r"\b" * word.endswith("$") for word in words))
