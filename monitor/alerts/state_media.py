"""Which state runs the site that a link leads to? A list of hosts that is read once; pure but for that.

A site that is not listed is not said to be free: nothing is said of it. The list decides nothing about a story, neither
whether it is told nor by whom.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import resources

from monitor.links import display_host, safe_url

_TABLE = "state_media.tsv"


def running_state(url: str) -> str:
    """Give the ISO 3166 code of the state that runs the site at `url`, "" where none is known to."""
    labels = display_host(safe_url(url)).split(".")
    ends = (".".join(labels[start:]) for start in range(len(labels)))
    return next((hosts()[end] for end in ends if end in hosts()), "")


@functools.cache
def hosts() -> Mapping[str, str]:
    """Give the state of every listed host."""
    found: dict[str, str] = {}
    for line in (resources.files("monitor.alerts") / _TABLE).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            state, names = line.split("\t")
            found.update((name.strip(), state) for name in names.split(";"))
    return found
