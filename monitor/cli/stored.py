"""Commands on what is stored: replay, export, label, search."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import (
    Since,
    Threshold,
    config_option,
    emit,
    json_option,
    now,
    read_store,
    settings,
    table,
    write_store,
)
from monitor.errors import LongarmError

if TYPE_CHECKING:
    from monitor.replay import Report


@click.command()
@config_option
@json_option
@click.option("--since", type=Since(), default="30d", show_default=True)
@click.option("--alert-at", type=Threshold(), help="As if alert_at were this.")
@click.option("--merges", "only_merges", is_flag=True, help="Only which articles joined a story, and by what evidence.")
def replay(config: Path, as_json: bool, since: datetime, alert_at: float | None, only_merges: bool) -> None:
    """Take stored articles through scoring and grouping again: what would have been alerted, what would differ?

    \b
    Example:
      longarm replay --since 30d --alert-at 0.7
      longarm replay --since 7d --merges
    """
    from dataclasses import replace  # noqa: PLC0415

    from monitor import replay as replaying  # noqa: PLC0415
    from monitor.alerts.policy import Rules  # noqa: PLC0415
    from monitor.app import load_classifier  # noqa: PLC0415

    loaded = settings(config)
    rules = Rules(alert_at=loaded.alert_at, digest_at=loaded.digest_at)
    if alert_at is not None:
        rules = replace(rules, alert_at=alert_at, digest_at=min(rules.digest_at, alert_at))
    with read_store(loaded) as store:
        report = replaying.replay(
            store,
            load_classifier(loaded),
            feeds={feed.url: feed for feed in loaded.feeds},
            rules=rules,
            since=since,
        )
    if as_json:
        for row in report.merges if only_merges else report.rows:
            emit(row.as_dict())
        return
    if not only_merges:
        _show_changes(report, since)
    table(
        f"{len(report.merges)} articles would join a story",
        ("article", "title", "story's first title", "evidence"),
        [(merge.id[:12], merge.title, merge.lead, merge.evidence) for merge in report.merges],
    )


def _show_changes(report: Report, since: datetime) -> None:
    changed = [row for row in report.rows if row.was != row.would]
    table(
        f"{report.articles} articles since {since:%Y-%m-%d}: {report.alerts} stories would be alerted, "
        f"{len(changed)} articles differ",
        ("article", "score then", "now", "verdict then", "now", "title"),
        [
            (row.id[:12], f"{row.score_was:.2f}", f"{row.score_would:.2f}", row.was, row.would, row.title)
            for row in changed
        ],
    )


@click.command()
@click.argument("kind", type=click.Choice(["articles", "stories", "deliveries", "labels"]))
@config_option
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--since", type=Since(), help="Only what came since, e.g. 30d or 2026-11-01.")
def export(kind: str, config: Path, form: str, since: datetime | None) -> None:
    """Write everything stored, with stable ids, to standard output.

    \b
    Example:
      longarm export articles --since 30d --format csv > articles.csv
    """
    with read_store(settings(config)) as store:
        rows = store.export(kind, since=since)
        if form == "csv":
            _as_csv(rows)
        else:
            for row in rows:
                emit(row)


def _as_csv(rows: Iterable[dict[str, Any]]) -> None:
    writer = None
    for row in rows:
        cells = {key: _cell(value) for key, value in row.items()}
        if writer is None:
            writer = csv.DictWriter(sys.stdout, fieldnames=list(cells), lineterminator="\n")
            writer.writeheader()
        writer.writerow(cells)


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@click.command()
@click.argument("article")
@click.argument("value", type=click.Choice(["relevant", "not-relevant", "unsure", "wrong-code"]))
@config_option
@click.option("--rater", required=True, help="Who says so.")
@click.option("--codes", default="", help="The right codes, separated by commas.")
@click.option("--note", default="")
def label(article: str, value: str, config: Path, rater: str, codes: str, note: str) -> None:
    """Record what a person says of an article (its id, or the first characters of it). The newest of a rater counts.

    \b
    Example:
      longarm label 3f2a9c relevant --rater ana
    """
    from monitor.model import Label, LabelValue  # noqa: PLC0415

    named = tuple(code.strip() for code in codes.split(",") if code.strip())
    with write_store(settings(config)) as store:
        matches = store.article_ids(article)
        if len(matches) != 1:
            found = "no article has" if not matches else f"{len(matches)} articles have"
            raise LongarmError(f"{article}: {found} this id; `longarm search` and `longarm export articles` show ids")
        store.add_label(
            Label(article_id=matches[0], rater=rater, value=LabelValue(value), codes=named, note=note, at=now())
        )
    click.echo(f"{matches[0]}: {value} ({rater})")


@click.command()
@click.argument("words", nargs=-1, required=True)
@config_option
@json_option
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def search(words: tuple[str, ...], config: Path, as_json: bool, limit: int) -> None:
    """Find stored articles that hold all WORDS in title or summary, newest first.

    \b
    Example:
      longarm search Nairobi abducted
    """
    with read_store(settings(config)) as store:
        rows = store.search(words, limit=limit)
    if as_json:
        for row in rows:
            emit(row)
        return
    table(
        f"{len(rows)} articles",
        ("id", "published", "score", "verdict", "title"),
        [
            (row["id"][:12], str(row["published"] or "")[:10], row["score"], row["verdict"], row["title"])
            for row in rows
        ],
    )
