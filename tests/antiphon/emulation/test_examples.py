"""The examples of docs/emulation.md, on the real SDKs: they are there as they are here."""

# pyright: basic, reportArgumentType=false
# The SDKs take their settings as dictionaries, which no type checker follows.

import base64
import json
import re
import runpy
from pathlib import Path

import pytest
import websockets
from google import genai
from google.genai import errors
from openai import AsyncOpenAI

from antiphon.emulation.faults import SHOWN

PAGE = Path(__file__).parents[3] / "docs/emulation.md"


# openai


@pytest.fixture
def openai_client(antiphon_gateway, monkeypatch):
    for name, value in antiphon_gateway.env("openai").items():
        monkeypatch.setenv(name, value)
    return AsyncOpenAI()  # as the code under test makes it


async def test_the_bot_looks_up_the_weather(antiphon_gateway, openai_client):
    asked = antiphon_gateway.hears("How warm is it in Oslo?")
    asked.calls("get_weather", city="Oslo").then("It is 21 degrees in Oslo.")

    words = None
    async with openai_client.realtime.connect(model="gpt-realtime-2") as connection:
        await connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "How warm is it in Oslo?"}],
            }
        )
        await connection.response.create()
        async for event in connection:
            if event.type == "response.function_call_arguments.done":
                assert json.loads(event.arguments) == {"city": "Oslo"}
                await connection.conversation.item.create(
                    item={
                        "type": "function_call_output",
                        "call_id": event.call_id,
                        "output": '{"celsius": 21}',
                    }
                )
            elif event.type == "response.output_audio_transcript.done":
                words = event.transcript
            elif event.type == "response.done":
                if words:
                    break
                await connection.response.create()

    assert words == "It is 21 degrees in Oslo."
    assert antiphon_gateway.heard.texts == ["How warm is it in Oslo?"]
    assert antiphon_gateway.heard.outputs[0].output == '{"celsius": 21}'


async def test_the_bot_stops_when_the_user_speaks_over_it(antiphon_gateway, openai_client):
    antiphon_gateway.hears("Tell me a story.").says("Once upon a time there was a dragon.")
    antiphon_gateway.hears("Stop!").says("All right.")
    antiphon_gateway.script(speed=1)  # in real time, so that there is something to interrupt

    speech = base64.b64encode(antiphon_gateway.speech(rate=24_000)).decode()
    seen = []
    async with openai_client.realtime.connect(model="gpt-realtime-2") as connection:
        await connection.input_audio_buffer.append(audio=speech)
        async for event in connection:
            seen.append(event.type)
            if event.type == "response.output_audio.delta" and seen.count(event.type) == 3:
                await connection.input_audio_buffer.append(audio=speech)
            elif event.type == "response.done" and event.response.status == "cancelled":
                break
        await antiphon_gateway.until(lambda: "All right." in antiphon_gateway.sessions[0].answers)

    assert antiphon_gateway.sessions[0].transcripts == ["Tell me a story.", "Stop!"]
    assert antiphon_gateway.heard.audio_seconds == pytest.approx(4)


async def test_the_bot_is_told_that_it_asks_too_often(antiphon_gateway, openai_client):
    antiphon_gateway.fault("429*1")

    with pytest.raises(websockets.InvalidStatus) as refused:
        async with openai_client.realtime.connect(model="gpt-realtime-2"):
            pass
    async with openai_client.realtime.connect(model="gpt-realtime-2") as connection:
        event = await connection.recv()

    assert refused.value.response.status_code == 429
    assert json.loads(refused.value.response.body)["error"]["code"] == "rate_limit_exceeded"
    assert event.type == "session.created"


async def test_the_bot_loses_its_connection(antiphon_gateway, openai_client):
    antiphon_gateway.fault("drop@200ms")

    with pytest.raises(websockets.ConnectionClosedError) as lost:
        async with openai_client.realtime.connect(model="gpt-realtime-2") as connection:
            while True:
                await connection.recv()

    assert lost.value.rcvd is None  # no farewell


# google-genai


@pytest.fixture
def gemini_client(antiphon_gateway, monkeypatch):
    for name, value in antiphon_gateway.env("gemini").items():
        monkeypatch.setenv(name, value)  # SSL_CERT_FILE among them: this SDK insists on TLS
    return genai.Client()


async def test_gemini_looks_up_the_weather(antiphon_gateway, gemini_client):
    antiphon_gateway.when("warm").calls("get_weather", city="Oslo").then("It is warm.")

    config = {
        "response_modalities": ["AUDIO"],
        "output_audio_transcription": {},
        "tools": [{"function_declarations": [{"name": "get_weather"}]}],
    }
    words, called = "", []
    connecting = gemini_client.aio.live.connect(
        model="gemini-3.1-flash-live-preview", config=config
    )
    async with connecting as session:
        await session.send_client_content(
            turns={"role": "user", "parts": [{"text": "How warm is it in Oslo?"}]}
        )
        while not words:
            async for message in session.receive():
                if message.tool_call:
                    for call in message.tool_call.function_calls:
                        called.append((call.name, call.args))
                        await session.send_tool_response(
                            function_responses={
                                "id": call.id,
                                "name": call.name,
                                "response": {"celsius": 21},
                            }
                        )
                content = message.server_content
                if content and content.output_transcription:
                    words += content.output_transcription.text or ""

    assert words == "It is warm."
    assert called == [("get_weather", {"city": "Oslo"})]
    assert json.loads(antiphon_gateway.heard.outputs[0].output) == {"celsius": 21}


async def test_gemini_fails(antiphon_gateway, gemini_client):
    antiphon_gateway.says("Well,").fails("overloaded", "Too much to do.")

    async def talk():
        connecting = gemini_client.aio.live.connect(model="gemini-3.1-flash-live-preview")
        async with connecting as session:
            await session.send_realtime_input(text="Hello.")
            while True:
                async for _ in session.receive():
                    pass

    with pytest.raises(errors.APIError, match="Too much to do"):
        await talk()


async def test_gemini_hears_the_microphone_at_its_own_rate(antiphon_gateway, gemini_client):
    antiphon_gateway.hears("Hello?").says("Hello!")
    speech = antiphon_gateway.speech(rate=16_000)

    async with gemini_client.aio.live.connect(model="gemini-3.1-flash-live-preview") as session:
        await session.send_realtime_input(
            audio={"data": speech, "mime_type": "audio/pcm;rate=16000"}
        )
        await antiphon_gateway.until(lambda: antiphon_gateway.sessions[0].answers)

    assert antiphon_gateway.heard.audio_seconds == pytest.approx(2.0)
    assert antiphon_gateway.sessions[0].transcripts == ["Hello?"]
    assert "gemini-3.1-flash-live-preview" in antiphon_gateway.sessions[0].model


async def test_gemini_loses_its_connection(antiphon_gateway, gemini_client):
    antiphon_gateway.fault("drop@200ms")

    with pytest.raises(errors.APIError, match="1006"):
        async with gemini_client.aio.live.connect(model="any") as session:
            async for _ in session.receive():
                pass


async def test_a_context_for_tls_can_be_given_instead_of_a_file(antiphon_gateway):
    antiphon_gateway.says("Hello.")
    client = genai.Client(
        api_key="any",
        http_options={
            "base_url": antiphon_gateway.gemini_base_url,
            "async_client_args": {"ssl": antiphon_gateway.ssl_context},
        },
    )

    async with client.aio.live.connect(model="gemini-3.1-flash-live-preview") as session:
        await session.send_realtime_input(text="Hello.")
        await antiphon_gateway.until(lambda: antiphon_gateway.sessions[0].answers)

    assert antiphon_gateway.sessions[0].answers == ["Hello."]


# The page.


def test_the_page_shows_what_is_tested_here():
    here = Path(__file__).read_text()
    shown = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)

    pieces = [piece for block in shown[1:] for piece in block.strip().split("\n\n\n")]

    assert len(pieces) == 7
    assert [piece for piece in pieces if piece not in here] == []


def test_the_first_example(antiphon_gateway, tmp_path):
    first = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert first is not None
    path = tmp_path / "test_hello.py"
    path.write_text(first[1])

    runpy.run_path(str(path))["test_hello"](antiphon_gateway)


def test_the_script_on_the_page_can_be_played(antiphon_gateway, tmp_path):
    shown = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert shown is not None
    path = tmp_path / "call.toml"
    path.write_text(shown[1])

    antiphon_gateway.script(path)


def test_the_page_has_all_faults_in_the_same_words():
    page = PAGE.read_text()

    for form, does in SHOWN[1:]:
        assert re.search(rf"\| `{re.escape(form)}` \| {re.escape(does)}", page), form
