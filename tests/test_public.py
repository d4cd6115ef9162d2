"""The public feeds: what public channels were told, and nothing else."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import config
from monitor.compose import WORD_JOINER, Composer, harmless
from monitor.config.loading import _public_doubts
from monitor.errors import StateError
from monitor.model import (
    Burst,
    ChannelRules,
    Delivery,
    DeliveryKind,
    Label,
    LabelValue,
    Message,
    Redaction,
    Span,
    SpanKind,
)
from monitor.public import entries, formats
from monitor.public.entries import PublicEntry, PublicFeed
from monitor.public.files import NAMES, Publisher
from monitor.store import Store, withdrawing
from tests.config_parts import FEED as FEED_TABLE
from tests.config_parts import loaded
from tests.public_parts import BASE, INNER, MAIN, Face, a_story, atom_faults, json_faults, settings
from tests.render_parts import HEADLINES, MADRID, NOW, units
from tests.whole_parts import ALL, EDITOR, door, rss, serving, table, write_toml


@pytest.fixture
def face(tmp_path: Path) -> Iterator[Face]:
    with Store.open(tmp_path, now=NOW) as store:
        yield Face(tmp_path, store, settings(tmp_path))


# ── the files ─────────────────────────────────────────────────────────────────────────────────────


def test_four_files_are_written_once_and_again_only_when_something_changed(face: Face) -> None:
    face.tell(a_story(1))
    assert face.publish() == list(NAMES)
    before = {name: (face.state / "public" / name).stat().st_mtime_ns for name in NAMES}
    assert face.publish() == []
    face.publisher = Publisher()
    assert face.publish() == [], "a restart changes nothing"
    face.tell(a_story(2), rules=(INNER,))
    assert face.publish() == [], "nor what an inner channel hears"
    face.tell(a_story(3))
    assert face.publish() == ["alerts.atom", "alerts.json"]
    after = {name: (face.state / "public" / name).stat().st_mtime_ns for name in NAMES}
    assert [name for name in NAMES if before[name] != after[name]] == ["alerts.atom", "alerts.json"]


def test_a_web_server_may_read_the_files_and_no_draft_is_left(face: Face) -> None:
    face.tell(a_story(1))
    face.publish()
    folder = face.state / "public"
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o644 for path in folder.iterdir())


def test_a_file_that_somebody_deleted_is_written_again(face: Face) -> None:
    face.tell(a_story(1))
    face.publish()
    (face.state / "public" / "digest.json").unlink()
    assert face.publish() == ["digest.json"]


def test_feeds_that_are_turned_off_are_deleted(face: Face) -> None:
    face.tell(a_story(1))
    face.publish()
    (face.state / "public" / "index.html").write_text("not ours")
    face.settings = settings(face.state, enabled=False)
    assert [path.name for path in face.publisher.publish(face.store, face.settings)] == list(NAMES)
    assert [path.name for path in (face.state / "public").iterdir()] == ["index.html"]
    assert face.publisher.publish(face.store, face.settings) == ()


def test_a_folder_that_can_not_be_written_is_one_line_and_the_draft_is_gone(face: Face) -> None:
    face.tell(a_story(1))
    (face.state / "public").write_text("in the way")
    with pytest.raises(StateError, match=r"could not be written \(.+\); make room or mend the rights") as caught:
        face.publish()
    assert "\n" not in str(caught.value)
    (face.state / "public").unlink()
    (face.state / "public" / "alerts.atom").mkdir(parents=True)
    with pytest.raises(StateError, match=r"alerts\.atom"):
        face.publisher.publish(face.store, face.settings)
    assert [path.name for path in (face.state / "public").iterdir()] == ["alerts.atom"]


# ── what stands in them ───────────────────────────────────────────────────────────────────────────


def test_a_feed_reader_gets_stories_in_five_languages_whole(face: Face) -> None:
    for number, language in enumerate(HEADLINES, start=1):
        face.tell(a_story(number, language=language))
    face.publish()
    read = feedparser.parse(face.bytes())
    assert (read.bozo, read.version, read.feed.title, read.feed.author) == (0, "atom10", "The watch", "The watch")
    assert [(one.title, one.title_detail.language) for one in read.entries] == [
        (HEADLINES[language][0], language) for language in reversed(HEADLINES)
    ]
    links = {link.rel: (link.type, link.href) for link in read.feed.links}
    assert links["self"] == ("application/atom+xml", f"{BASE}/alerts.atom")
    assert links["alternate"] == ("application/feed+json", f"{BASE}/alerts.json")
    newest = read.entries[0]
    assert newest.link == "https://harbour-wire.example/2026/11/5"
    assert newest.content[0].type == "text/html"
    assert HEADLINES["ru"][1].split(".")[0] in newest.content[0].value
    assert (newest.published, newest.updated) == ("2026-11-18T09:05:00Z",) * 2


def test_both_formats_say_the_same(face: Face) -> None:
    face.tell(a_story(1, language="fa"), a_story(2))
    face.publish()
    read = feedparser.parse(face.bytes(), sanitize_html=False)
    assert [(one.id, one.title, one.link, one.content[0].value, one.updated) for one in read.entries] == [
        (one["id"], one["title"], one["url"], one["content_html"], one["date_modified"]) for one in face.items()
    ]


def test_ids_come_from_stories_and_hold_for_ever_wherever_the_files_are_served(face: Face) -> None:
    story, row = a_story(7)
    face.tell((story, row))
    face.publish()
    assert [item["id"] for item in face.items()] == [f"tag:longarm,2026:story:{story.id}"]
    face.settings = settings(face.state, url="https://elsewhere.example/x/")
    face.publish()
    assert [item["id"] for item in face.items()] == [f"tag:longarm,2026:story:{story.id}"]
    assert feedparser.parse(face.bytes()).feed.id == "tag:longarm,2026:alerts"
    assert b"https://elsewhere.example/x/alerts.atom" in face.bytes()


def test_without_an_address_a_feed_names_none_and_is_valid(face: Face) -> None:
    face.settings = settings(face.state, url="")
    face.tell(a_story(1))
    face.publish()
    assert "links" not in feedparser.parse(face.bytes()).feed
    assert b"feed_url" not in face.bytes("alerts.json")


def test_empty_feeds_are_valid_feeds(face: Face) -> None:
    assert face.publish() == list(NAMES)
    read = feedparser.parse(face.bytes("digest.atom"))
    assert (read.bozo, read.entries, read.feed.title) == (0, [], "The watch: weekly digest")


def test_only_what_was_sent_is_public(face: Face) -> None:
    face.record(a_story(1, "waits"))
    face.record(a_story(2, "held"))
    face.record(a_story(3, "refused"))
    rows = {row.message.text.partition("\n")[0]: row for row in face.store.pending(NOW)}
    face.store.mark_sending(rows["refused"].id, NOW)
    face.store.settle_dead(rows["refused"].id, "no")
    face.publish()
    assert face.items() == []
    face.send()
    face.publish()
    assert face.titles() == ["held", "waits"]


def test_what_the_filter_of_the_public_channel_held_back_is_not_public(face: Face) -> None:
    english = ChannelRules(name="main", languages=("en",))
    face.tell(a_story(1, "for all"), a_story(2, language="ru"), rules=(english, INNER))
    face.tell(a_story(3, "for those inside"), rules=(INNER,))
    face.queue(Delivery(key="notice:feeds-blind:1", channel="main", message=Message(text="Attention: secret")))
    face.queue(Delivery(key="near:9", channel="main", story_id="9", message=Message(text="score 0.71, please judge")))
    face.send()
    face.publish()
    assert face.titles() == ["for all"]
    assert b"secret" not in face.bytes() + face.bytes("digest.atom")


def test_an_edit_changes_the_words_and_the_time_and_nothing_else(face: Face) -> None:
    story, row = a_story(1, "first words")
    face.tell((story, row))
    face.publish()
    (before,) = face.items()
    key = f"story:{story.id}"
    words = Composer().add("second words", SpanKind.BOLD).add("\nAlso: El Faro\n").link("https://b.example/2").message()
    edit = Delivery(
        key=f"{key}/edit", channel="main", message=words, kind=DeliveryKind.EDIT, about=key, story_id=story.id
    )
    face.queue(edit)
    face.publish()
    assert face.titles() == ["first words"], "an edit that was not made yet"
    face.send()
    assert face.publish() == ["alerts.atom", "alerts.json"]
    (after,) = face.items()
    assert (after["id"], after["date_published"]) == (before["id"], before["date_published"])
    assert after["date_modified"] > before["date_modified"]
    assert (after["title"], after["url"]) == ("second words", "https://b.example/2")
    assert "<b>second words</b>" in after["content_html"]
    assert "Also: El Faro" in after["content_html"]


def test_a_reply_stands_below_the_words_that_it_answers_once(face: Face) -> None:
    story, row = a_story(1, "charged")
    face.settings = settings(face.state, channels=("main", "inner"))
    face.tell((story, row), rules=(MAIN, INNER))
    key = f"story:{story.id}"
    for channel in ("main", "inner"):
        face.queue(
            Delivery(
                key=f"{key}/stage:verdict", channel=channel, message=Message(text="Update on: charged\nNow: verdict"),
                kind=DeliveryKind.REPLY, about=key, story_id=story.id,
            )
        )  # fmt: skip
    face.send()
    face.publish()
    (item,) = face.items()
    assert item["title"] == "charged"
    assert item["content_html"].count("Now: verdict") == 1
    assert item["content_html"].index("Source:") < item["content_html"].index("Now: verdict")
    assert item["date_modified"] == "2026-11-18T09:02:00Z"


def test_a_story_that_a_list_named_is_there_with_headline_and_link_and_one_that_it_counted_is_not(face: Face) -> None:
    face.record(a_story(1, "named"), a_story(2, "counted"))
    named, counted = face.store.pending(NOW)
    burst = Delivery(key="burst:1/1", channel="main", message=Message(text="2 stories"), queued_at=NOW)
    assert face.store.fold([Burst(delivery=burst, names=(named.id,), counts=(counted.id,))], now=NOW) == 1
    face.send()
    face.publish()
    (item,) = face.items()
    assert item["title"] == "named"
    assert "Why:" in named.message.text
    assert "Why:" not in item["content_html"]
    assert 'href="https://harbour-wire.example/2026/11/1"' in item["content_html"]


def test_a_list_that_found_no_link_names_the_headline_alone() -> None:
    row = Delivery(key="story:1", channel="main", message=Message(text="a & b"), story_id="1", about="burst:1/1")
    (entry,) = entries.of_stories([row], {}, ())
    assert (entry.content, entry.url) == ('<p dir="auto">a &amp; b</p>', "")


def test_an_edit_without_its_first_message_is_no_entry() -> None:
    row = Delivery(key="story:1/edit", channel="main", message=Message(text="x"), story_id="1", kind=DeliveryKind.EDIT)
    assert entries.of_stories([row], {}, ()) == ()


def test_the_newest_hundred_are_there_and_an_old_one_that_is_told_more_of_comes_back(face: Face) -> None:
    pairs = [a_story(number, f"story {number:03}") for number in range(1, 121)]
    for start in range(0, 120, 40):
        face.tell(*pairs[start : start + 40])
    face.publish()
    assert len(face.items()) == 100
    assert "story 001" not in face.titles()
    key, story_id = f"story:{pairs[0][0].id}", pairs[0][0].id
    face.queue(
        Delivery(key=f"{key}/x", channel="main", message=Message(text="Update"), kind=DeliveryKind.REPLY, about=key, story_id=story_id)
    )  # fmt: skip
    face.send()
    face.publish()
    assert (len(face.items()), face.titles()[0]) == (100, "story 001")


def test_words_that_were_forgotten_are_forgotten_here_too(face: Face) -> None:
    face.tell(a_story(1, "old"))
    face.publish()
    face.store.purge(NOW + timedelta(days=100))
    face.publish()
    assert face.items() == []


# ── taken back ────────────────────────────────────────────────────────────────────────────────────


def label(face: Face, article: str, value: LabelValue, rater: str = "ana") -> None:
    face.now += timedelta(minutes=1)
    face.store.add_label(Label(article_id=article, rater=rater, value=value, at=face.now))


def test_a_story_that_a_person_calls_not_relevant_is_taken_out_and_comes_back_with_the_label(face: Face) -> None:
    story, row = a_story(1, "a mistake")
    face.tell((story, row), a_story(2, "no mistake"))
    face.publish()
    label(face, story.id, LabelValue.NOT_RELEVANT)
    assert face.publish() == ["alerts.atom", "alerts.json"]
    assert face.titles() == ["no mistake"]
    label(face, story.id, LabelValue.UNSURE)
    face.publish()
    assert sorted(face.titles()) == ["a mistake", "no mistake"]


def test_a_story_that_was_withdrawn_is_gone_from_alerts_and_digests_told_before(face: Face) -> None:
    story, row = a_story(1, "told too early")
    face.tell((story, row), a_story(2, "true"))
    digest(face)
    face.send()
    face.publish()
    assert "told too early" in face.items("digest.json")[0]["content_html"]
    with face.store._writing() as connection:
        withdrawing.withdraw(connection, Redaction(story_id=story.id, by=1, why="a source asked", at=face.now))
    assert face.publish() == list(NAMES)
    face.send()
    face.publish()
    assert face.titles() == ["true"]
    everything = b"".join(face.bytes(name) for name in NAMES)
    assert b"told too early" not in everything
    assert b"a source asked" not in everything


def test_an_article_that_another_one_vouches_for_does_not_take_its_story_out() -> None:
    one, _ = a_story(1)
    other = replace(one.members[0], article_id="other")
    story = replace(one, members=(*one.members, other))
    bad = Label(article_id="other", rater="ana", value=LabelValue.NOT_RELEVANT, at=NOW)
    good = Label(article_id=story.id, rater="bo", value=LabelValue.RELEVANT, at=NOW)
    assert entries.taken_back([story], [bad]) == {story.id}
    assert entries.taken_back([story], [bad, good]) == frozenset()
    assert entries.taken_back([story], []) == frozenset()


# ── strangers' text ───────────────────────────────────────────────────────────────────────────────

EVIL = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "]]></content><entry>",
    "<!ENTITY x SYSTEM 'file:///etc/passwd'>&x;",
    "&#106;avascript: &lt;img src=x onerror=alert(1)&gt;",
    '" onmouseover="alert(1)',
    "a\x00\x01\x0b\x1b[2J\ufffe\uffff\x7fb",
    "\u202egnp.exe",
    "@everyone <!channel> [x](https://evil.example)",
    "😀 𝕏 \U0010ffff",
]


@pytest.mark.parametrize("title", EVIL)
def test_a_hostile_headline_is_text_and_nothing_else(face: Face, title: str) -> None:
    face.tell(a_story(1, title))
    face.publish()
    (item,) = face.items()
    read = feedparser.parse(face.bytes(), sanitize_html=False)
    assert read.bozo == 0
    assert read.entries[0].title == item["title"]
    assert WORD_JOINER not in item["title"] + item["content_html"]
    assert "\u202e" not in item["content_html"]
    root = ElementTree.fromstring(f"<x>{item['content_html'].replace('<br>', '<br/>')}</x>")
    assert {element.tag for element in root.iter()} <= {"x", "p", "b", "i", "code", "em", "a"}
    hrefs = [element.get("href") for element in root.iter("a")]
    assert hrefs == ["https://harbour-wire.example/2026/11/1"]


@given(st.text(max_size=200), st.text(max_size=60))
def test_whatever_was_told_the_feeds_are_valid(text: str, title: str) -> None:
    words = Composer().add(harmless(text, 300), SpanKind.BOLD).add("\n").add(harmless(title, 60), SpanKind.QUOTE)
    sent = Delivery(key="story:1", channel="main", story_id="1", message=words.message(), id=1, sent_at=NOW)
    raw = replace(
        sent,
        key="story:2",
        story_id="2",
        message=Message(text=text, spans=(Span(kind=SpanKind.LINK, start=0, length=1, url=text),)),
    )
    feed = PublicFeed(name="alerts", title="t", base=BASE, entries=entries.of_stories([sent, raw], {"1": title}, ()))
    atom, json = formats.as_atom(feed), formats.as_json(feed)
    assert atom_faults(atom) == []
    assert json_faults(json) == []
    assert feedparser.parse(atom).bozo == 0


def test_marks_become_markup_within_their_lines_and_unsafe_links_none() -> None:
    spans = (
        Span(kind=SpanKind.BOLD, start=0, length=9),
        Span(kind=SpanKind.CODE, start=10, length=4),
        Span(kind=SpanKind.ITALIC, start=2, length=2),
        Span(kind=SpanKind.LINK, start=15, length=4, url="https://a.example/?b=1&c='2'"),
        Span(kind=SpanKind.LINK, start=20, length=3, url="javascript:alert(1)"),
    )
    text = "one\n\ntwo\n code link bad"
    made = entries.message_html(Message(text=text, spans=spans))
    assert made.splitlines()[0] == '<p dir="auto"><b>on</b><i><b>e</b></i></p>'.replace(
        "<i><b>e</b></i>", "<i><b>e</b></i>"
    )
    assert '<p dir="auto"><b>two</b></p>' in made
    assert "<code>code</code>" in made
    assert 'rel="noopener noreferrer nofollow">link</a> bad' in made
    assert "javascript" not in made


def test_a_language_that_is_no_tag_is_not_said() -> None:
    assert [entries.language_tag(one) for one in ("zh_Hant", "en", "english please", "", '"><x')] == [
        "zh-Hant",
        "en",
        "",
        "",
        "",
    ]


# ── digests ───────────────────────────────────────────────────────────────────────────────────────


def digest(face: Face, parts: int = 2, week: str = "2026-W47", channel: str = "main") -> None:
    mail = [
        Delivery(key=f"digest:{week}/{part}", channel=channel, message=Message(text=f"part {part}"))
        for part in range(1, parts + 1)
    ]
    face.queue(*mail)


def test_a_digest_is_an_entry_once_all_its_parts_were_sent(face: Face) -> None:
    face.tell(a_story(1, "alerted & told"), a_story(2, "below", value=0.6))
    digest(face)
    first, second = (row for row in face.store.pending(NOW + timedelta(hours=1)))
    face.store.mark_sending(first.id, face.now)
    face.store.settle_sent(first.id, "1", face.now)
    face.publish()
    assert face.items("digest.json") == []
    face.send()
    assert face.publish() == ["digest.atom", "digest.json"]
    (item,) = face.items("digest.json")
    assert (item["id"], item["title"]) == ("tag:longarm,2026:digest:2026-W47", "Overseas policing week 2026-W47")
    content = item["content_html"]
    assert "alerted &amp; told" in content
    assert "Below the threshold" in content
    assert not any(part in content for part in ("<style", "<html", "class=", "--paper", "Content-Security-Policy"))
    assert 'href="https://harbour-wire.example/2026/11/1"' in content
    assert second.key == "digest:2026-W47/2"


def test_a_digest_holds_what_its_channel_wants_and_nothing_that_was_taken_back(face: Face) -> None:
    english = ChannelRules(name="main", languages=("en",))
    face.settings = settings(face.state, english, INNER)
    story, row = a_story(1, "a mistake")
    face.tell((story, row), a_story(2, "kept"), a_story(3, language="ru"), rules=(english, INNER))
    digest(face)
    digest(face, week="2026-W46", channel="inner")
    face.send()
    label(face, story.id, LabelValue.NOT_RELEVANT)
    face.publish()
    (item,) = face.items("digest.json")
    assert "kept" in item["content_html"]
    assert "a mistake" not in item["content_html"]
    assert HEADLINES["ru"][0] not in item["content_html"]


def test_of_two_public_channels_a_week_has_one_entry_and_of_a_channel_that_is_gone_none(face: Face) -> None:
    face.settings = settings(face.state, channels=("main", "inner", "gone"))
    digest(face, channel="inner", week="2026-W46")
    digest(face, channel="main", week="2026-W46")
    digest(face, channel="gone", week="2026-W45")
    face.send()
    face.publish()
    assert [item["id"] for item in face.items("digest.json")] == ["tag:longarm,2026:digest:2026-W46"]


def test_a_digest_is_drawn_again_only_when_something_in_it_may_differ(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    face.tell(a_story(1))
    digest(face)
    face.send()
    face.publish()
    asked: list[object] = []
    real = face.store.judged_between
    monkeypatch.setattr(face.store, "judged_between", lambda *span: (asked.append(span), real(*span))[1])
    face.tell(a_story(2))
    assert face.publish() == ["alerts.atom", "alerts.json"]
    assert asked == []


# ── who is public ─────────────────────────────────────────────────────────────────────────────────


def channel(name: str, chat: str = "@open_watch", extra: str = "") -> str:
    return f'[[channels]]\nname = "{name}"\ntype = "telegram"\nchat = "{chat}"\n{extra}\n'


def test_without_names_chats_that_anybody_can_read_are_public() -> None:
    channels = (
        channel("open") + channel("group", "-100123") + channel("ops", extra="operators = true")
        + channel("desk", extra="review = true") + channel("off", extra="enabled = false")
    )  # fmt: skip
    assert loaded(FEED_TABLE + channels + "[public]\nenabled = true\n").public.channels == ("open",)
    assert loaded(FEED_TABLE + channels).public.channels == ()
    named = loaded(FEED_TABLE + channels + '[public]\nenabled = true\nchannels = ["group", "off"]\n').public
    assert (named.enabled, named.channels) == (True, ("group", "off"))


def test_a_name_that_no_channel_has_is_said_with_its_line() -> None:
    with pytest.raises(
        config.loading.ConfigError,
        match=r'public.channels\[1\]: found "opne"; no channel has this name; did you mean "open"',
    ):
        loaded(FEED_TABLE + channel("open") + '[public]\nchannels = ["opne"]\n')


def test_feeds_that_would_stay_empty_are_warned_of() -> None:
    assert (
        loaded(FEED_TABLE + "[public]\nenabled = true\n").warnings[-1].startswith("[public] is enabled and no channel")
    )
    assert list(_public_doubts(loaded(FEED_TABLE).public)) == []


# ── the whole ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_writes_the_feeds_and_the_command_says_that_they_are_up_to_date(tmp_path: Path) -> None:
    from monitor import app

    with serving({"a": rss("Wire", [EDITOR])}) as site:
        tables = (
            '[public]\nenabled = true\nchannels = ["desk"]\n',
            table("feeds", url=site.feed("a"), **ALL),
            table("channels", name="desk", type="console"),
        )
        path = write_toml(tmp_path, *tables)
        await app.run_once(config.load(path, {}), stream=io.StringIO())
    read = feedparser.parse((tmp_path / "state" / "public" / "alerts.atom").read_bytes())
    assert [one.title for one in read.entries] == [EDITOR.title]
    assert door("public", "--config", path).out == "the public feeds are up to date\n"
    (tmp_path / "state" / "public" / "alerts.json").unlink()
    ran = door("public", "--config", path)
    assert (ran.code, ran.out) == (0, f"{tmp_path}/state/public/alerts.json: written\n")


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    feed = table("feeds", url="https://x.example/rss")
    ran = door("public", "--config", write_toml(tmp_path, feed))
    assert (ran.code, len(ran.said)) == (2, 1)
    assert "public.enabled is false" in ran.said[0]
    ran = door("public", "--config", write_toml(tmp_path, "[public]\nenabled = true\n", feed))
    assert (ran.code, len(ran.said)) == (2, 1)
    assert "no channel is public" in ran.said[0]


def test_the_rules_find_what_breaks_them() -> None:
    entry = PublicEntry(id="not a uri", title="t", content="<script>", published_at=NOW, updated_at=NOW - timedelta(1))
    bad = PublicFeed(name="x", title="", base="ftp://x", entries=(entry, entry))
    said = " ".join(atom_faults(formats.as_atom(bad)))
    for expected in ("not unique", "no URI", "tag script", "published after", "href", "3.1: title"):
        assert expected in said
    assert {"title", "ids are not unique", "tag script"} <= set(json_faults(formats.as_json(bad)))
    assert units("😀") == 2
    assert formats.rfc3339(NOW.astimezone(MADRID)) == "2026-11-18T09:00:00Z"
