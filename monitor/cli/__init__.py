"""The doors: every command of `longarm`.

Exit codes: 0 fine; 1 something failed; 2 wrong use or configuration; 3 another process holds the state. What failed is
said on standard error in one line, never as a traceback. Results go to standard output, logs to standard error.
Heavy libraries are imported inside the commands that need them, so that `longarm --help` is quick.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import click

from monitor.errors import AlreadyRunning, ConfigError, LongarmError

_COMMANDS = {
    "run": "watching:run",
    "demo": "watching:demo",
    "digest": "watching:digest",
    "status": "watching:status",
    "doctor": "watching:doctor",
    "channels": "watching:channels",
    "score": "texts:score",
    "group": "texts:group",
    "parse": "texts:parse",
    "explain": "texts:explain",
    "train": "texts:train",
    "evaluate": "texts:evaluate",
    "feeds": "feeds:feeds",
    "replay": "stored:replay",
    "export": "stored:export",
    "public": "publishing:public",
    "label": "stored:label",
    "redact": "redacting:redact",
    "search": "stored:search",
    "web": "web:web",
    "case": "cases:case",
}
_SHORT = {
    "run": "Poll, score, alert: the daemon.",
    "demo": "A week of sample news in fast-forward.",
    "digest": "Show a week's digest.",
    "status": "How the watch is doing.",
    "doctor": "Check the set-up and say what to do.",
    "channels": "List, test, resume channels.",
    "score": "Score texts (JSON Lines in and out).",
    "group": "Group texts into stories (JSON Lines).",
    "parse": "Parse feeds into JSON Lines.",
    "explain": "Why does a text score as it does?",
    "train": "Learn the relevance model.",
    "evaluate": "Measure the relevance model.",
    "feeds": "List, check, add, import feeds.",
    "replay": "What would have been alerted?",
    "export": "Everything stored, as JSON Lines or CSV.",
    "public": "Write the public feeds.",
    "label": "Judge an article.",
    "redact": "Withdraw a story that was told.",
    "search": "Find stored articles.",
    "web": "Serve the review pages.",
    "case": "Show how an affair went on, by date.",
}


_CYCLES = (10_000, 10, 10)


class _Doors(click.Group):
    """Loads a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(import_module(f"monitor.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader that went away is no failure, as it is to Click."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return _reader_gone()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_SHORT.items()))


@click.group(cls=_Doors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="longarm")
def longarm() -> None:
    """Watch the news for the long arm of the state.

    \b
    Examples:
      longarm demo                     see it at work
      longarm run                      start the daemon on feeds.toml
      longarm doctor                   check configuration, state and channels
      longarm digest --week 2026-W47   read a week
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with the exit code."""
    # The tables of names are 200,000 objects without a cycle: to walk through them while they grow, and once more
    # at the end, took a second of each start.
    gc.set_threshold(*_CYCLES)
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without a letter must not stop a digest; into files and pipes everything goes, as UTF-8.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
    sys.exit(exit_code(lambda: longarm.main(args=arguments, standalone_mode=False)))


def exit_code(command: Callable[[], object]) -> int:
    """Run `command`; say in one line what failed; return the exit code."""
    try:
        result = command()
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("stopped")
        return 130
    except ConfigError as error:
        for problem in error.problems:
            _say(problem)
        return 2
    except AlreadyRunning as error:
        _say(str(error))
        return 3
    except LongarmError as error:
        _say(str(error))
        return 1
    except BrokenPipeError:
        return _reader_gone()
    except OSError as error:
        _say(f"{error.filename or 'system'}: {error.strerror or error}")
        return 1
    except Exception as error:
        _say(f"this is a bug in Longarm: {type(error).__name__} (set LONGARM_TRACE=1 to see where)")
        if os.environ.get("LONGARM_TRACE"):
            raise
        return 1
    return result if isinstance(result, int) else 0


def _reader_gone() -> int:
    """Of `longarm export articles | head` nothing failed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _say(line: str) -> None:
    from monitor import log  # noqa: PLC0415

    click.echo(f"longarm: {log.escaped(log.redacted(' '.join(line.split())))}", err=True)
