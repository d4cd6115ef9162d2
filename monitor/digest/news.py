"""What is news in a week beside its stories: what moved, where it came from, what to read, what comes next. Pure.

Everything is read off the stories that a channel wants; nothing here chooses stories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.digest.upcoming import upcoming
from monitor.model import Ahead, Case, DigestItem, Judged, Moved, Route, Stage, Step, Story, Turn, WeekData

Items = Mapping[str, DigestItem]

_ADVANCE = tuple(Stage)[:6]
_NEWS_FROM = _ADVANCE.index(Stage.CHARGE)
"""A case of which no stage was read stands where an investigation stands: before it is no news."""
_MOST_AHEAD = 12
_MOST_ROUTES = 20


# ── moved ─────────────────────────────────────────────────────────────────────────────────────────


def moved(data: WeekData, stories: Sequence[Story], items: Items, opened: set[str]) -> tuple[Moved, ...]:
    """Say which known stories and cases came further, in the order in which they did. `opened`: the new stories."""
    turns: dict[str, list[Turn]] = {}
    for turn in data.turns:
        turns.setdefault(turn.story_id, []).append(turn)
    cases = {chapter.story_id: case for case in data.cases for chapter in case.chapters}
    found = []
    for story in stories:
        steps: tuple[Step, ...] = ()
        if story.id in opened:
            steps = _steps_of_case(story, cases[story.id]) if story.id in cases else ()
        elif story.id in turns:
            steps = _steps_told(turns[story.id])
        if steps:
            found.append(Moved(item=items[story.id], steps=steps))
    return tuple(sorted(found, key=lambda one: (one.steps[-1].at or one.item.at, one.item.story_id)))


def _steps_told(turns: Sequence[Turn]) -> tuple[Step, ...]:
    before = (Step(stage=turns[0].before),) if turns[0].before else ()
    return (*before, *(Step(stage=turn.stage, at=turn.at) for turn in turns))


def _steps_of_case(story: Story, case: Case) -> tuple[Step, ...]:
    """The way of a case up to `story`, if this is the story that brought it further."""
    steps: list[Step] = []
    reached = -1
    place = next(number for number, chapter in enumerate(case.chapters) if chapter.story_id == story.id)
    for chapter in case.chapters[:place]:
        if (step := _place(chapter.stage)) > reached:
            reached = step
            steps.append(Step(stage=chapter.stage, at=chapter.at))
    mine = case.chapters[place]
    is_news = place > 0 and _place(mine.stage) > reached and (steps or _place(mine.stage) >= _NEWS_FROM)
    return (*steps, Step(stage=mine.stage, at=mine.at)) if is_news else ()


def _place(stage: str) -> int:
    return _ADVANCE.index(Stage(stage)) if stage in _ADVANCE else -1


# ── where from, where to ──────────────────────────────────────────────────────────────────────────


def routes(stories: Sequence[tuple[tuple[str, ...], tuple[str, ...], bool]]) -> tuple[Route, ...]:
    """Count (origin states, host states, alerted) by every pair of them, commonest first."""
    counts: dict[tuple[str, str], list[int]] = {}
    for origins, hosts, alerted in stories:
        for pair in {(origin, host) for origin in origins or ("",) for host in hosts or ("",)}:
            count = counts.setdefault(pair, [0, 0])
            count[0] += 1
            count[1] += alerted
    found = [
        Route(origin=origin, host=host, stories=all_, alerted=alerted)
        for (origin, host), (all_, alerted) in counts.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.stories, -one.alerted, one.origin, one.host)))


def new_routes(stories: Sequence[Story]) -> tuple[Route, ...]:
    """Count new stories by origin and host, the commonest; none where none of them was read."""
    found = routes([(story.facts.origin_states, story.facts.host_states, story.alerted) for story in stories])
    known = [route for route in found if route.origin or route.host]
    unread = [route for route in found if not (route.origin or route.host)]
    return (*known[:_MOST_ROUTES], *unread) if known else ()


# ── to read, and to come ──────────────────────────────────────────────────────────────────────────


def report(stories: Sequence[Story], items: Items) -> DigestItem | None:
    """Choose the one report to read: alerted before not, then by how many tell of it, then by score."""
    reports = [story for story in stories if story.facts.stage == Stage.REPORT and items[story.id].url]
    best = max(
        reports,
        key=lambda story: (story.alerted, len(items[story.id].also), items[story.id].score, story.id),
        default=None,
    )
    return items[best.id] if best else None


def ahead(
    data: WeekData,
    stories: Sequence[Story],
    items: Items,
    *,
    rows: Mapping[str, Sequence[Judged]],
    week_end: date,
    tz: ZoneInfo,
) -> tuple[Ahead, ...]:
    """Gather the days to come that the week's articles name, in order of time; each once a story, and once in words."""
    passages = dict(data.passages)
    found: dict[tuple[date, str], Ahead] = {}
    said: set[tuple[date, str]] = set()
    for story in stories:
        for row in rows.get(story.id, ()):
            article = row.article
            text = "\n".join(filter(None, (article.title, article.summary, passages.get(article.id, ""))))
            published = _local_day(article.at, tz)
            for one in upcoming(text, language=article.language, published=published, after=week_end):
                if (one.day, one.words) not in said:
                    said.add((one.day, one.words))
                    found.setdefault((one.day, story.id), Ahead(day=one.day, words=one.words, item=items[story.id]))
    told = sorted(found.values(), key=lambda one: (one.day, -one.item.score, one.item.story_id))
    return tuple(told[:_MOST_AHEAD])


def _local_day(at: datetime, tz: ZoneInfo) -> date:
    return at.astimezone(tz).date()


def last_day(first_day: date) -> date:
    """Give the Sunday of the week of `first_day`."""
    return first_day + timedelta(days=6)
