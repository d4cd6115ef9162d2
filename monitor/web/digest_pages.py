"""The week as people will get it, and what a reviewer changes in it while it is held. What is changed is an errand.

What is drawn of a week is kept: it is the same for everybody, and may hold hundreds of stories.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from monitor.digest import render, reviewed, sample, select, shown
from monitor.digest.missed import Missed
from monitor.digest.select import Week
from monitor.errands import ErrandKind, edits_of
from monitor.errors import StateError
from monitor.model import ChannelRules, Digest, DigestEdit, DigestItem, EditKind, WeekData
from monitor.text import clean_line
from monitor.web.memory import FRESH_FOR
from monitor.web.shield import Visitor, visitor
from monitor.web.site import Site, fragment, page, refusal

CLOSES_BEFORE = timedelta(seconds=5)
"""What is said at the last moment must be on the disk before the daemon looks for it."""
_MESSAGES = "messages"


class Standing(StrEnum):
    """Whether a digest can be edited: never, not yet, now, or no more."""

    OFF = "off"
    EARLY = "early"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The digest of `week`, for a channel or (without a name) of the whole watch. It goes at `until`, where it does."""

    week: Week
    rules: ChannelRules
    standing: Standing
    until: datetime | None
    is_sent: bool

    def address(self, **more: str) -> str:
        """Where it is shown."""
        channel = {"channel": self.rules.name} if self.rules.name else {}
        return f"/digest?{urlencode({'week': str(self.week), **channel, **more})}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A digest, put into words and drawn as `body`; `known` are headlines by story, of those that were left out too."""

    digest: Digest
    title: str
    body: object
    known: dict[str, str]


def digest_page(site: Site, request: Request) -> Response:
    """Show the digest of a week, for one channel or of the whole watch."""
    asked = _asked(site, request.query_params.get("week", ""), request.query_params.get("channel", ""))
    if asked is None:
        return refusal(site, request, 400, "That is no week; one is written like 2026-W47.")
    as_messages = request.query_params.get("as", "") == _MESSAGES
    edits = _edits(site, str(asked.week))
    drawn = _drawn(site, asked, edits, as_messages=as_messages)
    week = asked.week
    return page(
        site,
        request,
        "digest",
        asked=asked,
        drawn=drawn,
        edits=_told(edits, asked.rules.name),
        own_note=next((one.text for one in reversed(edits) if _is_own_note(one, asked, edits)), ""),
        before=replace(asked, week=Week.of(week.first_day - timedelta(days=7))),
        after=replace(asked, week=week.next) if week.span(site.settings.timezone)[1] <= site.clock() else None,
        channels=tuple(_wishing(site)),
        as_messages=as_messages,
        note_chars=reviewed.NOTE_CHARS,
    )


def _asked(site: Site, week_name: str, channel: str) -> Asked | None:
    tz, now = site.settings.timezone, site.clock()
    try:
        week = Week.parse(week_name) if week_name else select.last_whole_week(now, tz)
        over = week.span(tz)[1]
    except (ValueError, OverflowError):
        return None
    wishing = _wishing(site)
    rules = wishing.get(channel, ChannelRules(name=""))
    review, moments = site.settings.digest_review, [rules.digest] if rules.name else _moments(wishing)
    if not review or not moments:
        return Asked(week=week, rules=rules, standing=Standing.OFF, until=None, is_sent=False)
    until = min(select.goes_at(week, moment, tz=tz, review=review) for moment in moments)
    is_sent = site.review.is_digest_queued(str(week), rules.name)
    standing = Standing.EARLY if now < over else Standing.OPEN
    if is_sent or now >= until - CLOSES_BEFORE:
        standing = Standing.CLOSED
    return Asked(week=week, rules=rules, standing=standing, until=until, is_sent=is_sent)


def _wishing(site: Site) -> dict[str, ChannelRules]:
    return {channel.name: channel.rules for channel in site.settings.channels if channel.rules.digest}


def _moments(wishing: dict[str, ChannelRules]) -> list[str]:
    return [rules.digest for rules in wishing.values()]


# ── edits ─────────────────────────────────────────────────────────────────────────────────────────


def _edits(site: Site, week: str) -> tuple[DigestEdit, ...]:
    """What was changed, in order; what waits to be written counts. Read before what is written: so none is missed."""
    waiting = edits_of(site.errands.waiting(), week)
    known = site.review.digest_edits(week)
    ids = {edit.id for edit in known}
    return (*known, *(edit for edit in waiting if edit.id not in ids))


def _told(edits: Sequence[DigestEdit], channel: str) -> tuple[tuple[DigestEdit, bool], ...]:
    """The edits that concern a channel, each with whether it still holds, the newest first."""
    holding = set(reviewed.counting(edits, channel))
    mine = [edit for edit in edits if edit.channel in ("", channel) and edit.kind is not EditKind.UNDO]
    return tuple((edit, edit in holding) for edit in reversed(mine))


def _is_own_note(edit: DigestEdit, asked: Asked, edits: Sequence[DigestEdit]) -> bool:
    holds = edit in reviewed.counting(edits, asked.rules.name)
    return edit.kind is EditKind.NOTE and edit.channel == asked.rules.name and holds


def edit_digest(site: Site, request: Request) -> Response:
    """Take an edit, and show the digest with it."""
    who = visitor(request)
    asked = _asked(site, who.field("week", 16), who.field("channel", 200))
    if asked is None or not who.field("week", 16):
        return refusal(site, request, 400, "That says nothing of a digest.")
    if asked.standing is not Standing.OPEN:
        return refusal(site, request, 409, _TOO_LATE[asked.standing])
    edits = _edits(site, str(asked.week))
    digest = _drawn(site, asked, edits).digest
    found = _wanted(who, digest, edits, asked.rules.name)
    if found is None:
        return refusal(site, request, 400, "The digest reads otherwise by now. Go back and reload the page.")
    kind, about, other, text = found
    edit = DigestEdit(
        id=secrets.token_hex(8),
        week=str(asked.week),
        kind=kind,
        by=who.session.name,
        at=site.clock(),
        channel=asked.rules.name,
        about=about,
        other=other,
        text=text,
    )
    try:
        site.ask(request, ErrandKind.DIGEST, str(asked.week), edit=edit)
    except StateError as error:
        return refusal(site, request, 500, str(error))
    return RedirectResponse(f"{asked.address()}#{_place(digest, kind, about)}", status_code=303)


_TOO_LATE = {
    Standing.OFF: "Digests are sent as they are: digest_review in the configuration says until when they are held.",
    Standing.EARLY: "The week is not over yet.",
    Standing.CLOSED: "The time for it is over: this digest goes out, or went out, as it stood.",
}
_Wanted = tuple[EditKind, str, str, str]


def _wanted(who: Visitor, digest: Digest, edits: Sequence[DigestEdit], channel: str) -> _Wanted | None:
    """What a form asks for: kind, about, other, text. None where that is not to be had."""
    sections = [[item.story_id for item in items] for items in (digest.alerted, digest.below)]
    for kind in (EditKind.BEFORE, EditKind.AFTER):
        about, _, other = who.field(kind, 160).partition(" ")
        if about:
            beside = any(about in ids and other in ids for ids in sections) and about != other
            return (kind, about, other, "") if beside else None
    if about := who.field(EditKind.DROP, 80):
        return (EditKind.DROP, about, "", "") if any(about in ids for ids in sections) else None
    if about := who.field(EditKind.UNDO, 40):
        holding = reviewed.counting(edits, channel)
        return (EditKind.UNDO, about, "", "") if any(edit.id == about for edit in holding) else None
    if who.field("do") == EditKind.NOTE:
        return EditKind.NOTE, "", "", who.field(EditKind.NOTE, 4 * reviewed.NOTE_CHARS).strip()[: reviewed.NOTE_CHARS]
    return None


def _place(digest: Digest, kind: EditKind, about: str) -> str:
    """Where on the page to go on: at the story, or where it was."""
    if kind not in (EditKind.DROP, EditKind.BEFORE, EditKind.AFTER):
        return "review"
    ids = [item.story_id for item in (*digest.alerted, *digest.below)]
    if kind is not EditKind.DROP:
        return f"s-{about}"
    left = [*ids[ids.index(about) + 1 :], *reversed(ids[: ids.index(about)])]
    return f"s-{left[0]}" if left else "review"


# ── drawing ───────────────────────────────────────────────────────────────────────────────────────


def _drawn(site: Site, asked: Asked, edits: Sequence[DigestEdit], *, as_messages: bool = False) -> Drawn:
    week, rules, withdrawn = asked.week, asked.rules, site.store.withdrawn()
    sampled = _missed(site, week)
    is_open = asked.standing is Standing.OPEN

    def make() -> Drawn:
        data: WeekData = site.kept.get(
            ("week", week, withdrawn),
            lambda: site.store.judged_between(*week.span(site.settings.timezone)),
            at_most=FRESH_FOR,
        )
        whole = replace(data, edits=tuple(edits))
        chosen = select.select(
            whole, rules, week, feeds=site.feeds, tz=site.settings.timezone, missed=sampled
        )  # fmt: skip
        return _put_together(chosen, _headlines(data), is_open=is_open, as_messages=as_messages)

    return site.kept.get(("digest", week, rules, tuple(edits), sampled, is_open, as_messages, withdrawn), make)


def _missed(site: Site, week: Week) -> Missed:
    """What the week's sample says, as for the digest that is sent; labels that wait to be written count too."""

    def make() -> tuple[int, tuple[str, ...]]:
        ids = site.review.dropped(*week.span(site.settings.timezone))
        return len(ids), tuple(sample.drawn(ids, site.key, str))

    dropped, drawn = site.kept.get(("sample", week), make)
    return sample.missed_of(dropped, drawn, site.memory.said())


def _put_together(digest: Digest, known: dict[str, str], *, is_open: bool, as_messages: bool) -> Drawn:
    words = shown.page(digest, clean_line)
    messages = [message.text for message in render.as_messages(digest)] if as_messages else []
    figures = None if as_messages or not digest.trends else render.as_figures(digest)
    listed: list[tuple[str, list[tuple[DigestItem, shown.Row]]]] = [
        (heading, list(zip(items, rows, strict=True)))
        for (heading, rows), items in zip(words.sections, filter(None, (digest.alerted, digest.below)), strict=True)
    ]
    body = fragment(
        "digest_body",
        page=words,
        frame=words.frame,
        sections=listed,
        figures=figures,
        messages=messages,
        is_open=is_open,
    )
    return Drawn(digest=digest, title=words.heading, body=body, known=known)


def _headlines(data: WeekData) -> dict[str, str]:
    """A headline of each story, by its id."""
    found = {row.story_id or row.article.id: row.article.title for row in reversed(data.judged)}
    return {**found, **{story.id: story.members[0].title for story in data.stories}}
