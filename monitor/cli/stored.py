"""Commands on what is stored: replay, export, label, search."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator
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
from monitor.sheets import cell

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.model import Label
    from monitor.replay import Report
    from monitor.store import Store


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
@click.argument("kind", type=click.Choice(["articles", "stories", "incidents", "deliveries", "labels"]))
@config_option
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--since", type=Since(), help="Only what came since, e.g. 30d or 2026-11-01.")
def export(kind: str, config: Path, form: str, since: datetime | None) -> None:
    """Write everything stored, with stable ids, to standard output. Stories are also written as records of incidents.

    \b
    Example:
      longarm export articles --since 30d --format csv > articles.csv
      longarm export incidents --since 30d --format csv > incidents.csv
    """
    loaded = settings(config)
    with read_store(loaded) as store:
        rows = _incidents(loaded, store, since) if kind == "incidents" else store.export(kind, since=since)
        if form == "csv":
            _as_csv(rows)
        else:
            for row in rows:
                emit(row)


_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202d\u202e]+")
"""What would drive the terminal that a file is looked at in, or turn a line around."""


def _incidents(loaded: Settings, store: Store, since: datetime | None) -> Iterator[dict[str, Any]]:
    from monitor.compose import source_name  # noqa: PLC0415
    from monitor.incidents import Reader, records  # noqa: PLC0415

    names = {feed.url: feed.name for feed in loaded.feeds}
    said: dict[str, list[Label]] = {}
    for label in store.labels():
        said.setdefault(label.article_id, []).append(label)
    reader = Reader(
        alert_at=loaded.alert_at,
        band=loaded.bot.near_band,
        tiers=loaded.tiers,
        feed_name=lambda url, title: source_name(names.get(url, ""), title, url=url),
    )
    return records(store, (line["id"] for line in store.export("stories", since=since)), reader, said)


def _as_csv(rows: Iterable[dict[str, Any]]) -> None:
    writer = None
    for row in rows:
        cells = {key: _CONTROLS.sub(" ", cell(value)) for key, value in row.items()}
        if writer is None:
            writer = csv.DictWriter(sys.stdout, fieldnames=list(cells), lineterminator="\n")
            writer.writeheader()
        writer.writerow(cells)


@click.command()
@click.argument("article")
@click.argument("value", type=click.Choice(["relevant", "not-relevant", "unsure", "wrong-code", "withdrawn"]))
@config_option
@click.option("--rater", required=True, help="Who says so.")
@click.option("--codes", default="", help="The right codes, separated by commas.")
@click.option("--note", default="")
def label(article: str, value: str, config: Path, rater: str, codes: str, note: str) -> None:
    """Record what a person says of an article (its id, or the first characters of it). The newest of a rater counts.

    "withdrawn" takes back what the rater said. To withdraw a story that was told: longarm redact

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
@click.option("--language", default="", help="Only articles in this language, e.g. zh or zh-Hant.")
@click.option("--code", default="", help="Only articles with this code, e.g. forced-return.")
@click.option("--origin", default="", help="Only of stories that begin in this state, e.g. RU.")
@click.option("--host", default="", help="Only of stories that happen in this state, e.g. GB.")
@click.option("--since", type=Since(), help="Only what came since, e.g. 30d or 2026-11-01.")
def search(
    words: tuple[str, ...],
    config: Path,
    as_json: bool,
    limit: int,
    language: str,
    code: str,
    origin: str,
    host: str,
    since: datetime | None,
) -> None:
    """Find stored articles that hold all WORDS in title or summary, newest first.

    A word is found by its beginning, whatever its case and accents; writing without spaces anywhere in a text.

    \b
    Example:
      longarm search Nairobi abducted
      longarm search 跨国镇压 --since 30d
    """
    from monitor.store.searching import Wish  # noqa: PLC0415

    among = Wish(language=language, code=code, origin=origin.upper(), host=host.upper(), since=since)
    with read_store(settings(config)) as store:
        rows = store.search(words, limit=limit, among=among)
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
