"""Every other chat: one apprise object for one target.

apprise only tells whether it worked, so any failure is tried again, and one that happened on the wire counts as
unknown. It runs in a thread of its own, because it is synchronous. Never given attachments or templates: both read
files and addresses that a message names. Redirects are not followed, unless the target's address says so.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import apprise

from monitor.alerts.channels.base import Pace
from monitor.alerts.channels.wording import POSSIBLE_REPEAT, marked, written_out
from monitor.errors import ConfigError, SendError
from monitor.model import Message

# Services differ; none of the common ones is slower than this. https://core.telegram.org/bots/faq
PACE = Pace(chat_per_second=1, chat_per_minute=20, account_per_second=1)
TIMEOUT = timedelta(seconds=40)

# Below WARNING these write out addresses, and the address of a target is its secret.
for _name in ("apprise", "requests", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class AppriseChannel:
    """Sends plain text to the one target that `url` names.

    Raises:
        ConfigError: apprise can't read `url`, or it names several targets. The text does not show it.
    """

    def __init__(self, *, name: str, url: str, timeout: timedelta = TIMEOUT) -> None:
        self.name = name
        self._timeout = timeout
        self._target = _target(name, url, timeout)
        # One thread: an attempt that hangs keeps the next one waiting, instead of piling up threads.
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="apprise")

    def __repr__(self) -> str:
        return f"AppriseChannel({self.name!r})"

    @property
    def chat(self) -> str:
        """One target, known by the channel's name: its address is a secret."""
        return f"apprise:{self.name}"

    @property
    def account(self) -> str:
        """As `chat`: apprise never says that an account is refused."""
        return self.chat

    @property
    def pace(self) -> Pace | None:
        """A moderate pace that common services bear."""
        return PACE

    async def send(self, message: Message, *, possible_repeat: bool) -> str:
        """Send `message` as plain text; the id is empty, apprise gives none.

        Raises:
            SendError: it failed; `outcome_unknown` where it may have arrived.
        """
        text = written_out(marked(message, POSSIBLE_REPEAT) if possible_repeat else message)
        work = self._threads.submit(self._notify, text)
        try:
            failure = await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(work)), self._timeout.total_seconds())
        except TimeoutError:
            begun = not work.cancel()
            raise SendError(
                f"channel “{self.name}”: apprise did not answer within {self._timeout.total_seconds():g} s",
                outcome_unknown=begun,
            ) from None
        if failure is not None:
            raise failure
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
        """Start nothing more; an attempt that is under way is left to its own timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _notify(self, text: str) -> SendError | None:
        with self._target.notify(body=text, body_format=apprise.NotifyFormat.TEXT) as result:
            if result:
                return None
            timed_out = result.timeout_count > 0
            # The only trace of what went wrong is apprise's own log line; its text may show an address.
            on_the_wire = any("connection error" in entry.message.lower() for entry in result.logs())
        return SendError(
            f"channel “{self.name}”: apprise says only that it failed; see its warnings in the log",
            outcome_unknown=timed_out or on_the_wire,
        )


def _target(name: str, url: str, timeout: timedelta) -> apprise.Apprise:
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
        service_timeout=timeout.total_seconds(),
    )
    target = apprise.Apprise(asset=asset)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # its plugins load here; what they import is not ours to mend
        readable = target.add(url)
    if not readable:
        raise ConfigError(
            f"channel “{name}”: apprise can't read the address in its variable; "
            "see https://github.com/caronc/apprise/wiki for the form of each service"
        )
    if len(target) != 1:
        raise ConfigError(
            f"channel “{name}”: its variable names {len(target)} targets; make one channel of each, "
            "so that one that fails is not sent twice to the other"
        )
    return target
