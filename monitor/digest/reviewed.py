"""What reviewers made of a digest: which stories they left out, in what order the others stand, what they say. Pure.

Edits are applied in their order, those for everybody and those for one channel together. A move names the story that is
passed, and not a place: a channel that doesn't have that one keeps the order of what it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.model import DigestEdit, DigestItem, EditKind

NOTE_CHARS = 1_000
"""A note is at the head of a chat's message, and leaves room there."""
_MOVES = (EditKind.BEFORE, EditKind.AFTER)


def counting(edits: Iterable[DigestEdit], channel: str) -> tuple[DigestEdit, ...]:
    """The edits that hold for `channel` and were not taken back, in order."""
    mine = [edit for edit in edits if edit.channel in ("", channel)]
    gone = {edit.about for edit in mine if edit.kind is EditKind.UNDO}
    return tuple(edit for edit in mine if edit.kind is not EditKind.UNDO and edit.id not in gone)


def left_out(edits: Iterable[DigestEdit]) -> frozenset[str]:
    """Ids of the stories that were left out."""
    return frozenset(edit.about for edit in edits if edit.kind is EditKind.DROP)


def ordered(items: Sequence[DigestItem], edits: Iterable[DigestEdit]) -> tuple[DigestItem, ...]:
    """Put stories into the order that was wished."""
    by_id = {item.story_id: item for item in items}
    order = list(by_id)
    for edit in edits:
        if edit.kind in _MOVES and edit.about in by_id and edit.other in by_id and edit.about != edit.other:
            order.remove(edit.about)
            order.insert(order.index(edit.other) + (edit.kind is EditKind.AFTER), edit.about)
    return tuple(by_id[story_id] for story_id in order)


def note(edits: Sequence[DigestEdit], channel: str) -> str:
    """The newest note; a channel's own before everybody's."""
    notes = [edit for edit in edits if edit.kind is EditKind.NOTE]
    own = [edit.text for edit in notes if channel and edit.channel == channel and edit.text.strip()]
    of_all = [edit.text for edit in notes if not edit.channel]
    return (own[-1:] or of_all[-1:] or [""])[0][:NOTE_CHARS]
