"""Writes docs/commands.md from the commands' own help: `python -m tests.commands_page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from monitor.cli import longarm

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
_WIDTH = 100
_HEAD = """# Commands

Exit codes: 0 fine, 1 something failed (said in one line on standard error), 2 wrong use or configuration, 3 another
process holds the state. Results go to standard output, logs to standard error. This page is `longarm COMMAND --help`.
"""


def commands(group: click.Group = longarm, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, command in commands():
        context = click.Context(
            command,
            info_name=f"longarm {name}",
            terminal_width=_WIDTH,
            max_content_width=_WIDTH,
            help_option_names=["-h", "--help"],
        )
        parts.append(f"## longarm {name}\n\n```\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
