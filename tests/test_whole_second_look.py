"""An article that says too little is judged again with its page, from the command line to the stored row."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.whole_parts import Ran, Site, door, process, serving, table, write_toml

TITLE = "Man from the harbour quarter in hospital after an evening walk"
PARAGRAPHS = (
    "Police suspect agents of a foreign intelligence service behind the stabbing of an exiled Varenian journalist.",
    "The dissident had been threatened by the government he fled, which had sent hitmen to other critics abroad.",
    "Counter-terrorism officers called it transnational repression, and two men were arrested at the airport.",
)


def page(paragraphs: tuple[str, ...]) -> bytes:
    told = "".join(f"<p>{one}</p>" for one in paragraphs)
    return f"<!doctype html><html lang='en'><head><title>{TITLE}</title></head><body>{told}</body></html>".encode()


def feed(site: Site) -> bytes:
    at = format_datetime(datetime.now(UTC))
    item = (
        f"<item><title>{TITLE}</title><link>{site.feed('article')}</link><guid>a</guid><pubDate>{at}</pubDate></item>"
    )
    return f"<rss version='2.0'><channel><title>Harbour Wire</title>{item}</channel></rss>".encode()


def watched(folder: Path, site: Site, *, read_pages: bool) -> tuple[Ran, list[dict[str, Any]]]:
    # So low a digest_at makes everything unsure, so that the test does not hang on what the model says of a headline.
    path = write_toml(folder, table("feeds", url=site.feed("feed"), name="Harbour Wire"), relevance="digest_at = 0.0")
    written = path.read_text(encoding="utf-8").replace("read_pages = false", f"read_pages = {str(read_pages).lower()}")
    path.write_text(written, encoding="utf-8")
    return process("run", "--once", "--config", path), door("export", "articles", "--config", path).lines


def test_a_bare_headline_is_alerted_for_what_its_page_says(tmp_path: Path) -> None:
    with serving({"article": page(PARAGRAPHS)}) as site:
        site.pages["feed"] = feed(site)
        plain, (unread,) = watched(tmp_path / "plain", site, read_pages=False)
        ran, (read,) = watched(tmp_path / "looking", site, read_pages=True)
    assert (plain.code, ran.code) == (0, 0)
    assert (unread["verdict"], unread["page"]) == ("digest", "")
    assert (read["verdict"], read["page"]) == ("alert", "read")
    assert read["score"] > unread["score"]
    assert TITLE in ran.out
    assert TITLE not in plain.out


@pytest.mark.parametrize(("robots", "state"), [(b"User-agent: *\nDisallow: /\n", "refused-by-robots"), (b"", "failed")])
def test_a_page_that_can_not_be_read_loses_nothing(tmp_path: Path, robots: bytes, state: str) -> None:
    with serving({"robots.txt": robots}) as site:
        site.pages["feed"] = feed(site)
        ran, (article,) = watched(tmp_path, site, read_pages=True)
    assert ran.code == 0
    assert (article["verdict"], article["page"]) == ("digest", state)
