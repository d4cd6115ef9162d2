"""Measures: that they are what their names say, against plain reckonings and scikit-learn's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from classifiers import Score, Text, concepts, evaluate, model_card
from classifiers.corpus_files import Item
from classifiers.evaluate import rows_of
from classifiers.keywords import KeywordQuery

cases = st.lists(
    st.tuples(st.integers(0, 10).map(lambda n: n / 10), st.integers(0, 1), st.sampled_from("abcdef")),
    min_size=2,
    max_size=30,
)


@given(cases)
def test_average_precision_is_scikit_learns_with_events_weighed(rows: list[tuple[float, int, str]]) -> None:
    values, labels, events = map(list, zip(*rows, strict=True))
    found = evaluate.average_precision(rows_of(np.array(values), labels, events, {}))
    if not any(labels):
        assert math.isnan(found)
        return
    weights = [1 / events.count(event) for event in events]
    assert found == pytest.approx(average_precision_score(labels, values, sample_weight=weights))


def test_recall_and_precision_count_an_event_once() -> None:
    rows = rows_of(np.array([0.9, 0.9, 0.9, 0.1, 0.85]), [1, 1, 1, 1, 0], ["x", "x", "x", "y", "z"], {})
    assert evaluate.recall(rows, 0.8) == pytest.approx(0.5)
    assert evaluate.precision(rows, 0.8) == pytest.approx(0.5)
    assert math.isnan(evaluate.precision(rows, 0.95))


def test_an_interval_holds_the_figure_and_narrows_with_more_events() -> None:
    rng = np.random.default_rng(1)

    def sample(count: int) -> evaluate.Rows:
        labels = rng.integers(0, 2, count)
        values = np.clip(0.5 * labels + rng.random(count) * 0.6, 0, 1)
        return rows_of(values, labels.tolist(), [str(n) for n in range(count)], {})

    few, many = sample(40), sample(1_000)
    for rows in (few, many):
        low, high = evaluate.interval(rows, evaluate.average_precision)
        assert low <= evaluate.average_precision(rows) <= high
    widths = [np.diff(evaluate.interval(rows, evaluate.average_precision))[0] for rows in (few, many)]
    assert widths[1] < widths[0]


def test_calibration_bins_hold_every_row_once() -> None:
    rows = rows_of(np.array([0.0, 0.05, 0.5, 0.99, 1.0]), [0, 0, 1, 1, 1], list("abcde"), {})
    bins = evaluate.calibration(rows)
    assert sum(count for *_, count in bins) == 5
    assert bins[0][1] == 0.0
    assert bins[-1][1] == 1.0


class Words:
    name = "words"

    def score(self, texts: list[Text]) -> list[Score]:
        return [Score(value=0.9 if "exile" in text.title else 0.1, model=self.name) for text in texts]


LABELLED = [
    {"title": "exile attacked", "label": 1, "event": "a", "language": "en"},
    {"title": "exile sings", "label": 0, "event": "b", "language": "en"},
    {"title": "rain", "label": 0, "event": "c", "language": "en"},
    {"title": "exile or not", "label": 1, "borderline": True},
]


def test_a_report_leaves_borderline_rows_out_and_says_what_it_measured() -> None:
    report = evaluate.report(LABELLED, model=Words())
    assert report.lines[0].rows == 3
    assert report.lines[0].precision == pytest.approx(0.5)
    assert "| all | 3 | 1 |" in report.as_markdown()
    assert report.as_dict()["model"] == "words"
    assert "rows" not in report.as_dict()


@pytest.mark.parametrize("rows", [[], [{"title": "x"}], [{"label": 1}], [{"title": "x", "label": 2}]])
def test_rows_without_title_or_label_are_refused(rows: list[dict[str, object]]) -> None:
    with pytest.raises(ValueError, match="title"):
        evaluate.report(rows, model=Words())


def test_false_alerts_are_a_rate_per_ten_thousand() -> None:
    background = [{"title": "rain"}] * 99 + [{"title": "exile", "summary": "x"}]
    assert evaluate.false_alerts(background, Words()) == {"alert_at": 100.0, "digest_at": 100.0}


def item(number: int, title: str, label: int, state: str) -> Item:
    return Item(
        id=f"t-{number}", language="en" if number % 2 else "fr", title=title, summary="", label=label,
        codes=("violence",) if label else (), state=state, host="", register="wire", event=f"e{number}", hard="",
    )  # fmt: skip


def test_a_group_is_judged_by_a_model_that_never_saw_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from classifiers import train

    items = [item(n, f"Exiled writer number {n} stabbed", 1, "IR" if n < 6 else "RU") for n in range(20)]
    items += [item(40 + n, f"Rain number {n} tomorrow", 0, "IR" if n < 6 else "RU") for n in range(20)]
    seen: list[set[str]] = []
    fit = train.fit
    monkeypatch.setattr(
        train, "fit", lambda given, **how: (seen.append({i.state for i in given}), fit(given, **how))[1]
    )
    lines = evaluate.left_out(items, "state", ["IR"])
    assert seen == [{"RU"}]
    assert lines[0].group == "without IR"
    assert lines[0].rows == 12
    assert lines[0].average_precision == pytest.approx(1.0)
    assert len(lines) == 1


def test_a_state_that_was_left_out_is_looked_for_in_real_news_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from classifiers import train

    class Unseeing:
        """Scores what is stabbed."""

        name = "unseeing"

        def score(self, texts: Sequence[Text]) -> list[Score]:
            return [Score(value=float("stabbed" in t.title), codes=(), reasons=(), model=self.name) for t in texts]

    monkeypatch.setattr(train, "fit", lambda given, **how: Unseeing())
    monkeypatch.setattr("classifiers.relevance.item_text", lambda item: Text(title=item.title))
    items = [item(n, f"Exiled writer number {n} stabbed", 1, "IR") for n in range(2)]
    told = [{"title": f"Critic of Tehran no. {n} {'stabbed' if n % 2 else 'shot'}", "label": 1} for n in range(20)]
    told += [{"title": "Critic of Moscow stabbed", "label": 1}] * 20 + [
        {"title": "Iran", "label": 1, "borderline": True}
    ]
    own, real = evaluate.left_out(items, "state", ["IR"], told)
    assert (own.rows, real.rows) == (2, 20)
    assert real.group == "without IR, real news that names it"
    assert real.recall == pytest.approx(0.5)
    assert len(evaluate.left_out(items, "language", ["en"], told)) == 1
    assert len(evaluate.left_out(items, "state", ["IR"], told[:14])) == 1


def test_the_card_is_written_with_its_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = rows_of(rng.random(60), rng.integers(0, 2, 60).tolist(), [str(n) for n in range(60)], {})
    report = evaluate._report(rows, "words", "made-up rows")
    line = evaluate._line("without X", rows)
    monkeypatch.setattr(evaluate, "report", lambda labelled=None, *, model=None: report)
    monkeypatch.setattr(evaluate, "left_out", lambda *_: [line])
    card = tmp_path / "card.md"
    model_card.write(card, labelled=LABELLED, background=[{"title": "rain"}], model=Words())
    text = card.read_text(encoding="utf-8")
    assert "A state that the model never saw" in text
    assert "per 10,000" in text
    assert (tmp_path / "card.png").read_bytes().startswith(b"\x89PNG")


# ── concepts ──────────────────────────────────────────────────────────────────────────────────────


def found(text: str) -> set[str]:
    return set(concepts.names_in(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Exiled editor poisoned in Berlin", {"exile", "journalist", "poison", "DE", "any-host"}),
        ("Журналист в изгнании отравлен в Берлине", {"exile", "journalist", "poison", "DE"}),
        ("流亡記者在柏林中毒", {"exile", "journalist", "poison", "DE"}),
        ("صحفي في المنفى يتعرض للتسميم", {"exile", "journalist", "poison"}),
        ("Ermordung eines Dissidenten: Iran dementiert", {"dissident", "IR", "any-origin", "kill", "deny"}),
    ],
)
def test_concepts_are_the_same_in_every_language(text: str, expected: set[str]) -> None:
    assert expected <= found(text)


def test_a_stem_matches_only_at_the_start_of_a_word() -> None:
    assert "IR" not in found("aspirant to the throne")
    assert "exile" not in found("textiles from the mill")


def test_pairs_and_two_states_come_from_what_one_text_says() -> None:
    names = list(concepts.names())
    size = len(names)
    a, b = sorted((names.index("exile"), names.index("poison")))
    said = concepts.together(np.array([0, 0, 1]), np.array([a, b, a]))
    assert (0, a * size + b) in set(zip(said.general_row.tolist(), said.general.tolist(), strict=True))
    assert 1 not in said.general_row.tolist()
    iran, germany = names.index("IR"), names.index("DE")
    said = concepts.together(np.array([0, 0, 0]), np.array([a, iran, germany]))
    assert {a * size + iran, a * size + germany} == set(said.with_state.tolist())
    assert names.index("two-states") * (size + 1) in said.general.tolist()


def test_every_line_of_the_lexicon_has_stems_and_the_columns_suffice() -> None:
    from classifiers.features import CONCEPT_COLUMNS

    for name in ("concepts.tsv", "states.tsv"):
        for line in (concepts.LEXICON / name).read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                concept, language, stems = line.split("\t")
                assert concept
                assert language
                assert all(stem.strip() for stem in stems.split(";"))
    names = concepts.names()
    general = [number for number, name in enumerate(names) if not name.isupper()]
    assert max(general) * len(names) + len(names) <= CONCEPT_COLUMNS
    assert len(names) <= CONCEPT_COLUMNS


# ── the baseline ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("title", "value"),
    [
        ("Secret Chinese police station in Dublin told to close", 1.0),
        ("Exiled Iranian journalist stabbed in London", 0.9),
        ("Exiled Iranian footballer scores in cup final", 0.0),
        ("Rain tomorrow", 0.0),
    ],
)
def test_the_keyword_query_looks_for_the_subject_or_who_where_and_what(title: str, value: float) -> None:
    assert KeywordQuery().score([Text(title=title)])[0].value == value
