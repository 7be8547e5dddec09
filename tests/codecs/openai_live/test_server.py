"""What a Live server hears and says, for models with turns and without."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.openai_live import Client, Server
from antiphon.codecs.usage import Usage
from antiphon.codecs.wire import WireError

MILLISECOND = 1_000


def said(*spoken: events.ServerEvent, server: Server | None = None) -> list[dict[str, Any]]:
    server = server or Server()
    return [json.loads(message) for event in spoken for message in server.encode(event)]


def without_ids(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in message.items() if k != "event_id"} for message in messages]


def test_every_message_has_a_name_of_its_own_unless_it_came_with_one() -> None:
    messages = said(
        events.Error(message="a"),
        events.Error(message="b", event_id="mine"),
        events.Error(message="c"),
    )

    assert [message["event_id"] for message in messages] == ["event_1", "mine", "event_2"]


@pytest.mark.parametrize(
    "ready",
    [
        events.SessionCreated(session_id="s"),
        events.SessionStarted(session_id="s"),
    ],
    ids=str,
)
def test_the_session_starts_once_whoever_says_so(ready: events.ServerEvent) -> None:
    messages = said(
        ready,
        events.SessionUpdated(),
        events.SessionStarted(session_id="t"),
        events.SessionCreated(session_id="u"),
    )

    assert without_ids(messages) == [{"type": "session.started", "session": {"id": "s"}}]


def test_a_session_without_a_name_is_given_one() -> None:
    assert without_ids(said(events.SessionUpdated())) == [
        {"type": "session.started", "session": {"id": "session_1"}}
    ]


def test_who_is_delegated_to_is_said_in_the_providers_words() -> None:
    [started, delegated] = said(
        events.SessionStarted(session_id="s", delegation_mode="provider"),
        events.DelegationCreated(
            delegation_id="d", target="provider", offset=1_500_999, response_id="r"
        ),
    )

    assert started["session"]["delegation"] == {"type": "responses"}
    assert delegated["delegation"] == {"id": "d", "target": "responses", "response_id": "r"}
    assert delegated["offset_ms"] == 1500


def test_speech_without_a_time_follows_what_was_said_before() -> None:
    speech = bytes(2 * 24_000 // 10)  # 100 ms

    messages = said(
        events.AudioDelta(response_id="r", item_id="i", delta=speech, at=40 * MILLISECOND),
        events.AudioDelta(response_id="r", item_id="i", delta=speech, at=50 * MILLISECOND),
        events.AudioChunk(delta=speech, at=900 * MILLISECOND),
        events.AudioChunk(delta=speech, start=2_000_000, end=2_050_000),
    )

    assert [(one["start_ms"], one["end_ms"]) for one in messages] == [
        (40, 140),
        (140, 240),
        (900, 1000),
        (2000, 2050),
    ]


@pytest.mark.parametrize(
    "interruption",
    [events.SpeechStarted(), events.ResponseInterrupted()],
    ids=str,
)
def test_after_an_interruption_speech_begins_anew(interruption: events.ServerEvent) -> None:
    second = bytes(48_000)

    messages = said(
        events.AudioDelta(response_id="r", item_id="i", delta=second, at=0),
        interruption,
        events.AudioDelta(response_id="s", item_id="j", delta=second, at=300 * MILLISECOND),
    )

    assert [one["start_ms"] for one in messages] == [0, 300]


def test_words_of_a_model_with_turns_are_fragments_at_the_time_they_are_said() -> None:
    messages = said(
        events.InputTranscriptionDelta(item_id="u", delta="What", at=1_500_000),
        events.InputTranscriptionCompleted(item_id="u", transcript="What?", at=2_000_000),
        events.InputTranscriptionCompleted(item_id="v", transcript="Well?", at=2_000_000),
        events.AudioTranscriptDelta(response_id="r", item_id="i", delta="It", at=2_100_000),
        events.TextDelta(response_id="r", item_id="i", delta=" is", at=2_200_000),
        events.AudioTranscriptDone(response_id="r", item_id="i", transcript="It is"),
    )

    assert [
        (one["type"].split(".")[1], one["delta"], one["start_ms"], one["end_ms"])
        for one in messages
    ] == [
        ("input_transcript", "What", 1500, 1500),
        ("input_transcript", "Well?", 2000, 2000),
        ("output_transcript", "It", 2100, 2100),
        ("output_transcript", " is", 2200, 2200),
    ]


def test_a_fragment_never_ends_before_it_starts_nor_starts_before_the_session() -> None:
    messages = said(
        events.TranscriptFragment(speaker="user", delta="a", start=5_000, end=1_000),
        events.TranscriptFragment(speaker="assistant", delta="b", start=-5_000, end=-1),
    )

    assert [(one["start_ms"], one["end_ms"]) for one in messages] == [(5, 5), (0, 0)]


def test_each_command_is_acknowledged_in_its_own_words() -> None:
    server = Server()
    commands = [
        "session.update",
        "session.input_audio.mute",
        "session.input_audio.unmute",
        "session.instructions.append",
        "session.thinking.append",
        "session.commentary.append",
        "session.dance",
    ]

    messages = said(
        events.SessionStarted(session_id="s"),
        *(
            events.CommandAcknowledged(command=command, client_event_id="c", at=12_345)
            for command in commands
        ),
        server=server,
    )

    assert without_ids(messages)[1:] == [
        {"type": "session.updated", "session": {"id": "s"}, "client_event_id": "c"},
        {"type": "session.input_audio.muted", "client_event_id": "c"},
        {"type": "session.input_audio.unmuted", "client_event_id": "c"},
        *(
            {
                "type": f"session.{channel}.appended",
                "start_ms": 12,
                "end_ms": 12,
                "client_event_id": "c",
            }
            for channel in ("instructions", "thinking", "commentary")
        ),
    ]
    assert [
        event.command
        for message in messages[1:]
        for event in Client().decode(json.dumps(message))
        if isinstance(event, events.CommandAcknowledged)
    ] == commands[:-1]


def test_an_update_is_acknowledged_even_before_the_session_has_a_name() -> None:
    [updated] = said(events.CommandAcknowledged(command="session.update"))

    assert updated["session"] == {"id": "session_1"}


def test_the_cost_is_the_last_that_is_known_in_seconds() -> None:
    messages = said(
        events.SessionUsage(usage=Usage(input_tokens=5)),
        events.SessionUsage(usage=Usage(seconds=30.5), context_window_usage_ratio=1.5),
        events.SessionUsage(usage=Usage(input_tokens=9), context_window_usage_ratio=-1.0),
        events.SessionClosed(session_id="s"),
    )

    assert [one["usage"] for one in messages] == [
        {"seconds": 0},
        {"seconds": 30.5},
        {"seconds": 30.5},
        {"seconds": 30.5},
    ]
    assert [one.get("context_window") for one in messages] == [
        None,
        {"usage_ratio": 1},
        {"usage_ratio": 0},
        None,
    ]


def test_the_end_names_the_session_and_a_reason() -> None:
    [_, closed] = said(events.SessionStarted(session_id="s"), events.SessionClosed())
    [bare] = said(events.SessionClosed(reason="expired"))

    assert (closed["session"], closed["reason"]) == ({"id": "s"}, "close_requested")
    assert "session" not in bare
    assert bare["reason"] == "expired"


@pytest.mark.parametrize(
    "event",
    [
        events.ResponseCreated(response_id="r"),
        events.ResponseDone(response_id="r", status="completed"),
        events.FunctionCallArgumentsDone(
            response_id="r", item_id="i", call_id="c", name="f", arguments="{}"
        ),
        events.Custom(raw_type="x", raw=msgspec.Raw(b"{}")),
        events.Custom(raw_type="x", raw=msgspec.Raw(b"{}"), dialect="opper"),
    ],
    ids=str,
)
def test_what_a_continuous_model_has_no_word_for_is_not_said(event: events.ServerEvent) -> None:
    assert said(event) == []


def test_an_event_of_its_own_dialect_is_passed_on_verbatim() -> None:
    message = '{"type": "response.event",  "event": {}}'
    [event] = Client().decode(message)

    assert isinstance(event, events.Custom)
    assert list(Server().encode(event)) == [message]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"type": "session.close", "event_id": "e"}, events.SessionClose(event_id="e", at=3)),
        ({"type": "session.input_audio.mute"}, events.InputAudioMute(at=3)),
        ({"type": "session.input_audio.unmute"}, events.InputAudioUnmute(at=3)),
        (
            {"type": "session.input_audio.append", "audio": "AAE="},
            events.InputAudioAppend(audio=b"\0\1", at=3),
        ),
        (
            {"type": "session.thinking.append", "content": "c"},
            events.ContextAppend(content="c", delegation_id=None, at=3),
        ),
        (
            {"type": "session.commentary.append", "content": "c", "delegation_id": ""},
            events.ContextAppend(
                content="c",
                delegation_id=None,
                provider_options={"openai": {"channel": "commentary"}},
                at=3,
            ),
        ),
        (
            {"type": "session.instructions.append", "content": "c", "delegation_id": "d"},
            events.ContextAppend(
                content="c",
                delegation_id="d",
                provider_options={"openai": {"channel": "instructions"}},
                at=3,
            ),
        ),
        (
            {"type": "session.update", "session": {}},
            events.Custom(
                dialect="openai_live",
                raw_type="session.update",
                raw=msgspec.Raw(b'{"type": "session.update", "session": {}}'),
                at=3,
            ),
        ),
    ],
    ids=str,
)
def test_a_command_is_heard(message: dict[str, Any], expected: events.ClientEvent) -> None:
    assert list(Server().decode(json.dumps(message), 3)) == [expected]


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ("{}", "$"),
        ("null", "$"),
        ("[]", "$"),
        ('{"type":1}', "$.type"),
        ('{"type":"session.start"}', "$"),
        ('{"type":"session.start","session":{"audio":5}}', "$.session.audio"),
        (
            '{"type":"session.start","session":{"audio":{"output":{"voice":{"id":""}}}}}',
            "$.session.audio.output.voice.id",
        ),
        ('{"type":"session.input_audio.append","audio":"?"}', "$.audio"),
        ('{"type":"session.input_audio.append","audio":null}', "$.audio"),
        ('{"type":"session.thinking.append","content":[]}', "$.content"),
    ],
)
def test_a_malformed_command_is_a_wire_error_that_says_where(message: str, path: str) -> None:
    with pytest.raises(WireError) as error:
        list(Server().decode(message))

    assert error.value.path == path
