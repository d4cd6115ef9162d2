"""What delivering needs of the store, and no more."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from monitor.model import Burst, ChannelState, Delivery, Notice, Story


class Outbox(Protocol):
    """What delivering needs of the store. Each call is one transaction; every one may raise `StateError`."""

    def pending(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """Rows that may be sent at `now`, edits last; none of a paused channel, none behind a waiting row."""
        ...

    def delivery(self, key: str, channel: str) -> Delivery | None:
        """The row of that key and channel."""
        ...

    def mark_sending(self, delivery_id: int, now: datetime) -> Delivery | None:
        """The row is on its way: one more attempt. The row with its newest words; None: don't send it any more."""
        ...

    def settle_sent(self, delivery_id: int, remote_id: str, now: datetime, *, chat: str = "") -> None:
        """The row was taken, and is known in `chat` as `remote_id`."""
        ...

    def settle_retry(self, delivery_id: int, error: str, not_before: datetime, unknown: bool = False) -> None:
        """The row waits; `unknown` counts one more attempt that may have arrived."""
        ...

    def settle_dead(self, delivery_id: int, error: str) -> None:
        """The row can't be taken, ever."""
        ...

    def recover_sending(self, now: datetime) -> Sequence[Delivery]:
        """Make rows pending that were on their way when the process died, as unknown; return them."""
        ...

    def channel_states(self) -> Mapping[str, ChannelState]:
        """What is remembered of channels, by name."""
        ...

    def set_channel(self, state: ChannelState) -> None:
        """Remember `state`."""
        ...

    def pause_channel(self, name: str, reason: str, now: datetime) -> None:
        """Send nothing to the channel until it is resumed."""
        ...

    def resume_channel(self, name: str) -> None:
        """Send to the channel again."""
        ...

    def set_chat(self, name: str, chat: str) -> None:
        """Remember the chat's new id."""
        ...

    def tell(self, notice: Notice, deliveries: Sequence[Delivery], *, now: datetime) -> object:
        """Open the incident and queue `deliveries`, unless it is open; close it if `notice.closes`."""
        ...

    def open_notices(self) -> Sequence[Notice]:
        """Incidents that are not over."""
        ...

    def open_incidents(self) -> tuple[Mapping[str, datetime], Container[str]]:
        """Keys of incidents that are not over and when they began, and those for which rows are held."""
        ...

    # ── folding and holding ───────────────────────────────────────────────────────────────────────

    def stories(self, ids: Sequence[str]) -> Mapping[str, Story]:
        """The stories of `ids`, by id."""
        ...

    def stories_sent_alone(self, since: datetime) -> Mapping[str, int]:
        """How many stories each channel got since `since`, each in a message of its own."""
        ...

    def fold(self, bursts: Sequence[Burst], *, now: datetime) -> int:
        """Let each list tell its rows, all in one transaction; how many were queued."""
        ...

    def held_due(self, now: datetime, limit: int = ...) -> Sequence[Delivery]:
        """Held rows that may go by themselves."""
        ...

    def release(self, channel: str, ids: Sequence[int] | None = None, *, now: datetime) -> int:
        """Let held rows go."""
        ...
