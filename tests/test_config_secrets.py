from __future__ import annotations

import copy
import dataclasses
import pickle
from pathlib import Path

import pytest

from monitor import log
from monitor.config import Secret
from tests.config_parts import FEED, TOKEN, loaded, problem, problems


def test_a_secret_shows_itself_to_nobody_who_does_not_ask() -> None:
    secret = Secret("hunter22-of-mine")
    for text in (repr(secret), str(secret), f"{secret}", f"{[secret]!r}", repr(dataclasses.replace(loaded(FEED)))):
        assert "hunter22" not in text
    assert secret.reveal() == "hunter22-of-mine"
    assert secret == Secret("hunter22-of-mine")
    assert secret != Secret("another-of-mine")
    assert secret != "hunter22-of-mine"
    assert len({secret, Secret("hunter22-of-mine")}) == 1
    assert copy.deepcopy(secret) is copy.copy(secret) is secret
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_secrets_arrive_from_variables_and_do_not_show() -> None:
    environ = {
        "LONGARM_TELEGRAM_TOKEN": TOKEN,
        "LONGARM_DATABASE_URL": "postgresql+psycopg://me:pg-marker-1@db/longarm",
        "LONGARM_WEB_PASSWORD": "web-marker-2",
        "LONGARM_PROXY": "socks5h://me:proxy-marker-3@127.0.0.1:9050",
        "MATRIX_URL": "matrixs://me:matrix-marker-4@host/room",
    }
    channel = "[[channels]]\nname = 'm'\ntype = 'apprise'\nurl_env = 'MATRIX_URL'\noperators = true\n"
    settings = loaded(FEED + channel, environ)
    assert settings.telegram_token == Secret(TOKEN)
    assert settings.database_url == Secret(environ["LONGARM_DATABASE_URL"])
    assert settings.web_password == Secret("web-marker-2")
    assert settings.proxy == environ["LONGARM_PROXY"]
    assert settings.channels[0].apprise_url == Secret(environ["MATRIX_URL"])
    assert "marker" not in repr(settings)
    assert TOKEN not in repr(settings)
    for marker in ("pg-marker-1", "web-marker-2", "proxy-marker-3", "matrix-marker-4", TOKEN):
        assert marker not in log.redacted(f"it was {marker}, they said")


def test_a_variable_that_is_set_and_empty_is_as_good_as_unset() -> None:
    assert loaded(FEED, {"LONGARM_TELEGRAM_TOKEN": "  ", "LONGARM_TELEGRAM_TOKEN_FILE": ""}).telegram_token is None


def test_a_secret_is_read_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"\xef\xbb\xbf" + TOKEN.encode() + b"\r\n")
    path.chmod(0o600)
    settings = loaded(FEED, {"LONGARM_TELEGRAM_TOKEN_FILE": str(path)})
    assert settings.telegram_token == Secret(TOKEN)
    assert settings.warnings == ()


def test_a_file_that_everybody_can_read_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o644)
    (warning,) = loaded(FEED, {"LONGARM_TELEGRAM_TOKEN_FILE": str(path)}).warnings
    assert warning == (
        f"LONGARM_TELEGRAM_TOKEN_FILE: {path} can be read by every user of this machine; make it private: chmod 600"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty; write the secret alone into it"),
        (b"\n \n", "is empty"),
        (TOKEN.encode() + b"\nmarker-of-line-two\n", "holds more than one line"),
        (b"marker" * 20_000, "holds more than one line"),
        (b"\xff\xfemarker", "is not UTF-8 text"),
    ],
)
def test_a_file_that_holds_no_secret_is_said_without_showing_it(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(0o600)
    found = problem(FEED, {"LONGARM_TELEGRAM_TOKEN_FILE": str(path)})
    assert found.startswith(f"LONGARM_TELEGRAM_TOKEN_FILE: {path} ")
    assert said in found
    assert "marker" not in found
    assert TOKEN not in found


def test_a_file_that_is_not_there_or_a_folder_is_named(tmp_path: Path) -> None:
    assert "(No such file or directory)" in problem(FEED, {"LONGARM_WEB_PASSWORD_FILE": str(tmp_path / "none")})
    assert "(Is a directory)" in problem(FEED, {"LONGARM_WEB_PASSWORD_FILE": str(tmp_path)})
    assert "(not a path)" in problem(FEED, {"LONGARM_WEB_PASSWORD_FILE": "a\x00b"})


def test_a_secret_in_both_places_is_refused(tmp_path: Path) -> None:
    environ = {"LONGARM_TELEGRAM_TOKEN": TOKEN, "LONGARM_TELEGRAM_TOKEN_FILE": str(tmp_path)}
    assert problem(FEED, environ) == (
        "LONGARM_TELEGRAM_TOKEN and LONGARM_TELEGRAM_TOKEN_FILE: both are set; unset one of them"
    )


@pytest.mark.parametrize("token", ["secret-marker", f'"{TOKEN}"', TOKEN + " x", "123:short", f"bot{TOKEN}"])
def test_a_token_of_the_wrong_shape_is_refused_without_showing_it(token: str) -> None:
    found = problem(FEED, {"LONGARM_TELEGRAM_TOKEN": token})
    assert found.startswith("LONGARM_TELEGRAM_TOKEN: not of a bot token's shape")
    assert token not in found


def test_a_short_password_is_refused() -> None:
    assert "shorter than 8" in problem(FEED, {"LONGARM_WEB_PASSWORD": "seven77"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LONGARM_DATABASE_URL", "marker@host"),
        ("LONGARM_PROXY", "marker@host"),
        ("LONGARM_PROXY", "socks5://me:marker@host:9050"),
    ],
)
def test_an_address_of_another_kind_is_refused_without_showing_it(name: str, value: str) -> None:
    found = problem(FEED, {name: value})
    assert found.startswith(f"{name}: does not hold an address")
    assert "marker" not in found


def test_a_channel_whose_secret_is_not_set_is_no_mistake() -> None:
    channels = (
        "[[channels]]\nname = 't'\ntype = 'telegram'\nchat = '@name_of_it'\noperators = true\n"
        "[[channels]]\nname = 'a'\ntype = 'apprise'\nurl_env = 'A'\n"
    )
    settings = loaded(FEED + channels)
    assert settings.telegram_token is None
    assert [channel.apprise_url for channel in settings.channels] == [None, None]
    assert settings.warnings == ()


def test_the_variable_of_a_disabled_channel_is_not_looked_at() -> None:
    channel = "[[channels]]\nname = 'a'\ntype = 'apprise'\nurl_env = 'A'\nenabled = false\n"
    console = "[[channels]]\nname = 'c'\ntype = 'console'\n"
    assert len(loaded(FEED + channel + console, {"A": "nonsense"}).channels) == 1


def test_secrets_that_were_typed_into_the_file_are_not_repeated() -> None:
    text = f"""{FEED}
name = "{TOKEN}
"""
    lines = problems(text)
    lines += problems(
        f"{FEED}evry = '{TOKEN}'\n'{TOKEN}' = 1\nlanguage = '{TOKEN}'\n[[channels]]\nname = '{TOKEN}'\nchat = '{TOKEN}'\n"
    )
    lines += problems(f"{FEED}[network]\nproxy = 'http://u:marker-pass@h'\nallow = ['http://u:marker-pass@h:1']")
    lines += problems("[[feeds]]\nurl = 'ftp://h/?key=marker-key'")
    lines += problems(f"{FEED}[[channels]]\nname='a'\ntype='apprise'\nurl_env='x://marker-url'\nurl='x://marker-url'")
    assert len(lines) >= 9
    for line in lines:
        assert TOKEN not in line
        assert "marker" not in line


def test_a_readers_key_in_the_address_of_a_feed_is_kept_out_of_logs() -> None:
    loaded('[[feeds]]\nurl = "https://news.test/rss?reader_key=marker-reader-5&page=twelve-12"')
    assert log.redacted("asked with marker-reader-5 for twelve-12") == "asked with [hidden] for twelve-12"
