"""Invented stories in fifteen languages, as the alerts that a chat would show. Writes the golden files and pictures.

python -m tests.golden_parts                     the files of tests/golden, from today's layout
python -m tests.golden_parts --pictures FOLDER   pictures of them on a narrow screen; needs chromium
                                                 (those of docs/pictures: --language en --height 1100,
                                                 fa 790, ja 480)
python -m tests.golden_parts --readme FOLDER     the two pictures of README.md, light and dark (--height 691)
"""

from __future__ import annotations

import argparse
import html
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from classifiers import Reason
from monitor.alerts.layout import story_message
from monitor.compose import WORD_JOINER, stretches
from monitor.model import Facts, Feed, Message, SpanKind, Story
from tests.render_parts import MADRID, article, judged, member, score, story

FOLDER = Path(__file__).with_name("golden")
_TAGS = {SpanKind.BOLD: "b", SpanKind.ITALIC: "i", SpanKind.CODE: "code", SpanKind.LINK: "a", SpanKind.QUOTE: "q"}
_RULE = "─" * 40
_HIDDEN = {WORD_JOINER: "", "\u2068": "⟨", "\u2069": "⟩"}
_STYLE = """
body { margin: 0; padding: 10px; width: 340px; background: #d7e3ec; font: 15px/1.35 "Noto Sans", sans-serif; }
p { margin: 0; min-height: 0.7em; unicode-bidi: plaintext; text-align: start; overflow-wrap: anywhere; }
div { background: #fff; border-radius: 12px; padding: 8px 12px; margin: 0 0 10px; }
code { font: 13px "DejaVu Sans Mono", monospace; color: #33658a; } a { color: #168acd; text-decoration: none; }
"""
_DARK = """
body { background: #0e1621; } div { background: #182533; color: #f5f5f5; }
code { color: #84b5d6; } a { color: #6ab3f3; }
"""
_README = (("en", 0), ("fa", 0))
"""The alerts that README.md shows."""


def stories() -> dict[str, list[dict[str, Any]]]:
    """The invented stories by language."""
    return tomllib.loads((FOLDER / "stories.toml").read_text(encoding="utf-8"))


def messages(language: str) -> Iterator[Message]:
    """The alerts of a language."""
    for number, told in enumerate(stories()[language], start=1):
        yield _message(language, number, told)


def _message(language: str, number: int, told: dict[str, Any]) -> Message:
    feed = Feed(url=f"https://{language}{number}.example/rss", name=told.get("source", f"Harbour Wire {language}"))
    url = told.get("url", f"https://{language}-wire.example/2026/11/{number}")
    spoken = told.get("language", language)
    one = article(number, title=told["title"], summary=told["summary"], language=spoken, url=url, feed=feed.url)
    others = [_other(number * 10 + place, said) for place, said in enumerate(told.get("also", ()), start=1)]
    reasons = tuple(Reason(term=term, weight=2.0) for term in told["terms"])
    return story_message(
        _story(one, others, told),
        [judged(one, score(reasons=reasons))],
        feeds={feed.url: feed},
        tz=MADRID,
    )


def _story(one: Any, others: list[Any], told: dict[str, Any]) -> Story:
    facts = Facts(
        origin_states=tuple(told.get("origin", ())),
        host_states=tuple(told.get("host", ())),
        codes=tuple(told.get("codes", ())),
        target_groups=tuple(told.get("groups", ())),
        stage=told.get("stage", ""),
    )
    return story(member(one), *others, facts=facts, case_note=told.get("case", ""))


def _other(number: int, said: str) -> Any:
    name, host, title = said.split("|")
    of = article(number, title=title, summary="", url=f"https://{host}/{number}", feed=f"https://{host}/rss")
    return replace(member(of), feed_name=name)


# ── how it reads ──────────────────────────────────────────────────────────────────────────────────


def written(message: Message) -> str:
    """The message with its marks spelled out, and with what keeps directions apart as ⟨ and ⟩."""
    text = "".join(_tagged(message.text[start:end], over) for start, end, over in stretches(message))
    return text.translate(str.maketrans(_HIDDEN))


def _tagged(piece: str, over: tuple[Any, ...]) -> str:
    for span in over if piece.strip("\n") else ():
        piece = f"<{_TAGS[span.kind]}>{piece}</{_TAGS[span.kind]}>"
    return piece


def golden(language: str) -> str:
    """What the golden file of a language holds."""
    return "".join(f"{written(message)}\n{_RULE}\n" for message in messages(language))


def page(shown: list[Message], style: str = "") -> str:
    """The messages as a chat on a narrow screen shows them: each line in its own direction."""
    bubbles = (f"<div>{''.join(f'<p>{line}</p>' for line in _lines(message))}</div>" for message in shown)
    return f'<!doctype html><meta charset="utf-8"><style>{_STYLE}{style}</style>{"".join(bubbles)}'


def _lines(message: Message) -> list[str]:
    pieces = stretches(message)
    return "".join(_tagged(html.escape(message.text[start:end]), over) for start, end, over in pieces).split("\n")


def _picture(chromium: str, shown: list[Message], target: Path, height: int, style: str = "") -> None:
    target = target.resolve()
    source = target.with_suffix(".html")
    source.write_text(page(shown, style), encoding="utf-8")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size=360,{height}")
    subprocess.run([chromium, *options, f"--screenshot={target}", source.as_uri()], check=True, capture_output=True)
    source.unlink()


def main() -> None:
    """Write the golden files, or pictures."""
    parser = argparse.ArgumentParser(description="Write the golden files of alerts, or pictures of them.")
    parser.add_argument("--pictures", type=Path, help="write pictures into this folder instead; needs chromium")
    parser.add_argument("--language", action="append", help="of these alone; again for more")
    parser.add_argument("--height", type=int, default=1100, help="of a picture, in pixels; the default is 1100")
    parser.add_argument("--readme", type=Path, help="write the pictures of README.md into this folder instead")
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
    if asked.readme:
        shown = [list(messages(language))[number] for language, number in _README]
        for name, style in (("light", ""), ("dark", _DARK)):
            _picture(chromium, shown, asked.readme / f"alert-{name}.png", asked.height, style)
        return
    for language in asked.language or stories():
        if asked.pictures:
            _picture(chromium, list(messages(language)), asked.pictures / f"alerts-{language}.png", asked.height)
        else:
            (FOLDER / f"{language}.txt").write_text(golden(language), encoding="utf-8")


if __name__ == "__main__":
    main()
