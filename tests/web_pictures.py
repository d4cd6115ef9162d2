"""Draws docs/pictures/web-*.png: `python -m tests.web_pictures`. Needs Chromium; everything on the pictures is invented."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from monitor.model import FeedState, Outcome
from tests.browser_parts import a_browser, watched
from tests.store_parts import NOW, OTHER, opened
from tests.web_parts import DAY, HOUR, NEWS, Pages, a_watch, article_id, fill

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
PAGES = {
    "review": f"/review/alerts?item={article_id('editor')}", "sample": "/review/sample", "codes": "/review/codes",
    "story": f"/stories/{article_id('editor')}", "article": f"/articles/{article_id('arabic')}", "stories": "/stories",
    "search": "/search?q=exiled", "feeds": "/feeds", "channels": "/channels", "incidents": "/incidents",
    "model": "/model?at=0.7", "status": "/",
}  # fmt: skip


def keep(picture: bytes, name: str) -> None:
    """Write a picture with few colours: a third of the bytes, and nobody sees it."""
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(48).save(PICTURES / name, optimize=True)


def keep_digest(browser: Browser, pages: Pages) -> None:
    """A digest on the Monday on which it is edited."""
    pages.clock.at = NOW + 6 * DAY
    client = pages.client()
    client.post("/name", {"name": "Ana"})
    client.post(
        "/digest", {"week": "2026-W47", "do": "note", "note": "Two of us read it. The embassy's denial is new."}
    )
    client.post("/digest", {"week": "2026-W47", "drop": article_id("low")})
    for scheme in ("light", "dark"):
        with watched(browser, pages.url, color_scheme=scheme, viewport={"width": 960, "height": 1_100}) as seen:
            seen.page.goto("/digest?week=2026-W47")
            keep(seen.page.screenshot(), f"web-digest-{scheme}.png")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, a_browser() as browser:
        state = Path(folder) / "state"
        with opened(state) as store:
            fill(store, dropped=300, trouble="Feed “El Faro” answers 403 Forbidden. Another user_agent may help.")
            broken = FeedState(url=OTHER, failures=3, error="answers 403 Forbidden", error_kind="forbidden", failing_since=NOW,
                               polled_at=NOW, next_poll_at=NOW + HOUR)  # fmt: skip
            store.record(Outcome(state=broken), (), now=NOW)
        with a_watch(Path(folder), head='digest_review = "hold until Tue 12:00"') as pages:
            client = pages.client()
            client.post("/name", {"name": "Ana"})
            for slug, _, score, *_ in NEWS[2:]:
                said = "relevant" if score > 0.75 else "not-relevant"
                client.post("/review/alerts", {"item": article_id(slug), "value": said})
            for scheme in ("light", "dark"):
                with watched(browser, pages.url, color_scheme=scheme, viewport={"width": 960, "height": 700}) as seen:
                    for name, path in PAGES.items():
                        seen.page.goto(path)
                        keep(seen.page.screenshot(), f"web-{name}-{scheme}.png")
            with watched(browser, pages.url, viewport={"width": 320, "height": 640}) as seen:
                seen.page.goto(PAGES["review"])
                keep(seen.page.screenshot(), "web-review-small.png")
            keep_digest(browser, pages)


if __name__ == "__main__":
    main()
