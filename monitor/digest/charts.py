"""The half year as pictures: where each rectangle and each word stands. Pure geometry; templates make SVG of it.

Every picture has a title, a sentence that says what is seen in it, and its numbers as a table: nobody needs to see it
to know what it says. Colours are a blue and an orange, which all common kinds of colour blindness tell apart and which
differ in fill as well (`LIGHT`, `DARK`: at least 3:1 against the paper). Pictures are 360 units wide: a small phone
shows them about as they are, a page shows two beside each other.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.digest.frame import Frame
from monitor.model import Route, Trends, WeekTally
from monitor.text import clean_line

WIDTH = 360
_LETTER, _WIDE_LETTER = 6.6, 12.0
"""How wide a letter of 12 units is, about: of most scripts, and of Chinese, Japanese and Korean."""
_MOST_BARS = 8
_MOST_STATES = 7
_MOST_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours of a page and its pictures, as CSS has them."""

    paper: str
    ink: str
    quiet: str
    rule: str
    alerted: str
    below: str


LIGHT = Palette(paper="#fdfcf9", ink="#1c1b19", quiet="#625d54", rule="#d9d4c8", alerted="#0b5fa5", below="#b45f06")
DARK = Palette(paper="#171614", ink="#ece8df", quiet="#a8a195", rule="#3a3731", alerted="#7ab8f5", below="#f0a04b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle. `kind` is "alerted", "below" or "line"; `shade` 0..1 is how strong its colour is."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    shade: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Words at a place. `anchor` is "start", "middle" or "end", `quiet` sets them back."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture, `WIDTH` wide, with what it says in words and in a table."""

    name: str
    title: str
    desc: str
    height: float
    boxes: tuple[Box, ...]
    labels: tuple[Label, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def charts(trends: Trends, frame: Frame) -> tuple[Chart, ...]:
    """Draw what there is to see in `trends`: weeks, routes, methods, languages, delay."""
    codes = tuple((code, count) for code, count in trends.codes)
    languages = tuple((frame.tongue(code), count) for code, count in trends.languages)
    drawn = (
        _weeks(trends.weeks, frame) if trends.weeks else None,
        _routes(trends.routes, frame),
        _bars("codes", codes, frame) if codes else None,
        _bars("languages", languages, frame) if languages else None,
        _delay(trends, frame) if trends.delays and trends.delay is not None else None,
    )
    return tuple(chart for chart in drawn if chart)


# ── stories a week ────────────────────────────────────────────────────────────────────────────────

_LEFT, _TOP, _FLOOR = 34.0, 16.0, 136.0


def _weeks(weeks: Sequence[WeekTally], frame: Frame) -> Chart:
    most = max(1, *(week.alerted + week.below for week in weeks))
    step = (WIDTH - _LEFT - 4) / max(len(weeks), 12)
    scale = (_FLOOR - _TOP) / most
    boxes = [Box(x=_LEFT, y=y, width=WIDTH - _LEFT - 4, height=0.6, kind="line") for y in (_TOP, _FLOOR)]
    for number, week in enumerate(weeks):
        x, y = _LEFT + number * step + step * 0.1, _FLOOR
        for kind, count in (("alerted", week.alerted), ("below", week.below)):
            if count:
                y -= count * scale
                boxes.append(Box(x=x, y=y, width=step * 0.8, height=count * scale, kind=kind))
    labels = [
        Label(x=_LEFT - 5, y=_TOP + 4, text=frame.number(most), anchor="end", quiet=True),
        Label(x=_LEFT - 5, y=_FLOOR + 4, text=frame.number(0), anchor="end", quiet=True),
        Label(x=_LEFT, y=_FLOOR + 17, text=frame.short_day(weeks[0].first_day), quiet=True),
    ]
    if len(weeks) > 6:
        end = _LEFT + len(weeks) * step
        labels.append(Label(x=end, y=_FLOOR + 17, text=frame.short_day(weeks[-1].first_day), anchor="end", quiet=True))
    alerted, rest = sum(week.alerted for week in weeks), sum(week.below for week in weeks)
    for y, kind, key in ((170.0, "alerted", "chart.alerted"), (188.0, "below", "chart.rest")):
        boxes.append(Box(x=_LEFT, y=y - 9, width=10, height=10, kind=kind))
        labels.append(Label(x=_LEFT + 16, y=y, text=frame.say(key)))
    return Chart(
        name="weeks",
        title=frame.say("chart.weeks"),
        desc=frame.say("chart.weeks.desc", n=len(weeks), alerted=alerted, rest=rest, most=most),
        height=194,
        boxes=tuple(boxes),
        labels=tuple(labels),
        header=(frame.say("chart.of_week"), frame.say("chart.alerted"), frame.say("chart.rest")),
        rows=tuple((frame.day(week.first_day), frame.number(week.alerted), frame.number(week.below)) for week in weeks),
    )


# ── from where to where ───────────────────────────────────────────────────────────────────────────

_CELL, _ROW = 30.0, 22.0
_NAMES = 130.0


def _routes(routes: Sequence[Route], frame: Frame) -> Chart | None:
    known = [route for route in routes if route.origin and route.host]
    if not known:
        return None
    origins = _commonest((route.origin, route.stories) for route in known)
    hosts = _commonest((route.host, route.stories) for route in known)
    most = known[0].stories
    boxes, labels = [], []
    for row, origin in enumerate(origins):
        y = 28 + row * _ROW
        labels.append(Label(x=_NAMES - 6, y=y + 15, text=_fitting(_state(origin, frame), _NAMES - 8), anchor="end"))
        boxes.append(Box(x=_NAMES, y=y + _ROW, width=len(hosts) * _CELL, height=0.6, kind="line"))
    for column, host in enumerate(hosts):
        labels.append(Label(x=_NAMES + (column + 0.5) * _CELL, y=20, text=host[:3], anchor="middle", quiet=True))
    for route in known:
        if route.origin in origins and route.host in hosts:
            x, y = _NAMES + hosts.index(route.host) * _CELL, 28 + origins.index(route.origin) * _ROW
            shade = 0.12 + 0.38 * route.stories / most
            boxes.append(Box(x=x + 1, y=y + 1, width=_CELL - 2, height=_ROW - 2, kind="alerted", shade=round(shade, 3)))
            count = frame.number(route.stories)
            labels.append(Label(x=x + _CELL / 2, y=y + 15, text=count, anchor="middle"))
    named = [(_state(route.origin, frame), _state(route.host, frame), route.stories) for route in known[:_MOST_ROWS]]
    first = frame.say("route", origin=named[0][0], host=named[0][1])
    return Chart(
        name="routes",
        title=frame.say("chart.routes"),
        desc=frame.say("chart.routes.desc", most=f"{first} ({frame.number(most)})"),
        height=34 + len(origins) * _ROW,
        boxes=tuple(boxes),
        labels=tuple(labels),
        header=(frame.say("chart.origin"), "→" if frame.direction == "ltr" else "←", frame.say("chart.stories")),
        rows=tuple((origin, host, frame.number(count)) for origin, host, count in named),
    )


def _commonest(counts: Iterable[tuple[str, int]]) -> list[str]:
    totals: dict[str, int] = {}
    for name, count in counts:
        totals[name] = totals.get(name, 0) + count
    return sorted(totals, key=lambda name: (-totals[name], name))[:_MOST_STATES]


def _state(code: str, frame: Frame) -> str:
    return clean_line(frame.state(code), 60)


# ── bars ──────────────────────────────────────────────────────────────────────────────────────────


def _bars(name: str, counts: Sequence[tuple[str, int]], frame: Frame) -> Chart:
    named = [(clean_line(label, 40), count) for label, count in counts]
    most = f"{named[0][0]} ({frame.number(named[0][1])})"
    boxes, labels, height = _drawn_bars(named[:_MOST_BARS], frame)
    return Chart(
        name=name,
        title=frame.say(f"chart.{name}"),
        desc=frame.say("chart.bars.desc", most=most),
        height=height,
        boxes=boxes,
        labels=labels,
        header=(frame.say(f"chart.{name}"), frame.say("chart.stories")),
        rows=tuple((label, frame.number(count)) for label, count in named[:_MOST_ROWS]),
    )


def _delay(trends: Trends, frame: Frame) -> Chart:
    within = [frame.say("chart.within", span=frame.length(bound)) for bound in trends.bounds]
    named = list(zip((*within, frame.say("chart.later")), trends.delays, strict=True))
    boxes, labels, height = _drawn_bars(named, frame)
    median = frame.length(max(trends.delay or timedelta(), timedelta(minutes=1)))
    return Chart(
        name="delay",
        title=frame.say("chart.delay"),
        desc=frame.say("chart.delay.desc", median=median),
        height=height,
        boxes=boxes,
        labels=labels,
        header=(frame.say("chart.delay"), frame.say("chart.articles")),
        rows=tuple((label, frame.number(count)) for label, count in named),
    )


def _drawn_bars(named: Sequence[tuple[str, int]], frame: Frame) -> tuple[tuple[Box, ...], tuple[Label, ...], float]:
    most = max(1, *(count for _, count in named))
    room = WIDTH - _NAMES - 46

    def boxes() -> Iterator[Box]:
        for row, (_, count) in enumerate(named):
            yield Box(x=_NAMES, y=8 + row * _ROW, width=max(1.0, count / most * room), height=14, kind="alerted")

    def labels() -> Iterator[Label]:
        for row, (label, count) in enumerate(named):
            y = 19.5 + row * _ROW
            yield Label(x=_NAMES - 6, y=y, text=_fitting(label, _NAMES - 8), anchor="end")
            yield Label(x=_NAMES + max(1.0, count / most * room) + 6, y=y, text=frame.number(count))

    return tuple(boxes()), tuple(labels()), 12 + len(named) * _ROW


def _fitting(text: str, width: float) -> str:
    """Cut words to the room they have."""
    used = 0.0
    for place, char in enumerate(text):
        used += _WIDE_LETTER if unicodedata.east_asian_width(char) in "WF" else _LETTER
        if used > width:
            return text[: max(1, place - 1)].rstrip() + "…"
    return text
