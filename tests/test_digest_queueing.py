"""Digests are queued once a week and channel, whatever happens in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from monitor.digest import select
from monitor.digest.queueing import queue_due, shown
from monitor.errors import ConfigError, StateError
from monitor.model import ChannelRules, Delivery, FeedState, WeekData
from tests.render_parts import FEED, MADRID, STATE, story_in

MONDAY = datetime.fromisoformat("2026-11-23T07:00:05+00:00")  # just after 08:00 in Madrid, week 48
MAIN = ChannelRules(name="main", digest="mon 08:00")


@dataclass
class Week:
    """A store with one week in it, keeping deliveries as the real one does: unique by key and channel."""

    data: WeekData = field(default_factory=WeekData)
    states: tuple[FeedState, ...] = (STATE,)
    rows: dict[tuple[str, str], Delivery] = field(default_factory=dict)
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    def judged_between(self, start: datetime, end: datetime) -> WeekData:
        self.asked.append((start, end))
        return self.data

    def feed_states(self) -> Sequence[FeedState]:
        return self.states

    def digest_sent(self, key: str, channel: str) -> bool:
        return any(row[0].startswith(f"{key}/") and row[1] == channel for row in self.rows)

    def queue(self, deliveries: Sequence[Delivery]) -> int:
        before = len(self.rows)
        for delivery in deliveries:
            self.rows.setdefault((delivery.key, delivery.channel), delivery)
        return len(self.rows) - before


@dataclass
class Folder:
    path: Path

    def __call__(self, name: str, content: str) -> Path:
        (self.path / name).write_text(content, encoding="utf-8")
        return self.path / name


def a_week(count: int = 3) -> Week:
    pairs = [story_in("en" if n % 2 else "ru", n) for n in range(1, count + 1)]
    return Week(
        WeekData(
            stories=tuple(replace(of, alerted=True) for of, _ in pairs),
            judged=tuple(row for _, row in pairs),
            alerted=count,
        )
    )


def due(store: Week, folder: Path, *channels: ChannelRules, now: datetime = MONDAY) -> int:
    return queue_due(store, channels or (MAIN,), tz=MADRID, now=now, write=Folder(folder), feeds={FEED.url: FEED})


def test_a_due_digest_is_queued_and_written_once(tmp_path: Path) -> None:
    store = a_week()
    assert due(store, tmp_path) == 1
    assert list(store.rows) == [("digest:2026-W47/1", "main")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-W47.html", "2026-W47.md", "2026-W47.txt"]
    assert "3 stories alerted" in (tmp_path / "2026-W47.txt").read_text(encoding="utf-8")
    assert store.asked == [
        (datetime.fromisoformat("2026-11-15T23:00+00:00"), datetime.fromisoformat("2026-11-22T23:00+00:00"))
    ]
    for hours in (0, 1, 24, 166):
        assert due(store, tmp_path, now=MONDAY + timedelta(hours=hours)) == 0
    assert len(store.rows) == 1
    assert due(store, tmp_path, now=MONDAY + timedelta(days=7)) == 1
    assert ("digest:2026-W48/1", "main") in store.rows


def test_nothing_is_due_before_its_hour_or_without_a_wish(tmp_path: Path) -> None:
    early = MONDAY - timedelta(minutes=1)
    store = a_week()
    store.states = (replace(STATE, baselined_at=early - timedelta(days=1)),)
    assert due(store, tmp_path, now=early) == 0
    assert due(store, tmp_path, ChannelRules(name="none")) == 0
    assert (store.rows, store.asked, list(tmp_path.iterdir())) == ({}, [], [])


def test_a_new_watch_does_not_begin_with_an_empty_week(tmp_path: Path) -> None:
    store = a_week()
    store.states = (FeedState(url="https://never.example"),)
    assert due(store, tmp_path) == 0
    store.states = (replace(STATE, baselined_at=MONDAY + timedelta(hours=1)),)
    assert due(store, tmp_path, now=MONDAY + timedelta(days=2)) == 0
    assert due(store, tmp_path, now=MONDAY + timedelta(days=7)) == 1


def test_a_machine_that_slept_sends_one_digest_late_and_says_so(tmp_path: Path) -> None:
    store = a_week()
    assert due(store, tmp_path, now=MONDAY + timedelta(days=16)) == 1
    ((key, _), row) = next(iter(store.rows.items()))
    assert key == "digest:2026-W49/1"
    assert "Sent late: it was due on 7 Dec 2026 08:00 CET." in row.message.text


def test_a_digest_in_time_does_not_excuse_itself(tmp_path: Path) -> None:
    store = a_week()
    due(store, tmp_path, now=MONDAY + timedelta(minutes=50))
    assert "late" not in store.rows["digest:2026-W47/1", "main"].message.text


def test_each_channel_gets_what_it_wants_and_the_files_hold_everything(tmp_path: Path) -> None:
    store = a_week(4)
    russian = ChannelRules(name="ru", digest="mon 08:00", languages=("ru",))
    assert due(store, tmp_path, MAIN, russian) == 2
    assert "4 stories alerted" in store.rows["digest:2026-W47/1", "main"].message.text
    assert "2 stories alerted" in store.rows["digest:2026-W47/1", "ru"].message.text
    assert "4 stories alerted" in (tmp_path / "2026-W47.md").read_text(encoding="utf-8")


def test_one_channel_having_its_digest_does_not_keep_it_from_another(tmp_path: Path) -> None:
    store = a_week()
    due(store, tmp_path)
    assert due(store, tmp_path, MAIN, ChannelRules(name="second", digest="mon 07:00")) == 1
    assert [channel for _, channel in store.rows] == ["main", "second"]


def test_all_parts_of_a_long_digest_are_queued_in_order(tmp_path: Path) -> None:
    store = a_week(200)
    due(store, tmp_path)
    keys = [key for key, _ in store.rows]
    assert len(keys) > 3
    assert keys == [f"digest:2026-W47/{part}" for part in range(1, len(keys) + 1)]
    assert due(store, tmp_path) == 0


def test_quiet_hours_hold_a_digest(tmp_path: Path) -> None:
    store = a_week()
    due(store, tmp_path, replace(MAIN, quiet=(time(22), time(9))))
    assert store.rows["digest:2026-W47/1", "main"].not_before == datetime.fromisoformat("2026-11-23T08:00:00+00:00")


def test_a_full_disk_costs_the_page_and_not_the_messages(tmp_path: Path) -> None:
    def full(name: str, content: str) -> Path:
        raise OSError(28, "No space left on device")

    store = a_week()
    with pytest.raises(StateError, match=r"2026-W47: its page could not be written .No space left on device"):
        queue_due(store, (MAIN,), tz=MADRID, now=MONDAY, write=full)
    assert list(store.rows) == [("digest:2026-W47/1", "main")]


# ── shown on demand ───────────────────────────────────────────────────────────────────────────────


def test_a_week_is_shown_in_the_form_that_is_asked_for() -> None:
    store = a_week()
    text = shown(store, week="2026-W47", form="text", tz=MADRID, now=MONDAY)
    assert text.startswith("OVERSEAS POLICING WEEK  16–22 Nov 2026 (2026-W47)")
    assert shown(store, week=None, form="text", tz=MADRID, now=MONDAY) == text
    assert shown(store, week="2026-W47", form="markdown", tz=MADRID, now=MONDAY).startswith("# ")
    assert shown(store, week="2026-W47", form="html", tz=MADRID, now=MONDAY).startswith("<!doctype html>")


@pytest.mark.parametrize(("week", "says"), [("soon", "expected one like 2026-W47"), ("2027-W10", "has not begun")])
def test_a_week_that_can_not_be_shown_is_refused_in_one_line(week: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        shown(a_week(), week=week, form="text", tz=MADRID, now=MONDAY)
    assert "\n" not in str(error.value)


def test_a_digest_is_shown_as_a_channel_gets_it_in_its_language() -> None:
    store = a_week(4)
    russian = ChannelRules(name="ru", languages=("ru",), language="es")
    text = shown(store, week="2026-W47", form="text", tz=MADRID, now=MONDAY, rules=russian)
    assert text.startswith("SEMANA DE LA REPRESIÓN TRANSNACIONAL")
    assert "2 historias con alerta" in text
    assert shown(store, week=None, form="svg", tz=MADRID, now=MONDAY, rules=russian).startswith("<svg")


def test_a_channel_gets_its_digest_in_its_language_and_the_files_stay_english(tmp_path: Path) -> None:
    store = a_week()
    assert due(store, tmp_path, replace(MAIN, language="fa")) == 1
    assert "3 رویداد با هشدار" in store.rows["digest:2026-W47/1", "main"].message.text
    assert 'lang="en"' in (tmp_path / "2026-W47.html").read_text(encoding="utf-8")


def test_subscribers_who_wish_the_same_share_a_digest_and_many_wishes_take_several_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_week()
    made: list[str] = []
    whole = select.select

    def counted(data: WeekData, rules: ChannelRules, *more: object, **others: object) -> object:
        made.append(rules.name)
        return whole(data, rules, *more, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(select, "select", counted)
    alike = [ChannelRules(name=f"sub:a{n}", digest="mon 08:00", digest_from="2026-W40") for n in range(30)]
    others = [ChannelRules(name=f"sub:b{n}", digest="mon 08:00", least=n / 100) for n in range(1, 30)]
    assert due(store, tmp_path, *others, *alike, MAIN) == 1 + 24
    assert made.count("") == 1, "the week's files"
    assert len(made) == 1 + 25
    assert made[1] == "main", "channels of the settings go first"
    assert due(store, tmp_path, *others, *alike, MAIN) == 5 + 30
    assert len(made) == 1 + 25 + 1 + 6
    assert due(store, tmp_path, *others, *alike, MAIN) == 0
    assert len(store.rows) == 60


def test_what_was_held_back_from_one_subscriber_is_told_to_that_one_only(tmp_path: Path) -> None:
    store = a_week()
    store.data = replace(store.data, held=(("sub:a", 2),))
    due(store, tmp_path, *(ChannelRules(name=f"sub:{name}", digest="mon 08:00") for name in "ab"))
    texts = {channel: row.message.text for (_, channel), row in store.rows.items()}
    assert ["2 held back" in texts["sub:a"], "held back" in texts["sub:b"]] == [True, False]


def test_a_digest_of_a_week_before_somebody_came_is_not_for_them(tmp_path: Path) -> None:
    store = a_week()
    late = ChannelRules(name="sub:late", digest="mon 08:00", digest_from="2026-W48")
    assert due(store, tmp_path, late) == 0
    assert due(store, tmp_path, late, now=MONDAY + timedelta(days=7)) == 1
    assert list(store.rows) == [("digest:2026-W48/1", "sub:late")]
