"""Audio as binary frames, which say nothing of themselves."""

import json
from typing import Any

import pytest

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.wire import Message, WireError
from antiphon.codecs.xai import Client, Server

BRACE = b"{\x01}\x02"
"""Samples that begin as JSON does."""

BINARY = {"audio": {"input": {"transport": "binary"}, "output": {"transport": "binary"}}}


def settle(client: Client, server: Server, **options: Any) -> None:
    config = SessionConfig(provider_options={"audio": options})
    for message in client.encode(events.SessionUpdate(config=config)):
        for event in server.decode(message):
            assert isinstance(event, events.SessionUpdate)
            for said in server.encode(events.SessionUpdated(config=event.config)):
                list(client.decode(said))


def both_binary() -> tuple[Client, Server]:
    client, server = Client(), Server()
    settle(client, server, **BINARY["audio"])
    return client, server


def across(client: Client, server: Server, *said: events.ServerEvent) -> list[events.ServerEvent]:
    return [e for event in said for m in server.encode(event) for e in client.decode(m, at=3)]


def spoken(heard: list[events.ServerEvent]) -> list[events.AudioDelta]:
    return [event for event in heard if isinstance(event, events.AudioDelta)]


# The user's audio.


def test_a_client_sends_frames_once_it_asked_to() -> None:
    client, server = both_binary()

    [message] = client.encode(events.InputAudioAppend(audio=BRACE))
    [heard] = server.decode(message, at=5)

    assert message == BRACE
    assert heard == events.InputAudioAppend(audio=BRACE, at=5)


def test_a_client_can_go_back_to_json() -> None:
    client, server = both_binary()
    settle(client, server, input={"transport": "json"})

    [message] = client.encode(events.InputAudioAppend(audio=b"\0\0"))

    assert json.loads(message) == {"type": "input_audio_buffer.append", "audio": "AAA="}


def test_a_client_that_asked_for_nothing_sends_json() -> None:
    client, server = Client(), Server()
    settle(client, server, output={"transport": "binary"})

    [message] = client.encode(events.InputAudioAppend(audio=b"\0\0"))

    assert isinstance(message, str)


def test_frames_are_coded_as_the_session_is() -> None:
    client, server = both_binary()
    config = SessionConfig(input_audio_format=AudioFormat(type="audio/pcmu"))
    for message in client.encode(events.SessionUpdate(config=config)):
        list(server.decode(message))

    [message] = client.encode(events.InputAudioAppend(audio=b"\0\0\0\0"))
    [heard] = server.decode(message)

    assert message == b"\xff\xff"
    assert heard == events.InputAudioAppend(audio=b"\0\0\0\0")


def test_a_format_among_the_providers_options_is_followed_too() -> None:
    client, server = Client(), Server()

    settle(client, server, input={"format": {"type": "audio/pcma"}, "transport": "binary"})

    assert client.input_rate == server.input_rate == 8_000


def test_a_server_takes_frames_and_json_from_whoever_sends_them() -> None:
    server = Server()

    [frame] = server.decode(b"\0\1\2\3")
    [append] = server.decode('{"type":"input_audio_buffer.append","audio":"AAECAw=="}')

    assert frame == append == events.InputAudioAppend(audio=b"\0\1\2\3")


def test_half_a_sample_waits_for_the_next_frame() -> None:
    server = Server()

    heard = [event for frame in (b"\1\2\3", b"\4") for event in server.decode(frame)]

    assert heard == [
        events.InputAudioAppend(audio=b"\1\2"),
        events.InputAudioAppend(audio=b"\3\4"),
    ]


# The model's speech.


def test_a_server_speaks_in_frames_from_the_next_response_on() -> None:
    client, server = Client(), Server()
    first = events.AudioDelta(response_id="r1", item_id="i1", delta=b"\1\0")
    second = events.AudioDelta(response_id="r2", item_id="i2", delta=b"\2\0")
    before = across(client, server, events.ResponseCreated(response_id="r1"), first)
    settle(client, server, output={"transport": "binary"})

    [still] = server.encode(first)
    ended = across(client, server, events.ResponseDone(response_id="r1", status="completed"))
    frames = list(server.encode(second))

    assert spoken(before)[0].delta == b"\1\0"
    assert isinstance(still, str)
    assert spoken(ended) == []
    assert [frame for frame in frames if isinstance(frame, bytes)] == [b"\2\0"]
    assert frames[-1] == b"\2\0"


def test_a_frame_is_of_the_part_that_was_spoken_of_last() -> None:
    client, server = both_binary()
    deltas = [
        events.AudioDelta(response_id="r", item_id="i1", delta=b"\1\0", at=3),
        events.AudioDelta(response_id="r", item_id="i1", delta=BRACE, at=3),
        events.AudioDelta(response_id="r", item_id="i2", output_index=1, delta=b"\3\0", at=3),
    ]

    heard = across(client, server, *deltas)

    assert spoken(heard) == deltas


def test_a_tool_call_in_between_is_not_what_speaks() -> None:
    client = Client()
    said: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "r"}},
        {
            "type": "response.output_item.added",
            "response_id": "r",
            "item": {"id": "i", "type": "message", "role": "assistant", "content": []},
        },
        {
            "type": "response.output_item.added",
            "response_id": "r",
            "output_index": 1,
            "item": {"id": "fc", "type": "function_call", "call_id": "c", "name": "f"},
        },
        {
            "type": "response.content_part.added",
            "response_id": "r",
            "item_id": "t",
            "part": {"type": "text", "text": ""},
        },
    ]
    for message in said:
        list(client.decode(json.dumps(message)))

    [speech] = client.decode(b"\1\0", at=3)

    assert speech == events.AudioDelta(response_id="r", item_id="i", delta=b"\1\0", at=3)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "response.content_part.added", "part": {"type": "audio"}},
        {"type": "response.output_audio_transcript.delta", "delta": "Hi"},
    ],
)
def test_words_and_parts_say_where_speech_belongs(message: dict[str, Any]) -> None:
    client = Client()
    place = {"response_id": "r", "item_id": "i", "output_index": 2, "content_index": 1}
    list(client.decode(json.dumps(message | place)))

    [speech] = client.decode(b"\1\0")

    assert speech == events.AudioDelta(
        response_id="r", item_id="i", output_index=2, content_index=1, delta=b"\1\0"
    )


def test_speech_of_a_response_that_named_no_item_is_still_of_the_response() -> None:
    client = Client()
    list(client.decode('{"type":"response.created","response":{"id":"r"}}'))

    [speech] = client.decode(b"\1\0")

    assert speech == events.AudioDelta(response_id="r", item_id="", delta=b"\1\0")


def test_as_long_as_there_is_speech_the_response_is_waited_for() -> None:
    client = Client()
    list(client.decode('{"type":"response.created","response":{"id":"r"}}', at=0))
    assert list(client.encode(events.ResponseCreate())) == []
    before = client.deadline

    list(client.decode(b"\1\0", at=20_000_000))

    assert before is not None
    assert client.deadline == before + 20_000_000


# What is in a frame.


@pytest.mark.parametrize("end", [Client, Server])
def test_json_in_a_binary_frame_is_read_unless_audio_was_agreed_on(end: Any) -> None:
    message: Message = b'{"type":"response.cancel"}'

    [heard] = end().decode(message)

    assert not isinstance(heard, events.AudioDelta | events.InputAudioAppend)
    with pytest.raises(WireError):
        end().decode(BRACE)


def test_where_audio_was_agreed_on_each_frame_is_audio() -> None:
    client, server = both_binary()

    [speech] = client.decode(BRACE)
    [append] = server.decode(BRACE)

    assert isinstance(speech, events.AudioDelta)
    assert isinstance(append, events.InputAudioAppend)
    assert speech.delta == append.audio == BRACE


def test_the_session_shows_how_audio_is_carried() -> None:
    _, server = both_binary()

    [message] = server.encode(events.SessionUpdated())
    audio = json.loads(message)["session"]["audio"]

    assert {side: audio[side]["transport"] for side in audio} == {
        "input": "binary",
        "output": "binary",
    }
