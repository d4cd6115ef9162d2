"""How much flows: what was queued lately and what a feed has brought, as caps need it. Changes nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from monitor.model import Decision, DeliveryKind, Flow, Sighting
from monitor.store.tables import STILL_OPEN, articles, deliveries, incidents

_SIGHTINGS = 500
"""Enough for a month of most feeds; of a busier one the last days say as much."""


def flow(connection: Connection, feed: str, *, hour_ago: datetime, month_ago: datetime) -> Flow:
    """What was queued since `hour_ago`, and what the feed brought since `month_ago`."""
    queued = (deliveries.c.queued_at >= hour_ago, deliveries.c.story_id != "")
    alerts = select(deliveries.c.channel, func.count()).where(*queued, deliveries.c.kind == DeliveryKind.SEND)
    replies = select(deliveries.c.story_id, deliveries.c.channel, func.count()).where(
        *queued, deliveries.c.kind == DeliveryKind.REPLY
    )
    return Flow(
        alerts=tuple((row[0], row[1]) for row in connection.execute(alerts.group_by(deliveries.c.channel))),
        replies=tuple(
            (row[0], row[1], row[2])
            for row in connection.execute(replies.group_by(deliveries.c.story_id, deliveries.c.channel))
        ),
        sightings=_sightings(connection, feed, month_ago),
        incidents=open_since(connection),
    )


def _sightings(connection: Connection, feed: str, since: datetime) -> tuple[Sighting, ...]:
    seen = (
        select(articles.c.title, articles.c.url, articles.c.first_seen_at, articles.c.decision)
        .where(articles.c.feed == feed, articles.c.first_seen_at >= since)
        .order_by(articles.c.first_seen_at.desc(), articles.c.id)
        .limit(_SIGHTINGS)
    )
    return tuple(
        Sighting(
            title=row["title"],
            url=row["url"],
            first_seen_at=row["first_seen_at"],
            decision=Decision(row["decision"]),
        )
        for row in connection.execute(seen).mappings()
    )


def open_since(connection: Connection) -> tuple[tuple[str, datetime], ...]:
    """Keys of incidents that are not over, with when they began."""
    found = select(incidents.c.key, incidents.c.opened_at).where(STILL_OPEN).order_by(incidents.c.id)
    return tuple((row[0], row[1]) for row in connection.execute(found))
