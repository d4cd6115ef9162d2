"""The queue, what a person says in it, and how that reaches the store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import errands
from monitor.errands import Errand, ErrandKind, Errands
from monitor.errors import StateError
from monitor.model import EPOCH, Decision, Delivery, DeliveryState, Feed, Label, LabelValue, Message
from monitor.store import People, Review
from monitor.web import serving
from tests.store_parts import FEED, NOW, an_outcome, opened
from tests.web_parts import HOUR, NEWS, Pages, Visit, a_judged, a_watch, article_id


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    with a_watch(tmp_path) as found:
        yield found


def shown_id(page: str) -> str:
    found = re.search(r'name="item" value="([0-9a-f]+)"', page)
    return found[1] if found else ""


def counts(page: str) -> list[int]:
    return [int(count) for count in re.findall(r'class="count">(\d+)\+?</span>', page)]


def say(client: Visit, kind: str, value: str, **fields: object) -> str:
    """Say something of the article that is shown; the page that comes then."""
    page = client.get(f"/review/{kind}").text
    following = re.search(r'name="next" value="([0-9a-f]*)"', page)
    assert following is not None
    answer = client.post(
        f"/review/{kind}", {"item": shown_id(page), "next": following[1], "value": value, **fields},
        headers={"HX-Request": "true"},
    )  # fmt: skip
    assert answer.status_code == 200
    assert answer.headers["hx-push-url"].startswith(f"/review/{kind}")
    return answer.text


# ── the queues ────────────────────────────────────────────────────────────────────────────────────


def test_each_queue_holds_what_it_says(pages: Pages) -> None:
    client = pages.client()
    # Five stories were alerted (one has two articles); two missed by little; sixty of each week are drawn; one is split.
    assert counts(client.get("/review/alerts").text)[:2] == [4, 2]
    assert counts(client.get("/review/split").text)[3] == 1
    assert shown_id(client.get("/review/near").text) == article_id("nearer")
    assert shown_id(client.get("/review/split").text) == article_id("near")
    assert 0 < counts(client.get("/review/sample").text)[2] <= 80
    assert client.get("/review/nothing").status_code == 404


def test_the_reasons_stand_out_in_the_text(pages: Pages) -> None:
    page = pages.client().get(f"/review/alerts?item={article_id('editor')}").text
    title = page.split('id="title"')[1].split("</h2>")[0]
    assert re.findall(r"<mark class=\"for\"[^>]*>([^<]*)</mark>", title) == ["Exiled", "stabbed"]
    assert '<mark class="against"' in page
    chinese = pages.client().get(f"/review/alerts?item={article_id('chinese')}").text
    assert ">跨國鎮壓</mark>" in chinese
    assert 'lang="zh-Hant"' in chinese


def test_text_from_right_to_left_keeps_its_direction(pages: Pages) -> None:
    page = pages.client().get(f"/review/alerts?item={article_id('arabic')}").text
    assert re.search(r'<h2 id="title"[^>]* dir="auto" lang="ar">', page)


def test_saying_something_shows_the_next_article_at_once(pages: Pages) -> None:
    client = pages.client()
    before = client.get("/review/alerts").text
    after = say(client, "alerts", "relevant")
    assert shown_id(after) not in ("", shown_id(before))
    assert counts(after)[0] == counts(before)[0] - 1
    assert "Noted: relevant" in after


def test_what_was_said_counts_before_and_after_the_daemon_has_written_it(pages: Pages) -> None:
    client = pages.client()
    client.post("/name", {"name": "Ana"})
    chosen = shown_id(client.get("/review/alerts").text)
    say(client, "alerts", "not-relevant", note="  a  game ")
    assert "<strong>not-relevant</strong>" in client.get(f"/articles/{chosen}").text
    assert pages.store.labels()[-1].article_id != chosen
    assert pages.settle() == 1
    kept = pages.store.labels()[-1]
    assert (kept.article_id, kept.rater, kept.value, kept.note) == (chosen, "Ana", LabelValue.NOT_RELEVANT, "a game")
    assert "<strong>not-relevant</strong>" in client.get(f"/articles/{chosen}").text
    assert chosen not in (shown_id(client.get("/review/alerts").text),)


def test_a_whole_queue_empties_and_fills_again_by_taking_back(pages: Pages) -> None:
    client = pages.client()
    total = counts(client.get("/review/alerts").text)[0]
    for number in range(total):
        pages.clock.at = NOW + timedelta(seconds=number)
        page = say(client, "alerts", "relevant")
    assert "Nothing is left" in page
    for number in range(total):
        pages.clock.at = NOW + timedelta(minutes=1, seconds=number)
        page = client.post("/review/alerts/undo", {}, headers={"HX-Request": "true"}).text
        assert counts(page)[0] == number + 1
        assert "Taken back." in page
    page = client.post("/review/alerts/undo", {}, headers={"HX-Request": "true"}).text
    assert "There is nothing to take back." in page
    pages.settle()
    assert all(label.rater != "reviewer" for label in pages.store.labels())


def test_other_codes_are_kept_and_the_same_codes_are_not(pages: Pages) -> None:
    client = pages.client()
    first = shown_id(client.get("/review/alerts").text)
    say(client, "alerts", "wrong-code", code=["violence", "response", "no-code"])
    pages.clock.at += timedelta(seconds=1)
    page = client.get("/review/alerts").text
    second, codes = shown_id(page), re.findall(r'value="([\w-]+)" data-key="\d" checked', page)
    say(client, "alerts", "relevant", code=codes)
    pages.settle()
    kept = {label.article_id: label for label in pages.store.labels()}
    assert kept[first].codes == ("violence", "response")
    assert kept[second].codes == ()


def test_a_plain_form_is_led_on_by_a_redirect(pages: Pages) -> None:
    client = pages.client()
    chosen = shown_id(client.get("/review/alerts").text)
    answer = client.post("/review/alerts", {"item": chosen, "next": article_id("near"), "value": "unsure"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/review/alerts?item={article_id('near')}"
    answer = client.post("/review/alerts", {"item": chosen, "next": "//evil", "value": "unsure"})
    assert answer.headers["location"] == "/review/alerts"


def test_what_others_said_is_shown_to_those_who_have_judged(pages: Pages) -> None:
    client = pages.client()
    path = f"/review/alerts?item={article_id('near')}"
    assert "<strong>not-relevant</strong>" in client.get(f"/review/split?item={article_id('near')}").text
    assert "<strong>not-relevant</strong>" not in client.get(path).text
    client.post("/name", {"name": "ana"})
    assert "<strong>not-relevant</strong>" in client.get(path).text


def test_nonsense_is_refused(pages: Pages) -> None:
    client = pages.client()
    for fields in ({"value": "withdrawn", "item": article_id("editor")}, {"value": "relevant", "item": "x"}, {}):
        assert client.post("/review/alerts", fields).status_code == 400
    assert client.post("/review/nothing/undo", {}, headers={"HX-Request": "true"}).status_code == 404
    assert not Errands(pages.state).waiting()


def test_next_and_previous_walk_the_queue(pages: Pages) -> None:
    client = pages.client()
    page, seen = client.get("/review/alerts").text, []
    while True:
        seen.append(shown_id(page))
        found = re.search(r'href="(/review/alerts\?item=\w+)" data-key="j"', page)
        if not found:
            break
        page = client.get(found[1]).text
    assert len(seen) == len(set(seen)) == counts(page)[0]
    back = re.search(r'href="/review/alerts\?item=(\w+)" data-key="k"', page)
    assert back is not None
    assert back[1] == seen[-2]


def test_an_article_outside_of_the_queue_can_be_reviewed_too(pages: Pages) -> None:
    page = pages.client().get(f"/review/alerts?item={article_id('low')}").text
    assert shown_id(page) == article_id("low")
    assert shown_id(pages.client().get("/review/alerts?item=gone").text)


def test_the_sample_says_what_was_missed(pages: Pages) -> None:
    client = pages.client()
    page = client.get("/review/sample").text
    assert "not known yet" in page
    for number in range(3):
        pages.clock.at = NOW + timedelta(seconds=number)
        page = say(client, "sample", "not-relevant")
    assert re.search(r"<td>3 of \d+</td><td>0</td>\s*<td>0</td>", page)


def test_codes_are_compared_with_what_people_said(pages: Pages) -> None:
    client = pages.client()
    say(client, "alerts", "relevant")
    page = client.get("/review/codes").text
    assert "100%" in page


def test_an_answer_that_can_t_be_kept_is_said(pages: Pages) -> None:
    client = pages.client()
    chosen, token = shown_id(client.get("/review/alerts").text), client.token()
    (pages.state / errands.FOLDER).write_text("in the way")
    assert client.post("/review/alerts", {"item": chosen, "value": "relevant"}, token=token).status_code == 500


# ── errands ───────────────────────────────────────────────────────────────────────────────────────


def a_label(slug: str = "editor", **changes: object) -> Label:
    values = {"rater": "ana", "value": LabelValue.RELEVANT, "codes": ("violence",), "note": "ü \ud800", "at": NOW}
    return Label(article_id=article_id(slug), **{**values, **changes})  # type: ignore[arg-type]


def test_an_errand_comes_back_as_it_was_left(tmp_path: Path) -> None:
    left = [
        Errand(kind=ErrandKind.LABEL, by="ana", at=NOW, about="x", label=a_label()),
        Errand(kind=ErrandKind.MUTE, by="ben", at=NOW + HOUR, about=FEED, until=NOW + 2 * HOUR),
    ]
    here = Errands(tmp_path)
    for one in reversed(left):
        here.ask(one)
    assert here.waiting() == tuple(left)
    assert Errands(tmp_path).waiting() == tuple(left)
    assert errands.labels_of(left) == (a_label(),)


def test_an_errand_that_can_t_be_read_is_put_aside(tmp_path: Path) -> None:
    here = Errands(tmp_path)
    here.ask(Errand(kind=ErrandKind.CHECK, by="ana", at=NOW, about=FEED))
    folder = tmp_path / errands.FOLDER
    for number, content in enumerate((b"", b"{}", b"[1]", b"null", b'{"kind": "format-disk"}', b"\xff", b"9" * 70_000)):
        (folder / f"{number}-bad").write_bytes(content)
    (folder / ".half-written").write_bytes(b"{")
    assert [errand.about for errand in here.waiting()] == [FEED]
    assert len(list(folder.glob("bad-*"))) == 7


def test_each_errand_does_one_thing_and_is_written_down(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.sync_feeds([Feed(url=FEED)], {FEED: NOW + HOUR})
        store.record(an_outcome(a_judged("editor", NEWS[0][1], 0.9, Decision.ALERT)), (), now=NOW)
        store.pause_channel("main", "kicked", NOW)
        held = Delivery(key="story:1", channel="main", message=Message(text="x"), state=DeliveryState.HELD,
                        cause=f"muted-feed:{FEED}", not_before=NOW + 9 * HOUR)  # fmt: skip
        store.queue([held])
        here, review = Errands(tmp_path), Review(store)
        wanted = [
            (ErrandKind.LABEL, {"label": a_label()}),
            (ErrandKind.CHECK, {"about": FEED}),
            (ErrandKind.MUTE, {"about": FEED, "until": NOW + 5 * HOUR}),
            (ErrandKind.RESUME, {"about": "main"}),
        ]
        for number, (kind, values) in enumerate(wanted):
            here.ask(Errand(kind=kind, by="ana", at=NOW + timedelta(seconds=number), **values))  # type: ignore[arg-type]
        assert errands.settle(tmp_path, store) == 4
        assert errands.settle(tmp_path, store) == 0
        assert [label.rater for label in store.labels()] == ["ana"]
        state = store.feed_state(FEED)
        assert state is not None
        assert state.next_poll_at == NOW + timedelta(seconds=1)
        assert review.muted(NOW) == {FEED: NOW + 5 * HOUR}
        assert store.channel_states()["main"].paused_at is None
        here.ask(Errand(kind=ErrandKind.WAKE, by="ana", at=NOW + HOUR, about=FEED))
        errands.settle(tmp_path, store)
        assert review.muted(NOW + HOUR) == {}
        assert [one.key for one in store.held_due(NOW + HOUR)] == ["story:1"]
        here.ask(Errand(kind=ErrandKind.RELEASE, by="ana", at=NOW + HOUR, about="main"))
        errands.settle(tmp_path, store)
        row = store.delivery("story:1", "main")
        assert row is not None
        assert row.state is DeliveryState.PENDING
        acts = People(store).acts(EPOCH)
        assert [act.what for act in acts] == ["check", "mute", "resume", "wake", "release"]
        assert all("by ana" in act.why for act in acts)


def test_a_label_that_is_written_twice_counts_once(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.record(an_outcome(a_judged("editor", NEWS[0][1], 0.9, Decision.ALERT)), (), now=NOW)
        review = Review(store)
        for label in (a_label(), a_label(), a_label("gone")):
            review.do_errand(kind="label", about="", until=EPOCH, label=label, by="ana", at=NOW)
        assert len(list(store.export("labels"))) == 1


def test_while_the_daemon_holds_the_state_the_pages_leave_it_alone(pages: Pages) -> None:
    client = pages.client()
    say(client, "alerts", "relevant")
    with opened(pages.state) as store:
        assert pages.settle() == 0
        assert errands.settle(pages.state, store) == 1
    assert serving.settle(pages.settings, NOW) == 0


def test_errands_wait_where_the_state_can_t_be_written(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    say(pages.client(), "alerts", "relevant")
    (pages.state / "initialised").unlink()
    (pages.state / "longarm.db").rename(pages.state / "kept.db")
    (pages.state / "longarm.db").write_bytes(b"not a database" * 100)
    assert serving.settle(pages.settings, NOW) == 0
    assert len(Errands(pages.state).waiting()) == 1


def test_an_errand_that_can_t_be_left_is_said(tmp_path: Path) -> None:
    (tmp_path / errands.FOLDER).write_text("")
    with pytest.raises(StateError, match="nothing was noted"):
        Errands(tmp_path).ask(Errand(kind=ErrandKind.CHECK, by="ana", at=NOW))


def test_errands_are_the_owners_alone(tmp_path: Path) -> None:
    Errands(tmp_path).ask(Errand(kind=ErrandKind.CHECK, by="ana", at=NOW, about=FEED))
    (file,) = (tmp_path / errands.FOLDER).iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert json.loads(file.read_bytes())["kind"] == "check"
