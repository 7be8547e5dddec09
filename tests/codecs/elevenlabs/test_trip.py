"""What one end says, the other hears; and nonsense harms neither."""

import contextlib
import json
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.elevenlabs import DIALECT, Client, Server
from antiphon.codecs.items import FunctionCallOutput, Message, TextPart, text_message
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.strategies import client_events, json_values, of, server_events, swapped

ITEMS = events.ConversationItemCreate
TO_SERVER = sorted(DIALECT.repertoire_of_client.native - {events.Custom, ITEMS}, key=str)
TO_CLIENT = sorted(DIALECT.repertoire_of_server.native - {events.Custom}, key=str)


def at_the_server(event: events.ClientEvent) -> list[events.ClientEvent]:
    server = Server()
    return [heard for message in Client().encode(event) for heard in server.decode(message)]


def at_the_client(event: events.ServerEvent) -> list[events.ServerEvent]:
    client = Client()
    return [heard for message in Server().encode(event) for heard in client.decode(message)]


@pytest.mark.parametrize("kind", TO_SERVER, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_the_server_hears_what_the_client_says(kind: Any, data: st.DataObject) -> None:
    event = data.draw(of(kind))

    try:
        [heard] = [one for one in at_the_server(event) if type(one) is kind]
    except Unsayable:
        return

    assert [one for one in at_the_server(heard) if type(one) is kind] == [heard]


@pytest.mark.parametrize("kind", TO_CLIENT, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_the_client_hears_what_the_server_says(kind: Any, data: st.DataObject) -> None:
    event = data.draw(of(kind))

    [heard] = [one for one in at_the_client(event) if type(one) is kind]

    assert [one for one in at_the_client(heard) if type(one) is kind] == [heard]


SAYABLE_ITEMS = (
    st.text(min_size=1).map(text_message)
    | st.builds(text_message, st.text(), role=st.just("system"), id=st.none() | st.text())
    | st.builds(
        FunctionCallOutput, call_id=st.text(), output=st.text() | st.just("5"), failed=st.booleans()
    )
)


@given(SAYABLE_ITEMS)
def test_items_that_can_be_said_are_heard_as_they_are(
    item: Message | FunctionCallOutput,
) -> None:
    heard = [one for one in at_the_server(ITEMS(item=item)) if isinstance(one, ITEMS)]

    assert heard == [ITEMS(item=item)]


@given(st.binary(max_size=400).map(lambda half: half + half))
def test_audio_arrives_sample_by_sample_in_both_directions(pcm: bytes) -> None:
    up = at_the_server(events.InputAudioAppend(audio=pcm))
    down = at_the_client(events.AudioDelta(response_id="r", item_id="i", delta=pcm))

    assert up == [events.InputAudioAppend(audio=pcm)]
    assert [one.delta for one in down if isinstance(one, events.AudioDelta)] == [pcm]


def test_the_custom_words_of_the_dialect_make_the_trip_and_no_others() -> None:
    raw = msgspec.Raw(b'{"type":"new","a":[1, 2]}')
    own = events.Custom(dialect="elevenlabs", raw_type="new", raw=raw)
    foreign = events.Custom(dialect="openai", raw_type="new", raw=raw)

    assert at_the_client(own) == at_the_server(own) == [own]
    assert at_the_client(foreign) == at_the_server(foreign) == []


@given(client_events)
def test_whatever_a_client_is_told_to_say_it_says_or_refuses(event: events.ClientEvent) -> None:
    with contextlib.suppress(Unsayable, WireError):
        for message in Client().encode(event):
            list(Server().decode(message))


@given(st.lists(server_events, max_size=8))
def test_whatever_a_server_says_a_client_understands(said: list[events.ServerEvent]) -> None:
    server, client = Server(), Client()

    for event in said:
        if isinstance(event, events.Custom):
            continue
        for message in server.encode(event):
            list(client.decode(message, event.at))
        list(client.expire(event.at))


KNOWN = [
    '{"user_audio_chunk":"AAE="}',
    (
        '{"type":"conversation_initiation_client_data","conversation_config_override":{"agent":'
        '{"prompt":{"prompt":"p"},"first_message":"f","language":"en"},"tts":{"voice_id":"v",'
        '"speed":1},"asr":{"keywords":["k"]},"conversation":{"text_only":true,"client_events":[]}}}'
    ),
    '{"type":"pong","event_id":1}',
    '{"type":"user_message","text":"t"}',
    '{"type":"contextual_update","text":"t","context_id":"c"}',
    '{"type":"client_tool_result","tool_call_id":"c","result":"r","is_error":false}',
    (
        '{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":'
        '{"conversation_id":"c","agent_output_audio_format":"pcm_16000",'
        '"user_input_audio_format":"ulaw_8000"}}'
    ),
    '{"type":"audio","audio_event":{"audio_base_64":"AAE=","event_id":1}}',
    '{"type":"agent_response","agent_response_event":{"agent_response":"a","event_id":1}}',
    (
        '{"type":"agent_response_correction","agent_response_correction_event":'
        '{"original_agent_response":"a","corrected_agent_response":"b","event_id":1}}'
    ),
    (
        '{"type":"agent_chat_response_part","text_response_part":'
        '{"type":"delta","text":"a","event_id":1}}'
    ),
    '{"type":"agent_response_complete","agent_response_complete_event":{"event_id":1}}',
    '{"type":"user_transcript","user_transcription_event":{"user_transcript":"a","event_id":1}}',
    (
        '{"type":"tentative_user_transcript","tentative_user_transcription_event":'
        '{"user_transcript":"a","event_id":1}}'
    ),
    '{"type":"interruption","interruption_event":{"event_id":1}}',
    '{"type":"ping","ping_event":{"event_id":1,"ping_ms":2}}',
    (
        '{"type":"client_tool_call","client_tool_call":{"tool_name":"t","tool_call_id":"c",'
        '"parameters":{"a":1},"event_id":1}}'
    ),
    '{"type":"context_usage","context_usage_event":{"event_id":1,"context_tokens":5}}',
    '{"type":"error","error_event":{"code":1011,"message":"m","error_type":"e","details":{}}}',
    '{"type":"vad_score","vad_score_event":{"vad_score":0.5}}',
]


@given(st.sampled_from(KNOWN), st.integers(0, 14), json_values)
def test_any_value_in_any_place_is_heard_or_a_wire_error(
    known: str, place: int, other: Any
) -> None:
    message = json.dumps(swapped(json.loads(known), place, other))

    for end in (Client(), Server()):
        with contextlib.suppress(WireError):
            list(end.decode(message))
            list(end.decode(message.encode()))


@given(st.binary() | st.text() | st.sampled_from(KNOWN).map(lambda known: known[:-3]))
def test_noise_is_a_wire_error(message: bytes | str) -> None:
    for end in (Client(), Server()):
        with contextlib.suppress(WireError):
            list(end.decode(message))


@pytest.mark.parametrize("message", KNOWN)
@pytest.mark.parametrize(
    "beside", ["[" * 5000 + "]" * 5000, "9" * 5000, "1e999", '"\\ud800"', '"\ud800"']
)
def test_a_deep_or_huge_value_beside_is_no_harm(message: str, beside: str) -> None:
    for end in (Client(), Server()):
        with contextlib.suppress(WireError):
            for event in end.decode(message[:-1] + f',"x":{beside}}}'):
                with contextlib.suppress(WireError, Unsayable):
                    other = Server() if isinstance(end, Client) else Client()
                    list(other.encode(cast("Any", event)))


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"audio","audio_event":{"audio_base_64":5}}',
        '{"type":"audio","audio_event":{"audio_base_64":"%%%"}}',
        '{"type":"audio"}',
        '{"type":"audio","audio_event":{"audio_base_64":"AAE=","event_id":"one"}}',
        '{"type":"audio","audio_event":{"audio_base_64":"AAE=","event_id":90071992547409930}}',
        '{"type":"client_tool_call","client_tool_call":{"tool_name":"t"}}',
        (
            '{"type":"client_tool_call","client_tool_call":{"tool_name":"t","tool_call_id":"c",'
            '"parameters":[1]}}'
        ),
        (
            '{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":'
            '{"agent_output_audio_format":"mp3_44100"}}'
        ),
        (
            b'{"type":"client_tool_call","client_tool_call":{"tool_name":"t","tool_call_id":"c",'
            b'"parameters":{"a":"\xff"}}}'
        ),
        '{"type":null}',
        "{}",
        "null",
        "[]",
        "",
    ],
)
def test_a_client_goes_on_as_if_a_wrong_message_had_not_come(message: str | bytes) -> None:
    client, untouched = Client(), Client()

    with pytest.raises(WireError):
        list(client.decode(message))

    good = '{"type":"audio","audio_event":{"audio_base_64":"AAE=","event_id":1}}'
    assert client.deadline is None
    assert list(client.decode(good)) == list(untouched.decode(good))
    assert (client.input_rate, client.output_rate) == (16_000, 16_000)


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ('{"user_audio_chunk":5}', "$.user_audio_chunk"),
        ('{"user_audio_chunk":"%%%"}', "$.user_audio_chunk"),
        ('{"type":"client_tool_result"}', "$"),
        ('{"type":"user_message","text":5}', "$.text"),
        (
            (
                '{"type":"conversation_initiation_client_data",'
                '"conversation_config_override":{"agent":{"prompt":"p"}}}'
            ),
            "$.conversation_config_override.agent.prompt",
        ),
        ("{}", "$"),
        ('{"text":"user_audio_chunk"}', "$"),
    ],
)
def test_a_server_says_where_a_message_is_wrong(message: str, path: str) -> None:
    with pytest.raises(WireError) as wrong:
        list(Server().decode(message))

    assert wrong.value.path == path


def test_an_audio_chunk_is_known_wherever_it_is_in_its_message() -> None:
    plain = list(Server().decode('{"user_audio_chunk":"AAE="}'))

    for message in (
        b'{"user_audio_chunk":"AAE="}',
        '{ "user_audio_chunk" : "AAE=" }',
        '{"a_field_that_is_new_and_long":1,"user_audio_chunk":"AAE="}',
        '{"type":"user_audio_chunk","user_audio_chunk":"AAE="}',
    ):
        assert list(Server().decode(message)) == plain


def test_a_text_that_speaks_of_audio_chunks_is_a_text() -> None:
    [said, _] = Server().decode('{"text":"user_audio_chunk","type":"user_message"}')

    assert said == ITEMS(item=Message(role="user", content=(TextPart(text="user_audio_chunk"),)))
