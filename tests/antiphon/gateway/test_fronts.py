"""Which front a client meant, told by the path and by what is shown with it."""

import pytest

from antiphon.codecs.connection import HttpRequest, Upgrade
from antiphon.gateway import fronts
from antiphon.gateway.fronts import Misread


def asked(path: str, *subprotocols: str, **headers: str) -> str | None:
    visit = fronts.visit(Upgrade(target=path, subprotocols=subprotocols, headers=headers))
    return None if visit is None else visit.front.name


def bought(path: str, body: bytes = b"", method: str = "POST", **headers: str) -> str | None:
    errand = fronts.errand(HttpRequest(method=method, url=path, body=body, headers=headers))
    return None if errand is None else errand.front.name


@pytest.mark.parametrize(
    ("path", "front"),
    [
        ("/v1/realtime?model=gpt-realtime-2", "openai"),
        ("/v1/realtime?model=grok-voice-latest", "xai"),
        ("/v1/realtime?agent_id=a", "xai"),
        ("/xai/v1/realtime?model=anything", "xai"),
        ("/openai/v1/realtime?model=grok-voice-latest", "openai"),
        ("/v1/live/sessions", "openai_live"),
        ("/openai/v1/live/sessions", "openai_live"),
        ("/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent", "gemini"),
        (
            "//ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
            "gemini",
        ),
        (
            (
                "/ws/google.ai.generativelanguage.v1alpha.GenerativeService"
                ".BidiGenerateContentConstrained?access_token=auth_tokens/a"
            ),
            "gemini",
        ),
        ("/v1/convai/conversation?agent_id=a", "elevenlabs"),
        ("/v1/convai/realtime?model=eleven_realtime_v1_mini", "elevenlabs_realtime"),
        ("/v1/agents/websocket/a", "cartesia"),
        ("/v4/ai/realtime-model?ai-model-id=openai%2Fgpt-realtime-2", "vercel"),
        ("/v3/realtime", "opper"),
        ("/v3/realtime/name", "opper"),
        ("/", None),
        ("/v1/realtime/more", None),
        ("/gemini/v1/realtime", None),
    ],
)
def test_a_path_says_which_front_is_meant(path: str, front: str | None) -> None:
    assert asked(path) == front


def test_where_two_share_a_path_what_is_shown_with_it_says() -> None:
    path = "/v1/realtime?model=m"

    assert asked(path, "xai-client-secret.ek_1") == "xai"
    assert asked(path, host="api.x.ai:443") == "xai"
    assert asked(path, "realtime", "openai-insecure-api-key.ek_1") == "openai"


@pytest.mark.parametrize(
    ("path", "body", "front"),
    [
        ("/v1/realtime/client_secrets", b'{"session": {"type": "realtime"}}', "openai"),
        ("/v1/realtime/client_secrets", b'{"session": {"model": "grok-voice-2.0"}}', "xai"),
        ("/v1/realtime/client_secrets", b"{}", "xai"),
        ("/v1/realtime/client_secrets", b'{"expires_after": {"seconds": 60}}', "xai"),
        (
            "/v1/realtime/client_secrets",
            b'{"expires_after": {"anchor": "created_at", "seconds": 60}}',
            "openai",
        ),
        ("/openai/v1/realtime/client_secrets", b"{}", "openai"),
        ("/v1alpha/auth_tokens", b"{}", "gemini"),
        ("/v3/realtime-sessions", b"{}", "opper"),
        ("/v1/realtime/client-secrets", b'{"model": "m"}', "vercel"),
        ("/v1/convai/realtime/client_secrets", b"{}", "elevenlabs_realtime"),
        ("/v1/agents/websocket/a/sessions", b"{}", "cartesia"),
        ("/v1/else", b"{}", None),
    ],
)
def test_so_it_is_where_tickets_are_bought(path: str, body: bytes, front: str | None) -> None:
    assert bought(path, body) == front


def test_openais_own_package_is_known_by_its_headers() -> None:
    headers = {"x-stainless-lang": "python"}

    assert bought("/v1/realtime/client_secrets", b"{}", **headers) == "openai"


def test_signed_addresses_are_asked_for_by_get() -> None:
    path = "/v1/convai/conversation/get-signed-url?agent_id=a"

    assert bought(path, method="GET") == "elevenlabs"
    assert bought(path) is None


@pytest.mark.parametrize(
    ("path", "front"),
    [
        ("/v1/realtime/calls", "openai"),
        ("/v1/realtime?model=grok-voice-latest", "xai"),
        ("/v4/ai/realtime-model/calls?ai-model-id=m", "vercel"),
        ("/v1/nothing", None),
    ],
)
def test_so_it_is_where_calls_are_opened(path: str, front: str | None) -> None:
    dial = fronts.dial(HttpRequest(method="POST", url=path, body=b"v=0"))

    assert (None if dial is None else dial.front.name) == front


def test_nonsense_at_the_right_place_says_whose_it_is() -> None:
    with pytest.raises(Misread) as misread:
        bought("/v3/realtime-sessions", b"{")

    assert misread.value.front.name == "opper"
