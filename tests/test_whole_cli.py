"""Every command as a person or a script would use it: what it prints, how it ends, and that it never shows a traceback."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from monitor.cli import longarm
from monitor.store import Store
from tests.botapi import TOKEN, BotApi, forbidden, in_thread, unauthorized
from tests.whole_parts import (
    ALL,
    CAKE,
    CUP,
    EDITOR,
    NOTICE,
    REPEAT,
    STATION,
    News,
    Ran,
    Site,
    command,
    door,
    environment,
    process,
    rss,
    serving,
    table,
    write_toml,
)

FORMULA = News(
    "formula", '=HYPERLINK("http://evil.example","Exiled poet abducted in Vienna")', "Agents took the exile."
)
OTHER_TOKEN = "987654321:BBanother-token_that_the_server_never_saw00"


@pytest.fixture(autouse=True)
def _never_a_token_nor_a_traceback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a command says in these tests is searched for what it must never say."""
    said: list[str] = []
    made = Ran.__init__

    def remembered(self: Ran, code: int, out: str, err: str) -> None:
        made(self, code, out, err)
        said.append(out + err)

    monkeypatch.setattr(Ran, "__init__", remembered)
    yield
    for text in said:
        assert TOKEN.partition(":")[2] not in text
        assert OTHER_TOKEN.partition(":")[2] not in text
        assert "Traceback" not in text
        assert "this is a bug" not in text


def failed(ran: Ran, code: int = 1) -> str:
    """The one line that a command says when it fails."""
    assert (ran.code, ran.out) == (code, "")
    (line,) = ran.said
    assert line.startswith("longarm: ")
    return line.removeprefix("longarm: ")


# ── help ──────────────────────────────────────────────────────────────────────────────────────────


def _every_command(group: click.Group = longarm, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    context = click.Context(group)
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(context):
        made = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(made, click.Group):
            found += _every_command(made, (*path, name))
    return found


COMMANDS = _every_command()


def test_the_commands_of_the_contract_are_there() -> None:
    wanted = "run demo score group parse digest replay export label train evaluate explain search status doctor"
    assert {(name,) for name in wanted.split()} <= set(COMMANDS)
    assert {
        ("feeds", "list"),
        ("feeds", "check"),
        ("channels", "list"),
        ("channels", "test"),
        ("channels", "resume"),
    } <= {*COMMANDS}


@pytest.mark.parametrize("path", [(), *COMMANDS], ids=" ".join)
def test_the_help_of_every_command_shows_an_example_of_it(path: tuple[str, ...]) -> None:
    ran = door(*path, "--help")
    assert (ran.code, ran.err) == (0, "")
    _, _, examples = ran.out.partition("Example")
    assert re.search(rf"\blongarm {' '.join(path)}\b" if path else "longarm run", examples)


def test_the_overview_names_every_command_and_says_what_it_does() -> None:
    out = door("--help").out
    for (name,) in (path for path in COMMANDS if len(path) == 1):
        assert re.search(rf"^  {name} +\S.*\.$|^  {name} +\S.*\?$", out, re.MULTILINE), name


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["score", "--help"], ["run", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    heavy = "numpy scipy sklearn sqlalchemy alembic telegram apprise httpx feedparser pydantic rich apscheduler jinja2"
    look = (
        "import sys\nfrom monitor.cli import exit_code, longarm\n"
        f"code = exit_code(lambda: longarm.main(args={arguments!r}, standalone_mode=False))\n"
        f"print(code, *(name for name in {heavy.split()!r} if name in sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, env=environment(), check=True, text=True)
    assert done.stderr == "0\n"
    assert done.stdout


def test_the_console_script_is_installed() -> None:
    script = Path(sys.executable).with_name("longarm")
    if not script.exists():
        pytest.skip("the package is not installed beside this interpreter")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True, env=environment())
    assert re.search(r"longarm.* \d+\.\d+", done.stdout)


@pytest.mark.parametrize(
    "arguments",
    [["scroe"], ["score", "--alert-at", "2"], ["score", "nowhere.jsonl"], ["export"], ["export", "secrets"], ["label"], ["search"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_use_ends_with_2_and_says_what_would_be_right(arguments: list[str]) -> None:
    ran = door(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Error: " in ran.err
    assert "--help" in ran.err


# ── texts ─────────────────────────────────────────────────────────────────────────────────────────


def lines(*items: object) -> str:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)


def item(news: News, **more: object) -> dict[str, object]:
    return {"id": news.slug, "title": news.title, "summary": news.summary, **more}


def test_score_answers_in_the_order_of_the_input_with_the_fields_of_the_contract() -> None:
    given = [item(CUP), item(EDITOR, language="en", url=EDITOR.link, published="2026-02-09T10:00:00Z"), item(CAKE), item(STATION)]  # fmt: skip
    ran = door("score", given=lines(*given))
    assert (ran.code, ran.err) == (0, "")
    answers = ran.lines
    assert [answer["id"] for answer in answers] == [one["id"] for one in given]
    for answer in answers:
        assert set(answer) == {"id", "score", "verdict", "codes", "reasons", "model"}
        assert 0 <= answer["score"] <= 1
        assert all(set(reason) == {"term", "weight"} for reason in answer["reasons"])
        assert answer["verdict"] == verdict(answer["score"], 0.8, 0.5)
    cup, editor, cake, station = answers
    assert [one["verdict"] for one in (cup, editor, cake, station)] == ["drop", "alert", "drop", "alert"]
    assert editor["reasons"]
    assert editor["codes"]
    assert len({answer["model"] for answer in answers}) == 1


def verdict(score: float, alert_at: float, digest_at: float) -> str:
    return "alert" if score >= alert_at else "digest" if score >= digest_at else "drop"


def test_score_takes_a_file_or_standard_input_and_keeps_ids_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    text = "\ufeff" + lines({"id": 7, "title": EDITOR.title, "summary": None}) + "\n" + lines({"id": "ü", "title": "Ü"})
    file.write_text(text, encoding="utf-8")
    from_file = door("score", file)
    assert [answer["id"] for answer in from_file.lines] == [7, "ü"]
    assert from_file == door("score", given=text) == door("score", "-", given=text)


def test_score_decides_by_the_thresholds_that_it_is_given() -> None:
    score = door("score", given=lines(item(EDITOR))).lines[0]["score"]
    above = min(score + 0.0001, 1.0)
    assert door("score", "--alert-at", above, "--digest-at", score, given=lines(item(EDITOR))).lines[0]["verdict"] in {
        "digest", "alert" if above == score else "digest",
    }  # fmt: skip
    assert door("score", "--alert-at", 0, "--digest-at", 0, given=lines(item(CUP))).lines[0]["verdict"] == "alert"
    ran = door("score", "--alert-at", 0.2, "--digest-at", 0.5, given="")
    assert ran.code == 2
    assert "--digest-at must not be above --alert-at" in ran.err


BAD_LINES = {
    "no JSON": (b"{id: 1}", "not JSON"),
    "cut off": (b'{"id": "2", "title"', "not JSON"),
    "not UTF-8": (b'{"id": "2", "title": "\xff"}', "not JSON in UTF-8"),
    "a list": (b"[1]", "list found; an object"),
    "no id": (b'{"title": "x"}', 'no "id"'),
    "no title": (b'{"id": "2"}', 'no "title"'),
    "a title that is a number": (b'{"id": "2", "title": 3}', '"title" is int'),
    "a summary that is a list": (b'{"id": "2", "title": "x", "summary": []}', '"summary" is list'),
}


@pytest.mark.parametrize("command", ["score", "group"])
@pytest.mark.parametrize(("line", "text"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_named_by_file_and_number(command: str, line: bytes, text: str, tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_bytes(lines(item(EDITOR)).encode() + b"\n" + line + b"\n")
    ran = door(command, file)
    assert ran.code == 1
    (said,) = ran.said
    assert said.startswith(f"longarm: {file}:3: ")
    assert text in said
    (from_pipe,) = door(command, given=file.read_bytes()).said
    assert from_pipe == said.replace(str(file), "standard input")


def test_group_answers_with_the_story_as_the_id_of_its_first_item() -> None:
    copy = {"id": "copy", "title": EDITOR.title, "summary": EDITOR.summary}
    given = [item(EDITOR), item(NOTICE), copy, item(STATION)]
    dated = [{**one, "published": f"2026-02-09T1{hour}:00:00Z"} for hour, one in enumerate(given)]
    for items in (given, dated):
        ran = door("group", given=lines(*items))
        assert (ran.code, ran.err) == (0, "")
        slugs = [EDITOR.slug, NOTICE.slug, EDITOR.slug, STATION.slug]
        assert ran.lines == [{"id": one["id"], "story": slug} for one, slug in zip(given, slugs, strict=True)]


def test_group_lets_a_story_end() -> None:
    items = [
        {**item(EDITOR, summary=""), "published": "2026-02-01T10:00:00Z"},
        {**item(EDITOR, summary=""), "id": "later", "published": "2026-02-20T10:00:00Z"},
    ]
    assert [answer["story"] for answer in door("group", given=lines(*items)).lines] == [EDITOR.slug, "later"]
    joined = door("group", "--window", 30, given=lines(*items)).lines
    assert [answer["story"] for answer in joined] == [EDITOR.slug, EDITOR.slug]


def test_parse_gives_one_line_a_feed_with_the_fields_of_the_contract(tmp_path: Path) -> None:
    file = tmp_path / "saved.xml"
    file.write_bytes(rss("The Wire", [EDITOR, CUP], datetime(2026, 2, 9, 12, tzinfo=UTC)))
    with serving({"wire": file.read_bytes()}) as site:
        ran = door("parse", file, site.feed("wire"), "--allow", "127.0.0.1/32")
    assert (ran.code, ran.err) == (0, "")
    saved, fetched = ran.lines
    assert (saved["source"], fetched["source"]) == (str(file), site.feed("wire"))
    assert {**saved, "source": ""} == {**fetched, "source": ""}
    assert {"source", "title", "entries", "warnings"} <= set(saved)
    assert saved["title"] == "The Wire"
    entry = saved["entries"][0]
    assert {"id", "title", "url", "published", "summary"} <= set(entry)
    assert (entry["id"], entry["title"], entry["url"]) == (EDITOR.slug, EDITOR.title, EDITOR.link)
    assert datetime.fromisoformat(entry["published"]) == datetime(2026, 2, 9, 11, tzinfo=UTC)


def test_parse_says_which_source_failed_and_goes_on(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.xml", tmp_path / "bad.xml"
    good.write_bytes(rss("The Wire", [EDITOR]))
    bad.write_bytes(b"<html><body>Please log in</body></html>")
    with serving({"wire": good.read_bytes()}) as site:
        ran = door("parse", bad, tmp_path / "none.xml", site.feed("wire"), good)
        assert site.asked == []  # loopback was not allowed
    assert ran.code == 1
    assert [line["source"] for line in ran.lines] == [str(good)]
    assert [said.split(": ")[1] for said in ran.said] == [str(bad), f"{tmp_path}/none.xml", site.feed("wire")]


def test_explain_names_what_speaks_for_and_against() -> None:
    ran = door("explain", EDITOR.title)
    assert (ran.code, ran.err) == (0, "")
    assert re.search(r"^\d\.\d\d ", ran.out)
    assert re.search(r"^for: .*\+\d", ran.out, re.MULTILINE)
    assert "nearest items of the corpus:" in ran.out


def test_evaluate_measures_on_labelled_lines(tmp_path: Path) -> None:
    file = tmp_path / "labelled.jsonl"
    file.write_text(
        lines(*({**item(news), "label": int(news in (EDITOR, STATION))} for news in (EDITOR, CUP, STATION, CAKE)))
    )
    (report,) = door("evaluate", file, "--json").lines
    assert report["lines"][0]["group"] == "all"
    assert report["lines"][0]["average_precision"] == 1.0
    assert "| all | 4 | 2 |" in door("evaluate", file).out
    file.write_text(lines(item(EDITOR)))
    assert failed(door("evaluate", file)) == f'{file}: every row needs "title" and "label" (0 or 1)'


def test_train_refuses_a_corpus_from_which_nothing_can_be_learned(tmp_path: Path) -> None:
    assert "\n" not in failed(door("train", "--corpus", tmp_path, "--to", tmp_path / "model"))
    (tmp_path / "en.jsonl").write_text("{}\n")
    assert failed(door("train", "--corpus", tmp_path, "--to", tmp_path / "model")).startswith("en.jsonl:1: ")
    assert not (tmp_path / "model").exists()


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(lines(*({"id": number, "title": EDITOR.title} for number in range(3_000))))
    with subprocess.Popen(
        command("score", file), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read()
    assert (running.returncode, said) == (0, b"")


# ── a watch that was run ──────────────────────────────────────────────────────────────────────────


class Watch:
    """A state directory after one run: two feeds that answer, one that doesn't, a console and a Telegram channel."""

    def __init__(self, folder: Path, site: Site, api: BotApi) -> None:
        self.folder, self.site, self.api = folder, site, api
        site.pages |= {"wire": rss("The Wire", [EDITOR, STATION, FORMULA]), "sport": rss("Sport & more", [CUP, CAKE])}
        self.toml = write_toml(
            folder,
            table("feeds", url=site.feed("wire?key=s3cret-in-address"), name="The Wire", **ALL),
            table("feeds", url=site.feed("sport"), alert_at=1.0, digest_at=1.0),
            table("feeds", url=site.feed("gone"), name="Gone"),
            table("feeds", url=site.feed("off"), name="Switched off", enabled=False),
            table("channels", name="desk", type="console"),
            table("channels", name="main", type="telegram", chat="-100123", api_url=api.url),
        )
        self.ran = self("run", "--once", apart=True)
        self.sent = api.texts()

    def __call__(self, *arguments: object, apart: bool = False, token: str = TOKEN, given: str = "") -> Ran:
        """Run a command on this watch."""
        whole = (*arguments, "--config", self.toml)
        if apart:
            return process(*whole, LONGARM_TELEGRAM_TOKEN=token)
        return door(*whole, given=given, LONGARM_TELEGRAM_TOKEN=token)

    def another(self, folder: Path) -> Watch:
        """A copy that may be changed."""
        shutil.copytree(self.folder, folder)
        copy = object.__new__(Watch)
        copy.folder, copy.site, copy.api, copy.toml = folder, self.site, self.api, folder / "feeds.toml"
        return copy


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    with serving() as site, in_thread() as api:
        yield Watch(tmp_path_factory.mktemp("watch") / "it", site, api)


@pytest.fixture
def own_watch(watch: Watch, tmp_path: Path) -> Iterator[Watch]:
    """One to change; the API's chats are as they were afterwards."""
    before = dict(watch.api.chats)
    yield watch.another(tmp_path / "own")
    watch.api.chats = before
    watch.api.clear()


def test_run_once_polls_tells_and_ends(watch: Watch) -> None:
    assert watch.ran.code == 0
    told = watch.ran.out
    assert all(news.link in told for news in (EDITOR, STATION))
    assert all(any(news.link in text for text in watch.sent) for news in (EDITOR, STATION))
    assert CUP.link not in told
    assert REPEAT not in told + "".join(watch.sent)
    assert watch.api.violations == []
    assert any("polled feeds=3 failed=1 new=5 announced=3" in line for line in watch.ran.said)
    assert "s3cret-in-address" not in watch.ran.out + watch.ran.err


def test_run_once_again_tells_nothing(own_watch: Watch) -> None:
    before = len(own_watch.api.accepted)
    again = own_watch("run", "--once", "--log-json", apart=True)
    assert (again.code, again.out) == (0, "")
    assert [json.loads(line)["event"] for line in again.said][-1] == "polled"
    assert len(own_watch.api.accepted) == before


EXPORTED = {
    "incidents": {"id", "origin_state", "host_state", "agent_type", "official_denial_text", "source_tier", "urls"},
    "articles": {"id", "feed", "url", "title", "published", "score", "verdict", "story"},
    "stories": {"id", "language", "articles", "alerted"},
    "deliveries": {"key", "channel", "state", "attempts", "remote_id"},
}


@pytest.mark.parametrize("kind", EXPORTED)
def test_export_gives_the_fields_of_the_contract(watch: Watch, kind: str) -> None:
    ran = watch("export", kind)
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines
    for line in ran.lines:
        assert EXPORTED[kind] <= set(line)
    assert ran == watch("export", kind)
    rows = list(csv.DictReader(io.StringIO(watch("export", kind, "--format", "csv").out)))
    assert [set(row) for row in rows] == [set(line) for line in ran.lines]
    assert watch("export", kind, "--since", "1h").lines == ran.lines
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    assert watch("export", kind, "--since", tomorrow).out == ""


def test_export_tells_what_happened(watch: Watch) -> None:
    articles = {line["url"]: line for line in watch("export", "articles").lines}
    assert set(articles) == {news.link for news in (EDITOR, STATION, FORMULA, CUP, CAKE)}
    editor, cup = articles[EDITOR.link], articles[CUP.link]
    assert (editor["verdict"], editor["story"]) == ("alert", editor["id"])
    assert (cup["verdict"], cup["story"]) == ("drop", None)
    assert editor["rule"].startswith(f"{editor['score']:.2f} >= alert_at")
    deliveries = watch("export", "deliveries").lines
    told = [(line["channel"], line["key"]) for line in deliveries if line["story"]]
    assert len(told) == len(set(told)) == 6
    assert {line["state"] for line in deliveries} == {"sent"}
    assert all(line["remote_id"] for line in deliveries)


def test_no_cell_of_a_csv_file_is_a_formula(watch: Watch) -> None:
    rows = list(csv.DictReader(io.StringIO(watch("export", "articles", "--format", "csv").out)))
    assert f"'{FORMULA.title}" in [row["title"] for row in rows]
    cells = [cell for row in rows for cell in row.values() if cell[:1] in "=+-@\t\r" and cell]
    assert all(re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell) for cell in cells)


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_digest_shows_a_week(watch: Watch, form: str) -> None:
    week = f"{datetime.now(UTC):%G-W%V}"
    ran = watch("digest", "--week", week, "--format", form)
    assert (ran.code, ran.err) == (0, "")
    words = STATION.title.split()
    assert all(word in ran.out for word in words)
    assert ran.out.lstrip().startswith("<!") == (form == "html")
    assert CUP.title not in ran.out


@pytest.mark.parametrize("week", ["2026", "2026-W60", "next", "2999-W01"])
def test_digest_of_a_week_that_is_none_is_wrong_use(watch: Watch, week: str) -> None:
    assert failed(watch("digest", "--week", week), code=2).startswith("--week: ")


def test_status_counts_and_ends_with_0_while_nothing_needs_a_person(watch: Watch) -> None:
    ran = watch("status", "--json")
    assert ran.code == 0
    (status,) = ran.lines
    expected = {"articles": 5, "stories": 3, "pending": 0, "sent": 6, "dead": 0, "failing_feeds": 1, "paused": []}
    assert {key: status[key] for key in expected} == expected
    assert "articles" in watch("status").out


def test_status_names_a_paused_channel_and_ends_with_1(own_watch: Watch) -> None:
    with Store.open(own_watch.folder / "state", now=datetime.now(UTC)) as store:
        store.pause_channel("main", "the bot was kicked", datetime.now(UTC))
    ran = own_watch("status")
    assert ran.code == 1
    assert "paused: channel “main”" in ran.out
    assert "longarm channels resume main" in ran.out
    (status,) = own_watch("status", "--json").lines
    assert [one["channel"] for one in status["paused"]] == ["main"]


def test_search_finds_articles_that_hold_all_words(watch: Watch) -> None:
    (found,) = watch("search", "--json", "police", "ROTTERDAM").lines
    assert found["url"] == STATION.link
    assert watch("search", "--json", "police", "recipes").out == ""
    assert STATION.title.split()[0] in watch("search", "rotterdam").out
    assert len(watch("search", "--json", "dissident").lines) == 2
    assert len(watch("search", "--json", "dissident", "--limit", "1").lines) == 1
    assert len(watch("search", "--json", "dissident", "--language", "en", "--since", "1d").lines) == 2
    for narrowed in (
        ("--language", "ar"),
        ("--code", "none"),
        ("--origin", "aq"),
        ("--host", "aq"),
        ("--since", "2999-01-01"),
    ):
        assert watch("search", "--json", "dissident", *narrowed).out == "", narrowed


def test_label_records_what_a_person_says_and_the_newest_counts(own_watch: Watch) -> None:
    articles = own_watch("export", "articles").lines
    short = articles[0]["id"][:10]
    assert own_watch("label", short, "unsure", "--rater", "ana").code == 0
    ran = own_watch("label", short, "wrong-code", "--rater", "ana", "--codes", "violence, response", "--note", "=1+1")
    assert (ran.code, ran.out) == (0, f"{articles[0]['id']}: wrong-code (ana)\n")
    label = own_watch("export", "labels").lines[-1]
    expected = {"article": articles[0]["id"], "rater": "ana", "value": "wrong-code", "codes": ["violence", "response"]}
    assert {key: label[key] for key in expected} == expected
    (*_, row) = csv.DictReader(io.StringIO(own_watch("export", "labels", "--format", "csv").out))
    assert row["note"] == "'=1+1"


def test_label_needs_one_article(own_watch: Watch) -> None:
    assert failed(own_watch("label", "zzz", "relevant", "--rater", "ana")).startswith("zzz: no article has this id")
    assert failed(own_watch("label", "", "relevant", "--rater", "ana")).startswith(": 5 articles have this id")


def test_replay_says_what_would_differ(watch: Watch) -> None:
    rows = watch("replay", "--json").lines
    assert len(rows) == 5
    assert {(row["was"], row["would"]) for row in rows} == {("alert", "alert"), ("drop", "drop")}
    assert "5 articles" in watch("replay").out
    merges = watch("replay", "--merges").out
    assert "articles would join a story" in merges
    assert "verdict then" not in merges
    assert all(row["story"] != row["id"] and row["evidence"] for row in watch("replay", "--merges", "--json").lines)
    assert watch("replay", "--json", "--since", "2999-01-01").out == ""
    assert watch("replay", "--since", "yesterday").code == 2


def test_replay_takes_another_threshold(own_watch: Watch) -> None:
    own_watch.toml.write_text(
        own_watch.toml.read_text().replace("alert_at = 0.0\n", "").replace("digest_at = 0.0\n", "")
    )
    strict = {row["title"]: row["would"] for row in own_watch("replay", "--json", "--alert-at", 1).lines}
    assert strict[EDITOR.title] in {"digest", "alert"}
    loose = {row["title"]: row["would"] for row in own_watch("replay", "--json", "--alert-at", 0.3).lines}
    assert loose[EDITOR.title] == "alert"


# ── feeds ─────────────────────────────────────────────────────────────────────────────────────────


def test_feeds_list_shows_the_health_of_each(watch: Watch) -> None:
    rows = {row["name"]: row for row in watch("feeds", "list", "--json").lines}
    assert set(rows) == {"The Wire", "Sport & more", "Gone", "Switched off"}
    assert {name: row["state"] for name, row in rows.items()} == {
        "The Wire": "fine", "Sport & more": "fine", "Gone": "failing (1x)", "Switched off": "disabled",
    }  # fmt: skip
    assert "404" in rows["Gone"]["error"]
    assert rows["The Wire"]["succeeded_at"]
    assert rows["The Wire"]["newest_at"]
    assert rows["The Wire"]["next_poll_at"] > rows["The Wire"]["succeeded_at"]
    assert "s3cret" not in json.dumps(rows)
    by_failures = watch("feeds", "list", "--json", "--sort", "errors").lines
    assert by_failures[0]["name"] == "Gone"
    assert "failing (1x)" in watch("feeds", "list").out


def test_feeds_check_asks_and_stores_nothing(watch: Watch) -> None:
    before = watch("export", "articles").out
    (row,) = watch("feeds", "check", watch.site.feed("wire"), "--json").lines
    expected = {"answer": "fine", "format": "rss", "entries": 3, "failed": False}
    assert {key: row[key] for key in expected} == expected
    assert EDITOR.title in [item["title"] for item in row["sample"]]
    everything = watch("feeds", "check", "--json")
    assert everything.code == 1
    assert sorted(row["failed"] for row in everything.lines) == [False, False, True]
    failing = watch("feeds", "check", watch.site.feed("nothing-here"))
    assert failing.code == 1
    assert "404" in failing.out
    assert watch("export", "articles").out == before


def test_feeds_check_does_not_dial_what_is_not_allowed(watch: Watch, tmp_path: Path) -> None:
    toml = tmp_path / "feeds.toml"
    toml.write_text(watch.toml.read_text().replace('allow = ["127.0.0.1/32"]', "allow = []"))
    asked = len(watch.site.asked)
    ran = door("feeds", "check", watch.site.feed("wire"), "--config", toml, "--json", LONGARM_TELEGRAM_TOKEN=TOKEN)
    assert (ran.code, ran.lines[0]["failed"]) == (1, True)
    assert 'add it to "allow" under [network]' in ran.lines[0]["answer"]
    assert len(watch.site.asked) == asked


# ── channels and doctor ───────────────────────────────────────────────────────────────────────────


def test_channels_list_shows_where_things_go(watch: Watch) -> None:
    rows = {row["name"]: row for row in watch("channels", "list", "--json").lines}
    assert (rows["main"]["type"], rows["main"]["chat"], rows["main"]["state"]) == ("telegram", "-100123", "fine")
    assert "desk" in watch("channels", "list").out


def test_channels_test_sends_one_message_or_says_why_not(own_watch: Watch) -> None:
    own_watch.api.accepted.clear()
    assert own_watch("channels", "test", "main").out == "channel “main”: the test message was accepted\n"
    assert len(own_watch.api.accepted) == 1
    own_watch.api.script(forbidden())
    assert "bot was kicked" in failed(own_watch("channels", "test", "main"))
    own_watch.api.chats.pop("-100123")
    assert "Chat not found" in failed(own_watch("channels", "test", "main"))
    said = failed(own_watch("channels", "test", "other"))
    assert said == "other: no such channel in feeds.toml; it has: desk, main"
    assert len(own_watch.api.accepted) == 1


def test_a_paused_channel_keeps_its_queue_and_is_resumed_by_hand(own_watch: Watch) -> None:
    state = own_watch.folder / "state"
    with Store.open(state, now=datetime.now(UTC)) as store:
        store.pause_channel("main", "the bot was kicked", datetime.now(UTC))
    rows = {row["name"]: row["state"] for row in own_watch("channels", "list", "--json").lines}
    assert rows == {"desk": "fine", "main": "paused: the bot was kicked"}
    assert own_watch("channels", "resume", "main").code == 0
    rows = {row["name"]: row["state"] for row in own_watch("channels", "list", "--json").lines}
    assert rows["main"] == "fine"
    assert failed(own_watch("channels", "resume", "other")).startswith("other: no channel of this name is paused")


def found(ran: Ran) -> dict[str, dict[str, Any]]:
    return {line["what"]: line for line in ran.lines}


def test_doctor_finds_everything_fine(watch: Watch) -> None:
    ran = watch("doctor", "--json")
    findings = found(ran)
    assert {what: one["says"] for what, one in findings.items() if not one["fine"]} == {}
    assert ran.code == 0
    assert {"configuration", "model", "state", "clock", "feeds", "channel desk", "channel main"} <= set(findings)
    assert findings["channel main"]["says"] == "can be written to"
    assert findings["feeds"]["mend"] == "longarm feeds list --sort errors"
    plain = watch("doctor").out
    assert "ok   channel main: can be written to" in plain
    assert "     -> longarm feeds list --sort errors" in plain


def _wrong_token(watch: Watch) -> str:
    return OTHER_TOKEN


def _chat_not_found(watch: Watch) -> str:
    watch.api.chats.pop("-100123")
    return TOKEN


def _missing_right(watch: Watch) -> str:
    rights = {**watch.api.chats["-100123"].member, "can_post_messages": False}
    watch.api.add_chat("-100123", kind="channel", member=rights)
    return TOKEN


def _not_a_member(watch: Watch) -> str:
    watch.api.add_chat("-100123", kind="channel", member={"status": "left"})
    return TOKEN


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (_wrong_token, "refuses the bot's token"),
        (_chat_not_found, "Chat not found"),
        (_missing_right, "may not post messages; give it that right"),
        (_not_a_member, "is not a member; add it"),
    ],
)
def test_doctor_says_what_is_wrong_with_a_channel(
    own_watch: Watch, break_it: Callable[[Watch], str], says: str
) -> None:
    own_watch.api.accepted.clear()
    token = break_it(own_watch)
    ran = own_watch("doctor", "--json", token=token)
    bad = [one for one in ran.lines if not one["fine"]]
    assert ran.code == 1
    assert [one["what"] for one in bad] == ["channel main"]
    assert says in bad[0]["says"]
    assert "BAD  channel main" in own_watch("doctor", token=token).out
    assert own_watch.api.accepted == []


def test_doctor_without_a_token_says_how_to_get_one(watch: Watch) -> None:
    ran = door("doctor", "--config", watch.toml, "--json")
    assert ran.code == 1
    assert "@BotFather" in found(ran)["channel main"]["says"]


def test_doctor_says_when_a_channel_is_paused_and_when_the_state_is_lost(own_watch: Watch) -> None:
    state = own_watch.folder / "state"
    with Store.open(state, now=datetime.now(UTC)) as store:
        store.pause_channel("main", "the bot was kicked", datetime.now(UTC))
    paused = [one for one in own_watch("doctor", "--json").lines if not one["fine"]]
    assert [(one["what"], one["mend"]) for one in paused] == [
        ("channel main", "mend that, then: longarm channels resume main")
    ]
    for file in state.glob("longarm.db*"):
        file.unlink()
    assert not found(own_watch("doctor", "--json"))["state"]["fine"]


def test_doctor_names_every_problem_of_the_configuration(tmp_path: Path) -> None:
    ran = door("doctor", "--config", bad_toml(tmp_path), "--json")
    assert ran.code == 1
    assert len(ran.lines) == 4
    assert {line["what"] for line in ran.lines} == {"configuration"}


# ── what can't be used ────────────────────────────────────────────────────────────────────────────


def bad_toml(folder: Path) -> Path:
    """A file with four mistakes."""
    return write_toml(
        folder,
        table("feeds", url="ftp://example.org/feed", evry="15m"),
        table("channels", name="main", type="telegram"),
        table("channels", name="desk", type="consol"),
    )


@pytest.mark.parametrize(
    "arguments",
    [["run", "--once"], ["run"], ["status"], ["digest"], ["feeds", "list"], ["feeds", "check"], ["replay"], ["export", "articles"], ["label", "a", "unsure", "--rater", "x"], ["search", "a"], ["channels", "list"], ["channels", "test", "main"], ["channels", "resume", "main"]],
    ids=" ".join,
)  # fmt: skip
def test_a_bad_configuration_is_told_whole_and_ends_with_2(arguments: list[str], tmp_path: Path) -> None:
    toml = bad_toml(tmp_path)
    starts = arguments[0] == "run"  # sets up logging, so in a process of its own
    ran = (process if starts else door)(*arguments, "--config", toml)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.said) == 4
    assert all(re.match(rf"longarm: {toml}:\d+: ", line) for line in ran.said)
    for word in ("ftp://", '"every"', "chat", '"console"'):
        assert word in ran.err
    assert not (tmp_path / "state").exists()


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "none.toml") in failed(door("status", "--config", tmp_path / "none.toml"), code=2)


@pytest.mark.parametrize("command", [["status"], ["export", "articles"], ["search", "x"], ["digest"], ["replay"]])
def test_looking_before_the_first_run_says_what_to_do_and_makes_nothing(
    command: list[str], watch: Watch, tmp_path: Path
) -> None:
    toml = shutil.copy(watch.toml, tmp_path)
    assert "`longarm run` makes it" in failed(door(*command, "--config", toml, LONGARM_TELEGRAM_TOKEN=TOKEN))
    assert not (tmp_path / "state").exists()


def test_a_second_instance_ends_with_3_and_changes_nothing(own_watch: Watch) -> None:
    state = own_watch.folder / "state"
    with Store.open(state, now=datetime.now(UTC)):
        second = own_watch("run", "--once", apart=True)
        assert "already running (pid" in failed(second, code=3)
        article = own_watch("export", "articles").lines[0]["id"]  # looking is possible meanwhile
        assert "already running" in failed(own_watch("label", article, "relevant", "--rater", "ana"), code=3)
        assert own_watch("status").code == 0
    assert own_watch("label", article, "relevant", "--rater", "ana").code == 0


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to be looked at" * 50])
def test_a_lost_or_foreign_database_is_refused_in_one_line(own_watch: Watch, content: bytes) -> None:
    database = own_watch.folder / "state" / "longarm.db"
    for file in database.parent.glob("longarm.db*"):
        file.unlink()
    database.write_bytes(content)
    assert str(database) in failed(own_watch("run", "--once", apart=True))
    assert str(database) in failed(own_watch("status"))
    assert database.read_bytes() == content


def test_a_revoked_token_pauses_and_is_told_where_it_can_be(own_watch: Watch) -> None:
    own_watch.site.pages["later"] = rss("Later", [NOTICE])
    own_watch.toml.write_text(own_watch.toml.read_text() + table("feeds", url=own_watch.site.feed("later"), **ALL))
    own_watch.api.default = unauthorized()
    ran = own_watch("run", "--once", apart=True)
    assert ran.code == 0
    assert NOTICE.link in ran.out  # the console has the alert
    assert "Nothing is sent any more" in ran.out  # and the trouble
    status = own_watch("status")
    assert status.code == 1
    assert "paused: channel “main”" in status.out
    own_watch.api.clear()
    own_watch.api.accepted.clear()
    assert own_watch("channels", "resume", "main").code == 0
    again = own_watch("run", "--once", apart=True)
    assert again.code == 0
    assert [NOTICE.link in text and not text.startswith(REPEAT) for text in own_watch.api.texts()] == [True]
    assert own_watch("status").code == 0
