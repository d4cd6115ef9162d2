"""The review queue: one article at a time, what was decided on it and why, and what a person says of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from classifiers.corpus_files import CODES
from monitor.errands import ErrandKind
from monitor.errors import StateError
from monitor.model import Judged, Label, LabelValue
from monitor.web import queues
from monitor.web.highlight import Piece, pieces
from monitor.web.queues import Queue
from monitor.web.shield import visitor
from monitor.web.site import Site, page, refusal

_SUMMARY_CHARS, _TEXT_CHARS = 3_000, 6_000
_VALUES = {value.value: value for value in LabelValue if value is not LabelValue.WITHDRAWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An article as the pages show it, cut into pieces at the reasons of its score."""

    row: Judged
    title: tuple[Piece, ...]
    summary: tuple[Piece, ...]
    text: tuple[Piece, ...]
    labels: tuple[Label, ...]
    alert_at: float


def shown(site: Site, article_id: str) -> Item | None:
    """The article with all that is to be seen of it; None where there is none."""
    row = site.review.article(article_id)
    if row is None:
        return None
    reasons, article = row.score.reasons, row.article
    return Item(
        row=row,
        title=pieces(article.title, reasons),
        summary=pieces(article.summary[:_SUMMARY_CHARS], reasons),
        text=pieces(article.text[:_TEXT_CHARS], reasons),
        labels=site.memory.said().get(article_id, ()),
        alert_at=site.thresholds().of(article.feed),
    )


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────


def queue_page(site: Site, request: Request) -> Response:
    """Show an article of a queue: the one asked for, else the first."""
    return _shown(site, request, request.query_params.get("item", ""), _kind(request))


def _kind(request: Request) -> Queue | None:
    name = request.path_params["queue"]
    return Queue(name) if name in set(Queue) else None


def _shown(site: Site, request: Request, article_id: str, kind: Queue | None, said: str = "") -> Response:
    if kind is None:
        return refusal(site, request, 404, "There is no such queue.")
    rater = visitor(request).session.name
    ids = site.queue(kind, rater)
    at = ids.index(article_id) if article_id in ids else 0
    article_id = "" if article_id in site.review.withdrawn_articles() else article_id
    item = shown(site, article_id if article_id else (ids[0] if ids else ""))
    if item is None and ids:
        item = shown(site, ids[at])
    return page(
        site,
        request,
        "review",
        kind=kind,
        queues=[(one, len(site.queue(one, rater))) for one in Queue],
        item=item,
        number=at + 1 if item and item.row.article.id in ids else 0,
        left=len(ids),
        after=_beside(ids, item, at, 1),
        before=_beside(ids, item, at, -1),
        codes=CODES,
        said=said,
        weeks=site.missed() if kind is Queue.SAMPLE else (),
    )


def _beside(ids: tuple[str, ...], item: Item | None, at: int, step: int) -> str:
    """The next or the last article; where the one shown is in no queue, the first."""
    if item is None or item.row.article.id not in ids:
        return ids[0] if ids else ""
    return ids[at + step] if 0 <= at + step < len(ids) else ""


def article_page(site: Site, request: Request) -> Response:
    """Show one article with everything that is kept of it."""
    item = shown(site, request.path_params["article"])
    if item is None:
        return refusal(site, request, 404, "No article has this id; it may have been forgotten by now.")
    versions = site.review.versions(item.row.article.id) if item.row.article.version > 1 else ()
    return page(site, request, "article", item=item, versions=versions, codes=CODES)


def codes_page(site: Site, request: Request) -> Response:
    """Show what people said of the codes."""
    said = site.memory.said()
    given = site.derived("codes", lambda glances: Counter(code for one in glances for code in one.codes))
    counts = {code: given[code] for code in CODES}
    return page(site, request, "codes", tallies=queues.code_tallies(counts, site.review.scores(list(said)), said))


# ── what a person says ────────────────────────────────────────────────────────────────────────────


def say(site: Site, request: Request) -> Response:
    """Take a label, and show the next article."""
    who = visitor(request)
    value, article_id = _VALUES.get(who.field("value")), who.field("item", 64)
    row = site.review.article(article_id) if value else None
    if value is None or row is None:
        return refusal(site, request, 400, "That says nothing of an article.")
    codes = tuple(code for code in CODES if code in who.fields("code"))
    codes = () if set(codes) == set(row.score.codes) and value is LabelValue.RELEVANT else codes
    label = Label(
        article_id=article_id,
        rater=who.session.name,
        value=value,
        codes=codes if value in (LabelValue.RELEVANT, LabelValue.WRONG_CODE) else (),
        note=" ".join(who.field("note").split()),
        at=site.clock(),
    )
    try:
        site.ask(request, ErrandKind.LABEL, article_id, label=label)
    except StateError as error:
        return refusal(site, request, 500, str(error))
    return _onward(site, request, who.field("next", 64), f"Noted: {_WORDS[value]}. z takes it back.")


_WORDS = {
    LabelValue.RELEVANT: "relevant",
    LabelValue.NOT_RELEVANT: "not relevant",
    LabelValue.UNSURE: "unsure",
    LabelValue.WRONG_CODE: "relevant, with other codes",
}


def undo(site: Site, request: Request) -> Response:
    """Take back what this person said last, and show that article again."""
    rater = visitor(request).session.name
    mine = [label for said in site.memory.said().values() for label in said if label.rater == rater]
    if not mine:
        return _onward(site, request, visitor(request).field("item", 64), "There is nothing to take back.")
    last = max(mine, key=lambda label: label.at)
    label = Label(article_id=last.article_id, rater=rater, value=LabelValue.WITHDRAWN, at=site.clock())
    try:
        site.ask(request, ErrandKind.LABEL, last.article_id, label=label)
    except StateError as error:
        return refusal(site, request, 500, str(error))
    return _onward(site, request, last.article_id, "Taken back.")


def _onward(site: Site, request: Request, article_id: str, said: str) -> Response:
    """The article that comes then: at once for a script, by a redirect for a plain form."""
    kind = _kind(request)
    target = f"/review/{kind or Queue.ALERTS}" + (f"?item={article_id}" if article_id.isalnum() else "")
    if request.headers.get("hx-request") != "true":
        return RedirectResponse(target, status_code=303)
    answer = _shown(site, request, article_id, kind, said)
    answer.headers["HX-Push-Url"] = target
    return answer
