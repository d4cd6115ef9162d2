"""A digest in words: what every form of it says, cleaned once, in the language of its frame. Pure.

The forms (text, Markdown, HTML, messages) differ in marks and in nothing else, so none of them can tell another story.
Headlines and other words of strangers stay in their own language and script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from monitor.compose import is_odd_host, shown_host
from monitor.digest.frame import Frame
from monitor.model import (
    Ahead,
    Correction,
    Digest,
    DigestItem,
    FeedTrouble,
    Moved,
    Quiet,
    Route,
)
from monitor.text import normalized, safe_url

Clean = Callable[[str, int], str]
"""`clean_line` for pages, `compose.harmless` for what may end in a chat. Takes a text and a limit."""

_TITLE_CHARS = 300
_LEAD_CHARS = 300
_NOTE_CHARS, _NOTE_LINES = 1_100, 30  # a note has 1,000; long words get breaks
_SOURCES_NAMED = 6
_FEEDS_NAMED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One story, ready to be marked up. Empty: nothing to say. `url` is safe to open or empty.

    `source` names who tells it, `origin` does so with the host. `reach` is the stage, the route and the codes. `scored`
    says the `score`, `judged` says it with the terms of `why`.
    """

    title: str
    lead: str
    source: str
    origin: str
    when: str
    language: str
    tag: str
    score: str
    why: tuple[str, ...]
    scored: str
    judged: str
    also: str
    reach: str
    url: str
    odd_host: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A short entry: `lead` and `tail` are sentences about a headline; where there is none, `title` is empty."""

    lead: str
    title: str = ""
    tag: str = ""
    url: str = ""
    odd_host: bool = False
    tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """Short entries under a heading, and one sentence on all of them."""

    heading: str
    notes: tuple[Note, ...]
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole digest, ready to be marked up. `heading` is `title` with `span`, `late` a sentence, `counts` one line.

    `note` are the lines of what reviewers say. `before` and `after` stand around the stories. `tallies` are what is
    counted at the end, by name.
    """

    frame: Frame
    title: str
    heading: str
    week: str
    span: str
    counts: str
    late: str
    note: tuple[str, ...]
    before: tuple[Notes, ...]
    alerted: tuple[Row, ...]
    below: tuple[Row, ...]
    after: tuple[Notes, ...]
    tallies: tuple[tuple[str, str], ...]

    @property
    def sections(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """Headings with their stories; none without."""
        both = ((self.frame.say("alerted"), self.alerted), (self.frame.say("below"), self.below))
        return tuple((heading, rows) for heading, rows in both if rows)


def page(digest: Digest, clean: Clean) -> Page:
    """Put a digest into words; everything that strangers wrote goes through `clean`."""
    words = _Words(Frame(digest.language), ZoneInfo(digest.timezone), clean)
    frame = words.frame
    name, span = frame.say("name"), frame.span(digest.first_day, digest.first_day + timedelta(days=6))
    return Page(
        frame=frame,
        title=name,
        heading=frame.say("title", name=name, span=span),
        week=digest.week,
        span=span,
        counts=" · ".join(_counts(digest, frame)),
        late=frame.say("late", moment=frame.moment(digest.due_at, words.tz)) if digest.due_at else "",
        note=tuple(_note(digest.note, clean)),
        before=tuple(_before(digest, words)),
        alerted=tuple(words.row(item) for item in digest.alerted),
        below=tuple(words.row(item) for item in digest.below),
        after=tuple(_after(digest, words)),
        tallies=tuple(_tallies(digest, words)),
    )


def _counts(digest: Digest, frame: Frame) -> Iterator[str]:
    read = digest.articles_alerted + digest.articles_digest + digest.articles_dropped
    yield frame.say("n_alerted", n=len(digest.alerted))
    yield frame.say("n_below", n=len(digest.below))
    yield frame.say("n_read", n=read)
    corrected = len(digest.corrections) + digest.withdrawn
    for key, count in (("n_moved", len(digest.moved)), ("n_corrected", corrected), ("n_held", digest.held)):
        if count:
            yield frame.say(key, n=count)


def _note(text: str, clean: Clean) -> Iterator[str]:
    lines = (clean(line, _NOTE_CHARS) for line in text.splitlines()[:_NOTE_LINES])
    yield from filter(None, lines)


# ── notes around the stories ──────────────────────────────────────────────────────────────────────


def _before(digest: Digest, words: _Words) -> Iterator[Notes]:
    frame = words.frame
    if digest.moved:
        yield Notes(heading=frame.say("moved"), notes=tuple(words.moved(one) for one in digest.moved))
    if digest.report:
        told = words.note(digest.report, tail=words.source(digest.report))
        yield Notes(heading=frame.say("report"), notes=(told,))
    if digest.routes:
        yield Notes(heading=frame.say("routes"), notes=(Note(lead=words.routes(digest.routes)),))
    if digest.ahead:
        notes = tuple(words.ahead(one) for one in digest.ahead)
        yield Notes(heading=frame.say("next"), notes=notes, hint=frame.say("found_in_text"))
    corrected = [words.correction(one) for one in digest.corrections]
    if digest.withdrawn:
        corrected.append(Note(lead=frame.say("withdrawn", n=digest.withdrawn)))
    if corrected:
        yield Notes(heading=frame.say("corrections"), notes=tuple(corrected))


def _after(digest: Digest, words: _Words) -> Iterator[Notes]:
    if digest.quiet:
        notes = tuple(words.quiet(one) for one in digest.quiet)
        yield Notes(heading=words.frame.say("quiet"), notes=notes, hint=words.frame.say("quiet_ask"))


def _tallies(digest: Digest, words: _Words) -> Iterator[tuple[str, str]]:
    frame, clean = words.frame, words.clean
    codes = _tally(((clean(code, 40), count) for code, count in digest.by_code), frame)
    languages = _tally(((frame.tongue(code), count) for code, count in digest.by_language), frame)
    articles = frame.say(
        "articles_line",
        alerted=digest.articles_alerted,
        digest=digest.articles_digest,
        dropped=digest.articles_dropped,
    )
    lines = (("by_code", codes), ("by_language", languages), ("articles", articles), ("missed", _missed(digest, frame)))
    for key, line in (*lines, ("feeds", words.feeds(digest))):
        if line:
            yield frame.say(key), line


def _tally(pairs: Iterable[tuple[str, int]], frame: Frame) -> str:
    return " · ".join(f"{name} {frame.number(count)}" for name, count in pairs if name)


def _missed(digest: Digest, frame: Frame) -> str:
    guess = digest.missed
    if guess is None:
        return ""
    return frame.say("missed_line", n=guess.likely, least=guess.least, most=guess.most, labelled=guess.labelled)


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Words:
    """Puts single things into words of one frame."""

    frame: Frame
    tz: ZoneInfo
    clean: Clean

    def row(self, item: DigestItem) -> Row:
        url, host = safe_url(item.url), shown_host(item.url)
        source = self.clean(item.source, 60)
        when = self.frame.moment(item.at, self.tz)
        isolated = self.frame.isolated
        score = f"{item.score:.2f}"
        terms = tuple(filter(None, dict.fromkeys(self.clean(term, 40) for term in item.reasons)))
        return Row(
            title=self.title(item.title, host),
            lead=self._lead(item),
            source=source,
            origin=isolated(source) + (f" ({isolated(host)})" if host and host != source else ""),
            when=when if item.dated else self.frame.say("first_seen", moment=when),
            language="" if not item.language or self.frame.is_own(item.language) else self.frame.tongue(item.language),
            tag=_tag(item.language),
            score=score,
            why=terms,
            scored=self.frame.say("score", score=score),
            judged=self._judged(score, terms),
            also=self._also(item),
            reach=self._reach(item),
            url=url,
            odd_host=bool(url) and is_odd_host(url),
        )

    def note(self, item: DigestItem, *, lead: str = "", tail: str = "") -> Note:
        url = safe_url(item.url)
        return Note(
            lead=lead,
            title=self.title(item.title, shown_host(item.url)),
            tag=_tag(item.language),
            url=url,
            odd_host=bool(url) and is_odd_host(url),
            tail=tail,
        )

    def title(self, title: str, host: str = "") -> str:
        unnamed = self.frame.say("no_title")
        return self.clean(title, _TITLE_CHARS) or (f"{unnamed} – {host}" if host else unnamed)

    def source(self, item: DigestItem) -> str:
        return self.frame.isolated(self.clean(item.source, 60))

    def moved(self, one: Moved) -> Note:
        facts = one.item.facts
        route = self._route(facts.origin_states, facts.host_states)
        days = (step.at and self.frame.day(step.at.astimezone(self.tz).date()) for step in one.steps)
        steps = [
            f"{self.frame.stage(step.stage)} {day or ''}".strip() for step, day in zip(one.steps, days, strict=True)
        ]
        arrow = " ‹ " if self.frame.direction == "rtl" else " › "
        lead = " · ".join(part for part in (route, arrow.join(steps)) if part)
        return self.note(one.item, lead=lead, tail=self.source(one.item))

    def ahead(self, one: Ahead) -> Note:
        words = self.clean(one.words, 240)
        tail = f"“{self.frame.isolated(words)}”" if words != self.title(one.item.title) else ""
        return self.note(one.item, lead=self.frame.day(one.day), tail=tail)

    def correction(self, one: Correction) -> Note:
        changed = self.frame.listed([self.frame.say(f"changed.{what}") for what in one.changed])
        before = self.clean(one.before, _TITLE_CHARS)
        was = self.frame.say("was", title=self.frame.isolated(before)) if before else ""
        source = self.frame.isolated(self.clean(one.source, 60))
        url = safe_url(one.url)
        return Note(
            lead=changed,
            title=self.title(one.title, shown_host(one.url)),
            tag=_tag(one.language),
            url=url,
            odd_host=bool(url) and is_odd_host(url),
            tail=" · ".join(part for part in (was, source) if part),
        )

    def quiet(self, one: Quiet) -> Note:
        line = self.frame.say("quiet_line", day=self.frame.day(one.last_at.astimezone(self.tz).date()))
        key = "quiet_feeds" if one.blind else "quiet_all_fine"
        said = self.frame.say(key, line=line, blind=one.blind, all=one.feeds)
        return Note(lead=f"{self.state(one.state)}: {said}")

    def routes(self, routes: Iterable[Route]) -> str:
        """Each origin once, with its hosts: "Hong Kong → United Kingdom 2, ? 1 · Iran → Sweden 1"."""
        by_origin: dict[str, list[str]] = {}
        unread = 0
        for route in routes:
            if route.origin or route.host:
                count = self.frame.number(route.stories)
                by_origin.setdefault(route.origin, []).append(f"{self._place(route.host)} {count}")
            else:
                unread += route.stories
        told = [
            self.frame.say("route", origin=self._place(origin), host=self.frame.listed(hosts))
            for origin, hosts in by_origin.items()
        ]
        return " · ".join([*told, *([self.frame.say("unread_routes", n=unread)] if unread else [])])

    def _place(self, code: str) -> str:
        return self.state(code) if code else self.frame.say("unread")

    def state(self, code: str) -> str:
        return self.clean(self.frame.state(code), 60)

    def _route(self, origins: tuple[str, ...], hosts: tuple[str, ...]) -> str:
        if not origins and not hosts:
            return ""
        unread = self.frame.say("unread")
        origin, host = (self.frame.listed([self.state(code) for code in codes]) or unread for codes in (origins, hosts))
        return self.frame.say("route", origin=origin, host=host)

    def _reach(self, item: DigestItem) -> str:
        facts = item.facts
        route = self.clean(self._route(facts.origin_states, facts.host_states), 200)
        codes = self.frame.listed([self.frame.isolated(code) for code in self._codes(item)])
        stage = self.clean(self.frame.stage(facts.stage), 40)
        return " · ".join(part for part in (stage, route, codes) if part)

    def _codes(self, item: DigestItem) -> list[str]:
        return [code for code in (self.clean(code, 40) for code in item.codes) if code]

    def _lead(self, item: DigestItem) -> str:
        title, summary = normalized(item.title), normalized(item.summary)
        repeats = bool(title) and summary.startswith(title) and len(summary) <= len(title) + 40
        return "" if repeats else self.clean(item.summary, _LEAD_CHARS)

    def _judged(self, score: str, terms: tuple[str, ...]) -> str:
        if not terms:
            return self.frame.say("score", score=score)
        quoted = self.frame.listed([f"“{self.frame.isolated(term)}”" for term in terms])
        return self.frame.say("score_for", score=score, terms=quoted)

    def _also(self, item: DigestItem) -> str:
        named = [self.frame.isolated(self.clean(name, 60)) for name in item.also[:_SOURCES_NAMED]]
        if not named:
            return ""
        names, more = self.frame.listed(named), len(item.also) - len(named)
        return self.frame.say("also", names=self.frame.say("more", names=names, n=more) if more else names)

    def feeds(self, digest: Digest) -> str:
        if not digest.feeds:
            return self.frame.say("no_feeds")
        fine = self.frame.say("feeds_fine", fine=digest.feeds - len(digest.trouble), all=digest.feeds)
        if not digest.trouble or not digest.names_feeds:
            return fine
        names = "; ".join(self._blind(feed) for feed in digest.trouble[:_FEEDS_NAMED])
        more = len(digest.trouble) - _FEEDS_NAMED
        names = self.frame.say("more", names=names, n=more) if more > 0 else names
        return self.frame.say("feeds_blind", fine=fine, names=names)

    def _blind(self, feed: FeedTrouble) -> str:
        kind = self.frame.isolated(self.clean(feed.kind, 40))
        if feed.since:
            kind = self.frame.say("since", kind=kind, moment=self.frame.moment(feed.since, self.tz))
        return f"{self.frame.isolated(self.clean(feed.name, 60))} ({kind})"


def _tag(language: str) -> str:
    """A language tag fit for an attribute, or nothing."""
    bare = language.replace("_", "-")
    return bare if bare.replace("-", "").isalnum() and bare.isascii() else ""
