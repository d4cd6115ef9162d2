"""What is really new in a story that readers know? Only that is worth another ping. Pure.

A copy, another newsroom's words or a better source is told by editing the first message, which pings nobody. A reply is
for a change of the matter itself:

- a later stage than any told: charge, trial, verdict, sentence. A story of which no stage was read stands where an
  investigation stands, because its copies say "police are looking into it" sooner or later, and that is no news. A law,
  a report and a denial stand beside the stages: they make no reply.
- another state, of origin or host, where one was told before. The first one that is read makes no reply: it was there
  from the beginning, and only unread.

A stage counts where it stands in a headline, or where a second source says it too: what a summary says of a charge or a
sentence is often the background. Of texts marked by hand a court step in a headline was right in 31 of 35.

Only articles that are alerts by themselves are asked, and none whose address is a mirror or passes for another's: one
weak source could otherwise announce a verdict that nobody gave. What one poll changes in one story is one reply.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from monitor.model import Facts, Stage, Told, Update

EDIT_AFTER = timedelta(minutes=5)
"""How long an edit gathers more before it goes. Copies of one text come within minutes of each other; and twelve edits
an hour leave the pace of a chat, twenty messages a minute, to what is new."""

_ADVANCE = (Stage.ALLEGATION, Stage.INVESTIGATION, Stage.CHARGE, Stage.TRIAL, Stage.VERDICT, Stage.SENTENCE)
_UNREAD = _ADVANCE.index(Stage.INVESTIGATION)


def told_by(facts: Facts, before: Told | None = None) -> Told:
    """Return what readers know once `facts` are told, besides what they knew `before`."""
    known = before or Told()
    return Told(
        stage=facts.stage if not known.stage or _is_further(facts.stage, than=known.stage) else known.stage,
        origin_states=tuple(dict.fromkeys((*known.origin_states, *facts.origin_states))),
        host_states=tuple(dict.fromkeys((*known.host_states, *facts.host_states))),
    )


def change(story_id: str, told: Told | None, said: Mapping[str, Facts]) -> Update | None:
    """Say what is new in `said`, facts by the id of the article that says so, in order of time; None for nothing.

    With `told` None nobody noted what readers know: nothing is new then.
    """
    if told is None:
        return None
    stage, by_stage = told.stage, ""
    for article_id, facts in said.items():
        if _is_further(facts.stage, than=stage):
            stage, by_stage = facts.stage, article_id
    states, by_state = _new_states(told, said)
    if not by_stage and not states:
        return None
    return Update(story_id=story_id, article_id=by_stage or by_state, stage=stage if by_stage else "", states=states)


def sure(said: Mapping[str, Facts], titles: Mapping[str, str], known_stage: str) -> dict[str, Facts]:
    """Return `said` without the stages that only one summary tells.

    `said` and `titles`: facts and headlines by article id. `known_stage`: what the story's articles said before.
    """
    counts = Counter((*(facts.stage for facts in said.values()), known_stage))
    return {
        id_: facts if counts[facts.stage] > 1 or _in_headline(facts, titles[id_]) else replace(facts, stage="")
        for id_, facts in said.items()
    }


def advanced(facts: Facts, told: Told, said: Iterable[Facts]) -> Facts:
    """Return a story's `facts` at the stage that readers know, with the words for it, if one of `said` tells it.

    What members say together is cautious: among an arrest, a charge and a trial it would stay with the arrest.
    """
    speaking = next((one for one in said if one.stage == told.stage), None)
    if speaking is None or not _is_further(told.stage, than=facts.stage):
        return facts
    others = (proof for proof in facts.evidence if proof.fact != "stage")
    words = (proof for proof in speaking.evidence if proof.fact == "stage")
    return replace(facts, stage=told.stage, evidence=(*others, *words))


def _in_headline(facts: Facts, title: str) -> bool:
    words = (proof.words for proof in facts.evidence if proof.fact == "stage")
    return all(word.casefold() in title.casefold() for word in words)


def _new_states(told: Told, said: Mapping[str, Facts]) -> tuple[tuple[str, ...], str]:
    known = {*told.origin_states, *told.host_states}
    found: dict[str, str] = {}
    for article_id, facts in said.items():
        for before, states in ((told.origin_states, facts.origin_states), (told.host_states, facts.host_states)):
            for state in states if before else ():
                if state not in known:
                    found.setdefault(state, article_id)
    return tuple(found), next(iter(found.values()), "")


def _place(stage: str) -> int:
    return _ADVANCE.index(Stage(stage)) if stage in _ADVANCE else _UNREAD


def _is_further(stage: str, *, than: str) -> bool:
    return stage in _ADVANCE and _place(stage) > _place(than)


def all_told(said: Iterable[Facts], before: Told | None) -> Told:
    """Return what readers know once each of `said` is told."""
    known = before or Told()
    for facts in said:
        known = told_by(facts, known)
    return known
