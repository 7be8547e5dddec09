"""What a Live client says and hears, event by event."""

import json
from typing import Any

import msgspec
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import text_message
from antiphon.codecs.openai_live import Client
from antiphon.codecs.usage import Usage
from antiphon.codecs.wire import Unsayable, WireError

JSON: dict[str, Any] = {}


def heard(message: object, at: int = 0) -> list[events.ServerEvent]:
    return list(Client().decode(json.dumps(message), at))


def said(event: events.ClientEvent) -> list[dict[str, Any]]:
    return [json.loads(message) for message in Client().encode(event)]


@pytest.mark.parametrize(
    "command",
    [
        events.SessionUpdate(config=SessionConfig()),
        events.ConversationItemCreate(item=text_message("Hello")),
        events.ConversationItemRetrieve(item_id="i"),
        events.ConversationItemTruncate(item_id="i", audio_end=0),
        events.ConversationItemDelete(item_id="i"),
        events.ResponseCreate(),
        events.ResponseCancel(),
        events.InputAudioCommit(),
        events.InputAudioClear(),
        events.InputActivityStart(),
        events.InputDtmf(digit="1"),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_command_that_belongs_to_turns_is_refused_by_name(command: events.ClientEvent) -> None:
    with pytest.raises(Unsayable, match=type(command).__name__):
        list(Client().encode(command))


@pytest.mark.parametrize(
    "report",
    [
        events.OutputPlaybackStarted(response_id="r"),
        events.OutputPlaybackStopped(response_id="r"),
        events.OutputPlaybackCleared(response_id="r"),
        events.OutputAudioClear(),
        events.Custom(raw_type="x", raw=msgspec.Raw(b"{}")),
        events.Custom(raw_type="x", raw=msgspec.Raw(b"{}"), dialect="openai"),
    ],
    ids=str,
)
def test_what_concerns_only_the_client_or_another_dialect_is_not_said(
    report: events.ClientEvent,
) -> None:
    assert said(report) == []


@pytest.mark.parametrize("channel", ["instructions", "thinking", "commentary"])
def test_context_goes_down_the_chosen_channel_and_comes_back(channel: str) -> None:
    event = events.ContextAppend(
        content="c",
        delegation_id="d",
        provider_options={"openai": {"channel": channel}, "other": {"channel": "ignored"}},
        event_id="e",
    )

    assert said(event) == [
        {
            "type": f"session.{channel}.append",
            "content": "c",
            "delegation_id": "d",
            "event_id": "e",
        }
    ]


@pytest.mark.parametrize(
    "given", [{"channel": "shouting"}, {"channel": None}, {"chanel": "thinking"}, "thinking"]
)
def test_context_with_options_that_are_unknown_is_refused(given: object) -> None:
    event = events.ContextAppend(
        content="c", delegation_id=None, provider_options={"openai": given}
    )

    with pytest.raises(Unsayable):
        said(event)


def test_the_end_and_muting_are_said_with_their_names() -> None:
    assert said(events.SessionClose(event_id="e")) == [{"type": "session.close", "event_id": "e"}]
    assert said(events.InputAudioMute()) == [{"type": "session.input_audio.mute"}]
    assert said(events.InputAudioUnmute()) == [{"type": "session.input_audio.unmute"}]


def test_speech_has_its_place_in_time() -> None:
    message = {
        "type": "session.output_audio.delta",
        "event_id": "e",
        "delta": "AAECAwQF",
        "start_ms": 100,
        "end_ms": 140.5,
    }

    assert heard(message, at=7) == [
        events.AudioChunk(delta=b"\0\1\2\3\4\5", start=100_000, end=140_500, event_id="e", at=7)
    ]


def test_half_a_sample_waits_for_its_other_half() -> None:
    client = Client()

    chunks = [
        chunk
        for delta in ("AAEC", "AwQF")
        for chunk in client.decode(
            json.dumps({"type": "session.output_audio.delta", "delta": delta})
        )
    ]

    assert chunks == [events.AudioChunk(delta=b"\0\1"), events.AudioChunk(delta=b"\2\3\4\5")]


def test_an_error_keeps_all_that_the_provider_says_of_it() -> None:
    failure = {
        "type": "invalid_request_error",
        "message": "m",
        "code": "c",
        "param": "session.model",
        "client_event_id": "e",
    }

    assert heard({"type": "error", "error": failure}) == [
        events.Error(
            message="m",
            code="c",
            error_type="invalid_request_error",
            param="session.model",
            client_event_id="e",
        )
    ]


def test_an_unknown_event_is_carried_whole_and_written_back() -> None:
    message = '{ "type": "response.event", "event": {"type": "response.created"} }'
    client = Client()

    [event] = client.decode(message, 5)

    assert event == events.Custom(
        dialect="openai_live",
        raw_type="response.event",
        raw=msgspec.Raw(message.encode()),
        at=5,
    )
    assert isinstance(event, events.Custom)
    assert list(client.encode(event)) == [message]


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"type": "session.started"}, "$"),
        ({"type": "session.started", "session": {"id": ""}}, "$.session.id"),
        (
            {"type": "session.started", "session": {"id": "s", "delegation": {"type": "x"}}},
            "$.session.delegation.type",
        ),
        ({"type": "session.closed", "usage": {"seconds": 1}, "reason": None}, "$.reason"),
        ({"type": "session.usage.updated", "usage": {"seconds": "1"}}, "$.usage.seconds"),
        ({"type": "session.output_audio.delta"}, "$"),
        ({"type": "session.output_audio.delta", "delta": "?"}, "$.delta"),
        (
            {"type": "session.input_transcript.delta", "delta": "a", "start_ms": -1, "end_ms": 0},
            "$.start_ms",
        ),
        (
            {"type": "session.input_transcript.delta", "delta": "a", "start_ms": 0, "end_ms": 1e80},
            "$.end_ms",
        ),
        ({"type": "session.delegation.created", "delegation": {"id": 1}}, "$.delegation.id"),
        ({"type": "session.updated", "session": {}}, "$.session"),
        ({"type": "session.input_audio.muted", "client_event_id": 5}, "$.client_event_id"),
        ({"type": "session.instructions.appended", "start_ms": 0}, "$"),
        ({"type": "session.instructions.appended", "start_ms": 2, "end_ms": 1}, "$.end_ms"),
        ({"type": "session.commentary.appended", "start_ms": 2, "end_ms": 1}, "$.end_ms"),
        ({"type": "session.thinking.appended", "start_ms": 2, "end_ms": 1}, "$.end_ms"),
        ({"type": "error", "error": {}}, "$.error"),
        ({"type": "error", "error": "no"}, "$.error"),
        ({"type": 5}, "$.type"),
        ({}, "$"),
        ([], "$"),
        ("text", "$"),
        (None, "$"),
    ],
)
def test_what_is_json_but_malformed_is_an_error_that_says_where(message: object, path: str) -> None:
    [error] = heard(message, at=3)

    assert isinstance(error, events.Error)
    assert (error.code, error.param, error.at) == ("invalid_server_event", path, 3)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "hello",
        '{"type":"session.started"',
        '{"type":"session.started","session":{}',
        b"\xff\xfe",
        b'{"type":"session.closed","reason":"\xff"}',
        '{"type":"error","error":"\ud800"}',
        '{"type":"x","a":' + "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
    ],
    ids=range(9),
)
def test_what_is_no_json_is_a_wire_error(message: str | bytes) -> None:
    with pytest.raises(WireError):
        list(Client().decode(message))


def test_an_event_that_was_malformed_leaves_no_half_sample_behind() -> None:
    client = Client()
    bad = {"type": "session.output_audio.delta", "delta": "AAEC", "start_ms": 1e80}

    [error] = client.decode(json.dumps(bad))
    [chunk] = client.decode('{"type":"session.output_audio.delta","delta":"AAE="}')

    assert isinstance(error, events.Error)
    assert chunk == events.AudioChunk(delta=b"\0\1")


def test_what_cannot_be_passed_on_as_text_is_a_wire_error() -> None:
    noise = events.Custom(dialect="openai_live", raw_type="new", raw=msgspec.Raw(b"\xff"))

    with pytest.raises(WireError):
        said(noise)


def test_the_cost_and_the_end_are_told() -> None:
    assert heard(
        {
            "type": "session.usage.updated",
            "usage": {"seconds": 61},
            "context_window": {"usage_ratio": 0.25},
        }
    ) == [events.SessionUsage(usage=Usage(seconds=61.0), context_window_usage_ratio=0.25)]
    assert heard(
        {
            "type": "session.closed",
            "session": {"id": "s"},
            "usage": {"seconds": 61.5},
            "reason": "close_requested",
        }
    ) == [events.SessionClosed(session_id="s", usage=Usage(seconds=61.5), reason="close_requested")]
