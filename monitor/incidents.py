"""A story as a record of an incident, for the exports: one line with stable ids and the fields that records hold.

What was read off a story by machine is a suggestion; empty is unsure, never "none". Nothing is stored or sent here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.alerts.agents import agent_types
from monitor.alerts.denials import denial
from monitor.alerts.sources import Tiers, tier
from monitor.alerts.state_media import running_state
from monitor.model import Label, Member, Story
from monitor.store import Store
from monitor.store.reading import iso

Line = dict[str, Any]

FAMILIES: Mapping[str, str] = {
    "violence": "direct",
    "forced-return": "direct",
    "interpol-abuse": "co-opted",
    "mobility-control": "mobility",
    "proxy-coercion": "distance",
    "surveillance": "distance",
    "intimidation": "distance",
    "overseas-station": "distance",
}
"""Which of Freedom House's four families a code falls into; a response is no incident and has none."""

_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Makes records. `alert_at` and `band` tell what is borderline; `feed_name` names a feed by address and title."""

    alert_at: float
    band: float
    tiers: Tiers
    feed_name: Callable[[str, str], str]

    def line(self, story: Story, labels: Sequence[str]) -> Line:
        """The record of a story of which people said `labels`."""
        facts, lead = story.facts, story.members[0]
        families = dict.fromkeys(FAMILIES[code] for code in facts.codes if code in FAMILIES)
        score = max(member.score for member in story.members)
        texts = [f"{member.title}\n{member.summary}" for member in story.members]
        return {
            "id": story.id,
            "first_seen": iso(story.first_at),
            "event_date": story.first_at.date().isoformat(),
            "event_date_precision": "reported",
            "title": lead.title,
            "origin_state": list(facts.origin_states),
            "host_state": list(facts.host_states),
            "code": list(facts.codes),
            "fh_family": list(families),
            "target_group": list(facts.target_groups),
            "target_named": bool(facts.people),
            "agent_type": list(dict.fromkeys(kind for text in texts for kind in agent_types(text))),
            "stage": facts.stage,
            "physical": facts.physical,
            "official_denial_text": _denial(story.members),
            "lang": story.language,
            "source_tier": _tier(story.members, self.tiers),
            "state_media": sorted({state for member in story.members if (state := running_state(member.url))}),
            "n_sources": len({member.feed for member in story.members}),
            "sources": list(dict.fromkeys(self.feed_name(m.feed, m.feed_name) for m in story.members)),
            "urls": list(dict.fromkeys(member.url for member in story.members if member.url)),
            "score": score,
            "alerted": story.alerted,
            "borderline": abs(score - self.alert_at) <= self.band,
            "labels": list(labels),
        }


def _denial(members: Sequence[Member]) -> str:
    found = (denial(f"{member.title}\n{member.summary}", member.language) for member in members)
    return next(filter(None, found), "")


def _tier(members: Sequence[Member], tiers: Tiers) -> str:
    """How gladly the best of the sources is heard: first, plain, last, mirror, look-alike or nowhere."""
    return min(tier(member.url, tiers) for member in members).name.lower().replace("_", "-")


def records(store: Store, ids: Iterable[str], reader: Reader, said: Mapping[str, Sequence[Label]]) -> Iterator[Line]:
    """The records of the stories `ids`, in this order; `said` is what people said, by article."""
    rest = iter(ids)
    while batch := list(itertools.islice(rest, _BATCH)):
        found = store.stories(batch)
        for story in (found[one] for one in batch if one in found):
            labels = [label.value.value for member in story.members for label in said.get(member.article_id, ())]
            yield reader.line(story, labels)
