"""Lists of feeds in OPML: what other readers write, what hostile files do, and the way back."""

from __future__ import annotations

import tarfile
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ParseError
from monitor.ingest import opml
from monitor.ingest.opml import Listed
from monitor.model import Feed
from tests.shared_data import shared

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def listed(body: str, head: str = "<head><title>Mine</title></head>") -> opml.FeedList:
    return opml.read(f'<?xml version="1.0"?><opml version="2.0">{head}<body>{body}</body></opml>'.encode())


def one(body: str) -> Listed:
    (found,) = listed(body).feeds
    return found


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


def test_feeds_come_in_their_order_and_folders_become_tags() -> None:
    found = listed(
        '<outline text="NGOs"><outline text="Asia">'
        '<outline type="rss" text="Phayul" xmlUrl="https://p.test/feed" language="en-us"/></outline>'
        '<outline type="rss" text="OVD" xmlUrl="https://o.test/rss"/></outline>'
        '<outline type="rss" title="Last" text="" xmlUrl=" https://l.test/rss " category="/wire/world,court"/>'
    )
    assert found.title == "Mine"
    assert found.feeds == (
        Listed(url="https://p.test/feed", name="Phayul", language="en-us", tags=("NGOs", "Asia")),
        Listed(url="https://o.test/rss", name="OVD", tags=("NGOs",)),
        Listed(url="https://l.test/rss", name="Last", tags=("wire", "world", "court")),
    )


def test_attributes_are_known_in_any_case_and_a_comment_is_a_disabled_feed() -> None:
    found = one('<outline TEXT="A" XMLURL="https://a.test/" isComment="True" type="RSS"/>')
    assert (found.name, found.url, found.enabled) == ("A", "https://a.test/", False)


def test_a_feed_without_an_address_is_named_and_other_outlines_are_passed_over() -> None:
    found = listed(
        '<outline type="rss" text="Lost" htmlUrl="https://a.test/"/><outline xmlUrl=""/>'
        '<outline type="link" text="A page" url="https://b.test/"/><outline text="Notes"/>'
    )
    assert (found.feeds, found.skipped) == ((), ("Lost", "an outline without a name"))


def test_texts_are_made_one_harmless_line() -> None:
    found = one(f'<outline text="A&#10;B \u202egnp" xmlUrl="https://a.test/" category="{"x" * 200}, ,b"/>')
    assert found.name == "A B gnp"
    assert [len(tag) for tag in found.tags] == [60, 1]


def test_at_most_ten_tags_are_taken() -> None:
    assert (
        len(one(f'<outline xmlUrl="https://a.test/" category="{",".join("abcdefghijklmn")}"/>').tags) == opml.MAX_TAGS
    )


def test_stray_ampersands_and_old_encodings_are_mended() -> None:
    assert one('<outline text="R & D" xmlUrl="https://a.test/?a=1&b=2"/>').url == "https://a.test/?a=1&b=2"
    text = '<?xml version="1.0" encoding="windows-1251"?><opml><body><outline text="Медуза" xmlUrl="https://m.test/"/></body></opml>'
    assert opml.read(text.encode("cp1251")).feeds[0].name == "Медуза"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "it holds no XML"),
        (b"no list", "it holds no XML"),
        (b"<rss><channel/></rss>", "its first element is <rss>"),
        (b"<html><body></body></html>", "its first element is <html>"),
        (b"<opml><body><outline a=</body></opml>", "not OPML that can be read: not well-formed"),
        (b" " * (opml.MAX_BYTES + 1), "larger than 10 MB"),
        (b"<opml>" + b"<outline text='f'>" * 40 + b"</outline>" * 40 + b"</opml>", "nested deeper than 32"),
        (
            b"<opml>" + b"<outline xmlUrl='https://a.test/'/>" * (opml.MAX_FEEDS + 1) + b"</opml>",
            "more than 5,000 feeds",
        ),
    ],
    ids=["nothing", "text", "feed", "page", "broken", "large", "deep", "many"],
)
def test_what_is_no_list_or_too_much_of_one_is_refused_in_one_line(body: bytes, said: str) -> None:
    with pytest.raises(ParseError) as caught:
        opml.read(body)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_entities_and_files_named_in_a_document_type_are_not_read() -> None:
    laughs = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    text = (
        f'<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY l0 "ha">{laughs}<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        '<opml><body><outline text="&l9;&x;" xmlUrl="https://a.test/"/></body></opml>'
    )
    (found,) = opml.read(text.encode()).feeds
    assert len(found.name) <= opml.MAX_CHARS
    assert "root:" not in found.name
    assert "haha" not in found.name


def test_a_document_type_that_got_so_far_is_refused_by_the_parser_too() -> None:
    with pytest.raises(ParseError, match="document type"):
        opml._Reader().walk("<!DOCTYPE opml><opml/>")


@given(st.binary(max_size=400) | st.text(max_size=300).map(lambda text: f"<opml>{text}</opml>".encode()))
def test_any_bytes_end_in_a_list_or_a_parse_error(body: bytes) -> None:
    try:
        found = opml.read(body)
    except ParseError:
        return
    assert all(feed.url for feed in found.feeds)


# ── writing, and back ─────────────────────────────────────────────────────────────────────────────

FEEDS = (
    Feed(url="https://a.test/?x=1&y=2", name="R & D <“quoted”>", language="zh-Hant", tags=("ngo", "east asia")),
    Feed(url="https://b.test/", name="صحيفة", enabled=False),
    Feed(url="https://c.test/"),
)


def test_the_list_is_opml_2_with_what_other_readers_look_for() -> None:
    root = ElementTree.fromstring(opml.written(FEEDS, title="Longarm", now=NOW))
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert root.findtext("head/title") == "Longarm"
    assert parsedate_to_datetime(root.findtext("head/dateCreated") or "") == NOW
    outlines = root.findall("body/outline")
    assert [outline.attrib for outline in outlines] == [
        {
            "type": "rss", "text": FEEDS[0].name, "title": FEEDS[0].name, "xmlUrl": FEEDS[0].url,
            "language": "zh-Hant", "category": "ngo,east asia",
        },
        {"type": "rss", "text": "صحيفة", "title": "صحيفة", "xmlUrl": "https://b.test/", "isComment": "true"},
        {"type": "rss", "text": "https://c.test/", "title": "https://c.test/", "xmlUrl": "https://c.test/"},
    ]  # fmt: skip


def test_a_list_comes_back_as_it_was_written() -> None:
    back = opml.read(opml.written(FEEDS[:2], title="Longarm", now=NOW))
    assert [Feed(url=f.url, name=f.name, language=f.language, tags=f.tags, enabled=f.enabled) for f in back.feeds] == [
        Feed(url=f.url, name=f.name, language=f.language, tags=f.tags, enabled=f.enabled) for f in FEEDS[:2]
    ]
    assert (back.title, back.skipped, back.warnings) == ("Longarm", (), ())


def test_a_tag_stays_one_tag_on_the_way() -> None:
    feed = Feed(url="https://a.test/", name="A", tags=("courts, world/asia",))
    assert opml.read(opml.written([feed], title="", now=NOW)).feeds[0].tags == (
        "courts  world asia".replace("  ", " "),
    )


# ── real files ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.shared
def test_the_lists_of_other_projects_tests_are_read() -> None:
    read, refused, feeds = 0, [], 0
    with tarfile.open(shared("data/feed_corpus.tar.xz")) as archive:
        for member in archive:
            path = member.name.lower()
            if not member.isfile() or "opml" not in path or not path.endswith((".opml", ".xml")):
                continue
            stream = archive.extractfile(member)
            assert stream is not None
            try:
                feeds += len(opml.read(stream.read()).feeds)
                read += 1
            except ParseError:
                refused.append(path.rpartition("/")[2])
    # The five that are refused are no OPML by their first element, or not well-formed.
    assert sorted(refused) == [
        "logback-test.xml", "missingopml.opml", "notencoded.opml", "outlinedocument.opml", "twittergram.xml",
    ]  # fmt: skip
    assert (read, feeds) == (110, 89)
