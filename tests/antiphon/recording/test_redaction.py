"""Secrets do not get into a recording, wherever they are said."""

import base64
import os
from pathlib import Path
from unittest import mock
from urllib.parse import quote

import anyio
import msgspec
import pybase64
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import FunctionCallOutput
from antiphon.pipeline import Frame
from antiphon.recording import Recorded, Recorder, Recording
from antiphon.recording.records import WIRE_IN, Wired
from antiphon.recording.redaction import HIDDEN, Redactor
from antiphon.transports import Closed, memory

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."
secrets = st.text(ALPHABET, min_size=16, max_size=60).filter(lambda s: len(set(s)) > 8)
odd_secrets = st.text(ALPHABET + '/+=&"\\ %é', min_size=16, max_size=40).filter(
    lambda s: len(set(s)) > 8
)

NAMES = (
    *("api_key", "apiKey", "x-api-key", "xi-api-key", "token", "access_token", "clientSecret"),
    *("client_secret", "password", "signature", "ticket", "authorization", "Authorization"),
    *("ephemeralKey", "Cookie", "credential", "openai_api_key"),
)


def _spellings(secret: str) -> list[bytes]:
    return [
        secret.encode(),
        quote(secret, safe="").encode(),
        base64.b64encode(secret.encode()).rstrip(b"=")[:-1],
    ]


def written(folder: Path, *frames: Frame, messages: tuple[str | bytes, ...] = ()) -> bytes:
    """All that a recording of these says, out of its compression."""
    recorder = Recorder(folder, about={"model": "m"})
    with recorder:
        anyio.run(_say, recorder, frames, messages)
    data = b""
    for one in Recording.open(recorder.path).records:
        data += msgspec.json.encode(one.body)
        if isinstance(one.body, Wired):
            message = one.body.message
            data += message.encode() if isinstance(message, str) else message
    recorder.path.unlink()
    return data


async def _say(
    recorder: Recorder, frames: tuple[Frame, ...], messages: tuple[str | bytes, ...]
) -> None:
    recorder.started(["source", "bot", "sink"], 0)
    for frame in frames:
        recorder.passed("source", frame)
        recorder.passed("bot", frame)
        recorder.returned("sink", frame)
        recorder.returned("bot", frame)
    ours, theirs = memory.pair()
    transport = Recorded(ours, recorder)
    for message in messages:
        await transport.send(message)
        await theirs.send(message)
        await transport.receive()
    ours.drop()
    theirs.drop()


@settings(
    max_examples=40, deadline=None, suppress_health_check=(HealthCheck.function_scoped_fixture,)
)
@given(secret=odd_secrets, prefix=st.text(max_size=5))
def test_a_key_of_the_environment_is_written_in_no_form(
    tmp_path: Path, secret: str, prefix: str
) -> None:
    coded = base64.b64encode(prefix.encode() + secret.encode() + b"!").decode()
    said = f"{prefix}{secret} {quote(secret, safe='')}"
    answer = FunctionCallOutput(call_id="c", output=said)
    with mock.patch.dict(os.environ, {"SOME_API_KEY": secret}):
        data = written(
            tmp_path,
            events.Error(message=f"bad key {said}"),
            events.ConversationItemCreate(item=answer),
            events.SessionUpdate(config=SessionConfig(provider_options={"a": [said, coded]})),
            messages=(msgspec.json.encode({"x": [said, coded]}).decode(), said.encode()),
        )

    for spelling in _spellings(secret):
        assert spelling not in data
    assert coded[4:-4].encode() not in data
    assert HIDDEN.encode() in data


@settings(
    max_examples=40, deadline=None, suppress_health_check=(HealthCheck.function_scoped_fixture,)
)
@given(secret=secrets, name=st.sampled_from(NAMES))
def test_what_is_called_a_secret_is_not_written(tmp_path: Path, secret: str, name: str) -> None:
    options = {name: secret, "inner": [{name: {"value": secret}}]}
    told = msgspec.json.encode({"session": {name: secret, "text": f'{{"{name}": "{secret}"}}'}})

    data = written(
        tmp_path,
        events.SessionUpdate(config=SessionConfig(provider_options=options)),
        events.Error(message=f"wss://host/path?model=m&{name}={secret}&x=1 failed"),
        events.Error(message=f"wss://user:{secret}@host/path failed"),
        events.Error(message=f"headers {{'{name}': '{secret}'}}"),
        events.Error(message=f"Authorization: Bearer {secret}\nx: y"),
        messages=(told.decode(), told),
    )

    assert secret.encode() not in data


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop",
        "ek_6870a1b2c3d4e5f6",
        "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw",
        "xai-0123456789abcdef",
        "auth_tokens/0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "openai-insecure-api-key.ek_0123456789",
    ],
)
def test_a_key_is_known_by_its_form(tmp_path: Path, secret: str) -> None:
    data = written(tmp_path, events.Error(message=f"what of {secret}?"), messages=(secret,))

    assert secret.encode() not in data


def test_a_short_value_of_the_environment_is_no_secret() -> None:
    with mock.patch.dict(os.environ, {"SOME_KEY": "no"}):
        assert Redactor()(b"nobody knows") == b"nobody knows"


@settings(max_examples=100, deadline=None)
@given(pcm=st.binary(min_size=0, max_size=3000))
def test_sound_on_the_wire_stays_as_it_is(pcm: bytes) -> None:
    audio = pybase64.b64encode(pcm).decode()
    message = msgspec.json.encode({"type": "audio", "key_frames": 1, "audio": audio})

    assert Redactor()(message) == message


@pytest.mark.parametrize(
    "text",
    [
        '{"usage":{"input_tokens":3,"total_tokens":9}}',
        '{"transcript":"the key to it is: patience"}',
        '{"type":"session.update","tool_choice":"auto","author":"me"}',
    ],
)
def test_innocent_words_stay(text: str) -> None:
    assert Redactor().text(text) == text


async def test_how_a_connection_ended_is_written_without_secrets(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    ours, theirs = memory.pair()
    with recorder:
        transport = Recorded(ours, recorder)
        await theirs.aclose(4001, "bad token=0123456789abcdef")
        with pytest.raises(Closed):
            await transport.receive()
    ours.drop()

    recording = Recording.open(recorder.path)
    assert "0123456789abcdef" not in str(recording.records)
    assert HIDDEN in str(recording.records) and not list(recording.of(WIRE_IN))
