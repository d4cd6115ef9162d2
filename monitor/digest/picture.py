"""A drawn digest as pixels, for chats that show no SVG. An extra: needs resvg, and a font of the system.

matplotlib would weigh 129 MB, Cairo 22 and Pillow 20; resvg weighs 3 and draws the very pictures of the page.
"""

from __future__ import annotations

from importlib.util import find_spec

from monitor.errors import ConfigError

FONTS = "Noto Sans"


def must_be_there() -> None:
    """Ask before there is anything to draw.

    Raises:
        ConfigError: what draws is not installed.
    """
    if find_spec("resvg_py") is None:
        raise ConfigError("--format png: needs the package resvg-py; install it with pip install 'longarm[pictures]'")


def can_draw() -> bool:
    """Say whether a picture would have its words: what draws is installed, and a font is."""
    if find_spec("resvg_py") is None:
        return False
    blank, written = (as_png(_PROBE.format(word=word)) for word in ("", "A9"))
    return blank != written


_PROBE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" font-family="Noto Sans, DejaVu Sans, sans-serif">'
    '<text x="2" y="15">{word}</text></svg>'
)


def as_png(svg: str) -> bytes:
    """Turn an SVG of ours into a PNG of its size in pixels."""
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - an extra

    return svg_to_bytes(svg_string=svg, sans_serif_family=FONTS)
