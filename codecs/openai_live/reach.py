"""Where Live sessions are opened: with a key, by servers; browsers go through WebRTC."""

from antiphon.codecs.connection import (
    Admission,
    Connect,
    Credential,
    Upgrade,
    bearer,
    websocket_url,
)
from antiphon.codecs.openai_live import wire
from antiphon.codecs.wire import Unsayable

BASE_URL = "https://api.openai.com/v1"
PATH = "/live/sessions"


def connect(
    model: str,
    *,
    key: str | None = None,
    ticket: str | None = None,
    base_url: str = BASE_URL,
) -> Connect:
    """The model is named by the first message, not here."""
    if ticket is not None:
        raise Unsayable(wire.NAME, "has no client secrets: a browser connects by WebRTC")
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return Connect(url=websocket_url(base_url) + PATH, headers=headers)


def accept(upgrade: Upgrade) -> Admission | None:
    if upgrade.path.rstrip("/") != "/v1" + PATH:
        return None
    key = bearer(upgrade.headers)
    return Admission(credential=None if key is None else Credential(kind="key", value=key))
