"""A second look: articles whose feed said too little are judged again with their page's text.

    which      scores in the unsure band, and alerts that have a headline only; not what a first poll remembers
    read       their pages, politely and bounded                                                    ingest.fulltext
    again      scored with the text in one batch, ruled on again

A page may raise what an article's own words gave, and never lower it: it is what the publisher's site shows at that
moment, and may be a consent wall, another article, or a page made for this reader alone. So a page that can't be read,
or that says nothing, leaves everything as it was but `Article.page_state`, which says what came of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from classifiers import Classifier, Score, Text
from monitor.alerts import policy
from monitor.ingest.fulltext import FullText, Page, PageState
from monitor.model import Article, Decision, Feed, Verdict

UNSURE_BELOW_DIGEST = 0.15
"""So far below `digest_at` a score still counts as unsure."""

FULL_TEXT_CHARS = 1_500
"""A feed that brings so much text brings the article: its page would say the same."""

Ruled = tuple[Article, Score, Verdict]


class Watching(Protocol):
    """What of `poll.Watch` is needed here. `full_text` None: no page is ever read."""

    @property
    def full_text(self) -> FullText | None:
        """Reads pages."""
        ...

    @property
    def classifier(self) -> Classifier:
        """Scores texts."""
        ...

    @property
    def rules(self) -> policy.Rules:
        """The general thresholds."""
        ...


async def second_look(watch: Watching, feed: Feed, ruled: Sequence[Ruled], now: datetime) -> list[Ruled]:
    """Give `ruled` back in its order, those that wanted a second look with what came of it. Never raises for a page."""
    wanted = sorted((row for row in ruled if wants_page(row, feed, watch.rules)), key=lambda row: -row[1].value)
    if watch.full_text is None or not wanted:
        return list(ruled)
    pages = await watch.full_text.read([article for article, _, _ in wanted], now=now, proxy=feed.proxy)
    told = {article.id: _with_page(article, pages[article.id]) for article, _, _ in wanted}
    again = [article for article in told.values() if article.page_state == PageState.READ]
    scores = watch.classifier.score([_text(article) for article in again]) if again else []
    better = {article.id: score for article, score in zip(again, scores, strict=True)}
    return [_ruled(row, told, better, feed, watch.rules) for row in ruled]


def wants_page(row: Ruled, feed: Feed, rules: policy.Rules) -> bool:
    """Say whether an article's page should be read: its score is unsure, or its alert would be a bare headline."""
    article, score, verdict = row
    if not article.recent or not article.url or len(article.text) >= FULL_TEXT_CHARS:
        return False
    if verdict.decision is Decision.ALERT:
        return not (article.summary or article.text)
    digest_at = rules.digest_at if feed.digest_at is None else feed.digest_at
    alert_at = rules.alert_at if feed.alert_at is None else feed.alert_at
    return digest_at - UNSURE_BELOW_DIGEST <= score.value < alert_at


def _with_page(article: Article, page: Page) -> Article:
    if page.state is not PageState.READ:
        return replace(article, page_state=page.state.value)
    return replace(
        article,
        page_state=page.state.value,
        summary=article.summary or page.summary,
        text=page.text if len(page.text) > len(article.text) else article.text,
    )


def _text(article: Article) -> Text:
    return Text(title=article.title, summary=article.summary, text=article.text, language=article.language)


def _ruled(row: Ruled, told: dict[str, Article], better: dict[str, Score], feed: Feed, rules: policy.Rules) -> Ruled:
    article, score, verdict = row
    article = told.get(article.id, article)
    again = better.get(article.id)
    if again is None or not again.value > score.value:
        return article, score, verdict
    raised = policy.verdict(again, article, feed, rules)
    return article, again, replace(raised, rule=f"{raised.rule}, with the text of its page")
