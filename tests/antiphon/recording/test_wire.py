"""Sessions with a provider, from both sides: what was on the wire goes through the codec again."""

from pathlib import Path

import pytest

from antiphon.recording import Recorded, Recorder, Recording, RecordingError
from antiphon.recording.bots import bot_of
from antiphon.recording.compare import drawn
from antiphon.recording.records import A_CALL, WIRE_IN, WIRE_OUT, WIRE_STATE, Connected, Wired
from antiphon.recording.verdict import judged
from antiphon.recording.wire import RecordedCall, tapped
from antiphon.transports import Voiced, memory
from tests.antiphon.recording.sessions import (
    SECOND,
    Script,
    a_remote,
    record_remote,
    record_served,
    spoken,
    topics,
    words,
)

WEATHER: Script = spoken(words("What's the weather in Oslo?"), 0)
LONG: Script = [*WEATHER, *spoken(words("Hello there."), 6 * SECOND)]

DIALECTS = ("openai", "xai", "gemini", "elevenlabs", "cartesia", "opper", "vercel")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_provider_says_again_what_it_said(tmp_path: Path, dialect: str) -> None:
    recording = Recording.open(record_remote(tmp_path, WEATHER, dialect=dialect))

    verdict = judged(recording, a_remote(dialect))

    assert verdict.difference is None, drawn(verdict.difference)
    assert verdict.exact and any(True for _ in recording.of(WIRE_OUT))


def test_connections_break_again_where_they_broke(tmp_path: Path) -> None:
    recording = Recording.open(record_remote(tmp_path, LONG, drops=(1.0, 3.05)))

    states = topics(recording, WIRE_STATE)
    verdict = judged(recording, a_remote())

    assert [s.what for s in states if isinstance(s, Connected)] == [
        *("opened", "closed", "opened", "closed", "opened")
    ]
    assert verdict.difference is None, drawn(verdict.difference)


def test_other_words_to_the_provider_are_found(tmp_path: Path) -> None:
    recording = Recording.open(record_remote(tmp_path, WEATHER))

    verdict = judged(recording, a_remote(instructions="Be long."))

    assert verdict.difference is not None
    text = drawn(verdict.difference)
    assert "message.session.instructions" in text and '"Be brief." became "Be long."' in text


@pytest.mark.parametrize("dialect", ["openai", "gemini", "cartesia"])
def test_a_model_that_was_served_is_served_again(tmp_path: Path, dialect: str) -> None:
    recording = Recording.open(record_served(tmp_path, WEATHER, dialect=dialect))

    verdict = judged(recording, bot_of(recording))

    assert verdict.difference is None, drawn(verdict.difference)
    assert verdict.compared == sum(1 for _ in recording.of(WIRE_OUT)) > 20


def test_another_model_for_the_same_client_is_found_to_differ(tmp_path: Path) -> None:
    from antiphon.processors.models import find_model

    recording = Recording.open(record_served(tmp_path, WEATHER))

    assert judged(recording, lambda: find_model("local/echo")).difference is not None  # pyright: ignore[reportArgumentType]


async def test_messages_of_both_directions_are_written_as_they_were(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    ours, theirs = memory.pair()
    with recorder:
        transport = Recorded(ours, recorder)
        await transport.send("to you")
        await theirs.send(b"\xff\x00to me")
        assert [await transport.receive(), await theirs.receive()] == [b"\xff\x00to me", "to you"]
        await theirs.aclose()
        assert [message async for message in transport] == []
        await transport.aclose()

    recording = Recording.open(recorder.path)
    assert topics(recording, WIRE_OUT) == [Wired(1, text="to you")]
    assert topics(recording, WIRE_IN) == [Wired(1, data=b"\xff\x00to me")]
    assert topics(recording, WIRE_STATE) == [
        Connected(1, "opened"),
        Connected(1, "closed", code=1000),
    ]


async def test_a_call_is_still_a_call_when_it_is_recorded(tmp_path: Path) -> None:
    from antiphon.pipeline import Audio

    class Call(memory.MemoryTransport):
        sent = queued = 0

        async def play(self, frame: Audio) -> None: ...

        async def left(self, position: float) -> None: ...

        def clear(self) -> int:
            return 0

        async def hear(self) -> str | bytes | Audio:
            return await self.receive()

    ours, theirs = memory.pair()
    call = Call.__new__(Call)
    call.__dict__.update(ours.__dict__)
    recorder = Recorder(tmp_path)
    with recorder:
        transport = tapped(call, recorder)
        await theirs.send("hello")
        assert isinstance(transport, RecordedCall) and isinstance(transport, Voiced)
        assert await transport.hear() == "hello"
    ours.drop()
    theirs.drop()

    recording = Recording.open(recorder.path)
    assert topics(recording, WIRE_STATE) == [Connected(1, "opened", reason=A_CALL)]
    with pytest.raises(RecordingError, match="WebRTC"):
        judged(recording, a_remote())
