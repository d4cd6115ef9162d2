"""A feed that gets another address goes on with its memory, whenever that is edited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import app, config, moving, wiring
from monitor.errors import StateError
from monitor.model import Feed, Outcome
from monitor.store import Store
from tests.reload_parts import DESK, HOUR, A, B, scene
from tests.whole_parts import ALL, CUP, EDITOR, STATION, Site, rss, serving, table, write_toml


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as served:
        yield served


UNLINKED = b"".join(
    f"<item><title>{one.title}</title><guid isPermaLink='false'>{one.slug}</guid></item>".encode()
    for one in (EDITOR, STATION, CUP)
)


def unlinked(more: str = "") -> bytes:
    """A feed whose entries have no link, so that only what belongs to the feed tells them again."""
    head = b"<rss version='2.0'><channel><title>Wire</title><language>en</language>"
    return head + more.encode() + UNLINKED + b"</channel></rss>"


async def test_a_feed_that_moves_takes_its_memory_along(tmp_path: Path, site: Site) -> None:
    site.pages |= {"old": unlinked(), "new": unlinked(), "sport": rss("Sport", [])}
    old, new = (table("feeds", url=site.feed(name), name="Wire", **ALL) for name in ("old", "new"))
    async with scene(tmp_path, old) as it:
        await it.poll()
        await it.deliver()
        before = it.app.store.feed_state(site.feed("old"))
        assert before is not None
        await it.look(new, DESK)
        assert "Feeds moved with their memory (1): “Wire”" in await it.deliver()
        after = it.app.store.feed_state(site.feed("new"))
        assert after is not None
        assert (after.baselined_at, after.title) == (before.baselined_at, "Wire")
        assert (after.etag, after.body_hash, after.full_fetch_at) == ("", "", None)
        assert {article.feed for article in it.app.store.articles(moving.EPOCH)} == {site.feed("new")}
        await it.poll()
        assert site.asked.count("new") == 1
        assert await it.deliver() == ""
        title = "Dissident kidnapped in Vienna by agents of the state that he fled"
        site.pages["new"] = unlinked(f"<item><title>{title}</title><guid isPermaLink='false'>x</guid></item>")
        await it.poll(after=2 * HOUR)
        assert title[:40] in await it.deliver()
        assert it.app.watch.in_flight == set()


async def test_a_feed_that_moved_while_nothing_ran_takes_its_memory_along_too(tmp_path: Path, site: Site) -> None:
    site.pages |= {"old": unlinked(), "new": unlinked()}
    for name in ("old", "new"):
        async with scene(tmp_path, table("feeds", url=site.feed(name), name="Wire", **ALL)) as it:
            await it.poll()
            assert await it.deliver() == ""
            assert {article.feed for article in it.app.store.articles(moving.EPOCH)} == {site.feed(name)}
            assert len(list(it.app.store.articles(moving.EPOCH))) == 3
    assert (tmp_path / "state" / moving.NAMES).stat().st_mode & 0o077 == 0


async def test_a_feed_whose_poll_is_under_way_moves_when_that_has_ended(tmp_path: Path, site: Site) -> None:
    site.pages |= {"new": unlinked()}
    site.hanging.add("old")
    old, new = (table("feeds", url=site.feed(name), name="Wire", **ALL) for name in ("old", "new"))
    async with scene(tmp_path, old) as it:
        state = replace(it.app.store.feed_states()[0], baselined_at=app.utc_now() - HOUR)
        it.app.store.record(Outcome(state=state), (), now=app.utc_now())
        polls = {name: work for name, _, work in app._jobs(it.app)}["poll"]
        await polls()
        while "old" not in site.asked:
            await asyncio.sleep(0.01)
        it.write(new, DESK)
        app.look(it.app, it.edits, now=app.utc_now(), at_once=True)
        await asyncio.sleep(0)
        await it.poll()
        assert "new" not in site.asked
        assert it.state(site.feed("new")).baselined_at is None
        site.closed.set()
        await asyncio.gather(*it.app.tasks)
        assert it.state(site.feed("new")).baselined_at == state.baselined_at
        await it.poll()
        assert "new" in site.asked


async def test_a_move_that_can_not_be_written_is_tried_again(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages |= {"old": unlinked(), "new": unlinked()}
    old, new = (table("feeds", url=site.feed(name), name="Wire", **ALL) for name in ("old", "new"))
    async with scene(tmp_path, old) as it:
        await it.poll()
        monkeypatch.setattr(app, "REST_AFTER_FAILURE", timedelta(0))
        record, failed = Store.record, []

        def fail_once(self: Store, *arguments: object, **named: object) -> None:
            if not failed:
                failed.append(True)
                raise StateError("the disk is full")
            record(self, *arguments, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(Store, "record", fail_once)
        await it.look(new, DESK)
        assert failed
        assert it.state(site.feed("new")).title == "Wire"
        assert it.open_keys() == []


async def test_a_feed_without_memory_has_none_to_take_along(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        await it.look(A.replace("a.example", "new.example"), DESK)
        state = it.app.store.feed_state("https://new.example/rss")
        assert state is not None
        assert state.baselined_at is None


async def test_a_feed_that_comes_back_to_an_address_polled_since_keeps_the_newer_state(tmp_path: Path) -> None:
    one, other = Feed(url="https://a.example/rss", name="A"), Feed(url="https://b.example/rss", name="B")
    now = app.utc_now()
    async with scene(tmp_path, A, B) as it:
        for feed, hours in ((one, 2), (other, 1)):
            state = it.app.store.feed_state(feed.url)
            assert state is not None
            known = replace(state, baselined_at=now - 9 * HOUR, polled_at=now - hours * HOUR, title=feed.name)
            it.app.store.record(Outcome(state=known), (), now=now)
        moving.take_over(it.app.store, one, other, now)
        assert it.state(other.url).title == "B"
        moving.take_over(it.app.store, other, one, now)
        assert it.state(one.url).title == "B"


async def test_a_shorter_pace_counts_from_now_on(tmp_path: Path) -> None:
    slow = table("feeds", url="https://a.example/rss", name="A", every="24h")
    async with scene(tmp_path, slow) as it:
        (state,) = it.app.store.feed_states()
        waits = replace(state, next_poll_at=app.utc_now() + 20 * HOUR)
        it.app.store.record(Outcome(state=waits), (), now=app.utc_now())
        await it.look(slow.replace("24h", "5m"), DESK)
        (state,) = it.app.store.feed_states()
        assert state.next_poll_at <= app.utc_now() + timedelta(minutes=5)


def test_a_list_of_names_that_is_damaged_or_can_not_be_written_stops_nothing(tmp_path: Path) -> None:
    assert moving.watched_before(tmp_path) == ()
    for damage in ("", "[1]", "{"):
        (tmp_path / moving.NAMES).write_text(damage)
        assert moving.watched_before(tmp_path) == ()
    moving.remember(tmp_path / "nowhere", [])


def test_a_move_that_can_not_be_written_at_the_start_is_no_reason_not_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def full(_store: object, before: object, after: Feed, _now: object) -> None:
        tried.append(after.name)
        raise StateError("the disk is full")

    (tmp_path / moving.NAMES).write_text('{"https://old.example/rss": "A"}')
    settings = replace(config.load(write_toml(tmp_path, A), {}), state_dir=tmp_path)
    monkeypatch.setattr(moving, "take_over", full)
    wiring._take_over(None, settings, app.utc_now())  # type: ignore[arg-type]
    assert tried == ["A"], "it was tried, and the refusal went no further"
