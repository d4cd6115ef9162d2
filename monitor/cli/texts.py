"""Commands on texts: score, group, parse, explain, train, evaluate. None of them opens the state."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import Threshold, batches, emit, field, json_chunks, json_lines
from monitor.errors import FetchError, LongarmError, ModelError, ParseError

if TYPE_CHECKING:
    from monitor.cli.ahead import Chunk, Given
    from monitor.model import Article
    from monitor.stories.hindsight import Hindsight

_FILE = click.argument(
    "file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
)
_BATCH = 1_000
_PAUSE_SECONDS = 0.5


def _classifier(model: Path | None = None) -> Any:
    import classifiers  # noqa: PLC0415

    try:
        return classifiers.load(model)
    except (OSError, ValueError) as error:
        raise ModelError(str(error)) from error


def _text(number: int, item: dict[str, Any], file: Path | None) -> Any:
    from classifiers import Text  # noqa: PLC0415

    where = f"{file or 'standard input'}:{number}"
    field(item, "id", where, needed=True)
    return Text(
        title=field(item, "title", where, needed=True),
        summary=field(item, "summary", where),
        text=field(item, "text", where),
        language=field(item, "language", where),
    )


@click.command()
@_FILE
@click.option("--alert-at", type=Threshold(), default=0.80, show_default=True)
@click.option("--digest-at", type=Threshold(), help="0.50 by default, or --alert-at where that is lower.")
@click.option("--model", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Another model's folder.")
def score(file: Path | None, alert_at: float, digest_at: float | None, model: Path | None) -> None:
    """Score texts: JSON Lines in, JSON Lines out, in the same order.

    \b
    Example:
      echo '{"id": "1", "title": "Exiled editor stabbed outside his home"}' | longarm score
    """
    from monitor.alerts.policy import Rules, decision  # noqa: PLC0415

    if digest_at is not None and digest_at > alert_at:
        raise click.BadParameter("--digest-at must not be above --alert-at")
    classifier = _classifier(model)
    rules = Rules(alert_at=alert_at, digest_at=min(0.5, alert_at) if digest_at is None else digest_at)
    for batch in batches(json_lines(file), _BATCH):
        texts = [_text(number, item, file) for number, item in batch]
        for (_, item), result in zip(batch, classifier.score(texts), strict=True):
            emit(
                {
                    "id": item["id"],
                    "score": result.value,
                    "verdict": decision(result, rules).value,
                    "codes": result.codes,
                    "reasons": [{"term": reason.term, "weight": reason.weight} for reason in result.reasons],
                    "model": result.model,
                }
            )


@click.command()
@_FILE
@click.option("--window", type=click.IntRange(1, 365), default=4, show_default=True, help="Days a story stays open.")
@click.option("--as-alerts", is_flag=True, help="One story an event, each answered at once, as alerts are grouped.")
def group(file: Path | None, window: int, as_alerts: bool) -> None:
    """Group texts into stories, across languages: JSON Lines in order of time, in; {"id", "story"} lines out.

    Headlines without a text are grouped by the affair they are about, once it has eight of them. An answer waits for
    the next 500 items, which may show the affair; after half a second without a new one it waits no longer.

    \b
    Example:
      longarm group < items.jsonl
    """
    from monitor.stories.hindsight import Hindsight  # noqa: PLC0415
    from monitor.stories.stream import Stream  # noqa: PLC0415

    if as_alerts:
        stream, reader = Stream(window=timedelta(days=window)), _ArticleReader(file)
        with _seldom_collected():
            for number, item in json_lines(file):
                _answer(item["id"], stream.add(reader.article(number, item)))
        return
    with _seldom_collected():
        _group_in_hindsight(Hindsight(window=timedelta(days=window)), file)


def _group_in_hindsight(hindsight: Hindsight, file: Path | None) -> None:
    from monitor.cli.ahead import ReadingAhead  # noqa: PLC0415

    ids: deque[object] = deque()  # as they were given, a number maybe
    try:
        for came in ReadingAhead().handed_on(_chunks(file)):
            decided = hindsight.rest()
            if came is not None:
                (id_, article), read = came
                ids.append(id_)
                decided = hindsight.add(article, read)
            for _, story in decided:
                _answer(ids.popleft(), story)
    finally:  # a bad line takes no answer from those before it
        for _, story in hindsight.rest():
            _answer(ids.popleft(), story)


def _chunks(file: Path | None) -> Iterator[Chunk]:
    """Articles as they come, those together that wait already."""
    from monitor.cli.ahead import CHUNK  # noqa: PLC0415

    reader = _ArticleReader(file)
    for rows, is_more in json_chunks(file, CHUNK, _PAUSE_SECONDS):
        given: list[Given] = []
        try:
            for number, item in rows:
                article = reader.article(number, item)
                given.append((item["id"], article))
        except LongarmError:
            yield given, True
            raise
        yield given, is_more


@contextmanager
def _seldom_collected() -> Iterator[None]:
    from monitor.cli.ahead import seldom_collected  # noqa: PLC0415

    usual = gc.get_threshold()
    seldom_collected()
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _answer(id_: object, story: str) -> None:
    emit({"id": id_, "story": story})
    sys.stdout.flush()  # whoever feeds the items one by one waits for each answer


class _ArticleReader:
    """Makes articles of input objects; one without a date has that of the one before."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._last = datetime(1970, 1, 1, tzinfo=UTC)

    def article(self, number: int, item: dict[str, Any]) -> Article:
        """Make the article of line `number`.

        Raises:
            LongarmError: a field is missing or no text; the message names the line.
        """
        from monitor.model import Article  # noqa: PLC0415

        where = f"{self._file or 'standard input'}:{number}"
        self._last = max(self._last, _published(field(item, "published", where)) or self._last)
        text = _text(number, item, self._file)
        return Article(
            id=field(item, "id", where, needed=True),
            feed="",
            title=text.title,
            url=field(item, "url", where),
            summary=text.summary,
            text=text.text,
            language=text.language,
            published_at=self._last,
            first_seen_at=self._last,
        )


def _published(value: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="FILE|URL...")
@click.option("--allow", multiple=True, help="A private host:port or CIDR that may be asked, e.g. 127.0.0.1/32.")
def parse(sources: tuple[str, ...], allow: tuple[str, ...]) -> int:
    """Parse feeds from files or addresses: one JSON line a feed.

    \b
    Example:
      longarm parse saved.xml https://example.org/feed.xml
    """
    return asyncio.run(_parse(sources, allow))


async def _parse(sources: tuple[str, ...], allow: tuple[str, ...]) -> int:
    from monitor.ingest.fetch import Fetcher  # noqa: PLC0415
    from monitor.ingest.guard import Guard  # noqa: PLC0415
    from monitor.ingest.parse import Parser, describe  # noqa: PLC0415

    failed = 0
    async with Parser() as parser, Fetcher(Guard(allow), user_agent="") as fetcher:
        for source in sources:
            try:
                if source.startswith(("http://", "https://")):
                    answer = await fetcher.get(source)
                    parsed = await parser.parse(answer.body, url=answer.url, content_type=answer.content_type)
                else:
                    path = Path(source)
                    parsed = await parser.parse(path.read_bytes(), url="", content_type="")
            except (FetchError, ParseError, OSError) as error:
                failed += 1
                reason = error.strerror if isinstance(error, OSError) else error
                click.echo(f"longarm: {source}: {reason}", err=True)
            else:
                emit(describe(parsed, source))
    return 1 if failed else 0


@click.command()
@click.argument("text", nargs=-1, required=True, metavar="URL|TEXT...")
@click.option("--allow", multiple=True, help="A private host:port or CIDR that may be asked, e.g. 127.0.0.1/32.")
def explain(text: tuple[str, ...], allow: tuple[str, ...]) -> None:
    """Say why a text or a page scores as it does: reasons for and against, codes, language, the nearest items learned.

    \b
    Example:
      longarm explain "Father of activist abroad detained after her speech in Geneva"
      longarm explain https://example.org/news/article
    """
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415

    from classifiers import Text  # noqa: PLC0415
    from classifiers.evaluate import nearest  # noqa: PLC0415
    from monitor.text import clean_line, language_of  # noqa: PLC0415

    whole = " ".join(" ".join(text).split())
    if not whole:
        raise click.BadParameter("it is empty; a text or the address of a page is expected", param_hint="URL|TEXT")
    page = asyncio.run(_page(whole, allow)) if whole.startswith(("http://", "https://")) else None
    given = Text(title=page.title, summary=page.summary, text=page.text) if page else Text(title=whole)
    result = _classifier().explain(given)
    out = Console()
    if given.title != whole:
        out.print(escape(clean_line(given.title, 300)))
    if page:
        out.print(f"page: {page.state}, {len(page.text):,} characters from {escape(clean_line(page.url, 300))}")
    out.print(f"[bold]{result.value:.2f}[/bold]  {', '.join(result.codes) or 'no code'}  ({result.model})")
    for sign, name in ((1, "for"), (-1, "against")):
        terms = [reason for reason in result.reasons if reason.weight * sign > 0]
        out.print(f"{name}: " + (", ".join(f"{escape(r.term)} {r.weight:+.2f}" for r in terms) or "nothing"))
    if result.obfuscated:
        out.print("The text looks written to dodge a filter.")
    out.print(f"language: {language_of(given.title) or 'unknown'}")
    out.print("nearest items of the corpus:")
    for similarity, item in nearest(given, 5):
        out.print(f"  {similarity:.2f}  {'relevant    ' if item.label else 'not relevant'}  {escape(item.title)}")


async def _page(url: str, allow: tuple[str, ...]) -> Any:
    """The page as a second look reads it.

    Raises:
        LongarmError: it can't be read; the text says what came of it.
    """
    from monitor.cli.common import now  # noqa: PLC0415
    from monitor.ingest.fetch import Fetcher  # noqa: PLC0415
    from monitor.ingest.fulltext import FullText, PageState  # noqa: PLC0415
    from monitor.ingest.guard import Guard  # noqa: PLC0415
    from monitor.ingest.parse import Parser  # noqa: PLC0415
    from monitor.log import redacted_url  # noqa: PLC0415
    from monitor.model import Article  # noqa: PLC0415

    async with Parser() as parser, Fetcher(Guard(allow), user_agent="") as fetcher:
        read = await FullText(fetcher, parser).read([Article(id="", feed="", title="", url=url)], now=now())
    page = read[""]
    if page.state is not PageState.READ:
        raise LongarmError(f"{redacted_url(url)}: the page was not read ({page.state}): {page.reason}")
    return page


@click.command()
@click.option("--corpus", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Another corpus folder.")
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the model goes; the package's own folder otherwise.",
)
def train(corpus: Path | None, target: Path | None) -> None:
    """Learn the relevance model from the corpus.

    \b
    Example:
      longarm train --to state/model
    """
    from rich.console import Console  # noqa: PLC0415

    from classifiers import corpus_files, storage  # noqa: PLC0415
    from classifiers import train as training  # noqa: PLC0415

    try:
        items = corpus_files.items(corpus)
        console = Console(stderr=True)
        with console.status("training") as status:
            digest = training.train(
                items, target or storage.BUNDLED, progress=lambda step: status.update(f"training: {step}")
            )
    except ValueError as error:
        raise LongarmError(str(error)) from error
    click.echo(f"trained on {len(items)} items: relevance-{digest} in {target or 'the package'}")


_ROWS = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("file", required=False, type=_ROWS)
@click.option(
    "--against", metavar="keywords|FOLDER", help="Compare with the keyword baseline or another model's folder."
)
@click.option(
    "--background", type=_ROWS, help="Everyday news (JSON Lines, may be gzipped) for the rate of false alerts."
)
@click.option("--card", type=click.Path(path_type=Path, dir_okay=False), help="Write the whole model card here.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of Markdown.")
def evaluate(file: Path | None, against: str | None, background: Path | None, card: Path | None, as_json: bool) -> None:
    """Measure the model: on FILE (JSON Lines with "title" and "label"), or on held-out events of the corpus.

    \b
    Example:
      longarm evaluate labelled.jsonl --against keywords --background everyday.jsonl.gz
    """
    from classifiers import evaluate as evaluation  # noqa: PLC0415
    from classifiers import model_card  # noqa: PLC0415
    from classifiers.keywords import KeywordQuery  # noqa: PLC0415

    rows = [item for _, item in json_lines(file)] if file else None
    everyday = [item for _, item in json_lines(background)] if background else None
    models = [_classifier()]
    if against:
        models.append(KeywordQuery() if against == "keywords" else _classifier(Path(against)))
    try:
        if card:
            model_card.write(card, labelled=rows, background=everyday, model=models[0])
            click.echo(f"written: {card}")
            return
        reports = [evaluation.report(rows, model=model) for model in models[: None if rows else 1]]
    except (ValueError, KeyError) as error:
        raise LongarmError(f"{file or 'the corpus'}: {error}") from error
    for report in reports:
        if as_json:
            emit(report.as_dict())
        else:
            click.echo(report.as_markdown())
    if everyday is not None:
        for model in models:
            emit({"model": model.name, "everyday_items_per_10000": evaluation.false_alerts(everyday, model)})
