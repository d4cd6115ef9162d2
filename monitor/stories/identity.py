"""Same article? Decides which entries of a poll are new, which are edits, and which are known.

Pure: what is remembered comes in as `known` (one read of the store for `entry_keys`), what is to be
remembered goes out as `Fresh`. It must never forget: nothing here removes a key, whatever a poll brings or
leaves out.

How an entry is recognised. No single field can be trusted: publishers change guids at every poll, reuse them
for other articles, give one link to a whole feed, re-date their archive and rewrite headlines. So every entry
has several keys, SHA-256 over typed strings (a shorter checksum can be forged to hide an article), and any of
them may name a known article; then the article itself is looked at before it is believed:

exact   Link (or id) and the very same text: the same.
id      The feed's identifier. The same if the link or the title agrees. A known id with another link *and*
        another title is an id used again: another article, and both are kept. Ids are the feed's own affair,
        so the key is scoped to the feed, unless the id is unique by construction (a URL, a tag: URI, a UUID).
link    The canonical link, for all feeds alike, so that the section feed and the front-page feed bring one
        article. The same whatever the id says: that catches ids that change at every poll. Another headline
        under one address is an edit. It is no key where it can't be: a bare home page, or a link that a feed
        gave to several entries at once (remembered for that feed for good). And it is not believed, because
        to lose an article is worse than to show one twice, where
        - another feed gives this address an entirely other headline: else a decoy, published first, hides it;
        - in one feed id, headline and date are all others: a page that is used again and again;
        - two entries differ in id, headline and "#fragment": the posts of a live blog.
text    Title, summary and text, within the feed, for entries whose id and link both change. Only from eight
        words on, and never between two entries of one poll: "Morning briefing" is not an identity.

Rejected: title alone (series repeat their titles); the date (whole archives are re-dated); edit distance (it
can't be looked up, and "site 12 blocked" is near to "site 13 blocked"); remembering only the last poll's
entries (an entry that slides back into the window would be new).

What is recent. The first poll of a feed only remembers, but for entries of the last day. Later, all that is
new is recent, but a flood of entries older than what is known is an archive republished, not news: it is
remembered, and the operator told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from monitor.model import Article, Entry, Feed, FeedState, KnownArticle, Notice, ParsedFeed
from monitor.text import canonical_url, display_host, normalized, tokens

FUTURE_SLACK = timedelta(hours=1)
OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
DISTINCTIVE_TOKENS = 8
BACKFILL_AGE = timedelta(days=7)
BACKFILL_LIMIT = 10
"""More old "new" entries than this in one poll are an archive that was republished."""
CHURN_LEAST = 3
EDITED_TITLE = 0.75
"""Share of the shorter title's words that an edited title keeps, where id alone speaks for it."""
OTHER_TITLE = 1 / 3
"""Titles that share fewer of the shorter one's words than this speak of other things."""
_TEXT_CHARS = 2_000
_UNIQUE_ID = re.compile(
    r"tag:.+|(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys of one entry, SHA-256 each; b"" where an entry has no such key."""

    exact: bytes
    id: bytes = b""
    link: bytes = b""
    text: bytes = b""

    def all(self) -> tuple[bytes, ...]:
        """List the keys there are, the strongest first."""
        return tuple(key for key in (self.exact, self.id, self.link, self.text) if key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """What a poll brought, each in the order of the feed.

    `edited`: known articles with their new text, `version` one up. `seen_keys`: (key, article id) of every known entry
    that the feed shows, new keys of an old article among them; a key that the store has already keeps its article.
    """

    new: tuple[Article, ...] = ()
    edited: tuple[Article, ...] = ()
    seen_keys: tuple[tuple[bytes, str], ...] = ()
    notices: tuple[Notice, ...] = ()


def keys(entry: Entry, feed_url: str) -> Keys:
    """Make the keys of `entry` as it stands in the feed `feed_url`."""
    scope = canonical_url(feed_url) or feed_url
    link = canonical_url(entry.url)
    entry_id = entry.id.strip()
    content = _content(entry)
    return Keys(
        exact=_digest("exact", scope, link or entry_id, *content),
        id=_digest("id", "" if _is_unique(entry_id) else scope, entry_id) if entry_id else b"",
        link=_digest("link", link) if _is_page(link) else b"",
        text=_digest("text", scope, *content) if _is_distinctive(content) else b"",
    )


def entry_keys(parsed: ParsedFeed, feed: Feed) -> list[bytes]:
    """List every key to ask the store for before `fresh`, each once."""
    wanted: dict[bytes, None] = {}
    for entry in parsed.entries:
        wanted.update(dict.fromkeys(keys(entry, feed.url).all()))
        wanted[_shared_key(entry, feed)] = None
    return list(wanted)


def fresh(
    parsed: ParsedFeed,
    feed: Feed,
    known: Mapping[bytes, KnownArticle],
    state: FeedState,
    *,
    now: datetime,
    first_poll_window: timedelta = timedelta(hours=24),
) -> Fresh:
    """Tell what is new in a poll.

    `known` answers `entry_keys`. Before `state.baselined_at` is set everything is remembered, and only what
    was published within `first_poll_window` is recent.
    """
    poll = _Poll(parsed=parsed, feed=feed, known=known, now=now)
    for entry in parsed.entries:
        if entry.id or entry.title or entry.url or entry.summary or entry.text:
            poll.take(entry)
    new, notices = _with_recency(poll, state, first_poll_window)
    if state.baselined_at is not None and poll.changed_ids > max(CHURN_LEAST - 1, len(parsed.entries) / 2):
        notices.append(_churn_notice(feed, poll.changed_ids, len(parsed.entries)))
    # Known keys are named too: the store must hear that the feed still shows them, or it would forget them one day.
    return Fresh(
        new=new, edited=tuple(poll.edited.values()), seen_keys=tuple(poll.seen.items()), notices=tuple(notices)
    )


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────


def _digest(kind: str, *parts: str) -> bytes:
    # Lengths first, so that no text can shift from one part into the next.
    sizes = ",".join(str(len(part)) for part in parts)
    typed = "\0".join((kind, sizes, *parts))
    return hashlib.sha256(typed.encode("utf-8", "surrogatepass")).digest()


def _content(entry: Entry) -> tuple[str, str, str]:
    return normalized(entry.title), normalized(entry.summary), normalized(entry.text[:_TEXT_CHARS])


def _is_distinctive(content: Iterable[str]) -> bool:
    return sum(len(tokens(part)) for part in content) >= DISTINCTIVE_TOKENS


def _is_unique(entry_id: str) -> bool:
    return _UNIQUE_ID.fullmatch(entry_id) is not None or _is_page(canonical_url(entry_id))


def _is_page(link: str) -> bool:
    """Say whether a canonical link names more than a host's home page."""
    return bool(link) and "/" in link.removeprefix("https://").replace("?", "/").replace("#!", "/")


def _shared_key(entry: Entry, feed: Feed) -> bytes:
    return _digest("shared-link", canonical_url(feed.url) or feed.url, canonical_url(entry.url))


def _shared_links(parsed: ParsedFeed) -> frozenset[str]:
    """The canonical links that stand under several articles of one poll."""
    first: dict[str, Entry] = {}
    shared: set[str] = set()
    for entry in parsed.entries:
        link = canonical_url(entry.url)
        other = first.setdefault(link, entry)
        same_id = bool(entry.id) and entry.id == other.id
        if not same_id and normalized(entry.title) != normalized(other.title):
            shared.add(link)
    return frozenset(shared - {""})


# ── one poll ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True, kw_only=True)
class _Poll:
    """A poll on its way: entries are taken in the order of the feed."""

    parsed: ParsedFeed
    feed: Feed
    known: Mapping[bytes, KnownArticle]
    now: datetime
    new: dict[str, Article] = field(default_factory=dict)
    edited: dict[str, Article] = field(default_factory=dict)
    seen: dict[bytes, str] = field(default_factory=dict)
    changed_ids: int = 0
    future: set[str] = field(default_factory=set)
    _here: dict[bytes, KnownArticle] = field(default_factory=dict)
    _shared: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._shared = _shared_links(self.parsed)

    def take(self, entry: Entry) -> None:
        found = keys(entry, self.feed.url)
        link_is_shared = self._link_is_shared(entry)
        if link_is_shared:
            found = Keys(exact=found.exact, id=found.id, text=found.text)
        article = self._recognised(entry, found, link_is_shared=link_is_shared)
        if article is None:
            article = self._add(entry, found)
        else:
            self._meet(entry, found, article)
        if link_is_shared:
            self.seen.setdefault(_shared_key(entry, self.feed), article.article_id)

    def _link_is_shared(self, entry: Entry) -> bool:
        return canonical_url(entry.url) in self._shared or _shared_key(entry, self.feed) in self.known

    def _recognised(self, entry: Entry, found: Keys, *, link_is_shared: bool) -> KnownArticle | None:
        exact = self._named(found.exact)
        if exact is not None:
            return exact
        by_id = self._named(found.id)
        if by_id is not None and _same_by_id(entry, by_id, link_counts=not link_is_shared):
            return by_id
        by_link = self._named(found.link)
        if by_link is not None and _same_by_link(entry, by_link, self.feed):
            return by_link
        return self.known.get(found.text) if found.text else None

    def _named(self, key: bytes) -> KnownArticle | None:
        return (self.known.get(key) or self._here.get(key)) if key else None

    def _add(self, entry: Entry, found: Keys) -> KnownArticle:
        scope = canonical_url(self.feed.url) or self.feed.url
        digest = hashlib.sha256(b"article\0" + scope.encode("utf-8", "replace") + b"".join(found.all()))
        dated = entry.published_at or entry.updated_at
        article = Article(
            id=digest.hexdigest()[:32],
            feed=self.feed.url,
            title=entry.title,
            url=entry.url,
            entry_id=entry.id,
            summary=entry.summary,
            text=entry.text,
            author=entry.author,
            language=self.feed.language or entry.language or self.parsed.language,
            published_at=_believable(dated, self.now),
            first_seen_at=self.now,
            keys=tuple(key for key in found.all() if key not in self.known),
            raw_hash=entry.raw_hash,
        )
        if dated is not None and dated > self.now + FUTURE_SLACK:
            self.future.add(article.id)
        self.new[article.id] = article
        met = _as_known(article)
        for key in found.all():
            self._here.setdefault(key, met)
        return met

    def _meet(self, entry: Entry, found: Keys, article: KnownArticle) -> None:
        for key in found.all():
            self.seen.setdefault(key, article.article_id)
            self._here.setdefault(key, article)
        is_own = article.feed == self.feed.url
        if found.id and found.id not in self.known and is_own and article.article_id not in self.new:
            self.changed_ids += 1
        # The wording of another feed is not an edit. A wording seen before isn't one either: some sites
        # try two headlines in turn.
        unchanged = found.exact in self.known or (entry.raw_hash and entry.raw_hash == article.raw_hash)
        # A feed with thresholds of its own judges by them what another feed brought first, once.
        own_rules = self.feed.alert_at is not None or self.feed.digest_at is not None
        judges_anew = not is_own and own_rules and bool(found.id) and found.id not in self.known
        changed = (is_own and not unchanged) or judges_anew
        if changed and article.article_id not in self.new.keys() | self.edited.keys():
            self.edited[article.article_id] = self._edit(entry, found, article)

    def _edit(self, entry: Entry, found: Keys, article: KnownArticle) -> Article:
        return Article(
            id=article.article_id,
            feed=article.feed,
            title=entry.title,
            url=entry.url or article.url,
            entry_id=entry.id or article.entry_id,
            summary=entry.summary,
            text=entry.text,
            author=entry.author,
            language=self.feed.language or entry.language or self.parsed.language,
            published_at=article.published_at or _believable(entry.published_at, self.now),
            first_seen_at=article.first_seen_at,
            keys=tuple(key for key in found.all() if key not in self.known),
            raw_hash=entry.raw_hash,
            version=article.version + 1,
            recent=article.recent,
        )


def _as_known(article: Article) -> KnownArticle:
    return KnownArticle(
        article_id=article.id,
        feed=article.feed,
        title=article.title,
        url=article.url,
        entry_id=article.entry_id,
        raw_hash=article.raw_hash,
        published_at=article.published_at,
        first_seen_at=article.first_seen_at,
    )


# ── same? ─────────────────────────────────────────────────────────────────────────────────────────


def _same_by_id(entry: Entry, known: KnownArticle, *, link_counts: bool) -> bool:
    if normalized(entry.title) == normalized(known.title):
        return True
    link, known_link = canonical_url(entry.url), canonical_url(known.url)
    if link_counts and _is_page(link) and _is_page(known_link):
        # A site that makes the address from the headline changes both when it corrects one word.
        return link == known_link or _is_reworded(entry.title, known.title)
    return not known.title or _shared_words(entry.title, known.title) >= OTHER_TITLE


def _same_by_link(entry: Entry, known: KnownArticle, feed: Feed) -> bool:
    shared_words = _shared_words(entry.title, known.title)
    if known.feed != feed.url:
        return shared_words >= OTHER_TITLE or not (entry.title and known.title)
    # A title that was purged can't speak against.
    if not (entry.id and known.entry_id and known.title) or entry.id == known.entry_id:
        return True
    fragments = {_fragment(entry.url), _fragment(known.url)}
    if len(fragments) == 2 and normalized(entry.title) != normalized(known.title):
        return False
    published, before = entry.published_at, known.published_at
    is_later = published is not None and before is not None and published > before + FUTURE_SLACK
    return not (is_later and shared_words < OTHER_TITLE)


def _shared_words(one: str, other: str) -> float:
    """The share of the shorter title's words that the other one has, too."""
    words, others = set(tokens(one)), set(tokens(other))
    return len(words & others) / max(1, min(len(words), len(others)))


def _is_reworded(one: str, other: str) -> bool:
    words, others = set(tokens(one)), set(tokens(other))
    numbers = {word for word in words ^ others if word[0].isdigit()}
    return not numbers and min(len(words), len(others)) >= 5 and _shared_words(one, other) >= EDITED_TITLE


def _fragment(url: str) -> str:
    return url.partition("#")[2]


# ── time ──────────────────────────────────────────────────────────────────────────────────────────


def _believable(published_at: datetime | None, now: datetime) -> datetime | None:
    """Give a date that can be true: not before 1990 and at most an hour ahead; None otherwise."""
    if published_at is None or not OLDEST <= published_at <= now + FUTURE_SLACK:
        return None
    return published_at


def _with_recency(
    poll: _Poll, state: FeedState, first_poll_window: timedelta
) -> tuple[tuple[Article, ...], list[Notice]]:
    articles = tuple(poll.new.values())
    if state.baselined_at is None:
        oldest = poll.now - first_poll_window
        recent = {a.id for a in articles if a.published_at is not None and a.published_at >= oldest}
        # A clock set wrong is no reason to miss what was published a minute ago.
        return _marked(articles, recent | poll.future), []
    newest = state.newest_at or poll.now
    line = min(newest, poll.now - BACKFILL_AGE)
    old = {a.id for a in articles if a.published_at is not None and a.published_at < line}
    if len(old) <= BACKFILL_LIMIT:
        return articles, []
    return _marked(articles, {a.id for a in articles} - old), [_backfill_notice(poll.feed, len(old))]


def _marked(articles: tuple[Article, ...], recent: set[str]) -> tuple[Article, ...]:
    return tuple(a if a.id in recent else replace(a, recent=False) for a in articles)


def _backfill_notice(feed: Feed, count: int) -> Notice:
    text = (
        f"{_named(feed)}: {count} entries older than a week arrived at once; they look like an archive "
        "published again and were remembered without alerts. Look through them with `longarm replay`."
    )
    return Notice(key=_notice_key("backfill", feed), text=text)


def _churn_notice(feed: Feed, changed: int, count: int) -> Notice:
    text = (
        f"{_named(feed)}: {changed} of {count} entries came back under another id; they are recognised by "
        "link and text instead. Nothing needs doing unless the same news is announced twice."
    )
    return Notice(key=_notice_key("changing-ids", feed), text=text)


def _named(feed: Feed) -> str:
    # Not the address itself: it may hold a password or a key.
    return feed.name or display_host(feed.url) or "a feed"


def _notice_key(kind: str, feed: Feed) -> str:
    return f"{kind}:{hashlib.sha256(feed.url.encode('utf-8', 'replace')).hexdigest()[:16]}"
