"""What the AI SDK makes of the service's messages is what our client makes of them.

Each vector was made by running the SDK. `shown` says a vocabulary event as the SDK would, one for
one; where we mean to differ, it is listed here, with what we say instead.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from antiphon.codecs import events
from antiphon.codecs.events import ServerEvent
from antiphon.codecs.gemini import Client
from antiphon.codecs.usage import Usage

Json = dict[str, Any]

VECTORS: Json = json.loads(
    (Path(__file__).parents[2] / "data" / "aisdk" / "google.json").read_text()
)
PARSE: list[Json] = VECTORS["parse"]

DIFFERENT: dict[str, list[list[Json]]] = {
    # Events carry whole samples: the odd byte waits for the next piece.
    "multi part": [
        [
            {
                "type": "audio-delta",
                "responseId": "google-resp-0",
                "itemId": "google-item-0",
                "delta": "AAECAwQF",
            },
            {
                "type": "text-delta",
                "responseId": "google-resp-0",
                "itemId": "google-item-0",
                "delta": "x",
            },
            {
                "type": "audio-delta",
                "responseId": "google-resp-0",
                "itemId": "google-item-0",
                "delta": "BBA=",
            },
        ]
    ],
}

NAMED = {
    events.AudioDone: "audio-done",
    events.TextDone: "text-done",
    events.AudioTranscriptDone: "audio-transcript-done",
}
CUSTOM = {
    events.GoAway: "goAway",
    events.ResumptionHandle: "sessionResumptionUpdate",
    events.FunctionCallCancelled: "toolCallCancellation",
}


class Shown:
    """Vocabulary events as the SDK's."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def __call__(self, event: ServerEvent) -> list[Json]:
        match event:
            case events.SessionCreated():
                return [_without({"type": "session-created", "sessionId": event.session_id})]
            case events.ResponseInterrupted() | events.SpeechStarted():
                return [{"type": "speech-started"}]
            case events.SpeechStopped():
                return [{"type": "speech-stopped"}]
            case events.InputTranscriptionDelta():
                if event.transcript is None:
                    return []
                return self._understood(event.item_id, event.transcript)
            case events.InputTranscriptionCompleted():
                return self._understood(event.item_id, event.transcript)
            case events.AudioDelta():
                delta = base64.b64encode(event.delta).decode()
                return [{"type": "audio-delta", **_of(event), "delta": delta}]
            case events.TextDelta():
                return [{"type": "text-delta", **_of(event), "delta": event.delta}]
            case events.AudioTranscriptDelta():
                return [{"type": "audio-transcript-delta", **_of(event), "delta": event.delta}]
            case events.AudioDone() | events.TextDone() | events.AudioTranscriptDone():
                return [{"type": NAMED[type(event)], **_of(event)}]
            case events.FunctionCallArgumentsDelta():
                return [
                    {
                        "type": "function-call-arguments-delta",
                        **_of(event),
                        "callId": event.call_id,
                        "delta": event.delta,
                    }
                ]
            case events.FunctionCallArgumentsDone():
                return [
                    {
                        "type": "function-call-arguments-done",
                        **_of(event),
                        "callId": event.call_id,
                        "name": event.name,
                        "arguments": event.arguments,
                    }
                ]
            case events.ResponseDone():
                done = {
                    "type": "response-done",
                    "responseId": event.response_id,
                    "status": event.status,
                    "usage": _usage(event.usage),
                }
                return [_without(done)]
            case events.GoAway() | events.ResumptionHandle() | events.FunctionCallCancelled():
                return [{"type": "custom", "rawType": CUSTOM[type(event)]}]
            case events.Custom():
                custom = {
                    "type": "custom",
                    "rawType": event.raw_type,
                    "usage": _usage(event.usage),
                }
                return [_without(custom)]
            case _:
                raise AssertionError(f"the client does not say {event}")

    def _understood(self, item_id: str, transcript: str) -> list[Json]:
        if self._last.get(item_id) == transcript:
            return []
        self._last[item_id] = transcript
        return [
            {
                "type": "input-transcription-completed",
                "itemId": item_id,
                "transcript": transcript,
            }
        ]


def _of(event: events.OutputEvent) -> Json:
    return {"responseId": event.response_id, "itemId": event.item_id}


def _without(event: Json) -> Json:
    return {name: value for name, value in event.items() if value is not None}


def _usage(usage: Usage | None) -> Json | None:
    if usage is None:
        return None
    counts = {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cachedInputTokens": usage.cached_input_tokens,
        "inputTextTokens": usage.input_text_tokens,
        "inputAudioTokens": usage.input_audio_tokens,
        "outputTextTokens": usage.output_text_tokens,
        "outputAudioTokens": usage.output_audio_tokens,
    }
    return _without(counts)


def heard(wire: list[Json]) -> list[list[Json]]:
    client, shown = Client(VECTORS["modelId"]), Shown()
    return [
        [one for event in client.decode(json.dumps(message)) for one in shown(event)]
        for message in wire
    ]


@pytest.mark.parametrize("vector", PARSE, ids=[one["name"] for one in PARSE])
def test_the_client_hears_what_the_sdk_hears(vector: Json) -> None:
    expected = [[_bare(event) for event in step] for step in vector["expected"]]

    if vector["name"] in DIFFERENT:
        assert heard(vector["wire"]) != expected
        expected = DIFFERENT[vector["name"]]
    assert heard(vector["wire"]) == expected


def _bare(event: Json) -> Json:
    return {name: value for name, value in event.items() if name != "raw"}


# Differences on purpose, of which there are no vectors.


def test_a_turn_that_was_interrupted_ends_cancelled() -> None:
    audio = {"modelTurn": {"parts": [{"inlineData": {"data": "AAECAwQF"}}]}}

    said = heard(
        [
            {"serverContent": audio},
            {"serverContent": {"interrupted": True}},
            {"serverContent": {"turnComplete": True}},
        ]
    )

    assert said[1] == [{"type": "speech-started"}]
    assert [one["type"] for one in said[2]] == ["audio-done", "response-done"]
    assert said[2][1]["status"] == "cancelled"


def test_a_turn_that_went_wrong_ends_failed() -> None:
    [[done]] = heard(
        [{"serverContent": {"turnComplete": True, "turnCompleteReason": "RESPONSE_REJECTED"}}]
    )

    assert done["status"] == "failed"


def test_the_session_keeps_its_name() -> None:
    assert heard([{"setupComplete": {"sessionId": "s1"}}]) == [
        [{"type": "session-created", "sessionId": "s1"}]
    ]


def test_voice_activity_is_the_users_speech() -> None:
    said = heard(
        [
            {"voiceActivity": {"voiceActivityType": "ACTIVITY_START"}},
            {"voiceActivityDetectionSignal": {"vadSignalType": "VAD_SIGNAL_TYPE_EOS"}},
        ]
    )

    assert said == [[{"type": "speech-started"}], [{"type": "speech-stopped"}]]


def test_a_message_with_several_facts_says_them_all() -> None:
    [said] = heard(
        [
            {
                "toolCall": {"functionCalls": [{"id": "c", "name": "f", "args": {}}]},
                "serverContent": {"outputTranscription": {"text": "One moment."}},
                "goAway": {"timeLeft": "5s"},
            }
        ]
    )

    assert [one["type"] for one in said] == [
        "custom",
        "function-call-arguments-delta",
        "function-call-arguments-done",
        "audio-transcript-delta",
    ]


def test_what_has_no_word_beside_what_has_one_is_not_lost() -> None:
    [said] = heard(
        [
            {
                "serverContent": {
                    "modelTurn": {"parts": [{"text": "x"}, {"executableCode": {"code": "1"}}]},
                    "groundingMetadata": {"webSearchQueries": ["q"]},
                }
            }
        ]
    )

    assert [one.get("rawType", one["type"]) for one in said] == ["text-delta", "serverContent"]
