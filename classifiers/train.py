"""Learn the relevance model from the corpus.

The same corpus and library versions give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers import Text, calibration, codes
from classifiers.corpus_files import Item
from classifiers.features import BUCKETS, amounts, counted, occurrences, prepared, weighted
from classifiers.relevance import RelevanceModel

FOLDS = 5
_MIN_DF = 2
_C = 5.0
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
        ValueError: fewer than two events a label, so that nothing can be held out.
    """
    labels = np.array([item.label for item in items])
    events = np.array([item.event for item in items])
    if min(len(set(events[labels == label])) for label in (0, 1)) < FOLDS:
        raise ValueError(f"the corpus needs at least {FOLDS} events of each label, to hold some out")
    progress("features")
    matrix, idf = _features([_whole(item) for item in items])
    progress("held-out folds")
    held_out = _held_out_values(matrix, labels, events)
    calibrated = calibration.fit(held_out, labels, _amounts(matrix), [item.language for item in items])
    progress("fit")
    weights, bias = discerning(matrix, labels)
    progress("codes")
    return RelevanceModel(
        idf=idf,
        weights=weights.astype(np.float32),
        bias=bias,
        calibration=calibrated,
        codes=codes.fit(matrix, items) if with_codes else codes.none(matrix.shape[1]),
        name="relevance-unsaved",
    )


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
    }
    return model.save(folder, about)


def held_out_probabilities(items: Sequence[Item]) -> Floats:
    """Calibrated value of each item by a model that saw nothing of its event."""
    labels = np.array([item.label for item in items])
    matrix, _ = _features([_whole(item) for item in items])
    values = _held_out_values(matrix, labels, np.array([item.event for item in items]))
    languages = [item.language for item in items]
    known = _amounts(matrix)
    return calibration.fit(values, labels, known, languages).probabilities(values, known, languages)


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
    idf = np.where(df >= _MIN_DF, np.log((1 + len(texts)) / (1 + df)) + 1, 0).astype(np.float16).astype(np.float32)
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
    from scipy import sparse  # noqa: PLC0415

    of_relevant, of_others = (np.asarray(matrix[labels == label].sum(axis=0)).ravel() + _SMOOTHING for label in (1, 0))
    ratio = np.abs(np.log((of_relevant / of_relevant.sum()) / (of_others / of_others.sum())))
    scale = np.minimum(ratio, _STRONGEST) ** _SHARPNESS + _LEAST_SCALE
    weights, bias = linear((matrix @ sparse.diags(scale)).tocsr(), labels, _C)
    return weights * scale, bias


def linear(matrix: Any, labels: npt.NDArray[Any], strength: float) -> tuple[Floats, float]:
    """Weights (one a column) and bias of a logistic regression on the rows of `matrix` (sparse)."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    used = np.flatnonzero(matrix.getnnz(axis=0))
    model = LogisticRegression(C=strength, max_iter=300, tol=1e-4).fit(matrix[:, used], labels)
    weights = np.zeros(matrix.shape[1])
    weights[used] = model.coef_[0]
    return weights, float(model.intercept_[0])


def _held_out_values(matrix: Any, labels: npt.NDArray[Any], events: npt.NDArray[Any]) -> Floats:
    """Decision value of each item by a model that saw nothing of its event."""
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415

    values = np.zeros(len(labels))
    for seen, held in GroupKFold(FOLDS, shuffle=True, random_state=0).split(matrix, labels, events):
        weights, bias = discerning(matrix[seen], labels[seen])
        values[held] = matrix[held] @ weights + bias
    return values
