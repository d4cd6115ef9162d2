"""Pictures of the half year: what they show, to whom, and that nobody needs to see them."""

from __future__ import annotations

import re
import sys
from dataclasses import fields, replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from monitor.digest import picture
from monitor.digest.charts import DARK, LIGHT, WIDTH, Chart, Palette, charts
from monitor.digest.frame import Frame
from monitor.digest.render import as_html, as_svg
from monitor.errors import ConfigError
from monitor.model import DIGEST_LANGUAGES, Digest, Route, Trends, WeekTally
from tests.digest_parts import MONDAY, digest_of, full_digest, item

SVG = "{http://www.w3.org/2000/svg}"


def drawn(digest: Digest) -> dict[str, Chart]:
    assert digest.trends is not None
    return {chart.name: chart for chart in charts(digest.trends, Frame(digest.language))}


def rich(**changes: object) -> Trends:
    values: dict[str, object] = {
        "weeks": tuple(WeekTally(first_day=MONDAY + timedelta(weeks=n), alerted=n, below=2 * n) for n in range(26)),
        "routes": tuple(Route(origin=f"{a}{b}", host=f"{b}{a}", stories=50 - n) for n, (a, b) in enumerate(zip("CIRTVHBNPK", "NRUREKYIKE", strict=True))),
        "codes": tuple((f"code-{n}", 20 - n) for n in range(12)),
        "languages": (("en", 9), ("zh", 5)),
        "delays": (1, 2, 3, 4, 5),
        "delay": timedelta(hours=7),
    }  # fmt: skip
    return Trends(**{**values, **changes})  # type: ignore[arg-type]


# ── what is in them ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", DIGEST_LANGUAGES)
def test_every_picture_says_in_words_and_in_a_table_what_it_shows(language: str) -> None:
    found = charts(rich(), Frame(language))
    assert [chart.name for chart in found] == ["weeks", "routes", "codes", "languages", "delay"]
    for chart in found:
        assert len(chart.title) > 1
        assert any(char.isdigit() for char in chart.desc)
        assert all(len(row) == len(chart.header) for row in chart.rows)
        assert chart.rows


def test_nothing_is_drawn_outside_and_bars_stand_on_the_floor() -> None:
    for chart in charts(rich(), Frame()):
        for box in chart.boxes:
            assert 0 <= box.x <= box.x + box.width <= WIDTH
            assert 0 <= box.y <= box.y + box.height <= chart.height
        assert all(0 <= label.x <= WIDTH and 0 < label.y <= chart.height for label in chart.labels)


def test_the_numbers_are_those_that_were_counted() -> None:
    found = {chart.name: chart for chart in charts(rich(), Frame())}
    assert found["weeks"].rows[3] == ("14 Dec 2026", "3", "6")
    assert "325 alerted and 650 below" in found["weeks"].desc
    assert "The most in one week: 75" in found["weeks"].desc
    assert found["codes"].rows[0] == ("code-0", "20")
    assert [row[1] for row in found["delay"].rows] == ["1", "2", "3", "4", "5"]
    assert found["delay"].rows[0][0] == "within 15 minutes"
    assert "within 7 hours" in found["delay"].desc
    tallest = max(box.height for box in found["weeks"].boxes if box.kind == "below")
    shortest = min(box.height for box in found["weeks"].boxes if box.kind == "below")
    assert tallest / shortest == pytest.approx(25)


def test_a_matrix_has_the_commonest_states_and_a_number_in_every_cell() -> None:
    (chart,) = [chart for chart in charts(rich(), Frame()) if chart.name == "routes"]
    cells = [box for box in chart.boxes if box.kind == "alerted"]
    assert len(cells) == 7
    assert {"50", "44"} <= {label.text for label in chart.labels}
    assert "43" not in {label.text for label in chart.labels}
    assert len(chart.rows) == 10


def test_what_was_not_counted_is_not_drawn() -> None:
    assert charts(Trends(), Frame()) == ()
    unread = rich(routes=(Route(origin="CN", host="", stories=3),), codes=(), languages=(), delays=(), weeks=())
    assert charts(unread, Frame()) == ()
    assert "<svg" not in as_html(digest_of(item()))


def test_one_young_week_is_a_narrow_bar_and_no_error() -> None:
    (chart,) = charts(Trends(weeks=(WeekTally(first_day=MONDAY),)), Frame())
    assert not [box for box in chart.boxes if box.kind == "alerted" and box.y < 150]


def test_long_names_are_cut_to_their_room() -> None:
    (chart,) = charts(Trends(codes=(("a" * 80, 1), ("漢" * 80, 1))), Frame())
    names = [label.text for label in chart.labels if label.anchor == "end"]
    assert all(name.endswith("…") for name in names)
    assert len(names[1]) < len(names[0]) < 20


# ── colours ───────────────────────────────────────────────────────────────────────────────────────


def rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))


def luminance(colour: tuple[float, ...]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mixed(colour: str, paper: str, share: float) -> tuple[float, ...]:
    return tuple(share * one + (1 - share) * other for one, other in zip(rgb(colour), rgb(paper), strict=True))


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_marks_and_words_stand_out_from_the_paper(palette: Palette) -> None:
    paper = rgb(palette.paper)
    for field in fields(palette):
        colour = getattr(palette, field.name)
        wanted = {"paper": 1, "rule": 1, "ink": 7, "quiet": 4.5, "alerted": 3, "below": 3}[field.name]
        assert contrast(rgb(colour), paper) >= wanted, field.name
    assert contrast(rgb(palette.ink), mixed(palette.alerted, palette.paper, 0.5)) >= 4.5


# Full protanopia, deuteranopia and tritanopia in linear RGB, by Machado, Oliveira and Fernandes (2009):
# https://www.inf.ufrgs.br/~oliveira/pubs_files/CVD_Simulation/CVD_Simulation.html
BLINDNESS = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_the_two_colours_are_told_apart_by_colour_blind_readers(palette: Palette, kind: str) -> None:
    def seen(colour: str) -> list[float]:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb(colour)]
        return [sum(weight * part for weight, part in zip(row, linear, strict=True)) for row in BLINDNESS[kind]]

    apart = (
        sum((one - other) ** 2 for one, other in zip(seen(palette.alerted), seen(palette.below), strict=True)) ** 0.5
    )
    assert apart > 0.25


# ── on the page ───────────────────────────────────────────────────────────────────────────────────


def test_on_the_page_each_picture_has_a_title_a_description_and_a_table() -> None:
    html = as_html(full_digest())
    svgs = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(svgs) == len(drawn(full_digest())) == 5
    for svg in svgs:
        root = ElementTree.fromstring(svg)
        title, desc = root.find("title"), root.find("desc")
        assert title is not None
        assert desc is not None
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {desc.attrib['id']}"
    assert html.count("<table>") == html.count("<details>") == 5
    assert len(set(re.findall(r' id="([^"]+)"', html))) == html.count(' id="')


def test_a_page_for_feed_readers_has_no_pictures() -> None:
    plain = as_html(full_digest(), pictures=False)
    assert "<svg" not in plain
    assert "<table" not in plain
    assert "Moved on" in plain


def test_strangers_words_stay_words_in_a_picture() -> None:
    trends = rich(codes=(("<script>alert(1)</script>", 3),), languages=(('"/><b>', 2),))
    html = as_html(replace(full_digest(), trends=trends))
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html


# ── as one picture ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", ["en", "ar", "zh-Hans"])
def test_the_picture_for_chats_is_one_whole_svg_in_plain_colours(language: str) -> None:
    svg = as_svg(full_digest(language))
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert "var(" not in svg
    assert LIGHT.alerted in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    desc = root.find(f"{SVG}desc")
    assert desc is not None
    assert Frame(language).say("chart.weeks") in str(desc.text)


def test_without_numbers_the_picture_is_an_empty_one() -> None:
    assert ElementTree.fromstring(as_svg(digest_of())).findall(f"{SVG}g") == []


def test_pixels_are_drawn_where_the_extra_is_installed() -> None:
    pytest.importorskip("resvg_py")
    svg = as_svg(full_digest())
    picture.must_be_there()
    png = picture.as_png(svg)
    assert png.startswith(b"\x89PNG")
    height = int(ElementTree.fromstring(svg).attrib["height"])
    assert (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")) == (768, height)
    assert len(png) < 100_000


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)  # as Python marks what can't be imported
    with pytest.raises(ConfigError, match="needs the package resvg-py; install it with"):
        picture.must_be_there()
