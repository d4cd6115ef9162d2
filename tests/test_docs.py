"""The pages say what is there: commands, links, make targets."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from tests.commands_page import PAGE, commands, page

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "classifiers").rglob("*.md")]
)


def test_the_page_of_commands_is_that_of_the_commands() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: .venv/bin/python -m tests.commands_page"


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_shows_an_example_and_describes_its_options(name: str, command: click.Command) -> None:
    assert command.help is not None
    assert "Example" in command.help
    assert f"longarm {name}" in command.help or isinstance(command, click.Group)
    for option in command.params:
        if isinstance(option, click.Option) and option.type.name == "path":
            assert option.help, f"{name} {option.opts[0]} says nothing of itself"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "design").glob("*.md")), ids=lambda path: path.name)
def test_a_design_page_asks_a_question(path: Path) -> None:
    assert re.match(r"# .+\?\n", path.read_text(encoding="utf-8"))


def test_every_make_target_that_pages_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in PAGES:
        named = set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE))
        assert {a or b for a, b in named} <= targets, path.name
