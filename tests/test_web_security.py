"""Who may see a page, and what an answer may do in a browser."""

from __future__ import annotations

import http.client
import json
import os
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette

from monitor.errors import ConfigError, StateError
from monitor.store.keys import kept_key
from monitor.web import door_pages, serving
from monitor.web.sessions import ALL_TRIES, FREE_TRIES, LASTS, Attempts, Keeper, checker, fresh, renamed
from monitor.web.shield import Admission, own_path
from tests.config_parts import FEED as FEED_TOML
from tests.config_parts import loaded, problem
from tests.store_parts import NOW
from tests.web_parts import PASSWORD, Clock, Pages, a_watch, article_id, csrf, settings_of

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with a_watch(tmp_path_factory.mktemp("guarded"), password=PASSWORD) as pages:
        yield pages


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with a_watch(tmp_path_factory.mktemp("free")) as pages:
        yield pages


def routes(pages: Pages) -> list[tuple[str, str]]:
    """Every method and address there is, with something in the place of each parameter."""
    app = serving.built(pages.settings, pages.store, host="127.0.0.1", clock=pages.clock).app
    assert isinstance(app, Starlette)
    given = {"queue": "alerts", "article": article_id("editor"), "story": article_id("editor"), "case": "x", "feed": "x",
             "kind": "articles", "form": "csv", "channel": "main", "name": "style.css"}  # fmt: skip
    found = []
    for route in app.routes:
        path = re.sub(r"\{(\w+)\}", lambda match: given[match[1]], route.path)
        found += [(method, path) for method in sorted(route.methods)]
    return found


# ── admission ─────────────────────────────────────────────────────────────────────────────────────


def test_without_a_login_every_page_but_the_door_is_closed(guarded: Pages) -> None:
    walked = routes(guarded)
    assert len(walked) > 40
    client = guarded.client()
    token = client.token("/login")
    for method, path in walked:
        answer = client.http.request(method, path, data={"csrf": token} if method == "POST" else None)
        if path in ("/login", "/health") or path.startswith(("/static/", "/public/")):
            assert answer.status_code in (200, 403, 404), path
        elif method == "POST":
            assert answer.status_code == 401, path
        else:
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/login?next="), path
        assert "Varenian" not in answer.text


def test_an_address_that_is_none_is_closed_as_well(guarded: Pages) -> None:
    assert guarded.client().get("/no/such/page").status_code == 303


def test_the_right_password_opens_the_pages_under_a_new_session(guarded: Pages) -> None:
    client = guarded.client()
    before = client.token("/login")
    cookie = client.http.cookies["longarm"]
    answer = client.log_in("Ana", next="/stories")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/stories"
    assert client.http.cookies["longarm"] != cookie
    assert "Varenian" in client.get("/stories").text
    assert "Ana" in client.get("/stories").text
    assert client.token() != before
    # The id of before the login is worth nothing.
    stale = guarded.client(cookies={"longarm": cookie})
    assert stale.get("/stories").status_code == 303


def test_a_wrong_password_or_no_name_opens_nothing(guarded: Pages) -> None:
    for name, password in (("ana", "wrong horse battery"), ("", PASSWORD), ("  ", PASSWORD), ("ana", "")):
        client = guarded.client()
        assert client.log_in(name, password).status_code in (403, 429)
        assert client.get("/").status_code == 303


def test_logging_out_takes_the_cookie_back(guarded: Pages) -> None:
    client = guarded.client()
    client.log_in()
    kept = client.http.cookies["longarm"]
    assert client.post("/logout").headers["location"] == "/login"
    assert client.get("/").status_code == 303
    assert guarded.client(cookies={"longarm": kept}).get("/").status_code == 303


def test_a_session_ends_after_twelve_hours(guarded: Pages) -> None:
    client = guarded.client()
    client.log_in()
    try:
        guarded.clock.at = NOW + LASTS - timedelta(minutes=2)
        assert client.get("/").status_code == 200
        guarded.clock.at = NOW + LASTS
        assert client.get("/").status_code == 303
    finally:
        guarded.clock.at = NOW


def test_a_forged_cookie_is_nobody(guarded: Pages) -> None:
    forged = Keeper(b"x" * 32).cookie(fresh(NOW, "ana", admitted=True))
    for cookie in (forged, "", "a.b", forged[:-2], "%00"):
        assert guarded.client(cookies={"longarm": cookie}).get("/").status_code == 303


def test_another_password_ends_every_session(tmp_path: Path) -> None:
    first, second = (Keeper(kept_key(tmp_path, f"session:{word}")) for word in ("one password", "another one"))
    cookie = first.cookie(fresh(NOW, "ana", admitted=True))
    assert first.session(cookie, NOW) is not None
    assert second.session(cookie, NOW) is None


def test_the_cookie_is_kept_from_scripts_and_other_sites(guarded: Pages) -> None:
    flags = guarded.client().get("/login").headers["set-cookie"]
    assert "HttpOnly" in flags
    assert "SameSite=Strict" in flags
    assert "Secure" not in flags
    behind = guarded.client(headers={"X-Forwarded-Proto": "https"}).get("/login").headers["set-cookie"]
    assert behind.startswith("__Host-longarm=")
    assert "; Secure" in behind
    assert "Path=/;" in behind


def test_a_reverse_proxy_names_who_came_in(tmp_path: Path) -> None:
    head = '[web]\nuser_header = "Remote-User"\nhosts = ["review.example.org"]'
    with a_watch(tmp_path, head=head) as pages:
        assert pages.client().get("/").status_code == 303
        assert "opened by the reverse proxy" in pages.client().get("/login").text
        named = pages.client(headers={"Remote-User": "Ana Proxy", "Host": "review.example.org"})
        assert "Ana Proxy" in named.get("/").text
        assert named.post("/login", {"name": "x"}, token=named.token()).status_code == 404
        assert named.post("/name", {"name": "someone"}).status_code == 403


def test_the_header_of_somebody_who_is_no_proxy_means_nothing(tmp_path: Path) -> None:
    head = '[web]\nuser_header = "Remote-User"\nproxies = ["10.9.0.0/16"]'
    with a_watch(tmp_path, head=head) as pages:
        assert pages.client(headers={"Remote-User": "ana"}).get("/").status_code == 303


def test_beyond_this_machine_nothing_is_served_without_a_login(tmp_path: Path) -> None:
    bare, locked = settings_of(tmp_path / "a"), settings_of(tmp_path / "b", password=PASSWORD)
    for host in ("0.0.0.0", "::", "192.168.1.5", "review.example.org", ""):
        with pytest.raises(ConfigError, match="LONGARM_WEB_PASSWORD") as refused:
            serving.admission(bare, host)
        assert len(refused.value.problems) == 1
        assert serving.admission(locked, host).needs_login
    for host in ("127.0.0.1", "localhost", "::1", "127.8.8.8"):
        assert not serving.admission(bare, host).needs_login


def test_a_proxy_is_known_by_its_network() -> None:
    found = Admission(needs_login=True, proxies=("10.0.0.0/8", "::1/128"))
    assert found.believes("10.2.3.4")
    assert found.believes("::1")
    assert not found.believes("11.2.3.4")
    assert not found.believes("unix")


# ── guessing ──────────────────────────────────────────────────────────────────────────────────────


def test_a_few_wrong_passwords_are_free_and_then_each_waits_longer() -> None:
    attempts, now = Attempts(), NOW
    for _ in range(FREE_TRIES):
        assert attempts.wait("1.2.3.4", now) == timedelta(0)
        attempts.failed("1.2.3.4", now)
    first = attempts.wait("1.2.3.4", now)
    attempts.failed("1.2.3.4", now)
    assert timedelta(0) < first < attempts.wait("1.2.3.4", now)
    assert attempts.wait("5.6.7.8", now) == timedelta(0)
    for _ in range(40):
        attempts.failed("1.2.3.4", now)
    assert attempts.wait("1.2.3.4", now + timedelta(minutes=6)) <= timedelta(0)
    attempts.succeeded("1.2.3.4")
    assert attempts.wait("1.2.3.4", now + timedelta(minutes=2)) == timedelta(0)


def test_from_many_addresses_at_once_everybody_waits() -> None:
    attempts = Attempts()
    for number in range(ALL_TRIES):
        attempts.failed(f"10.0.0.{number}", NOW)
    assert timedelta(0) < attempts.wait("9.9.9.9", NOW) <= timedelta(minutes=1)
    assert attempts.wait("9.9.9.9", NOW + timedelta(minutes=2)) == timedelta(0)


def test_addresses_are_not_remembered_without_bound() -> None:
    attempts = Attempts()
    for number in range(10_050):
        attempts.failed(f"10.{number}", NOW + timedelta(hours=number))
    assert len(attempts._failures) == 10_000


def test_guessing_is_slowed_down_and_told(tmp_path: Path) -> None:
    with a_watch(tmp_path, password=PASSWORD) as pages:
        client = pages.client()
        token = client.token("/login")
        codes = [
            client.post("/login", {"name": "x", "password": f"guess {n}"}, token=token).status_code
            for n in range(FREE_TRIES + 1)
        ]
        assert codes == [403] * FREE_TRIES + [429]
        waits = client.post("/login", {"name": "x", "password": PASSWORD}, token=token)
        assert waits.status_code == 429
        assert int(waits.headers["retry-after"]) > 0
        pages.clock.at = NOW + timedelta(seconds=10)
        assert client.log_in().status_code == 303


def test_a_password_is_checked_slowly_whatever_was_typed() -> None:
    is_right = checker(PASSWORD)
    assert is_right(PASSWORD)
    spans = []
    for typed in ("", "c", PASSWORD[:-1]):
        begun = time.process_time()
        assert not is_right(typed)
        spans.append(time.process_time() - begun)
    assert min(spans) > 0.001


# ── forms ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_form_without_its_token_changes_nothing(free: Pages) -> None:
    client = free.client()
    client.get("/")
    for method, path in routes(free):
        if method == "POST":
            for fields in ({}, {"csrf": ""}, {"csrf": "forged"}):
                assert client.http.post(path, data=fields or {"x": "y"}).status_code == 403, path
    assert not (free.state / "errands").exists()


def test_a_form_from_another_site_is_refused_even_with_the_token(free: Pages) -> None:
    client = free.client()
    token = client.token()
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
    ):
        assert client.post("/name", {"name": "x"}, token=token, headers=headers).status_code == 403, headers
    for headers in ({"Origin": free.url}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}):
        assert client.post("/name", {"name": "ana"}, token=token, headers=headers).status_code == 303, headers


def test_another_visitors_token_is_none(free: Pages) -> None:
    theirs = free.client().token()
    mine = free.client()
    mine.get("/")
    assert mine.post("/name", {"name": "x"}, token=theirs).status_code == 403


def test_what_is_no_form_of_ours_is_refused(free: Pages) -> None:
    http = free.client().http
    token = free.client().token()
    assert http.post("/name", json={"csrf": token}).status_code == 415
    assert http.post("/name", files={"csrf": ("a", b"b")}).status_code == 415
    assert http.post("/name").status_code == 415
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert http.post("/name", content=b"a=" + b"x" * 70_000, headers=form).status_code == 413
    assert http.post("/name", content="a=\xff".encode("latin-1"), headers=form).status_code == 400
    assert http.post("/name", content=b"&".join(b"a=%d" % n for n in range(900)), headers=form).status_code == 400


# ── answers ───────────────────────────────────────────────────────────────────────────────────────


def test_every_answer_bears_the_policy(free: Pages, guarded: Pages) -> None:
    for pages in (free, guarded):
        client = pages.client()
        token = client.token("/login" if pages is guarded else "/")
        answers = [
            client.http.request(method, path, data={"csrf": token} if method == "POST" else None)
            for method, path in routes(pages)
        ]
        answers += [client.get("/no/such"), client.http.put("/"), client.get("/", headers={"Host": "evil.example"})]
        nonces = set()
        for answer in answers:
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'nonce-")
            for part in (
                "style-src 'self'",
                "img-src 'self'",
                "form-action 'self'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
            ):
                assert part in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert "server" not in answer.headers
            nonces.add(policy.split("'nonce-")[1].split("'")[0])
        assert len(nonces) == len(answers)


def test_a_page_that_fails_says_nothing_of_itself_and_bears_the_policy(tmp_path: Path) -> None:
    with a_watch(tmp_path) as pages:
        pages.store.close()
        (pages.state / "longarm.db").write_bytes(b"no database" * 1000)
        answer = pages.client().get(f"/articles/{article_id('editor')}")
        assert answer.status_code == 500
        assert "Traceback" not in answer.text
        assert "longarm.db" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert pages.client().get("/health").status_code == 503


def test_a_refusal_repeats_nothing_of_what_was_asked(free: Pages) -> None:
    client = free.client()
    for path in (f"/{EVIL}", f"/review/{EVIL}", f"/articles/{EVIL}", f"/stories/{EVIL}", f"/cases/{EVIL}", f"/feeds/{EVIL}",
                 f"/digest?week={EVIL}", f"/static/{EVIL}", f"/export/{EVIL}.csv"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code in (400, 404), path
        assert "alert(1)" not in answer.text


def test_what_is_typed_comes_back_as_text(free: Pages) -> None:
    for path in ("/search", "/feeds", "/review/alerts", "/model", "/login"):
        for name in ("q", "item", "at", "language", "since", "until", "feed", "next", "channel"):
            page = free.client().get(path, params={name: EVIL}, follow_redirects=True).text
            assert "<script>alert" not in page
            assert "<img" not in page


def test_only_our_own_names_are_answered(free: Pages, tmp_path: Path) -> None:
    client = free.client()
    for host in (
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil",
        "",
        "a@127.0.0.1",
        "[::2]",
    ):
        assert client.get("/", headers={"Host": host}).status_code == 400, host
    for host in ("localhost", "LOCALHOST:99", "127.0.0.1", "[::1]:8080"):
        assert client.get("/", headers={"Host": host}).status_code == 200, host


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example", "\\\\evil", "/\tevil", "/ /evil",
     "javascript:alert(1)", "/\r\nSet-Cookie: a=b", "///evil", "", "evil", "/é"],
)  # fmt: skip
def test_a_login_leads_to_our_own_pages_only(target: str) -> None:
    assert own_path(target) == "/"
    assert own_path("/stories?alerted=1") == "/stories?alerted=1"


def raw(pages: Pages, path: str) -> tuple[int, bytes]:
    """Ask for `path` as it is written: a client would make it plain first."""
    connection = http.client.HTTPConnection("127.0.0.1", pages.port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("place", ["static", "public"])
def test_no_file_but_ours_is_given_out(free: Pages, place: str) -> None:
    for name in (
        "../site.py", "..%2fsite.py", "%2e%2e/site.py", "....//site.py", "style.css/..", "/etc/passwd", "%2fetc%2fpasswd",
        "..\\site.py", "..%5csite.py", "style.css%00", "web.key", ".", "..", "style.css/../../site.py", "%c0%ae/site.py",
        "keys.js%2f..%2f..%2fsite.py", "~root", "con", "file:///etc/passwd", "%252e%252e%252fsite.py",
    ):  # fmt: skip
        status, body = raw(free, f"/{place}/{name}")
        assert status == 404, name
        assert b"from __future__" not in body
        assert b"root:" not in body


def test_our_own_files_are_given_out(free: Pages) -> None:
    for name, kind in door_pages.FILES.items():
        answer = free.client().get(f"/static/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == kind


def test_nothing_is_loaded_from_elsewhere(free: Pages) -> None:
    for path in ("/", "/review/alerts", "/stories", "/model", "/feeds", "/digest?week=2026-W47"):
        page = free.client().get(path).text
        for address in re.findall(r'(?:src|href|action)="([^"]*)"', page):
            if not address.startswith(("/", "#")):
                assert re.search(rf'<a href="{re.escape(address)}" rel="noreferrer noopener"', page), address
        assert "style=" not in page
        assert not re.search(r"\son\w+=", page)


def test_scripts_bear_the_nonce_of_their_answer(free: Pages) -> None:
    answer = free.client().get("/review/alerts")
    nonce = answer.headers["content-security-policy"].split("'nonce-")[1].split("'")[0]
    scripts = re.findall(r"<script[^>]*>", answer.text)
    assert len(scripts) == 2
    assert all(f'nonce="{nonce}"' in script for script in scripts)


def test_health_says_only_ok(guarded: Pages) -> None:
    assert guarded.client().get("/health").text == "ok\n"


# ── the key, the name, the public feeds ───────────────────────────────────────────────────────────


def test_the_key_is_the_owners_alone_and_lasts(tmp_path: Path) -> None:
    first = kept_key(tmp_path / "new", "x")
    assert kept_key(tmp_path / "new", "x") == first
    assert kept_key(tmp_path / "new", "y") != first
    assert os.stat(tmp_path / "new" / "web.key").st_mode & 0o077 == 0
    (tmp_path / "new" / "web.key").write_bytes(b"short")
    with pytest.raises(StateError, match="delete it"):
        kept_key(tmp_path / "new", "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="check owner"):
        kept_key(tmp_path / "file", "x")


def test_a_name_is_one_short_line() -> None:
    session = fresh(NOW, "  Ana\r\n\x00 <b>  " + "x" * 99)
    assert session.name == "Ana <b> " + "x" * 32
    assert renamed(session, "\n").name == session.name


def test_a_reviewer_without_a_login_says_their_name(free: Pages) -> None:
    client = free.client()
    assert "reviewer" in client.get("/").text
    assert client.post("/name", {"name": "Béa <i>", "next": "/feeds"}).headers["location"] == "/feeds"
    assert "Béa &lt;i&gt;" in client.get("/").text


def test_public_feeds_are_served_to_all_when_there_are_any(tmp_path: Path) -> None:
    head = "[public]\nenabled = true"
    with a_watch(tmp_path, head=head, password=PASSWORD) as pages:
        client = pages.client()
        assert client.get("/public/alerts.json").status_code == 404
        folder = pages.state / "public"
        folder.mkdir()
        (folder / "alerts.json").write_text(json.dumps({"version": "https://jsonfeed.org/version/1.1"}))
        answer = client.get("/public/alerts.json")
        assert answer.json()["version"].startswith("https://jsonfeed.org")
        assert answer.headers["content-type"].startswith("application/feed+json")
        assert client.get("/public/other.json").status_code == 404


def test_a_taken_back_session_is_forgotten_when_it_would_have_ended(tmp_path: Path) -> None:
    keeper = Keeper(kept_key(tmp_path, "x"))
    keeper.end(fresh(NOW), NOW)
    keeper.end(fresh(NOW), NOW + 2 * LASTS)
    assert len(keeper._ended) == 1
    assert keeper.session(keeper.cookie(fresh(NOW + timedelta(hours=2))), NOW) is None
    assert Clock()() == NOW


def test_the_token_of_the_page_is_that_of_the_session(free: Pages) -> None:
    client = free.client()
    assert csrf(client.get("/").text) == csrf(client.get("/channels").text)


def test_no_template_goes_around_the_escaping() -> None:
    folder = Path(serving.__file__).parent
    for path in (*folder.rglob("*.jinja"), *folder.glob("*.py")):
        content = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|Markup|autoescape\s+false|autoescape=False|\{%-?\s*autoescape", content), (
            path.name
        )
        if path.suffix == ".jinja":
            assert "style=" not in content, path.name
            assert not re.search(r"\son[a-z]+=", content), path.name
            assert "target=_blank" not in content


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('hosts = ["https://review.example.org"]', "without a port"),
        ('hosts = ["review.example.org:8080"]', "without a port"),
        ("hosts = [5]", "without a port"),
        ('user_header = "Remote User"', "the name of a header"),
        ("user_header = 5", "the name of a header"),
        ('proxies = ["0.0.0.0/0"]', "never allowed at once"),
        ('proxies = ["proxy"]', "a network such as"),
        ("proxies = [5]", "a network such as"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_with_a_mend(line: str, expected: str) -> None:
    found = problem(f"{FEED_TOML}[web]\n{line}\n")
    assert expected in found
    assert "feeds.toml:4: web." in found


def test_hosts_are_names_in_small_letters() -> None:
    assert loaded(f'{FEED_TOML}[web]\nhosts = ["Review.Example.org", "nas"]\n').web.hosts == (
        "review.example.org",
        "nas",
    )
