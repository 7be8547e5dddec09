"""How a client follows the service's turns, which have no names."""

import base64
import json
from typing import Any

import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.events import ServerEvent
from antiphon.codecs.gemini import Client
from antiphon.codecs.usage import Usage
from antiphon.codecs.wire import WireError

Json = dict[str, Any]


def hear(client: Client, message: Json | str, at: int = 0) -> list[ServerEvent]:
    text = message if isinstance(message, str) else json.dumps(message)
    return list(client.decode(text, at))


def content(**fields: Any) -> Json:
    return {"serverContent": fields}


def parts(*given: Json) -> Json:
    return content(modelTurn={"parts": list(given)})


def speech(pcm: bytes = b"\1\0\2\0", rate: int = 24_000) -> Json:
    data = base64.b64encode(pcm).decode()
    return {"inlineData": {"mimeType": f"audio/pcm;rate={rate}", "data": data}}


TURN_COMPLETE = content(turnComplete=True)


def test_events_have_the_time_that_is_given() -> None:
    client = Client()

    heard = [*hear(client, parts(speech()), at=5), *hear(client, TURN_COMPLETE, at=7)]

    assert [event.at for event in heard] == [5, 7, 7]


def test_speech_is_heard_the_same_in_short_and_in_long_pieces() -> None:
    client = Client()

    [short] = hear(client, parts(speech(b"\1\0" * 10)))
    [long] = hear(client, parts(speech(b"\1\0" * 1000)))

    assert short == events.AudioDelta(
        response_id="google-resp-0", item_id="google-item-0", delta=b"\1\0" * 10
    )
    assert long == events.AudioDelta(
        response_id="google-resp-0", item_id="google-item-0", delta=b"\1\0" * 1000
    )


@pytest.mark.parametrize("samples", [4, 1000])
def test_half_a_sample_waits_for_the_next_piece_of_its_turn(samples: int) -> None:
    client = Client()
    pcm = bytes(range(1, 9)) * (samples // 4)

    heard = [
        *hear(client, parts(speech(pcm[:-1]))),
        *hear(client, parts(speech(pcm[-1:]))),
    ]

    assert b"".join(e.delta for e in heard if isinstance(e, events.AudioDelta)) == pcm


def test_half_a_sample_is_forgotten_with_its_turn() -> None:
    client = Client()
    hear(client, parts(speech(b"\1\0\2")))
    hear(client, TURN_COMPLETE)

    [heard] = hear(client, parts(speech(b"\3\0")))

    assert isinstance(heard, events.AudioDelta)
    assert heard.delta == b"\3\0"


def test_speech_at_another_rate_changes_the_rate_of_the_end() -> None:
    client = Client()
    assert client.output_rate == 24_000

    hear(client, parts(speech(rate=16_000)))
    assert client.output_rate == 16_000

    hear(client, parts(speech(b"\1\0" * 500, rate=24_000)))
    assert client.output_rate == 24_000


def test_calls_are_outputs_of_their_own_beside_the_message() -> None:
    client = Client()
    calls = [{"id": "a", "name": "f"}, {"id": "b", "name": "g", "args": {"x": 1}}]

    [said] = hear(client, parts(speech()))
    heard = hear(client, {"toolCall": {"functionCalls": calls}})

    assert isinstance(said, events.AudioDelta)
    done = [one for one in heard if isinstance(one, events.FunctionCallArgumentsDone)]
    assert said.output_index == 0
    assert [(one.call_id, one.name, one.arguments, one.output_index) for one in done] == [
        ("a", "f", "{}", 1),
        ("b", "g", '{"x":1}', 2),
    ]
    assert [event.response_id for event in done] == ["google-resp-0"] * 2


def test_a_message_behind_a_call_is_the_second_output() -> None:
    client = Client()

    hear(client, {"toolCall": {"functionCalls": [{"id": "a", "name": "f"}]}})
    [said] = hear(client, parts({"text": "x"}))

    assert isinstance(said, events.TextDelta)
    assert said.output_index == 1


def test_a_call_without_an_id_gets_one() -> None:
    client = Client()
    call: Json = {"toolCall": {"functionCalls": [{"name": "f"}]}}

    ids = [
        event.call_id
        for event in [*hear(client, call), *hear(client, call)]
        if isinstance(event, events.FunctionCallArgumentsDone)
    ]

    assert ids == ["google-call-0", "google-call-1"]


def test_speech_and_its_words_are_one_part_and_text_is_another() -> None:
    client = Client()

    heard = hear(client, content(outputTranscription={"text": "a"}))
    heard += hear(client, parts({"text": "t"}, speech()))
    heard += hear(client, TURN_COMPLETE)

    index = {type(e): e.content_index for e in heard if isinstance(e, events.ContentEvent)}
    assert index == {
        events.AudioTranscriptDelta: 0,
        events.AudioTranscriptDone: 0,
        events.AudioDelta: 0,
        events.AudioDone: 0,
        events.TextDelta: 1,
        events.TextDone: 1,
    }


def test_an_interruption_names_what_it_interrupts() -> None:
    client = Client()
    hear(client, parts(speech()))

    [heard] = hear(client, content(interrupted=True))

    assert heard == events.ResponseInterrupted(response_id="google-resp-0", item_id="google-item-0")


def test_an_interruption_after_the_turns_end_names_nothing() -> None:
    client = Client()
    hear(client, parts(speech()))
    hear(client, TURN_COMPLETE)

    assert hear(client, content(interrupted=True)) == [events.ResponseInterrupted()]


def test_interrupted_and_complete_in_one_message() -> None:
    client = Client()
    hear(client, parts(speech()))

    heard = hear(client, content(interrupted=True, turnComplete=True))

    assert [type(event) for event in heard] == [
        events.ResponseInterrupted,
        events.AudioDone,
        events.ResponseDone,
    ]
    assert heard[-1] == events.ResponseDone(
        response_id="google-resp-0", status="cancelled", reason="turn_detected"
    )


def test_content_after_an_interruption_is_another_turn_that_ends_completed() -> None:
    client = Client()
    hear(client, parts(speech()))
    hear(client, content(interrupted=True))

    heard = [*hear(client, parts(speech())), *hear(client, TURN_COMPLETE)]

    assert isinstance(heard[0], events.AudioDelta)
    assert heard[0].response_id == "google-resp-1"
    assert heard[-1] == events.ResponseDone(response_id="google-resp-1", status="completed")


def test_a_turn_without_content_after_an_interrupted_one_ends_completed() -> None:
    client = Client()
    hear(client, content(interrupted=True, turnComplete=True))

    [done] = hear(client, content(waitingForInput=True, turnComplete=True))[1:]

    assert done == events.ResponseDone(response_id="google-resp-0", status="completed")


@pytest.mark.parametrize(
    ("reason", "status", "told"),
    [
        (None, "completed", None),
        ("TURN_COMPLETE_REASON_UNSPECIFIED", "completed", None),
        ("NEED_MORE_INPUT", "completed", "need_more_input"),
        ("MALFORMED_FUNCTION_CALL", "failed", "malformed_function_call"),
        ("SOMETHING_NEW", "failed", "something_new"),
    ],
)
def test_why_a_turn_ended(reason: str | None, status: str, told: str | None) -> None:
    [done] = hear(Client(), content(turnComplete=True, turnCompleteReason=reason))

    assert isinstance(done, events.ResponseDone)
    assert (done.status, done.reason) == (status, told)
    assert (done.error is not None) == (status == "failed")


def test_the_usage_of_a_turn() -> None:
    counted = {
        "promptTokenCount": 10,
        "toolUsePromptTokenCount": 1,
        "cachedContentTokenCount": 4,
        "responseTokenCount": 5,
        "thoughtsTokenCount": 2,
        "promptTokensDetails": [
            {"modality": "IMAGE", "tokenCount": 3},
            {"modality": "TEXT"},
            {},
        ],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 4}],
        "responseTokensDetails": [{"modality": "TEXT", "tokenCount": 5}],
    }

    [done] = hear(Client(), TURN_COMPLETE | {"usageMetadata": counted})

    assert isinstance(done, events.ResponseDone)
    assert done.usage == Usage(
        input_tokens=11,
        input_image_tokens=3,
        cached_input_tokens=4,
        cached_input_audio_tokens=4,
        output_tokens=7,
        output_text_tokens=5,
    )


# The user's words.


def test_an_utterance_ends_where_it_is_finished() -> None:
    said = content(inputTranscription={"text": "hi", "finished": True, "languageCode": "de"})

    assert hear(Client(), said) == [
        events.InputTranscriptionDelta(item_id="google-input-0", delta="hi", transcript="hi"),
        events.InputTranscriptionCompleted(
            item_id="google-input-0", transcript="hi", languages=("de",)
        ),
    ]


def test_an_utterance_without_an_end_ends_with_the_models_turn() -> None:
    client = Client()
    hear(client, content(inputTranscription={"text": "hi"}))

    heard = hear(client, TURN_COMPLETE)

    assert heard[0] == events.InputTranscriptionCompleted(item_id="google-input-0", transcript="hi")


def test_an_utterance_ends_when_the_user_interrupts() -> None:
    client = Client()
    hear(client, content(inputTranscription={"text": "a", "finished": False}))

    heard = hear(client, content(interrupted=True, inputTranscription={"text": "b"}))

    assert heard[1:] == [
        events.InputTranscriptionCompleted(item_id="google-input-0", transcript="a"),
        events.InputTranscriptionDelta(item_id="google-input-1", delta="b", transcript="b"),
    ]


def test_the_end_of_an_utterance_that_was_told_before_is_no_news_to_others() -> None:
    client = Client()
    hear(client, content(inputTranscription={"text": "a"}))

    done, custom = hear(client, content(inputTranscription={"finished": True}))

    assert done == events.InputTranscriptionCompleted(item_id="google-input-0", transcript="a")
    assert isinstance(custom, events.Custom)
    assert bytes(custom.raw) == b"null"
    assert list(client.encode(custom)) == []


def test_what_follows_a_guess_makes_it_void() -> None:
    client = Client()

    heard = hear(client, content(interimInputTranscription={"text": "wreck a"}))
    heard += hear(client, content(inputTranscription={"text": "recognise"}))
    heard += hear(client, content(inputTranscription={"text": " speech"}))

    deltas = [one for one in heard if isinstance(one, events.InputTranscriptionDelta)]
    assert [(one.delta, one.restart, one.transcript) for one in deltas] == [
        ("wreck a", True, None),
        ("recognise", True, "recognise"),
        (" speech", False, "recognise speech"),
    ]


def test_an_empty_guess_is_none() -> None:
    [custom] = hear(Client(), content(interimInputTranscription={"text": ""}))

    assert isinstance(custom, events.Custom)


def test_an_utterance_that_does_not_end_is_cut() -> None:
    client = Client()
    fragment = content(inputTranscription={"text": "x" * 30_000})

    items = {
        event.item_id
        for _ in range(6)
        for event in hear(client, fragment)
        if isinstance(event, events.InputTranscriptionDelta)
    }

    assert items == {"google-input-0", "google-input-1"}


def test_the_languages_of_an_utterance_are_few() -> None:
    client = Client()
    for number in range(100):
        said = content(inputTranscription={"text": "x", "languageCode": f"l{number}"})
        hear(client, said)

    heard = hear(client, TURN_COMPLETE)

    assert isinstance(heard[0], events.InputTranscriptionCompleted)
    assert heard[0].languages == tuple(f"l{number}" for number in range(8))


# The session.


@pytest.mark.parametrize(
    ("text", "us"),
    [("60s", 60_000_000), ("9.5s", 9_500_000), ("0.000001999s", 1), ("-1.5s", -1_500_000)],
)
def test_how_much_time_is_left(text: str, us: int) -> None:
    assert hear(Client(), {"goAway": {"timeLeft": text}}) == [events.GoAway(time_left=us)]


def test_going_away_without_a_time() -> None:
    assert hear(Client(), {"goAway": {}}) == [events.GoAway()]


@pytest.mark.parametrize("index", [7, "7"])
def test_what_to_resume_with(index: int | str) -> None:
    update = {"newHandle": "h", "resumable": True, "lastConsumedClientMessageIndex": index}

    assert hear(Client(), {"sessionResumptionUpdate": update}) == [
        events.ResumptionHandle(handle="h", resumable=True, last_client_message=7)
    ]


def test_for_now_there_is_nothing_to_resume_with() -> None:
    assert hear(Client(), {"sessionResumptionUpdate": {"newHandle": ""}}) == [
        events.ResumptionHandle(resumable=False)
    ]


@pytest.mark.parametrize("field", ["voiceActivityType", "type"])
def test_the_users_speech_has_a_place_in_the_audio(field: str) -> None:
    started = {"voiceActivity": {field: "ACTIVITY_START", "audioOffset": "1.200s"}}
    stopped = {"voiceActivity": {field: "ACTIVITY_END", "audioOffset": "2.8s"}}

    assert hear(Client(), started) == [events.SpeechStarted(audio_start=1_200_000)]
    assert hear(Client(), stopped) == [events.SpeechStopped(audio_end=2_800_000)]


def test_voice_activity_of_another_kind_is_passed_on() -> None:
    [custom] = hear(Client(), {"voiceActivity": {"voiceActivityType": "NEW"}})

    assert isinstance(custom, events.Custom)
    assert custom.raw_type == "voiceActivity"


# What has no word.


def test_thoughts_that_were_asked_for_are_not_the_answer() -> None:
    client = Client("gemini-3.8-live")
    options: Json = {"google": {"thinkingConfig": {"includeThoughts": True}}}
    update = events.SessionUpdate(config=SessionConfig(provider_options=options))
    assert list(client.encode(update))
    thought = {"text": "Hm.", "thought": True}

    said, custom = hear(client, parts(thought, {"text": "Yes."}))

    assert isinstance(said, events.TextDelta) and said.delta == "Yes."
    assert isinstance(custom, events.Custom) and custom.raw_type == "thought"
    assert json.loads(bytes(custom.raw)) == parts(thought)


def test_each_thing_without_a_word_is_passed_on_for_itself() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    status = content(
        modelTurn={"parts": [speech(), picture]},
        url_context_metadata={"x": 1},
        generationComplete=True,
        interactionStatus="IDLE",
        waitingForInput=True,
    )
    usage = {"usageMetadata": {"promptTokenCount": 1, "trafficType": "ON_DEMAND"}}

    heard = hear(Client(), status | usage)

    customs = {
        one.raw_type: json.loads(bytes(one.raw)) for one in heard if isinstance(one, events.Custom)
    }
    assert customs == {
        "serverContent": content(modelTurn={"parts": [picture]}, urlContextMetadata={"x": 1}),
        "generationComplete": content(generationComplete=True),
        "interactionStatus": content(interactionStatus="IDLE"),
        "waitingForInput": content(waitingForInput=True),
        "usageMetadata": usage,
    }
    assert len(heard) == 6


@pytest.mark.parametrize(("message", "name"), [('{"brand_new":1}', "brand_new"), ("{}", "unknown")])
def test_an_unknown_message_is_passed_on_as_it_came(message: str, name: str) -> None:
    client = Client()

    [custom] = hear(client, message)

    assert isinstance(custom, events.Custom)
    assert (custom.dialect, custom.raw_type) == ("gemini", name)
    assert list(client.encode(custom)) == [message]


# Spellings.


def test_both_spellings_are_one() -> None:
    camel = (
        '{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":'
        '"audio/pcm;rate=24000","data":"AAAA"}}]},"outputTranscription":{"text":"a_b"},'
        '"turnComplete":true},"usageMetadata":{"promptTokenCount":3},'
        '"toolCall":{"functionCalls":[{"id":"c","name":"f","args":{"snake_case":{"mime_type":1}}}]}}'
    )
    snake = (
        '{"server_content":{"model_turn":{"parts":[{"inline_data":{"mime_type":'
        '"audio/pcm;rate=24000","data":"AAAA"}}]},"output_transcription":{"text":"a_b"},'
        '"turn_complete":true},"usage_metadata":{"prompt_token_count":3},'
        '"tool_call":{"function_calls":[{"id":"c","name":"f","args":{"snake_case":{"mime_type":1}}}]}}'
    )

    assert hear(Client(), snake) == hear(Client(), camel)


def test_arguments_keep_the_names_of_their_fields() -> None:
    call = {"id": "c", "name": "f", "args": {"mime_type": 1, "inlineData": 2}}

    heard = hear(Client(), {"tool_call": {"function_calls": [call]}})

    assert isinstance(heard[-1], events.FunctionCallArgumentsDone)
    assert json.loads(heard[-1].arguments) == {"mime_type": 1, "inlineData": 2}


@pytest.mark.parametrize("data", ["_9j_", "/9j/", "_9j_-w", "_9j_-w=="])
def test_either_alphabet_of_base64_is_read(data: str) -> None:
    [heard] = hear(Client(), parts({"inlineData": {"mimeType": "audio/pcm", "data": data}}))

    assert isinstance(heard, events.AudioDelta)
    assert heard.delta[:2] == b"\xff\xd8"


def test_nothing_of_a_bad_message_has_happened() -> None:
    client, untouched = Client(), Client()
    bad = content(
        interrupted=True,
        modelTurn={"parts": [speech(b"\1\0\2"), {"inlineData": {"data": "not base64!"}}]},
        inputTranscription={"text": "no"},
        turnComplete=True,
    )

    with pytest.raises(WireError, match=r"parts\[1\]\.inlineData\.data"):
        hear(client, bad)

    for message in (parts(speech(b"\3\0")), TURN_COMPLETE):
        assert hear(client, message) == hear(untouched, message)
