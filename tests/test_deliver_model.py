"""Random faults, crashes and restarts against real parts: what must hold after every step, and in the end.

Nothing lost · "sent" means accepted · at most one extra copy for each attempt of unknown outcome, and marked · in order
within a chat · Telegram's limits kept · an edit is never a message, and the newest words stand in the end · a reply goes
once · a story is told alone or in a list, not in both · whatever a headline holds, it pings nobody, links nowhere but
where we do, turns no text around, and is as long as Telegram takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from monitor.alerts.bursts import Words
from monitor.alerts.folding import Folding
from monitor.compose import Composer, harmless, isolated
from monitor.errors import StateError
from monitor.model import Message, SpanKind
from monitor.store import Store
from tests import botapi
from tests.deliver_parts import CHANNEL, GROUP, Scene, edit, reply, scene, story_row, telegram

SUPERGROUP = -100777
CHATS = {"main": (CHANNEL,), "group": (GROUP, str(SUPERGROUP))}
REPEAT = "(possible repeat) "
IMPATIENT = timedelta(seconds=0.15)

FAULTS = {
    "429": botapi.too_many(20),
    "429 for long": botapi.too_many(3000),
    "429 bare": botapi.too_many(None),
    "502": botapi.html(502),
    "login page": botapi.html(200),
    "not ok": botapi.not_ok(),
    "no message": botapi.raw(b'{"ok":true,"result":{}}', accepts=True),
    "hang after": botapi.HANG_AFTER,
    "hang before": botapi.HANG_BEFORE,
    "reset after": botapi.RESET_AFTER,
    "reset before": botapi.RESET_BEFORE,
    "half": botapi.HALF_AFTER,
    "kicked": botapi.forbidden(),
    "revoked": botapi.unauthorized(),
    "poison": botapi.bad_request("MESSAGE_INVALID"),
    "entities": botapi.bad_request("can't parse entities"),
}


OVERRIDES = set("\u202a\u202b\u202d\u202e\u061c\u200e\u200f")
HEADLINES = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="@/#<>&*_[]()`.:~a1 \u202e\u2066\u2069\u200b\u200d\u0301\U0001f6a8ش", max_size=60),
    st.sampled_from(
        [
            "@admin /stop@longarm_bot #tag <b>x</b> [x](tg://user?id=1) https://evil.test/ javascript:1",
            "\u202eevil\u2066 تم اعتقال الناشط @channel",
            "\U0001f6a8" * 200,
            "a\u0301" * 200,
            "",
        ]
    ),
)


def told_of(key: str, headline: str, words: str) -> Message:
    """An alert as the renderer puts it together: `key` first, as lists show no more than that, `words` last."""
    composer = Composer().add(f"{key}: ").add(isolated(harmless(headline, 100)), SpanKind.BOLD).add("\n")
    return composer.link("https://wire.example/1", "source").add(f"\n{words}").message()


class Outbox(RuleBasedStateMachine):
    """One process after another, on one store and one server."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="outbox"))
        self.runner = asyncio.Runner()
        self.scene = scene(self.folder)
        self.stage: Scene = self.runner.run(self.scene.__aenter__())
        for name, chats in CHATS.items():
            self.stage.channels[name] = telegram(
                self.stage.api, name, chats[0], timeout=IMPATIENT, sleep=self.stage.clock.sleep
            )
        self.stage.api.add_chat(str(SUPERGROUP))
        self.stage.folding = Folding(words=Words(feeds={}, tz=ZoneInfo("UTC")), burst=4)
        self.queued: list[tuple[str, str]] = []
        self.words: dict[tuple[str, str], str] = {}
        """The newest words of each message, by key and channel."""
        self.replies: list[tuple[str, str]] = []

    # ── what happens ──────────────────────────────────────────────────────────────────────────────

    @rule(channel=st.sampled_from(sorted(CHATS)), headlines=st.lists(HEADLINES, min_size=1, max_size=3))
    def queue(self, channel: str, headlines: list[str]) -> None:
        for headline in headlines:
            key = f"story:{len(self.queued):03}"
            self.queued.append((key, channel))
            self.words[key, channel] = words = f"alert of {key}"
            made = story_row(key, channel, queued_at=self.stage.clock())
            self.stage.queue(replace(made, message=told_of(key, headline, words)))

    @precondition(lambda self: self.queued)
    @rule(data=st.data())
    def reword(self, data: st.DataObject) -> None:
        key, channel = data.draw(st.sampled_from(self.queued))
        self.words[key, channel] = words = f"alert of {key}, version {len(self.words[key, channel])}"
        self.stage.store.queue([edit(key, channel, words)])

    @precondition(lambda self: self.queued)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        key, channel = data.draw(st.sampled_from(self.queued))
        made = reply(key, channel)
        if self.stage.store.queue([replace(made, message=Message(text=f"news {len(self.replies):03}"))]):
            self.replies.append((made.key, channel))

    @rule(name=st.sampled_from(sorted(FAULTS)), channel=st.sampled_from(sorted(CHATS)))
    def order(self, name: str, channel: str) -> None:
        for chat in CHATS[channel]:
            self.stage.api.script_chat(chat, FAULTS[name])

    @rule()
    def migrate(self) -> None:
        self.stage.api.script_chat(GROUP, botapi.migrated(SUPERGROUP))

    @rule(seconds=st.sampled_from([1, 20, 70, 400, 4000]))
    def wait(self, seconds: int) -> None:
        self.stage.clock.forward(seconds=seconds)

    @rule(passes=st.integers(1, 3))
    def deliver(self, passes: int) -> None:
        for _ in range(passes):
            self.runner.run(self.stage.deliver())

    @rule()
    def restart(self) -> None:
        self.stage.again()

    @rule(channel=st.sampled_from(sorted(CHATS)))
    def resume(self, channel: str) -> None:
        self.stage.store.resume_channel(channel)

    @rule()
    def die_after_marking(self) -> None:
        for row in self.stage.store.pending(self.stage.clock())[:1]:
            self.stage.store.mark_sending(row.id, self.stage.clock())
        self.stage.again()

    @rule(restart=st.booleans())
    def fail_to_write_what_was_sent(self, restart: bool) -> None:
        def full(*_: object, **__: object) -> None:
            raise StateError("the disk is full")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Store, "settle_sent", full)
            with contextlib.suppress(StateError):
                self.runner.run(self.stage.deliver())
        if restart:
            self.stage.again()

    @rule(after_seconds=st.sampled_from([0.0, 0.005, 0.02]))
    def die_while_sending(self, after_seconds: float) -> None:
        async def cut_off() -> None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stage.deliver(), after_seconds or 1e-9)

        asked_for = dict(self.stage.api.silent_until)
        self.runner.run(cut_off())
        self.stage.api.silent_until = asked_for  # what the chat asked for meanwhile, nobody may have heard
        self.stage.again()

    # ── what must hold ────────────────────────────────────────────────────────────────────────────

    @invariant()
    def promises_hold(self) -> None:
        lines = {str(line["key"]): line for line in self.stage.store.export("deliveries")}
        accepted = self.stage.api.accepted
        by_id = {str(got.message_id): got for got in accepted}
        copies: dict[str, list[str]] = {}
        marked = {got.message_id for got in accepted if not got.edited and got.text.startswith(REPEAT)}
        assert all(got.text.startswith(REPEAT) for got in accepted if got.message_id in marked), (
            "an edit keeps the mark"
        )
        for got in accepted:
            for key in () if got.edited else dict.fromkeys(re.findall(r"story:\d+|news \d+", got.text)):
                copies.setdefault(key, []).append(got.text)
        told = [(key, key, channel) for key, channel in self.queued]
        told += [(key, f"news {n:03}", channel) for n, (key, channel) in enumerate(self.replies)]
        for key, words, channel in told:
            line, texts = lines[key], copies.get(words, [])
            # On its way between passes is only what was sent and could not be written yet.
            on_its_way = {"sending"} if self.stage.pace.owed else set()
            assert line["state"] in {"pending", "sent", "dead", "folded"} | on_its_way
            if line["state"] == "sent":
                assert words in by_id[str(line["remote_id"])].text
                assert by_id[str(line["remote_id"])].chat in CHATS[channel]
            teller = lines.get(str(line["about"]), {}) if line["kind"] == "send" else {}
            assert len(texts) <= 1 + int(line["unknown"]) + int(teller.get("unknown", 0))
            assert all(text.startswith(REPEAT) for text in texts[1:])
        for name in CHATS:
            first = [key for key in copies if (key, name) in self.queued]
            assert first == sorted(first), "in order of queueing, by first arrival"
        assert self.stage.api.violations == []
        for got in accepted:
            assert got.pings == ()
            assert set(got.links) <= {"https://wire.example/1"}
            assert not OVERRIDES & set(got.text)
            assert sum(got.text.count(opens) for opens in "\u2066\u2067\u2068") == got.text.count("\u2069")
            assert len(got.text.encode("utf-16-le")) // 2 <= 4096

    def teardown(self) -> None:
        if not hasattr(self, "stage"):
            return
        try:
            self.all_arrive_once_the_trouble_is_over()
        finally:
            self.runner.run(self.scene.__aexit__(None, None, None))
            self.runner.close()
            shutil.rmtree(self.folder)

    def all_arrive_once_the_trouble_is_over(self) -> None:
        self.stage.api.clear()
        for name in CHATS:
            self.stage.store.resume_channel(name)
        for _ in range(30):
            self.stage.clock.forward(hours=1)
            self.runner.run(self.stage.deliver_all())
        self.promises_hold()
        lines = {str(line["key"]): line for line in self.stage.store.export("deliveries")}
        sends = {key: line for key, line in lines.items() if line["kind"] != "edit"}
        left = {key: str(line["state"]) for key, line in sends.items() if line["state"] != "sent"}
        assert set(left.values()) <= {"dead"}
        self.the_newest_words_stand(lines)
        told = {notice.key for notice in self.stage.store.open_notices()}
        assert all(any(key in incident for incident in told) for key in left), "what is dead was told"

    def the_newest_words_stand(self, lines: dict[str, dict[str, object]]) -> None:
        """Wherever nothing forbade the edit and the story has a message of its own."""
        shown = {str(number): text for number, text in self.stage.api.shown().items()}
        for (key, _), words in self.words.items():
            edits = [line for line in lines.values() if line["kind"] == "edit" and line["about"] == key]
            if (
                lines[key]["state"] == "sent"
                and not lines[key]["about"]
                and not any(e["state"] == "dead" for e in edits)
            ):
                assert shown[str(lines[key]["remote_id"])].endswith(words)


# No shrinking: an example takes half a second, and the log says what happened.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


def test_promises_hold_through_random_faults_and_restarts() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Outbox,
        settings=settings(
            max_examples=12, stateful_step_count=20, phases=PHASES, deadline=None, suppress_health_check=QUIET
        ),
    )


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_promises_hold_through_very_many_faults_and_restarts() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Outbox,
        settings=settings(
            max_examples=300, stateful_step_count=40, phases=PHASES, deadline=None, suppress_health_check=QUIET
        ),
    )
