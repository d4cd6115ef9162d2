"""Numbers become points of a picture. Pure; the templates draw them, as SVG that needs no style and no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 120, 24
SIDE = 240
"""Of a square picture, with its margin."""
MARGIN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points of a line in a square picture, for `points` of a polyline; `dots` are (x, y, radius, words)."""

    points: str
    dots: tuple[tuple[float, float, float, str], ...] = ()


def sparkline(values: Sequence[float]) -> str:
    """Points of a line through `values`, the highest at the top; "" of less than two."""
    if len(values) < 2:
        return ""
    top = max(*values, 1.0)
    step = WIDTH / (len(values) - 1)
    return " ".join(f"{at * step:.1f},{HEIGHT - 2 - value / top * (HEIGHT - 4):.1f}" for at, value in enumerate(values))


def curve(pairs: Sequence[tuple[float, float]]) -> Curve:
    """A line through (x, y), both 0..1, y upwards."""
    return Curve(points=" ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in pairs))


def scatter(rows: Sequence[tuple[float, float, int]]) -> Curve:
    """Dots at (x, y), both 0..1, as large as their count."""
    dots = tuple(
        (round(_x(x), 1), round(_y(y), 1), round(2 + min(count, 400) ** 0.5 / 2.5, 1), f"{x:.2f}: {y:.0%} of {count}")
        for x, y, count in rows
    )
    return Curve(points=" ".join(f"{x},{y}" for x, y, *_ in dots), dots=dots)


def _x(value: float) -> float:
    return MARGIN + value * (SIDE - 2 * MARGIN)


def _y(value: float) -> float:
    return SIDE - MARGIN - value * (SIDE - 2 * MARGIN)
