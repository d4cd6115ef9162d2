"""A whole watch on PostgreSQL: polled, told, looked through, labelled, reviewed; and a server that goes away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.errors import AlreadyRunning, StateError
from monitor.model import Effects, Redaction
from monitor.store import People, indexing
from tests.postgres_parts import Server, database, server, tables  # noqa: F401 - fixtures
from tests.store_parts import MINUTE, NOW, a_delivery, an_outcome, article_id, judged, opened, record
from tests.web_parts import csrf, fill, served
from tests.whole_parts import ALL, CUP, EDITOR, STATION, Ran, door, process, rss, serving, table, write_toml


@pytest.fixture
def watch(tmp_path: Path, database: str) -> Iterator[Path]:  # noqa: F811
    with serving({"wire": rss("The Wire", [EDITOR, STATION]), "sport": rss("Sport", [CUP])}) as site:
        yield write_toml(
            tmp_path,
            table("feeds", url=site.feed("wire"), name="The Wire", **ALL),
            table("feeds", url=site.feed("sport"), alert_at=1.0, digest_at=1.0),
            table("channels", name="desk", type="console"),
        )


def test_a_watch_is_run_looked_through_and_labelled(watch: Path, database: str, tmp_path: Path) -> None:  # noqa: F811
    def ran(*arguments: object) -> Ran:
        return door(*arguments, "--config", watch, LONGARM_DATABASE_URL=database)

    first = process("run", "--once", "--config", watch, LONGARM_DATABASE_URL=database)
    assert (first.code, EDITOR.link in first.out, STATION.link in first.out, CUP.link in first.out) == (
        0,
        True,
        True,
        False,
    )
    again = process("run", "--once", "--config", watch, LONGARM_DATABASE_URL=database)
    assert (again.code, again.out) == (0, "")
    assert not (tmp_path / "state" / "longarm.db").exists()

    articles = {line["url"]: line for line in ran("export", "articles").lines}
    assert set(articles) == {EDITOR.link, STATION.link, CUP.link}
    assert {line["state"] for line in ran("export", "deliveries").lines} == {"sent"}
    assert [line["url"] for line in ran("search", "--json", "police", "ROTTERDAM").lines] == [STATION.link]
    assert ran("search", "--json", "zeppelin").lines == []
    short = articles[EDITOR.link]["id"][:10]
    assert ran("label", short, "relevant", "--rater", "ana").code == 0
    assert [line["article"] for line in ran("export", "labels").lines] == [articles[EDITOR.link]["id"]]
    week = ran("digest", "--week", f"{datetime.now(UTC):%G-W%V}", "--format", "text")
    assert (week.code, STATION.title.split()[0] in week.out) == (0, True)
    (status,) = ran("status", "--json").lines
    assert (status["articles"], status["pending"], status["dead"]) == (3, 0, 0)


def test_every_page_is_there_and_a_label_is_taken(tmp_path: Path, database: str) -> None:  # noqa: F811
    with opened(tmp_path / "state", url=database) as store:
        fill(store)
    editor = article_id("editor")
    with served(tmp_path / "state", url=database) as pages:
        client = pages.client()
        for path in ("/", "/review/alerts", "/review/near", "/review/sample", "/review/split", "/review/codes", "/stories",
                     f"/stories/{editor}", f"/articles/{editor}", "/feeds", "/channels", "/incidents", "/model", "/digest",
                     "/search?q=editor&origin=RU&host=GB&since=2026-11-01", "/export/articles.csv?q=editor",
                     "/export/incidents.json?decision=alert"):  # fmt: skip
            assert client.get(path).status_code == 200, path
        assert [line["id"] for line in client.get("/export/articles.json?q=跨国&language=zh").json()] == [
            article_id("chinese")
        ]
        assert len(client.get("/export/articles.json?q=editor&origin=RU&host=GB").json()) == 2
        assert client.get("/export/articles.json?q=editor&origin=CN").json() == []
        page = client.get("/review/alerts").text
        item = page.split('name="item" value="')[1].split('"')[0]
        said = client.post(
            "/review/alerts", {"item": item, "value": "relevant"}, token=csrf(page), follow_redirects=True
        )
        assert said.status_code == 200
        assert pages.settle() == 1
    with opened(tmp_path / "state", url=database) as store:
        assert item in {label.article_id for label in store.labels()}


def test_what_goes_leaves_the_index_there_too(tmp_path: Path, database: str) -> None:  # noqa: F811
    with opened(tmp_path / "state", url=database) as store:
        record(store, 1, title="Harbour fire")
        record(store, 2, title="Harbour closed")
        people = People(store)
        people.take(1, Effects(redaction=Redaction(story_id=article_id(1), by=7, why="wrong")), now=NOW)
        assert [line["id"] for line in store.search(["harbour"])] == [article_id(2)]
        other = judged(2, title="Airport closed", version=2, edited=True, raw_hash="other")
        store.record(an_outcome(other), (), now=NOW + MINUTE)
        assert store.search(["harbour"]) == []
        assert [line["id"] for line in store.search(["airport"])] == [article_id(2)]
        with store._reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM article_search").scalar() == 1


def test_a_server_that_was_cut_off_is_asked_again_and_nothing_is_there_twice(server: Server, tmp_path: Path) -> None:  # noqa: F811
    with server.database() as address, opened(tmp_path / "state", url=address) as store:
        record(store, 1)
        server.stop("immediate")
        with pytest.raises(StateError) as refused:
            record(store, 2)
        assert "\n" not in str(refused.value)
        server.start()
        record(store, 1, 2)
        assert (store.counts()["articles"], store.counts()["pending"]) == (2, 2)
        assert store.queue([a_delivery(f"story:{article_id(2)}")]) == 0


def test_two_machines_do_not_work_on_one_database(database: str, tmp_path: Path) -> None:  # noqa: F811
    with opened(tmp_path / "here", url=database) as here:
        with pytest.raises(AlreadyRunning, match="already running"):
            opened(tmp_path / "there", url=database)
        with opened(tmp_path / "there", url=database, read_only=True) as looking:
            assert looking.counts()["articles"] == 0
        record(here, 1)
    with opened(tmp_path / "there", url=database) as there:
        assert there.counts()["articles"] == 1


def test_whoever_starts_right_after_a_stop_or_a_kill_may_work(database: str, tmp_path: Path) -> None:  # noqa: F811
    for _ in range(10):  # the other one's connection is hardly closed
        opened(tmp_path / "state", url=database).close()
    there = tmp_path / "there"
    holding = (
        "import sys, time; from pathlib import Path; from tests.store_parts import opened; "
        "opened(Path(sys.argv[1]), url=sys.argv[2]); print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, there, database],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(AlreadyRunning):
            opened(tmp_path / "state", url=database)
        other.kill()
    with opened(tmp_path / "state", url=database) as store:
        assert store.counts()["articles"] == 0


def test_a_server_without_an_index_gets_one(server: Server, tmp_path: Path) -> None:  # noqa: F811
    with server.database() as address:
        with opened(tmp_path / "state", url=address) as store:
            record(store, 1, 2, title="Harbour fire")
            with store._writing() as connection:
                indexing.forget_all(connection)
            assert store.search(["harbour"]) == []
        with opened(tmp_path / "state", url=address) as store:
            assert len(store.search(["harbour"])) == 2
