"""Weeks for the digest, labels, exports and search."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.errors import StateError
from monitor.model import Decision, Facts, FeedState, Label, LabelValue
from monitor.store import Store, reading
from tests.store_parts import (
    DAY,
    FEED,
    MINUTE,
    NOW,
    a_delivery,
    a_story,
    an_outcome,
    article_id,
    judged,
    opened,
    record,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = opened(tmp_path / "state")
    yield made  # type: ignore[misc]
    made.close()


def test_a_week_has_what_was_first_seen_in_it(store: Store) -> None:
    before = judged(0, first_seen_at=NOW - timedelta(microseconds=1))
    inside = judged(1, story=before.story_id, first_seen_at=NOW)
    other = judged(2, Decision.DIGEST, first_seen_at=NOW + DAY)
    dropped = judged(3, Decision.DROP, first_seen_at=NOW + DAY)
    after = judged(4, first_seen_at=NOW + 7 * DAY)
    store.record(an_outcome(before, inside, other, dropped, after), [], now=NOW)
    week = store.judged_between(NOW, NOW + 7 * DAY)
    assert [one.article.id for one in week.judged] == [article_id(1), article_id(2)]
    assert {story.id for story in week.stories} == {article_id(0), article_id(2)}
    assert [len(story.members) for story in week.stories if story.id == article_id(0)] == [2]
    assert (week.alerted, week.digest, week.dropped) == (1, 1, 1)
    assert [state.url for state in week.feeds] == [FEED]
    assert week.judged[0].article.text == ""
    assert week.judged[0].score.reasons[0].term == "transnational repression"


def test_a_quiet_week_is_empty_and_not_missing(store: Store) -> None:
    week = store.judged_between(NOW, NOW + DAY)
    assert (week.stories, week.judged, week.feeds) == ((), (), ())


def test_a_digest_is_sent_once_any_part_of_it_was_queued(store: Store) -> None:
    assert not store.digest_sent("digest:2026-W47", "main")
    store.queue([a_delivery("digest:2026-W47/1"), a_delivery("digest:2026-W48", "main")])
    assert store.digest_sent("digest:2026-W47", "main")
    assert store.digest_sent("digest:2026-W48", "main")
    assert not store.digest_sent("digest:2026-W47", "other")
    assert not store.digest_sent("digest:2026-W4", "main")
    assert not store.digest_sent("digest:2026-W4_", "main")


def test_the_newest_label_of_each_rater_counts(store: Store) -> None:
    record(store, 1, 2)

    def label(value: LabelValue, rater: str, minutes: int, name: int = 1) -> Label:
        return Label(
            article_id=article_id(name), rater=rater, value=value, codes=("abduction",), note="n", at=NOW + minutes * MINUTE
        )  # fmt: skip

    given = [
        label(LabelValue.RELEVANT, "ana", 0),
        label(LabelValue.UNSURE, "bo", 1),
        label(LabelValue.WRONG_CODE, "ana", 2, name=2),
        label(LabelValue.NOT_RELEVANT, "ana", 3),
    ]
    for one in given:
        store.add_label(one)
    assert store.labels() == given[1:]
    lines = list(store.export("labels", since=NOW + MINUTE))
    assert [line["value"] for line in lines] == ["unsure", "wrong-code", "not-relevant"]
    assert lines[1]["title"] == "Title 2"


def test_a_label_of_an_unknown_article_is_refused(store: Store) -> None:
    with pytest.raises(StateError, match="no article has the id 'ffff'"):
        store.add_label(Label(article_id="ffff", rater="ana", value=LabelValue.RELEVANT, at=NOW))
    assert store.labels() == []


def test_every_export_is_plain_json_with_the_fields_of_the_contract(store: Store) -> None:
    one = judged(1)
    facts = Facts(origin_states=("XX",), stage="trial")
    outcome = replace(
        an_outcome(one, judged(2, Decision.DROP, published_at=None)), announce=(a_story(one, facts=facts),)
    )
    store.record(outcome, [a_delivery(story_id=one.story_id), a_delivery("digest:1")], now=NOW)
    exported = {
        kind: [json.loads(json.dumps(line)) for line in store.export(kind)]
        for kind in ("articles", "stories", "deliveries")
    }
    first, second = sorted(exported["articles"], key=lambda line: line["title"])
    assert first == {
        "id": article_id(1),
        "feed": FEED,
        "url": "https://harbour-wire.example/1",
        "title": "Title 1",
        "published": "2026-11-17T07:00:00Z",
        "score": 0.93,
        "verdict": "alert",
        "story": article_id(1),
        "summary": "Summary 1",
        "language": "en",
        "first_seen": "2026-11-17T08:00:00Z",
        "codes": ["abduction"],
        "rule": "rule of alert",
        "model": "test:1",
        "reasons": [{"term": "transnational repression", "weight": 2.5}, {"term": "court", "weight": -0.5}],
        "version": 1,
        "page": "",
    }
    assert (second["published"], second["story"], second["verdict"]) == (None, None, "drop")
    (story,) = exported["stories"]
    assert story["articles"] == [article_id(1)]
    assert (story["alerted"], story["origin_states"], story["stage"]) == (True, ["XX"], "trial")
    alert, digest = exported["deliveries"]
    assert alert == {
        "key": "story:1",
        "channel": "main",
        "kind": "send",
        "about": "",
        "state": "pending",
        "attempts": 0,
        "remote_id": "",
        "error": "",
        "queued_at": "2026-11-17T08:00:00Z",
        "sent_at": None,
        "unknown": 0,
        "story": article_id(1),
    }
    assert digest["story"] is None


def test_an_unknown_export_says_what_there_is(store: Store) -> None:
    with pytest.raises(StateError, match="articles, stories, deliveries or labels"):
        store.export("feeds")


def test_exports_begin_where_they_are_told(store: Store) -> None:
    record(store, 1)
    record(store, 2, first_seen_at=NOW + DAY, now=NOW + DAY)
    assert [line["title"] for line in store.export("articles", since=NOW + DAY)] == ["Title 2"]
    assert [line["id"] for line in store.export("stories", since=NOW + DAY)] == [article_id(2)]
    assert len(list(store.export("deliveries", since=NOW))) == 2
    assert [article.title for article in store.articles(NOW + DAY)] == ["Title 2"]


def test_long_lists_are_read_in_pages_without_gap_or_repeat(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PAGE", 3)
    record(store, *range(10), first_seen_at=NOW)
    record(store, *range(10, 14), first_seen_at=NOW + MINUTE)
    lines = list(store.export("articles"))
    assert len({line["id"] for line in lines}) == len(lines) == 14
    assert [line["first_seen"] for line in lines] == sorted(line["first_seen"] for line in lines)
    assert len(list(store.export("deliveries"))) == 14
    assert len(list(store.export("stories"))) == 14


def test_a_poll_can_be_recorded_while_an_export_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PAGE", 2)
    record(store, 1, 2, 3)
    lines = store.export("articles")
    first = next(lines)
    record(store, 4)
    rest = list(lines)
    assert {first["id"], *(line["id"] for line in rest)} >= {article_id(name) for name in (1, 2, 3)}


def test_a_story_export_names_its_lead_first(store: Store) -> None:
    late = judged(1, first_seen_at=NOW + DAY)
    early = judged(2, story=late.story_id, first_seen_at=NOW)
    store.record(an_outcome(early, late), [], now=NOW)
    (story,) = store.export("stories")
    assert story["articles"] == [article_id(1), article_id(2)]


def test_search_finds_all_words_in_any_script_whatever_their_case(store: Store) -> None:
    record(store, 1, title="Оппозиционер похищен в Найроби", summary="Силы неизвестны")
    record(store, 2, title="Nairobi: 100% sure", summary="abducted at dawn", first_seen_at=NOW + MINUTE)
    record(store, 3, title="在内罗毕被绑架", summary="")

    def found(*words: str) -> list[str]:
        return [line["id"] for line in store.search(words)]

    assert found("НАЙРОБИ", "силы") == [article_id(1)]
    assert found("nairobi", "Abducted") == [article_id(2)]
    assert found("内罗毕") == [article_id(3)]
    assert found("100%") == [article_id(2)]
    assert found("1%") == [], "no sign is a wildcard"
    assert found("nairobi", "нигде") == []
    assert len(store.search([""], limit=2)) == 2


def test_an_article_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    record(store, 1, 2)
    assert store.article_ids(article_id(1)[:12].upper()) == [article_id(1)]
    assert len(store.article_ids("")) == 2
    assert store.article_ids("%") == []


def test_counts_are_flat_and_plain(store: Store) -> None:
    record(store, 1, 2)
    store.record(an_outcome(state=FeedState(url="https://b.example/", failures=2)), [], now=NOW)
    store.queue([a_delivery("later", queued_at=NOW + DAY)])
    store.mark_sending(1, NOW)
    counts = store.counts()
    assert {name: counts[name] for name in ("feeds", "failing_feeds", "articles", "stories", "labels", "seen_keys")} == {
        "feeds": 2, "failing_feeds": 1, "articles": 2, "stories": 2, "labels": 0, "seen_keys": 4,
    }  # fmt: skip
    assert {name: counts[name] for name in ("pending", "sending", "sent", "held", "dead")} == {
        "pending": 2, "sending": 1, "sent": 0, "held": 0, "dead": 0,
    }  # fmt: skip
    assert counts["oldest_pending_at"] == "2026-11-17T08:00:00Z"
    assert counts["database_bytes"] > 4096
    assert counts["sqlite_version"].count(".") == 2
    json.dumps(counts)
