"""Runs `longarm` again and again in forked children of one warmed-up process, and kills them where it is told to.

A script, started by test_whole_crash.py. One JSON object a line comes in and one goes out:

    in    {"args": [...], "log": path, "kill": [file, line, hit] | null, "lines": path | null, "strace": [...] | null}
    out   {"code": exit code, or minus the signal, "orphans": children that outlived it for ten seconds}

`kill`: SIGKILL before the `hit`-th execution of a line. `lines`: write there which lines were executed, in the order of
their first execution, each with how often. `strace`: not a fork, but a fresh process under strace with these options.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PR_SET_CHILD_SUBREAPER = 36  # https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html
WATCHED = tuple(
    str(ROOT / "monitor" / name)
    for name in (
        "poll.py",
        "app.py",
        "wiring.py",
        "store/",
        "telling.py",
        "alerts/deliver.py",
        "alerts/folding.py",
        "alerts/pacing.py",
        "alerts/channels/",
    )
)
START = "import sys; from monitor.cli import main; main(sys.argv[1:])"

WARMING = "The police of one country look for an editor in another"

Line = tuple[str, int]


def warm_up() -> None:
    """Import everything that a run needs and build the tables of names: that is nine tenths of its time."""
    for name in (
        "alembic.command",
        "alembic.runtime.environment",
        "classifiers.relevance",
        "monitor.alerts.channels.telegram",
        "monitor.app",
        "monitor.cli.watching",
    ):
        import_module(name)
    from classifiers import concepts
    from monitor.stories import facts

    concepts.names()
    facts.read(WARMING, "")


def traced(kill: list[Any] | None, counts: dict[Line, int]) -> None:
    """Count the lines of WATCHED that are executed, in all threads; die at the one of `kill`."""
    fatal = (str(ROOT / kill[0]), kill[1]) if kill else None
    hit = kill[2] if kill else 0

    def local(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            line = (frame.f_code.co_filename, frame.f_lineno)
            counts[line] = counts.get(line, 0) + 1
            if line == fatal and counts[line] == hit:
                os.kill(os.getpid(), signal.SIGKILL)
        return local

    def entered(frame: FrameType, _: str, __: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(WATCHED) else None

    threading.settrace(entered)
    sys.settrace(entered)


def child(order: dict[str, Any]) -> int:
    """Be `longarm`."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if order.get("strace"):
        os.execvp("strace", ["strace", *order["strace"], sys.executable, "-c", START, *order["args"]])
    from monitor.cli import main

    counts: dict[Line, int] = {}
    if order.get("kill") or order.get("lines"):
        traced(order.get("kill"), counts)
    try:
        main(order["args"])
    except SystemExit as ended:
        sys.settrace(None)
        if order.get("lines"):
            told = [[str(Path(file).relative_to(ROOT)), line, hits] for (file, line), hits in counts.items()]
            Path(order["lines"]).write_text(json.dumps(told))
        sys.stdout.flush()
        sys.stderr.flush()
        return int(ended.code or 0)
    return 99


def orphans_left(seconds: float = 10.0) -> int:
    """Wait for what the dead child left behind and that was handed to us; how many live on."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 0
        if not ended:
            time.sleep(0.01)
    return 1


def main() -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    warm_up()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 98
            try:
                code = child(order)
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status), "orphans": orphans_left()}), flush=True)


if __name__ == "__main__":
    main()
