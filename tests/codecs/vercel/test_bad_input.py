"""Whatever comes in, only a WireError comes of it, and the end goes on."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs.vercel import Client, Server
from antiphon.codecs.wire import WireError
from tests.codecs.strategies import json_values

DEEP = "[" * 100_000
DEEP_FIELD = '{"type":"custom","raw":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}"

HOPELESS: list[str | bytes] = [
    "",
    "null",
    "5",
    '"x"',
    "{",
    '{"type":5}',
    '{"type":null}',
    '{"type":"audio-delta"}',
    '{"type":"audio-delta","delta":"%%%"}',
    '{"type":"audio-delta","delta":5}',
    '{"type":"audio-chunk","delta":"A"}',
    '{"type":"text-delta"}',
    '{"type":"text-delta","delta":"\\ud800"}',
    '{"type":"\ud800"}',
    '{"type":"response-done","usage":{"inputTokens":1e400}}',
    '{"type":"response-done","usage":{"inputTokens":9223372036854775807}}',
    '{"type":"response-done","usage":[]}',
    '{"type":"transcript-fragment","speaker":"x","delta":"","startMs":0,"endMs":0}',
    '{"type":"transcript-fragment","speaker":"user","delta":"","startMs":1e300,"endMs":0}',
    '{"type":"delegation-created","offsetMs":-1e300}',
    '{"type":"session-started","delegationMode":"x"}',
    '{"type":"audio-done","itemId":5}',
    "[null]",
    "[[]]",
    "[1",
    '[{"type":"audio-done"},5]',
    b"\xff",
    b'{"type":"new","x":"\xff"}',
    DEEP,
    DEEP_FIELD,
]

FROM_CLIENTS: list[str | bytes] = [
    "",
    "null",
    "[]",
    "{}",
    '{"type":5}',
    '{"type":"input-audio-append"}',
    '{"type":"input-audio-append","audio":"%"}',
    '{"type":"input-audio-append","audio":"AAAA","eventId":5}',
    '{"type":"session-update"}',
    '{"type":"session-update","config":5}',
    '{"type":"session-start","config":{"inputAudioFormat":{"type":"x"}}}',
    '{"type":"conversation-item-create"}',
    '{"type":"conversation-item-create","item":{"type":"text-message"}}',
    '{"type":"conversation-item-create","item":{"type":"audio-message","audio":"%"}}',
    '{"type":"conversation-item-create","item":{"type":"text-message","role":"x","text":""}}',
    '{"type":"conversation-item-create","item":{"type":"function-call-output"}}',
    '{"type":"conversation-item-create","item":{"type":"message","role":"x","content":[]}}',
    '{"type":"conversation-item-truncate","itemId":"i"}',
    '{"type":"conversation-item-truncate","itemId":"i","audioEndMs":1e300}',
    '{"type":"conversation-item-truncate","itemId":"i","contentIndex":1e9,"audioEndMs":1}',
    '{"type":"conversation-item-truncate","audioEndMs":1}',
    '{"type":"response-create","options":5}',
    '{"type":"response-create","options":{"modalities":"text"}}',
    '{"type":"context-append"}',
    '{"type":"input-dtmf"}',
    b"\xff",
    DEEP,
]


@pytest.mark.parametrize("message", HOPELESS, ids=lambda message: str(message[:60]))
def test_a_client_refuses(message: str | bytes) -> None:
    client = Client()

    with pytest.raises(WireError):
        list(client.decode(message))

    assert len(list(client.decode('{"type":"session-updated"}'))) == 1


@pytest.mark.parametrize("message", FROM_CLIENTS, ids=lambda message: str(message[:60]))
def test_a_server_refuses(message: str | bytes) -> None:
    server = Server()

    with pytest.raises(WireError):
        list(server.decode(message))

    assert len(list(server.decode('{"type":"response-cancel"}'))) == 1


def test_a_mistake_is_named_where_it_is() -> None:
    with pytest.raises(WireError) as mistake:
        list(Server().decode('{"type":"conversation-item-create","item":{"type":"text-message"}}'))
    assert mistake.value.path == "$.item"

    with pytest.raises(WireError) as mistake:
        list(Client().decode('[{"type":"audio-done"},{"type":"audio-done","itemId":5}]'))
    assert mistake.value.path == "$[1].itemId"


TYPES = st.sampled_from(
    [
        "audio-delta",
        "text-delta",
        "function-call-arguments-done",
        "response-done",
        "custom",
        "session-usage",
        "conversation-item-added",
        "transcript-fragment",
        "delegation-created",
        "input-audio-append",
        "session-update",
        "conversation-item-create",
        "conversation-item-truncate",
        "response-create",
        "context-append",
    ]
)
FIELDS = st.sampled_from(
    [
        "delta",
        "itemId",
        "responseId",
        "usage",
        "rawType",
        "raw",
        "item",
        "config",
        "options",
        "audio",
        "content",
        "startMs",
        "endMs",
        "offsetMs",
        "audioEndMs",
        "contentIndex",
        "eventId",
        "callId",
        "name",
        "arguments",
    ]
)


@given(message=st.text() | st.binary())
def test_noise_is_a_wire_error(message: str | bytes) -> None:
    survive(message)


@given(fields=st.dictionaries(FIELDS, json_values, max_size=6), kind=TYPES)
def test_any_value_in_any_field_is_read_or_a_wire_error(fields: dict[str, Any], kind: str) -> None:
    survive(json.dumps({"type": kind, **fields}))
    survive(json.dumps([{"type": kind, **fields}]))


def survive(message: str | bytes) -> None:
    """Both ends read it, or refuse it; what was read can be said again."""
    ends: list[tuple[Any, Any]] = [(Client(), Server()), (Server(), Client())]
    for hearing, saying in ends:
        with contextlib.suppress(WireError):
            for event in hearing.decode(message):
                list(saying.encode(event))
