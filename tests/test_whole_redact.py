"""`longarm redact`: a story is withdrawn by hand, with or without a watch that runs beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor import app, config, errands
from monitor.compose import Composer
from monitor.model import Delivery
from monitor.store import People, Store
from monitor.store.withdrawing import WORDS
from tests.store_parts import FEED, NOW, a_delivery, an_outcome, judged, opened
from tests.whole_parts import Ran, door, table, write_toml


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """A watch that told one story on its console, and named it in a digest."""
    path = write_toml(tmp_path, table("feeds", url=FEED), table("channels", name="desk", type="console"))
    one = judged(1, title="Editor stabbed")
    with opened(tmp_path / "state", now=NOW) as store:
        told = a_delivery(f"story:{one.story_id}", channel="desk", story_id=one.story_id)
        store.record(an_outcome(one, announce=(one,)), [told], now=NOW)
        store.queue(
            [Delivery(key="digest:2026-W46/1", channel="desk", message=Composer().link(one.article.url).message())]
        )
        while rows := store.pending(NOW):  # one of a channel at a time
            store.mark_sending(rows[0].id, NOW)
            store.settle_sent(rows[0].id, f"{rows[0].id}", NOW)
    return path


def redact(toml: Path, article: str = "", why: str = "it names\na child") -> Ran:
    return door("redact", article or judged(1).article.id[:10], "--why", why, "--config", toml)


def withdrawn(toml: Path) -> list[tuple[int, str]]:
    with Store.open(toml.parent / "state", now=NOW, read_only=True) as store:
        return [(one.by, one.why) for one in People(store).redactions()]


def test_a_story_is_withdrawn_and_what_no_edit_reaches_is_named(toml: Path) -> None:
    ran = redact(toml)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"{judged(1).story_id[:12]}: withdrawn; the next `longarm run` edits what was sent",
        "channels that were told: 1",
        "these can't be edited, say it there: desk",
        "these digests name it and stay as they are: digest:2026-W46/1 in desk",
    ]
    assert withdrawn(toml) == [(errands.BY_HAND, "it names a child")]
    with Store.open(toml.parent / "state", now=NOW, read_only=True) as store:
        assert [(act.by, act.what, act.why) for act in People(store).acts(NOW)] == [(0, "redact", "it names a child")]
        waiting = [row.message.text for row in store.pending(NOW)]
        assert waiting == [WORDS], "the edit of the alert"
    assert "Editor" not in door("search", "stabbed", "--config", toml).out
    assert redact(toml).code == 0, "twice is fine"
    assert withdrawn(toml) == [(errands.BY_HAND, "it names a child")]


async def test_a_watch_that_runs_is_asked_to_and_does_it_in_its_next_pass(toml: Path) -> None:
    async with app.opened(config.load(toml, {})) as running:
        ran = redact(toml)
        assert ran.code == 0
        assert "was asked to withdraw it" in ran.out
        assert People(running.store).redactions() == ()
        await app.deliver_pass(running, datetime.now(UTC))
        assert [one.why for one in People(running.store).redactions()] == ["it names a child"]
        assert not (toml.parent / "state" / errands.REDACT).exists()


async def test_what_a_process_died_over_is_done_by_the_next_one(toml: Path) -> None:
    state = toml.parent / "state"
    errands.ask_to_redact(state, judged(1).story_id, "wrong")
    (state / errands.REDACT).rename(state / f".{errands.REDACT}.taken")
    async with app.opened(config.load(toml, {})) as running:
        await app.deliver_pass(running, datetime.now(UTC))
        assert [one.why for one in People(running.store).redactions()] == ["wrong"]
        assert not (state / f".{errands.REDACT}.taken").exists()


def test_a_story_that_is_none_and_a_reason_that_is_none_are_refused(toml: Path) -> None:
    with opened(toml.parent / "state", now=NOW) as store:
        alone = replace(judged(2), story_id="")
        store.record(an_outcome(alone), [], now=NOW)
    assert redact(toml, "ffff").said == [
        "longarm: ffff: no article has this id; `longarm search` and `longarm export articles` show ids"
    ]
    assert "belongs to no story" in redact(toml, judged(2).article.id).err
    empty = redact(toml, why="  ")
    assert (empty.code, "a reason is expected" in empty.err) == (2, True)
    assert withdrawn(toml) == []


def test_a_label_is_taken_back_by_its_rater(toml: Path) -> None:
    article = judged(1).article.id
    for value in ("relevant", "withdrawn"):
        ran = door("label", article[:10], value, "--rater", "ana", "--config", toml)
        assert (ran.code, ran.out) == (0, f"{article}: {value} (ana)\n")
    values = [line["value"] for line in door("export", "labels", "--config", toml).lines]
    assert values == ["relevant", "withdrawn"], "every word is kept"
    with Store.open(toml.parent / "state", now=NOW, read_only=True) as store:
        assert store.labels() == []
