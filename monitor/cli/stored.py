"""Commands on what is stored: feeds, replay, export, label, search."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from monitor.cli.common import (
    Since,
    Threshold,
    ago,
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


@click.group()
def feeds() -> None:
    """List and check the feeds of feeds.toml.

    \b
    Example:
      longarm feeds list
    """


@feeds.command("list")
@config_option
@json_option
@click.option("--sort", type=click.Choice(["name", "failures", "newest", "next"]), default="name", show_default=True)
def feeds_list(config: Path, as_json: bool, sort: str) -> None:
    """Show each feed's health: last success, newest article, errors in words, next poll.

    \b
    Example:
      longarm feeds list --sort failures
    """
    loaded = settings(config)
    moment = now()
    with read_store(loaded) as store:
        states = {state.url: state for state in store.feed_states()}
    rows = [_feed_row(feed, states.get(feed.url)) for feed in loaded.feeds]
    rows.sort(key=_ORDERS[sort])
    if as_json:
        for row in rows:
            emit({key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()})
        return
    table(
        f"{len(rows)} feeds",
        ("feed", "state", "last success", "newest", "next poll", "what is wrong"),
        [
            (
                row["name"],
                row["state"],
                ago(row["succeeded_at"], moment),
                ago(row["newest_at"], moment),
                ago(row["next_poll_at"], moment),
                row["error"],
            )
            for row in rows
        ],
    )


_ORDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "name": lambda row: row["name"].casefold(),
    "failures": lambda row: -row["failures"],
    "newest": lambda row: row["newest_at"].isoformat() if row["newest_at"] else "",
    "next": lambda row: row["next_poll_at"].isoformat() if row["next_poll_at"] else "",
}


def _feed_row(feed: Any, state: Any) -> dict[str, Any]:
    from monitor.log import redacted_url  # noqa: PLC0415

    url = redacted_url(feed.url)
    if state is None or state.polled_at is None:
        word = "not polled yet"
    else:
        word = f"failing ({state.failures}x)" if state.failures else "fine"
    return {
        "name": feed.name or (state.title if state else "") or url,
        "url": url,
        "state": word if feed.enabled else "disabled",
        "failures": state.failures if state else 0,
        "error": state.error if state else "",
        "succeeded_at": state.succeeded_at if state else None,
        "newest_at": state.newest_at if state else None,
        "next_poll_at": state.next_poll_at if state and feed.enabled else None,
        "moved_to": redacted_url(state.moved_to) if state and state.moved_to else "",
    }


@feeds.command("check")
@click.argument("url", required=False)
@config_option
@json_option
def feeds_check(url: str | None, config: Path, as_json: bool) -> int:
    """Ask feeds now and say what they give: address, format, newest article, what is wrong. Stores nothing.

    \b
    Example:
      longarm feeds check https://example.org/feed.xml
    """
    from monitor.model import Feed  # noqa: PLC0415

    loaded = settings(config)
    chosen = [Feed(url=url)] if url else [feed for feed in loaded.feeds if feed.enabled]
    rows = asyncio.run(_check(loaded, chosen))
    if as_json:
        for row in rows:
            emit(row)
    else:
        table(
            f"{len(rows)} feeds asked",
            ("feed", "answer", "format", "entries", "newest", "sample"),
            [[row[key] for key in ("url", "answer", "format", "entries", "newest", "sample")] for row in rows],
        )
    return 1 if any(row["failed"] for row in rows) else 0


async def _check(loaded: Any, chosen: list[Any]) -> list[dict[str, Any]]:
    from monitor.errors import FetchError, ParseError  # noqa: PLC0415
    from monitor.ingest.fetch import Fetcher  # noqa: PLC0415
    from monitor.ingest.guard import Guard  # noqa: PLC0415
    from monitor.ingest.parse import Parser  # noqa: PLC0415
    from monitor.log import redacted_url  # noqa: PLC0415
    from monitor.model import FeedState, NotModified  # noqa: PLC0415

    rows = []
    guard = Guard(loaded.allow)
    async with (
        Parser() as parser,
        Fetcher(guard, user_agent=loaded.user_agent, proxy=loaded.proxy) as fetcher,
    ):
        async for feed, _, answer in fetcher.many([(feed, FeedState(url=feed.url), True) for feed in chosen]):
            row: dict[str, Any] = dict.fromkeys(("format", "entries", "newest", "sample"), "")
            row |= {"url": redacted_url(feed.url), "answer": "fine", "failed": False}
            try:
                if isinstance(answer, FetchError):
                    raise answer
                if isinstance(answer, NotModified):
                    raise ParseError("answered 304 though nothing was known of it")
                parsed = await parser.parse(answer.body, url=answer.url, content_type=answer.content_type)
            except (FetchError, ParseError) as error:
                rows.append(row | {"answer": str(error), "failed": True})
                continue
            newest = max((entry.published_at for entry in parsed.entries if entry.published_at), default=None)
            moved = f"; moved to {redacted_url(answer.permanent_url)}" if answer.permanent_url else ""
            rows.append(
                row
                | {
                    "answer": "; ".join(("fine" + moved, *parsed.warnings)),
                    "format": parsed.format,
                    "entries": len(parsed.entries),
                    "newest": newest.isoformat() if newest else "no dates",
                    "sample": parsed.entries[0].title if parsed.entries else "",
                }
            )
    return rows


@click.command()
@config_option
@json_option
@click.option("--since", type=Since(), default="30d", show_default=True)
@click.option("--alert-at", type=Threshold(), help="As if alert_at were this.")
def replay(config: Path, as_json: bool, since: datetime, alert_at: float | None) -> None:
    """Take stored articles through scoring and grouping again: what would have been alerted, what would differ?

    \b
    Example:
      longarm replay --since 30d --alert-at 0.7
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
        for row in report.rows:
            emit(row.as_dict())
        return
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
    for merge in report.merges:
        click.echo(f"joined: {merge}")


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
