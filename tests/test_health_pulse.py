"""All feeds together: what makes many of them fail is one incident."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.app import utc_now
from monitor.habits import Trouble
from monitor.model import EPOCH, FeedState, Outcome
from monitor.pulse import ALOUD, FLOOD, NETWORK, NO_HITS, Pulse
from monitor.store import Store
from tests.health_parts import DAY, HOUR, START, Site, world
from tests.store_parts import NOW
from tests.whole_parts import ALL, CUP, door, process, rss, serving, table, write_toml

MINUTE = timedelta(minutes=1)


def state(
    name: object, kind: str = "", *, at: datetime = NOW, since: datetime | None = None, host: str = ""
) -> FeedState:
    return FeedState(
        url=f"https://{host or f'{name}.example'}/{name}", polled_at=at, succeeded_at=NOW - DAY, failures=bool(kind),
        error_kind=kind, failing_since=(since or at) if kind else None,
    )  # fmt: skip


def heard(pulse: Pulse, *states: FeedState) -> list[str]:
    return [notice.text for one in states for notice in pulse.heard(one, one.polled_at or NOW)]


# ── the network ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("name-not-found", "no name is found"),
        ("timeout", "nothing is answered in time"),
        ("connection-failed", "no connection comes about"),
        ("tls", "no certificate is in order"),
        ("blocked-address", "names lead to private addresses"),
        ("not-a-feed", "web pages come instead of feeds"),
        ("protocol", "mostly “protocol” (6)"),
    ],
)
def test_when_most_feeds_fail_at_once_it_is_told_once_with_what_it_may_be(kind: str, words: str) -> None:
    pulse = Pulse()
    heard(pulse, *(state(n) for n in range(10)))
    (text,) = heard(pulse, *(state(n, kind, at=NOW + MINUTE) for n in range(10)))
    assert text.startswith("6 of the 10 feeds that were asked lately fail since 17 Nov 08:01 UTC: ")
    assert words in text
    assert pulse.is_victim(state(3, kind, at=NOW + HOUR, since=NOW + MINUTE))
    assert not pulse.is_victim(state("old", "forbidden", since=NOW - 3 * DAY))


def test_it_is_over_when_most_answer_again() -> None:
    pulse = Pulse()
    heard(pulse, *(state(n, "timeout") for n in range(10)))
    assert pulse.down_since == NOW
    later = NOW + 2 * HOUR
    still = [state(n, "timeout", at=later, since=NOW) for n in range(10)]
    assert heard(pulse, *still) == []
    over = heard(pulse, *(state(n, at=later + MINUTE) for n in range(10)))
    assert over == ["Feeds answer again: 8 of the 10 that were asked lately."]
    assert (pulse.down_since, pulse.up_since) == (None, later + MINUTE)


def test_dead_feeds_do_not_make_the_network_one() -> None:
    pulse = Pulse()
    dead = [state(f"dead{n}", "not-found", since=NOW - 9 * DAY) for n in range(30)]
    assert heard(pulse, *(state(n) for n in range(10)), *dead, state(1, "timeout"), state(2, "timeout")) == []


def test_a_new_list_of_which_most_is_dead_is_not_taken_for_a_network() -> None:
    never = [replace(state(n, "name-not-found"), succeeded_at=None) for n in range(20)]
    assert heard(Pulse(), *(state(f"fine{n}") for n in range(5)), *never) == []


def test_where_some_answer_for_a_day_it_is_not_the_network() -> None:
    pulse = Pulse()
    assert len(heard(pulse, *(state(n, "timeout") for n in range(10)), state("a"), state("b"), state("c"))) == 1
    at = NOW + 25 * HOUR
    later = [state(n, "timeout", at=at, since=NOW) for n in range(10)]
    assert heard(pulse, *later) == []
    (text,) = heard(pulse, *(state(name, at=at) for name in "ab"))
    assert text.startswith("It is not the network: 2 of the 12 feeds")
    assert heard(pulse, *later) == [], "they are dead, and told by themselves"


def test_too_few_feeds_say_nothing_of_the_network_but_two_of_the_proxy() -> None:
    assert heard(Pulse(), *(state(n, "timeout") for n in range(4))) == []
    (text,) = heard(Pulse(), *(state(n, "proxy-unreachable") for n in range(3)))
    assert "the proxy does not answer. Is it (Tor?) running" in text


def test_one_site_with_most_of_the_feeds_is_named() -> None:
    searches = [state(n, "rate-limited", host="news.example") for n in range(8)]
    (text,) = heard(Pulse(), *searches)
    assert "all of them at news.example; that site has trouble, or refuses us" in text


def test_feeds_that_are_seldom_asked_count_by_their_last_answers() -> None:
    pulse = Pulse()
    heard(pulse, *(state(n, at=NOW + n * HOUR) for n in range(5)))
    late = NOW + 5 * HOUR
    assert heard(pulse, state(0, "timeout", at=late), state(1, "timeout", at=late + HOUR)) == []
    assert len(heard(pulse, state(2, "timeout", at=late + 2 * HOUR, since=late + 2 * HOUR))) == 0
    assert heard(pulse, FeedState(url="https://never.example")) == []


async def test_a_night_without_network_is_one_incident_and_feeds_are_asked_again_soon(tmp_path: Path) -> None:
    sites = [Site(n, days=4, per_day=6 + n) for n in range(12)]
    with world(tmp_path, sites) as it:
        begins, ends = START + DAY, START + DAY + 30 * HOUR
        it.net.down = lambda now: "ConnectError" if begins <= now < ends else ""
        await it.run(ends - HOUR)
        assert [key.rpartition(":")[0] for key, _ in it.notices()] == [f"notice:{NETWORK}"]
        assert all(state.failing_since < begins + 7 * HOUR for state in it.store.feed_states())  # type: ignore[operator]
        assert all(state.failures <= 6 for state in it.store.feed_states()), "they are not counted meanwhile"
        await it.run(ends + HOUR)
        again = [state for state in it.store.feed_states() if not state.failures]
        assert len(again) == len(sites)
        await it.run(ends + 6 * HOUR)
        told = [key.rpartition(":")[0] for key, _ in it.notices() if not key.startswith("notice:gap:")]
        assert told == [f"notice:{NETWORK}"] * 2
        assert it.store.open_notices() == () or {one.key[:4] for one in it.store.open_notices()} == {"gap:"}


async def test_a_restart_in_the_middle_of_an_outage_tells_nothing_again(tmp_path: Path) -> None:
    sites = [Site(n, days=3) for n in range(8)]
    with world(tmp_path, sites, every=HOUR) as it:
        it.net.down = lambda now: "ConnectTimeout" if START + 12 * HOUR <= now < START + 48 * HOUR else ""
        await it.run(START + 20 * HOUR)
        it.watch = replace(it.watch, pulse=Pulse())
        await it.run(START + 47 * HOUR)
        assert [key.rpartition(":")[0] for key, _ in it.notices()] == [f"notice:{NETWORK}"]
        it.watch = replace(it.watch, pulse=Pulse())
        await it.run(START + 52 * HOUR)
        assert it.over() == {f"notice:{NETWORK}": 1}


async def test_a_feed_that_fails_on_after_the_network_is_back_gets_its_own_day(tmp_path: Path) -> None:
    lasting = Site(0, days=5, faults=((START + 12 * HOUR, START + 9 * DAY, "500"),))
    sites = [lasting, *(Site(n, days=5) for n in range(1, 8))]
    with world(tmp_path, sites, every=HOUR) as it:
        it.net.down = lambda now: "ConnectTimeout" if START + 12 * HOUR <= now < START + 48 * HOUR else ""
        await it.run(START + 70 * HOUR)
        assert it.texts("feed-fails") == []
        await it.run(START + 100 * HOUR)
        assert len(it.texts("feed-fails")) == 1


# ── floods ────────────────────────────────────────────────────────────────────────────────────────


def test_so_many_are_told_one_by_one_within_an_hour_and_the_rest_together() -> None:
    pulse = Pulse()
    told = [pulse.may_tell(f"https://{n}.example", Trouble.SILENT, NOW + n * MINUTE) for n in range(ALOUD + 3)]
    assert told == [True] * ALOUD + [False] * 3
    assert pulse.may_tell("https://later.example", Trouble.SILENT, NOW + 2 * HOUR)
    assert pulse.ended(f"https://{ALOUD}.example", Trouble.SILENT) == ()
    assert pulse.ended(f"https://{ALOUD + 1}.example", Trouble.SILENT) == ()
    (over,) = pulse.ended(f"https://{ALOUD + 2}.example", Trouble.SILENT)
    assert (over.key, over.closes) == (FLOOD, True)
    assert pulse.may_tell("https://back.example", Trouble.SILENT, NOW - DAY), "a clock that was set back frees it"


async def test_a_list_with_many_dead_feeds_is_told_in_a_dozen_messages(tmp_path: Path) -> None:
    dead = [Site(n, days=2, faults=((START - DAY, START + 3 * DAY, "404"),)) for n in range(25)]
    fine = [Site(100 + n, days=2) for n in range(30)]
    with world(tmp_path, [*dead, *fine], every=HOUR) as it:
        await it.run(START + DAY, step=HOUR / 2)
        assert len(it.texts("feed-fails")) == ALOUD
        assert len(it.texts(FLOOD)) == 1
        blind = [state for state in it.store.feed_states() if state.failures]
        assert len(blind) == 25


# ── hits ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_classifier_that_finds_nothing_any_more_is_told_and_its_first_find_too() -> None:
    pulse = Pulse()
    assert pulse.found("one", 50.0, 500, 0) == (), "one feed says something of itself only"
    assert [pulse.found(f"{n}", 2.0, 20, 0) for n in range(3)] == [()] * 3
    (notice,) = pulse.found("last", 2.5, 20, 0)
    assert notice.key == NO_HITS
    assert "None of the last 580 articles of all feeds matters, where more than 10 would be usual" in notice.text
    assert pulse.found("last", 2.5, 20, 0) == ()
    (over,) = pulse.found("last", 0.1, 1, 1)
    assert over.closes
    assert pulse.found("last", 0.1, 1, 1) == ()
    again = Pulse()
    again.prime([], [], [(NO_HITS, NOW)])
    assert len(again.found("x", 0.1, 1, 1)) == 1


# ── through real HTTP, and as people see it ───────────────────────────────────────────────────────


def test_a_page_instead_of_a_feed_is_shown_where_people_look(tmp_path: Path) -> None:
    with serving({"wire": rss("The Wire", [CUP]), "sport": rss("Sport", [CUP])}) as site:
        toml = write_toml(
            tmp_path, *(table("feeds", url=site.feed(name), name=name, every="5m", **ALL) for name in ("wire", "sport")),
            table("channels", name="desk", type="console", operators=True),
        )  # fmt: skip
        assert process("run", "--once", "--config", toml).code == 0
        site.pages["wire"] = b"<!doctype html><html><head><title>Just a moment...</title></head><body>?</body></html>"
        for _ in range(2):
            due(tmp_path)
            assert process("run", "--once", "--config", toml).code == 0
        said = f"answers with a web page titled “Just a moment...” at {site.feed('wire')}"
        rows = {row["name"]: row for row in door("feeds", "list", "--json", "--config", toml).lines}
        assert said in rows["wire"]["error"]
        assert rows["wire"]["state"] == "failing (2x)"
        shown = door("status", "--config", toml)
        assert shown.code == 1
        assert "open: Feed “wire” fails since" in shown.out
        assert said in shown.out
        week = door("digest", "--week", "2026-W46", "--config", toml).out
        assert "1 of 2 fine. Blind: wire (not-a-feed" in week.replace("\n", " ")


def due(folder: Path) -> None:
    """Let every feed be due now."""

    with Store.open(folder / "state", now=utc_now()) as store:
        for one in store.feed_states():
            store.record(Outcome(state=replace(one, next_poll_at=EPOCH)), (), now=utc_now())
