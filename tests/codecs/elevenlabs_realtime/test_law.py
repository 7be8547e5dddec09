"""Both ends understand each other, and whatever OpenAI's clients and servers say."""

import contextlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat
from antiphon.codecs.elevenlabs.realtime import Client, Server
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.strategies import json_objects, of

WIRE = Path(__file__).parents[2] / "data" / "wire"

FORMATS = st.sampled_from(
    [None, AudioFormat(type="audio/pcm", rate=24_000), AudioFormat(type="audio/pcmu")]
)


def recorded(role: str) -> list[Any]:
    """Messages of OpenAI's, whose SDKs are ElevenLabs' clients."""
    lines = (WIRE / f"openai.{role}.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        pytest.param(row["wire"], id=f"{row['n']}-{row['event']}") for row in rows if "wire" in row
    ]


@pytest.mark.parametrize("wire", recorded("client"))
def test_what_openais_clients_say_is_heard(wire: Any) -> None:
    [heard] = Server().decode(json.dumps(wire), at=7)

    assert heard.at == 7


@pytest.mark.parametrize("wire", recorded("server"))
def test_what_a_server_like_openais_says_is_heard(wire: Any) -> None:
    [heard] = Client().decode(json.dumps(wire), at=7)

    assert heard.at == 7
    if isinstance(heard, events.Custom):
        assert heard.dialect == "elevenlabs_realtime"


@st.composite
def settling(draw: st.DrawFn, kind: type[Any]) -> Any:
    event = draw(of(kind))
    if event.config is None:
        return event
    config = msgspec.structs.replace(
        event.config, input_audio_format=draw(FORMATS), output_audio_format=draw(FORMATS)
    )
    return msgspec.structs.replace(event, config=config)


@given(settling(events.SessionUpdate))
def test_a_server_reads_the_session_that_a_client_asks_for(event: events.SessionUpdate) -> None:
    def trip(said: events.SessionUpdate) -> list[events.ClientEvent]:
        server = Server()
        return [heard for message in Client().encode(said) for heard in server.decode(message)]

    [heard] = trip(event)

    assert isinstance(heard, events.SessionUpdate)
    assert trip(heard) == [heard]


@given(settling(events.SessionUpdated))
def test_a_client_reads_the_session_that_a_server_shows(event: events.SessionUpdated) -> None:
    def trip(said: events.SessionUpdated) -> list[Any]:
        client = Client()
        heard = [one for message in Server().encode(said) for one in client.decode(message)]
        return [one.config for one in heard if isinstance(one, events.SessionUpdated)]

    [config] = trip(event)

    assert trip(events.SessionUpdated(config=config)) == [config]


@given(st.sampled_from(["session.update", "session.updated", "session.created"]), json_objects)
def test_any_session_is_read_or_a_wire_error(kind: str, session: dict[str, Any]) -> None:
    keys = ("turn_detection", "audio", "tool_choice", "temperature", "tools", "model")
    for name, value in zip(keys, session.values(), strict=False):
        message = json.dumps({"type": kind, "session": {name: value, **session}})
        for end in (Client(), Server()):
            with contextlib.suppress(WireError, Unsayable):
                list(end.decode(message))
