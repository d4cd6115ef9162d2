"""What an address or a headline may be made to look like: whose site it is stays to be seen, and nothing is followed."""

from __future__ import annotations

import ast
import csv
import io
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from classifiers import Reason, Score
from monitor.alerts import bursts
from monitor.alerts.bursts import Words
from monitor.alerts.channels.telegram import TelegramChannel
from monitor.alerts.sources import Tiers, warning
from monitor.cli import stored
from monitor.compose import MAX_SPANS, Composer, shown_url
from monitor.digest.render import as_messages
from monitor.model import Delivery, Message, SpanKind
from monitor.store import Store
from monitor.text import display_host, formula_safe, registrable, safe_url
from tests.botapi import BotApi
from tests.digest_parts import full_digest
from tests.render_parts import MADRID, NOW, article, is_sound, marked, member, story
from tests.store_parts import FEED, an_outcome, judged, opened
from tests.test_render import message_of
from tests.whole_parts import door, table, write_toml

FOLDER = Path(__file__).resolve().parents[1] / "monitor"


# ── whose site is it? ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("host", "owner"),
    [
        ("example.org", "example.org"),
        ("www.example.org", "example.org"),
        ("reuters.com.evil.example", "evil.example"),
        ("news.bbc.co.uk", "bbc.co.uk"),
        ("www.abc.net.au", "abc.net.au"),
        ("a.b.gov.br", "b.gov.br"),
        ("mail.web.de", "web.de"),
        ("x.t.co", "t.co"),
        ("co.uk", "co.uk"),
        ("someone.github.io", "someone.github.io"),
        ("a.someone.github.io", "someone.github.io"),
        ("xn--pple-43d.com", "xn--pple-43d.com"),
        ("новости.рф", "новости.рф"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_the_owner_of_a_host_is_its_registered_end(host: str, owner: str) -> None:
    assert registrable(host) == owner


@pytest.mark.parametrize(
    ("url", "shown", "bold"),
    [
        ("https://аpple.com/x", "https://xn--pple-43d.com/x", "xn--pple-43d.com"),
        ("http://example.com。evil.com/a", "http://example.com.evil.com/a", "evil.com"),
        ("https://reuters.com.evil.example:8443/a", "https://reuters.com.evil.example:8443/a", "evil.example"),
        ("https://evil.example.evil.example/evil.example", None, "evil.example"),
        ("https://good.com@login.evil.example/", "https://login.evil.example/", "evil.example"),
        ("https://login.evil.example/" + "x" * 200, "login.evil.example/…", "evil.example"),
        (f"https://{'a' * 50}.{'b' * 50}.evil.example/x", None, "evil.example"),
    ],
)
def test_the_owner_stands_out_where_the_host_says_more(url: str, shown: str | None, bold: str) -> None:
    message = message_of(url=url)
    address = next(span for span in message.spans if span.kind is SpanKind.LINK)
    seen = message.text[address.start : address.start + address.length]
    assert seen == (shown or seen)
    inside = [span for span in message.spans if span.kind is SpanKind.BOLD and span.start >= address.start]
    assert [message.text[span.start : span.start + span.length] for span in inside] == [bold]
    host = display_host(url)
    if shown == seen and not seen.endswith("…"):
        assert inside[0].start + inside[0].length == address.start + seen.index("://") + 3 + len(host)
    assert is_sound(message)


@pytest.mark.parametrize("url", ["https://example.org/x", "https://www.example.org/x", "https://[2001:db8::1]/x"])
def test_a_host_that_is_its_owner_is_not_marked(url: str) -> None:
    assert len(marked(message_of(url=url), SpanKind.BOLD)) == 1  # the headline


def test_a_link_under_other_words_is_not_marked() -> None:
    assert [span.kind for span in Composer().link("https://a.evil.example/", "words").spans] == [SpanKind.LINK]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://аpple.com/x", "unusual letters in this address"),
        ("https://reuter5.com/x", "this is not reuters.com"),
        ("https://reuters.com.evil.example/x", "this is not reuters.com"),
        ("https://rnsn.example.com-news.example/", ""),
        ("https://meduza-io.example/", ""),
        ("http://192.0.2.7/x", "a bare number instead of a name"),
        ("https://reuters.com/x", ""),
        ("https://harbour-wire.example/x", ""),
        ("", ""),
    ],
)
def test_a_look_alike_is_flagged_in_alerts_and_in_lists(url: str, says: str) -> None:
    plain = warning(url).replace("\u2060", "")
    assert plain == (f" (careful: {says})" if says else "")
    alone = message_of(url=url)
    assert says in alone.text.replace("\u2060", "")
    assert is_sound(alone)
    listed = _listed(url)
    assert says in listed.text.replace("\u2060", "")
    assert is_sound(listed)
    assert ("careful" in listed.text) == bool(says) == ("careful" in alone.text)


def _listed(url: str) -> Message:
    rows = [
        Delivery(key=f"story:{n}", channel="main", message=Message(text="x"), id=n, story_id=f"{n:032x}", queued_at=NOW)
        for n in (1, 2)
    ]
    stories = {row.story_id: replace(story(member(article(row.id, url=url))), id=row.story_id) for row in rows}
    words = Words(feeds={}, tz=MADRID)
    return bursts.lists(rows, stories, words=words, why="2 new stories", now=NOW)[0].delivery.message


def test_a_name_of_the_readers_own_list_is_guarded_too() -> None:
    assert "our-paper" in warning("https://our-paper.org.evil.example/", Tiers(first=("our-paper.org",)))


async def test_telegram_takes_bold_inside_of_a_link() -> None:
    async with BotApi() as api:
        channel = TelegramChannel(name="main", token=api.token, chat="-100123", api_url=api.url)
        await channel.send(message_of(url="https://reuters.com.evil.example/x"), possible_repeat=True)
        await channel.aclose()
        (got,) = api.accepted
        assert ("bold", "evil.example") in [(kind, words) for kind, words, *_ in _entities(got)]
        assert api.violations == []


def _entities(got: object) -> list[tuple[str, str]]:
    units = got.text.encode("utf-16-le")  # type: ignore[attr-defined]
    return [
        (one["type"], units[one["offset"] * 2 : (one["offset"] + one["length"]) * 2].decode("utf-16-le"))
        for one in got.entities  # type: ignore[attr-defined]
    ]


@pytest.mark.parametrize(
    "url", ["https://bit.ly/3xYz", "https://t.co/abc", "https://tinyurl.com/x?u=https://a.example"]
)
def test_a_shortened_address_is_shown_as_it_is_with_its_own_host(url: str) -> None:
    message = message_of(url=url)
    assert [span.url for span in message.spans if span.url] == [url]
    assert shown_url(safe_url(url)) in message.text
    assert f"({display_host(url)})" in message.text


# ── forms ─────────────────────────────────────────────────────────────────────────────────────────


def test_no_code_names_a_parse_mode() -> None:
    named = [
        f"{path.name}:{node.lineno}"
        for path in FOLDER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.keyword) and node.arg == "parse_mode")
        or (isinstance(node, ast.Attribute) and node.attr in ("ParseMode", "parse_mode"))
        or (isinstance(node, ast.Constant) and node.value == "parse_mode")
    ]
    assert named == []


def test_many_marks_are_split_over_messages_and_none_is_lost() -> None:
    digest = full_digest()
    item = replace(digest.alerted[0], url="https://a.evil.example/x")
    many = replace(digest, alerted=tuple(replace(item, story_id=f"{n}", title=f"Story {n}") for n in range(200)))
    messages = as_messages(many)
    assert max(len(message.spans) for message in messages) <= MAX_SPANS
    links = [span for message in messages for span in message.spans if span.url == item.url]
    assert len(links) == 200
    assert sum(marked(message, SpanKind.BOLD).count("evil.example") for message in messages) == 200


# ── terminals and spreadsheets ────────────────────────────────────────────────────────────────────

HOSTILE = "=cmd|'/c calc'!A0 \x1b[2J\x1b]0;owned\x07\r\nforged line\x9b31m\u202egnp\u2028x"
DRIVING = {*map(chr, (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))), "\u202e", "\u2028"}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A watch whose one article, feed and notices are as hostile as text can be."""
    folder = tmp_path_factory.mktemp("hostile")
    feeds = table("feeds", url=FEED, name="Harbour Wire")
    toml = write_toml(folder, feeds, table("channels", name="desk", type="console"))
    reasons = (Reason(term=HOSTILE, weight=1.0),)
    one = judged(1, title=HOSTILE, summary=HOSTILE, score=Score(value=0.9, codes=(), reasons=reasons, model="t:1"))
    with opened(folder / "state", now=NOW) as store:
        state = replace(an_outcome().state, title=HOSTILE, failures=2, error=HOSTILE, error_kind="timeout")
        store.record(replace(an_outcome(one, announce=(one,)), state=state), [], now=NOW)
        _tell(store)
    return toml


def _tell(store: Store) -> None:
    from monitor.model import Notice

    store.pause_channel("desk", HOSTILE, NOW)
    store.tell(Notice(key="odd", text=f"A feed says: {HOSTILE}"), [], now=NOW)


@pytest.mark.parametrize(
    "arguments",
    [
        ["search", "calc"], ["search", "calc", "--json"], ["export", "articles"], ["export", "articles", "--format", "csv"],
        ["export", "stories"], ["feeds", "list"], ["feeds", "list", "--json"], ["status"], ["status", "--json"],
        ["doctor"], ["channels", "list"], ["replay", "--since", "2020-01-01"], ["digest", "--week", f"{NOW:%G-W%V}"],
        ["case", HOSTILE.replace("\n", " ")], ["label", HOSTILE, "relevant", "--rater", "x"],
    ],
    ids=lambda words: " ".join(words)[:30].encode("ascii", "replace").decode(),
)  # fmt: skip
def test_no_strangers_text_drives_a_terminal_or_forges_a_line(hostile: Path, arguments: list[str]) -> None:
    ran = door(*arguments, "--config", hostile)
    assert ran.out or ran.err
    assert not DRIVING & set(ran.out + ran.err)
    assert not [line for line in (ran.out + ran.err).splitlines() if line.lstrip().startswith("forged line")]


def test_what_a_program_reads_is_the_same_text_all_the_same(hostile: Path) -> None:
    (line,) = door("search", "calc", "--json", "--config", hostile).lines
    assert line["title"] == HOSTILE
    assert json.loads(json.dumps(line)) == line


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1x", "@SUM(A1)", "|x", "%x", "\tx", "\rx", "\n=x", " =x", "\u00a0=x", "\u200b=x", "\ufeff=x", "＝x", "＋x", "－x", "＠x"],
)  # fmt: skip
def test_no_cell_is_a_formula(text: str) -> None:
    assert formula_safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Exile followed", "a=b", "1-2", "100 %", "“=x”", "中文＝"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert formula_safe(text) == text


def test_numbers_in_a_csv_file_stay_numbers_and_lists_are_guarded(capsys: pytest.CaptureFixture[str]) -> None:
    stored._as_csv([{"score": -0.5, "codes": ["=x", "b"], "title": "+1", "none": None, "text": f"{HOSTILE}"}])
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["score"], row["codes"], row["title"], row["none"]) == ("-0.5", "'=x; b", "'+1", "")
    assert row["text"].startswith("'=cmd")
    assert not DRIVING - {"\u202e", "\u2028"} & set(row["text"])


def test_an_owner_is_always_the_end_of_its_host() -> None:
    letters = random.Random(7)
    for _ in range(500):
        host = ".".join(
            "".join(letters.choices("abcou", k=letters.randint(1, 4))) for _ in range(letters.randint(1, 6))
        )
        owner = registrable(host)
        assert host == owner or host.endswith(f".{owner}")
