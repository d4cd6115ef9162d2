"""[alerts] and [sources]: how much is told, and who speaks."""

from __future__ import annotations

import pytest

from monitor.alerts.sources import Tiers
from monitor.model import Limits
from tests.config_parts import FEED, loaded, problem


def test_caps_and_sources_have_defaults() -> None:
    settings = loaded(FEED)
    assert (settings.limits, settings.tiers) == (Limits(), Tiers())


def test_caps_and_sources_are_read() -> None:
    head = "[alerts]\nburst = 3\nfeed_cap = 10\nchannel_cap = 20\nstory_cap = 1\n"
    head += '[sources]\nfirst = ["www.Reuters.com", "el-faro.example"]\nlast = ["msn.com"]\nmirrors = ["archive.ph"]\n'
    settings = loaded(head + FEED)
    assert settings.limits == Limits(burst=3, feed_cap=10, channel_cap=20, story_cap=1)
    expected = Tiers(first=("reuters.com", "el-faro.example"), last=("msn.com",), mirrors=("archive.ph",))
    assert settings.tiers == expected


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "[alerts]\nburst = 0",
            "alerts.burst: found 0; expected stories that go alone, a whole number from 1 to 1,000",
        ),
        ('[alerts]\nfeed_cap = "9"', 'alerts.feed_cap: found "9"; expected messages an hour'),
        ("[alerts]\nfeed_kap = 9", 'alerts.feed_kap: unknown key; did you mean "feed_cap"?'),
        ('[sources]\nfirst = "reuters.com"', 'sources.first: found "reuters.com"; expected a list'),
        ("[sources]\nfirst = [7]", 'expected a host\'s name such as "reuters.com"'),
        ('[sources]\nlast = ["reuters"]', 'expected a host\'s name such as "reuters.com"'),
        ('[sources]\nlast = ["https://msn.com/x"]', 'did you mean "msn.com"?'),
        ("sources = 7", "sources: found 7; expected a table"),
    ],
)
def test_a_mistake_is_named_with_its_place(line: str, says: str) -> None:
    assert says in problem(f"{line}\n{FEED}")
