"""Ten minutes of conversation between two local models, in virtual time."""

import hashlib

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.demo.call import Call
from antiphon.demo.tools import TOOLS
from antiphon.pipeline import Frame, Speech
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.local.script import Script, script
from antiphon.processors.models import find_model
from benchmarks.simulate import LINES

TEN_MINUTES = 600_000_000


class Log:
    """An observer that keeps every event of the bot, and no audio."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def passed(self, member: str, frame: Frame) -> None:
        if isinstance(frame, events.EventFrame) and not isinstance(frame, events.InputAudioAppend):
            self.lines.append(member.encode() + b" " + msgspec.json.encode(frame))
        elif isinstance(frame, Speech):
            digest = hashlib.sha256(frame.pcm).hexdigest()
            self.lines.append(f"{member} speech {frame.at} {frame.item_id} {digest}".encode())


def converse(seed: int, *, rounds: int, shuffle: int | None = None) -> tuple[Call, bytes]:
    """The call, and its log of events; everything in it hangs on *seed*."""
    user = script(lines=Script(voice="en-us+f2", line=LINES, repeat=rounds), jitter=0.3, seed=seed)
    bot = find_model(f"local/assistant?seed={seed}&jitter=0.3")
    call = Call(user, bot, tools=TOOLS, instructions="")
    log = Log()
    call.bot.pipeline.observers = (*call.bot.pipeline.observers, log)
    run_virtual(call.run, shuffle=shuffle)
    return call, b"\n".join(log.lines)


@pytest.fixture(scope="module")
def long_call() -> tuple[Call, bytes]:
    return converse(3, rounds=10)


def test_a_conversation_of_ten_minutes_is_held_to_its_end(long_call: tuple[Call, bytes]) -> None:
    call, _ = long_call

    assert call.duration >= TEN_MINUTES
    user = [said for said in call.bot.transcript.said if said.who == "user"]
    assert len(user) >= 10 * len(LINES)
    called = [said for said in call.bot.transcript.said if said.who == "tool"]
    assert len(called) == 20 and not any(said.failed or said.output is None for said in called)
    cut = [said for said in call.bot.transcript.said if said.heard is not None]
    assert len(cut) >= 10


def test_the_same_seed_gives_the_same_sound_and_the_same_events(
    long_call: tuple[Call, bytes],
) -> None:
    call, log = long_call
    again, log_again = converse(3, rounds=10)

    assert log == log_again
    assert bytes(call.bot.track.samples) == bytes(again.bot.track.samples)
    assert bytes(call.user.track.samples) == bytes(again.user.track.samples)


def test_another_seed_gives_another_conversation(long_call: tuple[Call, bytes]) -> None:
    _, log = converse(4, rounds=1)

    assert not long_call[1].startswith(log)
