"""A test scripts a provider, points its client at it, and looks at what was said."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from antiphon.codecs import events
from antiphon.codecs.dialects import find_dialect
from antiphon.emulation.heard import Call
from antiphon.emulation.places import PLACES, UnknownProvider
from antiphon.emulation.running import RunningEmulator
from antiphon.processors.local.casting import Book
from antiphon.processors.local.reply import Reply
from antiphon.processors.local.script import ScriptError
from antiphon.transports import websocket

MODEL = "gpt-realtime-2"


def said(words: str) -> list[dict[str, Any]]:
    """A user who writes, in the words of OpenAI."""
    content = [{"type": "input_text", "text": words}]
    item = {"type": "message", "role": "user", "content": content}
    return [{"type": "conversation.item.create", "item": item}, {"type": "response.create"}]


def opened(running: RunningEmulator) -> Any:
    base = running.openai_base_url.replace("http", "ws", 1)
    url = f"{base}/realtime?model={MODEL}"
    return connect(url, additional_headers={"x-test": "1"}, max_queue=None)  # nor does all read


def send(socket: Any, *messages: dict[str, Any]) -> None:
    for message in messages:
        socket.send(json.dumps(message))


def talked(running: RunningEmulator, *texts: str) -> Call:
    """A session in which each of *texts* gets its answer."""
    with opened(running) as socket:
        for words in texts:
            send(socket, *said(words))
            while json.loads(socket.recv(timeout=5))["type"] != "response.done":
                pass
    return running.sessions[-1]


# Scripts.


def test_a_plain_test_scripts_what_the_model_says(antiphon_gateway: RunningEmulator) -> None:
    antiphon_gateway.when("weather").says("It is warm.")
    antiphon_gateway.says("Hello.")
    antiphon_gateway.otherwise().says("Pardon?")

    call = talked(antiphon_gateway, "Hi!", "How is the weather?", "What?")

    assert call.answers == ["Hello.", "It is warm.", "Pardon?"]


def test_a_script_begins_anew_with_each_session(antiphon_gateway: RunningEmulator) -> None:
    antiphon_gateway.says("One.")
    antiphon_gateway.says("Two.")

    calls = [talked(antiphon_gateway, "a"), talked(antiphon_gateway, "a", "b")]

    assert [call.answers for call in calls] == [["One."], ["One.", "Two."]]


def test_more_can_be_said_while_a_session_is_open(antiphon_gateway: RunningEmulator) -> None:
    antiphon_gateway.says("One.")

    with opened(antiphon_gateway) as socket:
        send(socket, *said("a"))
        (call,) = antiphon_gateway.wait_for(lambda: antiphon_gateway.sessions)
        antiphon_gateway.wait_for(lambda: call.answers == ["One."])
        antiphon_gateway.says("Two.")
        antiphon_gateway.wait_for(
            lambda: any(isinstance(e, events.ResponseDone) for e in call.said)
        )
        send(socket, *said("b"))
        antiphon_gateway.wait_for(lambda: call.answers == ["One.", "Two."])


def test_without_a_script_the_assistant_answers(antiphon_gateway: RunningEmulator) -> None:
    (answer,) = talked(antiphon_gateway, "What can you do?").answers

    assert answer.startswith("You can ask me")


def test_a_script_can_be_a_file_or_a_book(
    antiphon_gateway: RunningEmulator, tmp_path: Path
) -> None:
    path = tmp_path / "script.toml"
    path.write_text('voice = "tone"\n[[reply]]\nsay = "From a file."')
    antiphon_gateway.script(path)
    one = talked(antiphon_gateway, "a")
    antiphon_gateway.script(Book([Reply().says("From a book.")], voice="tone"))
    two = talked(antiphon_gateway, "a")

    assert (one.answers, two.answers) == (["From a file."], ["From a book."])


def test_a_script_that_cannot_be_used_is_told_at_once(antiphon_gateway: RunningEmulator) -> None:
    with pytest.raises(ScriptError, match=r"nowhere\.toml"):
        antiphon_gateway.script("nowhere.toml")


@pytest.mark.parametrize(("speed", "count"), [(1000.0, 1), (2.0, 2)])
def test_speech_can_be_faster_than_real_time(
    antiphon_gateway: RunningEmulator, speed: float, count: int
) -> None:
    antiphon_gateway.script(speed=speed)
    antiphon_gateway.says("x" * 10)  # 0.6 s

    with opened(antiphon_gateway) as socket:
        send(socket, *said("a"))
        (call,) = antiphon_gateway.wait_for(lambda: antiphon_gateway.sessions)
        antiphon_gateway.wait_for(
            lambda: any(isinstance(one, events.ResponseDone) for one in call.said)
        )

    at = [one.at for one in call.said if isinstance(one, events.AudioDelta)]
    assert len(at) == 6
    if count == 2:
        assert at[-1] - at[0] >= 5 * 50_000
    else:
        assert at[-1] - at[0] < 5 * 50_000


# What was heard.


def test_what_a_client_says_can_be_looked_at(antiphon_gateway: RunningEmulator) -> None:
    antiphon_gateway.calls("look", where="here").then("I see.")
    session = {"type": "realtime", "audio": {"output": {"voice": "marin"}}}

    with opened(antiphon_gateway) as socket:
        send(
            socket,
            {"type": "session.update", "session": session},
            {"type": "input_audio_buffer.append", "audio": "AAAA" * 1600},
            *said("Look!"),
        )
        (call,) = antiphon_gateway.wait_for(lambda: antiphon_gateway.sessions)
        done = antiphon_gateway.wait_for(
            lambda: [e for e in call.said if isinstance(e, events.FunctionCallArgumentsDone)]
        )
        item = {"type": "function_call_output", "call_id": done[0].call_id, "output": "a dragon"}
        antiphon_gateway.wait_for(
            lambda: any(isinstance(e, events.ResponseDone) for e in call.said)
        )
        send(
            socket, {"type": "conversation.item.create", "item": item}, {"type": "response.create"}
        )
        antiphon_gateway.wait_for(lambda: call.answers)
    antiphon_gateway.wait_for(lambda: call.ended)

    assert (call.front, call.model, call.headers["x-test"]) == ("openai", MODEL, "1")
    assert call.config.voice == "marin"
    assert call.heard is antiphon_gateway.heard
    assert call.heard.texts == ["Look!"]
    assert call.heard.audio_seconds == pytest.approx(0.1)
    assert [(one.call_id, one.output) for one in call.heard.outputs] == [
        (done[0].call_id, "a dragon")
    ]
    assert len(call.heard.of(events.ResponseCreate)) == 2
    assert call.messages[0] == {"type": "session.update", "session": session}
    assert call.answers == ["I see."]


def test_what_does_not_come_to_pass_is_told_with_what_was_heard(
    antiphon_gateway: RunningEmulator,
) -> None:
    antiphon_gateway.says("Hello.")
    talked(antiphon_gateway, "Hi!")

    with pytest.raises(TimeoutError, match=r"(?s)0\.01 s.*openai, gpt-realtime-2.*Hello\."):
        antiphon_gateway.wait_for(lambda: False, timeout=0.01)


async def test_an_asynchronous_test_waits_without_holding_up_its_client(
    antiphon_gateway: RunningEmulator,
) -> None:
    antiphon_gateway.says("Hello.")

    url = antiphon_gateway.openai_base_url.replace("http", "ws", 1) + "/realtime?model=x"
    async with websocket.connect(url) as socket:
        for message in said("Hi!"):
            await socket.send(json.dumps(message))
        while json.loads(await socket.receive())["type"] != "response.done":
            pass
        answers = await antiphon_gateway.until(
            lambda: antiphon_gateway.sessions and antiphon_gateway.sessions[0].answers
        )
        with pytest.raises(TimeoutError):
            await antiphon_gateway.until(lambda: False, timeout=0.01)
        with pytest.raises(RuntimeError, match="until"):
            antiphon_gateway.wait_for(lambda: True)

    assert answers == ["Hello."]


# Where it is.


def test_there_is_an_address_for_each_provider(antiphon_gateway: RunningEmulator) -> None:
    plain, tls = antiphon_gateway.url, antiphon_gateway.tls_url

    assert antiphon_gateway.openai_base_url == f"{plain}/v1"
    assert antiphon_gateway.xai_base_url == f"{plain}/xai/v1"
    assert antiphon_gateway.gemini_base_url == tls
    assert antiphon_gateway.vercel_base_url == f"{plain}/v4/ai"
    assert {
        antiphon_gateway.elevenlabs_base_url,
        antiphon_gateway.cartesia_base_url,
        antiphon_gateway.opper_base_url,
    } == {plain}
    with pytest.raises(UnknownProvider, match="openai, xai, gemini"):
        antiphon_gateway.base_url("nobody")


def test_programs_find_it_by_their_environment(antiphon_gateway: RunningEmulator) -> None:
    assert antiphon_gateway.env("openai") == {
        "OPENAI_BASE_URL": antiphon_gateway.openai_base_url,
        "OPENAI_API_KEY": "antiphon",
    }
    gemini = antiphon_gateway.env("gemini")
    assert gemini["GOOGLE_GEMINI_BASE_URL"] == antiphon_gateway.tls_url
    assert gemini["GEMINI_BASE_URL"] == antiphon_gateway.url
    assert "BEGIN CERTIFICATE" in Path(gemini["SSL_CERT_FILE"]).read_text()
    assert antiphon_gateway.env().keys() >= {find_dialect(one).key_variable for one in PLACES}


@pytest.mark.parametrize("provider", list(PLACES))
async def test_every_provider_is_found_where_it_is_said_to_be(
    provider: str, antiphon_gateway: RunningEmulator
) -> None:
    dialect = find_dialect(provider)
    base = antiphon_gateway.env(provider)[PLACES[provider].variable]
    way = dialect.connect("some-model", key="any", base_url=base)

    async with websocket.connect(way.url, headers=way.headers, subprotocols=way.subprotocols):
        (call,) = await antiphon_gateway.until(lambda: antiphon_gateway.sessions)

    assert call.front == provider


def test_nothing_of_it_stays() -> None:
    before = set(threading.enumerate())

    with RunningEmulator() as running:
        trusted = Path(running.certificate)
        running.says("Hello.")
        socket = opened(running)
        assert trusted.exists()

    with socket, pytest.raises(Exception, match="1012"):
        while True:
            socket.recv(timeout=5)
    assert set(threading.enumerate()) == before
    assert not trusted.exists()


# The plugin.

USING = """
def test_hello(antiphon_gateway):
    assert antiphon_gateway.openai_base_url.endswith("/v1")

async def test_asynchronous(antiphon_gateway):
    await antiphon_gateway.until(lambda: antiphon_gateway.url)
"""


def test_the_plugin_brings_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(USING)
    (tmp_path / "pytest.ini").write_text("[pytest]\nanyio_mode = auto\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    if "antiphon" not in _plugins():
        command += ["-p", "antiphon.emulation.pytest_plugin"]

    done = subprocess.run(
        [*command, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )

    assert " passed" in done.stdout and not done.returncode, done.stdout + done.stderr


def test_the_plugin_loads_nothing_before_it_is_used() -> None:
    program = (
        "import sys, pytest, antiphon; before = set(sys.modules)\n"
        "import antiphon.emulation.pytest_plugin\n"
        "print(*sorted(set(sys.modules) - before))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["antiphon.emulation", "antiphon.emulation.pytest_plugin"]


def _plugins() -> set[str]:
    from importlib.metadata import entry_points

    return {one.name for one in entry_points(group="pytest11")}
