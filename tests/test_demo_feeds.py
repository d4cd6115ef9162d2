"""The sample feeds: they are the week they claim to be, in real formats, over real HTTP."""

from __future__ import annotations

import asyncio
import calendar
import gzip
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import feedparser
import pytest

from monitor.demo import items, server
from monitor.demo.formats import VISIBLE_ITEMS, page
from monitor.demo.items import FEEDS_DIR, DemoItem, Outlet, Role, expected_events, outlets, read_outlet
from monitor.demo.server import DemoSite
from tests.demo_parts import HOUR, START, asking, hours, of_feed, raw

TRUTH = DemoSite(START).truth()
OUTLETS = outlets(START)
BY_SLUG = {outlet.slug: outlet for outlet in OUTLETS}
END = START + items.WEEK


def parsed(body: bytes, content_type: str = "application/xml") -> list[Any]:
    """Entries by a reader that is not ours, taken as they stand."""
    found = feedparser.parse(
        body,
        response_headers={"content-type": content_type},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    assert not found.bozo, found.get("bozo_exception")
    return list(found.entries)


def read(body: bytes, content_type: str = "application/xml") -> list[tuple[str, str, str]]:
    """(id, link, title) of each item in a feed's bytes."""
    if body.startswith(b"{"):
        return [(item["id"], item["url"], item["title"]) for item in json.loads(body)["items"]]
    return [(entry.get("id", ""), entry.get("link", ""), entry.title) for entry in parsed(body, content_type)]


def visible(outlet: Outlet, now: datetime) -> list[DemoItem]:
    return [item for item in outlet.items if item.appears_at <= now][-VISIBLE_ITEMS:][::-1]


# ── the week ──────────────────────────────────────────────────────────────────────────────────────


def test_the_week_has_enough_articles_feeds_and_languages() -> None:
    assert 9 <= len(OUTLETS) <= 10
    assert len(TRUTH) >= 80
    assert {item.language for item in TRUTH} >= {"en", "zh-Hant", "es", "fr", "de", "ru", "fa", "ar"}
    assert {outlet.format for outlet in OUTLETS} == {"rss", "atom", "rdf", "json"}


def test_about_a_third_of_the_articles_matters_and_in_every_language_some_do() -> None:
    relevant = [item for item in TRUTH if item.relevant]
    assert 0.27 <= len(relevant) / len(TRUTH) <= 0.40
    assert {item.language for item in relevant} == {item.language for item in TRUTH}


def test_the_week_shows_copies_rewordings_updates_and_many_kinds_of_hard_negatives() -> None:
    assert {item.role for item in TRUTH} == set(Role)
    families = {item.hard for item in TRUTH if item.hard}
    assert families >= {"ordinary-extradition", "interpol-routine", "domestic-repression", "espionage", "fox-hunting"}
    assert families >= {"telecom-fraud", "consular", "migration-policy", "scam-impostors", "fiction", "sport"}
    assert all((item.role is Role.HARD) == bool(item.hard) for item in TRUTH)
    assert not any(item.relevant for item in TRUTH if item.hard)


def test_an_event_lies_within_one_language_and_is_either_relevant_or_not() -> None:
    for event in {item.event for item in TRUTH}:
        told = [item for item in TRUTH if item.event == event]
        assert len({item.language for item in told}) == 1, event
        assert len({item.relevant for item in told}) == 1, event
        assert event.startswith(told[0].language + "-")


def test_an_event_is_opened_once_and_everything_else_comes_within_the_days_in_which_stories_grow() -> None:
    for event in {item.event for item in TRUTH}:
        first, *later = [item for item in TRUTH if item.event == event]
        grow = {Role.COPY, Role.REWORDED, Role.REPORT, Role.SAME_LINK, Role.FOLLOW_UP, Role.FIRST}
        assert not later or {item.role for item in later} <= grow
        assert all(item.appears_at - first.appears_at < timedelta(days=2) for item in later)


def test_a_copy_is_the_same_text_under_another_headline_in_another_outlet() -> None:
    copies = [item for item in TRUTH if item.role is Role.COPY]
    assert copies
    for copy in copies:
        source = next(item for item in TRUTH if item.event == copy.event and item.role is Role.FIRST)
        assert copy.summary == source.summary
        assert copy.title != source.title
        assert copy.feed != source.feed
        assert copy.link != source.link


def test_the_same_link_differs_only_in_tracking_parameters_scheme_and_slash() -> None:
    shared = [item for item in TRUTH if item.role is Role.SAME_LINK]
    assert shared
    for item in shared:
        parts = urlsplit(item.link)
        sources = [other for other in TRUTH if other.event == item.event and other.feed != item.feed]
        assert "utm_source" in parts.query
        assert f"https://{parts.hostname}{parts.path.rstrip('/')}".replace("//www.", "//") in {
            source.link for source in sources
        }


def test_a_later_stage_of_a_case_comes_after_the_days_in_which_a_story_still_grows() -> None:
    stages = [item for item in TRUTH if item.case]
    assert len(stages) >= 3
    for stage in stages:
        words = set(stage.event.removeprefix(stage.language + "-").split("-"))
        before = [
            item
            for item in TRUTH
            if item.language == stage.language and item.event != stage.event and words & set(item.event.split("-"))
            if item.event.startswith(f"{stage.language}-{stage.case}")
        ]
        assert before, stage.event
        assert stage.appears_at - max(item.appears_at for item in before) > timedelta(days=4)


def test_old_items_stand_in_the_first_poll_and_are_older_than_its_window() -> None:
    old = [item for item in TRUTH if item.role is Role.OLD]
    assert any(item.relevant for item in old)
    for item in TRUTH:
        stale = item.published_at <= START - items.FIRST_POLL_WINDOW
        assert (item.role is Role.OLD) == stale
        assert item.appears_at == START or not stale
    assert {item.feed for item in old} == set(BY_SLUG)


def test_some_days_are_quiet() -> None:
    a_day = Counter((item.appears_at - START).days for item in TRUTH if item.role is not Role.OLD)
    assert set(a_day) == set(range(7))
    assert sum(count <= 10 for count in a_day.values()) >= 3
    assert sum(count >= 15 for count in a_day.values()) >= 3


def test_one_item_comes_from_the_future_one_is_hostile_and_one_has_neither_guid_nor_link() -> None:
    assert sum(item.published_at > item.appears_at + HOUR for item in TRUTH) == 1
    hostile = [item for item in TRUTH if "<script" in item.title]
    assert len(hostile) == 1
    assert "\u202e" in hostile[0].title
    bare = [item for item in TRUTH if not item.guid and not item.link]
    assert len(bare) == 1
    assert bare[0].relevant


def test_an_item_that_was_edited_keeps_its_address_and_tells_its_newest_wording() -> None:
    edited = [item for item in TRUTH if item.edits]
    assert len(edited) >= 2
    for item in edited:
        edit = item.edits[0]
        assert item.wording(edit.at - timedelta(minutes=1)) == (item.title, item.summary, item.appears_at)
        assert item.wording(edit.at) == (edit.title, edit.summary, edit.at)
        assert edit.title != item.title


def test_addresses_and_ids_lead_nowhere_and_are_not_used_twice() -> None:
    links = [item.link for item in TRUTH if item.link]
    assert all((urlsplit(link).hostname or "").endswith(".example") for link in links)
    assert len(links) == len(set(links))
    guids = [(item.feed, item.guid) for item in TRUTH if item.guid]
    assert len(guids) == len(set(guids))


def test_the_events_to_alert_are_the_recent_relevant_ones() -> None:
    wanted = DemoSite(START).expected_events()
    assert len(wanted) == len(set(wanted)) >= 25
    relevant = {item.event for item in TRUTH if item.relevant and item.role is not Role.OLD}
    assert set(wanted) == relevant
    assert "en-dublin-office" not in wanted


def test_a_shorter_watch_expects_fewer_events_and_none_from_an_outage_that_lasts() -> None:
    site = DemoSite(START)
    assert site.expected_events(START) == ()
    assert site.expected_events(START + 3 * HOUR) == ("en-lu-verdict",)
    assert "fr-resolution-repression" not in site.expected_events(START + 96 * HOUR)
    assert "fr-resolution-repression" in site.expected_events(START + 97 * HOUR)


def test_what_the_first_poll_finds_is_expected_only_when_it_is_younger_than_a_day() -> None:
    fresh = next(item for item in TRUTH if item.event == "en-lu-verdict")
    old = next(item for item in TRUTH if item.event == "en-dublin-office")
    assert expected_events([old, fresh], start=fresh.appears_at) == ("en-lu-verdict",)
    assert expected_events([fresh], start=fresh.published_at + items.FIRST_POLL_WINDOW) == ()


def test_the_week_can_be_played_at_any_date() -> None:
    other = START + timedelta(days=1000, hours=5)
    moved = DemoSite(other).truth()
    assert [(item.event, item.appears_at - other) for item in moved] == [
        (item.event, item.appears_at - START) for item in TRUTH
    ]


# ── the files ─────────────────────────────────────────────────────────────────────────────────────


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        outlets(datetime(2026, 2, 9))
    with pytest.raises(ValueError, match="time zone"):
        DemoSite(START).now = datetime(2026, 2, 9)


@pytest.mark.parametrize(
    ("line", "broken", "says"),
    [
        (1, "{", "bad.jsonl:1: "),
        (1, '{"slug": "x"}', "bad.jsonl:1: .*title"),
        (1, '{"slug":"x","title":"x","home":"x","language":"en","format":"gopher"}', "bad.jsonl:1: "),
        (3, "not json", "bad.jsonl:3: "),
        (2, '{"at": 1}', "bad.jsonl:2: .*guid"),
        (2, "[]", "bad.jsonl:2: "),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, line: int, broken: str, says: str) -> None:
    lines = (FEEDS_DIR / "harbour-wire.jsonl").read_text(encoding="utf-8").splitlines()
    lines[line - 1] = broken
    path = tmp_path / "bad.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=says):
        read_outlet(path, START)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.jsonl:1"):
        read_outlet(path, START)


# ── the formats ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("slug", sorted(BY_SLUG))
def test_a_feed_reads_back_as_the_items_it_was_written_from(slug: str) -> None:
    outlet = BY_SLUG[slug]
    for now in (START, START + 40 * HOUR, END):
        written = page(outlet, now, feed_url="http://127.0.0.1:1/x")
        entries = read(written.body, written.content_type)
        shown = visible(outlet, now)
        assert [title for _, _, title in entries] == [item.wording(now)[0] for item in shown]
        assert [link for _, link, _ in entries] == [item.link for item in shown]
        if not outlet.changing_guids:
            assert [guid for guid, _, _ in entries] == [item.guid for item in shown]


@pytest.mark.parametrize("slug", sorted(BY_SLUG))
def test_dates_and_summaries_read_back_in_the_outlets_own_zone(slug: str) -> None:
    outlet = BY_SLUG[slug]
    written = page(outlet, END, feed_url="http://127.0.0.1:1/x")
    shown = visible(outlet, END)
    if outlet.format == "json":
        rows = json.loads(written.body)["items"]
        dates = [datetime.fromisoformat(row["date_published"]) for row in rows]
        summaries = [row["content_text"] for row in rows]
    else:
        entries = parsed(written.body, written.content_type)
        times = [entry.get("published_parsed") or entry.updated_parsed for entry in entries]
        dates = [datetime.fromtimestamp(calendar.timegm(time), UTC) for time in times]
        summaries = [entry.summary for entry in entries]
    assert dates == [item.published_at for item in shown]
    assert summaries == [item.wording(END)[1] for item in shown]


def test_every_item_of_the_week_can_be_seen_by_one_who_looks_every_hour() -> None:
    for outlet in OUTLETS:
        seen: set[str] = set()
        for now in hours():
            if not outlet.down_at(now):
                seen |= {title for _, _, title in read(page(outlet, now, feed_url="http://127.0.0.1:1/x").body)}
        assert seen >= {item.title for item in outlet.items}


def test_a_busy_feed_drops_its_oldest_items() -> None:
    busy = BY_SLUG["harbour-wire"]
    early = {item.title for item in visible(busy, START)}
    late = {title for _, _, title in read(page(busy, END, feed_url="http://127.0.0.1:1/x").body)}
    assert len(late) == VISIBLE_ITEMS
    assert not early & late


def test_the_truth_is_never_served() -> None:
    for outlet in OUTLETS:
        text = page(outlet, END, feed_url="http://127.0.0.1:1/x").body.decode(outlet.encoding)
        assert "relevant" not in text
        assert not any(item.event in text for item in outlet.items if not item.link.endswith(item.event))
        assert not any(f'"{role}"' in text for role in Role)


def test_one_feed_gives_other_guids_at_each_poll_but_the_same_links() -> None:
    outlet = BY_SLUG["el-faro-del-istmo"]
    one, two = (read(page(outlet, START + HOUR * n, feed_url="http://127.0.0.1:1/x").body) for n in (1, 2))
    assert [link for _, link, _ in one] == [link for _, link, _ in two]
    assert not {guid for guid, _, _ in one} & {guid for guid, _, _ in two}


def test_an_edit_under_the_same_id_is_told_in_every_format() -> None:
    for name in ("atom", "json"):
        outlet = replace(BY_SLUG["harbour-wire"], format=name)
        before, after = (page(outlet, START + HOUR * n, feed_url="http://127.0.0.1:1/x") for n in (8, 9))
        assert b"UPDATED" not in before.body
        assert b"UPDATED" in after.body
        assert after.modified_at == START + 9 * HOUR
        assert f"{START + 9 * HOUR:%Y-%m-%dT%H:%M}".encode() in after.body


def test_the_russian_feed_comes_in_its_old_encoding() -> None:
    outlet = BY_SLUG["golos-za-rubezhom"]
    written = page(outlet, END, feed_url="http://127.0.0.1:1/x")
    assert b'encoding="windows-1251"' in written.body
    assert "Интерпола".encode("cp1251") in written.body


# ── HTTP ──────────────────────────────────────────────────────────────────────────────────────────


async def test_the_feeds_are_the_subscriptions_of_a_reader() -> None:
    async with asking() as (site, _):
        feeds = site.feeds()
        assert len(feeds) == len(OUTLETS)
        assert all(feed.url.startswith("http://127.0.0.1:") for feed in feeds)
        assert {feed.name for feed in feeds} == {outlet.title for outlet in OUTLETS}
        assert {feed.language for feed in feeds} == {outlet.language for outlet in OUTLETS}


async def test_every_subscription_answers_with_the_items_of_its_outlet() -> None:
    async with asking(END) as (site, client):
        for feed in site.feeds():
            answer = await client.get(feed.url, follow_redirects=True)
            assert answer.status_code == 200
            slug = str(answer.url).rsplit("/", 1)[1]
            entries = read(answer.content, answer.headers["content-type"])
            assert len(entries) == min(VISIBLE_ITEMS, len(of_feed(site, slug)))


async def test_an_unchanged_feed_is_answered_with_304_by_tag_and_by_date() -> None:
    async with asking(START + 4 * HOUR) as (site, client):
        first = await client.get("/harbour-wire")
        by_tag = await client.get("/harbour-wire", headers={"If-None-Match": f'W/"x", W/{first.headers["etag"]}'})
        by_date = await client.get("/harbour-wire", headers={"If-Modified-Since": first.headers["last-modified"]})
        any_tag = await client.get("/harbour-wire", headers={"If-None-Match": "*"})
        assert [by_tag.status_code, by_date.status_code, any_tag.status_code] == [304, 304, 304]
        assert by_tag.content == b""
        assert by_tag.headers["etag"] == first.headers["etag"]
        assert site.answered == {200: 1, 304: 3}


async def test_news_and_edits_end_the_304() -> None:
    async with asking(START + 8 * HOUR) as (site, client):
        first = await client.get("/harbour-wire")
        site.now = START + 9 * HOUR
        edited = await client.get("/harbour-wire", headers={"If-None-Match": first.headers["etag"]})
        by_date = await client.get("/harbour-wire", headers={"If-Modified-Since": first.headers["last-modified"]})
        assert (edited.status_code, by_date.status_code) == (200, 200)
        assert edited.headers["etag"] != first.headers["etag"]


@pytest.mark.parametrize("since", ["yesterday", "", "Mon, 99 Feb 2026 00:00:00 GMT", "Mon, 09 Feb 2026 00:00:00"])
async def test_a_date_that_is_none_is_answered_in_full(since: str) -> None:
    async with asking() as (_, client):
        answer = await client.get("/hean-daily", headers={"If-Modified-Since": since})
        assert answer.status_code == 200


async def test_a_tag_that_differs_wins_over_a_date_that_agrees() -> None:
    async with asking() as (_, client):
        first = await client.get("/hean-daily")
        headers = {"If-None-Match": '"other"', "If-Modified-Since": first.headers["last-modified"]}
        assert (await client.get("/hean-daily", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip, br", True), ("*", True), ("gzip;q=0, br", False), ("identity", False), ("GZIP; q=0.5", True)],
)
async def test_gzip_is_sent_to_those_who_take_it(accepted: str, packed: bool) -> None:
    async with asking() as (site, _):
        request = f"GET /hean-daily HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {accepted}\r\n\r\n"
        head, _, body = (await raw(site, request.encode())).partition(b"\r\n\r\n")
        assert (b"Content-Encoding: gzip" in head) == packed
        text = gzip.decompress(body) if packed else body
        assert len(read(text)) == 3


async def test_the_outlet_that_moved_redirects_for_good_and_the_others_have_no_old_address() -> None:
    async with asking() as (site, client):
        assert f"{site.url}/old/meridian-post" in {feed.url for feed in site.feeds()}
        moved = await client.get("/old/meridian-post")
        assert (moved.status_code, moved.headers["location"]) == (301, "/meridian-post")
        assert (await client.get("/old/hean-daily")).status_code == 404


async def test_one_outlet_is_down_for_a_day_and_says_when_to_come_back() -> None:
    async with asking() as (site, client):
        codes = []
        for hour in (71, 72, 95, 96):
            site.now = START + HOUR * hour
            answer = await client.get("/gazette-du-canal")
            codes.append(answer.status_code)
            if hour == 72:
                assert answer.headers["retry-after"] == "7200"
        assert codes == [200, 503, 503, 200]
        assert "512 voix" in answer.text


async def test_the_date_of_an_answer_is_the_virtual_time() -> None:
    async with asking(START + 30 * HOUR) as (site, client):
        assert site.now == START + 30 * HOUR
        assert (await client.get("/peyk-azad")).headers["date"] == "Tue, 10 Feb 2026 06:00:00 GMT"


async def test_what_is_not_there_or_not_understood_is_refused() -> None:
    async with asking() as (site, client):
        assert (await client.get("/nothing")).status_code == 404
        posted = await client.post("/hean-daily", content=b"x")
        assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
        head = await client.head("/hean-daily?from=reader")
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 100
        assert (await raw(site, b"hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
        assert (await raw(site, b"GET http://else.example/ HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
        assert (await raw(site, b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000)).startswith(b"HTTP/1.1 431 ")


async def test_one_who_says_nothing_or_leaves_midway_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.05)
    async with asking() as (site, client):
        assert await raw(site, b"GET /hean", then_close=True) == b""
        assert await raw(site, b"") == b""
        assert (await client.get("/hean-daily")).status_code == 200


async def test_closing_the_site_lets_go_of_those_who_still_hang_on() -> None:
    async with asking() as (site, _):
        host, port = site.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await asyncio.sleep(0.01)
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(RuntimeError, match="not running"):
        _ = site.url
    await site.__aexit__(None, None, None)  # closing twice changes nothing


async def test_many_readers_at_once_get_the_same_answer() -> None:
    async with asking(END) as (site, client):
        answers = await asyncio.gather(*(client.get("/sawt-al-mahjar") for _ in range(40)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert site.answered == {200: 40}
