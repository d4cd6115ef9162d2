"""Stories and cases: what was reported when, what was decided, and what was sent of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from monitor.model import Judged, Label
from monitor.store.cases import Cases
from monitor.store.review import Version
from monitor.web.site import Site, page, refusal

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a story's timeline. `kind` is what it is about, `words` are ours, `quote` is a stranger's."""

    at: datetime
    kind: str
    words: str
    quote: str = ""


def stories_page(site: Site, request: Request) -> Response:
    """List stories, those first that something joined last."""
    only_alerted = request.query_params.get("alerted") == "1"
    before = _moment(request.query_params.get("before", ""))
    found = site.review.newest_stories(before=before, only_alerted=only_alerted, limit=PAGE + 1)
    more = site.review.touched_at(found[PAGE - 1].id) if len(found) > PAGE else None
    return page(site, request, "stories", stories=found[:PAGE], only_alerted=only_alerted, more=more)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def story_page(site: Site, request: Request) -> Response:
    """Show a story: timeline, sources, facts with their evidence, labels, deliveries."""
    story_id = request.path_params["story"]
    story = site.store.stories([story_id]).get(story_id)
    if story is None:
        return refusal(site, request, 404, "No story has this id; it may have been forgotten by now.")
    members = site.review.members(story_id)
    said = site.memory.said()
    labels = tuple((row, label) for row in members for label in said.get(row.article.id, ()))
    sent = site.review.sent_about(story_id)
    events = [event for row in members for event in _of_article(row, site.review.versions(row.article.id)
                                                                if row.article.version > 1 else ())]  # fmt: skip
    events += [_of_label(label) for _, label in labels]
    for delivery, tries in sent:
        events.append(Event(at=delivery.queued_at, kind="sent", words=f"Queued for {delivery.channel}."))
        events += [
            Event(at=one.at, kind="sent", words=f"Tried for {delivery.channel}: {one.result}", quote=one.error)
            for one in tries
        ]
    return page(
        site,
        request,
        "story",
        story=story,
        lead=story.members[0],
        members=members,
        labels=labels,
        sent=sent,
        events=sorted(events, key=lambda event: event.at),
        case=site.review.case_of(story_id),
        withdrawn=site.review.withdrawn().get(story_id, ""),
    )


def _of_article(row: Judged, versions: tuple[Version, ...]) -> list[Event]:
    opens = "opened the story" if row.opens_story else f"joined ({row.evidence})" if row.evidence else "joined"
    decided = f"Scored {row.score.value:.2f}: {row.verdict.rule}; {row.verdict.decision}; {opens}."
    events = [Event(at=row.article.first_seen_at, kind="article", words=decided, quote=row.article.title)]
    events += [
        Event(at=one.replaced_at, kind="edit", words=f"Version {one.version} was replaced; it scored {one.score:.2f} "
                                                     f"({one.decision}) and said:", quote=one.title)
        for one in versions
    ]  # fmt: skip
    return events


def _of_label(label: Label) -> Event:
    codes = f" ({', '.join(label.codes)})" if label.codes else ""
    return Event(at=label.at, kind="label", words=f"Said by {label.rater}: {label.value}{codes}.", quote=label.note)


def case_page(site: Site, request: Request) -> Response:
    """Show an affair: its stories in order of time, and how far it came."""
    case_id = request.path_params["case"]
    case = next((one for one in Cases(site.store).beginning(case_id) if one.id == case_id), None)
    if case is None:
        return refusal(site, request, 404, "No case has this id.")
    stories = site.store.stories([chapter.story_id for chapter in case.chapters])
    people = tuple(dict.fromkeys(name for chapter in case.chapters for name in chapter.people))
    return page(site, request, "case", case=case, stories=stories, people=people[:20])
