"""A week, looked back on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from monitor.model.articles import Decision
from monitor.model.feeds import EPOCH, FeedState
from monitor.model.stories import Case, Facts, Judged, Story

DIGEST_LANGUAGES = ("en", "es", "fr", "de", "ru", "zh-Hans", "zh-Hant", "fa", "ar", "tr")
"""Languages in which a digest can speak for itself; what it tells of stays in its own."""


# ── what is known of a week ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A later stage that readers were told of a story, and `before` the furthest told until then ("": none)."""

    story_id: str
    stage: str
    at: datetime
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """An article that its source edited: as it stood, and as it stood after that."""

    article_id: str
    replaced_at: datetime
    story_id: str = ""
    feed: str = ""
    feed_name: str = ""
    url: str = ""
    language: str = ""
    title_before: str = ""
    summary_before: str = ""
    decision_before: Decision = Decision.DROP
    title: str = ""
    summary: str = ""
    decision: Decision = Decision.DROP


@dataclass(frozen=True, slots=True, kw_only=True)
class PastStory:
    """A story as far as counting needs it. `first_at`, `last_at`: when its articles were first seen, by our clock."""

    story_id: str
    first_at: datetime
    last_at: datetime
    alerted: bool = False
    language: str = ""
    origin_states: tuple[str, ...] = ()
    host_states: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What was missed below the threshold, as a random sample lets one guess: articles, and how sure that is.

    Between `least` and `most` with 95 %. `labelled` articles of the sample were judged by people.
    """

    likely: int
    least: int
    most: int
    labelled: int


class EditKind(StrEnum):
    """What a reviewer does with a digest: leave a story out, move it beside another, say something, take it back."""

    DROP = "drop"
    BEFORE = "before"
    AFTER = "after"
    NOTE = "note"
    UNDO = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestEdit:
    """What `by` changed in the digest of `week` ("2026-W47") before it went out. `id` is random and unique.

    `channel`: whose digest; "" is everybody's. `about` is the story, for UNDO the id of the edit that is taken back;
    `other` the story beside which it is put. `text` is that of a note; "" takes notes away.
    """

    id: str
    week: str
    kind: EditKind
    by: str
    at: datetime
    channel: str = ""
    about: str = ""
    other: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekData:
    """What the store knows of a span of time: raw material of a digest.

    `stories`: those with an article first seen in it. `judged`: the articles first seen in it that were not
    dropped. `alerted`, `digest`, `dropped` count articles by verdict, `feeds` is how every feed stands now.
    `cases` are those of its stories, whole. `past` are the stories of the half year up to its end. `passages` are
    (article id, beginning of its text) of `judged`. `held` counts held stories by channel, `withdrawn` stories that
    were withdrawn in it. `edits` are what reviewers changed in its digests, in order.
    """

    stories: tuple[Story, ...] = ()
    judged: tuple[Judged, ...] = ()
    alerted: int = 0
    digest: int = 0
    dropped: int = 0
    feeds: tuple[FeedState, ...] = ()
    turns: tuple[Turn, ...] = ()
    editions: tuple[Edition, ...] = ()
    cases: tuple[Case, ...] = ()
    past: tuple[PastStory, ...] = ()
    passages: tuple[tuple[str, str], ...] = ()
    held: tuple[tuple[str, int], ...] = ()
    withdrawn: int = 0
    edits: tuple[DigestEdit, ...] = ()


# ── what is told of it ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestItem:
    """One story in a digest, told by one of its articles. Text as the feed gave it: who shows it cleans it.

    `also` are the other sources by name. `dated`: `at` is the feed's own date, not when it was first seen.
    """

    story_id: str
    title: str
    summary: str = ""
    url: str = ""
    source: str = ""
    also: tuple[str, ...] = ()
    language: str = ""
    at: datetime = EPOCH
    dated: bool = True
    score: float = 0.0
    codes: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTrouble:
    """A feed that is blind: `kind` says how. `since` is None for one that was never asked."""

    name: str
    since: datetime | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stage that a story or its case reached; `at` is None where nobody noted when."""

    stage: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A known story, or a new one of a known case, that came further in the week. The last of `steps` is the news."""

    item: DigestItem
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who reaches where: ISO codes, "" for what was not read; and how many stories tell of it."""

    origin: str
    host: str
    stories: int = 0
    alerted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """A day to come that a story's text names, in `words`. Nobody checked it."""

    day: date
    words: str
    item: DigestItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """An origin of which nothing was told lately. Of the `feeds` that told of it before, `blind` are in trouble."""

    state: str
    last_at: datetime
    feeds: int = 0
    blind: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """An article that says otherwise than it did. `changed`: of "verdict", "stage", "states" what did."""

    title: str
    before: str
    at: datetime
    changed: tuple[str, ...]
    url: str = ""
    source: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekTally:
    """How many stories were new in the week of the Monday `first_day`."""

    first_day: date
    alerted: int = 0
    below: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """The half year up to the week's end, of the whole watch: what the pictures show.

    `weeks` are whole, the oldest first. `routes`, `codes` and `languages` count stories, commonest first. `delays`
    counts the week's articles by how long after their publication they were seen, as `bounds` of Trends has it, and
    one more for later; `delay` is the median of them.
    """

    bounds: tuple[timedelta, ...] = (
        timedelta(minutes=15),
        timedelta(hours=1),
        timedelta(hours=6),
        timedelta(days=1),
    )
    weeks: tuple[WeekTally, ...] = ()
    routes: tuple[Route, ...] = ()
    codes: tuple[tuple[str, int], ...] = ()
    languages: tuple[tuple[str, int], ...] = ()
    delays: tuple[int, ...] = ()
    delay: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A week's selection for one channel.

    `week` is "2026-W47", `first_day` its Monday. `alerted` in order of time, `below` (in the digest only) by
    score, highest first. The article counts and `feeds` are of the whole watch, before the channel's own filter.
    `by_code` and `by_language` count the listed stories, commonest first. `due_at` is set when it is sent late.
    `new` counts stories that opened in the week, `routes` them by origin and host. `report` is the one to read.
    `held` counts stories that were held back from the channel. `language` is that of its frame: one of
    `DIGEST_LANGUAGES`. `trends` is None where nothing was counted. `names_feeds`: it says which feeds are in trouble,
    not only how many. `note` is what reviewers say to it, "" without.
    """

    week: str
    first_day: date
    alerted: tuple[DigestItem, ...] = ()
    below: tuple[DigestItem, ...] = ()
    articles_alerted: int = 0
    articles_digest: int = 0
    articles_dropped: int = 0
    feeds: int = 0
    trouble: tuple[FeedTrouble, ...] = ()
    by_code: tuple[tuple[str, int], ...] = ()
    by_language: tuple[tuple[str, int], ...] = ()
    timezone: str = "UTC"
    due_at: datetime | None = None
    language: str = "en"
    new: int = 0
    moved: tuple[Moved, ...] = ()
    routes: tuple[Route, ...] = ()
    report: DigestItem | None = None
    ahead: tuple[Ahead, ...] = ()
    quiet: tuple[Quiet, ...] = ()
    corrections: tuple[Correction, ...] = ()
    withdrawn: int = 0
    held: int = 0
    missed: Estimate | None = None
    note: str = ""
    trends: Trends | None = None
    names_feeds: bool = True
