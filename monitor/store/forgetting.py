"""Names that go when the words go that they stood in, as statements.

A story's facts name persons and quote its texts, and `case_names` says whom it names. Once all its texts are purged
there stays of that:

told, or labelled        what its kept titles say, and its people, by whom the case of later stories is known; those
                         who were only mentioned beside them go
neither                  nothing
withdrawn                nothing, from the moment it is withdrawn, and whatever joins it later
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, select, update

from monitor.store.tables import articles, case_names, labels, stories

_BYSTANDER = "bystander"


def forget_names(connection: Connection, article_ids: Sequence[str]) -> None:
    """Forget whom the stories of `article_ids` name, where none of a story's articles has its text any more."""
    young = exists().where(articles.c.story_id == stories.c.id, articles.c.purged.is_(False))
    mine = select(articles.c.story_id).where(articles.c.id.in_(article_ids), articles.c.story_id.is_not(None))
    old = select(stories.c.id, stories.c.facts, stories.c.alerted).where(stories.c.id.in_(mine), ~young)
    for story in connection.execute(old).mappings().all():
        kept = _kept_words(connection, story["id"])
        if story["alerted"] or kept:
            _forget_quotes(connection, story, kept)
        else:
            forget_story(connection, story["id"], story["facts"])


def forget_story(connection: Connection, story_id: str, facts: Mapping[str, Any] | None = None) -> None:
    """Forget everybody whom a story names. `facts`: its facts, read from the table if they are not given."""
    if facts is None:
        facts = connection.execute(select(stories.c.facts).where(stories.c.id == story_id)).scalar_one_or_none()
    bare = {**(facts or {}), "people": (), "evidence": ()}
    connection.execute(update(stories).where(stories.c.id == story_id).values(facts=bare))
    connection.execute(delete(case_names).where(case_names.c.story_id == story_id))


def _forget_quotes(connection: Connection, story: RowMapping, kept: str) -> None:
    facts = story["facts"]
    quotes = [one for one in facts.get("evidence", ()) if _stands_in(kept, one[2:])]
    bare = {**facts, "evidence": quotes}
    connection.execute(update(stories).where(stories.c.id == story["id"]).values(facts=bare))
    beside = (case_names.c.role == _BYSTANDER, case_names.c.headline.is_(False))
    connection.execute(delete(case_names).where(case_names.c.story_id == story["id"], *beside))


def _kept_words(connection: Connection, story_id: str) -> str:
    """Titles and summaries that a story's articles still have: of alerts, and of what somebody labelled."""
    mine = select(articles.c.title, articles.c.summary).where(articles.c.story_id == story_id)
    labelled = exists().where(labels.c.article_id == articles.c.id)
    told = exists().where(stories.c.id == articles.c.story_id, stories.c.alerted.is_(True))
    return "\n".join(word for row in connection.execute(mine.where(labelled | told)) for word in row if word)


def _stands_in(kept: str, words: Iterable[str]) -> bool:
    return all(word in kept for word in words)
