"""`longarm case` as a person would use it, on a real SQLite file; and the whole way from a feed to its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.store import Store
from tests.store_parts import FEED, NOW, opened
from tests.test_cases_store import an_affair, told
from tests.whole_parts import ALL, News, Ran, door, process, rss, serving, table, write_toml


class Desk:
    """A state with some affairs, and the command line beside it."""

    def __init__(self, folder: Path) -> None:
        self.toml = write_toml(
            folder,
            table("feeds", url=FEED, name="Harbour Wire"),
            table("channels", name="desk", type="console"),
        )
        with opened(folder / "state", now=NOW) as store:
            self.ids = self.fill(store)

    def fill(self, store: Store) -> list[str]:
        affair = an_affair(store)
        others = [
            told(store, "a", "Exile Farid Rostamian stabbed in London", "Iran denies it.", "2024-05-01"),
            told(store, "b", "Ali Hassan, exile from Iran, followed in Gothenburg, Sweden", "", "2024-06-01"),
            told(store, "c", "Ali Hassan threatened by Iranian agents in Aarhus, Denmark", "", "2024-07-01"),
            told(store, "d", "[bold]Nima Zandilar[/bold] \u202efollowed in London by Iran", "", "2024-08-01"),
        ]
        return [outcome.announce[0].id for outcome in (*affair, *others)]

    def __call__(self, *arguments: str) -> Ran:
        return door("case", *arguments, "--config", self.toml)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.mark.parametrize("name", ["Lu Jianwang", "lu jianwang", "盧建旺", "Лу Цзяньван", "Harry Lu", "Jianwang Lu"])
def test_a_case_is_found_by_a_name_in_any_script_and_shown_by_date(desk: Desk, name: str) -> None:
    ran = desk(name)
    assert (ran.code, ran.err) == (0, "")
    dates = [word for line in ran.out.splitlines() for word in line.split()[:1] if word[:2] == "20"]
    assert dates == ["2022-10-06", "2023-04-17", "2023-04-19", "2024-12-18"]
    assert "4 reports since 2022" in ran.out
    assert "CN → US" in ran.out
    assert "https://harbour-wire.example/charge" in ran.out
    assert "Harbour Wire" in ran.out
    assert "Stages: " in ran.out
    assert "charge 17 Apr 2023" in ran.out
    assert "卢建旺" in ran.out


def test_a_case_is_found_by_its_id_and_by_words_without_quotes(desk: Desk) -> None:
    by_id = desk(desk.ids[0][:10])
    assert by_id.code == 0
    assert by_id.out == desk("Chen", "Jinping").out


def test_json_tells_the_same_to_a_program(desk: Desk) -> None:
    (line,) = desk("Chen Jinping", "--json").lines
    assert line["case"] == desk.ids[0]
    assert [told["story"] for told in line["stories"]] == desk.ids[:4]
    assert line["stories"][1]["stage"] == "charge"
    assert (line["stories"][1]["origin"], line["stories"][1]["host"]) == (["CN"], ["US"])
    assert {one["name"]: one["also"] for one in line["people"]}["Chen Jinping"] == ["陈金平"]
    assert line["since"] == 2022


def test_several_cases_are_listed_with_their_ids(desk: Desk) -> None:
    ran = desk("Ali Hassan")
    assert ran.code == 0
    assert "2 cases name" in ran.out
    assert all(story_id[:12] in ran.out for story_id in desk.ids[5:7])
    assert len(desk("Ali Hassan", "--json").lines) == 2


def test_a_surname_finds_who_bears_it_and_an_organisation_whom_it_is_named_with(desk: Desk) -> None:
    assert "Farid Rostamian" in desk("Rostamian").out
    assert "Farid Rostamian" in desk("Ростамян").out


def test_nobody_of_that_name_is_said_with_the_nearest_names(desk: Desk) -> None:
    ran = desk("Fereydoun Rostamian")
    assert (ran.code, ran.out) == (1, "")
    assert ran.said == [
        line for line in ran.said if line.startswith("longarm: Fereydoun Rostamian: no case names anybody so")
    ]
    assert "Farid Rostamian" in ran.err
    assert "`longarm search`" in desk("Қ").err


def test_what_feeds_wrote_is_shown_without_marks_and_overrides(desk: Desk) -> None:
    ran = desk("Nima Zandilar")
    assert "\u202e" not in ran.out
    assert "[bold]" in ran.out


def test_the_whole_way_from_a_feed_to_the_alert_and_the_line_of_the_case(tmp_path: Path) -> None:
    stabbed = News(
        "stabbed", "Iranian exile Farid Rostamian stabbed outside his home in London",
        "Police suspect agents of Tehran.", 2,
    )  # fmt: skip
    charged = News(
        "charged", "Two charged in court with the knife attack on journalist from Iran",
        "Prosecutors in London say that Tehran paid for the attempt on Farid Rostamian.", 1,
    )  # fmt: skip
    with serving({"wire": rss("The Wire", [stabbed])}) as site:
        feed = table("feeds", url=site.feed("wire"), name="The Wire", **ALL)
        toml = write_toml(tmp_path, feed, table("channels", name="desk", type="console"))
        first = process("run", "--once", "--config", toml)
        assert (first.code, "report on this affair" in first.out) == (0, False)
        site.pages["wire"] = rss("The Wire", [charged, stabbed])
        with opened(tmp_path / "state") as store:
            store.shift_schedule(-NOW.resolution * 86_400_000_000)
        second = process("run", "--once", "--config", toml)
    assert second.code == 0
    assert "2nd report on this affair since 20" in second.out
    (line,) = door("case", "Farid Rostamian", "--config", toml, "--json").lines
    assert [told["headline"] for told in line["stories"]] == [stabbed.title, charged.title]
    assert [told["url"] for told in line["stories"]] == [stabbed.link, charged.link]
    exported = door("export", "stories", "--config", toml).lines
    assert {row["case"] for row in exported} == {line["case"]}


# ── by hand ───────────────────────────────────────────────────────────────────────────────────────


def test_cases_are_joined_split_and_put_back_at_the_command_line(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    stabbed = desk.ids[4]
    ran = desk("Lu Jianwang", "--merge", "Farid Rostamian", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert {told["story"] for told in ran.lines[0]["stories"]} == {*desk.ids[:4], stabbed}
    ran = desk(desk.ids[0], "--split", stabbed[:10], "--json")
    assert [told["story"] for told in ran.lines[0]["stories"]] == [stabbed]
    ran = desk(stabbed, "--undo", "--json")
    assert {told["story"] for told in desk(desk.ids[0], "--json").lines[0]["stories"]} == {*desk.ids[:4], stabbed}
    assert desk(desk.ids[0], "--undo").code == 0
    assert [told["story"] for told in desk("Lu Jianwang", "--json").lines[0]["stories"]] == desk.ids[:4]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Lu Jianwang", "--merge", "Chen Jinping"), "that is the case itself"),
        (("Lu Jianwang", "--merge", "Ali Hassan"), "2 cases are named so"),
        (("Lu Jianwang", "--merge", "Nobody Known"), "no case names anybody so"),
        (("Lu Jianwang", "--split", "ffffffffffff"), "no story of the case begins so"),
        (("Farid Rostamian", "--split", ""), ""),
        (("Lu Jianwang", "--undo"), "nothing was joined or split by hand"),
    ],
)
def test_what_can_not_be_joined_or_split_is_said_in_one_line(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    ran = desk(*arguments)
    assert said in ran.err
    assert ran.err.count("\n") <= 1
    assert ran.code == (1 if said else 0)


def test_the_only_story_of_a_case_can_not_be_taken_out_and_one_change_is_made_at_a_time(desk: Desk) -> None:
    ran = desk("Farid Rostamian", "--split", desk.ids[4][:8])
    assert (ran.code, "the only story of the case" in ran.err) == (1, True)
    assert desk("Lu Jianwang", "--undo", "--split", "a").code == 2
