"""How a server tells what its model says: speech, words, calls, and that it was interrupted."""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Raw

from antiphon.codecs import events
from antiphon.codecs.audio import SAMPLE_WIDTH, AudioLine
from antiphon.codecs.elevenlabs import wire
from antiphon.codecs.elevenlabs.responses import Calls, Response, Responses, Words
from antiphon.codecs.wire import Message

_object: msgspec.json.Decoder[dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw])


class Telling:
    """A client hears of a response only by what is said in it, and of its end not at all.

    Its words are told as soon as they are whole: real agents tell them before the speech.
    """

    def __init__(self, output: AudioLine) -> None:
        self.output = output
        self.responses = Responses()
        self.calls = Calls()
        self.listed: frozenset[str] | None = None
        """All that the client wants to be told; None is whatever there is."""

    def wanted(self, kind: str) -> bool:
        return self.listed is None or kind in self.listed

    def speak(self, event: events.AudioDelta) -> Iterable[Message]:
        response = self.responses.of(event.response_id)
        if response.interrupted or not self.wanted("audio"):
            return ()
        audio = wire.AudioEvent(
            audio_base_64=self.output.to_wire(event.delta), event_id=response.number
        )
        samples = len(event.delta) // SAMPLE_WIDTH
        self.responses.sent(samples * 1_000_000 // self.output.rate, event.at)
        return (wire.write(wire.Audio(audio_event=audio)),)

    def _words(self, event: events.ContentEvent) -> Words:
        return self.responses.of(event.response_id).words(event.item_id, event.content_index)

    def say(self, event: events.AudioTranscriptDelta) -> None:
        """Words are kept until they are whole."""
        self._words(event).say(event.delta)

    def said(self, event: events.AudioTranscriptDone) -> Iterator[Message]:
        response = self.responses.of(event.response_id)
        return self._tell(response, self._words(event), event.transcript)

    def _tell(
        self, response: Response, words: Words, whole: str | None = None
    ) -> Iterator[Message]:
        """All words of a part, once; those of an interrupted one come late, but they come."""
        text = words.text if whole is None else whole
        if words.told or (response.interrupted and not text):
            return
        words.tell(text)
        if self.wanted("agent_response"):
            told = wire.AgentResponseEvent(agent_response=text, event_id=response.number)
            yield wire.write(wire.AgentResponse(agent_response_event=told))

    def _part(self, response: Response, kind: str, text: str = "") -> Iterator[Message]:
        if self.wanted("agent_chat_response_part"):
            part = wire.TextResponsePart(type=kind, text=text, event_id=response.number)
            yield wire.write(wire.AgentChatResponsePart(text_response_part=part))

    def write(self, event: events.TextDelta) -> Iterator[Message]:
        response, words = self.responses.of(event.response_id), self._words(event)
        if response.interrupted:
            return
        yield from self._begin(response, words)
        words.say(event.delta)
        yield from self._part(response, "delta", event.delta)

    def _begin(self, response: Response, words: Words) -> Iterator[Message]:
        if not words.written:
            words.written = True
            yield from self._part(response, "start")

    def written(self, event: events.TextDone) -> Iterator[Message]:
        response, words = self.responses.of(event.response_id), self._words(event)
        if response.interrupted or words.told:
            return
        yield from self._begin(response, words)
        sent = words.text
        text = sent if event.text is None else event.text
        if text != sent and text.startswith(sent):
            yield from self._part(response, "delta", text[len(sent) :])
        yield from self._finish(response, words, text)

    def _finish(self, response: Response, words: Words, text: str) -> Iterator[Message]:
        """A text is complete; what shows messages and not their parts gets it as a whole."""
        yield from self._part(response, "stop")
        if text:
            yield from self._tell(response, words, text)
        words.told = True

    def call(self, event: events.FunctionCallArgumentsDone) -> Iterable[Message]:
        if not self.wanted("client_tool_call"):
            return ()
        response = self.responses.of(event.response_id)
        call = wire.ToolCall(
            tool_name=event.name,
            tool_call_id=event.call_id,
            parameters=_parameters(event.arguments),
            event_id=response.number,
        )
        text = wire.write(wire.ClientToolCall(client_tool_call=call))
        wanted = event.expects_output and not response.interrupted
        self.calls.made(event.call_id, response.id, wanted=wanted)
        return (text,)

    def done(self, event: events.ResponseDone) -> Iterator[Message]:
        response = self.responses.of(event.response_id)
        cancelled = event.status == "cancelled"
        if not response.interrupted and not cancelled:
            for words in response.parts.values():
                if words.told:
                    continue
                if words.written:
                    yield from self._finish(response, words, words.text)
                else:
                    yield from self._tell(response, words)
        if cancelled and not response.interrupted:
            yield from self._interrupt([response])
        response.running = False
        if self.listed is not None and "agent_response_complete" in self.listed:
            complete = wire.AgentResponseCompleteEvent(event_id=response.number)
            yield wire.write(wire.AgentResponseComplete(agent_response_complete_event=complete))

    # Interruption.

    def interrupted(self, event: events.ResponseInterrupted) -> Iterable[Message]:
        response = self.responses.meant(event.response_id)
        if response is None:
            return self._silence(self.responses.number)
        return () if response.interrupted else self._interrupt([response])

    def spoken_over(self, at: int) -> Iterator[Message]:
        return self._interrupt(self.responses.audible(at))

    def _interrupt(self, responses: list[Response]) -> Iterator[Message]:
        """What was said so far is told first: behind the interruption it would come too late."""
        for response in responses:
            spoken = [w for w in response.parts.values() if not w.written and not w.told]
            for words in spoken:
                if words.text:
                    yield from self._tell(response, words)
        for response in responses:
            response.interrupted = True
            self.calls.cancelled(response.id)
        if responses:
            yield from self._silence(max(response.number for response in responses))
        for response in responses:
            for words in response.parts.values():
                if words.written and not words.told:
                    words.told = True
                    yield from self._part(response, "stop")

    def _silence(self, number: int) -> Iterator[Message]:
        if self.wanted("interruption"):
            event = wire.InterruptionEvent(event_id=number)
            yield wire.write(wire.Interruption(interruption_event=event))

    def correct(self, item_id: str, heard: str) -> Iterator[Message]:
        if self.wanted("agent_response_correction"):
            number, said = self.responses.holder(item_id)
            correction = wire.CorrectionEvent(
                original_agent_response=said, corrected_agent_response=heard, event_id=number
            )
            yield wire.write(
                wire.AgentResponseCorrection(agent_response_correction_event=correction)
            )


def _parameters(arguments: str) -> Raw:
    """An object, as clients pass it to a function; what is none is told as it is."""
    try:
        _object.decode(arguments)
        return Raw(arguments.encode())
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        told = {"arguments": arguments} if arguments.strip() else {}
        return Raw(wire.write_freely(told).encode())
