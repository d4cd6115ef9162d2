"""The model card: every figure of a model on one page, with its curves. Written by `longarm evaluate --card`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifiers import Classifier, corpus_files, evaluate, load
from classifiers.evaluate import ALERT_AT, DIGEST_AT, Line, Report, Rows
from classifiers.keywords import KeywordQuery

_STATES, _LANGUAGES = 10, 8


def write(
    path: Path,
    *,
    labelled: Sequence[Mapping[str, Any]] | None = None,
    background: Sequence[Mapping[str, Any]] | None = None,
    model: Classifier | None = None,
) -> None:
    """Write the card to `path` and its picture beside it. Real news is only measured on, never shown or stored."""
    used = model or load()
    items = corpus_files.items()
    held_out = evaluate.report()
    states = [
        state for state, _ in Counter(i.state for i in items if i.label and len(i.state) == 2).most_common(_STATES)
    ]
    languages = [name for name, _ in Counter(item.language for item in items).most_common(_LANGUAGES)]
    parts = [_head(used, items), held_out.as_markdown(), *_real(used, labelled, background)]
    parts += [
        _table("A state that the model never saw", evaluate.left_out(items, "state", states, labelled or ())),
        _table("A language that the model never saw", evaluate.left_out(items, "language", languages)),
    ]
    picture = path.with_suffix(".png")
    draw(held_out.rows, picture)
    parts.append("![precision, recall and calibration on held-out events](" + picture.name + ")\n")
    path.write_text("\n".join(parts), encoding="utf-8")


def _head(model: Classifier, items: Sequence[corpus_files.Item]) -> str:
    relevant = sum(item.label for item in items)
    return f"""# Model card

**{model.name}** scores news for overseas policing and transnational repression. Trained on {len(items):,} items written
for this project ({relevant:,} relevant) in {len({item.language for item in items})} languages; see
[the codebook](../classifiers/corpus/CODEBOOK.md) and [what a score means](design/what-a-score-means.md).
Regenerate this page with `longarm evaluate --card docs/model-card.md`.

AP is average precision. Each event counts once, however many items tell it. Alerts begin at {ALERT_AT}, the digest at
{DIGEST_AT}. Held-out figures are by models that saw nothing of the item's event; they are no promise for real news,
which differs from what was written here: read the tables on real news first where there are any.

The real labelled rows are a development set: its errors steered which kinds of items were written and the stated share
of relevant texts, and some items tell the same public events in other words, so the figures on it flatter.
"""


def _real(
    model: Classifier, labelled: Sequence[Mapping[str, Any]] | None, background: Sequence[Mapping[str, Any]] | None
) -> list[str]:
    parts = []
    if labelled is not None:
        parts += [
            _renamed(evaluate.report(labelled, model=model), "real labelled news").as_markdown(),
            _renamed(evaluate.report(labelled, model=KeywordQuery()), "the same news, as a baseline").as_markdown(),
        ]
    if background is not None:
        rows = ["| model | at alert_at | at digest_at |", "|---|---|---|"]
        for name, used in ((model.name, model), ("keywords", KeywordQuery())):
            found = evaluate.false_alerts(background, used)
            rows.append(f"| {name} | {found['alert_at']:.1f} | {found['digest_at']:.1f} |")
        title = f"## Items of everyday news that pass, per 10,000 ({len(background):,} items)"
        parts.append("\n".join([title, "", *rows, ""]))
    return parts


def _renamed(report: Report, source: str) -> Report:
    from dataclasses import replace  # noqa: PLC0415

    return replace(report, source=f"{source} ({report.source})")


def _table(title: str, lines: Sequence[Line]) -> str:
    head = f"| group | rows | relevant | AP | recall ≥ {ALERT_AT} | precision ≥ {ALERT_AT} | recall ≥ {DIGEST_AT} |"
    return "\n".join([f"## {title}", "", head, "|---|---|---|---|---|---|---|", *(x.as_markdown() for x in lines), ""])


def draw(rows: Rows, path: Path) -> None:
    """Draw precision against recall, and the share of relevant items against the score, as one PNG."""
    import matplotlib  # noqa: PLC0415 - only for the card

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), constrained_layout=True)
    thresholds = np.linspace(0.02, 0.995, 120)
    recalls = [evaluate.recall(rows, at) for at in thresholds]
    left.plot(recalls, [evaluate.precision(rows, at) for at in thresholds], color="#8a2b1d")
    for at, name in ((ALERT_AT, "alert_at"), (DIGEST_AT, "digest_at")):
        point = (evaluate.recall(rows, at), evaluate.precision(rows, at))
        left.plot(*point, "o", color="#1d4f8a")
        left.annotate(f" {name}", point)
    left.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02), title="held-out events")
    bins = evaluate.calibration(rows)
    right.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    right.plot([value for value, *_ in bins], [share for _, share, _ in bins], "o-", color="#8a2b1d")
    right.set(xlabel="score", ylabel="share relevant in the corpus", xlim=(0, 1), ylim=(0, 1.02), title="calibration")
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
