"""The client's end of a conversation with an agent."""

from collections.abc import Iterable

from antiphon.codecs import events
from antiphon.codecs.audio import SAMPLE_WIDTH, AudioLine
from antiphon.codecs.config import SessionConfig, merge
from antiphon.codecs.elevenlabs import wire
from antiphon.codecs.elevenlabs.answers import Answers, Said
from antiphon.codecs.elevenlabs.session import RATE, read_format, refuse, text_only, write_start
from antiphon.codecs.items import FunctionCallOutput, JsonObject, Message
from antiphon.codecs.usage import Usage
from antiphon.codecs.wire import Message as WireMessage
from antiphon.codecs.wire import Unknown, Unsayable, WireError, given, verbatim

MOST_PONGS = 16
"""That wait to be sent: whoever leaves more waiting has no connection that lives."""

CLOSING = frozenset({1000, 1002, 1008, 1011})
"""Codes of errors behind which the connection is closed: they are a WebSocket's own."""


class Client:
    """The agent is named by the address, so a message never names the model.

    Tools are the agent's too: those of a configuration are not sent, and an agent calls only
    client tools that were configured under the same names. What a user types, and the results
    of tools, are answered without being asked for: ResponseCreate says nothing more.
    """

    def __init__(self, model: str = "") -> None:
        self._input = AudioLine(wire.NAME, RATE)
        self._output = AudioLine(wire.NAME, RATE)
        self._config = SessionConfig()
        self._start: JsonObject | None = None
        self._answers = Answers()
        self._pongs: list[WireMessage] = []
        self._turns = 0
        self._tentative: str | None = None
        """What was understood so far of the user's turn; None between turns."""

    @property
    def input_rate(self) -> int:
        return self._input.rate

    @property
    def output_rate(self) -> int:
        return self._output.rate

    @property
    def deadline(self) -> int | None:
        """When a response must be over, as nothing more comes of it."""
        return self._answers.deadline

    def due(self) -> Iterable[WireMessage]:
        if not self._pongs:
            return ()
        pongs, self._pongs = self._pongs, []
        return pongs

    def expire(self, at: int, /) -> Said:
        return self._answers.expire(at)

    def encode(self, event: events.ClientEvent, /) -> Iterable[WireMessage]:
        match event:
            case events.InputAudioAppend():
                audio = self._input.to_wire(event.audio)
                return (wire.write(wire.UserAudio(user_audio_chunk=audio)),)
            case events.SessionUpdate():
                return self._settle(event.config)
            case events.SessionStart():
                raise Unsayable(wire.NAME, "has no continuous sessions")
            case events.ConversationItemCreate(item=Message() as message):
                return self._say(message)
            case events.ConversationItemCreate(item=FunctionCallOutput() as output):
                result = wire.ToolResult(
                    tool_call_id=output.call_id, result=output.output, is_error=output.failed
                )
                text = wire.write(result)
                self._answers.output(output.call_id)
                return (text,)
            case events.InputActivityStart():
                return (wire.write(wire.UserActivity()),)
            case events.Custom(dialect=wire.NAME):
                return (verbatim(event.raw, wire.NAME),)
            case _:
                return ()

    def _settle(self, config: SessionConfig) -> Iterable[WireMessage]:
        """Once: what is asked for later must have been so from the beginning."""
        config = merge(self._config, config)
        refuse(config)
        start = write_start(config)
        if self._start is not None:
            if start != self._start:
                raise Unsayable(wire.NAME, "settles a conversation only as it begins")
            return ()
        text = wire.write_freely(start)
        self._config, self._start = config, start
        self._answers.text_only = text_only(start, config)
        return (text,)

    def _say(self, message: Message) -> Iterable[WireMessage]:
        if message.role == "system":
            update = wire.ContextualUpdate(text=message.text, context_id=given(message.id))
            return (wire.write(update),)
        if message.role == "user" and message.text:
            return (wire.write(wire.UserMessage(text=message.text)),)
        return ()

    def decode(self, message: WireMessage, /, at: int = 0) -> Iterable[events.ServerEvent]:
        said = wire.hear_server(message)
        match said:
            case wire.Audio():
                return self._hear(said.audio_event, at)
            case wire.AgentResponse(agent_response_event=told):
                heard = self._answers.tell(told.event_id, told.agent_response or "", at)
                return _carried(message, "agent_response", at) if heard is None else heard
            case wire.AgentChatResponsePart(text_response_part=part):
                heard = self._answers.part(part.type, part.event_id, part.text or "", at)
                return _carried(message, "agent_chat_response_part", at) if heard is None else heard
            case wire.UserTranscript(user_transcription_event=user):
                return self._understood(user, at)
            case wire.TentativeUserTranscript(tentative_user_transcription_event=user):
                return self._understanding(user.user_transcript or "", at)
            case wire.Interruption(interruption_event=interruption):
                heard = self._answers.interrupt(interruption.event_id, at)
                return heard or _carried(message, "interruption", at)
            case wire.AgentResponseCorrection(agent_response_correction_event=correction):
                item_id = self._answers.item_of(correction.event_id)
                corrected = correction.corrected_agent_response
                if item_id is None or corrected is None:
                    return _carried(message, "agent_response_correction", at)
                return (
                    events.ConversationItemTruncated(item_id=item_id, transcript=corrected, at=at),
                )
            case wire.AgentResponseComplete(agent_response_complete_event=complete):
                return self._answers.complete(complete and complete.event_id, at)
            case wire.ClientToolCall(client_tool_call=call):
                return self._call(call, at)
            case wire.Ping(ping_event=ping):
                self._answer(ping.event_id)
                return ()
            case wire.ConversationMetadata(conversation_initiation_metadata_event=metadata):
                return self._created(metadata, at)
            case wire.Error(error_event=error):
                return (_error(error, at),)
            case wire.ContextUsage(context_usage_event=context):
                tokens = context.context_tokens
                usage = None if tokens is None else Usage(input_tokens=tokens)
                return _carried(message, "context_usage", at, usage)
            case wire.Carried():
                return _carried(message, str(said.__struct_config__.tag), at)
            case Unknown():
                return _carried(message, said.type, at)

    def _hear(self, said: wire.AudioEvent, at: int) -> Iterable[events.ServerEvent]:
        answers, number = self._answers, said.event_id
        if answers.silent(number):
            return ()
        begins = answers.begins_with_sound(number)
        pcm = self._output.from_wire(
            said.audio_base_64 or "", "$.audio_event.audio_base_64", answers.count + begins
        )
        duration = len(pcm) // SAMPLE_WIDTH * 1_000_000 // self._output.rate
        answer, heard = answers.sound(number, duration, at, begins=begins)
        heard.append(
            events.AudioDelta(
                response_id=answer.response_id,
                item_id=answer.item_id,
                output_index=answer.index(),
                content_index=answer.audio_index,
                delta=pcm,
                at=at,
            )
        )
        return heard

    def _understanding(self, transcript: str, at: int) -> Iterable[events.ServerEvent]:
        """A little more, or other words for what was understood before."""
        before = self._tentative
        if transcript == before:
            return ()
        if before is None:
            self._turns += 1
        self._tentative = transcript
        goes_on = transcript.startswith(before or "")
        return (
            events.InputTranscriptionDelta(
                item_id=f"elevenlabs-user-{self._turns}",
                delta=transcript[len(before or "") :] if goes_on else transcript,
                restart=not goes_on,
                at=at,
            ),
        )

    def _understood(self, user: wire.TranscriptionEvent, at: int) -> Iterable[events.ServerEvent]:
        heard = self._answers.user_said(user.event_id, at)
        if self._tentative is None:
            self._turns += 1
        self._tentative = None
        heard.append(
            events.InputTranscriptionCompleted(
                item_id=f"elevenlabs-user-{self._turns}",
                transcript=user.user_transcript or "",
                at=at,
            )
        )
        return heard

    def _call(self, call: wire.ToolCall, at: int) -> Iterable[events.ServerEvent]:
        arguments = verbatim(call.parameters, wire.NAME)
        if arguments == "null":
            arguments = "{}"
        if not arguments.startswith("{"):
            raise WireError(wire.NAME, "$.client_tool_call.parameters", "Expected `object`")
        answer, index, heard = self._answers.call(call.event_id, call.tool_call_id, at)
        heard += (
            events.FunctionCallArgumentsDelta(
                response_id=answer.response_id,
                item_id=call.tool_call_id,
                output_index=index,
                call_id=call.tool_call_id,
                delta=arguments,
                at=at,
            ),
            events.FunctionCallArgumentsDone(
                response_id=answer.response_id,
                item_id=call.tool_call_id,
                output_index=index,
                call_id=call.tool_call_id,
                name=call.tool_name,
                arguments=arguments,
                at=at,
            ),
        )
        return heard

    def _created(self, metadata: wire.InitiationMetadata, at: int) -> Iterable[events.ServerEvent]:
        path = "$.conversation_initiation_metadata_event."
        heard = read_format(metadata.user_input_audio_format, path + "user_input_audio_format")
        spoken = read_format(metadata.agent_output_audio_format, path + "agent_output_audio_format")
        self._input.carry(heard)
        self._output.carry(spoken)
        config = SessionConfig(input_audio_format=heard, output_audio_format=spoken)
        return (events.SessionCreated(session_id=metadata.conversation_id, config=config, at=at),)

    def _answer(self, number: int | None) -> None:
        if number is not None:
            self._pongs = [*self._pongs[1 - MOST_PONGS :], wire.write(wire.Pong(event_id=number))]


def _carried(
    message: WireMessage, kind: str, at: int, usage: Usage | None = None
) -> Iterable[events.ServerEvent]:
    raw = wire.as_is(message)
    return (events.Custom(dialect=wire.NAME, raw_type=kind, raw=raw, usage=usage, at=at),)


def _error(error: wire.ErrorEvent, at: int) -> events.Error:
    """Our own server says in the details, which are free, when it will not close."""
    fatal = (error.details or {}).get("fatal")
    return events.Error(
        message=error.message or error.reason or "",
        code=None if error.code is None else str(error.code),
        error_type=error.error_type,
        fatal=fatal if isinstance(fatal, bool) else error.code in CLOSING,
        at=at,
    )
