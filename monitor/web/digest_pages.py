"""The week as people get it, and what its sample says was missed. Read only."""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from monitor.digest import select, shown
from monitor.digest.select import Week
from monitor.model import ChannelRules
from monitor.text import clean_line
from monitor.web.site import Site, page, refusal


def digest_page(site: Site, request: Request) -> Response:
    """Show the digest of a week, for one channel or of the whole watch."""
    tz, now = site.settings.timezone, site.clock()
    try:
        asked = request.query_params.get("week", "")
        week = Week.parse(asked) if asked else select.last_whole_week(now, tz)
        start, end = week.span(tz)
    except (ValueError, OverflowError):
        return refusal(site, request, 400, "That is no week; one is written like 2026-W47.")
    rules = {channel.name: channel.rules for channel in site.settings.channels if channel.rules.digest}
    channel = request.query_params.get("channel", "")
    wanted = rules.get(channel, ChannelRules(name=""))
    digest = site.derived(
        f"digest {week} {wanted.name}",
        lambda _: select.select(site.store.judged_between(start, end), wanted, week, feeds=site.feeds, tz=tz),
    )
    words = site.derived(f"words {week} {wanted.name}", lambda _: shown.page(digest, clean_line))
    weeks = {one.week: one for one in site.missed()}
    return page(
        site,
        request,
        "digest",
        page=words,
        items_of=digest,
        week=str(week),
        before=str(Week.of(week.first_day - timedelta(days=7))),
        after=str(Week.of(week.first_day + timedelta(days=7))) if end <= now else "",
        missed=weeks.get(str(week)),
        channels=tuple(rules),
        channel=channel if channel in rules else "",
    )
