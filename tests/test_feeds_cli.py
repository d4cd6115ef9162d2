"""`longarm feeds`: what it shows of feeds, how it finds, adds, takes in and gives out."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor import config
from monitor.errors import LongarmError
from monitor.model import Decision, FeedState, FeedTally
from tests.store_parts import NOW, an_outcome, judged, opened
from tests.whole_parts import ALL, CAKE, EDITOR, Ran, Site, command, door, environment, rss, serving, table, write_toml

NEVER = {"alert_at": 1.0, "digest_at": 1.0}
PAGE = b"""<!doctype html><html><head><title>The Wire</title>
<link rel="alternate" type="application/rss+xml" title="World" href="/world"></head><body></body></html>"""


@dataclass
class Bench:
    """A feeds.toml beside a site on loopback, and the door to `longarm feeds`."""

    site: Site
    toml: Path

    def __call__(self, *arguments: object, given: str | bytes = "") -> Ran:
        return door("feeds", *arguments, "--config", self.toml, given=given)

    def write(self, *tables: str) -> None:
        write_toml(self.toml.parent, *tables)

    @property
    def urls(self) -> list[str]:
        return [feed.url.removeprefix(self.site.url) for feed in config.load(self.toml, {}).feeds]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    pages = {"wire": rss("The Wire", [EDITOR, CAKE]), "world": rss("World & more", [EDITOR]), "": PAGE}
    with serving(pages) as site:
        made = Bench(site=site, toml=tmp_path / "feeds.toml")
        made.write(table("feeds", url=site.feed("wire"), name="Wire", **ALL))
        yield made


# ── list ──────────────────────────────────────────────────────────────────────────────────────────

DAY = timedelta(days=1)


def remember(bench: Bench, name: str, state: FeedState, *, alerts: int = 0, others: int = 0, old: int = 0) -> None:
    """Record that a feed brought articles two days ago: alerts, others, and some that a first poll only remembered."""
    at = datetime.now(UTC) - 2 * DAY
    with opened(bench.toml.parent / "state", now=at) as store:
        ones = [judged(f"{name}{n}", Decision.ALERT, feed=state.url, first_seen_at=at) for n in range(alerts)]
        ones += [judged(f"{name}-{n}", Decision.DROP, feed=state.url, first_seen_at=at) for n in range(others)]
        ones += [
            judged(f"{name}_{n}", Decision.DROP, feed=state.url, first_seen_at=at, recent=False) for n in range(old)
        ]
        store.record(replace(an_outcome(*ones, url=state.url), state=state), (), now=at)


def a_state(url: str, **more: object) -> FeedState:
    now = datetime.now(UTC)
    known = {
        "polled_at": now,
        "succeeded_at": now,
        "baselined_at": now - 10 * DAY,
        "next_poll_at": now + DAY,
        "title": "",
    }
    return FeedState(url=url, **{**known, **more})  # type: ignore[arg-type]


@pytest.fixture
def health(bench: Bench) -> Bench:
    now = datetime.now(UTC)
    bench.write(
        *(table("feeds", url=bench.site.feed(name), name=name.title()) for name in ("wire", "gone", "moved", "new")),
        table("feeds", url=bench.site.feed("off"), name="Off", enabled=False, note="paywalled"),
    )
    feed = bench.site.feed
    remember(bench, "w", a_state(feed("wire"), newest_at=now - DAY, next_poll_at=now + DAY), alerts=1, others=3, old=9)
    gone = {"failures": 7, "error": "wire.example has no such page (404)", "next_poll_at": now + 2 * DAY}
    remember(bench, "g", a_state(feed("gone"), newest_at=now - 5 * DAY, **gone))
    moved = {"moved_to": "https://new.example/rss?key=s3cret-of-mine", "baselined_at": now - timedelta(hours=3)}
    remember(bench, "m", a_state(feed("moved"), newest_at=now, next_poll_at=now, **moved), alerts=2, others=2)
    return bench


def test_list_shows_rhythm_hits_and_trouble_of_each_feed(health: Bench) -> None:
    rows = {row["name"]: row for row in health("list", "--json").lines}
    wire, gone, moved = rows["Wire"], rows["Gone"], rows["Moved"]
    assert (wire["state"], wire["articles"], wire["alerts"], wire["hits"], wire["per_day"]) == ("fine", 4, 1, 0.25, 0.4)
    assert (gone["state"], gone["failures"], gone["hits"], gone["per_day"]) == ("failing (7x)", 7, None, 0.0)
    assert "404" in gone["error"]
    assert (moved["hits"], moved["per_day"]) == (0.5, None)
    assert moved["moved_to"] == "https://new.example/rss?key=…"
    assert (rows["New"]["state"], rows["Off"]["state"]) == ("not polled yet", "disabled")
    assert rows["Off"]["note"] == "paywalled"
    shown = health("list").out
    assert re.search(r"Wire .* fine .* 0\.4 .* 1 of 4 ", shown)
    assert "has moved to https://new.example/rss?key=…" in shown
    assert "s3cret" not in shown + json.dumps(rows)


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("name", ["Gone", "Moved", "New", "Off", "Wire"]),
        ("next", ["Moved", "Wire", "Gone", "New", "Off"]),
        ("newest", ["New", "Off", "Gone", "Wire", "Moved"]),
        ("errors", ["Gone", "Moved", "New", "Off", "Wire"]),
        ("hits", ["Moved", "Wire", "Gone", "New", "Off"]),
    ],
)
def test_list_is_sorted_as_asked(health: Bench, order: str, names: list[str]) -> None:
    assert [row["name"] for row in health("list", "--json", "--sort", order).lines] == names


def test_tallies_count_what_was_news_in_the_time_asked_for(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        ones = [judged("a"), judged("b", Decision.DIGEST), judged("c", Decision.DROP), judged("d", recent=False)]
        ones.append(judged("old", first_seen_at=NOW - 31 * DAY))
        store.record(an_outcome(*ones), (), now=NOW)
        assert store.feed_tallies(NOW - 30 * DAY) == [FeedTally(url=ones[0].article.feed, articles=3, alerts=1)]
        assert store.feed_tallies(NOW + DAY) == []


# ── check ─────────────────────────────────────────────────────────────────────────────────────────


def test_check_of_one_feed_says_all_that_is_known(bench: Bench) -> None:
    ran = bench("check", bench.site.feed("wire"))
    assert ran.code == 0
    assert re.search(r"^name +Wire$", ran.out, re.MULTILINE)
    assert re.search(r"^answer +fine$", ran.out, re.MULTILINE)
    assert re.search(r"^gives +rss, 2 entries, newest \d+ min old$", ran.out, re.MULTILINE)
    scores = [float(score) for score in re.findall(r"^sample +(\d\.\d\d)  ", ran.out, re.MULTILINE)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 2
    assert not (bench.toml.parent / "state").exists()


def test_check_of_a_web_page_names_the_feeds_found_there(bench: Bench) -> None:
    (row,) = bench("check", bench.site.url, "--json").lines
    assert (row["failed"], row["answer"], row["name"]) == (True, "not a feed: an HTML page", "The Wire")
    assert row["mend"] == f"feeds found there: {bench.site.url}/world"


def test_check_of_all_is_a_line_each_and_fails_if_one_does(bench: Bench) -> None:
    bench.write(
        table("feeds", url=bench.site.feed("wire"), name="Wire"),
        table("feeds", url=bench.site.feed("empty"), name="Empty"),
    )
    bench.site.pages["empty"] = rss("Nothing", [])
    ran = bench("check")
    assert ran.code == 0
    lines = sorted(ran.out.splitlines())
    assert lines[0].startswith("fine   Wire: rss, 2 entries, newest")
    assert lines[1].startswith("look   Empty: rss, 0 entries, newest no dates; it has no entries -> look at it again")
    bench.site.pages.pop("empty")
    ran = bench("check")
    assert ran.code == 1
    assert any(
        re.search(r"^FAILS  Empty: .*404.* -> look for the feed's new place", line) for line in ran.out.splitlines()
    )


# ── preview ───────────────────────────────────────────────────────────────────────────────────────


def test_preview_says_what_would_be_alerted_and_records_nothing(bench: Bench) -> None:
    ran = bench("preview", "wire", "--json")
    rows = {row["title"]: row for row in ran.lines}
    assert ran.code == 0
    assert {row["verdict"] for row in rows.values()} == {"alert"}
    assert rows[EDITOR.title]["score"] > rows[CAKE.title]["score"]
    assert rows[EDITOR.title]["reasons"]
    assert rows[EDITOR.title]["rule"].endswith(">= alert_at 0.00 of this feed")
    assert not (bench.toml.parent / "state").exists()


def test_preview_of_an_unknown_address_uses_the_general_settings_and_hides_what_is_dropped(bench: Bench) -> None:
    ran = bench("preview", bench.site.feed("wire?other"))
    assert ran.code == 0
    assert "2 articles: " in ran.out
    assert "Exiled Varenian editor" in ran.out
    assert CAKE.title not in ran.out
    assert CAKE.title in bench("preview", bench.site.feed("wire?other"), "--all").out


def test_preview_of_everything_goes_on_past_a_feed_that_fails(bench: Bench) -> None:
    bench.write(
        table("feeds", url=bench.site.feed("gone"), name="Gone"), table("feeds", url=bench.site.feed("wire"), **NEVER)
    )
    ran = bench("preview", "--all", "--json")
    assert ran.code == 1
    assert [row["verdict"] for row in ran.lines if row["title"] == CAKE.title] == ["drop"]
    assert {row["feed"] for row in ran.lines} == {"The Wire"}
    (said,) = ran.said
    assert "404" in said


def test_preview_of_a_name_that_no_feed_has_says_so(bench: Bench) -> None:
    ran = bench("preview", "nobody")
    assert ran.code == 1
    assert ran.said == [
        "longarm: nobody: no feed has this name; `longarm feeds list` shows them, or give an address",
    ]


# ── add ───────────────────────────────────────────────────────────────────────────────────────────


def test_add_finds_the_feed_behind_a_page_and_writes_it(bench: Bench) -> None:
    before = bench.toml.read_text()
    ran = bench("add", bench.site.url, "--yes", "--tag", "ngo", "--tag", "asia")
    assert ran.code == 0
    assert ran.out.startswith(f"1  World & more: {bench.site.url}/world, 1 entries, newest")
    assert EDITOR.title in ran.out
    assert ran.out.endswith(f"added to {bench.toml}: World & more ({bench.site.url}/world)\n")
    assert bench.toml.read_text().startswith(before)
    added = config.load(bench.toml, {}).feeds[-1]
    assert (added.name, added.tags, added.language) == ("World & more", ("ngo", "asia"), "en")


def test_add_names_a_feed_that_stands_there_already(bench: Bench) -> None:
    before = bench.toml.read_text()
    ran = bench("add", bench.site.feed("wire"), "--yes")
    assert ran.code == 0
    assert f"not added: {bench.site.feed('wire')} stands in {bench.toml} already, as “Wire”" in ran.out
    assert bench.toml.read_text() == before


def test_add_takes_the_one_that_was_picked_and_the_name_given(bench: Bench) -> None:
    bench.site.pages[""] = PAGE.replace(
        b"</head>", b'<link rel="alternate" type="application/rss+xml" href="/wire"></head>'
    )
    bench.write(table("feeds", url="https://else.example/rss"))
    assert bench("add", bench.site.url, "--pick", "3").said == ["longarm: --pick 3: only 2 feeds were found"]
    assert bench("add", bench.site.url, "--pick", "2", "--name", "Mine").code == 0
    assert bench.urls == ["https://else.example/rss", "/wire"]
    assert config.load(bench.toml, {}).feeds[-1].name == "Mine"


def test_add_where_nobody_can_be_asked_writes_nothing(bench: Bench) -> None:
    ran = bench("add", bench.site.url)
    assert (ran.code, ran.said) == (
        1,
        ["longarm: nobody can be asked here; say --yes, or --pick N for one of the above"],
    )
    assert bench.urls == ["/wire"]


@pytest.mark.parametrize(
    ("typed", "urls"), [("1\n", ["/wire", "/world"]), ("0\n", ["/wire"]), ("\n", ["/wire", "/world"])]
)
def test_add_asks_at_a_terminal(bench: Bench, typed: str, urls: list[str]) -> None:
    main, terminal = os.openpty()
    os.write(main, typed.encode())
    line = command("feeds", "add", bench.site.url, "--config", bench.toml)
    try:
        done = subprocess.run(
            line, stdin=terminal, capture_output=True, timeout=60, env=environment(), cwd="/", check=False
        )
    finally:
        os.close(main)
        os.close(terminal)
    assert done.returncode == 0, done.stderr
    assert b"Which one? (0: none)" in done.stdout
    assert bench.urls == urls


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("{site}/nothing", "no feed found: .*404"),
        ("{site}/page", "no feed found: not a feed: an HTML page \\(it is called “Nothing here”\\)"),
        ("ftp://w.test/feed", "expected an address that begins with https:// or http://"),
        ("http://10.0.0.1/feed", "no feed found: .*private"),
    ],
)
def test_add_says_why_there_is_nothing_to_add(bench: Bench, address: str, said: str) -> None:
    bench.site.pages["page"] = b"<!doctype html><title>Nothing here</title>"
    ran = bench("add", address.format(site=bench.site.url), "--yes")
    assert (ran.code, ran.out) == (1, "")
    assert re.search(said, ran.said[0])
    assert bench.urls == ["/wire"]


def test_an_address_without_a_scheme_is_taken_as_https() -> None:
    from monitor.cli.asking import address

    assert address("example.org/feed") == "https://example.org/feed"
    assert address("http://example.org") == "http://example.org"
    with pytest.raises(LongarmError, match="spaces"):
        address("two words")


# ── import and export ─────────────────────────────────────────────────────────────────────────────

LIST = """<opml version="2.0"><head/><body><outline text="NGOs">
<outline type="rss" text="Phayul" xmlUrl="https://p.example/feed" language="en"/>
<outline type="rss" text="Known" xmlUrl="{site}/wire"/>
<outline type="rss" text="Twice" xmlUrl="https://P.example:443/feed"/>
<outline type="rss" text="Router" xmlUrl="http://192.168.0.1/feed"/>
<outline type="rss" text="File" xmlUrl="file:///etc/passwd"/>
<outline type="rss" text="Lost"/>
<outline type="rss" text="Klingon" xmlUrl="https://k.example/" language="klingon" isComment="true"/>
</outline></body></opml>"""


def test_import_shows_first_and_writes_then(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "list.opml"
    file.write_text(LIST.format(site=bench.site.url))
    before = bench.toml.read_text()
    ran = bench("import", file, "--dry-run")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "would be added: Phayul (https://p.example/feed)  [NGOs]",
        "would be added: Klingon (https://k.example/)  [NGOs]",
        f"known: {bench.site.url}/wire, as “Wire”",
        "known: https://P.example:443/feed, as “Phayul”",
        "can't be used: Lost: no address",
        ran.out.splitlines()[5],
        ran.out.splitlines()[6],
        "2 would be added, 2 known, 3 can't be used",
    ]
    assert ran.out.splitlines()[5].startswith("can't be used: Router: the host has a private address, which is refused")
    assert ran.out.splitlines()[6].startswith("can't be used: File: found")
    assert bench.toml.read_text() == before
    assert bench.site.asked == []
    ran = bench("import", file)
    assert ran.out.endswith("2 added, 2 known, 3 can't be used\n")
    phayul, klingon = config.load(bench.toml, {}).feeds[1:]
    assert (phayul.name, phayul.language, phayul.tags, phayul.enabled) == ("Phayul", "en", ("NGOs",), True)
    assert (klingon.language, klingon.enabled) == ("", False)
    assert bench("import", file).out.endswith("0 added, 4 known, 3 can't be used\n")


def test_import_reads_standard_input_and_says_what_it_mended(bench: Bench) -> None:
    given = LIST.format(site=bench.site.url).replace("<opml", "<!DOCTYPE opml [<!ENTITY a 'b'>]><opml")
    ran = bench("import", "-", "--dry-run", given=given)
    assert ran.code == 0
    assert "note: entities that the document defines itself were left out" in ran.out


def test_import_of_what_is_no_list_says_so(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "list.opml"
    file.write_bytes(rss("Wire", [EDITOR]))
    assert bench("import", file).said == [f"longarm: {file}: not an OPML list of feeds: its first element is <rss>"]
    assert bench("import", "-", given="").said == [
        "longarm: standard input: not an OPML list of feeds: it holds no XML"
    ]


def test_what_is_exported_can_be_imported_as_it_was(bench: Bench, tmp_path: Path) -> None:
    bench.write(
        table("feeds", url="https://a.example/rss", name="صحيفة", language="ar", tags=["ngo", "east asia"]),
        table("feeds", url="https://b.example/rss", name="B & Co", enabled=False),
        '[[searches]]\nprovider = "bing-news"\nname = "Exile"\nquery = { en = "exile" }\n',
    )
    ran = bench("export")
    assert (ran.code, ran.err) == (0, "")
    file = tmp_path / "out.opml"
    assert bench("export", "--output", file).out == ""
    assert re.sub("<dateCreated>.*", "", file.read_text()) == re.sub("<dateCreated>.*", "", ran.out)
    assert bench("import", file).out.endswith("0 added, 3 known, 0 can't be used\n")
    original = config.load(bench.toml, {}).feeds
    bench.write(table("feeds", url="https://else.example/rss"))
    assert bench("import", file).out.endswith("3 added, 0 known, 0 can't be used\n")
    assert config.load(bench.toml, {}).feeds[1:] == original


def test_export_leaves_addresses_with_keys_out_unless_told(bench: Bench) -> None:
    bench.write(
        table("feeds", url="https://a.example/rss?key=s3cret-of-mine", name="Mine"),
        table("feeds", url="https://b.example/rss?page=1"),
    )
    ran = bench("export")
    assert ran.code == 0
    assert "s3cret" not in ran.out + ran.err
    assert ran.said == ["longarm: left out, its address holds a key: https://a.example/rss?key=…"]
    assert 'text="https://b.example/rss?page=…"' in ran.out
    assert "s3cret-of-mine" in bench("export", "--with-keys").out


def test_before_the_first_run_every_feed_is_listed_as_not_polled(bench: Bench) -> None:
    ran = bench("list", "--json")
    assert [(row["name"], row["state"]) for row in ran.lines] == [("Wire", "not polled yet")]
    (bench.toml.parent / "state").mkdir()
    (bench.toml.parent / "state" / "longarm.db").write_text("no database")
    assert bench("list").code == 1
