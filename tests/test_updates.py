"""What is worth a reply: only what is really new."""

from __future__ import annotations

import pytest

from monitor.alerts.updates import advanced, all_told, change, sure, told_by
from monitor.model import Evidence, Facts, Told, Update

CHARGED = Told(stage="charge", origin_states=("CN",), host_states=("US",))


def new(*said: Facts, told: Told | None = CHARGED) -> Update | None:
    return change("s", told, {str(number): facts for number, facts in enumerate(said)})


@pytest.mark.parametrize(
    ("before", "stage", "is_new"),
    [
        ("charge", "verdict", True), ("verdict", "sentence", True), ("charge", "charge", False),
        ("verdict", "charge", False), ("", "investigation", False), ("", "allegation", False), ("", "charge", True),
        ("allegation", "investigation", True), ("allegation", "report", False), ("charge", "denial", False), ("charge", "law", False),
        ("report", "verdict", True), ("charge", "", False), ("charge", "no such stage", False),
    ],
)  # fmt: skip
def test_a_stage_is_new_when_it_is_further_than_any_told(before: str, stage: str, is_new: bool) -> None:
    found = new(Facts(stage=stage), told=Told(stage=before))
    assert (found is not None) is is_new
    if found:
        assert (found.stage, found.key) == (stage, f"story:s/stage:{stage}")


def test_a_state_is_new_when_another_was_told_in_its_place_and_not_when_none_was() -> None:
    found = new(Facts(origin_states=("CN", "RU"), host_states=("CA",)))
    assert found == Update(story_id="s", article_id="0", states=("RU", "CA"))
    assert found.key == "story:s/state:RU"
    assert new(Facts(origin_states=("US",))) is None, "a state that was told in either place is known"
    assert new(Facts(origin_states=("RU",), host_states=("DE",)), told=Told()) is None


def test_what_one_poll_changes_is_one_update_told_by_the_article_that_says_it() -> None:
    found = new(Facts(stage="trial"), Facts(stage="sentence", host_states=("DE",)), Facts(stage="verdict"))
    assert found == Update(story_id="s", article_id="1", stage="sentence", states=("DE",))


def test_nothing_is_new_where_nobody_noted_what_was_told() -> None:
    assert new(Facts(stage="sentence", origin_states=("RU",)), told=None) is None


def test_what_was_told_only_grows() -> None:
    told = told_by(Facts(stage="investigation", origin_states=("RU",), host_states=("US", "DE")), CHARGED)
    assert told == Told(stage="charge", origin_states=("CN", "RU"), host_states=("US", "DE"))
    assert told_by(Facts(stage="denial")) == Told(stage="denial")
    assert told_by(Facts(stage="verdict"), Told(stage="denial")).stage == "verdict"
    assert all_told([Facts(stage="trial"), Facts(stage="verdict")], None) == Told(stage="verdict")
    assert all_told([], CHARGED) == CHARGED


def test_what_was_told_is_not_new_again() -> None:
    facts = Facts(stage="sentence", origin_states=("RU",))
    assert new(facts) is not None
    assert new(facts, told=told_by(facts, CHARGED)) is None


def test_a_stage_counts_where_a_headline_or_a_second_source_says_it() -> None:
    verdict = Facts(stage="verdict", evidence=(Evidence(fact="stage", value="verdict", words="convicted"),))
    headline, summary = {"0": "Two men Convicted over stabbing"}, {"0": "Police search homes after stabbing"}
    assert sure({"0": verdict}, headline, "charge") == {"0": verdict}
    assert sure({"0": verdict}, summary, "charge")["0"].stage == ""
    assert sure({"0": verdict}, summary, "verdict") == {"0": verdict}
    both = {"0": verdict, "1": verdict}
    assert sure(both, {**summary, "1": "Exile's attackers"}, "") == both


def test_a_story_stands_where_readers_were_told_it_stands() -> None:
    arrest = Evidence(fact="stage", value="investigation", words="arrested")
    words = Evidence(fact="stage", value="trial", words="go on trial")
    state = Evidence(fact="origin_states", value="BY", words="KGB")
    together = Facts(stage="investigation", origin_states=("BY",), evidence=(state, arrest))
    trial = Facts(stage="trial", evidence=(words,))
    further = Facts(stage="trial", origin_states=("BY",), evidence=(state, words))
    assert advanced(together, Told(stage="trial"), [trial]) == further
    assert advanced(together, Told(stage="trial"), []) == together, "nobody is at hand who says it"
    assert advanced(further, Told(stage="charge"), [trial]) == further
