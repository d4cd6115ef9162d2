"""Rows become nouns and nouns become rows. Values only: no statement is run here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from classifiers import Reason, Score
from monitor.model import (
    Article,
    ChannelState,
    Decision,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Evidence,
    Facts,
    FeedState,
    Judged,
    KnownArticle,
    Label,
    LabelValue,
    Member,
    Message,
    Span,
    SpanKind,
    Story,
    Told,
    Verdict,
)

Row = Mapping[str, Any] | RowMapping
Values = dict[str, Any]

_FEED_STATE = tuple(field.name for field in fields(FeedState))
_CHANNEL_STATE = tuple(field.name for field in fields(ChannelState))


def feed_values(state: FeedState) -> Values:
    """The row of a feed."""
    return {name: getattr(state, name) for name in _FEED_STATE}


def feed_state(row: Row) -> FeedState:
    """A feed from its row."""
    return FeedState(**{name: row[name] for name in _FEED_STATE})


def channel_values(state: ChannelState) -> Values:
    """The row of a channel."""
    return {name: getattr(state, name) for name in _CHANNEL_STATE}


def channel_state(row: Row) -> ChannelState:
    """A channel from its row."""
    return ChannelState(**{name: row[name] for name in _CHANNEL_STATE})


# ── articles ──────────────────────────────────────────────────────────────────────────────────────


def article_values(judged: Judged) -> Values:
    """The row of an article with what was judged of it."""
    article = judged.article
    return {
        "id": article.id,
        "feed": article.feed,
        "first_seen_at": article.first_seen_at,
        "recent": article.recent,
        "story_id": judged.story_id or None,
        "opens_story": judged.opens_story,
        "evidence": judged.evidence,
        **edition_values(judged),
    }


def edition_values(judged: Judged) -> Values:
    """What an edit changes of that row."""
    article, score = judged.article, judged.score
    return {
        "entry_id": article.entry_id,
        "url": article.url,
        "title": article.title,
        "summary": article.summary,
        "text": article.text,
        "author": article.author,
        "language": article.language,
        "published_at": article.published_at,
        "raw_hash": article.raw_hash,
        "version": article.version,
        "score": score.value,
        "codes": score.codes,
        "reasons": [(reason.term, reason.weight) for reason in score.reasons],
        "model": score.model,
        "obfuscated": score.obfuscated,
        "decision": judged.verdict.decision.value,
        "rule": judged.verdict.rule,
        "purged": False,
        "page_state": article.page_state,
    }


def article(row: Row) -> Article:
    """An article from its row; its keys are not read."""
    return Article(
        id=row["id"],
        feed=row["feed"],
        title=row["title"],
        url=row["url"],
        entry_id=row["entry_id"],
        summary=row["summary"],
        text=row["text"],
        author=row["author"],
        language=row["language"],
        published_at=row["published_at"],
        first_seen_at=row["first_seen_at"],
        raw_hash=row["raw_hash"],
        version=row["version"],
        recent=row["recent"],
        page_state=row["page_state"],
    )


def known_article(row: Row) -> KnownArticle:
    """What telling "seen before" needs of an article."""
    return KnownArticle(
        article_id=row["id"],
        feed=row["feed"],
        title=row["title"],
        url=row["url"],
        entry_id=row["entry_id"],
        raw_hash=row["raw_hash"],
        version=row["version"],
        published_at=row["published_at"],
        first_seen_at=row["first_seen_at"],
        recent=row["recent"],
    )


def judged(row: Row) -> Judged:
    """An article with what was judged of it."""
    return Judged(
        article=article(row),
        score=Score(
            value=row["score"],
            codes=tuple(row["codes"]),
            reasons=tuple(Reason(term=term, weight=weight) for term, weight in row["reasons"]),
            model=row["model"],
            obfuscated=row["obfuscated"],
        ),
        verdict=Verdict(decision=Decision(row["decision"]), rule=row["rule"]),
        story_id=row["story_id"] or "",
        opens_story=row["opens_story"],
        evidence=row["evidence"],
        edited=row["version"] > 1,
    )


# ── stories ───────────────────────────────────────────────────────────────────────────────────────


def member(row: Row) -> Member:
    """An article as a member of its story; `lead` is the cut summary, `feed_title` may be missing."""
    return Member(
        article_id=row["id"],
        title=row["title"],
        summary=row["lead"],
        url=row["url"],
        feed=row["feed"],
        feed_name=row["feed_title"] or "",
        language=row["language"],
        at=row["published_at"] or row["first_seen_at"],
        score=row["score"],
        decision=Decision(row["decision"]),
    )


def story(row: Row, members: Sequence[Member]) -> Story:
    """A story with its members: the lead first, the others in order of time."""
    ordered = sorted(members, key=lambda one: (one.article_id != row["id"], one.at, one.article_id))
    return Story(
        id=row["id"],
        language=row["language"],
        members=tuple(ordered),
        first_at=row["first_at"],
        last_at=row["last_at"],
        facts=facts(row["facts"]),
        alerted=row["alerted"],
        told=told(row["told"]),
    )


def told_values(said: Told | None) -> Values | None:
    """What was told of a story as a table of JSON; None where nobody knows."""
    return None if said is None else {field.name: getattr(said, field.name) for field in fields(Told)}


def told(values: Mapping[str, Any] | None) -> Told | None:
    """What was told of a story from that table."""
    if values is None:
        return None
    return Told(
        stage=values.get("stage", ""),
        origin_states=tuple(values.get("origin_states", ())),
        host_states=tuple(values.get("host_states", ())),
    )


def facts_values(read: Facts) -> Values:
    """Facts as a table of JSON."""
    values = {field.name: getattr(read, field.name) for field in fields(Facts)}
    return {**values, "evidence": [(one.fact, one.value, one.words) for one in read.evidence]}


def facts(values: Mapping[str, Any]) -> Facts:
    """Facts from that table; what is missing is unsure."""
    evidence = values.get("evidence", ())
    return Facts(
        origin_states=tuple(values.get("origin_states", ())),
        host_states=tuple(values.get("host_states", ())),
        codes=tuple(values.get("codes", ())),
        target_groups=tuple(values.get("target_groups", ())),
        stage=values.get("stage", ""),
        physical=values.get("physical"),
        people=tuple(values.get("people", ())),
        organisations=tuple(values.get("organisations", ())),
        evidence=tuple(Evidence(fact=fact, value=value, words=words) for fact, value, words in evidence),
    )


# ── deliveries and labels ─────────────────────────────────────────────────────────────────────────


def delivery_values(delivery: Delivery, *, queued_at: datetime, incident_id: int | None) -> Values:
    """The row of a delivery that is queued now."""
    return {
        "key": delivery.key,
        "channel": delivery.channel,
        "kind": delivery.kind.value,
        "about": delivery.about,
        "cause": delivery.cause,
        "message": message_values(delivery.message),
        "state": delivery.state.value,
        "story_id": delivery.story_id,
        "incident_id": incident_id,
        "attempts": delivery.attempts,
        "unknown": delivery.unknown,
        "not_before": delivery.not_before,
        "remote_id": delivery.remote_id,
        "chat": delivery.chat,
        "error": delivery.error,
        "queued_at": queued_at,
        "sent_at": delivery.sent_at,
    }


def message_values(message: Message) -> Values:
    """A message as a table of JSON."""
    return {
        "text": message.text,
        "spans": [(span.kind.value, span.start, span.length, span.url) for span in message.spans],
        "silent": message.silent,
        **({"picture": message.picture} if message.picture else {}),
    }


def message(values: Mapping[str, Any]) -> Message:
    """A message from that table."""
    spans = tuple(
        Span(kind=SpanKind(kind), start=start, length=length, url=url) for kind, start, length, url in values["spans"]
    )
    return Message(text=values["text"], spans=spans, silent=values["silent"], picture=values.get("picture", ""))


def delivery(row: Row) -> Delivery:
    """A delivery from its row."""
    return Delivery(
        id=row["id"],
        key=row["key"],
        channel=row["channel"],
        kind=DeliveryKind(row["kind"]),
        about=row["about"],
        cause=row["cause"],
        message=message(row["message"]),
        state=DeliveryState(row["state"]),
        story_id=row["story_id"],
        attempts=row["attempts"],
        unknown=row["unknown"],
        not_before=row["not_before"],
        remote_id=row["remote_id"],
        chat=row["chat"],
        error=row["error"],
        queued_at=row["queued_at"],
        sent_at=row["sent_at"],
    )


def label_values(label: Label) -> Values:
    """The row of a label."""
    return {
        "article_id": label.article_id,
        "rater": label.rater,
        "value": label.value.value,
        "codes": label.codes,
        "note": label.note,
        "at": label.at,
    }


def label(row: Row) -> Label:
    """A label from its row."""
    return Label(
        article_id=row["article_id"],
        rater=row["rater"],
        value=LabelValue(row["value"]),
        codes=tuple(row["codes"]),
        note=row["note"],
        at=row["at"],
    )
