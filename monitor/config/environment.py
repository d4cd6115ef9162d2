"""Secrets: from environment variables, or from the files that variables ending in _FILE name.

No secret is ever part of a text made here, not even of the text that says what is wrong with it.
"""

from __future__ import annotations

import hmac
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Self

from monitor import log

MAX_SECRET_BYTES = 64 * 1024
MIN_PASSWORD_CHARS = 8

# https://core.telegram.org/bots/api#authorizing-your-bot
_BOT_TOKEN = re.compile(r"[0-9]{6,}:[A-Za-z0-9_-]{30,}")
# https://core.telegram.org/bots/api#setwebhook
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
# Orchestrators mount secrets there readable for all, in a file system that only the container sees.
_PRIVATE_MOUNT = Path("/run/secrets")


class Secret:
    """A text that does not show itself. Making one hides it in logs from then on."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        log.hide(text)

    def reveal(self) -> str:
        """Return the text. Pass it on to what needs it; keep it out of messages."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not to be pickled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The environment, and what was found wrong with it while reading."""

    variables: Mapping[str, str]
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def secret(self, name: str) -> Secret | None:
        """Read the variable `name`, or the file that `name`_FILE names. None where neither is set, or on a problem."""
        value = self.variables.get(name, "").strip()
        file = self.variables.get(f"{name}_FILE", "").strip()
        if value and file:
            self.problems.append(f"{name} and {name}_FILE: both are set; unset one of them")
            return None
        if file:
            value = self._from_file(f"{name}_FILE", Path(file))
        return Secret(value) if value else None

    def telegram_token(self) -> Secret | None:
        """Read LONGARM_TELEGRAM_TOKEN and check its shape."""
        token = self.secret("LONGARM_TELEGRAM_TOKEN")
        if token and not _BOT_TOKEN.fullmatch(token.reveal()):
            self.problems.append(
                "LONGARM_TELEGRAM_TOKEN: not of a bot token's shape (digits, a colon, 30 or more letters, digits, "
                "- and _); copy it again from @BotFather, without quotes"
            )
            return None
        return token

    def webhook_secret(self) -> Secret | None:
        """Read LONGARM_WEBHOOK_SECRET and check its shape."""
        secret = self.secret("LONGARM_WEBHOOK_SECRET")
        if secret and not _WEBHOOK_SECRET.fullmatch(secret.reveal()):
            self.problems.append(
                "LONGARM_WEBHOOK_SECRET: not a secret that Telegram takes; make it 16 to 256 letters, digits, - and _"
            )
            return None
        return secret

    def web_password(self) -> Secret | None:
        """Read LONGARM_WEB_PASSWORD and check its length."""
        password = self.secret("LONGARM_WEB_PASSWORD")
        if password and len(password.reveal()) < MIN_PASSWORD_CHARS:
            self.problems.append(f"LONGARM_WEB_PASSWORD: shorter than {MIN_PASSWORD_CHARS} characters; make it longer")
            return None
        return password

    def address(self, name: str, example: str, schemes: str = r"[A-Za-z][A-Za-z0-9+.-]*") -> Secret | None:
        """Read the variable `name`, an address of one of `schemes` (a pattern); `example` is told where it is not."""
        address = self.secret(name)
        if address and not re.fullmatch(rf"(?:{schemes})://\S+", address.reveal(), re.IGNORECASE):
            self.problems.append(f"{name}: does not hold an address; expected one like {example}")
            return None
        return address

    def _from_file(self, variable: str, path: Path) -> str:
        where = f"{variable}: {log.escaped(str(path))}"
        try:
            with path.open("rb") as stream:
                content = stream.read(MAX_SECRET_BYTES + 1)
                mode = path.stat().st_mode
            text = content.decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            self.problems.append(f"{where} is not UTF-8 text; write the secret alone into it")
            return ""
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a path"
            self.problems.append(f"{where} can't be read ({reason}); name a readable file that holds the secret")
            return ""
        if not text or len(content) > MAX_SECRET_BYTES or len(text.splitlines()) > 1:
            found = "is empty" if not text else "holds more than one line"
            self.problems.append(f"{where} {found}; write the secret alone into it, on one line")
            return ""
        if stat.S_ISREG(mode) and mode & stat.S_IROTH and _PRIVATE_MOUNT not in path.parents:
            self.warnings.append(f"{where} can be read by every user of this machine; make it private: chmod 600")
        return text
