"""feeds.toml edited by a program: what a person wrote stays, and a file that would not load is never written."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import config
from monitor.config import writing
from monitor.errors import ConfigError
from monitor.model import Feed
from tests.config_parts import FEED, written

NEW = Feed(url="https://new.test/rss?a=1&b=2", name='The "New" \\ Wire', language="zh-Hant", tags=("ngo", "東亞"))
OTHER = Feed(url="https://other.test/feed", enabled=False)
FULL = """# What is watched.

[monitor]
timezone = "Europe/Madrid"   # where we are


# ── wires ──
[[feeds]]
url = "https://news.test/rss"  # the first
tags = [ "wire",
         'x' ]   # two

[[searches]]
provider = "google-news"
query = { en = "exile" }

# ── once more ──
[[feeds]]
url = 'https://second.test/'

# [[feeds]]
# url = "https://later.test/"
"""


def feeds_of(path: Path) -> list[Feed]:
    return [feed for feed in config.load(path, {}).feeds if "google" not in feed.url]


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name != "feeds.toml"]


# ── what the file becomes ─────────────────────────────────────────────────────────────────────────


def test_every_byte_of_the_file_stays_and_the_new_feeds_follow(tmp_path: Path) -> None:
    path = written(tmp_path, FULL)
    added = writing.add_feeds(path, {}, [NEW, OTHER])
    assert added == writing.Added(new=(NEW, OTHER))
    text = path.read_text()
    assert text.startswith(FULL)
    assert text[len(FULL) :] == (
        f"\n{writing.HEADING}\n\n"
        '[[feeds]]\nurl = "https://new.test/rss?a=1&b=2"\nname = "The \\"New\\" \\\\ Wire"\nlanguage = "zh-Hant"\n'
        'tags = ["ngo", "東亞"]\n\n'
        '[[feeds]]\nurl = "https://other.test/feed"\nenabled = false\n'
    )
    assert feeds_of(path)[-2:] == [NEW, OTHER]
    assert leftovers(tmp_path) == []


def test_the_heading_is_written_once(tmp_path: Path) -> None:
    path = written(tmp_path, FEED)
    writing.add_feeds(path, {}, [NEW])
    writing.add_feeds(path, {}, [OTHER])
    assert path.read_text().count(writing.HEADING) == 1
    assert [feed.url for feed in feeds_of(path)] == ["https://news.test/rss", NEW.url, OTHER.url]


def test_a_feed_that_stands_there_is_named_and_the_file_is_not_touched(tmp_path: Path) -> None:
    path = written(tmp_path, f'{FEED}name = "Wire"\n')
    before = path.stat()
    again = Feed(url="HTTPS://News.test:443/rss#top")
    assert writing.add_feeds(path, {}, [again]) == writing.Added(known=((again, "Wire"),))
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_of_two_new_feeds_with_one_address_the_first_is_taken() -> None:
    twice = Feed(url="https://new.test:443/rss?a=1&b=2")
    assert writing.sorted_out([], [NEW, twice]) == writing.Added(new=(NEW,), known=((twice, NEW.name),))


def test_a_file_without_a_line_end_and_an_open_table_at_its_end_takes_feeds(tmp_path: Path) -> None:
    path = written(tmp_path, FEED + '[[channels]]\nname = "c"\ntype = "console"')
    writing.add_feeds(path, {}, [NEW])
    assert feeds_of(path)[-1] == NEW
    assert config.load(path, {}).channels[0].name == "c"


def test_windows_line_ends_and_a_byte_order_mark_stay(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + FULL.replace("\n", "\r\n").encode()
    path = written(tmp_path, content)
    writing.add_feeds(path, {}, [NEW])
    text = path.read_bytes()
    assert text.startswith(content)
    assert text.count(b"\n") == text.count(b"\r\n")
    assert feeds_of(path)[-1] == NEW


@pytest.mark.parametrize(
    "text",
    [
        'feeds = [ { url = "https://a.test/" }, ]  # short\n[monitor]\ntimezone = "UTC"\n',
        'feeds = [\n  { url = "https://a.test/" }, # one\n  { url = "https://b.test/" }\n]\n',
    ],
)
def test_a_list_of_inline_tables_is_continued_in_its_place(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    writing.add_feeds(path, {}, [NEW])
    assert feeds_of(path)[-1] == NEW
    for comment in ("# short", "# one"):
        assert (comment in text) == (comment in path.read_text())


def test_a_file_of_searches_alone_takes_feeds(tmp_path: Path) -> None:
    path = written(tmp_path, '[[searches]]\nprovider = "bing-news"\nquery = { en = "exile" }\n')
    writing.add_feeds(path, {}, [NEW])
    assert NEW in feeds_of(path)


line = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@given(name=line, tags=st.lists(line, max_size=3), before=st.sampled_from(["", "\n", "# end", 'x = """a\nb"""\n']))
def test_any_text_comes_back_from_the_file_as_it_went_in(name: str, tags: list[str], before: str) -> None:
    feed = Feed(url="https://new.test/", name=name, tags=tuple(tags))
    text = writing.with_feeds(before, [feed])
    assert text.startswith(before)
    (found,) = tomllib.loads(text)["feeds"]
    assert found == {"url": feed.url, "name": name} | ({"tags": tags} if tags else {})


# ── whole or not at all ───────────────────────────────────────────────────────────────────────────


def refused(path: Path, *feeds: Feed) -> str:
    before = path.read_bytes()
    with pytest.raises(ConfigError) as caught:
        writing.add_feeds(path, {}, feeds)
    assert path.read_bytes() == before
    assert leftovers(path.parent) == []
    return str(caught.value).replace(f"{path.parent}/", "")


def test_a_file_that_would_not_load_is_not_written_and_its_lines_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, FEED)
    said = refused(path, Feed(url="ftp://new.test/"))
    assert "feeds.toml: would not load with the change, nothing was written" in said
    assert "feeds.toml:7: feeds[2].url" in said
    assert ".new" not in said


def test_a_file_that_does_not_load_as_it_is_is_left_alone(tmp_path: Path) -> None:
    assert "unknown key" in refused(written(tmp_path, FEED + "evry = 1\n"), NEW)


def test_a_file_that_somebody_else_changed_meanwhile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = written(tmp_path, FEED), writing.load

    def load(asked: Path, environ: dict[str, str]) -> config.Settings:
        if asked != path:
            path.write_text(FEED + "# mine\n")
        return real(asked, environ)

    monkeypatch.setattr(writing, "load", load)
    with pytest.raises(ConfigError, match="changed by somebody else meanwhile"):
        writing.add_feeds(path, {}, [NEW])
    assert path.read_text() == FEED + "# mine\n"
    assert leftovers(tmp_path) == []


def test_mode_and_symbolic_link_stay(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real = written(tmp_path / "real", FEED)
    real.chmod(0o640)
    link = tmp_path / "feeds.toml"
    link.symlink_to(real)
    writing.add_feeds(link, {}, [NEW])
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert feeds_of(real)[-1] == NEW


def test_a_crash_before_the_file_takes_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, FEED)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "can't be written (No space left on device); nothing was changed" in refused(path, NEW)


def test_a_folder_that_may_not_be_written_to_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, FEED)

    def denied(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(writing.tempfile, "mkstemp", denied)
    assert "can't be written (Permission denied); see to it that this user may" in refused(path, NEW)
