"""How good is a model? Ranking, decisions and calibration, on labelled rows that it has not seen.

Rows of one event count as one: an event told five times must not weigh five times. Intervals are bootstrapped by event.
On the corpus itself every value is a held-out one (folds grouped by event), so that no row is judged by a model that
learned from its event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers import Classifier, Text, corpus_files, load
from classifiers.corpus_files import Item

Floats = npt.NDArray[np.float64]

ALERT_AT, DIGEST_AT = 0.80, 0.50
RESAMPLES = 500
_SMALLEST_GROUP = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Labelled rows as columns of one length. `weight` is 1 / rows of the event."""

    value: Floats
    label: npt.NDArray[np.bool_]
    event: npt.NDArray[Any]
    weight: Floats
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def where(self, mask: npt.NDArray[np.bool_]) -> Rows:
        """The rows of `mask`."""
        groups = {name: [g for g, kept in zip(of, mask, strict=True) if kept] for name, of in self.groups.items()}
        return Rows(
            value=self.value[mask],
            label=self.label[mask],
            event=self.event[mask],
            weight=self.weight[mask],
            groups=groups,
        )


def rows_of(value: Floats, label: Iterable[int], event: Sequence[str], groups: Mapping[str, Sequence[str]]) -> Rows:
    """Build `Rows`; weights come from the events."""
    names = np.array(event, dtype=object)
    _, inverse, count = np.unique(names.astype(str), return_inverse=True, return_counts=True)
    return Rows(
        value=value, label=np.array(list(label)) == 1, event=names, weight=1.0 / count[inverse], groups=dict(groups)
    )


# ── measures ──────────────────────────────────────────────────────────────────────────────────────


def average_precision(rows: Rows) -> float:
    """Area under the precision-recall steps, event-averaged; ties count as one step. NaN without relevant rows."""
    total = float(rows.weight[rows.label].sum())
    if not total:
        return float("nan")
    order = np.argsort(-rows.value, kind="stable")
    value, label, weight = rows.value[order], rows.label[order], rows.weight[order]
    last_of_tie = np.append(value[1:] != value[:-1], True)
    hits = np.cumsum(weight * label)[last_of_tie]
    taken = np.maximum(np.cumsum(weight)[last_of_tie], 1e-12)  # a resample may leave the best out
    return float(np.sum(np.diff(np.append(0.0, hits)) * hits / taken) / total)


def recall(rows: Rows, threshold: float) -> float:
    """Share of the relevant at or above `threshold`, event-averaged."""
    total = rows.weight[rows.label].sum()
    return float(rows.weight[rows.label & (rows.value >= threshold)].sum() / total) if total else float("nan")


def precision(rows: Rows, threshold: float) -> float:
    """Share of relevant among those at or above `threshold`, event-averaged."""
    taken = rows.value >= threshold
    total = rows.weight[taken].sum()
    return float(rows.weight[taken & rows.label].sum() / total) if total else float("nan")


def interval(rows: Rows, measure: Callable[[Rows], float], *, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of `measure`, resampling events."""
    rng = np.random.default_rng(seed)
    events, inverse = np.unique(rows.event.astype(str), return_inverse=True)
    found = []
    for _ in range(RESAMPLES):
        drawn = np.bincount(rng.integers(0, len(events), len(events)), minlength=len(events))
        resampled = Rows(value=rows.value, label=rows.label, event=rows.event, weight=rows.weight * drawn[inverse])
        found.append(measure(resampled))
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)


def calibration(rows: Rows, bins: int = 10) -> list[tuple[float, float, int]]:
    """(mean value, share of relevant, rows) of each tenth of the scale that holds any row."""
    at = np.minimum((rows.value * bins).astype(int), bins - 1)
    return [
        (float(rows.value[at == b].mean()), float(rows.label[at == b].mean()), int((at == b).sum()))
        for b in range(bins)
        if (at == b).any()
    ]


# ── reports ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One group's figures."""

    group: str
    rows: int
    relevant: int
    average_precision: float
    recall: float
    precision: float
    digest_recall: float

    def as_markdown(self) -> str:
        """As a row of a table."""
        figures = (self.average_precision, self.recall, self.precision, self.digest_recall)
        return " | ".join(
            (f"| {self.group}", str(self.rows), str(self.relevant), *(f"{x:.3f}" for x in figures), "")
        ).rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole evaluation. `intervals` are of the first line's measures; `lines` are of one model each."""

    model: str
    source: str
    lines: tuple[Line, ...]
    intervals: Mapping[str, tuple[float, float]]
    calibration: tuple[tuple[float, float, int], ...]
    rows: Rows

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        from dataclasses import asdict  # noqa: PLC0415

        return {key: value for key, value in asdict(self).items() if key != "rows"}

    def as_markdown(self) -> str:
        """As tables for people."""
        text = [
            f"## {self.model} on {self.source}",
            "",
            f"| group | rows | relevant | AP | recall ≥ {ALERT_AT} | precision ≥ {ALERT_AT} | recall ≥ {DIGEST_AT} |",
            "|---|---|---|---|---|---|---|",
            *(line.as_markdown() for line in self.lines),
            "",
            *(f"- {name}: 95 % interval {low:.3f} to {high:.3f}" for name, (low, high) in self.intervals.items()),
            "",
            "| mean value | share relevant | rows |",
            "|---|---|---|",
            *(f"| {value:.2f} | {share:.2f} | {count} |" for value, share, count in self.calibration),
        ]
        return "\n".join(text) + "\n"


def report(labelled: Sequence[Mapping[str, Any]] | None = None, *, model: Classifier | None = None) -> Report:
    """Evaluate `model` (the shipped one) on labelled rows, or the training recipe on held-out events of the corpus.

    Rows hold "title", "label" (0 or 1), and may hold "summary" or "text", "language" or "lang", "event", "codes" or
    "kind", "state", "register", "borderline" (left out of the figures).

    Raises:
        ValueError: no rows, or one without title or label.
    """
    if labelled is None:
        items = corpus_files.items()
        return _report(held_out(items), "the training recipe", f"{len(items)} corpus items, held out by event")
    chosen = [row for row in labelled if not row.get("borderline")]
    if not chosen or any(row.get("label") not in (0, 1) or "title" not in row for row in chosen):
        raise ValueError('every row needs "title" and "label" (0 or 1)')
    used = model or load()
    value = np.array([score.value for score in used.score([_row_text(row) for row in chosen])])
    events = [str(row.get("event") or f"row {number}") for number, row in enumerate(chosen)]
    groups = {
        "language": [str(row.get("language") or row.get("lang") or "") for row in chosen],
        **{name: [str(row.get(name) or "") for row in chosen] for name in ("kind", "state", "register")},
    }
    return _report(rows_of(value, [row["label"] for row in chosen], events, groups), used.name, f"{len(chosen)} rows")


def _row_text(row: Mapping[str, Any]) -> Text:
    language = str(row.get("language") or row.get("lang") or "")
    return Text(title=row["title"], summary=row.get("summary") or "", text=row.get("text") or "", language=language)


def false_alerts(background: Sequence[Mapping[str, Any]], model: Classifier) -> dict[str, float]:
    """Items of everyday news at or above each threshold, per 10,000; the few relevant ones among them count too."""
    value = np.array([score.value for score in model.score([_row_text(row) for row in background])])
    return {
        name: float(10_000 * (value >= threshold).mean())
        for name, threshold in (("alert_at", ALERT_AT), ("digest_at", DIGEST_AT))
    }


def left_out(
    items: Sequence[Item], by: str, groups: Sequence[str], labelled: Sequence[Mapping[str, Any]] = ()
) -> list[Line]:
    """Figures on each of `groups` by a model that saw no item of it. `by`: "state" or "language".

    For a state also on those rows of real news (`labelled`, as in `report`) that name it, where enough do.
    """
    from classifiers import train  # noqa: PLC0415
    from classifiers.relevance import item_text  # noqa: PLC0415

    lines = []
    for group in groups:
        inside = [group in getattr(item, by).split(",") for item in items]
        seen = [item for item, held in zip(items, inside, strict=True) if not held]
        model = train.fit(seen, with_codes=False)
        held = [item for item, mine in zip(items, inside, strict=True) if mine]
        value = np.array([score.value for score in model.score([item_text(item) for item in held])])
        rows = rows_of(value, [item.label for item in held], [item.event for item in held], {})
        lines.append(_line(f"without {group}", rows))
        naming = [row for row in labelled if by == "state" and not row.get("borderline") and _names(row, group)]
        if len(naming) >= _SMALLEST_GROUP and any(row["label"] for row in naming):
            lines.append(
                replace(report(naming, model=model).lines[0], group=f"without {group}, real news that names it")
            )
    return lines


def _names(row: Mapping[str, Any], state: str) -> bool:
    from classifiers.concepts import names, names_in  # noqa: PLC0415

    text = _row_text(row)
    return state in names() and state in names_in(f"{text.title} {text.summary} {text.text}")


def held_out(items: Sequence[Item]) -> Rows:
    """Calibrated held-out values of the corpus items."""
    from classifiers import train  # noqa: PLC0415

    value = train.held_out_probabilities(items)
    groups = {
        "language": [item.language for item in items],
        "register": [item.register for item in items],
        "state": [item.state.split(",")[0] for item in items],
    }
    return rows_of(value, [item.label for item in items], [item.event for item in items], groups)


def _report(rows: Rows, model: str, source: str) -> Report:
    lines = [_line("all", rows)]
    for name, of in rows.groups.items():
        for group in sorted(set(of)):
            mask = np.array([g == group for g in of])
            if group and mask.sum() >= _SMALLEST_GROUP and rows.label[mask].any():
                lines.append(_line(f"{name} {group}", rows.where(mask)))
    measures: dict[str, Callable[[Rows], float]] = {
        "average precision": average_precision,
        f"recall at {ALERT_AT:.2f}": lambda r: recall(r, ALERT_AT),
        f"precision at {ALERT_AT:.2f}": lambda r: precision(r, ALERT_AT),
    }
    return Report(
        model=model,
        source=source,
        lines=tuple(lines),
        intervals={name: interval(rows, measure) for name, measure in measures.items()},
        calibration=tuple(calibration(rows)),
        rows=rows,
    )


def _line(group: str, rows: Rows) -> Line:
    return Line(
        group=group,
        rows=len(rows.label),
        relevant=int(rows.label.sum()),
        average_precision=average_precision(rows),
        recall=recall(rows, ALERT_AT),
        precision=precision(rows, ALERT_AT),
        digest_recall=recall(rows, DIGEST_AT),
    )


def nearest(text: Text, most: int) -> list[tuple[float, Item]]:
    """The corpus items most like `text`, by cosine of their TF-IDF features, likest first."""
    from classifiers import train  # noqa: PLC0415

    items = corpus_files.items()
    similarity = train.similarities(text, items)
    order = np.argsort(-similarity, kind="stable")[:most]
    return [(float(similarity[i]), items[i]) for i in order]
