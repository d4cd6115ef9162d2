"""Stories, cases, search, exports, feeds, channels, incidents, status, model, digest."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bench.web import measured
from monitor.errands import ErrandKind, Errands
from monitor.model import ChannelState, Chapter, Decision, Effects, FeedState, Outcome, Redaction
from monitor.sheets import cell
from monitor.store import People, Review, Store
from monitor.store.review import Wish
from monitor.web.site import feed_key
from tests.store_parts import FEED, NOW, OTHER, an_outcome, opened
from tests.web_parts import DAY, HOUR, NEWS, Pages, a_judged, a_watch, article_id, fill, served


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with a_watch(tmp_path_factory.mktemp("pages")) as found:
        yield found


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Pages]:
    with a_watch(tmp_path) as found:
        yield found


# ── stories and cases ─────────────────────────────────────────────────────────────────────────────


def test_a_story_shows_sources_facts_decisions_and_deliveries(pages: Pages) -> None:
    page = pages.client().get(f"/stories/{article_id('editor')}").text
    for part in (
        "Story of 2 articles", "Harbour Wire", "El Faro", "RU → GB", "investigation", "London", "opened the story",
        "joined (0.71 to another)", "Queued for main", "Tried for main", "0.97 &gt;= alert_at 0.80",
    ):  # fmt: skip
        assert part in page, part
    timeline = page.split("<h2>Timeline</h2>")[1].split("</ol>")[0]
    assert timeline.count("<li") == 4


def test_stories_are_listed_newest_first_and_by_pages(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with opened(state) as store:
        fill(store, dropped=0)
        for start in range(0, 60, 10):
            ones = [
                a_judged(f"more-{n}", f"More {n}", 0.6, Decision.DIGEST, first_seen_at=NOW - DAY - n * HOUR)
                for n in range(start, start + 10)
            ]
            store.record(an_outcome(*ones), (), now=NOW - DAY - start * HOUR)
    with served(state) as pages:
        first = pages.client().get("/stories").text
        older = re.search(r'href="(/stories\?before=[^"]+)"', first)
        assert older is not None
        second = pages.client().get(older[1].replace("&amp;", "&")).text
        listed = [re.findall(r'<a href="/stories/(\w{32})"', page) for page in (first, second)]
        assert len(listed[0]) == 50
        assert len(listed[1]) > 0
        assert not set(listed[0]) & set(listed[1])
        alerted = pages.client().get("/stories?alerted=1").text
        assert alerted.count('<h2 class="row"') == 4
        assert pages.client().get("/stories?before=nonsense").status_code == 200


def test_a_case_shows_its_stories_in_order(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with opened(state) as store:
        fill(store, dropped=0)
        chapters = tuple(
            ("c1", Chapter(story_id=article_id(slug), at=NOW, people=("Ada Example",), stage=stage))
            for slug, stage in (("editor", "charge"), ("passports", "verdict"))
        )
        store.record(replace(an_outcome(), chapters=chapters), (), now=NOW)
    with served(state) as pages:
        page = pages.client().get("/cases/c1").text
        assert "2 stories" in page
        assert "Ada Example" in page
        assert "charge 17 Nov 2026 &gt; verdict 17 Nov 2026" in page
        assert "/cases/c1" in pages.client().get(f"/stories/{article_id('editor')}").text
        assert pages.client().get("/cases/c").status_code == 404


def test_a_withdrawn_story_says_so_and_leaves_the_exports(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with opened(state) as store:
        fill(store, dropped=0)
        redaction = Redaction(story_id=article_id("editor"), by=7, why="names a <child>")
        People(store).take(1, Effects(redaction=redaction), now=NOW)
    with served(state) as pages:
        assert "names a &lt;child&gt;" in pages.client().get(f"/stories/{article_id('editor')}").text
        ids = [line["id"] for line in pages.client().get("/export/incidents.json?decision=alert").json()]
        assert len(ids) == 3
        assert article_id("editor") not in ids


def test_an_edited_article_shows_what_it_said_before(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with opened(state) as store:
        fill(store, dropped=0)
        edited = a_judged("near", "Court hears of something else", 0.6, Decision.DIGEST, raw_hash="other", version=2)
        store.record(an_outcome(replace(edited, edited=True)), (), now=NOW)
    with served(state) as pages:
        page = pages.client().get(f"/articles/{article_id('near')}").text
        assert "What it said before" in page
        assert NEWS[4][1] in page
        assert "Version 1" in pages.client().get(f"/stories/{article_id('near')}").text


def test_an_address_that_could_run_is_no_link(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with opened(state) as store:
        bad = ("javascript:alert(1)", "data:text/html,x", "JAVASCRIPT:alert(1)", "vbscript:x", "//evil", "http://a b/")
        ones = [a_judged(f"bad-{n}", f"Bad {n}", 0.9, Decision.ALERT, url=url) for n, url in enumerate(bad)]
        store.record(an_outcome(*ones), (), now=NOW)
    with served(state) as pages:
        for number in range(len(bad)):
            page = pages.client().get(f"/articles/{article_id(f'bad-{number}')}").text
            assert not re.search(r'href="(?!/|#)', page), bad[number]


# ── search and exports ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=EXILED+editor", {"editor"}),
        ("q=跨國鎮壓", {"chinese"}),
        ("q=معارض", {"arabic"}),
        ("q=100%25", set()),
        ("q=a_b", set()),
        ("q=editor&decision=drop", set()),
        ("decision=alert&code=violence", {"editor"}),
        ("language=zh-Hant", {"chinese"}),
        (f"feed={feed_key(OTHER)}", {"copy"}),
        ("q=editor&since=2026-11-18", set()),
        ("q=passports&since=2026-11-17&until=2026-11-17", {"passports"}),
        ("q=passports&until=2026-11-16", set()),
        ("q=editor&origin=ru&host=GB", {"editor", "copy"}),
        ("q=editor&origin=CN", set()),
        ("q=editor&host=RU", set()),
        ("q=editor&origin=Russia&host=", {"editor", "copy"}),
        ("origin=RU", {"editor", "copy"}),
        ("q=%22%2A%29%28", set()),
        ("language=zh", {"chinese"}),
        ("decision=nonsense&code=nonsense&since=nonsense&q=passports", {"passports"}),
    ],
)
def test_search_finds_what_all_filters_want(pages: Pages, query: str, found: set[str]) -> None:
    page = pages.client().get(f"/search?{query}").text
    assert set(re.findall(r'<a href="/articles/(\w{32})"', page)) == {article_id(slug) for slug in found}


def test_search_takes_other_scripts_whatever_their_case(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        titles = ("Журналист в изгнании", "ЖУРНАЛИСТ похищен", "журналист найден", "Ganz anderes")
        ones = [a_judged(f"ru-{n}", title, 0.1, Decision.DROP, summary="") for n, title in enumerate(titles)]
        store.record(an_outcome(*ones), (), now=NOW)
        assert len(Review(store).found(Wish(words=("Журналист",)), limit=10)) == 3
        assert len(Review(store).found(Wish(words=("журналист", "НАЙДЕН")), limit=10)) == 1


def test_search_turns_its_pages(pages: Pages) -> None:
    first = pages.client().get("/search?q=rovers").text
    second = pages.client().get("/search?q=rovers&page=2").text
    listed = [re.findall(r'<a href="/articles/(\w{32})"', page) for page in (first, second)]
    assert [len(one) for one in listed] == [50, 30]
    assert not set(listed[0]) & set(listed[1])
    assert "page=2" in first
    for page in ("0", "-1", "x", "²", "99999999"):
        assert pages.client().get(f"/search?q=rovers&page={page}").status_code == 200


def test_exports_hold_all_that_was_found_with_stable_ids(pages: Pages) -> None:
    client = pages.client()
    lines = [json.loads(line) for line in client.get("/export/articles.jsonl?q=rovers").text.splitlines()]
    assert len(lines) == 80
    assert {"id", "feed", "url", "title", "published", "score", "verdict", "story"} <= set(lines[0])
    assert client.get("/export/articles.json?q=rovers").json() == lines
    answer = client.get("/export/articles.csv?q=rovers")
    assert answer.headers["content-disposition"] == 'attachment; filename="longarm-articles-20261117.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == [line["id"] for line in lines]
    assert client.get("/export/articles.json?q=nowhere").json() == []
    assert client.get("/export/labels.csv").status_code == 404
    assert client.get("/export/articles.xls").status_code == 404


def test_an_export_holds_each_article_once_though_more_come_in(own: Pages) -> None:
    review = Review(own.store)
    lines = review.pages(Wish(words=("rovers",)), page=10)
    first = [next(lines).article.id for _ in range(10)]
    with opened(own.state) as store:
        ones = [a_judged(f"late-{n}", f"Rovers again {n}", 0.1, Decision.DROP, first_seen_at=NOW) for n in range(15)]
        store.record(an_outcome(*ones), (), now=NOW)
    rest = [row.article.id for row in lines]
    assert len({*first, *rest}) == len(first) + len(rest) == 80
    assert len(list(review.pages(Wish(words=("rovers",)), page=10, most=20))) == 20


def test_a_story_is_exported_as_one_record_of_an_incident(pages: Pages) -> None:
    client = pages.client()
    (line,) = client.get("/export/incidents.json?q=editor").json()
    assert line["id"] == article_id("editor")
    assert (line["origin_state"], line["host_state"], line["stage"], line["physical"]) == (
        ["RU"],
        ["GB"],
        "investigation",
        True,
    )
    assert (line["n_sources"], len(line["urls"]), line["fh_family"], line["borderline"]) == (2, 2, ["direct"], False)
    assert len(client.get("/export/incidents.jsonl?decision=digest").text.splitlines()) == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"), ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"), (" =1", "' =1"), ("＝1", "'＝1"), ("\u200b=1", "'\u200b=1"), ("|cmd", "'|cmd"), ("%1", "'%1"), (-0.5, "-0.5"), (0.5, "0.5"), (None, ""),
        (True, "True"), (["=a", "b"], "'=a; b"), ([{"term": "-x", "weight": 1}], "'-x"), ("plain", "plain"), ("", ""),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_formulas_in_titles_are_text_in_the_file(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with opened(state) as store:
        evil = '=HYPERLINK("https://evil.example","x")'
        store.record(an_outcome(a_judged("evil", evil, 0.9, Decision.ALERT, summary="@x")), (), now=NOW)
    with served(state) as pages:
        (row,) = csv.DictReader(
            io.StringIO(pages.client().get("/export/articles.csv?q=HYPERLINK").content.decode("utf-8-sig"))
        )
        assert row["title"] == f"'{evil}"
        assert row["summary"] == "'@x"


# ── feeds, channels, incidents, status ────────────────────────────────────────────────────────────


def test_feeds_show_their_health_and_rhythm(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with opened(state) as store:
        fill(store)
        broken = FeedState(url=OTHER, failures=3, error="no <i>name</i> found", error_kind="name-not-found",
                           failing_since=NOW, polled_at=NOW, next_poll_at=NOW + HOUR)  # fmt: skip
        store.record(Outcome(state=broken), (), now=NOW)
        gone = FeedState(url="https://gone.example/rss?key=secretsecret", polled_at=NOW, baselined_at=NOW)
        store.record(Outcome(state=gone), (), now=NOW)
    with served(state) as pages:
        page = pages.client().get("/feeds").text
        assert page.index("El Faro") < page.index("Harbour Wire")
        assert "no &lt;i&gt;name&lt;/i&gt; found (3 times in a row)" in page
        assert "<polyline points=" in page
        assert "not in the configuration any more" in page
        assert "secretsecret" not in page
        assert "Harbour Wire" not in pages.client().get("/feeds?q=faro").text
        detail = pages.client().get(f"/feeds/{feed_key(FEED)}").text
        assert NEWS[0][1] in detail
        assert "fine" in detail
        assert pages.client().get("/feeds/nothing").status_code == 404
        assert "secretsecret" not in pages.client().get(f"/feeds/{feed_key(gone.url)}").text


def test_one_click_asks_mutes_and_wakes_a_feed(own: Pages) -> None:
    client = own.client()
    path = f"/feeds/{feed_key(FEED)}"
    assert client.post(path, {"do": "check", "from": "list"}).headers["location"] == "/feeds"
    assert "asked for now" in client.get(path).text
    assert client.post(path, {"do": "7d"}).headers["location"] == path
    own.clock.at += timedelta(seconds=1)
    assert "Its alerts are held until 24 Nov 2026" in client.get(path).text
    assert own.settle() == 2
    state = own.store.feed_state(FEED)
    assert state is not None
    assert state.next_poll_at == NOW
    assert "Its alerts are held until" in client.get(path).text
    client.post(path, {"do": "wake"})
    assert "Its alerts are held until" not in client.get(path).text
    own.settle()
    assert "Its alerts are held until" not in client.get(path).text
    assert client.post(path, {"do": "explode"}).status_code == 400
    assert client.post("/feeds/nothing", {"do": "check"}).status_code == 404


def test_channels_show_what_waits_and_can_be_resumed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with opened(state) as store:
        fill(store)
        store.set_channel(ChannelState(channel="main", paused_at=NOW, reason="kicked <b>out</b>"))
        store.hold("main")
    with served(state) as pages:
        client = pages.client()
        page = client.get("/channels").text
        assert "paused" in page
        assert "kicked &lt;b&gt;out" in page
        assert client.post("/channels/main", {"do": "resume"}).status_code == 303
        assert client.post("/channels/main", {"do": "release"}).status_code == 303
        assert [one.kind for one in Errands(state).waiting()] == [ErrandKind.RESUME, ErrandKind.RELEASE]
        assert "asked for" in client.get("/channels").text
        pages.settle()
        assert "paused" not in client.get("/channels").text
        for path, what in (("/channels/main", "explode"), ("/channels/none", "resume")):
            assert client.post(path, {"do": what}).status_code == 404


def test_a_channel_that_waits_says_since_when(own: Pages) -> None:
    assert re.search(r"<td>3, since ", own.client().get("/channels").text)


def test_incidents_stand_there_with_how_long_they_lasted(own: Pages) -> None:
    page = own.client().get("/incidents").text
    assert "Feed “x” fails: &lt;b&gt;timeout" in page
    assert "lasts" in page
    with opened(own.state) as store:
        store.close_notice("feed:x", NOW)
    assert "over" in own.client().get("/incidents").text
    assert "Nothing that operators were told of" in own.client().get("/").text


def test_the_status_counts_what_there_is(pages: Pages) -> None:
    page = pages.client().get("/").text
    assert "2 of 2" in page
    assert "5 for alerts, 3 for the digest, 80 dropped" in page
    assert "main" in page


def test_what_fails_to_be_written_is_said(own: Pages) -> None:
    client = own.client()
    token = client.token()
    (own.state / "errands").write_text("in the way")
    assert client.post(f"/feeds/{feed_key(FEED)}", {"do": "check"}, token=token).status_code == 500
    assert client.post("/channels/main", {"do": "resume"}, token=token).status_code == 500
    assert client.post("/review/alerts/undo", {}, token=token).status_code in (303, 500)


# ── model and digest ──────────────────────────────────────────────────────────────────────────────


def test_the_model_page_says_what_another_threshold_would_have_alerted(pages: Pages) -> None:
    client = pages.client()
    page = client.get("/model").text
    assert '<strong id="would">4</strong>' in page
    assert "4 were alerted" in page
    lower = client.get("/model?at=0.7").text
    assert '<strong id="would">6</strong>' in lower
    assert lower.count("<li data-score") == 7
    assert lower.count(" hidden>") == page.count(" hidden>") - 2
    for nonsense in ("nan", "x", "1e99", "-5", ""):
        assert client.get(f"/model?at={nonsense}").status_code == 200


def test_the_model_page_draws_what_people_said(own: Pages) -> None:
    client = own.client()
    for number, (slug, _, score, *_) in enumerate(NEWS):
        own.clock.at = NOW + timedelta(seconds=number)
        value = "relevant" if score > 0.8 else "not-relevant"
        client.post("/review/alerts", {"item": article_id(slug), "value": value})
    page = client.get("/model").text
    assert 'aria-label="Precision against recall"' in page
    assert "<circle" in page
    assert "At the threshold 100% were right, and 100% of" in page


def test_the_digest_of_a_week_is_shown_as_people_get_it(pages: Pages) -> None:
    client = pages.client()
    page = client.get("/digest?week=2026-W47").text
    assert "4 stories alerted" in page
    assert f'href="/stories/{article_id("editor")}"' in page
    assert f'href="/stories/{article_id("low")}"' in page
    assert "2026-W46" in page
    assert client.get("/digest").status_code == 200
    assert "selected" in client.get("/digest?week=2026-W47&channel=main").text
    for week in ("2026-W99", "x", "9999-W52", "0000-W01"):
        assert client.get(f"/digest?week={week}").status_code == 400


def test_every_page_names_itself_and_where_one_is(pages: Pages) -> None:
    titles = {}
    for path in ("/", "/review/alerts", "/review/near", "/review/sample", "/review/split", "/review/codes", "/stories", "/search",
                 "/feeds", "/channels", "/incidents", "/model", "/digest"):  # fmt: skip
        page = pages.client().get(path).text
        found = re.search(r"<title>(.+?) – Longarm</title>", page)
        assert found is not None
        titles[path] = found[1]
        assert page.count("<h1") == 1
        assert 'aria-current="page"' in page
    assert len(set(titles.values())) == len(titles)


def test_an_empty_watch_has_all_its_pages(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with opened(state):
        pass
    with served(state) as pages:
        for path in ("/", "/review/alerts", "/review/sample", "/stories", "/search?q=x", "/feeds", "/channels", "/incidents",
                     "/model", "/digest", "/review/codes", "/export/articles.csv?q=x"):  # fmt: skip
            assert pages.client().get(path).status_code == 200, path
        assert isinstance(pages.store, Store)


def test_pages_stay_quick_with_thousands_of_articles() -> None:
    slow = [row for row in measured(4_000) if row.median_ms > 500]  # ten times what they take, for a busy machine
    assert slow == []
