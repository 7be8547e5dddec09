"""What our codecs make of messages that the AI SDK's codecs were given.

Its normalized events are the `vercel` dialect, so each of its codecs is here the client's end of a
dialect and the server's end of that one, back to back.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from antiphon.codecs.dialect import ClientEnd
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.vercel import Server
from antiphon.codecs.wire import Message, Unsayable, WireError

RECORDED = Path(__file__).parents[1] / "data" / "aisdk"

DIALECTS = {
    "openai": "openai",
    "xai": "xai",
    "google": "gemini",
    "openai-live": "openai_live",
    "gateway": "vercel",
}

BETA = "names of the interface's beta are read too: some servers still have them"
FOREIGN = "words of one dialect mean nothing in another, and are left out"
NO_TYPE = "a message that does not say what it is, is malformed"
USAGE = "what xAI says of usage is read"
HEARD = "xAI can be asked to transcribe the user"
HALF = "half a sample waits for its other half: it would end the SDK's own session"
TURNS = "Gemini can be told how to detect turns, or not to"

DEVIATIONS: dict[tuple[str, str, str], str] = {
    ("openai", "parse", "conversation.item.created (beta name)"): BETA,
    ("openai", "parse", "response.text.delta"): BETA,
    ("openai", "parse", "response.text.done"): BETA,
    ("openai", "parse", "response.audio.delta (beta)"): BETA,
    ("openai", "parse", "response.audio_transcript.delta (beta)"): BETA,
    ("openai", "parse", "no type"): NO_TYPE,
    ("xai", "parse", "conversation.item.created (beta name)"): BETA,
    ("xai", "parse", "response.audio.delta (beta)"): BETA,
    ("xai", "parse", "response.audio_transcript.delta (beta)"): BETA,
    ("xai", "parse", "no type"): NO_TYPE,
    ("xai", "parse", "transcription.completed token usage"): USAGE,
    ("xai", "parse", "transcription.completed duration usage"): USAGE,
    ("xai", "parse", "response.done full usage"): USAGE,
    ("xai", "sessionConfig", "transcription default"): HEARD,
    ("xai", "sessionConfig", "vad null"): "no detection is asked for, so none is what xAI is told",
    ("xai", "sessionConfig", "everything"): HEARD,
    ("openai-live", "serialize", "unknown"): FOREIGN,
    ("google", "parse", "multi part"): HALF,
    ("google", "serialize", "item audio"): "Gemini can be told what was spoken",
    ("google", "serialize", "response-create full"): "Gemini can be told to answer",
    ("google", "sessionConfig", "vad disabled"): TURNS,
    ("google", "sessionConfig", "vad null"): TURNS,
    ("google", "sessionConfig", "everything"): TURNS,
}
"""Where we do otherwise on purpose: file, section, vector, and why."""

REFUSED = ["refused"]

NO_INTENT = "sessions that only transcribe are not among ours"

Json = Any


def vectors(section: str) -> pytest.MarkDecorator:
    """All recorded vectors of a *section*, named by file and vector."""
    return pytest.mark.parametrize(("file", "model", "vector"), list(_vectors(section)))


def _vectors(section: str) -> Iterator[Any]:
    for file in DIALECTS:
        recorded = json.loads((RECORDED / f"{file}.json").read_text())
        for vector in recorded[section]:
            marks = [pytest.mark.skip(reason=NO_INTENT)] if "options" in vector else []
            model = vector.get("modelId", recorded["modelId"])
            name = f"{file}: {vector['name']}"
            yield pytest.param(file, model, vector, id=name, marks=marks)


def client_of(file: str, model: str) -> ClientEnd:
    return find_dialect(DIALECTS[file]).client(model)


@vectors("parse")
def test_what_a_provider_says_is_read_as_the_sdk_reads_it(
    file: str, model: str, vector: Json
) -> None:
    client, server = client_of(file, model), Server()

    said = [heard(client, server, message) for message in vector["wire"]]

    expected = [[without_raw(event) for event in events] for events in vector["expected"]]
    judge(file, "parse", vector, said, expected)


@vectors("serialize")
def test_what_an_application_says_is_written_as_the_sdk_writes_it(
    file: str, model: str, vector: Json
) -> None:
    client, server = client_of(file, model), Server()

    said = [asked(client, server, event) for event in vector["events"]]

    expected = [on_the_wire(message) for message in vector["expected"]]
    judge(file, "serialize", vector, said, expected)


@vectors("sessionConfig")
def test_a_configuration_is_written_as_the_sdk_writes_it(
    file: str, model: str, vector: Json
) -> None:
    client, server = client_of(file, model), Server()
    start = "session-start" if file == "openai-live" else "session-update"

    said = asked(client, server, {"type": start, "config": vector["config"]})

    session = [session_in(message) for message in said]
    judge(file, "sessionConfig", vector, session, on_the_wire(vector["expected"]))


def test_every_deviation_is_of_a_vector_that_there_is() -> None:
    known = {
        (file, section, vector["name"])
        for file in DIALECTS
        for section in ("parse", "serialize", "sessionConfig")
        for vector in json.loads((RECORDED / f"{file}.json").read_text())[section]
    }

    assert set(DEVIATIONS) <= known


def judge(file: str, section: str, vector: Json, said: Json, expected: Json) -> None:
    why = DEVIATIONS.get((file, section, vector["name"]))
    if why is None:
        assert said == expected
    else:
        assert said != expected, f"no longer so: {why}"


def heard(client: ClientEnd, server: Server, message: Json) -> Json:
    """The normalized events of a provider's *message*."""
    try:
        events = list(client.decode(json.dumps(message)))
    except WireError:
        return REFUSED
    return [without_raw(said) for event in events for said in parsed(server.encode(event))]


def asked(client: ClientEnd, server: Server, event: Json) -> Json:
    """What a provider is told when an application says *event*."""
    try:
        told = [one for said in server.decode(json.dumps(event)) for one in client.encode(said)]
    except (WireError, Unsayable):
        return REFUSED
    return parsed([*told, *client.due()])


def on_the_wire(expected: Json) -> Json:
    if expected is None:
        return []
    return REFUSED if isinstance(expected, dict) and "$error" in expected else [expected]


def session_in(message: Json) -> Json:
    """The session's part of the message that settles it."""
    if message in REFUSED:
        return message
    return next(message[key] for key in ("session", "setup", "config") if key in message)


def parsed(messages: Iterable[Message]) -> list[Json]:
    return [json.loads(message) for message in messages]


def without_raw(event: Json) -> Json:
    return {key: value for key, value in event.items() if key != "raw"}
