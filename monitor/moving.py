"""A feed that got another address goes on with its memory.

Under which name each address was watched is kept in the state directory, so that a move is seen across a restart, too.
What must not happen is that an article is told twice because the feed's own keys (`stories.identity` makes them from
the feed's address) are others now: so those of its articles are made anew under the new address. Which feed moved is
decided by `config.difference`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from monitor import health, log
from monitor.model import EPOCH, Article, Entry, Feed, FeedState, Outcome
from monitor.store import Store
from monitor.stories import identity

_log = log.get(__name__)

NAMES = "feeds.json"
"""In the state directory: each address with the name under which it was watched last."""

MOST_SHOWN = 200
"""More articles than any feed shows at once, but for a few."""

LATELY = timedelta(days=60)


def watched_before(state_dir: Path) -> tuple[Feed, ...]:
    """Say which feeds were watched last; none where that is not known."""
    try:
        names = json.loads((state_dir / NAMES).read_text(encoding="utf-8"))
        return tuple(Feed(url=url, name=name) for url, name in names.items())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, AttributeError) as error:
        _log.warning("the list of feeds of the last run can't be read; a move since then is not seen", error=str(error))
        return ()


def remember(state_dir: Path, feeds: Iterable[Feed]) -> None:
    """Keep which feeds are watched now, whole or not at all; addresses may hold keys, so only the owner reads it."""
    draft = state_dir / f".{NAMES}.new"
    try:
        draft.touch(mode=0o600)
        draft.write_text(json.dumps({feed.url: feed.name for feed in feeds}, ensure_ascii=False), encoding="utf-8")
        draft.replace(state_dir / NAMES)
    except OSError as error:
        _log.warning("the list of feeds can't be written; a move until the next start is not seen", error=str(error))


def take_over(store: Store, before: Feed, after: Feed, now: datetime) -> None:
    """Let the feed `after` go on from the memory of `before`, in one transaction. Twice changes nothing.

    The new address is due at once, and asked for everything: what it answers is compared with what is known. A feed
    that was never polled has nothing to hand on.

    Raises:
        StateError: it could not be written; nothing was changed.
    """
    known = store.feed_state(before.url)
    if known is None or known.baselined_at is None:
        return
    articles = _shown_lately(store, before, now)
    keys = dict(_keys(reversed(articles), after))  # of two articles with one key the first counts
    state = _state(known, store.feed_state(after.url), after, now)
    store.record(Outcome(state=state, seen_keys=tuple(keys.items()), moved_from=before.url), (), now=now)
    _log.info("feed moved with its memory", feed=after.name, to=log.redacted_url(after.url), articles=len(articles))


def hurry(store: Store, feed: Feed, now: datetime) -> None:
    """Ask a feed that got a shorter `every` no later than that from now on.

    Raises:
        StateError: it could not be written.
    """
    known = store.feed_state(feed.url)
    if known and feed.every and not known.failures and known.next_poll_at > now + feed.every:
        store.record(Outcome(state=replace(known, next_poll_at=now + feed.every)), (), now=now)


def _shown_lately(store: Store, feed: Feed, now: datetime) -> Sequence[Article]:
    """The articles that the feed may still show: many of a busy one are recent, and all of a quiet one are few."""
    recent = list(store.articles(now - LATELY, feed=feed.url))
    return recent if len(recent) >= MOST_SHOWN else list(store.articles(EPOCH, feed=feed.url))


def _keys(articles: Iterable[Article], feed: Feed) -> Iterator[tuple[bytes, str]]:
    for article in articles:
        entry = Entry(
            id=article.entry_id,
            title=article.title,
            url=article.url,
            summary=article.summary,
            text=article.text,
        )
        keys = identity.keys(entry, feed.url)
        # A link is no feed's own: whether it is a key of this article was decided when it came.
        yield from ((key, article.id) for key in (keys.exact, keys.id, keys.text) if key)


def _state(known: FeedState, other: FeedState | None, feed: Feed, now: datetime) -> FeedState:
    """The state to go on with: of two the one that was polled last, without what only the old address can know."""
    newer = other is not None and (other.polled_at or EPOCH) > (known.polled_at or EPOCH) and other.baselined_at
    return replace(
        other if other is not None and newer else known,
        url=feed.url,
        etag="",
        last_modified="",
        body_hash="",
        full_fetch_at=None,
        next_poll_at=now,
        failures=0,
        failing_since=None,
        error="",
        error_kind="",
        gone_seen=0,
        moved_to="",
        moved_seen=0,
        health=health.carried_over((other if other is not None and newer else known).health),
    )
