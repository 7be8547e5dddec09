"""How a Live session is opened, and by whom."""

import json

import msgspec
import pytest

from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.connection import Answer, Credential, HttpResponse, Upgrade
from antiphon.codecs.openai_live import DIALECT, webrtc_session
from antiphon.codecs.openai_live.webrtc import (
    answer_webrtc,
    read_answer,
    read_webrtc_session,
)
from antiphon.codecs.wire import Unsayable, WireError


def upgrade(url: str, headers: dict[str, str]) -> Upgrade:
    target = "/" + url.split("//")[1].partition("/")[2]
    return Upgrade(target=target, headers={k.lower(): v for k, v in headers.items()})


def test_a_server_reads_what_a_client_opens() -> None:
    opened = DIALECT.connect("gpt-live-1", key="sk-secret")

    admission = DIALECT.accept(upgrade(opened.url, dict(opened.headers)))

    assert opened.url == "wss://api.openai.com/v1/live/sessions"
    assert admission is not None
    assert admission.credential == Credential(kind="key", value="sk-secret")
    assert admission.model is None
    assert "sk-secret" not in repr(opened) + repr(admission)


def test_the_base_url_can_be_local_and_the_key_missing() -> None:
    opened = DIALECT.connect("gpt-live-1", base_url="http://localhost:8000/v1/")

    admission = DIALECT.accept(upgrade(opened.url, dict(opened.headers)))

    assert opened.url == "ws://localhost:8000/v1/live/sessions"
    assert admission is not None
    assert admission.credential is None


@pytest.mark.parametrize(
    "target", ["/", "/v1/realtime", "/v1/live/sessions/s_1/attach", "/live/sessions"]
)
def test_other_paths_are_other_dialects(target: str) -> None:
    assert DIALECT.accept(Upgrade(target=target)) is None


def test_a_ticket_is_refused_since_there_are_none() -> None:
    assert DIALECT.minting is None
    with pytest.raises(Unsayable, match="client secrets"):
        DIALECT.connect("gpt-live-1", ticket="t")


def test_an_offer_is_read_as_it_was_made() -> None:
    permissions = {
        "dataChannel": {
            "allowedClientEvents": ["session.close"],
            "allowedServerEvents": [
                {"type": "session.closed"},
                {"type": "response.event", "responseEvent": "response.completed"},
            ],
        }
    }
    config = SessionConfig(instructions="i", provider_options={"openai": {"client": permissions}})

    request = webrtc_session("gpt-live-1", "v=0", key="sk-secret", config=config)
    offer = read_webrtc_session(request)

    assert request.url == "https://api.openai.com/v1/live/sessions"
    assert "sk-secret" not in repr(request)
    assert json.loads(request.body) == {
        "session": {
            "model": "gpt-live-1",
            "instructions": "i",
            "audio": {"output": {"voice": "marin"}},
            "client": {
                "data_channel": {
                    "allowed_client_events": ["session.close"],
                    "allowed_server_events": [
                        {"type": "session.closed"},
                        {"type": "response.event", "response_event": "response.completed"},
                    ],
                }
            },
        },
        "transport": {"type": "webrtc", "sdp": "v=0"},
    }
    assert offer is not None
    assert offer.sdp == "v=0"
    assert offer.credential == Credential(kind="key", value="sk-secret")
    assert offer.config == msgspec.structs.replace(config, model="gpt-live-1", voice="marin")


@pytest.mark.parametrize(
    "channel",
    [{}, {"allowedClientEvents": "all"}, {"allowedServerEvents": "all"}],
)
def test_permissions_may_be_for_all_or_for_nothing(channel: dict[str, str]) -> None:
    config = SessionConfig(provider_options={"openai": {"client": {"dataChannel": channel}}})

    offer = read_webrtc_session(webrtc_session("m", "v=0", key="k", config=config))

    assert offer is not None
    assert offer.config.provider_options == config.provider_options


@pytest.mark.parametrize(
    "config",
    [
        SessionConfig(input_audio_format=AudioFormat(type="audio/pcm", rate=24_000)),
        SessionConfig(output_audio_format=AudioFormat(type="audio/pcm", rate=24_000)),
        *(
            SessionConfig(
                provider_options={
                    "openai": {"client": {"dataChannel": {"allowedServerEvents": [selector]}}}
                }
            )
            for selector in (
                {"type": "response.event"},
                {"type": "session.closed", "responseEvent": "x"},
                {"type": 1},
            )
        ),
    ],
    ids=str,
)
def test_what_webrtc_does_not_allow_is_refused(config: SessionConfig) -> None:
    with pytest.raises(Unsayable):
        webrtc_session("gpt-live-1", "v=0", key="k", config=config)


def test_without_an_offer_nothing_is_asked() -> None:
    with pytest.raises(Unsayable):
        webrtc_session("gpt-live-1", "", key="k")


def test_an_answer_is_read_as_it_was_given() -> None:
    answer = Answer(call_id="s_1", sdp="v=0")

    response = answer_webrtc(answer)

    assert json.loads(response.body) == {
        "session": {"id": "s_1"},
        "transport": {"type": "webrtc", "sdp": "v=0"},
    }
    assert read_answer(response) == answer


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(status=401, body=b"{}"),
        HttpResponse(body=b"{}"),
        HttpResponse(body=b"<html>"),
        HttpResponse(body=b'{"session":{"id":"s"},"transport":{"type":"webrtc","sdp":""}}'),
    ],
)
def test_a_refusal_or_nonsense_is_a_wire_error(response: HttpResponse) -> None:
    with pytest.raises(WireError):
        read_answer(response)


def test_a_refusal_says_its_status() -> None:
    with pytest.raises(WireError, match="401"):
        read_answer(HttpResponse(status=401, body=b'{"error":{"message":"sk-secret"}}'))


def test_other_requests_are_not_offers_and_bad_ones_are_wire_errors() -> None:
    request = webrtc_session("gpt-live-1", "v=0", key="k")

    assert read_webrtc_session(msgspec.structs.replace(request, method="GET")) is None
    assert read_webrtc_session(msgspec.structs.replace(request, url="/v1/realtime")) is None
    with pytest.raises(WireError):
        read_webrtc_session(msgspec.structs.replace(request, body=b"{}"))
    anonymous = read_webrtc_session(msgspec.structs.replace(request, headers={}))
    assert anonymous is not None
    assert anonymous.credential is None
