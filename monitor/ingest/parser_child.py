"""The parser's own process: takes jobs from standard input, answers on standard output, one after another.

    feed      a feed's bytes -> its entries            page      an article's page -> its text
    links     a web page -> the feeds that it names    robots    a robots.txt -> may this address be asked?

Started by `parser_pool` as `python -m monitor.ingest.parser_child CPU_SECONDS MEMORY_BYTES`. It opens no file and no
connection, and lives under hard limits: memory for good, processor time for each job. A job that breaks the limit on
time ends the process by a signal; one that breaks the limit on memory is answered first.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, BinaryIO

from monitor.errors import ParseError
from monitor.ingest import page, robots, wire
from monitor.ingest.parse import parse_bytes


def main(argv: list[str]) -> int:
    """Serve until standard input ends."""
    cpu_seconds, memory_bytes = int(argv[0]), int(argv[1])
    import feedparser  # noqa: F401, PLC0415 - before the limits, and before the first feed's time is counted

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    return serve(sys.stdin.buffer, sys.stdout.buffer, before_each=lambda: allow_cpu(cpu_seconds))


def allow_cpu(seconds: int) -> None:
    """Let this process use `seconds` more of processor time (whole seconds, as the kernel counts)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = math.ceil(usage.ru_utime + usage.ru_stime)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, hard))


def serve(source: BinaryIO, sink: BinaryIO, *, before_each: Callable[[], None]) -> int:
    """Answer every request of `source`; 0 at its end, 1 when memory ran out and a fresh process should go on."""
    _send(sink, {"ready": True})
    while (header := wire.read_frame(source)) is not None:
        body = wire.read_frame(source)
        if body is None:
            break
        asked = json.loads(header)
        job = asked.pop("job", "feed")
        before_each()
        try:
            _send(sink, _answer(job, asked, body))
        except MemoryError:
            del body
            _send(sink, {"error": f"the {job} takes more memory than a {job} may", "killed": True})
            return 1
    return 0


def _answer(job: str, asked: dict[str, Any], body: bytes) -> dict[str, Any]:
    try:
        return {job: _JOBS[job](body, asked)}
    except ParseError as error:
        said = {"error": str(error), "killed": error.killed}
        return {**said, "page_title": error.page_title} if error.page_title else said


_JOBS: dict[str, Callable[[bytes, dict[str, Any]], Any]] = {
    "feed": lambda body, asked: wire.packed(parse_bytes(body, **asked)),
    "page": lambda body, asked: asdict(page.read_article(body, **asked)),
    "links": lambda body, asked: asdict(page.web_page(body, **asked)),
    "robots": lambda body, asked: robots.allows(body, **asked),
}


def _send(sink: BinaryIO, message: dict[str, Any]) -> None:
    sink.write(wire.frame_of(message))
    sink.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)  # the daemon went away
