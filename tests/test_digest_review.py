"""A digest that is held for people: what they change in it, and that it goes out once, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.digest import render, reviewed
from monitor.digest.queueing import queue_due, shown
from monitor.digest.sample import SAMPLE, drawn
from monitor.digest.select import Week, due, goes_at, last_week_out, select
from monitor.errands import Errand, ErrandKind, Errands, settle
from monitor.errors import StateError
from monitor.model import (
    SUBSCRIBER,
    ChannelRules,
    Decision,
    Delivery,
    DigestEdit,
    EditKind,
    Label,
    LabelValue,
    Message,
)
from monitor.sampling import Sampled
from monitor.store import Review, Store, keys
from tests.config_parts import FEED as FEED_TOML
from tests.config_parts import loaded, problem
from tests.digest_parts import FEEDS, W47, digest_of, full_digest, full_week, item
from tests.render_parts import MADRID
from tests.store_parts import NOW, OTHER, a_story, an_outcome, article_id, judged, opened

UTC = ZoneInfo("UTC")
ALL = ChannelRules(name="")
MAIN = ChannelRules(name="main", digest="mon 08:00")
LATER = ChannelRules(name="later", digest="wed 08:00")
TUESDAY = datetime.fromisoformat("2026-11-24T12:00:00+00:00")
REVIEW = "tue 12:00"
_NUMBERS = iter(range(10**6))


def an_edit(kind: EditKind, about: str = "", other: str = "", *, channel: str = "", text: str = "") -> DigestEdit:
    return DigestEdit(
        id=f"edit-{next(_NUMBERS)}", week="2026-W47", kind=kind, by="ana", at=NOW, channel=channel, about=about,
        other=other, text=text,
    )  # fmt: skip


def ids(items: object) -> str:
    return "".join(one.story_id for one in items)  # type: ignore[attr-defined]


LIST = tuple(item(0, story_id=letter) for letter in "abcd")


# ── what edits make of it ─────────────────────────────────────────────────────────────────────────


def test_a_story_is_put_before_or_after_another_and_twice_is_once() -> None:
    up = an_edit(EditKind.BEFORE, "c", "b")
    assert ids(reviewed.ordered(LIST, [up])) == ids(reviewed.ordered(LIST, [up, up])) == "acbd"
    assert ids(reviewed.ordered(LIST, [an_edit(EditKind.AFTER, "a", "b")])) == "bacd"
    assert ids(reviewed.ordered(LIST, [up, an_edit(EditKind.BEFORE, "c", "a")])) == "cabd"


def test_a_move_past_what_is_not_there_moves_nothing() -> None:
    for edit in (
        an_edit(EditKind.BEFORE, "c", "x"),
        an_edit(EditKind.AFTER, "x", "a"),
        an_edit(EditKind.AFTER, "a", "a"),
    ):
        assert ids(reviewed.ordered(LIST, [edit])) == "abcd"


@given(st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=12), st.sets(st.integers(0, 7)))
def test_a_channel_has_its_stories_in_the_order_of_the_whole(moves: list[tuple[int, bool]], mine: set[int]) -> None:
    whole = [item(0, story_id="abcdefgh"[n]) for n in range(8)]
    edits: list[DigestEdit] = []
    for place, is_up in moves:  # each move passes the story beside it, as the page offers it
        order = ids(reviewed.ordered(whole, edits))
        beside = place - 1 if is_up else place + 1
        if 0 <= beside < 8:
            edits.append(an_edit(EditKind.BEFORE if is_up else EditKind.AFTER, order[place], order[beside]))
    part = [one for n, one in enumerate(whole) if n in mine]
    kept = {one.story_id for one in part}
    assert ids(reviewed.ordered(part, edits)) == "".join(c for c in ids(reviewed.ordered(whole, edits)) if c in kept)


def test_what_is_taken_back_no_longer_holds_and_can_be_any_edit() -> None:
    first, second = an_edit(EditKind.DROP, "a"), an_edit(EditKind.DROP, "b")
    undo = an_edit(EditKind.UNDO, first.id)
    assert reviewed.left_out(reviewed.counting([first, second, undo, undo], "main")) == {"b"}


def test_what_is_changed_for_one_channel_holds_for_that_one_alone() -> None:
    edits = [an_edit(EditKind.DROP, "a"), an_edit(EditKind.DROP, "b", channel="main")]
    assert reviewed.left_out(reviewed.counting(edits, "main")) == {"a", "b"}
    assert reviewed.left_out(reviewed.counting(edits, "other")) == {"a"}
    assert reviewed.left_out(reviewed.counting(edits, "")) == {"a"}


def test_the_newest_note_counts_and_a_channels_own_before_everybodys() -> None:
    notes = [an_edit(EditKind.NOTE, text="one"), an_edit(EditKind.NOTE, text="two")]
    own = an_edit(EditKind.NOTE, text="own", channel="main")
    gone = an_edit(EditKind.NOTE, text="")
    assert reviewed.note(notes, "main") == "two"
    assert reviewed.note([own, *notes], "main") == "own"
    assert reviewed.note([*notes, gone], "main") == ""
    assert reviewed.note([], "main") == ""
    assert len(reviewed.note([an_edit(EditKind.NOTE, text="x" * 5_000)], "")) == reviewed.NOTE_CHARS


def test_a_story_that_is_left_out_is_nowhere_in_the_digest() -> None:
    week = full_week()
    whole = select(week, ALL, W47, feeds=FEEDS, tz=MADRID)
    gone = whole.moved[0].item
    edited = select(replace(week, edits=(an_edit(EditKind.DROP, gone.story_id),)), ALL, W47, feeds=FEEDS, tz=MADRID)
    assert len(edited.alerted) + len(edited.below) == len(whole.alerted) + len(whole.below) - 1
    for form in (render.as_text, render.as_markdown, render.as_html):
        assert gone.url in form(whole)
        assert gone.url not in form(edited)
    assert all(gone.url not in message.text for message in render.as_messages(edited))
    assert gone.story_id not in {one.item.story_id for one in (*edited.moved, *edited.ahead)}


def test_a_correction_of_a_story_that_is_left_out_is_not_told() -> None:
    week = full_week()
    (edition,) = week.editions
    week = replace(week, editions=(replace(edition, story_id="gone"),), edits=(an_edit(EditKind.DROP, "gone"),))
    assert select(week, ALL, W47, feeds=FEEDS, tz=MADRID).corrections == ()


@pytest.mark.parametrize("language", ["en", "fa", "zh-Hant"])
def test_the_note_stands_in_every_form_as_plain_text(language: str) -> None:
    digest = full_digest(language, note="<b>One</b> is *unsure*.\n\n- ask @desk\n1. سه")
    page = render.as_html(digest)
    assert "&lt;b&gt;One&lt;/b&gt; is *unsure*." in page
    assert '<p dir="auto">- ask @desk</p>' in page
    markdown = render.as_markdown(digest)
    assert r"is \*unsure\*." in markdown
    assert "\n\\- ask @" in markdown
    assert "\n1\\. سه" in markdown
    first = render.as_messages(digest)[0].text
    assert "is *unsure*.\n- ask @\u2060desk\n1. سه" in first
    assert "is *unsure*.\n- ask @" in render.as_text(digest)
    assert all(
        "unsure" not in form(full_digest(language)) for form in (render.as_html, render.as_markdown, render.as_text)
    )


def test_a_note_of_the_greatest_length_fits_into_the_first_message() -> None:
    messages = render.as_messages(full_digest(note="@" * reviewed.NOTE_CHARS))
    assert messages[0].text.count("@") == reviewed.NOTE_CHARS
    assert all(len(message.text.encode("utf-16-le")) // 2 <= 4096 for message in messages)
    assert "note" not in render.as_messages(digest_of(item()))[0].text.lower()


# ── until when it is held ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("digest", "review", "expected"),
    [
        ("mon 08:00", "", "2026-11-23T07:00"),
        ("mon 08:00", "tue 12:00", "2026-11-24T11:00"),
        ("wed 08:00", "tue 12:00", "2026-11-25T07:00"),  # people had their time by then
        ("sun 20:00", "tue 12:00", "2026-11-29T19:00"),
        ("tue 12:00", "tue 12:00", "2026-11-24T11:00"),
        ("mon 08:00", "sun 23:59", "2026-11-29T22:59"),
    ],
)
def test_a_digest_goes_at_its_time_or_when_the_hold_ends(digest: str, review: str, expected: str) -> None:
    assert goes_at(Week(2026, 47), digest, tz=MADRID, review=review) == datetime.fromisoformat(f"{expected}:00+00:00")


@given(
    st.sampled_from(["mon 00:00", "sun 02:30", "wed 08:00"]),
    st.sampled_from(["", "tue 12:00", "sun 23:59", "mon 00:00"]),
    st.sampled_from(["Europe/Madrid", "Pacific/Apia", "UTC"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)),
)
def test_at_every_hour_the_last_digest_is_owed_whose_time_has_come(
    digest: str, review: str, zone: str, at: datetime
) -> None:
    now, tz = at.replace(tzinfo=UTC), ZoneInfo(zone)
    found = due(ChannelRules(name="c", digest=digest), tz=tz, now=now, review=review)
    assert found is not None
    assert found.at <= now < goes_at(found.week.next, digest, tz=tz, review=review)
    assert found.at == goes_at(found.week, digest, tz=tz, review=review) >= found.week.span(tz)[1]


def test_readers_who_ask_are_shown_no_week_that_people_still_look_at() -> None:
    assert last_week_out(TUESDAY - timedelta(seconds=1), UTC, REVIEW) == Week(2026, 46)
    assert (
        last_week_out(TUESDAY, UTC, REVIEW) == last_week_out(TUESDAY - timedelta(hours=30), UTC, "") == Week(2026, 47)
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"hold until Tue 12:00"', "tue 12:00"),
        ('"HOLD  until friday 9:05"', "fri 09:05"),
        ('""', ""),
        ("false", ""),
    ],
)
def test_the_key_says_until_when(value: str, expected: str) -> None:
    assert loaded(f"[monitor]\ndigest_review = {value}\n{FEED_TOML}").digest_review == expected


@pytest.mark.parametrize(
    "value", ['"tue 12:00"', '"hold until noon"', '"hold until Tue 25:00"', "true", "12", '"hold until "']
)
def test_a_bad_value_is_said_in_one_line_with_a_good_one(value: str) -> None:
    said = problem(f"[monitor]\ndigest_review = {value}\n{FEED_TOML}")
    assert said.startswith("feeds.toml:2: monitor.digest_review: found ") or ":2: monitor.digest_review: found " in said
    assert 'such as "hold until Tue 12:00"' in said


# ── stored ────────────────────────────────────────────────────────────────────────────────────────


def test_edits_are_stored_in_order_with_who_and_when_and_once(tmp_path: Path) -> None:
    edits = [an_edit(EditKind.DROP, "a"), an_edit(EditKind.NOTE, text="Seen.\nAll."), an_edit(EditKind.UNDO, "x")]
    with opened(tmp_path) as store:
        for edit in (*edits, edits[0]):
            leave(tmp_path, edit)
        assert settle(tmp_path, store) == 4
        assert Review(store).digest_edits("2026-W47") == tuple(edits)
        assert Review(store).digest_edits("2026-W46") == ()
    with opened(tmp_path) as store:
        start, end = W47.span(MADRID)
        assert store.judged_between(start, end).edits == tuple(edits)
        assert store.judged_between(start, end - timedelta(days=2)).edits == ()
        assert store.judged_between(*W47.next.span(MADRID)).edits == ()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue", "UTC"])
def test_a_week_finds_its_edits_in_every_time_zone(tmp_path: Path, zone: str) -> None:
    with opened(tmp_path) as store:
        leave(tmp_path, an_edit(EditKind.DROP, "a"))
        settle(tmp_path, store)
        assert len(store.judged_between(*W47.span(ZoneInfo(zone))).edits) == 1


@pytest.mark.parametrize(("channel", "sent_to", "is_taken"), [
    ("", "main", False), ("main", "main", False), ("main", "other", True), ("", f"{SUBSCRIBER}1", True),
])  # fmt: skip
def test_what_comes_after_its_digest_was_queued_is_not_taken(
    tmp_path: Path, channel: str, sent_to: str, is_taken: bool
) -> None:
    with opened(tmp_path) as store:
        store.queue([Delivery(key="digest:2026-W47/1", channel=sent_to, message=Message(text="x"))])
        leave(tmp_path, an_edit(EditKind.DROP, "a", channel=channel))
        assert settle(tmp_path, store) == 1
        assert bool(Review(store).digest_edits("2026-W47")) is is_taken


def leave(state: Path, edit: DigestEdit) -> None:
    Errands(state).ask(Errand(kind=ErrandKind.DIGEST, by=edit.by, at=edit.at, about=edit.week, edit=edit))


# ── held and sent ─────────────────────────────────────────────────────────────────────────────────


class Daemon:
    """The digest pass over a real store, which may be restarted."""

    def __init__(self, folder: Path) -> None:
        self.state, self.store = folder / "state", opened(folder / "state")
        ones = (judged("one"), judged("two"), judged("low", Decision.DIGEST))
        told = tuple(a_story(one) for one in ones[:2])
        self.store.record(replace(an_outcome(*ones), announce=told), (), now=NOW)

    def restart(self) -> None:
        self.store.close()
        self.store = opened(self.state)

    def asked(self, now: datetime, *channels: ChannelRules, review: str = REVIEW) -> int:
        settle(self.state, self.store)
        return queue_due(
            self.store, channels or (MAIN,), tz=UTC, now=now, review=review, write=self.write,
            missed=Sampled(self.store, self.state, UTC),
        )  # fmt: skip

    def write(self, name: str, content: str) -> Path:
        (self.state / name).write_text(content, encoding="utf-8")
        return self.state / name

    def text(self, channel: str = "main", week: str = "2026-W47") -> str:
        return "".join(
            found.message.text
            for part in range(1, 5)
            if (found := self.store.delivery(f"digest:{week}/{part}", channel))
        )


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path)


def test_when_nobody_looks_it_is_sent_as_it_is_when_the_hold_ends_and_once(daemon: Daemon) -> None:
    for hours in (52, 28, 24, 4, 1):
        assert daemon.asked(TUESDAY - timedelta(hours=hours)) == 0
    assert daemon.asked(TUESDAY - timedelta(seconds=1)) == 0
    daemon.restart()
    assert daemon.asked(TUESDAY) == 1
    assert "late" not in daemon.text()
    for title in ("Title one", "Title two", "Title low"):
        assert title in daemon.text()
    for later in (0, 1, 3_600, 86_400, 5 * 86_400):
        daemon.restart()
        assert daemon.asked(TUESDAY + timedelta(seconds=later)) == 0


def test_a_daemon_that_slept_over_the_hour_sends_on_waking_and_says_so(daemon: Daemon) -> None:
    assert daemon.asked(TUESDAY + timedelta(days=2)) == 1
    assert "Sent late: it was due on 24 Nov 2026 12:00 UTC." in daemon.text()
    assert daemon.asked(TUESDAY + timedelta(days=3)) == 0


def test_each_channel_goes_at_its_own_time_where_that_is_later(daemon: Daemon) -> None:
    assert daemon.asked(TUESDAY, MAIN, LATER) == 1
    assert daemon.asked(TUESDAY + timedelta(hours=19), MAIN, LATER) == 0
    assert daemon.asked(TUESDAY + timedelta(hours=20), MAIN, LATER) == 1
    assert "Title one" in daemon.text("later")


def test_what_was_changed_up_to_the_last_moment_is_sent_and_published_so(daemon: Daemon) -> None:
    leave(daemon.state, an_edit(EditKind.DROP, article_id("two")))
    leave(daemon.state, an_edit(EditKind.NOTE, text="We left one out."))
    assert daemon.asked(TUESDAY) == 1
    assert "Title one" in daemon.text()
    assert "Title two" not in daemon.text()
    assert "We left one out." in daemon.text()
    for name in ("2026-W47.html", "2026-W47.md", "2026-W47.txt"):
        written = (daemon.state / name).read_text(encoding="utf-8")
        assert "We left one out." in written
        assert "Title two" not in written
    read = shown(daemon.store, week="2026-W47", form="text", tz=UTC, now=TUESDAY)
    assert "We left one out." in read
    leave(daemon.state, an_edit(EditKind.NOTE, text="Too late."))
    assert daemon.asked(TUESDAY + timedelta(minutes=1)) == 0
    assert "Too late" not in shown(daemon.store, week="2026-W47", form="text", tz=UTC, now=TUESDAY)


def test_taking_the_hold_away_sends_what_is_held(daemon: Daemon) -> None:
    assert daemon.asked(TUESDAY - timedelta(hours=12)) == 0
    assert daemon.asked(TUESDAY - timedelta(hours=12), review="") == 1
    assert daemon.asked(TUESDAY) == 0


def test_an_edit_that_can_not_be_stored_is_not_lost(daemon: Daemon) -> None:
    leave(daemon.state, an_edit(EditKind.DROP, article_id("two")))
    daemon.store.close()
    with Store.open(daemon.state, now=NOW, read_only=True) as reading, pytest.raises(StateError, match="read only"):
        settle(daemon.state, reading)
    daemon.store = opened(daemon.state)
    assert daemon.asked(TUESDAY) == 1
    assert "Title two" not in daemon.text()


# ── what was missed ───────────────────────────────────────────────────────────────────────────────


def sampled(daemon: Daemon, relevant: int, judged_: int, *, of: int = 90) -> None:
    """Drop articles of the week, and label the beginning of its sample."""
    ones = tuple(judged(f"drop-{n}", Decision.DROP, score=None) for n in range(of))
    daemon.store.record(an_outcome(*ones, url=OTHER), (), now=NOW)
    key = keys.kept_key(daemon.state, keys.SAMPLE)
    sample = drawn(Review(daemon.store).dropped(*W47.span(UTC)), key, str)
    assert len(sample) == min(SAMPLE, of)
    for number, article in enumerate(sample[:judged_]):
        value = LabelValue.RELEVANT if number < relevant else LabelValue.NOT_RELEVANT
        daemon.store.add_label(Label(article_id=article, rater="ana", value=value, at=NOW))


def test_the_digest_that_is_sent_says_what_the_sample_says_was_missed(daemon: Daemon) -> None:
    sampled(daemon, relevant=2, judged_=30)
    assert daemon.asked(TUESDAY) == 1
    line = "about 6 articles below the threshold, or 2 to 20 (95 %): a guess from 30 labels of a random sample"
    assert line in daemon.text()
    assert line in (daemon.state / "2026-W47.html").read_text(encoding="utf-8")
    told = shown(
        daemon.store, week="2026-W47", form="text", tz=UTC, now=TUESDAY, missed=Sampled(daemon.store, daemon.state, UTC)
    )
    assert "about 6 articles" in told


def test_without_labels_or_without_a_sample_it_says_nothing_of_it(daemon: Daemon) -> None:
    estimate = Sampled(daemon.store, daemon.state, UTC)
    assert estimate(W47) is None
    daemon.store.add_label(Label(article_id=article_id("one"), rater="ana", value=LabelValue.RELEVANT, at=NOW))
    assert estimate(W47) is None, "nobody ever saw a sample"
    sampled(daemon, relevant=0, judged_=0)
    assert estimate(W47) is None, "nobody labelled its beginning"
    assert daemon.asked(TUESDAY) == 1
    assert "random sample" not in daemon.text()


def test_a_key_is_made_once_whoever_comes_first(tmp_path: Path) -> None:
    assert keys.known_key(tmp_path, keys.SAMPLE) == b""
    first = keys.kept_key(tmp_path, keys.SAMPLE)
    keys._make(tmp_path / keys.KEY_FILE)
    assert keys.kept_key(tmp_path, keys.SAMPLE) == keys.known_key(tmp_path, keys.SAMPLE) == first
    assert [path.name for path in tmp_path.iterdir()] == [keys.KEY_FILE]
    (tmp_path / keys.KEY_FILE).write_bytes(b"short")
    assert keys.known_key(tmp_path, keys.SAMPLE) == b""
