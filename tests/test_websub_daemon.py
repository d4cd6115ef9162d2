"""The daemon and a hub: it subscribes to what its feeds name, confirms it over HTTP, and still stops when asked to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

import httpx

from monitor import app, config, wiring
from monitor.wiring import opened, utc_now
from tests.test_whole_daemon import STOPS_WITHIN, started
from tests.whole_parts import CUP, process, rss, serving, table, write_toml


@contextmanager
def hub() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A hub that notes what it is asked for."""
    forms: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            forms.append(dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", forms
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def with_hub(page: bytes, where: str, topic: str) -> bytes:
    links = f'<link xmlns="http://www.w3.org/2005/Atom" rel="hub" href="{where}"/>'
    links += f'<link xmlns="http://www.w3.org/2005/Atom" rel="self" href="{topic}"/>'
    return page.replace(b"<channel>", b"<channel>" + links.encode())


def settings_for(folder: Path, feed: str, websub: str) -> Path:
    return write_toml(folder, f"[websub]\n{websub}\n", table("feeds", url=feed, every="5m"), relevance="")


def test_it_subscribes_confirms_and_stops(tmp_path: Path) -> None:
    port = free_port()
    callback = f"http://127.0.0.1:{port}/hook"
    with serving() as site, hub() as (where, forms):
        topic = site.feed("sport")
        site.pages["sport"] = with_hub(rss("Sport", [CUP]), where, topic)
        toml = settings_for(tmp_path, topic, f'callback = "{callback}"\nlisten = "127.0.0.1:{port}"')
        with started(toml) as daemon:
            daemon.wait_for(lambda: forms)
            form = forms[0]
            assert form["hub.topic"] == topic
            assert form["hub.callback"].startswith(f"{callback}/")
            query = {"hub.mode": "subscribe", "hub.topic": topic, "hub.challenge": "abc", "hub.lease_seconds": "3600"}
            with httpx.Client(trust_env=False) as client:
                assert client.get(form["hub.callback"], params=query).text == "abc"
                assert client.post(form["hub.callback"], content=b"x").status_code == 202
            daemon.wait_for(lambda: "subscribed" in daemon.events)
            assert daemon.stop() < STOPS_WITHIN
        said = daemon.log.read_text()
    assert form["hub.secret"] not in said
    assert form["hub.callback"].rpartition("/")[2] not in said


def test_an_address_that_can_not_be_listened_on_ends_the_start_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        websub = f'callback = "https://reader.test/hook"\nlisten = "{listen}"'
        ran = process("run", "--config", settings_for(tmp_path, "http://127.0.0.1:9/x", websub))
    assert ran.code != 0
    assert "Traceback" not in ran.err
    assert f"websub.listen: {listen} can't be listened on" in ran.err


async def test_without_a_callback_nothing_listens_and_no_key_is_made(tmp_path: Path) -> None:
    settings = config.load(settings_for(tmp_path, "http://127.0.0.1:9/x", ""), {})
    async with opened(settings, clock=utc_now) as found, wiring.heard_by_hubs(found):
        assert found.watch.push is None
        assert {name for name, _, _ in app._jobs(found)} >= {"poll", "push"}
        for name, _, work in app._jobs(found):
            if name == "push":
                await work()
        assert not found.tasks
    assert not (settings.state_dir / "websub.key").exists()


async def test_with_a_callback_a_push_pass_hurries_and_asks(tmp_path: Path) -> None:
    websub = f'callback = "https://reader.test/hook"\nlisten = "127.0.0.1:{free_port()}"'
    settings = config.load(settings_for(tmp_path, "http://127.0.0.1:9/x", websub), {})
    async with opened(settings, clock=utc_now) as found, wiring.heard_by_hubs(found):
        assert found.watch.push is not None
        (work,) = [work for name, _, work in app._jobs(found) if name == "push"]
        await work()
        (task,) = found.tasks
        await work()  # while hubs are being asked no second round begins
        assert found.tasks == {task}
        await task
        assert found.watch.push.expects(found.watch.push.path("http://127.0.0.1:9/x"))
    assert (settings.state_dir / "websub.key").exists()
