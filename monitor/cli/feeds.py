"""Commands that look at feeds: list, check, preview. None of them changes anything; `subscribing` has those that do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import subscribing
from monitor.cli.asking import address, asking, echo
from monitor.cli.common import ago, config_option, emit, json_option, now, read_store, settings, table
from monitor.errors import LongarmError, NoStateYet

if TYPE_CHECKING:
    from classifiers import Classifier
    from monitor.config import Settings
    from monitor.ingest.discover import Probe
    from monitor.model import Feed, FeedState, FeedTally, ParsedFeed

TALLIED = timedelta(days=30)
"""Over so long a time rhythm and hits are counted."""

_SAMPLE = 3
_LAST = "9999"


@click.group()
def feeds() -> None:
    """List, check, try out and change the feeds of feeds.toml.

    \b
    Example:
      longarm feeds list
    """


for _command in (subscribing.add, subscribing.take_in, subscribing.give_out):
    feeds.add_command(_command)


# ── list ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One feed as `feeds list` shows it. `per_day` and `hits` are None while there is too little to go by.

    `blind`: what is wrong with it though it answers, in words.
    """

    name: str
    url: str
    state: str
    failures: int = 0
    error: str = ""
    blind: tuple[str, ...] = ()
    succeeded_at: datetime | None = None
    newest_at: datetime | None = None
    next_poll_at: datetime | None = None
    per_day: float | None = None
    articles: int = 0
    alerts: int = 0
    hits: float | None = None
    moved_to: str = ""
    note: str = ""


_ORDERS: dict[str, Callable[[Health], Any]] = {
    "name": lambda row: row.name.casefold(),
    "next": lambda row: row.next_poll_at.isoformat() if row.next_poll_at else _LAST,
    "newest": lambda row: row.newest_at.isoformat() if row.newest_at else "",
    "errors": lambda row: (-row.failures, not row.blind, row.name.casefold()),
    "hits": lambda row: (-(row.hits if row.hits is not None else -1.0), -row.alerts, row.name.casefold()),
}


@feeds.command("list")
@config_option
@json_option
@click.option(
    "--sort",
    type=click.Choice(list(_ORDERS)),
    default="name",
    show_default=True,
    help="By name; next poll, soonest first; newest article, oldest first; what is wrong; share of alerts.",
)
def feeds_list(config: Path, as_json: bool, sort: str) -> None:
    """Show each feed's health: last success, newest article, rhythm, share of alerts, errors, next poll.

    Rhythm and hits are of the last 30 days: articles a day, and how many of the articles were alerts. A feed that
    answers can be blind all the same: silent, stale, empty, of another form or language, without hits, or not to be
    believed about what is new (validators). What that means, and the mend, is in: longarm status

    \b
    Example:
      longarm feeds list --sort errors
    """
    loaded = settings(config)
    moment = now()
    states: dict[str, FeedState] = {}
    tallies: dict[str, FeedTally] = {}
    with contextlib.suppress(NoStateYet), read_store(loaded) as store:  # before the first run there is nothing to read
        states = {state.url: state for state in store.feed_states()}
        tallies = {tally.url: tally for tally in store.feed_tallies(moment - TALLIED)}
    rows = [_health(feed, states.get(feed.url), tallies.get(feed.url), moment) for feed in loaded.feeds]
    rows.sort(key=_ORDERS[sort])
    if as_json:
        for row in rows:
            emit({key: at.isoformat() if isinstance(at, datetime) else at for key, at in asdict(row).items()})
        return
    table(
        f"{len(rows)} feeds" + ("" if states else "; none was polled yet: longarm run begins"),
        ("feed", "state", "last success", "newest", "a day", "hits", "next poll", "what is wrong"),
        [
            (
                row.name,
                row.state,
                ago(row.succeeded_at, moment),
                ago(row.newest_at, moment),
                "" if row.per_day is None else f"{row.per_day:.1f}",
                f"{row.alerts} of {row.articles}" if row.articles else "",
                ago(row.next_poll_at, moment),
                row.error
                or "; ".join(row.blind)
                or (f"has moved to {row.moved_to}" if row.moved_to else "")
                or row.note,
            )
            for row in rows
        ],
    )


def _health(feed: Feed, state: FeedState | None, tally: FeedTally | None, moment: datetime) -> Health:
    from monitor.health import standing  # noqa: PLC0415
    from monitor.log import redacted_url  # noqa: PLC0415

    url = redacted_url(feed.url)
    if state is None:
        unknown = "not polled yet" if feed.enabled else "disabled"
        return Health(name=feed.name or url, url=url, state=unknown, note=feed.note)
    wrong = standing(state)
    answers = wrong[0].kind.value if wrong else "fine"
    polled = f"failing ({state.failures}x)" if state.failures else answers if state.polled_at else "not polled yet"
    articles, alerts = (tally.articles, tally.alerts) if tally else (0, 0)
    watched = min(TALLIED, moment - state.baselined_at) if state.baselined_at else timedelta(0)
    return Health(
        name=feed.name or state.title or url,
        url=url,
        state=polled if feed.enabled else "disabled",
        failures=state.failures,
        error=state.error,
        blind=tuple(one.words for one in wrong),
        succeeded_at=state.succeeded_at,
        newest_at=state.newest_at,
        next_poll_at=state.next_poll_at if feed.enabled else None,
        per_day=round(articles / (watched / timedelta(days=1)), 2) if watched >= timedelta(days=1) else None,
        articles=articles,
        alerts=alerts,
        hits=round(alerts / articles, 4) if articles else None,
        moved_to=redacted_url(state.moved_to) if state.moved_to else "",
        note=feed.note,
    )


# ── check ─────────────────────────────────────────────────────────────────────────────────────────


@feeds.command("check")
@click.argument("url", required=False)
@config_option
@json_option
def feeds_check(url: str | None, config: Path, as_json: bool) -> int:
    """Ask feeds now and say what they give: address, format, newest article, what is wrong and how to mend it.

    Without URL every enabled feed is asked, many at once, a line each. Nothing is stored. Ends with 1 if one fails.

    \b
    Example:
      longarm feeds check https://example.org/feed.xml
    """
    from monitor.model import Feed  # noqa: PLC0415

    loaded = settings(config)
    known = {feed.url: feed for feed in loaded.feeds}
    chosen = [known.get(url, Feed(url=address(url)))] if url else [f for f in loaded.feeds if f.enabled]
    return asyncio.run(_check(loaded, chosen, as_json=as_json, whole=url is not None))


async def _check(loaded: Settings, chosen: Sequence[Feed], *, as_json: bool, whole: bool) -> int:
    from monitor.app import load_classifier  # noqa: PLC0415
    from monitor.ingest.discover import probes  # noqa: PLC0415

    classifier, moment, failed = load_classifier(loaded), now(), 0
    names = {feed.url: feed.name for feed in chosen}
    async with asking(loaded) as (fetcher, parser):
        async for found in probes(fetcher, parser, chosen, now=moment):
            failed += bool(found.problem)
            row = _checked(found, names[found.url], classifier)
            if as_json:
                emit(row)
            else:
                for line in _told(row, moment, whole=whole):
                    echo(line)
    return 1 if failed else 0


def _checked(found: Probe, name: str, classifier: Classifier) -> dict[str, Any]:
    """A probe as a line of JSON; addresses without what may be secret in them."""
    from monitor.log import redacted_url  # noqa: PLC0415

    return {
        "url": redacted_url(found.url),
        "name": name or (found.parsed.title if found.parsed else found.page.title),
        "failed": bool(found.problem),
        "answer": found.problem or "; ".join(("fine", *found.doubts)),
        "mend": found.mend,
        "found_at": redacted_url(found.found_at) if found.found_at not in ("", found.url) else "",
        "moved_to": redacted_url(found.moved_to),
        "format": found.parsed.format if found.parsed else "",
        "entries": len(found.parsed.entries) if found.parsed else 0,
        "newest": found.newest_at.isoformat() if found.newest_at else "",
        "sample": _sample(found.parsed, classifier) if found.parsed else [],
    }


def _sample(parsed: ParsedFeed, classifier: Classifier) -> list[dict[str, Any]]:
    """The titles that score highest."""
    from classifiers import Text  # noqa: PLC0415

    texts = [Text(title=e.title, summary=e.summary, text=e.text, language=e.language) for e in parsed.entries]
    scored = zip(classifier.score(texts) if texts else (), parsed.entries, strict=True)
    rows: list[dict[str, Any]] = [{"score": round(score.value, 2), "title": entry.title} for score, entry in scored]
    return sorted(rows, key=lambda row: -row["score"])[:_SAMPLE]


def _told(row: dict[str, Any], moment: datetime, *, whole: bool) -> Iterable[str]:
    """A check for people: one line, or with `whole` all that is known."""
    newest = ago(datetime.fromisoformat(row["newest"]), moment) + " old" if row["newest"] else "no dates"
    gave = f"{row['format']}, {row['entries']} entries, newest {newest}" if row["format"] else ""
    mend = f" -> {row['mend']}" if row["mend"] else ""
    if not whole:
        mark = "FAILS" if row["failed"] else "fine " if row["answer"] == "fine" else "look "
        said = "" if row["answer"] == "fine" else row["answer"].removeprefix("fine; ")
        yield (f"{mark}  {row['name'] or row['url']}: " + "; ".join(part for part in (gave, said) if part) + mend)
        return
    facts = (
        ("address", row["url"]),
        ("name", row["name"]),
        ("found at", row["found_at"]),
        ("moved to", row["moved_to"]),
        ("answer", row["answer"]),
        ("gives", gave),
        ("to mend", row["mend"]),
        *(("sample", f"{item['score']:.2f}  {item['title']}") for item in row["sample"]),
    )
    yield from (f"{name:<9} {value}" for name, value in facts if value)


# ── preview ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """What would be done with one article that a feed shows now."""

    feed: str
    score: float
    verdict: str
    rule: str
    reasons: tuple[str, ...]
    published: str
    title: str
    url: str


@feeds.command("preview")
@click.argument("feed", required=False, metavar="[URL|NAME]")
@config_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Show what would be dropped, too.")
def feeds_preview(feed: str | None, config: Path, as_json: bool, everything: bool) -> int:
    """Say what the present settings would alert of what a feed shows now: score, verdict, reasons.

    Takes the address or name of a feed, also of one that is not in the file; without it, every enabled feed. All
    articles count as new. Nothing is recorded, nobody is told.

    \b
    Example:
      longarm feeds preview https://example.org/feed.xml
    """
    loaded = settings(config)
    chosen = [_chosen(loaded, feed)] if feed else [one for one in loaded.feeds if one.enabled]
    rows, problems = asyncio.run(_preview(loaded, chosen))
    rows.sort(key=lambda row: -row.score)
    kept = [row for row in rows if everything or row.verdict != "drop"]
    if as_json:
        for row in kept:
            emit(asdict(row))
    else:
        counts = ", ".join(f"{sum(row.verdict == word for row in rows)} {word}" for word in ("alert", "digest", "drop"))
        table(
            f"{len(rows)} articles: {counts}",
            ("score", "verdict", "why", "published", "feed", "title"),
            [
                (f"{row.score:.2f}", row.verdict, ", ".join(row.reasons), row.published[:10], row.feed, row.title)
                for row in kept
            ],
        )
    for problem in problems:
        echo(f"longarm: {problem}", err=True)
    return 1 if problems else 0


def _chosen(loaded: Settings, wanted: str) -> Feed:
    from monitor.model import Feed  # noqa: PLC0415

    by_name = [feed for feed in loaded.feeds if feed.name.casefold() == wanted.casefold() or feed.url == wanted]
    if by_name:
        return by_name[0]
    if "." not in wanted and "/" not in wanted:
        raise LongarmError(f"{wanted}: no feed has this name; `longarm feeds list` shows them, or give an address")
    return Feed(url=address(wanted))


async def _preview(loaded: Settings, chosen: Sequence[Feed]) -> tuple[list[Previewed], list[str]]:
    from monitor.app import load_classifier  # noqa: PLC0415
    from monitor.ingest.discover import probes  # noqa: PLC0415
    from monitor.log import redacted_url  # noqa: PLC0415

    classifier, moment = load_classifier(loaded), now()
    by_url = {feed.url: feed for feed in chosen}
    rows: list[Previewed] = []
    problems: list[str] = []
    async with asking(loaded) as (fetcher, parser):
        async for found in probes(fetcher, parser, chosen, now=moment):
            if found.parsed is None:
                mend = f"; {found.mend}" if found.mend else ""
                problems.append(f"{redacted_url(found.url)}: {found.problem}{mend}")
            else:
                rows += _previewed(by_url[found.url], found.parsed, classifier, loaded, moment)
    return rows, problems


def _previewed(
    feed: Feed, parsed: ParsedFeed, classifier: Classifier, loaded: Settings, moment: datetime
) -> list[Previewed]:
    """Every article of a feed with its verdict, as if it were seen for the first time and were news."""
    from classifiers import Text  # noqa: PLC0415
    from monitor.alerts.policy import Rules, verdict  # noqa: PLC0415
    from monitor.model import FeedState  # noqa: PLC0415
    from monitor.stories.identity import fresh  # noqa: PLC0415

    always = timedelta(days=365 * 200)
    found = fresh(parsed, feed, {}, FeedState(url=feed.url), now=moment, first_poll_window=always).new
    texts = [Text(title=a.title, summary=a.summary, text=a.text, language=a.language) for a in found]
    rules = Rules(alert_at=loaded.alert_at, digest_at=loaded.digest_at)
    rows = []
    for article, score in zip(found, classifier.score(texts) if texts else (), strict=True):
        ruled = verdict(score, article, feed, rules)
        rows.append(
            Previewed(
                feed=feed.name or parsed.title,
                score=round(score.value, 4),
                verdict=ruled.decision.value,
                rule=ruled.rule,
                reasons=tuple(reason.term for reason in score.reasons if reason.weight > 0)[:_SAMPLE],
                published=article.published_at.isoformat() if article.published_at else "",
                title=article.title,
                url=article.url,
            )
        )
    return rows
