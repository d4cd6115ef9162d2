"""Learn the relevance model from the corpus.

The same corpus and library versions give the same bytes.

What a value means is learned twice over: on held-out events, whose states the model knows, and on held-out states, of
which it has seen nothing. News holds both; calibrated on events alone the model is too sure of itself.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers import Text, calibration, codes, concepts
from classifiers.corpus_files import Item
from classifiers.features import BUCKETS, amounts, counted, naming, naming_any_state, occurrences, prepared, weighted
from classifiers.relevance import Linear, RelevanceModel

FOLDS = 5
_MIN_DF = 2
_C = 5.0
_FAMILIAR = 80
"""Relevant items of a state from which on the corpus tells enough of it."""
_SMOOTHING = 0.3
_LEAST_SCALE = 0.05
_STRONGEST = 3.0
_SHARPNESS = 0.7

Floats = npt.NDArray[np.float64]


def fit(
    items: Sequence[Item], *, progress: Callable[[str], None] = lambda _: None, with_codes: bool = True
) -> RelevanceModel:
    """Fit, calibrate and return a model; without codes it takes half the time and names none rightly.

    Raises:
        ValueError: fewer than FOLDS events a label, so that nothing can be held out.
    """
    if not _can_be_held_out(_events(items), np.array([item.label for item in items])):
        raise ValueError(f"the corpus needs at least {FOLDS} events of each label, to hold some out")
    progress("features")
    matrix, idf = _features([_whole(item) for item in items])
    counted_states = Counter(state for item in items if item.label for state in item.state.split(",") if state)
    usual, stateless = _linears(matrix, items, progress)
    progress("codes")
    return RelevanceModel(
        idf=idf,
        usual=usual,
        stateless=stateless,
        familiar=tuple(sorted(state for state, count in counted_states.items() if count >= _FAMILIAR)),
        codes=codes.fit(matrix, items) if with_codes else codes.none(matrix.shape[1]),
        name="relevance-unsaved",
    )


def _linears(matrix: Any, items: Sequence[Item], progress: Callable[[str], None]) -> Iterator[Linear]:
    """Fit and calibrate the usual decision and the stateless one."""
    labels = np.array([item.label for item in items])
    for name, columns, groupings, share in (
        ("usual", np.ones(matrix.shape[1], dtype=bool), (_events(items), _states(items)), calibration.PREVALENCE),
        ("stateless", ~naming_any_state(), (_states(items),), calibration.EVEN),
    ):
        progress(f"{name}: held-out folds")
        used = np.flatnonzero(columns & (matrix.getnnz(axis=0) > 0))
        compact = matrix[:, used]
        calibrated, _ = _calibrated(compact, _amounts(matrix), items, groupings, share)
        progress(f"{name}: fit")
        weights = np.zeros(matrix.shape[1], dtype=np.float32)
        weights[used], bias = discerning(compact, labels)
        yield Linear(weights=weights, bias=bias, calibration=calibrated)


def _calibrated(
    matrix: Any,
    known: npt.NDArray[np.int64],
    items: Sequence[Item],
    groupings: Sequence[npt.NDArray[Any]],
    share: float = calibration.PREVALENCE,
) -> tuple[calibration.Calibration, list[Floats]]:
    """Learn what a value means; with it the values of `items`, held out by each of `groupings`.

    `known`: how many known words and word pairs each item has. `share`: how many texts are relevant where the model
    will be used. A small corpus of too few states holds out events alone.
    """
    labels = np.array([item.label for item in items])
    groupings = [groups for groups in groupings if _can_be_held_out(groups, labels)] or [_events(items)]
    held_out = [_held_out_values(matrix, labels, groups) for groups in groupings]
    times = len(groupings)
    languages = [item.language for item in items]
    fitted = calibration.fit(
        np.concatenate(held_out), np.tile(labels, times), np.tile(known, times), languages * times, share=share
    )
    return fitted, held_out


def _can_be_held_out(groups: npt.NDArray[Any], labels: npt.NDArray[Any]) -> bool:
    return min(len(set(groups[labels == label])) for label in (0, 1)) >= FOLDS


def _events(items: Sequence[Item]) -> npt.NDArray[Any]:
    return np.array([item.event for item in items])


def _states(items: Sequence[Item]) -> npt.NDArray[Any]:
    """The first state of each item; one without any is of its event alone."""
    return np.array([item.state.split(",")[0] or f"event {item.event}" for item in items])


def _whole(item: Item) -> str:
    return prepared(item.title, item.summary)


def train(items: Sequence[Item], folder: Path, *, progress: Callable[[str], None] = lambda _: None) -> str:
    """Fit a model on `items`, write it to `folder` and return its digest."""
    model = fit(items, progress=progress)
    corpus = hashlib.sha256("\n".join(f"{i.id}\t{i.label}\t{i.title}\t{i.summary}" for i in items).encode()).hexdigest()
    about: dict[str, Any] = {
        "corpus_sha256": corpus,
        "items": len(items),
        "relevant": sum(item.label for item in items),
        "languages": sorted({item.language for item in items}),
        "prevalence": calibration.PREVALENCE,
        "prevalence_of_little_known_states": calibration.EVEN,
    }
    return model.save(folder, about)


def held_out_probabilities(items: Sequence[Item]) -> Floats:
    """Calibrated value of each item by a model that saw nothing of its event (the usual decision alone)."""
    matrix, _ = _features([_whole(item) for item in items])
    compact = matrix[:, np.flatnonzero(matrix.getnnz(axis=0))]
    calibrated, (by_event, *_) = _calibrated(compact, _amounts(matrix), items, (_events(items), _states(items)))
    return calibrated.probabilities(by_event, _amounts(matrix), [item.language for item in items])


def similarities(text: Text, items: Sequence[Item]) -> Floats:
    """Cosine of `text` with each item, by the TF-IDF features of the items."""
    matrix, idf = _features([_whole(item) for item in items])
    counts = counted(occurrences([prepared(text.title, text.summary, text.text)]), 1, idf > 0)
    query = np.zeros(BUCKETS)
    query[counts.bucket] = weighted(counts, idf)
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()) * np.linalg.norm(query)
    return np.asarray(matrix @ query / np.maximum(lengths, 1e-12), dtype=np.float64)


def _features(texts: Sequence[str]) -> tuple[Any, npt.NDArray[np.float32]]:
    """TF-IDF matrix of `texts` (sparse, BUCKETS columns) and the idf; buckets of a single text are left out."""
    from scipy import sparse  # noqa: PLC0415

    found = occurrences(texts)
    df = np.bincount(counted(found, len(texts)).bucket, minlength=BUCKETS)
    # States of which nothing was told are noticed nevertheless: such a text is judged without knowing states.
    used = (df >= _MIN_DF) | naming(concepts.ORIGINS)
    idf = np.where(used, np.log((1 + len(texts)) / (1 + df)) + 1, 0).astype(np.float16).astype(np.float32)
    counts = counted(found, len(texts), idf > 0)
    values = weighted(counts, idf)
    return sparse.csr_matrix((values, (counts.row, counts.bucket)), shape=(len(texts), BUCKETS)), idf


def _amounts(matrix: Any) -> npt.NDArray[np.int64]:
    entries = matrix.tocoo()
    return amounts(entries.row, entries.col, matrix.shape[0])


def discerning(matrix: Any, labels: npt.NDArray[Any]) -> tuple[Floats, float]:
    """Weights and bias of a logistic regression in which features that tell the labels apart are cheap to use.

    Each column is scaled by how unevenly it is spread over the labels (the log ratio of its shares, as in a naive Bayes
    model), so that the penalty falls on words that merely happen to stand in some relevant items. Wang and Manning,
    "Baselines and Bigrams", 2012. The weights are those of the unscaled columns.
    """
    of_relevant, of_others = (np.asarray(matrix[labels == label].sum(axis=0)).ravel() + _SMOOTHING for label in (1, 0))
    ratio = np.abs(np.log((of_relevant / of_relevant.sum()) / (of_others / of_others.sum())))
    scale = np.minimum(ratio, _STRONGEST) ** _SHARPNESS + _LEAST_SCALE
    scaled = matrix.copy()
    scaled.data *= scale.astype(scaled.dtype)[scaled.indices]
    weights, bias = linear(scaled, labels, _C)
    return weights * scale, bias


def linear(
    matrix: Any, labels: npt.NDArray[Any], strength: float, *, solver: str = "newton-cg"
) -> tuple[Floats, float]:
    """Weights (one a column) and bias of a logistic regression on the rows of `matrix` (CSR)."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    model = LogisticRegression(C=strength, solver=solver, max_iter=100).fit(matrix, labels)
    return model.coef_[0], float(model.intercept_[0])


def _held_out_values(matrix: Any, labels: npt.NDArray[Any], events: npt.NDArray[Any]) -> Floats:
    """Decision value of each item by a model that saw nothing of its event."""
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415

    values = np.zeros(len(labels))
    for seen, held in GroupKFold(FOLDS, shuffle=True, random_state=0).split(matrix, labels, events):
        weights, bias = discerning(matrix[seen], labels[seen])
        values[held] = matrix[held] @ weights + bias
    return values
