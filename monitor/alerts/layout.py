"""How an alert looks: its lines, and their order. Pure; decides how a story is told, not whether or to whom.

A message fits one screen of a phone and is the same for every channel: plain text in which only our own stretches are
marked. What happened stands first, where it comes from last; a line that has nothing to say is left out. Facts were
read by a program: a side of the route that it could not read is a "?", and no line says more than they do.

Each line that names strangers begins with a word of ours, so that right-to-left names can't turn it around; headline
and summary stand alone and keep their own direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from classifiers import Score
from monitor.alerts.denials import denial
from monitor.alerts.sources import SHIPPED, Tier, Tiers, rank, tier, warning
from monitor.alerts.state_media import running_state
from monitor.compose import (
    ALSO,
    NO_TITLE,
    Composer,
    harmless,
    isolated,
    language_name,
    moment,
    shown_host,
    source_name,
    state_name,
)
from monitor.model import Decision, Facts, Feed, Judged, Member, Message, SpanKind, Story, Update
from monitor.text import normalized, safe_url

TITLE_CHARS = 240
LEAD_CHARS = 280
CASE_CHARS = 160
KIND_CHARS = 120
STATES_NAMED = 3
_COMMON_NOUNS = frozenset(
    "academics activists artists athletes believers defectors diaspora dissidents ex-officials journalists lawyers "
    "opposition refugees relatives rights-defenders students women".split()
)
"""Target groups that are no people, place or movement with a name."""
REASONS = 3
SOURCES_NAMED = 3
_ASKED_FOR_DENIAL = 8


def story_message(
    story: Story,
    judged: Sequence[Judged],
    *,
    feeds: Mapping[str, Feed],
    tz: ZoneInfo,
    tiers: Tiers = SHIPPED,
) -> Message:
    """Tell a story by the best source that made it an alert. `judged` are its articles as far as known, maybe none."""
    member = voice(story, tiers)
    row = next((row for row in judged if row.article.id == member.article_id), None)
    composer = Composer()
    if top := course(story.facts):
        composer.add(top).add("\n")
    composer.add(headline(member), SpanKind.BOLD).add("\n")
    if row is not None and row.edited:
        composer.add("The text was changed after it was first seen.", SpanKind.ITALIC).add("\n")
    lead = _lead(member)
    composer.add(f"\n{lead}\n" if lead else "")
    # What is remembered of an article ends sooner than what was read of it.
    _denial(composer, story, replace(member, summary=row.article.summary) if row else member, lead, feeds)
    composer.add("\n")
    _kind(composer, story.facts, row.score.codes if row else ())
    if note := harmless(story.case_note, CASE_CHARS):
        composer.add(note).add("\n")
    _source(composer, member, feeds, tz, dated=row is None or row.article.published_at is not None)
    _also(composer, story, member, feeds, tiers)
    _why(composer, row.score if row else None, member.score)
    _link(composer, _linked(story, member, tiers), tiers)
    return composer.message()


def update_message(
    update: Update, story: Story, *, feeds: Mapping[str, Feed], tz: ZoneInfo, tiers: Tiers = SHIPPED
) -> Message:
    """Tell what is new in a story that readers know, by the article that says so."""
    says = next((one for one in story.members if one.article_id == update.article_id), None) or voice(story, tiers)
    news = " · ".join(part for part in (_stage(update.stage), _states(update.states)) if part)
    composer = Composer().add(f"Now: {news}\n" if news else "")
    composer.add("Update on: ").add(isolated(headline(voice(story, tiers))), SpanKind.BOLD).add("\n")
    composer.add(f"\n{headline(says)}\n\n")
    _source(composer, says, feeds, tz, dated=True)
    _link(composer, says, tiers)
    return composer.message()


def course(facts: Facts) -> str:
    """Write how far a matter came and who reaches where: "CHARGE · Iran → United Kingdom"; "" if neither was read."""
    origin, host = _states(facts.origin_states), _states(facts.host_states)
    route = f"{origin or '?'} → {host or '?'}" if origin or host else ""
    return " · ".join(part for part in (_stage(facts.stage), route) if part)


def headline(member: Member, limit: int = TITLE_CHARS) -> str:
    """Write an article's title, or its host where the title shows nothing."""
    title = harmless(member.title, limit)
    host = shown_host(member.url)
    return title or (f"{NO_TITLE} – {host}" if host else NO_TITLE)


def pointer(title: str, url: str, tiers: Tiers = SHIPPED) -> Composer:
    """Write a headline that leads to its article, with the host that it leads to: for lists. `title` is harmless."""
    address, host = safe_url(url), shown_host(url)
    composer = Composer().link(address, isolated(title)) if address else Composer().add(isolated(title))
    return composer.add(" (").add(host, SpanKind.CODE).add(f"){warning(url, tiers)}") if host else composer


# ── who tells it ──────────────────────────────────────────────────────────────────────────────────


def voice(story: Story, tiers: Tiers = SHIPPED) -> Member:
    """Choose who tells a story: of the articles worth an alert the best source's, of equals the lead, then the first.

    The place within a list does not count: a headline that readers know must not change for a slightly better one.
    """
    alerts = [member for member in story.members if member.decision is Decision.ALERT] or [story.members[0]]
    lead = story.members[0].article_id
    return min(
        alerts, key=lambda one: (*rank(one.url, tiers)[:2], one.article_id != lead, one.at, -one.score, one.article_id)
    )


def _linked(story: Story, told: Member, tiers: Tiers) -> Member:
    """Whose address is shown: never a mirror's or a look-alike's where there is any other."""
    if tier(told.url, tiers) < Tier.MIRROR:
        return told
    return min(story.members, key=lambda one: (rank(one.url, tiers), one.article_id != told.article_id))


# ── lines ─────────────────────────────────────────────────────────────────────────────────────────


def _stage(stage: str) -> str:
    return harmless(stage, 30).upper()


def _states(codes: Sequence[str]) -> str:
    more = len(codes) - STATES_NAMED
    return ", ".join(map(state_name, codes[:STATES_NAMED])) + (f" +{more}" if more > 0 else "")


def _kind(composer: Composer, facts: Facts, codes: tuple[str, ...]) -> None:
    kinds = harmless(", ".join(dict.fromkeys((*facts.codes, *codes))), KIND_CHARS)
    groups = harmless(", ".join(map(_group, facts.target_groups)), KIND_CHARS)
    parts = ([f"Kind: {kinds}"] if kinds else []) + ([f"Against: {groups}"] if groups else [])
    composer.add(" · ".join(parts) + "\n" if parts else "")


def _group(name: str) -> str:
    """A target group as it is written in English: "crimean-tatars" are "Crimean Tatars", "rights-defenders" are not."""
    if name in _COMMON_NOUNS:
        return name
    return " ".join(word if word == "and" else word.capitalize() for word in name.replace("-", " ").split(" "))


def _lead(member: Member) -> str:
    """The summary's beginning; nothing where it only repeats the headline."""
    title, summary = normalized(member.title), normalized(member.summary)
    if title and summary.startswith(title) and len(summary) <= len(title) + 40:
        return ""
    return harmless(member.summary, LEAD_CHARS)


def _denial(composer: Composer, story: Story, told: Member, lead: str, feeds: Mapping[str, Feed]) -> None:
    """A sentence that denies it, of whoever tells it or of another source; none where it stands above anyway."""
    if denial(f"{told.title}\n{lead}", told.language):
        return
    others = [one for one in story.members if one.article_id != told.article_id][:_ASKED_FOR_DENIAL]
    for member in (told, *others):
        if said := harmless(denial(f"{member.title}\n{member.summary}", member.language), LEAD_CHARS):
            by = f" ({isolated(_name(member, feeds))})" if _name(member, feeds) != _name(told, feeds) else ""
            composer.add(f"Denial{by}: “{isolated(said)}”\n")
            return


def _source(composer: Composer, member: Member, feeds: Mapping[str, Feed], tz: ZoneInfo, *, dated: bool) -> None:
    composer.add("Source: ")
    _named(composer, member, feeds)
    composer.add(f", {'' if dated else 'first seen '}{moment(member.at, tz)}")
    language = language_name(member.language)
    composer.add(f", in {isolated(language)}\n" if language not in ("", "English") else "\n")


def _named(composer: Composer, member: Member, feeds: Mapping[str, Feed]) -> None:
    """A source with its host. As code no chat makes a link of it: the only link is the one below."""
    name, host = _name(member, feeds), shown_host(member.url)
    if name.replace("\u2060", "") == host:
        composer.add(host, SpanKind.CODE)
        return
    composer.add(isolated(name))
    if host:
        composer.add(" (").add(host, SpanKind.CODE).add(")")


def _name(member: Member, feeds: Mapping[str, Feed]) -> str:
    configured = feeds[member.feed].name if member.feed in feeds else ""
    return harmless(source_name(configured, member.feed_name, url=member.feed), 60)


def _also(composer: Composer, story: Story, told: Member, feeds: Mapping[str, Feed], tiers: Tiers) -> None:
    """The other sources, the best first: "Also: Reuters (reuters.com), El Faro (elfaro.example) +46"."""
    ranked = sorted(story.members, key=lambda member: rank(member.url, tiers))
    by_name: dict[str, Member] = {}
    for member in ranked:
        by_name.setdefault(_name(member, feeds), member)
    by_name.pop(_name(told, feeds), None)
    for number, member in enumerate(list(by_name.values())[:SOURCES_NAMED]):
        composer.add(", " if number else f"{ALSO} ")
        _named(composer, member, feeds)
    more = len(by_name) - SOURCES_NAMED
    composer.add(f" +{more}\n" if more > 0 else "\n" if by_name else "")


def _why(composer: Composer, score: Score | None, value: float) -> None:
    terms = _reasons(score) if score else []
    shown = [f"score {(score.value if score else value):.2f}"]
    if terms:
        shown.insert(0, ", ".join(terms))
    if score is not None and score.obfuscated:
        shown.append("the text looks made to dodge filters")
    composer.add(f"Why: {' · '.join(shown)}\n")


def _reasons(score: Score) -> list[str]:
    terms = (harmless(reason.term, 40) for reason in score.reasons if reason.weight > 0)
    return [f"“{isolated(term)}”" for term in dict.fromkeys(terms) if term][:REASONS]


def _link(composer: Composer, member: Member, tiers: Tiers) -> None:
    url = safe_url(member.url)
    if not url:
        composer.add("Link: none that could be opened safely\n")
        return
    composer.link(url)
    composer.add(warning(url, tiers))
    if state := running_state(url):
        composer.add(f" (state-run: {state_name(state)})")
    composer.add("\n")
