"""How often facts are filled and right, on the corpus and on texts marked by hand.

    python -m tests.facts_measure               by language; of the texts marked by hand the half that was tuned on
    python -m tests.facts_measure --held-out    the other half of them too: look at it rarely, and at no item of it
    python -m tests.facts_measure --fit         fit the weights of cues on the tuning half first, and write them

A fact counts as right if everything it says is marked; "exact" asks for all that is marked as well. States are counted
over all items that have some marked, and over those whose text names one of them. "Invented": filled where nothing is
marked; it counts in none of the shares.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from monitor.model import Facts
from monitor.stories import facts
from monitor.stories.gazetteer import finding, roles
from monitor.stories.gazetteer.texts import prepared
from monitor.text import language_of
from tests.facts_parts import MARKED, MARKED_NEW, MARKED_THIRD, Item, Marked, items, marked

WEIGHTS = Path(roles.__file__).parent / "weights.tsv"
RIDGE = 3.0
RAREST = 8


@dataclass(slots=True, kw_only=True)
class Rates:
    """Counts over items that have something marked. `invented`: filled where nothing is marked."""

    marked: int = 0
    filled: int = 0
    right: int = 0
    exact: int = 0
    invented: int = 0

    def add(self, said: Iterable[object], wanted: Iterable[object]) -> None:
        got, gold = set(said), set(wanted)
        if not gold:
            self.invented += bool(got)
            return
        self.marked += 1
        self.filled += bool(got)
        self.right += bool(got) and got <= gold
        self.exact += got == gold

    @property
    def filled_share(self) -> float:
        return self.filled / max(1, self.marked)

    @property
    def precision(self) -> float:
        return self.right / max(1, self.filled)

    def __str__(self) -> str:
        exact = self.exact / max(1, self.marked)
        return f"{self.marked:5} marked, {self.filled_share:.1%} filled, {self.precision:.1%} right, {exact:.1%} exact, {self.invented} invented"


def read(item: Item | Marked) -> Facts:
    return facts.read(item.title, item.summary, language=item.language)


def corpus_rates(chosen: Iterable[Item]) -> dict[tuple[str, str], Rates]:
    """Rates by role and language; language "all", and "named" for all whose text names what is marked."""
    rates: dict[tuple[str, str], Rates] = defaultdict(Rates)
    for item in chosen:
        said = read(item)
        found = finding.found(prepared(item.title, item.summary))
        named = {state for one in found.named for state in one.states}
        for role, states, gold in (
            ("origin", said.origin_states, item.origins),
            ("host", said.host_states, item.hosts),
        ):
            for group in ("all", item.language, *(("named",) if gold & named else ())):
                rates[role, group].add(states, gold)
    return rates


def marked_rates(chosen: Iterable[Marked]) -> dict[str, Rates]:
    """Rates by fact on the texts marked by hand."""
    rates: dict[str, Rates] = defaultdict(Rates)
    for item in chosen:
        said = read(item)
        rates["origin"].add(said.origin_states, item.origins)
        rates["host"].add(said.host_states, item.hosts)
        rates["stage"].add(filter(None, [said.stage]), filter(None, [item.stage]))
        rates["groups"].add(said.target_groups, item.groups)
        rates["physical"].add(_told(said.physical), _told(item.physical))
    return rates


def _told(claim: bool | None) -> tuple[bool, ...]:
    return () if claim is None else (claim,)


def speed(chosen: Sequence[Item]) -> float:
    """Texts a second of processor time."""
    begun = time.process_time()
    for item in chosen:
        read(item)
    return len(chosen) / (time.process_time() - begun)


# ── fitting ───────────────────────────────────────────────────────────────────────────────────────

Row = tuple[Item, list[roles.Candidate]]


def rows() -> Iterator[Row]:
    """The tuning half with its candidates."""
    for item in items():
        if item.tuning:
            text = prepared(item.title, item.summary)
            found = finding.found(text)
            language = language_of(item.title, item.language)
            yield item, roles.candidates(text, found.named, found.concepts, language=language)


def fitted(known: Sequence[Row], *, host: bool) -> dict[str, float]:
    """Weights of cues: a choice among the candidates of a text and "none of them", by logistic regression."""
    counts = Counter(cue for _, among in known for one in among for cue in one.cues)
    number = {cue: at for at, cue in enumerate(sorted(cue for cue, count in counts.items() if count >= RAREST))}
    columns: list[list[int]] = []
    text_of: list[int] = []
    wanted: list[float] = []
    none: list[float] = []
    for item, among in known:
        gold = item.hosts if host else item.origins
        rest = [one for one in among if one.state in item.hosts or one.state not in item.origins] if host else among
        if not rest or not (item.origins or item.hosts):
            continue
        hits = sum(one.state in gold for one in rest)
        for one in rest:
            columns.append([number[cue] for cue in one.cues if cue in number])
            text_of.append(len(none))
            wanted.append((one.state in gold) / hits if hits else 0.0)
        none.append(0.0 if hits else 1.0)
    values = _solved(columns, np.array(text_of), np.array(wanted), np.array(none), len(number))
    return dict(zip(number, values, strict=True))


def _solved(
    columns: list[list[int]], text_of: np.ndarray, wanted: np.ndarray, none: np.ndarray, width: int
) -> list[float]:
    flat = np.concatenate([np.array(sorted(one), dtype=int) for one in columns])
    ends = np.cumsum([0, *map(len, columns)])
    cues = csr_matrix((np.ones(len(flat)), flat, ends), shape=(len(columns), width))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = cues @ weights
        top = np.zeros(len(none))
        np.maximum.at(top, text_of, scores)
        odds = np.exp(scores - top[text_of])
        whole = np.exp(-top) + np.bincount(text_of, odds, len(none))
        likelihood = (wanted * (scores - top[text_of] - np.log(whole)[text_of])).sum() - (
            none * (top + np.log(whole))
        ).sum()
        return RIDGE / 2 * weights @ weights - likelihood, cues.T @ (odds / whole[text_of] - wanted) + RIDGE * weights

    return minimize(loss, np.zeros(width), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x.tolist()


def fit() -> None:
    """Fit both sets of weights on the tuning half and write them."""
    known = list(rows())
    origin, host = fitted(known, host=False), fitted(known, host=True)
    lines = [
        "# How strongly a cue speaks for the origin and for the host, in log-odds. Fitted: python -m tests.facts_measure --fit"
    ]
    for cue in origin:
        pair = round(origin[cue], 2) + 0.0, round(host[cue], 2) + 0.0
        if any(pair):
            lines.append(f"{cue}\t{pair[0]}\t{pair[1]}")
    WEIGHTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    roles.weights.cache_clear()


def main() -> None:
    if "--fit" in sys.argv:
        fit()
    known = list(items())
    for half, tuning in (("tuning half", True), ("held-out half", False)):
        print(f"corpus, {half}")
        for (role, group), rates in sorted(corpus_rates(one for one in known if one.tuning is tuning).items()):
            print(f"  {role:6} {group:8} {rates}")
    for path in (MARKED, MARKED_NEW, MARKED_THIRD):
        for odd in (False, True)[: 1 + ("--held-out" in sys.argv)]:
            print(f"{path.name}, {'odd ids (held out)' if odd else 'even ids (tuning)'}")
            for fact, rates in marked_rates(one for one in marked(path) if one.odd is odd).items():
                print(f"  {fact:8} {rates}")
    print(f"{speed(known[:4000]):,.0f} texts a second")


if __name__ == "__main__":
    main()
