"""Is a feed still the feed that it was? A domain that ran out and was bought by others goes on answering. Pure.

The rule, simple on purpose: everything new of two polls in a row (of more, where they bring little) is on hosts, or is
written in a script, that the feed never had within the last month. One such poll may be a guest article; a feed whose
links lead all over the web, or which writes in several scripts, has no habits to break and is never called odd.

Rejected: comparing languages (short headlines are taken for a neighbouring language too often) and topics (a feed that
turns to our subject is what we wait for).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from monitor.model import Article, Sighting
from monitor.scripts import script_of
from monitor.text import display_host

KNOWN_LEAST = 20
"""Articles before which a feed has no habits."""
NEW_LEAST = 3
"""New ones of both polls together that it takes."""
HOSTS_MOST = 3
"""More hosts than this are no habit."""


def is_odd(new: Sequence[Article], sightings: Sequence[Sighting]) -> bool:
    """Say whether `new` and what the poll before them brought break the habits of `sightings`, newest first."""
    if not new or not sightings:
        return False
    last, *earlier = sorted({one.first_seen_at for one in sightings}, reverse=True)
    # Two polls that bring an article each are too little to go by; then a third one decides.
    undecided = earlier and sum(one.first_seen_at >= earlier[0] for one in sightings) < NEW_LEAST
    begun = (last, earlier[0]) if undecided else (last,)
    return any(_breaks_with_habits(new, sightings, since=since) for since in begun)


def _breaks_with_habits(new: Sequence[Article], sightings: Sequence[Sighting], *, since: datetime) -> bool:
    previous = [one for one in sightings if one.first_seen_at >= since]
    before = sightings[len(previous) :]
    if len(before) < KNOWN_LEAST or len(new) + len(previous) < NEW_LEAST:
        return False
    hosts = _hosts(one.url for one in before)
    if hosts and len(hosts) <= HOSTS_MOST:
        both = (_hosts(one.url for one in new), _hosts(one.url for one in previous))
        if all(found and found.isdisjoint(hosts) for found in both):
            return True
    scripts = {_script(one.title) for one in before} - {""}
    both = ({_script(one.title) for one in new} - {""}, {_script(one.title) for one in previous} - {""})
    return bool(scripts) and all(found and found.isdisjoint(scripts) for found in both)


def _hosts(urls: Iterable[str]) -> set[str]:
    """The owners of hosts, roughly: the last two labels, three where the last two are short ("co.uk")."""
    return {_owner(host) for url in urls if (host := display_host(url))}


def _owner(host: str) -> str:
    labels = host.split(".")
    keep = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return ".".join(labels[-keep:])


def _script(title: str) -> str:
    counts = Counter(script_of(char) for char in title if char.isalpha())
    return counts.most_common(1)[0][0] if counts else ""
