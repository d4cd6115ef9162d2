"""Stories as records of incidents: the fields, who acted, what was denied, how its sources are heard."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.alerts.agents import agent_types
from monitor.alerts.sources import Tiers
from monitor.incidents import Reader, records
from monitor.model import Effects, Label, LabelValue, Member, Redaction, Story
from monitor.sheets import cell
from monitor.store import People
from tests.store_parts import NOW, a_story, an_outcome, article_id, judged, opened
from tests.web_parts import served
from tests.whole_parts import door, table, write_toml

READER = Reader(alert_at=0.8, band=0.1, tiers=Tiers(), feed_name=lambda url, title: title or url)
FIELDS = {
    "id", "first_seen", "event_date", "event_date_precision", "origin_state", "host_state", "code", "fh_family",
    "target_group", "target_named", "agent_type", "stage", "physical", "official_denial_text", "lang", "source_tier",
    "n_sources", "urls", "score", "borderline",
}  # fmt: skip


def a_record(*members: Member) -> dict[str, object]:
    story = Story(id="s", language="en", members=members, first_at=NOW, last_at=NOW)
    return READER.line(story, ())


def member(title: str, summary: str = "", url: str = "https://small.example/1", **changes: object) -> Member:
    return replace(Member(article_id="a", title=title, summary=summary, url=url, language="en", score=0.9), **changes)


def test_a_record_has_the_fields_that_records_of_incidents_hold() -> None:
    assert set(a_record(member("x"))) >= FIELDS


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Hitman hired by intelligence officers shot the editor", ("criminal-hire", "state-officer")),
        ("Diplomats photographed the protesters", ("diplomat",)),
        ("Detectives privados vigilaron al exiliado", ("proxy",)),
        ("Auftragskiller aus Tschetschenien vor Gericht", ("criminal-hire",)),
        ("Агенты ФСБ следили за журналистом", ("state-officer",)),
        ("عملاء المخابرات اختطفوا المعارض", ("state-officer",)),
        ("مأموران اطلاعات او را ربودند", ("state-officer",)),
        ("警方指國安人員跟蹤流亡者", ("state-officer",)),
        ("統一戦線の同郷会が監視していた", ("proxy",)),
        ("비밀경찰이 탈북자를 위협했다", ("state-officer",)),
        ("Kiralık katil muhalifi vurdu", ("criminal-hire",)),
        ("Sürgündeki gazeteci sınır dışı edildi", ("host-state-officer",)),
        ("The activist was pressed through her relatives", ("relative",)),
        ("Refugee deported to Varenia at dawn", ("host-state-officer",)),
        ("Police look into a threat", ()),
        ("Committee debates aid for exiles", ()),
        ("", ()),
    ],
)
def test_who_acted_is_read_off_the_words_or_left_open(text: str, kinds: tuple[str, ...]) -> None:
    assert agent_types(text) == kinds


def test_a_denial_is_quoted_whole() -> None:
    line = a_record(member("Editor followed", "He was followed for weeks. The embassy denies it. More is unknown."))
    assert line["official_denial_text"] == "The embassy denies it."
    assert a_record(member("Editor followed"))["official_denial_text"] == ""


@pytest.mark.parametrize(
    ("urls", "tier"),
    [
        (("https://www.reuters.com/a", "https://small.example/a"), "first"),
        (("https://small.example/a",), "plain"),
        (("https://news.google.com/a",), "last"),
        (("https://web.archive.org/a",), "mirror"),
        (("https://reuters.com.evil.example/a",), "look-alike"),
        (("",), "nowhere"),
    ],
)
def test_the_best_of_the_sources_gives_the_tier(urls: tuple[str, ...], tier: str) -> None:
    assert a_record(*(member("x", url=url) for url in urls))["source_tier"] == tier


def test_a_site_that_a_state_runs_is_named() -> None:
    assert a_record(member("x", url="https://www.xinhuanet.com/1"))["state_media"] == ["CN"]
    assert a_record(member("x"))["state_media"] == []


def test_records_come_in_the_order_that_is_asked_for_with_what_people_said(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as store:
        ones = [judged(name) for name in range(3)]
        store.record(an_outcome(*ones, announce=tuple(ones)), (), now=NOW)
        said = {article_id(2): (Label(article_id=article_id(2), rater="ana", value=LabelValue.RELEVANT, at=NOW),)}
        lines = list(records(store, [article_id(2), "gone", article_id(0)], READER, said))
    assert [(line["id"], line["labels"]) for line in lines] == [(article_id(2), ["relevant"]), (article_id(0), [])]


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A state with a story whose words are formulas, and one that was withdrawn."""
    with opened(tmp_path / "state") as store:
        ones = [judged(1, title="=HYPERLINK(1)", summary="+1 was denied."), judged(2, title="Withdrawn of course")]
        store.record(an_outcome(*ones, announce=tuple(ones)), (), now=NOW)
        store.add_label(Label(article_id=article_id(2), rater="ana", value=LabelValue.RELEVANT, at=NOW))
        People(store).take(1, Effects(redaction=Redaction(story_id=article_id(2), by=7, why="wrong")), now=NOW)
    return tmp_path


def test_the_command_and_the_page_give_the_same_records_and_no_formula(evil: Path) -> None:
    toml = write_toml(evil, table("feeds", url="https://harbour-wire.example/rss", name="Harbour Wire"))
    lines = door("export", "incidents", "--config", toml).lines
    (row,) = csv.DictReader(io.StringIO(door("export", "incidents", "--format", "csv", "--config", toml).out))
    with served(evil / "state") as pages:
        assert pages.client().get("/export/incidents.json?decision=alert").json() == lines
        (cells,) = csv.DictReader(
            io.StringIO(pages.client().get("/export/incidents.csv?q=hyperlink").content.decode("utf-8-sig"))
        )
    assert cells == row
    assert row["title"] == "'=HYPERLINK(1)"
    assert not [value for value in row.values() if value[:1] in "=+-@" and value]


def test_nothing_of_a_withdrawn_story_is_exported_found_or_reviewed(evil: Path) -> None:
    toml = write_toml(evil, table("feeds", url="https://harbour-wire.example/rss", name="Harbour Wire"))
    for kind in ("articles", "stories", "incidents", "labels"):
        assert article_id(2) not in door("export", kind, "--config", toml).out, kind
    assert door("search", "--json", "withdrawn", "--config", toml).out == ""
    with served(evil / "state") as pages:
        client = pages.client()
        assert client.get("/export/articles.json?q=withdrawn").json() == []
        assert "Withdrawn of course" not in client.get("/search?q=withdrawn").text
        for queue in ("alerts", "near", "sample", "split"):
            assert "Withdrawn of course" not in client.get(f"/review/{queue}").text
            assert "Withdrawn of course" not in client.get(f"/review/{queue}?item={article_id(2)}").text


def test_a_number_stays_a_number_and_a_list_is_one_cell() -> None:
    assert (cell(-0.5), cell(True), cell(("=a", "b")), cell(None)) == ("-0.5", "True", "'=a; b", "")


def test_a_story_of_a_store_is_a_record_too(tmp_path: Path) -> None:
    assert READER.line(a_story(judged(1)), ["unsure"])["labels"] == ["unsure"]
