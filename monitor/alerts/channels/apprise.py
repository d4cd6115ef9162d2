"""Every other chat: one apprise plugin for one target.

Text goes out plain, written as the service reads it (`dialects`), in parts where it takes no more at once. apprise only
tells whether it worked, so what the service answered is listened to (`heard`). It runs in a thread of its own, because
it is synchronous. Never given attachments by name or templates: both read files and addresses that a message names; a
mail takes a digest's picture as bytes. Redirects are not followed, unless the target's address says so.
docs/channels.md
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
import uuid
import warnings
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import apprise
from apprise.attachment.memory import AttachMemory

from monitor.alerts.channels import dialects
from monitor.alerts.channels.base import Pace
from monitor.alerts.channels.heard import failure, listening
from monitor.alerts.channels.wording import POSSIBLE_REPEAT, marked
from monitor.compose import WORD_JOINER, headline_of
from monitor.errors import ConfigError, SendError
from monitor.model import Message
from monitor.text import clean_line

# Services differ; none of the common ones is slower than this. https://core.telegram.org/bots/faq
PACE = Pace(chat_per_second=1, chat_per_minute=20, account_per_second=1)
TIMEOUT = timedelta(seconds=60)
CONNECT_SECONDS, READ_SECONDS = 10.0, 20.0
"""apprise's own four seconds would make an unknown outcome, and so a repeat, of each answer that takes five."""
SUBJECT_CHARS = 200
_MAIL = ("mailto", "mailtos")

# Below WARNING these write out addresses, and the address of a target is its secret.
for _name in ("apprise", "requests", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(slots=True)
class _Progress:
    """Of a message in parts: how many were accepted before one was not, so that they are not sent again."""

    text: str = ""
    accepted: int = 0


class AppriseChannel:
    """Sends text to the one target that `url` names.

    Raises:
        ConfigError: apprise can't read `url`, or it names several targets. The text does not show it.
    """

    def __init__(self, *, name: str, url: str, timeout: timedelta = TIMEOUT) -> None:
        self.name = name
        self._timeout = timeout
        self._plugin = _plugin(name, url)
        self._schema = url.partition("://")[0].strip().lower()
        self._dialect = dialects.dialect(self._schema)
        self._progress = _Progress()
        self._proved = False
        self._busy = False

    def __repr__(self) -> str:
        return f"AppriseChannel({self.name!r})"

    @property
    def chat(self) -> str:
        """One target, known by the channel's name: its address is a secret."""
        return f"apprise:{self.name}"

    @property
    def account(self) -> str:
        """As `chat`: two targets of one account are not known to be so."""
        return self.chat

    @property
    def pace(self) -> Pace | None:
        """A moderate pace that common services bear."""
        return PACE

    @property
    def can_edit(self) -> bool:
        """It can't."""
        return False

    @property
    def shows_pictures(self) -> bool:
        """A mail does."""
        return self._schema in _MAIL

    async def send(self, message: Message, *, possible_repeat: bool, reply_to: str = "") -> str:  # noqa: ARG002
        """Send `message`; the id is empty, apprise gives none, so there are no answers either.

        What a service refuses as it is goes once more as headline and link alone, so that no text is lost for its
        length or its letters.

        Raises:
            SendError: it failed; `outcome_unknown` where it, or a part of it, may have arrived.
        """
        if self._busy:
            raise SendError(f"channel “{self.name}”: the answer to an earlier attempt is still waited for")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[SendError | None] = loop.create_future()

        def told(failed: SendError | None) -> None:
            if not done.done():
                done.set_result(failed)

        def work() -> None:
            try:
                failed = self._send(message, possible_repeat=possible_repeat)
            except Exception as error:  # noqa: BLE001 - more than a hundred plugins by many hands: each raises its own
                kind = type(error).__name__
                failed = SendError(f"channel “{self.name}”: {kind} inside of apprise", outcome_unknown=True)
            self._busy = False
            with contextlib.suppress(RuntimeError):  # nobody waits for it any more, and the loop is closed
                loop.call_soon_threadsafe(told, failed)

        # A daemon: the end of the process does not wait for a service that does not answer.
        self._busy = True
        threading.Thread(target=work, name=f"apprise {self.name}", daemon=True).start()
        try:
            failed = await asyncio.wait_for(done, self._timeout.total_seconds())
        except TimeoutError:
            seconds = f"{self._timeout.total_seconds():g} s"
            raise SendError(
                f"channel “{self.name}”: the service did not answer within {seconds}", outcome_unknown=True
            ) from None
        if failed is not None:
            raise failed
        return ""

    async def edit(self, remote_id: str, message: Message) -> None:  # noqa: ARG002 - nothing to do it with
        """Refuse: apprise can't edit.

        Raises:
            SendError: always, permanent.
        """
        raise SendError(f"channel “{self.name}”: apprise can't edit what was sent", permanent=True)

    async def check(self) -> tuple[str, ...]:
        """Return nothing: apprise has no way to look without sending."""
        return ()

    def move(self, chat: str) -> None:
        """Do nothing: a target has no other id."""

    async def aclose(self) -> None:
        """Do nothing: an attempt that is under way is left to its own timeouts."""

    # ── in the thread ─────────────────────────────────────────────────────────────────────────────

    def _send(self, message: Message, *, possible_repeat: bool) -> SendError | None:
        failed = self._send_parts(message, possible_repeat=possible_repeat)
        if failed is not None and failed.permanent and failed.about == "message":
            again = self._send_parts(dialects.brief(message), possible_repeat=possible_repeat)
            if again is None or not again.permanent or again.about == "account":
                return again
            if not self._proved:  # it never took anything: that tells of the address, and not of this message
                return SendError(str(failed), permanent=True, about="account")
        return failed

    def _send_parts(self, message: Message, *, possible_repeat: bool) -> SendError | None:
        """Send what was not accepted yet of `message`; only the part that may have arrived is marked as a repeat."""
        if self._progress.text != message.text:
            self._progress = _Progress(text=message.text)
        units = int(self._plugin.body_maxlen) or dialects.NO_LIMIT
        written = dialects.parts(self._dialect.written(message, units), units - len(POSSIBLE_REPEAT) - 1)
        for number in range(self._progress.accepted, len(written)):
            text = written[number]
            if possible_repeat and number == self._progress.accepted:
                text = marked(Message(text=text), POSSIBLE_REPEAT).text
                possible_repeat = False
            failed = self._notify(text, message)
            if failed is not None:
                return failed
            self._progress.accepted = number + 1
        self._proved = True
        self._progress = _Progress()
        return None

    def _notify(self, text: str, message: Message) -> SendError | None:
        subject = clean_line(headline_of(message).replace(WORD_JOINER, ""), SUBJECT_CHARS)
        title = subject if self._schema in _MAIL else ""
        picture = _attached(message.picture) if self.shows_pictures and message.picture else None
        _made_ready(self._plugin)
        with listening() as heard:
            taken = self._plugin.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT, attach=picture)
            return None if taken else failure(self.name, heard)


def _plugin(name: str, url: str) -> Any:
    asset = apprise.AppriseAsset(
        app_id="Longarm",
        app_desc="Longarm",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        secure_logging=True,
        allow_templates=False,
        http_redirects=False,
        interpret_escapes=False,
        service_timeout=0,
        storage_mode="memory",
    )
    target = apprise.Apprise(asset=asset)
    with warnings.catch_warnings():
        # Its plugins load here; what they import is not ours to mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        readable = target.add(url)
    if not readable:
        raise ConfigError(
            f"channel “{name}”: apprise can't read the address in its variable; "
            "see https://github.com/caronc/apprise/wiki for the form of each service"
        )
    if re.search(r"[?&]format=", url, re.IGNORECASE):
        raise ConfigError(
            f"channel “{name}”: its address says format=…; take it out: text is written as each service reads it"
        )
    count = len(target) if len(target) != 1 else _targets(target[0])
    if count != 1:
        raise ConfigError(
            f"channel “{name}”: its variable names {count} targets; make one channel of each, "
            "so that one that fails is not sent twice to the other"
        )
    plugin = target[0]
    if "rto" not in url:
        plugin.socket_read_timeout = READ_SECONDS
    if "cto" not in url:
        plugin.socket_connect_timeout = CONNECT_SECONDS
    return plugin


def _attached(path: str) -> Any:
    """A picture of ours as an attachment; None where it is gone: the words go without it."""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return None
    made: Any = AttachMemory
    found = apprise.AppriseAttachment()
    found.add(made(content, name=Path(path).name, mimetype="image/png"))
    return found


def _made_ready(plugin: Any) -> None:
    """Undo what two plugins remember of the message before."""
    if hasattr(plugin, "transaction_id"):
        # Matrix with a token: it keeps one number for all messages, and a server takes the second for the first again.
        plugin.transaction_id = uuid.uuid4().int
    if hasattr(plugin, "ratelimit_remaining"):
        plugin.ratelimit_remaining = 1.0  # Discord: it would sleep; the outbox keeps the pace, and is told of silence


def _targets(plugin: Any) -> int | str:
    """How many would hear it: copies of mails count, and a Matrix account without a room writes to all it is in."""
    copies = len(getattr(plugin, "cc", ())) + len(getattr(plugin, "bcc", ()))
    if hasattr(plugin, "home_server") and plugin.mode == "off" and not (plugin.rooms or plugin.users):
        return "all rooms as"
    return len(plugin) + copies
