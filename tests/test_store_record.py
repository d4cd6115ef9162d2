"""Recording a poll: one transaction, twice the same, and nothing known ever becomes unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from monitor.errors import StateError
from monitor.model import EPOCH, Decision, Facts, Feed, FeedState, KnownArticle, Notice
from monitor.store import Store, recording
from monitor.store.columns import MAX_INT, clean, key_words
from monitor.store.tables import articles, feeds
from tests.store_parts import (
    DAY,
    FEED,
    MINUTE,
    NOW,
    OTHER,
    a_delivery,
    a_score,
    a_story,
    an_article,
    an_outcome,
    article_id,
    everything,
    judged,
    key,
    opened,
    record,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = opened(tmp_path / "state")
    yield made  # type: ignore[misc]
    made.close()


# ── feeds ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_state_comes_back_as_it_was_recorded(store: Store) -> None:
    state = FeedState(
        url=FEED,
        title="Harbour Wire",
        etag='W/"7"',
        last_modified="Tue",
        body_hash="ab" * 32,
        next_poll_at=NOW + timedelta(microseconds=1),
        baselined_at=NOW,
        polled_at=NOW,
        succeeded_at=NOW - MINUTE,
        changed_at=NOW - 2 * MINUTE,
        full_fetch_at=NOW - DAY,
        newest_at=NOW - 3 * MINUTE,
        failures=3,
        failing_since=NOW,
        error="timeout",
        error_kind="timeout",
        gone_seen=1,
        moved_to="https://new.example/",
        moved_seen=2,
    )
    store.record(an_outcome(state=state), [], now=NOW)
    assert store.feed_state(FEED) == state
    assert store.feed_states() == [state]
    assert store.feed_state(OTHER) is None


def test_syncing_adds_feeds_and_forgets_none(store: Store) -> None:
    store.record(an_outcome(), [], now=NOW)
    store.sync_feeds([], {})
    store.sync_feeds([Feed(url=OTHER), Feed(url=FEED)], {OTHER: NOW + MINUTE, FEED: NOW + DAY})
    store.sync_feeds([Feed(url="https://third.example/")], {})
    states = {state.url: state for state in store.feed_states()}
    assert states[FEED].etag == '"1"'
    assert states[OTHER].next_poll_at == NOW + MINUTE
    assert states["https://third.example/"].next_poll_at == EPOCH


def test_due_feeds_come_most_overdue_first_and_only_those_asked_for(store: Store) -> None:
    waits = {"a": -5 * MINUTE, "b": -9 * MINUTE, "c": MINUTE, "d": timedelta(), "e": -DAY, "f": 25 * timedelta(hours=1)}
    store.sync_feeds([Feed(url=name) for name in waits], {name: NOW + wait for name, wait in waits.items()})
    asked = ["a", "b", "c", "d", "f"]
    assert [state.url for state in store.due_feeds(NOW, asked)] == ["b", "a", "d"]
    assert [state.url for state in store.due_feeds(NOW, asked, limit=2)] == ["b", "a"]


def test_a_feed_put_off_under_a_wrong_clock_is_due(store: Store) -> None:
    store.sync_feeds([Feed(url=FEED)], {FEED: NOW + 3650 * DAY})
    assert [state.url for state in store.due_feeds(NOW, [FEED])] == [FEED]


def test_an_address_too_long_for_an_index_is_found_under_its_own_name(store: Store) -> None:
    long = "https://search.example/?q=" + "x" * 3000
    twin = long + "y"
    store.sync_feeds([Feed(url=long), Feed(url=twin)], {})
    assert {state.url for state in store.due_feeds(NOW, [long, twin])} == {long, twin}
    found = store.feed_state(long)
    assert found is not None
    assert found.url == long
    store.record(an_outcome(state=replace(found, failures=4)), [], now=NOW)
    assert [state.failures for state in store.due_feeds(NOW, [long])] == [4]


# ── articles ──────────────────────────────────────────────────────────────────────────────────────


def test_an_article_and_what_was_judged_of_it_come_back(store: Store) -> None:
    one = judged(1, score=a_score(0.93, obfuscated=True))
    store.record(an_outcome(one, announce=(one,)), [], now=NOW)
    week = store.judged_between(NOW - DAY, NOW + DAY)
    assert week.judged == (replace(one, article=replace(one.article, text="", keys=())),)
    assert list(store.articles(NOW)) == [replace(one.article, keys=())]


def test_every_key_of_an_article_leads_to_it(store: Store) -> None:
    record(store, 1, 2)
    article = an_article(2)
    found = store.known([*article.keys, *article.keys, key("never seen")])
    expected = KnownArticle(
        article_id=article.id,
        feed=FEED,
        title=article.title,
        url=article.url,
        entry_id="guid-2",
        raw_hash="hash-2-1",
        version=1,
        published_at=article.published_at,
        first_seen_at=NOW,
        recent=True,
    )
    assert found == dict.fromkeys(article.keys, expected)
    assert store.known([]) == {}


def test_thousands_of_keys_are_looked_up_at_once(store: Store) -> None:
    keys = tuple(key(str(number)) for number in range(2_345))
    store.record(an_outcome(judged(1, keys=keys)), [], now=NOW)
    assert len(store.known([*keys, *(key(f"x{number}") for number in range(2_000))])) == len(keys)


def test_keys_that_differ_only_outside_of_32_bits_are_different(store: Store) -> None:
    first = b"\x01" * 32
    record(store, 1, keys=(first,))
    assert store.known([b"\x01" * 31 + b"\x02", b"\x01" * 4, first]).keys() == {first}


def test_new_keys_of_a_known_article_are_kept(store: Store) -> None:
    record(store, 1)
    store.record(an_outcome(seen_keys=((key("new guid"), article_id(1)),)), [], now=NOW)
    assert store.known([key("new guid")])[key("new guid")].article_id == article_id(1)


def test_a_known_key_keeps_its_first_article(store: Store) -> None:
    record(store, 1, keys=(key("link"),))
    late = judged(2, keys=(key("link"),), feed=OTHER, first_seen_at=NOW + MINUTE)
    store.record(an_outcome(late, url=OTHER), [], now=NOW + MINUTE)
    store.record(an_outcome(judged(3, keys=(key("link"),), first_seen_at=NOW + MINUTE)), [], now=NOW + MINUTE)
    assert store.known([key("link")])[key("link")].article_id == article_id(1)


def test_an_edit_makes_a_version_and_keeps_what_was_said_before(store: Store) -> None:
    record(store, 1)
    later = judged(
        1, Decision.DROP, edited=True, title="Title, corrected", summary="New", raw_hash="hash-1-2", version=2,
        first_seen_at=NOW + DAY, recent=False,
    )  # fmt: skip
    store.record(an_outcome(later), [], now=NOW + MINUTE)
    (line,) = store.export("articles")
    assert (line["title"], line["version"], line["verdict"]) == ("Title, corrected", 2, "drop")
    assert line["first_seen"] == "2026-11-17T08:00:00Z"
    assert line["story"] == article_id(1)
    known = store.known([key("id 1")])[key("id 1")]
    assert (known.version, known.raw_hash) == (2, "hash-1-2")
    (version,) = everything(store)["article_versions"]  # type: ignore[misc]
    assert tuple(version)[:3] == (article_id(1), 1, "Title 1")


def test_an_older_edit_that_comes_late_changes_nothing(store: Store) -> None:
    record(store, 1, version=3, title="Third")
    store.record(an_outcome(judged(1, edited=True, version=2, title="Second")), [], now=NOW)
    assert [line["title"] for line in store.export("articles")] == ["Third"]


def test_an_edit_of_an_article_that_is_not_there_is_a_new_article(store: Store) -> None:
    store.record(an_outcome(judged(1, edited=True, version=2)), [], now=NOW)
    assert [(line["id"], line["version"]) for line in store.export("articles")] == [(article_id(1), 2)]


def test_an_edit_that_now_matters_joins_its_story(store: Store) -> None:
    store.record(an_outcome(judged(1, Decision.DROP)), [], now=NOW)
    risen = judged(1, edited=True, version=2)
    store.record(an_outcome(risen, announce=(risen,)), [a_delivery()], now=NOW)
    (story,) = store.recent_stories(NOW)
    assert story.alerted
    assert [member.article_id for member in story.members] == [article_id(1)]


# ── stories ───────────────────────────────────────────────────────────────────────────────────────


def test_a_story_has_its_lead_first_and_its_members_in_order_of_time(store: Store) -> None:
    lead = judged(1, published_at=NOW - MINUTE)
    store.record(an_outcome(lead), [], now=NOW)
    early = judged(2, Decision.DIGEST, story=lead.story_id, published_at=NOW - DAY, summary="s" * 900)
    undated = judged(3, story=lead.story_id, published_at=None, first_seen_at=NOW + MINUTE)
    store.record(an_outcome(undated, early), [], now=NOW + MINUTE)
    (story,) = store.recent_stories(NOW - DAY)
    assert [member.article_id for member in story.members] == [article_id(name) for name in (1, 2, 3)]
    assert (story.first_at, story.last_at) == (NOW - DAY, NOW + MINUTE)
    assert not story.alerted
    second = story.members[1]
    assert (len(second.summary), second.feed_name, second.decision) == (500, "Harbour Wire", Decision.DIGEST)
    assert (second.score, second.language, second.at) == (0.6, "en", NOW - DAY)


def test_a_story_once_alerted_stays_so_and_keeps_its_facts(store: Store) -> None:
    facts = Facts(
        origin_states=("XX",), host_states=("ES",), codes=("abduction",), target_groups=("press",), stage="trial"
    )
    lead = judged(1)
    told = a_story(lead, facts=facts)
    store.record(an_outcome(lead, announce=()), [], now=NOW)
    store.record(an_outcome(announce=(), state=FeedState(url=FEED)), [], now=NOW)
    store.record(replace(an_outcome(), announce=(told,)), [], now=NOW)
    store.record(an_outcome(judged(2, story=lead.story_id)), [], now=NOW)
    (story,) = store.recent_stories(NOW)
    assert story.alerted
    assert story.facts == facts


def test_a_story_is_recent_by_our_clock_not_by_its_dates(store: Store) -> None:
    record(store, 1, published_at=NOW - 400 * DAY)
    assert len(store.recent_stories(NOW)) == 1
    assert store.recent_stories(NOW + MINUTE) == ()


def test_an_announced_story_without_members_is_not_shown(store: Store) -> None:
    store.record(replace(an_outcome(), announce=(a_story(judged(1)),)), [], now=NOW)
    assert store.recent_stories(NOW) == ()
    assert [line["articles"] for line in store.export("stories")] == [[]]


# ── all of it, twice, or nothing ──────────────────────────────────────────────────────────────────


def test_the_same_outcome_twice_changes_nothing(store: Store) -> None:
    record(store, 1)
    edit = judged(1, edited=True, version=2)
    outcome = an_outcome(
        judged(2), judged(3, Decision.DROP), edit, announce=(judged(2),), seen_keys=((key("more"), article_id(1)),),
        notices=(Notice(key="feed-fails:x", text="x fails"),),
    )  # fmt: skip
    mail = [a_delivery("story:2"), a_delivery("story:2", "second"), a_delivery("notice:feed-fails:x:202611170800")]
    store.record(outcome, mail, now=NOW)
    once = everything(store)
    for _ in range(3):
        store.record(outcome, mail, now=NOW)
        assert everything(store) == once


def test_an_outcome_that_cannot_be_written_leaves_nothing(store: Store) -> None:
    record(store, 1)
    before = everything(store)
    broken = an_outcome(judged(2), seen_keys=((key("x"), "no such article"),))
    with pytest.raises(StateError, match="refused"):
        store.record(broken, [a_delivery("story:2")], now=NOW)
    assert everything(store) == before
    naive = an_outcome(judged(3, published_at=NOW.replace(tzinfo=None)))
    with pytest.raises(StateError):
        store.record(naive, [], now=NOW)
    assert everything(store) == before


def test_a_seen_key_is_written_again_only_when_stale(store: Store) -> None:
    record(store, 1)
    again = an_outcome(seen_keys=((key("id 1"), article_id(1)),))

    def seen_at() -> set[object]:
        return {row[3] for row in everything(store)["seen_keys"] if row[0] == key("id 1")}  # type: ignore[attr-defined]

    first = seen_at()
    store.record(again, [], now=NOW + 29 * DAY)
    assert seen_at() == first
    store.record(again, [], now=NOW + 31 * DAY)
    assert seen_at() != first


def test_too_little_space_stops_the_intake_but_not_the_marks(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        store.queue([a_delivery()])
    with opened(tmp_path / "state", free_bytes_floor=2**62) as store:
        with pytest.raises(StateError, match="MB free, nothing new is taken in"):
            record(store, 1)
        (row,) = store.pending(NOW)
        assert store.mark_sending(row.id, NOW)
        store.settle_sent(row.id, "17", NOW)
    with opened(tmp_path / "state") as store:
        assert store.counts()["sent"] == 1


# ── hostile values ────────────────────────────────────────────────────────────────────────────────

HOSTILE = "a\x00b\ud800c\udfffd 😀 سلام"


def test_hostile_text_is_cleaned_and_cut(store: Store) -> None:
    one = judged(
        1, title=HOSTILE, summary="x" * 3_000_000, text="y" * 3_000_000, author=HOSTILE, entry_id=HOSTILE, url=HOSTILE,
        score=a_score(float("nan"), codes=(HOSTILE,), model=HOSTILE),
    )  # fmt: skip
    state = FeedState(url=FEED, failures=2**80, moved_seen=-(2**80), title=HOSTILE, error=HOSTILE, etag="e" * 90_000)
    store.record(an_outcome(one, state=state), [a_delivery(HOSTILE, HOSTILE, error=HOSTILE)], now=NOW)
    (article,) = store.articles(NOW)
    shown = "a\ufffdb\ufffdc\ufffdd 😀 سلام"
    assert article.title == article.author == article.url == shown
    assert (len(article.summary), len(article.text)) == (20_000, 200_000)
    saved = store.feed_state(FEED)
    assert saved is not None
    assert (saved.failures, saved.moved_seen, len(saved.etag)) == (MAX_INT, -MAX_INT, 2_000)
    (line,) = store.export("articles")
    assert (line["score"], line["codes"], line["model"]) == (0.0, [shown], shown)
    (row,) = store.pending(NOW)
    assert (row.key, row.channel) == (shown, shown)


def test_cleaning_keeps_the_offsets_of_marked_stretches(store: Store) -> None:
    delivery = a_delivery()
    text = "\x00\ud800" + delivery.message.text
    store.queue([replace(delivery, message=replace(delivery.message, text=text))])
    (row,) = store.pending(NOW)
    assert len(row.message.text) == len(text)
    assert row.message.spans == delivery.message.spans


@given(st.text(st.characters(exclude_categories=())), st.integers(0, 40))
def test_cleaned_text_is_text_that_utf_8_can_write(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) == min(len(text), limit)
    assert "\x00" not in cleaned
    cleaned.encode()
    assert clean(cleaned, limit) == cleaned


@given(st.text(st.characters(exclude_categories=()), max_size=30), st.text(max_size=30))
def test_key_words_stay_different_where_they_were(first: str, second: str) -> None:
    long = "k" * 2_500
    assert len(key_words(long + first)) <= 2_000
    same = clean(first, 99) == clean(second, 99)
    assert (key_words(long + first) == key_words(long + second)) == same
    assert (key_words(first) == key_words(second)) == same


# ── seen never forgets ────────────────────────────────────────────────────────────────────────────

_polls = st.lists(
    st.tuples(
        st.lists(st.integers(0, 12), max_size=6, unique=True),  # what the feed shows
        st.sampled_from([FEED, OTHER]),
        st.sampled_from([MINUTE, DAY, 45 * DAY, 300 * DAY]),  # until the next poll
        st.sampled_from(["nothing", "purge", "restart", "failure"]),
    ),
    max_size=12,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(polls=_polls)
def test_what_a_feed_still_shows_never_becomes_unknown(
    tmp_path_factory: pytest.TempPathFactory, polls: list[tuple[list[int], str, timedelta, str]]
) -> None:
    folder, now = tmp_path_factory.mktemp("seen"), NOW
    store = opened(folder)
    last_seen: dict[bytes, object] = {}
    shows: dict[str, set[bytes]] = {FEED: set(), OTHER: set()}
    for names, url, wait, then in polls:
        keys = {name: an_article(name).keys for name in names}
        known = store.known([one for pair in keys.values() for one in pair])
        must = {one for pair in keys.values() for one in pair} & (set().union(*shows.values()))
        assert must <= known.keys()
        fresh = [
            judged(name, Decision.DROP, feed=url, first_seen_at=now) for name in names if keys[name][0] not in known
        ]
        seen = tuple((one, found.article_id) for one, found in known.items())
        state = FeedState(url=url, changed_at=now, baselined_at=now)
        store.record(an_outcome(*fresh, state=state, seen_keys=seen), [], now=now)
        shows[url] = {one for pair in keys.values() for one in pair}
        last_seen |= dict.fromkeys(shows[url], now)
        if then == "failure":
            store.record(an_outcome(state=replace(state, failures=1)), [], now=now)
        if then == "restart":
            store.close()
            store = opened(folder)
        now += wait
        if then == "purge":
            store.purge(now)
        for one, at in last_seen.items():
            if now - at < 365 * DAY:  # type: ignore[operator]
                assert one in store.known([one])
    store.close()


def test_statements_are_written_for_postgresql_too() -> None:
    class Server:
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call]

    statement = recording.insert_into(Server(), articles)  # type: ignore[arg-type]
    written = str(
        statement.on_conflict_do_nothing(index_elements=["id"]).compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]
    )
    assert "ON CONFLICT (id) DO NOTHING" in written
    assert "feeds" in str(recording.insert_into(Server(), feeds).compile(dialect=postgresql.dialect()))  # type: ignore[arg-type, no-untyped-call]
