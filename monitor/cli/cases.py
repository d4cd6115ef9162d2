"""The command on cases: the line of events of one affair. Reads the state, changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import config_option, emit, json_option, read_store, settings, table
from monitor.errors import LongarmError

if TYPE_CHECKING:
    from monitor.model import Case, Story
    from monitor.store.cases import Cases

_ID = re.compile(r"[0-9a-fA-F]{6,64}")
_NO_HEADLINE = "(headline no longer kept)"


@click.command()
@click.argument("name", nargs=-1, required=True)
@config_option
@json_option
def case(name: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Show how an affair went on: every story of the case in which NAME is named, by date.

    NAME is a person or an organisation, in any spelling or script, or the id of a case (its first characters). Several
    cases are listed. Which stories are one case is a suggestion: they name the same people and tell the same route.

    \b
    Examples:
      longarm case Lu Jianwang
      longarm case 卢建旺
      longarm case 3f2a9c --json
    """
    asked = " ".join(" ".join(name).split())
    if not asked:
        raise click.BadParameter("it is empty; a name or the id of a case is expected", param_hint="NAME")
    loaded = settings(config)
    with read_store(loaded) as store:
        from monitor.store.cases import Cases  # noqa: PLC0415

        shelf = Cases(store)
        found = _found(shelf, asked)
        if not found:
            raise LongarmError(_none(shelf, asked))
        stories = store.stories([chapter.story_id for one in found for chapter in one.chapters])
    lines = [_line(one, stories, loaded.tiers) for one in found]
    if as_json:
        for line in lines:
            emit(line)
    elif len(lines) == 1:
        _show(lines[0])
    else:
        _list(asked, lines)


# ── finding ───────────────────────────────────────────────────────────────────────────────────────


def _found(shelf: Cases, asked: str) -> tuple[Case, ...]:
    """By id; by whole name; by what the gazetteer calls it; by a part of a name."""
    from monitor.stories import cases, facts  # noqa: PLC0415 - loads the gazetteer

    if _ID.fullmatch(asked) and (by_id := shelf.beginning(asked)):
        return by_id
    read = facts.read(asked, "")
    whole = (asked, *read.people, *read.organisations)
    found = shelf.naming([key for one in whole for key in cases.keys(one)])
    sure = tuple(one for one in found if any(_names(one, spelled) for spelled in whole))
    if sure:
        return sure
    parts = [key for key, name in shelf.names() if cases.part_of(asked, name)]
    return shelf.naming(parts) if parts else ()


def _names(one: Case, asked: str) -> bool:
    from monitor.stories import cases  # noqa: PLC0415

    people = {name for chapter in one.chapters for name in (*cases.names(chapter), *chapter.bystanders)}
    organisations = {name.casefold() for chapter in one.chapters for name in chapter.organisations}
    return asked.casefold() in organisations or any(cases.same_person(asked, name) for name in people)


def _none(shelf: Cases, asked: str) -> str:
    from monitor.stories import cases  # noqa: PLC0415
    from monitor.text import clean_line  # noqa: PLC0415

    near = cases.nearest(asked, [name for _, name in shelf.names()])
    mend = f"nearest names: {', '.join(near)}" if near else "`longarm search` finds words in articles"
    return f"{clean_line(asked, 100)}: no case names anybody so; {mend}"


# ── showing ───────────────────────────────────────────────────────────────────────────────────────


def _line(one: Case, stories: Mapping[str, Story], tiers: Any) -> dict[str, Any]:
    from monitor.alerts.render import voice  # noqa: PLC0415
    from monitor.compose import source_name  # noqa: PLC0415
    from monitor.stories import cases  # noqa: PLC0415

    told = []
    for chapter in one.chapters:
        story = stories.get(chapter.story_id)
        says = voice(story, tiers) if story else None
        told.append(
            {
                "date": f"{chapter.at:%Y-%m-%d}",
                "stage": story.facts.stage if story else chapter.stage,
                "origin": chapter.origin_states,
                "host": chapter.host_states,
                "headline": says.title if says else "",
                "source": source_name("", says.feed_name, url=says.feed) if says else "",
                "url": says.url if says else "",
                "story": chapter.story_id,
                "articles": len(story.members) if story else 0,
            }
        )
    return {
        "case": one.id,
        "people": [{"name": names[0], "also": _also(names, one, stories)} for names in cases.spellings(one)],
        "organisations": list(dict.fromkeys(name for chapter in one.chapters for name in chapter.organisations)),
        "since": one.chapters[0].at.year,
        "line": one.line,
        "stories": told,
    }


def _also(names: Sequence[str], one: Case, stories: Mapping[str, Story]) -> list[str]:
    """Other spellings of a person: those that facts kept, and those that stand in the texts."""
    spelled = dict.fromkeys(names[1:])
    for chapter in one.chapters:
        for proof in stories[chapter.story_id].facts.evidence if chapter.story_id in stories else ():
            if proof.fact == "people" and proof.value in names and proof.words:
                spelled.setdefault(proof.words)
    return [name for name in spelled if name != names[0]]


def _show(line: Mapping[str, Any]) -> None:
    from monitor.text import clean_line  # noqa: PLC0415

    people = ", ".join(one["name"] for one in line["people"]) or "nobody by name"
    count = len(line["stories"])
    table(
        clean_line(f"Case {line['case'][:12]}: {people}, {count} report{'s' * (count > 1)} since {line['since']}", 300),
        ("date", "stage", "route", "headline", "source", "link", "story"),
        [
            (
                told["date"],
                told["stage"],
                _route(told),
                told["headline"] or _NO_HEADLINE,
                told["source"],
                told["url"],
                told["story"][:12],
            )
            for told in line["stories"]
        ],
    )
    also = [f"{one['name']} = {'; '.join(one['also'])}" for one in line["people"] if one["also"]]
    for title, said in (
        ("Stages", line["line"]),
        ("Also written", " · ".join(also)),
        ("Organisations", ", ".join(line["organisations"])),
    ):
        if said:
            click.echo(f"{title}: {clean_line(said, 500)}")


def _route(told: Mapping[str, Any]) -> str:
    origin, host = ", ".join(told["origin"]), ", ".join(told["host"])
    return f"{origin or '?'} → {host or '?'}" if origin or host else ""


def _list(asked: str, lines: Sequence[Mapping[str, Any]]) -> None:
    table(
        f"{len(lines)} cases name “{asked}”; `longarm case ID` shows one",
        ("case", "people", "reports", "since", "last", "stages"),
        [
            (
                line["case"][:12],
                ", ".join(one["name"] for one in line["people"][:4]),
                len(line["stories"]),
                line["since"],
                line["stories"][-1]["date"],
                line["line"],
            )
            for line in lines
        ],
    )
