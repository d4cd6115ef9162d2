"""Which edits are corrections? Pure but for the tables of `stories.facts`. An edit that only adds something is none.

Told is an article that mattered and now says otherwise: it is judged otherwise, it names other states than before, or
another stage that is no step further (a later stage is news, and told as such).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from monitor.compose import source_name
from monitor.model import Correction, Edition, Facts, Feed, Stage
from monitor.stories import facts

_ADVANCE = tuple(Stage)[:6]
_MOST = 200
"""So many edits a week are looked at, the newest: each is read twice."""


def corrections(editions: Sequence[Edition], feeds: Mapping[str, Feed]) -> tuple[Correction, ...]:
    """Choose the corrections among `editions`, in order of time."""
    found = ((edition, tuple(_changed(edition))) for edition in editions[-_MOST:])
    return tuple(
        Correction(
            title=edition.title or edition.title_before,
            before=edition.title_before if edition.title_before != edition.title else "",
            at=edition.replaced_at,
            changed=changed,
            url=edition.url,
            source=source_name(
                feeds[edition.feed].name if edition.feed in feeds else "", edition.feed_name, url=edition.feed
            ),
            language=edition.language,
        )
        for edition, changed in found
        if changed
    )


def _changed(edition: Edition) -> Iterator[str]:
    if edition.decision is not edition.decision_before:
        yield "verdict"
    if not edition.title_before:  # forgotten: nothing can be read off it any more
        return
    before, after = (
        facts.read(title, summary, language=edition.language)
        for title, summary in ((edition.title_before, edition.summary_before), (edition.title, edition.summary))
    )
    if before.stage and after.stage and after.stage != before.stage and not _is_further(after.stage, before.stage):
        yield "stage"
    if _names_others(before, after):
        yield "states"


def _is_further(stage: str, than: str) -> bool:
    return stage in _ADVANCE and than in _ADVANCE and _ADVANCE.index(Stage(stage)) > _ADVANCE.index(Stage(than))


def _names_others(before: Facts, after: Facts) -> bool:
    """Whether an origin or a host is no longer named, and another is in its place."""
    pairs = ((before.origin_states, after.origin_states), (before.host_states, after.host_states))
    return any(old and new and not set(old) <= set(new) for old, new in pairs)
