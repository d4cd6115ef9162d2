"""The model: how it is fitted, kept, refused, and what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import classifiers
from classifiers import Score, Text, corpus_files, storage, train
from classifiers.corpus_files import Item
from classifiers.features import naming_any_state
from classifiers.relevance import RelevanceModel


def item(number: int, title: str, label: int, codes: tuple[str, ...] = ()) -> Item:
    return Item(
        id=f"t-{number}", language="en", title=title, summary="", label=label, codes=codes, state="", host="",
        register="wire", event=f"event-{number}", hard="",
    )  # fmt: skip


PLACES = ("London", "Berlin", "Nairobi", "Ottawa", "Paris", "Oslo", "Vienna", "Madrid", "Rome", "Prague")


@pytest.fixture(scope="module")
def small() -> list[Item]:
    relevant = [item(i, f"Exiled editor stabbed in {p}", 1, ("violence",)) for i, p in enumerate(PLACES)]
    relevant += [
        item(20 + i, f"Passport of critic living in {p} cancelled", 1, ("mobility-control",))
        for i, p in enumerate(PLACES)
    ]
    other = [item(40 + i, f"Football club of {p} wins cup", 0) for i, p in enumerate(PLACES)]
    return relevant + other + [item(60 + i, f"Rain and wind over {p} tomorrow", 0) for i, p in enumerate(PLACES)]


@pytest.fixture(scope="module")
def folder(small: list[Item], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    train.train(small, path)
    return path


def test_it_tells_relevant_from_other_and_names_the_code(folder: Path) -> None:
    relevant, other = RelevanceModel.load(folder).score(
        [Text(title="Exiled editor stabbed in Lisbon"), Text(title="Cup for Lisbon club")]
    )
    assert relevant.value > 0.5 > other.value
    assert relevant.codes == ("violence",)
    assert {"exiled", "editor", "stabbed"} & {reason.term for reason in relevant.reasons if reason.weight > 0}


def test_the_same_corpus_gives_the_same_bytes(small: list[Item], folder: Path, tmp_path: Path) -> None:
    train.train(small, tmp_path)
    for name in ("weights.npz", "manifest.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_a_batch_and_a_single_text_score_the_same(folder: Path) -> None:
    model = RelevanceModel.load(folder)
    texts = [Text(title=f"Exiled editor stabbed in {place}", summary="Police say so.") for place in PLACES]
    assert model.score(texts) == [model.score([text])[0] for text in texts]


@pytest.mark.parametrize("title", ["", " ", "\u200b", "🎉🎉", "\ud800", "ပြည်ပရောက်", "x" * 100_000, "\x00\x01"])
def test_no_text_makes_it_fail(folder: Path, title: str) -> None:
    score = RelevanceModel.load(folder).score([Text(title=title)])[0]
    assert 0.0 <= score.value <= 1.0


def test_nothing_known_in_a_text_scores_zero(folder: Path) -> None:
    assert RelevanceModel.load(folder).score([Text(title="")])[0].value == 0.0


def test_three_hundred_harmless_words_do_not_hide_an_item(folder: Path) -> None:
    model = RelevanceModel.load(folder)
    stuffing = " ".join(["football club cup rain wind tomorrow"] * 50)
    plain = model.score([Text(title="News", summary="Exiled editor stabbed in Lisbon")])[0]
    stuffed = model.score([Text(title="News", summary=f"Exiled editor stabbed in Lisbon\n{stuffing}")])[0]
    assert stuffed.value > 0.9 * plain.value


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


STATED = ("Iran", "Saudi Arabia")


@pytest.fixture(scope="module")
def stated(small: list[Item]) -> RelevanceModel:
    """Of a corpus that tells of Iran's doings ten times, which is enough here, and of Saudi Arabia's once."""
    states = ["IR"] * 10 + ["SA"] + [""] * len(small)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(train, "_FAMILIAR", 10)
        return train.fit(
            [replace(item, state=state) for item, state in zip(small, states, strict=False)], with_codes=False
        )


def test_a_state_of_which_the_corpus_tells_little_is_judged_without_knowing_states(stated: RelevanceModel) -> None:
    assert stated.familiar == ("IR",)
    assert not stated.stateless.weights[naming_any_state()].any()
    iran, saudi, mute = (Text(title=f"Exiled editor stabbed{by}") for by in (" by Iran", " by Saudi Arabia", ""))
    assert min(score.value for score in stated.score([iran, saudi, mute])) > 0.5
    without_usual = replace(stated, usual=replace(stated.usual, bias=-100.0))
    without_stateless = replace(stated, stateless=replace(stated.stateless, bias=-100.0))
    assert [score.value > 0.5 for score in without_usual.score([iran, saudi, mute])] == [False, True, False]
    assert [score.value > 0.5 for score in without_stateless.score([iran, saudi, mute])] == [True, False, True]


def test_both_decisions_are_kept(stated: RelevanceModel, tmp_path: Path) -> None:
    stated.save(tmp_path, {})
    loaded = RelevanceModel.load(tmp_path)
    texts = [Text(title=f"Exiled editor of {state} stabbed", language="en") for state in STATED]
    assert loaded.familiar == stated.familiar
    for kept, fitted in zip(loaded.score(texts), stated.score(texts), strict=True):
        assert kept.value == pytest.approx(fitted.value, abs=2e-3)  # weights are kept as 16-bit floats
    assert loaded.stateless.calibration == stated.stateless.calibration


def test_dodging_is_noticed_in_the_body_too(folder: Path) -> None:
    plain, masked = RelevanceModel.load(folder).score(
        [Text(title="News", text=text) for text in ("Exiled editor stabbed", "3x1l3d 3d1t0r s7abb3d")]
    )
    assert masked.obfuscated
    assert not plain.obfuscated
    assert masked.value == pytest.approx(plain.value, abs=0.02)


def test_a_damaged_model_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    weights, manifest = (folder / "weights.npz").read_bytes(), (folder / "manifest.json").read_bytes()
    (tmp_path / "manifest.json").write_bytes(manifest)
    damaged = [flipped(weights, at) for at in np.linspace(0, len(weights) - 1, 50).astype(int)]
    for data in (*damaged, weights[:-1], weights[: len(weights) // 2], b""):
        (tmp_path / "weights.npz").write_bytes(data)
        with pytest.raises(ValueError, match=r"weights\.npz.*truncated or swapped"):
            storage.load(tmp_path)


def test_another_format_and_a_foreign_manifest_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "weights.npz").write_bytes((folder / "weights.npz").read_bytes())
    manifest = json.loads((folder / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(ValueError, match="model format 99"):
        storage.load(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(ValueError, match="not a model's manifest"):
        storage.load(tmp_path)


def test_a_missing_model_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        classifiers.load(tmp_path)


def test_the_shipped_model_scores_at_once() -> None:
    relevant, fox = classifiers.load().score(
        [
            Text(title="Exiled Iranian journalist stabbed outside his London home, police suspect Tehran"),
            Text(title="Fox hunting ban upheld by court"),
        ]
    )
    assert isinstance(relevant, Score)
    assert relevant.value >= 0.8
    assert fox.value < 0.2


def test_a_corpus_with_nothing_to_hold_out_is_refused(small: list[Item]) -> None:
    with pytest.raises(ValueError, match="events of each label"):
        train.fit(small[:20])


def test_a_broken_corpus_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "en.jsonl").write_text('{"id": "1"}\n')
    with pytest.raises(ValueError, match=r"en\.jsonl:1"):
        corpus_files.items(tmp_path)


STUFFING = " ".join(["football club cup rain wind tomorrow"] * 50)


@pytest.mark.parametrize(
    "text",
    [
        Text(title="News", summary=f"Exiled editor stabbed in Lisbon. {STUFFING}"),
        Text(title="News", summary=f"{STUFFING}. Exiled editor stabbed in Lisbon"),
        Text(title=f"Exiled editor stabbed in Lisbon. {STUFFING}"),
        Text(title="News", text=f"{STUFFING}\nExiled editor stabbed in Lisbon"),
    ],
)
def test_stuffing_hides_an_item_nowhere(folder: Path, text: Text) -> None:
    model = RelevanceModel.load(folder)
    assert model.score([text])[0].value > 0.9 * model.score([Text(title="Exiled editor stabbed in Lisbon")])[0].value
