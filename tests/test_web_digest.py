"""The digest on the review pages: all of it, and what a reviewer may change in it while it is held."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.digest.queueing import queue_due
from monitor.errands import Errands
from monitor.errors import StateError
from monitor.model import ChannelRules, Delivery, EditKind, Label, LabelValue, Message, Redaction
from monitor.store import Store, withdrawing
from monitor.web.memory import FRESH_FOR, WHOLE_FOR, Kept
from tests.browser_parts import a_browser, needs_browser, watched
from tests.store_parts import NOW, opened
from tests.web_parts import PASSWORD, Clock, Pages, Visit, a_watch, article_id

HOLD = 'digest_review = "hold until Tue 12:00"'
MONDAY = datetime.fromisoformat("2026-11-23T09:00:00+00:00")
END = datetime.fromisoformat("2026-11-24T12:00:00+00:00")
DIGEST = "/digest?week=2026-W47"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Pages]:
    """The pages on the Monday after the week in which everything happened."""
    with a_watch(tmp_path, head=HOLD) as pages:
        pages.clock.at = MONDAY
        yield pages


def act(client: Visit, path: str = DIGEST, **fields: str) -> object:
    """Send the form of a digest page."""
    page = client.get(path).text
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    channel = re.search(r"channel=(\w+)", path)
    hidden = {"week": "2026-W47", "channel": channel[1] if channel else ""}
    return client.post("/digest", {**hidden, **fields}, token=html.unescape(token[1]))


def order(page: str) -> list[str]:
    return re.findall(r'<li id="s-(\w+)">', page)


def buttons(page: str, name: str) -> list[str]:
    return re.findall(rf'<button form="edit" name="{name}" value="([^"]+)"', page)


# ── all of it ─────────────────────────────────────────────────────────────────────────────────────


def test_the_page_has_every_section_of_the_digest(held: Pages) -> None:
    key = {"rater": "ana", "at": NOW}
    store = held.store
    sample = next(iter(held.client().get("/review/sample").text.split('name="item" value="')[1:]))[:32]
    with opened(held.state) as writing:
        writing.add_label(Label(article_id=sample, value=LabelValue.NOT_RELEVANT, **key))  # type: ignore[arg-type]
    assert store.labels()
    page = held.client().get(DIGEST).text
    for words in (
        "4 stories alerted", "New stories, from where to where", "Russia → United Kingdom 1", "Alerted",
        "Below the threshold: please look through", "The half year in pictures", "By method", "By language",
        "5 alerts · 3 for the digest alone · 15 dropped", "of a random sample", "2 of 2 fine", "Also reported by: El Faro",
    ):  # fmt: skip
        assert words in html.unescape(page), words
    assert page.count("<svg viewBox") >= 3
    assert page.count("<title id=") == page.count("<desc id=") >= 3
    assert "style=" not in page, "the policy of the pages takes no style in an element"
    assert "<style" not in page


def test_it_can_be_read_as_the_messages_of_a_chat(held: Pages) -> None:
    client = held.client()
    act(client, note="All were read.", do="note")
    page = client.get(f"{DIGEST}&channel=main&as=messages").text
    assert "Overseas policing week, 16–22 Nov 2026" in page
    assert "All were read." in page
    assert "<svg viewBox" not in page
    assert buttons(page, "drop") == []


# ── when it can be edited ─────────────────────────────────────────────────────────────────────────


def test_without_a_hold_the_page_says_how_to_have_one_and_takes_nothing(tmp_path: Path) -> None:
    with a_watch(tmp_path) as pages:
        pages.clock.at = MONDAY
        client = pages.client()
        page = client.get(DIGEST).text
        assert "Digests are sent as they are." in page
        assert "<textarea" not in page
        assert buttons(page, "drop") == []
        refused = client.post("/digest", {"week": "2026-W47", "drop": article_id("low")})
        assert refused.status_code == 409
        assert Errands(pages.state).waiting() == ()


@pytest.mark.parametrize(
    ("at", "words", "is_open"),
    [
        (NOW, "The week is not over.", False),
        (MONDAY, "Held until <strong>24 Nov 2026 12:00 UTC</strong>", True),
        (END - timedelta(seconds=6), "Held until", True),
        (END - timedelta(seconds=4), "The time for it ended at 24 Nov 2026 12:00 UTC", False),
        (END + timedelta(days=9), "The time for it ended", False),
    ],
)
def test_the_page_says_how_long_it_can_be_edited(held: Pages, at: datetime, words: str, is_open: bool) -> None:
    held.clock.at = at
    client = held.client()
    page = client.get(DIGEST).text
    assert words in page
    assert bool(buttons(page, "drop")) is is_open
    assert client.post("/digest", {"week": "2026-W47", "do": "note", "note": "x"}).status_code == (
        303 if is_open else 409
    )


def test_after_it_was_sent_the_editing_is_over(held: Pages) -> None:
    client = held.client()
    act(client, note="Seen.", do="note")
    held.settle()
    with opened(held.state) as writing:
        writing.queue([Delivery(key="digest:2026-W47/1", channel="main", message=Message(text="x"))])
    page = client.get(DIGEST).text
    assert "This digest was sent; it can't be edited any more." in page
    assert "<textarea" not in page
    assert '<q dir="auto">Seen.</q>' in page, "what was changed can still be read"
    assert client.post("/digest", {"week": "2026-W47", "do": "note", "note": "late"}).status_code == 409


# ── what can be changed ───────────────────────────────────────────────────────────────────────────


def test_a_story_is_left_out_and_taken_in_again(held: Pages) -> None:
    client = held.client()
    before = order(client.get(DIGEST).text)
    assert article_id("near") in before
    answer = act(client, drop=article_id("near"))
    place = before[before.index(article_id("near")) + 1]
    assert answer.headers["location"] == f"/digest?week=2026-W47#s-{place}"  # type: ignore[attr-defined]
    page = client.get(DIGEST).text
    assert order(page) == [one for one in before if one != article_id("near")]
    assert 'left out <q dir="auto">Court hears of pressure' in page
    assert "2 below the threshold" in page
    for slug in ("low", "nearer"):
        act(client, drop=article_id(slug))
    assert len(order(client.get(DIGEST).text)) == len(before) - 3
    held.settle()
    page = client.get(DIGEST).text
    for undo in buttons(page, "undo"):
        act(client, undo=undo)
    page = client.get(DIGEST).text
    assert order(page) == before
    assert page.count("<em>taken back</em>") == 3
    assert buttons(page, "undo") == []


def test_stories_are_put_into_another_order_within_their_section(held: Pages) -> None:
    client = held.client()
    page = client.get(DIGEST).text
    before = order(page)
    up, down = buttons(page, "before"), buttons(page, "after")
    assert len(up) == len(down) == len(before) - 2, "the first of a section has no way up, the last none down"
    act(client, before=up[0])
    moved = order(client.get(DIGEST).text)
    assert moved[:2] == [before[1], before[0]]
    act(client, after=f"{moved[0]} {moved[1]}")
    assert order(client.get(DIGEST).text) == before
    act(client, f"{DIGEST}&channel=main", before=up[1])
    assert order(client.get(DIGEST).text) == before, "for one channel only"
    assert order(client.get(f"{DIGEST}&channel=main").text) != before


def test_a_note_is_shown_as_text_and_can_be_changed_and_taken_away(held: Pages) -> None:
    client = held.client()
    act(client, note=f"{EVIL}\r\n\r\nSecond line", do="note")
    page = client.get(DIGEST).text
    assert EVIL not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4, (
        "in the field, in the digest, among the changes, and in the name of the button there"
    )
    assert '<p dir="auto">Second line</p>' in page
    act(client, note="x" * 5_000, do="note")
    assert ">" + "x" * 1_000 + "<" in client.get(DIGEST).text.replace("\n", "")
    act(client, note="", do="note")
    assert "Reviewers’ note" not in client.get(DIGEST).text


def test_edits_bear_the_name_of_who_made_them(tmp_path: Path) -> None:
    with a_watch(tmp_path, head=HOLD, password=PASSWORD) as pages:
        pages.clock.at = MONDAY
        client = pages.client()
        assert client.get(DIGEST).status_code == 303
        client.log_in("Ana")
        act(client, drop=article_id("low"))
        (errand,) = Errands(pages.state).waiting()
        assert errand.edit is not None
        assert (errand.by, errand.edit.by, errand.edit.kind, errand.edit.at) == ("Ana", "Ana", EditKind.DROP, MONDAY)
        assert "<bdi>Ana</bdi>, 23 Nov 2026 09:00 UTC: left out" in client.get(DIGEST).text


def test_a_form_without_its_token_or_from_elsewhere_changes_nothing(held: Pages) -> None:
    client = held.client()
    fields = {"week": "2026-W47", "drop": article_id("low")}
    client.get(DIGEST)
    assert client.post("/digest", fields, token="wrong").status_code == 403
    token = client.token()
    assert client.post("/digest", fields, token=token, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.http.get(f"/digest?week=2026-W47&drop={article_id('low')}").status_code == 200
    assert Errands(held.state).waiting() == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"drop": "unknown"},
        {"drop": EVIL},
        {"before": article_id("low")},
        {"before": f"{article_id('low')} {article_id('low')}"},
        {"after": f"{article_id('low')} {article_id('editor')}"},  # of another section
        {"undo": "unknown"},
        {"do": "dance"},
        {},
        {"week": "2026-W99", "do": "note", "note": "x"},
        {"week": "", "do": "note", "note": "x"},
    ],
)
def test_what_the_digest_does_not_hold_can_not_be_changed(held: Pages, fields: dict[str, str]) -> None:
    assert held.client().post("/digest", {"week": "2026-W47", **fields}).status_code == 400
    assert Errands(held.state).waiting() == ()


def test_an_edit_that_can_not_be_kept_is_said(held: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StateError("no room")

    client = held.client()
    token = client.token()
    monkeypatch.setattr(Errands, "ask", full)
    answer = client.post("/digest", {"week": "2026-W47", "do": "note", "note": "x"}, token=token)
    assert answer.status_code == 500
    assert "no room" in answer.text


def test_the_last_story_can_be_left_out_too(held: Pages) -> None:
    client = held.client()
    for story in order(client.get(DIGEST).text):
        answer = act(client, drop=story)
    assert answer.headers["location"].endswith("#review")  # type: ignore[attr-defined]
    assert "No story this week." in client.get(DIGEST).text


def test_what_people_see_here_is_what_is_sent(held: Pages) -> None:
    client = held.client()
    act(client, drop=article_id("near"))
    act(client, f"{DIGEST}&channel=main", note="Only for main.", do="note")
    page = client.get(DIGEST).text
    act(client, before=buttons(page, "before")[0])
    shown = html.unescape(client.get(f"{DIGEST}&channel=main&as=messages").text)
    held.settle()
    with opened(held.state) as writing:
        queue_due(
            writing, [ChannelRules(name="main", digest="mon 08:00")], tz=held.settings.timezone, now=END,
            review=held.settings.digest_review, feeds={feed.url: feed for feed in held.settings.feeds},
            write=lambda name, content: Path(name),
        )  # fmt: skip
        sent = writing.delivery("digest:2026-W47/1", "main")
    assert sent is not None
    assert "Only for main." in sent.message.text
    assert sent.message.text in shown


def test_a_withdrawn_story_leaves_the_page_at_once(held: Pages) -> None:
    client = held.client()
    assert article_id("low") in order(client.get(DIGEST).text)
    with opened(held.state) as writing, writing._writing() as connection:
        withdrawing.withdraw(connection, Redaction(story_id=article_id("low"), by=1, why="wrong", at=MONDAY))
    assert article_id("low") not in order(client.get(DIGEST).text)


# ── what is kept ──────────────────────────────────────────────────────────────────────────────────


def test_what_was_made_is_kept_made_anew_beside_and_made_first_when_it_is_old() -> None:
    clock, made = Clock(), []
    kept = Kept(clock, most=2)
    done = threading.Event()

    def make() -> int:
        made.append(clock.at)
        done.set()
        return len(made)

    assert [kept.get("a", make), kept.get("a", make)] == [1, 1]
    clock.at += FRESH_FOR
    done.clear()
    assert kept.get("a", make) == 1
    assert done.wait(5)
    assert kept.get("a", make) in (1, 2)
    clock.at += WHOLE_FOR
    found = kept.get("a", make)
    assert found == len(made) >= 3
    assert kept.get("a", make, at_most=FRESH_FOR) == found
    clock.at -= WHOLE_FOR
    assert kept.get("a", make) == found + 1, "a clock that was set back makes nothing young"
    for key in ("b", "c"):
        kept.get(key, make)
    assert set(kept._made) == {"b", "c"}


def test_what_can_not_be_made_anew_stays_as_it_was() -> None:
    clock, asked = Clock(), threading.Event()
    kept = Kept(clock)

    def fails() -> int:
        asked.set()
        raise StateError("gone")

    assert kept.get("a", lambda: 1) == 1
    clock.at += FRESH_FOR
    assert kept.get("a", fails) == 1
    assert asked.wait(5)
    assert kept.get("a", fails) == 1


# ── in a browser ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with a_browser() as running:
        yield running


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_a_digest_that_is_edited(browser, held: Pages, scheme: str) -> None:  # type: ignore[no-untyped-def]
    client = held.client()
    act(client, note="Read by two.", do="note")
    act(client, drop=article_id("low"))
    with watched(
        browser, held.url, color_scheme=scheme, bypass_csp=True, viewport={"width": 320, "height": 640}
    ) as seen:
        for path in (DIGEST, f"{DIGEST}&channel=main", f"{DIGEST}&as=messages"):
            seen.page.goto(path)
            seen.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
            assert seen.violations() == [], path
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= 320, path


@needs_browser
def test_a_digest_is_edited_by_keyboard_and_without_scripts(browser, held: Pages) -> None:  # type: ignore[no-untyped-def]
    with watched(browser, held.url, java_script_enabled=False) as seen:
        page = seen.page
        page.goto(DIGEST)
        before = order(page.content())

        def press(name: str) -> None:
            page.get_by_role("button", name=name).first.focus()
            with page.expect_navigation():
                page.keyboard.press("Enter")

        press("Down: Exiled Varenian editor")
        moved = order(page.content())
        assert moved != before
        assert sorted(moved) == sorted(before)
        assert page.url.endswith(f"#s-{article_id('editor')}")
        press("Leave out: Committee debates aid")
        page.get_by_label("A note at its head").fill("Two of us read it.")
        press("Keep the note")
        assert page.locator(".digest").get_by_text("Two of us read it.").is_visible()
        press("Take back: left out Committee")
        assert article_id("low") in order(page.content())
        assert (seen.errors, seen.elsewhere) == ([], [])
    held.settle()
    assert isinstance(held.store, Store)
    assert len(held.store.judged_between(MONDAY - timedelta(days=7, hours=9), MONDAY - timedelta(hours=9)).edits) == 4
