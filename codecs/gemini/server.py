"""The server's end of Gemini Live."""

from collections.abc import Iterable

from antiphon.codecs import events
from antiphon.codecs.audio import AudioLine
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.codecs.dialect import Unhurried
from antiphon.codecs.gemini import content, setup, sound, values, wire
from antiphon.codecs.gemini.client import INPUT_RATE, OUTPUT_RATE
from antiphon.codecs.gemini.speaking import Speaking
from antiphon.codecs.items import JsonObject, text_message
from antiphon.codecs.items import Message as MessageItem
from antiphon.codecs.wire import Message, NewId, from_any_base64

Heard = list[events.ClientEvent]

_LOWEST_RATE, _HIGHEST_RATE = 4_000, 192_000


class Server(Unhurried):
    """Hears what a client wants of Gemini Live, and says what the service would.

    Nothing that a client says has a name, so none is given either. Text, contents that end a
    turn, the end of activity and the last output of the pending calls each ask for a response.
    """

    def __init__(self, model: str = "", new_id: NewId | None = None) -> None:
        self._model = model
        self._input = AudioLine(wire.NAME, INPUT_RATE)
        self._mime: str | None = values.pcm_of(INPUT_RATE)
        self._detects = True
        self._speaking = Speaking()

    @property
    def input_rate(self) -> int:
        """That of the last audio, since each says its own."""
        return self._input.rate

    @property
    def output_rate(self) -> int:
        return OUTPUT_RATE

    def encode(self, event: events.ServerEvent) -> Iterable[Message]:
        return [said.encode() for said in self._speaking.say(event)]

    def decode(self, message: Message, at: int = 0) -> Iterable[events.ClientEvent]:
        found = sound.user_sound(message)
        if found is not None and found[0] == self._mime:
            data = from_any_base64(found[1], wire.NAME, "$.realtimeInput.audio.data")
            return [events.InputAudioAppend(audio=self._input.from_bytes(data), at=at)]
        frame = wire.from_client(message)
        if frame.realtime_input is not None:
            return self._realtime(frame.realtime_input, message, at)
        if frame.tool_response is not None:
            return self._outputs(frame.tool_response.function_responses or (), at)
        if frame.client_content is not None:
            return self._contents(frame.client_content, message, at)
        if frame.setup is not None:
            return [self._setup(frame.setup, at)]
        if frame.context_update is not None:
            return [events.SessionUpdate(config=setup.context_of(frame.context_update), at=at)]
        return [_custom(message, at)]

    def _setup(self, given: JsonObject, at: int) -> events.SessionUpdate:
        config = setup.config_of(given)
        self._detects = not _is_off(config)
        turns = config.turn_detection
        self._speaking.interruptible = not (
            isinstance(turns, TurnDetection) and turns.interrupt_response is False
        )
        return events.SessionUpdate(config=config, at=at)

    def _realtime(self, said: wire.RealtimeInput, message: Message, at: int) -> Heard:
        blobs = [
            (blob, f"$.realtimeInput.mediaChunks[{place}]")
            for place, blob in enumerate(said.media_chunks or ())
        ]
        if said.audio is not None:
            blobs.append((said.audio, "$.realtimeInput.audio"))
        data = [from_any_base64(blob.data or "", wire.NAME, f"{path}.data") for blob, path in blobs]
        picture = None
        if said.video is not None:
            picture = content.picture_of(said.video, "$.realtimeInput.video")

        heard: Heard = []
        if said.activity_start is not None:
            heard.append(events.InputActivityStart(at=at))
        for (blob, path), pcm in zip(blobs, data, strict=True):
            if blob.mime_type == self._mime or self._hears(blob.mime_type):
                audio = self._input.from_bytes(pcm)
                heard.append(events.InputAudioAppend(audio=audio, at=at))
            elif (blob.mime_type or "").startswith("image/"):
                image = content.picture_of(blob, path)
                shown = MessageItem(role="user", content=(image,))
                heard.append(events.ConversationItemCreate(item=shown, at=at))
            else:
                return [_custom(message, at)]
        if picture is not None:
            shown = MessageItem(role="user", content=(picture,))
            heard.append(events.ConversationItemCreate(item=shown, at=at))
        if said.text is not None:
            heard.extend(self._cancelled(at))
            heard.append(events.ConversationItemCreate(item=text_message(said.text), at=at))
            heard.append(events.ResponseCreate(at=at))
        if said.audio_stream_end or said.activity_end is not None:
            heard.append(events.InputAudioCommit(at=at))
            if not self._detects:
                heard.append(events.ResponseCreate(at=at))
        return heard or [_custom(message, at)]

    def _hears(self, mime_type: str | None) -> bool:
        """Takes note of another rate of the user's audio."""
        rate = values.rate_of(mime_type)
        if rate is None or (rate and not _LOWEST_RATE <= rate <= _HIGHEST_RATE):
            return False
        if rate:
            self._mime, self._input.rate = mime_type, rate
        return True

    def _cancelled(self, at: int) -> Heard:
        """New input ends the response that runs."""
        if not (self._speaking.running and self._speaking.interruptible):
            return []
        return [events.ResponseCancel(at=at)]

    def _contents(self, said: wire.ClientContent, message: Message, at: int) -> Heard:
        turns = said.turns or ()
        rate = content.rate_of(turns, self._input.rate)
        heard: Heard = []
        for place, turn in enumerate(turns):
            items = content.items_of(turn, f"$.clientContent.turns[{place}]", rate)
            if items is None:
                heard = [_custom(message, at)]
                break
            heard.extend(events.ConversationItemCreate(item=item, at=at) for item in items)
        self._input.rate, self._mime = rate, values.pcm_of(rate)
        if not turns:  # the end of what was said before, if anything
            heard.append(_custom(message, at))
        if said.turn_complete:
            heard.append(events.ResponseCreate(at=at))
        return [*self._cancelled(at), *heard]

    def _outputs(self, responses: tuple[wire.FunctionResponse, ...], at: int) -> Heard:
        """One response for all calls that are pending, unless it is to be silent."""
        named = [content.output_item(one, self._speaking.pending_named(one)) for one in responses]
        heard: Heard = []
        wanted = False
        for response, item in zip(responses, named, strict=True):
            awaited = self._speaking.answered(item.call_id, last=not response.will_continue)
            wanted |= awaited and response.scheduling != "SILENT"
            heard.append(events.ConversationItemCreate(item=item, at=at))
        if wanted and not self._speaking.pending:
            heard.append(events.ResponseCreate(at=at))
        return heard


def _is_off(config: SessionConfig) -> bool:
    turns = config.turn_detection
    return turns is None or (isinstance(turns, TurnDetection) and turns.type == "disabled")


def _custom(message: Message, at: int) -> events.Custom:
    return events.Custom(
        dialect=wire.NAME,
        raw_type=wire.first_field(message, wire.FromClient),
        raw=wire.verbatim(message),
        at=at,
    )
