"""Is this entry an article that is known?"""

from __future__ import annotations

import random
import tarfile
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.model import Entry, Feed, FeedState
from monitor.stories import identity
from monitor.stories.identity import Fresh, keys
from tests.shared_data import shared
from tests.stories_parts import FEED, NOW, OTHER_FEED, TITLES, Memory, entry, parsed

LATER = NOW + timedelta(days=1)


def baselined(*entries: Entry) -> Memory:
    memory = Memory()
    memory.poll(*entries)
    return memory


def brought_nothing(fresh: Fresh) -> bool:
    return (fresh.new, fresh.edited, fresh.notices) == ((), (), ())


def test_a_second_poll_of_the_same_entries_brings_nothing() -> None:
    memory = Memory()
    assert len(memory.poll(*(entry(n) for n in range(30))).new) == 30
    again = memory.poll(*(entry(n) for n in range(30)), now=LATER)
    assert brought_nothing(again)


def test_ids_that_change_at_every_poll_bring_nothing_and_one_notice() -> None:
    memory = baselined(*(entry(n) for n in range(8)))
    for poll in range(10):
        fresh = memory.poll(*(entry(n, id=f"poll-{poll}-{n}") for n in range(8)), now=LATER)
        assert (fresh.new, fresh.edited) == ((), ())
        assert [notice.key for notice in fresh.notices] == [f"changing-ids:{fresh.notices[0].key.split(':')[1]}"]
        assert "8 of 8 entries came back under another id" in fresh.notices[0].text
    assert memory.new == 8


def test_a_few_changed_ids_are_no_notice() -> None:
    memory = baselined(*(entry(n) for n in range(8)))
    fresh = memory.poll(*(entry(n, id=f"x{n}" if n < 3 else f"id-{n}") for n in range(8)), now=LATER)
    assert fresh.notices == ()


def test_an_archive_that_is_re_dated_brings_nothing() -> None:
    memory = baselined(*(entry(n) for n in range(30)))
    fresh = memory.poll(*(entry(n, published_at=LATER) for n in range(30)), now=LATER)
    assert (fresh.new, fresh.edited, fresh.notices) == ((), (), ())


def test_an_archive_that_is_published_again_is_remembered_without_being_recent() -> None:
    memory = baselined(entry(0))
    old = [entry(n, published_at=NOW - timedelta(days=30 + n)) for n in range(100, 111)]
    fresh = memory.poll(entry(50), *old, now=LATER)
    assert {article.entry_id for article in fresh.new if article.recent} == {"id-50"}
    assert len(fresh.new) == 12
    assert "11 entries older than a week" in fresh.notices[0].text


def test_a_few_late_entries_are_recent() -> None:
    memory = baselined(entry(0))
    old = [entry(n, published_at=NOW - timedelta(days=30 + n)) for n in range(100, 110)]
    fresh = memory.poll(*old, now=LATER)
    assert all(article.recent for article in fresh.new)
    assert fresh.notices == ()


def test_an_item_dated_in_the_future_is_told_once_and_hides_nothing() -> None:
    memory = baselined(entry(0))
    pinned = entry(1, published_at=NOW + timedelta(days=9000))
    fresh = memory.poll(pinned, entry(2), now=LATER)
    assert [(a.published_at, a.recent) for a in fresh.new] == [(None, True), (entry(2).published_at, True)]
    assert [a.entry_id for a in memory.poll(pinned, entry(2), entry(3), now=LATER).new] == ["id-3"]


@pytest.mark.parametrize(
    ("published_at", "believed"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), False),
        (datetime(1989, 12, 31, tzinfo=UTC), False),
        (datetime(1990, 1, 1, tzinfo=UTC), True),
        (NOW + timedelta(minutes=59), True),
        (NOW + timedelta(minutes=61), False),
    ],
)
def test_only_dates_that_can_be_true_are_kept(published_at: datetime, believed: bool) -> None:
    article = Memory().poll(entry(0, published_at=published_at)).new[0]
    assert article.published_at == (published_at if believed else None)
    assert article.at == (published_at if believed else NOW)


def test_the_first_poll_announces_only_the_last_day() -> None:
    fresh = Memory().poll(
        entry(0, published_at=NOW - timedelta(hours=23)),
        entry(1, published_at=NOW - timedelta(hours=25)),
        entry(2, published_at=None),
        entry(3, published_at=NOW + timedelta(hours=3)),  # a clock set wrong
        entry(4, published_at=None, updated_at=NOW - timedelta(hours=1)),
    )
    assert [article.recent for article in fresh.new] == [True, False, False, True, True]


def test_the_window_of_the_first_poll_can_be_set() -> None:
    feed_parsed = parsed(*(entry(n, published_at=NOW - timedelta(hours=10 * n)) for n in range(4)))
    fresh = identity.fresh(
        feed_parsed, FEED, {}, FeedState(url=FEED.url), now=NOW, first_poll_window=timedelta(hours=15)
    )
    assert [article.recent for article in fresh.new] == [True, True, False, False]


def test_after_the_first_poll_everything_new_is_recent_even_without_a_date() -> None:
    memory = baselined(entry(0))
    assert memory.poll(entry(0), entry(1, published_at=None), now=LATER).new[0].recent


def test_the_first_poll_can_find_an_empty_feed() -> None:
    memory = baselined()
    assert memory.poll(entry(0), now=LATER).new[0].recent


def test_an_edited_headline_under_one_address_is_an_edit() -> None:
    memory = baselined(entry(0))
    known = next(iter(memory.articles))
    fresh = memory.poll(entry(0, title="Editor attacked in London: three men charged"), now=LATER)
    assert fresh.new == ()
    assert [(a.id, a.version, a.title, a.first_seen_at) for a in fresh.edited] == [
        (known, 2, "Editor attacked in London: three men charged", NOW)
    ]
    assert memory.poll(entry(0, title="Editor attacked in London: three men charged"), now=LATER).edited == ()
    third = memory.poll(entry(0, summary="Nothing like before at all."), now=LATER)
    assert third.edited[0].version == 3


def test_an_edit_keeps_whether_it_was_recent() -> None:
    memory = baselined(entry(0, published_at=None))
    assert not memory.poll(entry(0, text="More of it."), now=LATER).edited[0].recent


def test_two_headlines_tried_in_turn_are_one_edit() -> None:
    memory = baselined(entry(0))
    edits = 0
    for n in range(6):
        title = TITLES[0] if n % 2 else "Editor in exile stabbed in London, police hunt three"
        edits += len(memory.poll(entry(0, title=title, raw_hash=""), now=LATER).edited)
    assert edits == 1


def test_an_edit_is_counted_once_where_a_poll_lists_an_entry_twice() -> None:
    memory = baselined(entry(0))
    fresh = memory.poll(entry(0, text="One."), entry(0, text="Two."), now=LATER)
    assert [article.text for article in fresh.edited] == ["One."]


def test_an_id_used_again_for_another_article_keeps_both() -> None:
    memory = baselined(entry(0, id="latest"))
    second = entry(1, id="latest")
    assert [a.title for a in memory.poll(second, now=LATER).new] == [TITLES[1]]
    third = entry(2, id="latest")
    assert [a.title for a in memory.poll(third, now=LATER).new] == [TITLES[2]]
    assert memory.poll(third, second, entry(0, id="latest"), now=LATER).new == ()


def test_an_id_used_twice_within_a_poll_keeps_both() -> None:
    memory = Memory()
    entries = [entry(n, id="same") for n in range(5)]
    assert len({article.id for article in memory.poll(*entries).new}) == 5
    assert brought_nothing(memory.poll(*reversed(entries), now=LATER))


def test_an_id_used_again_without_links_keeps_both() -> None:
    entries = [entry(n, id="same", url="") for n in range(5)]
    memory = baselined(entries[0])
    for one in entries[1:]:
        assert len(memory.poll(one, now=LATER).new) == 1
    assert memory.poll(*entries, now=LATER).new == ()


def test_one_id_with_a_corrected_word_in_headline_and_address_is_an_edit() -> None:
    memory = baselined(entry(0, title="Exiled editor stabed outside his home in London", url="https://x.org/stabed-1"))
    fresh = memory.poll(
        entry(0, title="Exiled editor stabbed outside his home in London", url="https://x.org/stabbed-1"), now=LATER
    )
    assert (len(fresh.new), len(fresh.edited)) == (0, 1)


def test_one_id_with_another_number_in_headline_and_address_is_another_article() -> None:
    memory = baselined(entry(0, title="Roskomnadzor blocks site number 12 in the register", url="https://x.org/12"))
    fresh = memory.poll(
        entry(0, title="Roskomnadzor blocks site number 13 in the register", url="https://x.org/13"), now=LATER
    )
    assert (len(fresh.new), len(fresh.edited)) == (1, 0)


def test_one_id_that_moved_to_another_address_is_the_same() -> None:
    memory = baselined(entry(0))
    assert memory.poll(entry(0, url="https://news.example.org/moved/here-7"), now=LATER).new == ()
    assert memory.poll(entry(0, id="", url="https://news.example.org/moved/here-7"), now=LATER).new == ()


def test_a_page_used_again_and_again_brings_every_text() -> None:
    url = "https://gov.example.org/latest-warning"
    memory = baselined(entry(0, url=url))
    for n in (1, 2, 3):
        fresh = memory.poll(entry(n, url=url, published_at=NOW + timedelta(hours=5 * n)), now=LATER)
        assert [a.title for a in fresh.new] == [TITLES[n]]
        assert memory.poll(entry(n, url=url, published_at=NOW + timedelta(hours=5 * n)), now=LATER).new == ()


@pytest.mark.parametrize(
    "url", ["https://news.example.org/", "https://news.example.org/live", "https://www.news.example.org"]
)
def test_a_link_given_to_many_entries_is_no_key(url: str) -> None:
    memory = Memory()
    assert len(memory.poll(*(entry(n, url=url) for n in range(5))).new) == 5
    assert [a.title for a in memory.poll(entry(5, url=url), now=LATER).new] == [TITLES[5]]
    assert [a.title for a in memory.poll(entry(6, url=url), now=LATER).new] == [TITLES[6]]
    assert memory.poll(*(entry(n, url=url) for n in range(7)), now=LATER).new == ()


def test_the_posts_of_a_live_blog_are_articles_of_their_own() -> None:
    memory = baselined(entry(0, url="https://news.example.org/live#post-1"))
    fresh = memory.poll(entry(1, url="https://news.example.org/live#post-2"), now=LATER)
    assert [a.title for a in fresh.new] == [TITLES[1]]


def test_two_feeds_that_bring_one_link_bring_one_article() -> None:
    memory = baselined(entry(0))
    other = entry(0, id="agency:77", url="http://www.news.example.org/2026/story-0/?utm_source=agency#top")
    fresh = memory.poll(other, feed=OTHER_FEED)
    assert (fresh.new, fresh.edited) == ((), ())
    assert memory.poll(replace(other, title="Editor in exile stabbed in London"), feed=OTHER_FEED).edited == ()


def test_a_decoy_published_first_hides_nothing() -> None:
    decoy = entry(0, id="decoy", title="Ten recipes for the summer", summary="With tomatoes and cheese.")
    memory = Memory()
    memory.poll(decoy, feed=OTHER_FEED)
    fresh = memory.poll(entry(0))
    assert [a.title for a in fresh.new] == [TITLES[0]]
    assert brought_nothing(memory.poll(entry(0), now=LATER))
    assert brought_nothing(memory.poll(decoy, feed=OTHER_FEED, now=LATER))


def test_ids_of_two_feeds_are_different_things() -> None:
    memory = baselined(entry(0, id="1"))
    assert len(memory.poll(entry(1, id="1"), feed=OTHER_FEED).new) == 1
    assert keys(entry(0), FEED.url).id != keys(entry(0), OTHER_FEED.url).id


@pytest.mark.parametrize(
    "unique",
    [
        "https://example.org/?p=12",
        "tag:example.org,2026:12",
        "urn:uuid:1225c695-cfb8-4ebb-aaaa-80da344efa6a",
        "1225c695-cfb8-4ebb-aaaa-80da344efa6a",
    ],
)
def test_ids_that_are_unique_by_construction_hold_across_feeds(unique: str) -> None:
    one = entry(0, id=unique)
    assert keys(one, FEED.url).id == keys(one, OTHER_FEED.url).id
    memory = baselined(replace(one, url="https://click.example.net/a?to=1"))
    assert memory.poll(replace(one, url="https://click.example.net/b?to=2"), feed=OTHER_FEED).new == ()


@pytest.mark.parametrize("common", ["12", "https://example.org/", "post-12", "12345678-1234"])
def test_other_ids_hold_in_their_feed(common: str) -> None:
    assert keys(entry(0, id=common), FEED.url).id != keys(entry(0, id=common), OTHER_FEED.url).id


def test_a_feed_that_moves_to_https_knows_its_articles() -> None:
    memory = baselined(entry(0, url=""))
    moved = replace(FEED, url="http://www.news.example.org/rss/")
    assert memory.poll(entry(0, url=""), feed=moved).new == ()


def test_an_entry_whose_id_and_link_change_is_known_by_its_text() -> None:
    memory = baselined(entry(0))
    changed = entry(0, id="session-2", url="https://news.example.org/read?session=2")
    assert memory.poll(changed, now=LATER).new == ()


def test_a_short_text_is_no_key() -> None:
    memory = baselined(entry(0, title="Morning briefing", summary=""))
    again = entry(1, title="Morning briefing", summary="")
    assert len(memory.poll(again, now=LATER).new) == 1


def test_another_number_or_name_is_another_text() -> None:
    title = "Roskomnadzor adds site number {} to the register of banned pages today"
    memory = baselined(entry(0, title=title.format(12), summary=""))
    assert len(memory.poll(entry(1, title=title.format(13), summary=""), now=LATER).new) == 1


def test_two_entries_of_one_poll_are_not_one_for_their_text() -> None:
    same = {"title": TITLES[0], "summary": "In pictures: what our photographers saw this week in four cities."}
    assert len(Memory().poll(entry(0, **same), entry(1, **same)).new) == 2


def test_one_entry_listed_twice_is_one_article() -> None:
    fresh = Memory().poll(entry(0), entry(0), entry(0, id="other-id"))
    assert len(fresh.new) == 1


def test_an_entry_that_slides_out_and_back_is_known() -> None:
    memory = baselined(*(entry(n) for n in range(10)))
    memory.poll(*(entry(n) for n in range(5, 15)), now=LATER)
    assert brought_nothing(memory.poll(*(entry(n) for n in range(10)), now=LATER))


def test_an_empty_poll_forgets_nothing() -> None:
    memory = baselined(*(entry(n) for n in range(10)))
    before = dict(memory.keys)
    assert brought_nothing(memory.poll(now=LATER))
    assert memory.keys == before
    assert memory.poll(*(entry(n) for n in range(10)), now=LATER).new == ()


def test_an_article_whose_title_was_purged_is_known_still() -> None:
    memory = baselined(entry(0), entry(1, url=""))
    memory.articles = {key: replace(article, title="") for key, article in memory.articles.items()}
    re_dated = entry(0, id="other", title="Another headline altogether", published_at=LATER)
    assert memory.poll(re_dated, entry(1, url="", text="More."), now=LATER).new == ()


def test_an_id_used_again_after_the_title_was_purged_keeps_both() -> None:
    memory = baselined(entry(0, id="latest"))
    memory.articles = {key: replace(article, title="") for key, article in memory.articles.items()}
    assert len(memory.poll(entry(1, id="latest"), now=LATER).new) == 1


def test_an_entry_with_nothing_in_it_is_no_article() -> None:
    blank = Entry(id="", title="", url="")
    assert brought_nothing(Memory().poll(blank, blank))
    assert len(Memory().poll(Entry(id="only-an-id", title="", url="")).new) == 1


def test_keys_cannot_be_forged_by_a_short_checksum() -> None:
    # These two have one CRC-32.
    one, other = "plumless", "buckeroo"
    assert zlib.crc32(one.encode()) == zlib.crc32(other.encode())
    fresh = Memory().poll(entry(0, id=one), entry(1, id=other))
    assert len(fresh.new) == 2
    assert all(len(key) == 32 for article in fresh.new for key in article.keys)


def test_text_cannot_shift_from_one_field_into_the_next() -> None:
    one = keys(entry(0, title="a\0b", summary="c"), FEED.url)
    other = keys(entry(0, title="a", summary="b\0c"), FEED.url)
    assert one.exact != other.exact


def test_every_key_is_asked_for_once() -> None:
    feed_parsed = parsed(entry(0), entry(0), entry(1, url="", id=""))
    asked = identity.entry_keys(feed_parsed, FEED)
    assert len(asked) == len(set(asked))
    assert set(keys(entry(0), FEED.url).all()) < set(asked)


def test_a_poll_names_every_key_that_the_feed_still_shows() -> None:
    memory = baselined(entry(0), entry(1))
    seen = dict(memory.poll(entry(0, id="another"), now=LATER).seen_keys)
    shown = set(keys(entry(0, id="another"), FEED.url).all())
    assert set(seen) == shown
    assert set(seen.values()) == {memory.keys[keys(entry(0), FEED.url).link]}


def test_article_ids_are_the_same_everywhere() -> None:
    first, second = (Memory().poll(entry(0), entry(1)).new for _ in range(2))
    assert [article.id for article in first] == [article.id for article in second]
    assert all(len(article.id) == 32 and int(article.id, 16) for article in first)
    assert Memory().poll(entry(0), feed=OTHER_FEED).new[0].id != first[0].id


def test_the_language_is_the_feed_s_then_the_entry_s_then_the_document_s() -> None:
    assert Memory().poll(entry(0), feed=replace(FEED, language="fa")).new[0].language == "fa"
    assert Memory().poll(entry(0, language="ru")).new[0].language == "ru"
    assert Memory().poll(entry(0)).new[0].language == "en"


def test_notices_do_not_show_the_feed_s_address() -> None:
    secret = Feed(url="https://user:hunter2@news.example.org/rss?key=s3cret")
    memory = Memory()
    memory.poll(*(entry(n) for n in range(8)), feed=secret)
    fresh = memory.poll(*(entry(n, id=f"x{n}") for n in range(8)), feed=secret, now=LATER)
    assert fresh.notices[0].text.startswith("news.example.org: ")
    assert all(word not in str(fresh.notices) for word in ("hunter2", "s3cret"))


def test_strange_addresses_and_letters_break_nothing() -> None:
    strange = [
        entry(0, url="javascript:alert(1)"),
        entry(1, url="https://[::bad"),
        entry(2, id="\ud800", title="\ud800 lone half of a pair in this long headline of eight words"),
        entry(3, url="https://x.org\\@evil.org/"),
    ]
    memory = Memory()
    assert len(memory.poll(*strange, feed=Feed(url="not a url \ud800")).new) == 4
    assert brought_nothing(memory.poll(*strange, feed=Feed(url="not a url \ud800"), now=LATER))
    assert memory.poll(strange[1], replace(strange[1], id="y", url="https://[::worse"), now=LATER)


@st.composite
def histories(draw: st.DrawFn) -> list[list[tuple[int, bool, bool, bool]]]:
    """Polls of (entry, gets another id, gets another date, has tracking in its link), in any order and choice."""
    one = st.tuples(st.integers(0, 9), st.booleans(), st.booleans(), st.booleans())
    return draw(st.lists(st.lists(one, max_size=12), min_size=1, max_size=8))


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(0, 2**32))
def test_nothing_known_becomes_new_again(polls: list[list[tuple[int, bool, bool, bool]]], seed: int) -> None:
    source = random.Random(seed)
    memory = Memory()
    met: set[int] = set()
    for number, poll in enumerate(polls):
        entries = []
        for n, new_id, new_date, tracked in poll:
            changes: dict[str, object] = {}
            if new_id:
                changes["id"] = f"{source.random()}"
            if new_date:
                changes["published_at"] = NOW - timedelta(days=source.randint(0, 900))
            if tracked:
                changes["url"] = f"http://www.news.example.org/2026/story-{n}/?utm_campaign={source.random()}"
            entries.append(entry(n, **changes))
        fresh = memory.poll(*entries, now=NOW + timedelta(hours=number))
        fresh_numbers = {int(article.url.split("story-")[1].split("/")[0]) for article in fresh.new}
        assert len(fresh.new) == len(fresh_numbers)
        assert not fresh_numbers & met
        assert fresh.edited == ()
        met |= {n for n, *_ in poll}
        assert memory.new == len(met)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["", "/", "/x", "/y#1", "/y#2"]), st.integers(0, 3)),
        max_size=8,
    )
)
def test_polling_any_entries_twice_brings_nothing_new(shapes: list[tuple[str, str, int]]) -> None:
    entries = [entry(n, id=the_id, url=f"https://x.org{path}" if path else "") for the_id, path, n in shapes]
    memory = Memory()
    memory.poll(*entries)
    again = memory.poll(*entries, now=LATER)
    assert again.new == ()
    assert memory.poll(*reversed(entries), now=LATER).new == ()


@pytest.mark.shared
def test_real_polls_bring_every_entry_once() -> None:
    import feedparser

    memories: dict[str, Memory] = {}
    with tarfile.open(shared("data/feed_snapshots.tar.xz")) as archive:
        members = sorted((member for member in archive.getmembers() if member.isfile()), key=lambda m: m.name)
        some = [member for member in members if int(Path(member.name).stem) % 6 == 0]
        bodies = [(Path(m.name).parent.name, archive.extractfile(m).read()) for m in some]  # type: ignore[union-attr]
    assert len(bodies) > 10
    for name, body in bodies:
        feed = Feed(url=f"https://{name}.example/rss")
        entries = tuple(
            Entry(id=e.get("id", ""), title=e.get("title", ""), url=e.get("link", ""), summary=e.get("summary", ""))
            for e in feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False).entries
        )
        memory = memories.setdefault(feed.url, Memory())
        memory.poll(*entries, feed=feed)
        assert memory.poll(*entries, feed=feed, now=LATER).new == ()
    for memory in memories.values():
        addresses = [a.url for a in memory.articles.values() if a.url]
        assert len(set(addresses)) == len(addresses)


def test_a_feed_with_thresholds_of_its_own_judges_anew_what_another_feed_brought_first_and_does_so_once() -> None:
    memory = Memory()
    memory.poll(entry(0))
    strict = replace(OTHER_FEED, alert_at=0.6)
    told = entry(0, id="agency-1")
    first = memory.poll(told, feed=strict)
    assert [article.id for article in first.edited] == [next(iter(memory.articles))]
    assert first.new == ()
    assert memory.poll(told, feed=strict).edited == ()
    assert memory.poll(entry(0)).edited == ()


def test_a_feed_without_thresholds_of_its_own_leaves_another_feeds_article_as_it_is() -> None:
    memory = Memory()
    memory.poll(entry(0))
    assert memory.poll(entry(0, id="agency-1"), feed=OTHER_FEED).edited == ()
