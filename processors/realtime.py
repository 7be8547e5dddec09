"""A conversation with a speech model, seen from the bot's side.

A model is a stage: client events go in, server events come out. `Realtime` stands for
four members in a row: what turns microphone audio into client events, the model, what
turns server events into speech and interruptions, and the tools.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, ToolDefinition, merge
from antiphon.pipeline import Audio, Emit, Frame, Frames, Interrupt, Member, Speech
from antiphon.pipeline.frames import SAMPLE_WIDTH
from antiphon.processors.models import find_model
from antiphon.processors.tools import Tool, Tools

REMEMBERED = 64
"""How many interrupted responses, whose late audio is dropped, and items are known by id."""


class Model(Protocol):
    """A stage that takes client events, also sent back to it, and gives server events.

    Frames of other kinds it lets by.
    """

    @property
    def input_rate(self) -> int:
        """In Hz, of InputAudioAppend."""
        ...

    @property
    def output_rate(self) -> int:
        """In Hz, of AudioDelta and AudioChunk."""
        ...

    takes_back: tuple[type[Frame], ...]

    async def run(self, frames: Frames, emit: Emit, /) -> None: ...


class ModelLine(Protocol):
    """Several members in a row, one of them a model: with what guards it, say."""

    @property
    def input_rate(self) -> int: ...

    @property
    def output_rate(self) -> int: ...

    @property
    def members(self) -> Sequence[Member]: ...


@runtime_checkable
class Configurable(Protocol):
    """A model whose rates depend on how a session is to be."""

    def configure(self, config: SessionConfig, /) -> None: ...


class Realtime:
    """A speech model with its tools: audio in, speech and server events out.

    *model* is a name such as "local/assistant", or a model. *tools* are plain typed
    functions, Tool objects or a Tools stage. What *config* says of instructions and
    voice, the arguments of these names say shorter. With *speak_first* the model is
    asked to speak before the user does.

    In: Audio at the model's rate, client events, and the SpeechStarted and SpeechStopped
    of a Vad when the model's own turn detection is disabled. Out: Speech, every server
    event but its audio, and an Interrupt when the user speaks. Back from the speaker
    come playback reports, of which truncations are made.
    """

    def __init__(
        self,
        model: str | Model,
        *,
        tools: Sequence[Tool | ToolDefinition | Callable[..., Any]] | Tools = (),
        instructions: str | None = None,
        voice: str | None = None,
        config: SessionConfig | None = None,
        speak_first: bool = False,
    ) -> None:
        self.model = find_model(model) if isinstance(model, str) else model
        self.tools = tools if isinstance(tools, Tools) else Tools(*tools)
        asked = SessionConfig(
            instructions=instructions, voice=voice, tools=self.tools.definitions or None
        )
        self.config = merge(config or SessionConfig(), asked)
        if isinstance(self.model, Configurable):
            self.model.configure(self.config)
        self.tools.gives_rate = self.model.output_rate
        detection = self.config.turn_detection
        by_client = detection is None or (
            isinstance(detection, msgspec.Struct) and detection.type == "disabled"
        )
        interrupts = not isinstance(detection, msgspec.Struct) or (
            detection.interrupt_response is not False
        )
        self.members: tuple[Member, ...] = (
            Uplink(self.config, self.model.input_rate, by_client, speak_first),
            self.model,
            # A turn that the client detects has interrupted before it gets there.
            Downlink(self.model.output_rate, interrupts=interrupts and not by_client),
            *((self.tools,) if self.tools else ()),
        )


class Uplink:
    """Turns what the user does into client events."""

    def __init__(
        self, config: SessionConfig, rate: int, detects_turns: bool, speak_first: bool
    ) -> None:
        self.takes_rates = frozenset({rate})
        self._rate = rate
        self._config = config
        self._detects_turns = detects_turns
        self._speak_first = speak_first

    def start(self) -> Iterator[Frame]:
        yield events.SessionUpdate(config=self._config)
        if self._speak_first:
            yield events.ResponseCreate()

    def process(
        self, frame: Audio | events.SpeechStarted | events.SpeechStopped
    ) -> Iterator[Frame]:
        if isinstance(frame, Audio):
            if frame.rate != self._rate:
                raise ValueError(
                    f"the model hears {self._rate} Hz, not {frame.rate} Hz: put"
                    f" Resampler({self._rate}) before it"
                )
            yield events.InputAudioAppend(audio=frame.pcm, at=frame.at)
        elif not self._detects_turns:
            pass  # the model hears its turns itself; two opinions would make two answers
        elif isinstance(frame, events.SpeechStarted):
            yield Interrupt(at=frame.at, reason="the user speaks")
            yield frame
            yield events.ResponseCancel(at=frame.at)
            yield events.InputActivityStart(at=frame.at)
        else:
            yield frame
            yield events.InputAudioCommit(at=frame.at)
            yield events.ResponseCreate(at=frame.at)


class Downlink:
    """Turns what the model says into speech, and the user's speaking into interruptions."""

    def __init__(self, rate: int, *, interrupts: bool = True) -> None:
        self.gives_rate = rate
        self._interrupts = interrupts
        self._running: set[str] = set()
        self._silenced: deque[str] = deque(maxlen=REMEMBERED)
        self._said: dict[tuple[str, int], int] = {}
        """Bytes of the parts of items."""

    def process(self, frame: Frame) -> Iterator[Frame]:
        match frame:
            case events.AudioDelta():
                if frame.response_id not in self._silenced:
                    part = frame.item_id, frame.content_index
                    self._said[part] = self._said.get(part, 0) + len(frame.delta)
                    yield Speech(
                        at=frame.at,
                        pcm=frame.delta,
                        rate=self.gives_rate,
                        response_id=frame.response_id,
                        item_id=frame.item_id,
                        content_index=frame.content_index,
                    )
                return
            case events.AudioChunk():  # of no item that could be truncated, or that is ever over
                yield Audio(at=frame.at, pcm=frame.delta, rate=self.gives_rate)
                return
            case Interrupt():
                self._silence()
            case events.SpeechStarted() if self._interrupts:
                self._silence()
                yield Interrupt(at=frame.at, reason="the user speaks")
            case events.ResponseInterrupted():
                self._silence()
                yield Interrupt(at=frame.at, reason="the model was interrupted")
            case events.ResponseCreated():
                self._running.add(frame.response_id)
                for part in list(self._said)[:-REMEMBERED]:
                    del self._said[part]
            case events.ResponseDone():
                self._running.discard(frame.response_id)
                if frame.status == "cancelled":
                    self._silenced.append(frame.response_id)
            case _:
                pass
        yield frame

    def process_back(self, frame: Frame) -> Iterator[Frame]:
        yield frame
        if isinstance(frame, events.OutputPlaybackCleared) and frame.item_id:
            yield events.ConversationItemTruncate(
                at=frame.at,
                item_id=frame.item_id,
                content_index=frame.content_index,
                audio_end=self._heard(frame),
            )

    def _silence(self) -> None:
        """Whatever is still to come of what runs now comes too late."""
        self._silenced.extend(self._running)
        self._running.clear()

    def _heard(self, cleared: events.OutputPlaybackCleared) -> int:
        """How far, but not beyond its end: a sink at another rate may count a sample more."""
        played = cleared.played or 0
        said = self._said.get((cleared.item_id or "", cleared.content_index))
        if said is None:
            return played
        return min(played, said // SAMPLE_WIDTH * 1_000_000 // self.gives_rate)
