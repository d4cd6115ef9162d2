"""What a week's random sample says was missed, from what is stored: for the digest that is sent, read or published.

The pages draw the same sample and know it sooner: they count labels that wait to be written too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.digest import sample
from monitor.digest.missed import Missed
from monitor.digest.select import Week
from monitor.store import Review, Store, keys


@dataclass(frozen=True, slots=True)
class Sampled:
    """Says of a week what was missed, as far as people labelled its sample; None where they did not, or can't have."""

    store: Store
    state_dir: Path
    tz: ZoneInfo

    def __call__(self, week: Week) -> Missed | None:
        """Read the week and the labels."""
        labels = sample.by_article(self.store.labels())
        key = keys.known_key(self.state_dir, keys.SAMPLE) if labels else b""
        if not key:  # nobody ever saw a sample
            return None
        dropped = Review(self.store).dropped(*week.span(self.tz))
        found = sample.missed_of(len(dropped), sample.drawn(dropped, key, str), labels)
        return found if found.labelled else None
