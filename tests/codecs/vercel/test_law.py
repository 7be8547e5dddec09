"""For each event of the repertoire, the other end hears the same."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat
from antiphon.codecs.vercel import DIALECT, Client, Server
from antiphon.codecs.vercel.customs import Wordless
from antiphon.codecs.wire import Unsayable
from tests.codecs.strategies import CLIENT_EVENTS, SERVER_EVENTS, of

FORMATS = st.sampled_from(
    [
        None,
        AudioFormat(type="audio/pcm", rate=16_000),
        AudioFormat(type="audio/pcmu"),
        AudioFormat(type="audio/pcma", rate=8_000),
    ]
)

TIMES: dict[type[Any], tuple[str, ...]] = {
    events.ConversationItemTruncate: ("audio_end",),
    events.TranscriptFragment: ("start", "end"),
    events.DelegationCreated: ("offset",),
}

OF_CLIENT = [kind for kind in CLIENT_EVENTS if kind in DIALECT.repertoire_of_client.native]
OF_SERVER = [kind for kind in SERVER_EVENTS if kind in DIALECT.repertoire_of_server.native]


def named(kind: type[Any]) -> str:
    return kind.__name__


def across(event: Any, said: Any, heard: Any) -> list[Any]:
    return [one for message in said.encode(event) for one in heard.decode(message)]


@pytest.mark.parametrize("kind", OF_CLIENT, ids=named)
@given(data=st.data())
def test_a_server_hears_what_a_client_says(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(sayable(kind))

    try:
        heard = across(event, Client(), Server())
    except Unsayable:
        assert kind is events.ResponseCreate
        return

    assert [type(one) for one in heard] == [kind]
    assert across(heard[0], Client(), Server()) == heard


@pytest.mark.parametrize("kind", OF_SERVER, ids=named)
@given(data=st.data())
def test_a_client_hears_what_a_server_says(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(sayable(kind))

    heard = across(event, Server(), Client())

    assert [type(one) for one in heard] == [kind]
    assert across(heard[0], Server(), Client()) == heard


@pytest.mark.parametrize("kind", get_args(Wordless), ids=named)
@given(data=st.data())
def test_our_client_hears_whole_what_the_sdk_has_no_word_for(
    kind: type[Any], data: st.DataObject
) -> None:
    event = data.draw(of(kind))
    if isinstance(event, events.InputTranscriptionDelta):
        event = msgspec.structs.replace(event, transcript=None)

    messages = list(Server().encode(event))

    assert [json.loads(message)["type"] for message in messages] == ["custom"]
    assert [heard for message in messages for heard in Client().decode(message, at=event.at)] == [
        event
    ]


@pytest.mark.parametrize("kind", CLIENT_EVENTS, ids=named)
@given(data=st.data())
def test_what_is_not_in_the_clients_repertoire_is_not_said(
    kind: type[Any], data: st.DataObject
) -> None:
    event = data.draw(of(kind))

    if DIALECT.repertoire_of_client.how(kind) is None:
        assert list(Client().encode(event)) == []


def test_every_event_of_a_server_comes_across() -> None:
    assert [kind for kind in SERVER_EVENTS if not DIALECT.repertoire_of_server.how(kind)] == []


def sayable(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Events of a *kind*, with formats that there are, times that can be, and words of its own."""
    if kind is events.Custom:
        names = st.text(min_size=1, max_size=8).map(lambda name: f"x-{name}")
        return names.map(
            lambda name: events.Custom(
                dialect="vercel",
                raw_type=name,
                raw=msgspec.Raw(json.dumps({"type": name, "x": 1}).encode()),
            )
        )
    if kind in TIMES:
        return of(kind).filter(
            lambda event: all((getattr(event, name) or 0) >= 0 for name in TIMES[kind])
        )
    if kind not in (events.SessionUpdate, events.SessionStart):
        return of(kind)
    return st.tuples(of(kind), FORMATS, FORMATS).map(
        lambda drawn: msgspec.structs.replace(
            drawn[0],
            config=msgspec.structs.replace(
                drawn[0].config, input_audio_format=drawn[1], output_audio_format=drawn[2]
            ),
        )
    )
