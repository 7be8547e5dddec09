"""A conversation as it passes through the gateway, and who watches it."""

from collections.abc import Iterable
from typing import Any

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput
from antiphon.codecs.usage import Usage
from antiphon.gateway.observe.turns import Call, Response, Turns, Watcher
from antiphon.processors.latency import TurnTimes

MS = 1_000
SECOND = 1_000_000
RATE = 16_000

CLIENT = (
    events.InputAudioAppend,
    events.InputAudioCommit,
    events.InputAudioClear,
    events.InputActivityStart,
    events.ResponseCreate,
    events.ConversationItemCreate,
    events.OutputPlaybackStarted,
    events.OutputPlaybackStopped,
)

USAGE = Usage(
    input_tokens=100,
    input_text_tokens=40,
    input_audio_tokens=60,
    cached_input_tokens=30,
    output_tokens=50,
    output_text_tokens=10,
    output_audio_tokens=40,
)


class Notes:
    """Keeps what a watcher is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.responses: dict[str, Response] = {}
        self.calls: dict[str, Call] = {}
        self.turns: list[TurnTimes] = []

    def created(self, response: Response, /) -> None:
        self.told.append(("created", response.response_id))
        self.responses[response.response_id] = response

    def sounded(self, response: Response, /) -> None:
        self.told.append(("sounded", response.response_id))

    def ended(self, response: Response, /) -> None:
        self.told.append(("ended", response.response_id))

    def called(self, call: Call, /) -> None:
        self.told.append(("called", call.call_id))
        self.calls[call.call_id] = call

    def returned(self, call: Call, /) -> None:
        self.told.append(("returned", call.call_id))

    def played(self, turn: TurnTimes, /) -> None:
        self.told.append(("played", turn.item_id))
        self.turns.append(turn)


def passed(
    *said: events.Event, watchers: Iterable[Watcher] = (), close: int | None = None
) -> Notes:
    """What is noted of *said*, each by the side that says such."""
    notes = Notes()
    turns = Turns(notes, *watchers, input_rate=RATE)
    for event in said:
        if isinstance(event, CLIENT):
            turns.heard(event)
        else:
            turns.said(event)  # type: ignore[arg-type]
    if close is not None:
        turns.close(close)
    return notes


def audio(at: int, duration: int) -> events.InputAudioAppend:
    return events.InputAudioAppend(audio=bytes(2 * RATE * duration // SECOND), at=at)


def microphone(start: int, end: int, step: int = 20 * MS) -> list[events.Event]:
    """Audio as a microphone gives it: each piece when it has been heard."""
    return [audio(at + step, step) for at in range(start, end, step)]


def speaks(at: int, start: int | None = None, item: str = "u") -> events.SpeechStarted:
    return events.SpeechStarted(item_id=item, audio_start=start, at=at)


def pauses(at: int, end: int | None = None, item: str = "u") -> events.SpeechStopped:
    return events.SpeechStopped(item_id=item, audio_end=end, at=at)


def sound(at: int, response: str = "r") -> events.AudioDelta:
    return events.AudioDelta(response_id=response, item_id="i", delta=b"\0\0", at=at)


def words(at: int, response: str = "r") -> events.AudioTranscriptDelta:
    return events.AudioTranscriptDelta(response_id=response, item_id="i", delta="Hi", at=at)


def created(at: int, response: str = "r") -> events.ResponseCreated:
    return events.ResponseCreated(response_id=response, at=at)


def done(
    at: int, response: str = "r", status: str = "completed", **about: Any
) -> events.ResponseDone:
    return events.ResponseDone(response_id=response, status=status, at=at, **about)


def called(
    at: int, call: str = "c", response: str = "r", name: str = "weather", **about: Any
) -> events.FunctionCallArgumentsDone:
    return events.FunctionCallArgumentsDone(
        response_id=response,
        item_id="i",
        call_id=call,
        name=name,
        arguments='{"city": "Ulm"}',
        at=at,
        **about,
    )


def returns(at: int, call: str = "c", *, failed: bool = False) -> events.ConversationItemCreate:
    output = FunctionCallOutput(call_id=call, output="rain", failed=failed)
    return events.ConversationItemCreate(item=output, at=at)


def plays(at: int, response: str = "r") -> events.OutputPlaybackStarted:
    return events.OutputPlaybackStarted(response_id=response, item_id="i", at=at)


CONVERSATION: tuple[events.Event, ...] = (
    *microphone(0, 2 * SECOND),
    speaks(500 * MS, start=300 * MS),
    pauses(2_000 * MS, end=1_500 * MS),
    events.AudioCommitted(item_id="u", at=2_000 * MS),
    created(2_010 * MS),
    called(2_100 * MS),
    done(2_110 * MS, usage=USAGE),
    returns(2_500 * MS),
    events.ResponseCreate(at=2_510 * MS),
    created(2_520 * MS, "s"),
    words(2_600 * MS, "s"),
    sound(2_700 * MS, "s"),
    sound(2_720 * MS, "s"),
    plays(2_760 * MS, "s"),
    done(3_000 * MS, "s", usage=USAGE),
)
"""A question that a tool is needed for."""
