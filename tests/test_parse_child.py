"""The parser's child processes: warm, limited, replaced, closed without a trace."""

from __future__ import annotations

import asyncio
import io
import json
import os
import resource
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.errors import ParseError
from monitor.ingest import parser_child, parser_pool, wire
from monitor.ingest.parse import Parser
from monitor.model import Entry, ParsedFeed
from tests.parse_parts import GOOD, URL, item, parsed, rss

SLOW = rss("<item " + " ".join(f'a{number}="b"' for number in range(20_000)) + "/>")
"""Ten seconds of work for the XML library, which is quadratic in the attributes of an element."""
HUGE = rss(item(title="x" * 20_000_000))


def pids(parser: Parser) -> list[int]:
    return [child.process.pid for child in parser._children]


async def gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.005)


async def test_a_feed_comes_back_as_it_was_parsed():
    body = rss(
        item(title="A", link="/a", pubDate="Mon, 24 Nov 2025 07:40:00 GMT", description="خبر &#128512;") + GOOD,
        channel="<title>T</title><ttl>15</ttl>",
    )
    async with Parser() as parser:
        assert await parser.parse(body, url=URL, content_type="text/xml") == parsed(body)
        assert await parser.parse(body, url=URL, max_entries=1) == parsed(body, max_entries=1)


async def test_one_warm_child_serves_many_feeds_and_is_gone_at_the_end():
    async with Parser() as parser:
        for _ in range(3):
            await parser.parse(rss(GOOD), url=URL)
        (pid,) = pids(parser)
        with pytest.raises(ParseError, match="an HTML page") as caught:
            await parser.parse(b"<html>", url=URL)
        assert not caught.value.killed
        assert pids(parser) == [pid]
    assert not Path(f"/proc/{pid}").exists()


async def test_a_parser_that_was_never_used_starts_nothing():
    async with Parser() as parser:
        assert pids(parser) == []


async def test_a_child_is_replaced_after_its_share_of_feeds():
    async with Parser(feeds_per_child=2) as parser:
        seen = set()
        for _ in range(3):
            await parser.parse(rss(GOOD), url=URL)
            seen.update(pids(parser))
        assert len(seen) == 2
        assert len(pids(parser)) == 1


async def test_a_feed_that_takes_too_much_processor_time_fails_alone():
    async with Parser(cpu_seconds=1) as parser:
        await parser.parse(rss(GOOD), url=URL)
        before = pids(parser)
        with pytest.raises(ParseError, match="more processor time than a feed may") as caught:
            await parser.parse(SLOW, url=URL)
        assert caught.value.killed
        assert (await parser.parse(rss(GOOD), url=URL)).entries[0].title == "Good"
        assert pids(parser) != before


async def test_a_feed_that_takes_too_much_memory_fails_alone():
    async with Parser(memory_bytes=120 * 2**20) as parser:
        with pytest.raises(ParseError, match="more memory than a feed may") as caught:
            await parser.parse(HUGE, url=URL)
        assert caught.value.killed
        assert (await parser.parse(rss(GOOD), url=URL)).entries[0].title == "Good"


async def test_a_feed_that_takes_too_long_by_the_clock_fails_alone():
    async with Parser(wall_seconds=0.5) as parser:
        with pytest.raises(ParseError, match=r"more than 0\.5 s") as caught:
            await parser.parse(SLOW, url=URL)
        assert caught.value.killed
        assert pids(parser) == []
        assert (await parser.parse(rss(GOOD), url=URL)).entries[0].title == "Good"


async def test_a_child_killed_while_it_works_costs_one_feed():
    async with Parser() as parser:
        await parser.parse(rss(GOOD), url=URL)
        task = asyncio.create_task(parser.parse(SLOW, url=URL))
        await asyncio.sleep(0.1)
        os.kill(pids(parser)[0], signal.SIGKILL)
        with pytest.raises(ParseError, match="ended by signal 9") as caught:
            await task
        assert caught.value.killed
        assert (await parser.parse(rss(GOOD), url=URL)).entries[0].title == "Good"


async def test_a_child_killed_while_it_waits_costs_no_feed():
    async with Parser() as parser:
        await parser.parse(rss(GOOD), url=URL)
        (pid,) = pids(parser)
        os.kill(pid, signal.SIGKILL)
        await gone(pid)
        assert (await parser.parse(rss(GOOD), url=URL)).entries[0].title == "Good"
        assert pids(parser) != [pid]


async def test_an_abandoned_parse_leaves_no_answer_for_the_next_feed():
    async with Parser() as parser:
        await parser.parse(rss(GOOD), url=URL)
        task = asyncio.create_task(parser.parse(SLOW, url=URL))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pids(parser) == []
        assert (await parser.parse(rss(item(title="Next")), url=URL)).entries[0].title == "Next"


async def test_leaving_in_the_middle_of_work_ends_the_child():
    async with Parser() as parser:
        await parser.parse(rss(GOOD), url=URL)
        task = asyncio.create_task(parser.parse(SLOW, url=URL))
        await asyncio.sleep(0.05)
        (pid,) = pids(parser)
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(ParseError, match="ended by signal 9"):
        await task
    with pytest.raises(ParseError, match="the parser was closed"):
        await parser.parse(rss(GOOD), url=URL)


async def test_feeds_are_parsed_at_once_on_as_many_children_as_allowed():
    async with Parser(workers=2) as parser:
        bodies = [rss(item(title=str(number))) for number in range(8)]
        feeds = await asyncio.gather(*(parser.parse(body, url=URL) for body in bodies))
        assert [feed.entries[0].title for feed in feeds] == [str(number) for number in range(8)]
        assert len(pids(parser)) == 2


async def test_a_child_inherits_no_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LONGARM_TELEGRAM_TOKEN", "123:secret")
    async with Parser() as parser:
        await parser.parse(rss(GOOD), url=URL)
        (pid,) = pids(parser)
        assert b"secret" not in Path(f"/proc/{pid}/environ").read_bytes()
        assert os.getsid(pid) != os.getsid(0)
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert "Max core file size        0" in limits
        assert "Max file size             0" in limits


async def start_instead(parser: Parser, *command: str) -> str:
    parser._command = command  # type: ignore[assignment]
    with pytest.raises(ParseError) as caught:
        await parser.parse(rss(GOOD), url=URL)
    assert caught.value.killed
    return str(caught.value)


async def test_a_child_that_does_not_start_is_said_so(monkeypatch: pytest.MonkeyPatch):
    async with Parser() as parser:
        assert "does not start: No such file" in await start_instead(parser, "/nowhere/python")
        assert "does not start: the parser process broke off" in await start_instead(parser, sys.executable, "-c", "")
        monkeypatch.setattr(parser_pool, "START_SECONDS", 0.1)
        slow = await start_instead(parser, sys.executable, "-c", "import time; time.sleep(60)")
        assert "does not start: it took more than" in slow
        assert pids(parser) == []


async def test_giving_up_while_a_child_starts_leaves_none():
    async with Parser() as parser:
        parser._command = (sys.executable, "-c", "import time; time.sleep(60)")  # type: ignore[assignment]
        task = asyncio.create_task(parser.parse(rss(GOOD), url=URL))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pids(parser) == []


@pytest.mark.parametrize("answer", [b"[]", b"{}", b"nonsense", b'{"feed": {"ttl": null, "entries": [1]}}'])
async def test_a_child_that_answers_nonsense_is_replaced(answer: bytes):
    program = (
        "import sys; w = sys.stdout.buffer\n"
        "def send(b): w.write(len(b).to_bytes(4, 'big') + b); w.flush()\n"
        f"send(b'{{}}'); sys.stdin.buffer.read(4); send({answer!r}); sys.stdin.buffer.read()"
    )
    async with Parser() as parser:
        assert "could not be parsed" in await start_instead(parser, sys.executable, "-c", program)
        assert pids(parser) == []


# ── the child's side ──────────────────────────────────────────────────────────────────────────────


def served(*frames: bytes, code: int = 0) -> list[dict[str, object]]:
    sink, calls = io.BytesIO(), []
    assert parser_child.serve(io.BytesIO(b"".join(frames)), sink, before_each=lambda: calls.append(1)) == code
    sink.seek(0)
    answers = []
    while (payload := wire.read_frame(sink)) is not None:
        answers.append(json.loads(payload))
    assert answers.pop(0) == {"ready": True}
    assert len(calls) == len(answers)
    return answers


def request(body: bytes) -> bytes:
    return wire.frame_of({"url": URL, "content_type": "", "max_entries": 500}) + wire.frame(body)


def test_the_child_answers_each_request_in_turn():
    good, bad = served(request(rss(GOOD)), request(b"<html>"))
    assert wire.unpacked(good["feed"]) == parsed(rss(GOOD))  # type: ignore[arg-type]
    assert bad == {"error": "not a feed: an HTML page", "killed": False}


def test_the_child_stops_where_its_input_breaks_off():
    whole = request(rss(GOOD))
    assert len(served(whole, whole[:-1])) == 1
    assert served(whole[:20]) == []
    assert served(whole[:2]) == []
    assert served() == []


def test_the_child_says_that_memory_ran_out_and_leaves(monkeypatch: pytest.MonkeyPatch):
    def greedy(*args: object, **kwargs: object) -> ParsedFeed:
        raise MemoryError

    monkeypatch.setattr(parser_child, "parse_bytes", greedy)
    answers = served(request(b"x"), request(b"y"), code=1)
    assert answers == [{"error": "the feed takes more memory than a feed may", "killed": True}]


def test_each_feed_gets_its_own_processor_time(monkeypatch: pytest.MonkeyPatch):
    calls: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: calls.append((what, limits)))
    parser_child.allow_cpu(5)
    ((what, (soft, hard)),) = calls
    used = resource.getrusage(resource.RUSAGE_SELF)
    assert what == resource.RLIMIT_CPU
    assert used.ru_utime + used.ru_stime <= soft <= used.ru_utime + used.ru_stime + 6
    assert hard == resource.getrlimit(resource.RLIMIT_CPU)[1]


def test_the_child_limits_itself_before_it_serves(monkeypatch: pytest.MonkeyPatch):
    limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", lambda what, pair: limits.update({what: pair}))

    class Stream:
        buffer = io.BytesIO(request(rss(GOOD)))

    class Sink:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdin", Stream)
    monkeypatch.setattr(sys, "stdout", Sink)
    assert parser_child.main(["5", "1000000"]) == 0
    assert limits[resource.RLIMIT_AS] == (1_000_000, 1_000_000)
    assert limits[resource.RLIMIT_CORE] == limits[resource.RLIMIT_FSIZE] == (0, 0)
    assert b"Good" in Sink.buffer.getvalue()


def test_a_feed_survives_the_way_between_processes():
    at = datetime(2025, 11, 24, 7, 40, 0, 123_456, tzinfo=UTC)
    entries = (Entry(id="1", title="ü", url="", published_at=at), Entry(id="2", title="", url=""))
    for feed in (ParsedFeed(), ParsedFeed(title="T", entries=entries, ttl=timedelta(hours=1), warnings=("w",))):
        assert wire.unpacked(json.loads(json.dumps(wire.packed(feed)))) == feed


def test_a_frame_longer_than_any_answer_is_refused():
    with pytest.raises(ValueError, match="4294967295 bytes"):
        wire.frame_length(b"\xff\xff\xff\xff")
