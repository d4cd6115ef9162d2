"""The command on cases: the line of events of one affair; and to join two, or take a story out, by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import config_option, emit, json_option, now, read_store, settings, table, write_store
from monitor.errors import LongarmError

if TYPE_CHECKING:
    from monitor.model import Case, Story
    from monitor.store import Store
    from monitor.store.cases import Cases

_NO_HEADLINE = "(headline no longer kept)"


@click.command()
@click.argument("name", nargs=-1, required=True)
@click.option("--merge", metavar="OTHER", help="Join the case OTHER, a name or an id, with the one of NAME.")
@click.option("--split", metavar="STORY", help="Take STORY, the beginning of its id, out of the case: it is one alone.")
@click.option("--undo", is_flag=True, help="Take back the last --merge or --split that touched the case.")
@config_option
@json_option
def case(name: tuple[str, ...], merge: str, split: str, undo: bool, config: Path, as_json: bool) -> None:
    """Show how an affair went on: every story of the case in which NAME is named, by date.

    NAME is a person or an organisation, in any spelling or script, or the id of a case (its first characters). Several
    cases are listed. Which stories are one case is a suggestion: they name the same people and tell the same route.

    Where the suggestion is wrong, --merge joins two cases, and --split takes a story out. Both are noted, kept by
    whatever is grouped later, and taken back by --undo. They need the daemon to be stopped.

    \b
    Examples:
      longarm case Lu Jianwang
      longarm case 卢建旺
      longarm case 3f2a9c --json
      longarm case 3f2a9c --merge 81bb0e
      longarm case 3f2a9c --split c40d17
      longarm case 3f2a9c --undo
    """
    asked = " ".join(" ".join(name).split())
    if not asked:
        raise click.BadParameter("it is empty; a name or the id of a case is expected", param_hint="NAME")
    if sum(map(bool, (merge, split, undo))) > 1:
        raise click.UsageError("--merge, --split and --undo: one at a time")
    loaded = settings(config)
    if merge or split or undo:
        with write_store(loaded) as store:
            shown = _changed(store, asked, merge=merge, split=split)
    with read_store(loaded) as store:
        from monitor.recalling import asked_for  # noqa: PLC0415 - loads the gazetteer
        from monitor.store.cases import Cases  # noqa: PLC0415

        shelf = Cases(store)
        found = shelf.beginning(shown) if merge or split or undo else asked_for(shelf, asked)
        if not found:
            raise LongarmError(_none(shelf, asked))
        stories = store.stories([chapter.story_id for one in found for chapter in one.chapters])
    _tell([_line(one, stories, loaded.tiers) for one in found], asked, as_json=as_json)


def _tell(lines: Sequence[Mapping[str, Any]], asked: str, *, as_json: bool) -> None:
    if as_json:
        for line in lines:
            emit(line)
    elif len(lines) == 1:
        _show(lines[0])
    else:
        _list(asked, lines)


# ── changing ──────────────────────────────────────────────────────────────────────────────────────


def _changed(store: Store, asked: str, *, merge: str, split: str) -> str:
    """Join, split or, with neither, undo; the id of the case to show then.

    Raises:
        LongarmError: what is asked for is no case or several, no story of it, or there is nothing to undo.
    """
    from monitor.store.case_edits import CaseEdits  # noqa: PLC0415
    from monitor.store.cases import Cases  # noqa: PLC0415

    shelf, edits = Cases(store), CaseEdits(store, now())
    one = _only(shelf, asked)
    if merge:
        other = _only(shelf, merge)
        if other.id == one.id:
            raise LongarmError(f"--merge {merge}: that is the case itself; name another, or its id")
        return edits.merge(one, other)
    if not split:
        if not edits.undo(one.id):
            raise LongarmError(f"{one.id[:12]}: nothing was joined or split by hand here that could be undone")
        return one.id
    mine = [chapter.story_id for chapter in one.chapters if chapter.story_id.startswith(split.lower())]
    if len(mine) != 1:
        how_many = "no story" if not mine else f"{len(mine)} stories"
        raise LongarmError(f"--split {split}: {how_many} of the case begins so; `longarm case {one.id[:12]}` shows ids")
    if len(one.chapters) == 1:
        raise LongarmError(f"--split {split}: it is the only story of the case; there is nothing to take it out of")
    return edits.split(one, mine[0])


def _only(shelf: Cases, asked: str) -> Case:
    from monitor.recalling import asked_for  # noqa: PLC0415 - loads the gazetteer

    found = asked_for(shelf, asked)
    if not found:
        raise LongarmError(_none(shelf, asked))
    if len(found) > 1:
        ids = ", ".join(one.id[:12] for one in found[:5])
        raise LongarmError(f"{asked}: {len(found)} cases are named so ({ids}); give the id of one")
    return found[0]


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
