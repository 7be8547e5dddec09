"""How a server tells what happens as the service would."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.events import ServerEvent
from antiphon.codecs.gemini import Client, Server
from antiphon.codecs.usage import Usage
from antiphon.codecs.wire import WireError

Json = dict[str, Any]

INTERRUPTED: Json = {"serverContent": {"interrupted": True}}
GENERATED: Json = {"serverContent": {"generationComplete": True}}
COMPLETE: Json = {"serverContent": {"turnComplete": True}}
STARTED: Json = {"voiceActivity": {"voiceActivityType": "ACTIVITY_START"}}


def say(server: Server, *said: ServerEvent) -> list[Json]:
    messages = [message for event in said for message in server.encode(event)]
    assert all(isinstance(message, bytes) for message in messages)
    return [json.loads(message) for message in messages]


def speech(response_id: str = "r", pcm: bytes = b"\1\0", at: int = 0) -> events.AudioDelta:
    return events.AudioDelta(response_id=response_id, item_id="i", delta=pcm, at=at)


def words(delta: str, response_id: str = "r") -> events.AudioTranscriptDelta:
    return events.AudioTranscriptDelta(response_id=response_id, item_id="i", delta=delta)


def done(status: str, response_id: str = "r", **more: Any) -> events.ResponseDone:
    return events.ResponseDone(response_id=response_id, status=status, **more)


def call(call_id: str, arguments: str = "{}") -> events.FunctionCallArgumentsDone:
    return events.FunctionCallArgumentsDone(
        response_id="r", item_id="i", call_id=call_id, name="f", arguments=arguments
    )


def spoken(text: str) -> Json:
    return {"serverContent": {"outputTranscription": {"text": text}}}


# The session.


@pytest.mark.parametrize(
    ("event", "complete"),
    [
        (events.SessionCreated(session_id="s"), {"sessionId": "s"}),
        (events.SessionStarted(session_id="s"), {"sessionId": "s"}),
        (events.SessionUpdated(), {}),
    ],
)
def test_a_setup_is_complete_once(event: ServerEvent, complete: Json) -> None:
    server = Server()

    assert say(server, event, events.SessionUpdated(), event) == [{"setupComplete": complete}]


def test_resumption_and_going_away() -> None:
    said = say(
        Server(),
        events.GoAway(time_left=9_500_000),
        events.GoAway(),
        events.ResumptionHandle(handle="h", last_client_message=5),
        events.ResumptionHandle(resumable=False),
    )

    assert said == [
        {"goAway": {"timeLeft": "9.5s"}},
        {"goAway": {}},
        {
            "sessionResumptionUpdate": {
                "newHandle": "h",
                "resumable": True,
                "lastConsumedClientMessageIndex": 5,
            }
        },
        {"sessionResumptionUpdate": {"resumable": False}},
    ]


# A turn.


def test_a_turn() -> None:
    usage = Usage(
        input_tokens=5,
        input_text_tokens=2,
        input_audio_tokens=3,
        cached_input_tokens=1,
        cached_input_text_tokens=1,
        output_tokens=7,
        output_audio_tokens=7,
    )

    said = say(
        Server(),
        events.ResponseCreated(response_id="r"),
        speech(),
        words("Hi"),
        events.AudioTranscriptDone(response_id="r", item_id="i", transcript="Hi"),
        events.TextDelta(response_id="r", item_id="i", delta="t"),
        events.AudioDone(response_id="r", item_id="i"),
        done("completed", usage=usage),
    )

    blob = {"mimeType": "audio/pcm;rate=24000", "data": "AQA="}
    assert said == [
        {"serverContent": {"modelTurn": {"role": "model", "parts": [{"inlineData": blob}]}}},
        spoken("Hi"),
        {"serverContent": {"modelTurn": {"role": "model", "parts": [{"text": "t"}]}}},
        GENERATED,
        COMPLETE
        | {
            "usageMetadata": {
                "promptTokenCount": 5,
                "cachedContentTokenCount": 1,
                "responseTokenCount": 7,
                "totalTokenCount": 12,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 2},
                    {"modality": "AUDIO", "tokenCount": 3},
                ],
                "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 1}],
                "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}],
            }
        },
    ]


def test_words_that_came_whole_only_are_said_whole() -> None:
    said = say(
        Server(),
        events.AudioTranscriptDone(response_id="r", item_id="i", transcript="Hi"),
        events.TextDone(response_id="r", item_id="j", text="t"),
        events.TextDelta(response_id="r", item_id="k", delta="u"),
        events.TextDone(response_id="r", item_id="k", text="u"),
        events.TextDone(response_id="r", item_id="l"),
    )

    text = [{"modelTurn": {"role": "model", "parts": [{"text": one}]}} for one in "tu"]
    assert said == [spoken("Hi"), *({"serverContent": one} for one in text)]


def test_the_first_words_of_a_later_turn_go_with_its_speech() -> None:
    server, client = Server(), Client()

    first = say(server, words("One."), done("completed"))
    held = say(server, words("Tw", "s"), words("o.", "s"))
    flushed = say(server, speech("s"), words("!", "s"))

    assert first[0] == spoken("One.")
    assert held == []
    assert flushed[0]["serverContent"]["outputTranscription"] == {"text": "Two."}
    heard = [e for message in [*first, *flushed] for e in client.decode(json.dumps(message))]
    named = [(e.response_id, e.delta) for e in heard if isinstance(e, events.AudioTranscriptDelta)]
    assert named == [
        ("google-resp-0", "One."),
        ("google-resp-1", "Two."),
        ("google-resp-1", "!"),
    ]


@pytest.mark.parametrize("end", [done("completed", "s"), events.ResponseInterrupted()])
def test_words_without_speech_are_said_at_the_end(end: ServerEvent) -> None:
    server = Server()
    say(server, done("completed"))

    assert say(server, words("x", "s"), end)[0] == spoken("x")


def test_words_are_not_held_without_bound() -> None:
    server = Server()
    say(server, done("completed"))

    said = say(server, *(words("x", "s") for _ in range(1000)))

    heard = "".join(one["serverContent"]["outputTranscription"]["text"] for one in said)
    assert heard == "x" * 1000


def test_of_nothing_nothing_is_said() -> None:
    empty = events.TextDelta(response_id="r", item_id="i", delta="")

    assert say(Server(), words(""), empty) == []


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (done("failed"), "RESPONSE_REJECTED"),
        (done("failed", reason="malformed_function_call"), "MALFORMED_FUNCTION_CALL"),
        (done("incomplete", reason="max_output_tokens"), None),
        (done("incomplete", reason="blocklist"), "BLOCKLIST"),
    ],
)
def test_a_turn_that_is_not_whole_is_not_generated(
    event: events.ResponseDone, reason: str | None
) -> None:
    [said] = say(Server(), event)

    assert said["serverContent"].get("turnCompleteReason") == reason
    assert said["serverContent"]["turnComplete"]


def test_a_turn_that_wants_more_says_so() -> None:
    _, said = say(Server(), done("completed", reason="need_more_input"))

    assert said["serverContent"]["turnCompleteReason"] == "NEED_MORE_INPUT"


def test_a_generation_that_was_told_is_not_told_again() -> None:
    raw = msgspec.Raw(json.dumps(GENERATED).encode())
    told = events.Custom(dialect="gemini", raw_type="generationComplete", raw=raw)

    assert say(Server(), speech(), told, done("completed"))[1:] == [GENERATED, COMPLETE]


# Interruptions.


def test_an_interrupted_turn_is_told_once() -> None:
    said = say(
        Server(),
        speech(),
        events.SpeechStarted(),
        events.ResponseInterrupted(response_id="r"),
        done("cancelled", reason="turn_detected"),
    )

    assert said[1:] == [STARTED, INTERRUPTED, COMPLETE]


def test_a_cancelled_turn_is_interrupted() -> None:
    assert say(Server(), done("cancelled")) == [INTERRUPTED, COMPLETE]


def test_the_next_turn_can_be_interrupted_again() -> None:
    server = Server()
    say(server, speech(), events.ResponseInterrupted(), done("cancelled"))

    assert say(server, speech("s"), events.ResponseInterrupted())[1:] == [INTERRUPTED]


def test_speech_while_the_last_turn_is_still_played_interrupts_it() -> None:
    server = Server()
    second = bytes(48_000)
    say(server, speech(pcm=second, at=0), speech(pcm=second, at=100), done("completed"))

    assert say(server, events.SpeechStarted(at=1_999_999)) == [STARTED, INTERRUPTED]
    assert say(server, events.SpeechStarted(at=1_999_999)) == [STARTED]


def test_speech_after_the_last_turn_was_played_interrupts_nothing() -> None:
    server = Server()
    say(server, speech(pcm=bytes(48_000), at=0), done("completed"))

    assert say(server, events.SpeechStarted(at=1_000_000)) == [STARTED]


def test_speech_does_not_interrupt_where_it_shall_not() -> None:
    server = Server()
    setup: Json = {"realtimeInputConfig": {"activityHandling": "NO_INTERRUPTION"}}
    assert list(server.decode(json.dumps({"setup": setup})))

    assert say(server, speech(), events.SpeechStarted())[1:] == [STARTED]


def test_calls_of_a_cancelled_turn_are_cancelled() -> None:
    server = Server()
    say(server, call("a"), call("b"), events.FunctionCallCancelled(call_ids=("a",)))

    said = say(server, done("cancelled"))

    assert said == [INTERRUPTED, {"toolCallCancellation": {"ids": ["b"]}}, COMPLETE]


# Calls.


@pytest.mark.parametrize(
    ("arguments", "args"),
    [
        ('{"x":{"y":1}}', {"x": {"y": 1}}),
        ("", {}),
        ("7", {"arguments": 7}),
        ("{broken", {"arguments": "{broken"}),
    ],
)
def test_a_call_has_an_object(arguments: str, args: Json) -> None:
    assert say(Server(), call("c", arguments)) == [
        {"toolCall": {"functionCalls": [{"id": "c", "name": "f", "args": args}]}}
    ]


def test_words_before_a_call_are_said_before_it() -> None:
    server = Server()
    say(server, done("completed", "q"))

    said = say(server, words("One moment."), call("c"))

    assert [list(one) for one in said] == [["serverContent"], ["toolCall"]]


# The user's words.


def heard_of(item_id: str, delta: str, **more: Any) -> events.InputTranscriptionDelta:
    return events.InputTranscriptionDelta(item_id=item_id, delta=delta, **more)


def understood(item_id: str, transcript: str) -> events.InputTranscriptionCompleted:
    return events.InputTranscriptionCompleted(item_id=item_id, transcript=transcript)


def transcriptions(said: list[Json]) -> list[tuple[str | None, bool]]:
    """Texts of fragments, and whether they were finished."""
    wired = [one["serverContent"]["inputTranscription"] for one in said]
    return [(one.get("text"), one.get("finished", False)) for one in wired]


@pytest.mark.parametrize(
    ("said", "wired"),
    [
        ([understood("a", "hi")], [("hi", True)]),
        ([heard_of("a", "h"), understood("a", "hi")], [("h", False), ("i", True)]),
        ([heard_of("a", "hi"), understood("a", "hi")], [("hi", False), (None, True)]),
        ([heard_of("a", " hi"), understood("a", "hi ")], [(" hi", False), (None, True)]),
        # What was misheard is an utterance of its own.
        (
            [heard_of("a", "high"), understood("a", "hi")],
            [("high", False), (None, True), ("hi", True)],
        ),
        # The late end of an earlier item.
        (
            [heard_of("a", "x"), heard_of("b", "y"), understood("a", "x"), understood("b", "y")],
            [("x", False), (None, True), ("y", False), (None, True)],
        ),
        (
            [heard_of("a", "x"), heard_of("b", "y"), understood("a", "xz")],
            [("x", False), (None, True), ("y", False), (None, True), ("z", True)],
        ),
        (
            [heard_of("a", "x"), heard_of("b", "y"), understood("a", "other")],
            [("x", False), (None, True), ("y", False), (None, True), ("other", True)],
        ),
        ([heard_of("a", "")], []),
        ([understood("a", "")], []),
    ],
)
def test_the_users_words(said: list[ServerEvent], wired: list[tuple[str | None, bool]]) -> None:
    assert transcriptions(say(Server(), *said)) == wired


def test_a_turns_end_is_the_end_of_what_the_user_said() -> None:
    server = Server()

    said = say(server, heard_of("a", "x"), done("completed"), understood("a", "x"))

    assert said[-1] == COMPLETE


def test_guesses_are_said_to_be_guesses() -> None:
    server = Server()

    said = say(
        server,
        heard_of("a", "wreck", restart=True),
        heard_of("a", " a nice"),
        heard_of("a", "recognise", restart=True, transcript="recognise"),
        heard_of("a", " speech", transcript="recognise speech"),
        understood("a", "recognise speech"),
    )

    assert [one["serverContent"] for one in said] == [
        {"interimInputTranscription": {"text": "wreck"}},
        {"interimInputTranscription": {"text": "wreck a nice"}},
        {"inputTranscription": {"text": "recognise"}},
        {"inputTranscription": {"text": " speech"}},
        {"inputTranscription": {"finished": True}},
    ]


def test_the_language_is_told_with_the_end() -> None:
    event = events.InputTranscriptionCompleted(item_id="a", transcript="x", languages=("de", "en"))

    [said] = say(Server(), event)

    assert said["serverContent"]["inputTranscription"]["languageCode"] == "de"


def test_the_users_speech_has_a_place() -> None:
    stopped = events.SpeechStopped(audio_end=2_800_000)

    assert say(Server(), events.SpeechStarted(audio_start=1), stopped) == [
        {"voiceActivity": {"voiceActivityType": "ACTIVITY_START", "audioOffset": "0.000001s"}},
        {"voiceActivity": {"voiceActivityType": "ACTIVITY_END", "audioOffset": "2.8s"}},
    ]


# All else.


@pytest.mark.parametrize(
    "event",
    [
        events.Error(message="x"),
        events.Error(message="x", fatal=True),
        events.RateLimits(limits=()),
        events.OutputItemAdded(response_id="r", item_id="i"),
        events.Custom(raw_type="x", dialect="openai", raw=msgspec.Raw(b"{}")),
        events.Custom(raw_type="x", dialect="gemini"),
    ],
)
def test_for_some_events_there_is_no_message(event: ServerEvent) -> None:
    assert say(Server(), event) == []


def test_what_is_no_text_cannot_be_passed_on() -> None:
    custom = events.Custom(raw_type="x", dialect="gemini", raw=msgspec.Raw(b'"\xff"'))

    with pytest.raises(WireError, match="UTF-8"):
        say(Server(), custom)
