"""Secrets, and the ways in which they get into a log."""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

from hypothesis import strategies as st

from antiphon.codecs.connection import Connect

WORD = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=16)
PREFIXES = ("ek_", "sk-", "sk-proj-", "xai-", "auth_tokens/", "vcst_", "vck_", "cvtkn_", "ctk_")
PREFIXED = st.builds("{}{}".format, st.sampled_from(PREFIXES), WORD)


def _jwt(body: bytes) -> str:
    parts = (b'{"alg":"HS256"}', body, body)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


JWT = st.binary(min_size=12, max_size=60).map(_jwt)

Form = Callable[[str], str]

ANYWHERE: dict[str, Form] = {
    "alone": lambda s: s,
    "in a sentence": lambda s: f"the ticket {s} is not known",
    "after a comma": lambda s: f"protocols realtime,{s}",
    "in brackets": lambda s: f"({s})",
    "in a path": lambda s: f"GET /v1/{s} HTTP/1.1",
    "as a repr": lambda s: repr(s),
    "as bytes": lambda s: repr(s.encode()),
}
"""For secrets that are known by their form."""

QUERIES = (
    *("key", "ticket", "access_token", "token", "conversation_signature"),
    *("api_key", "api-key", "KEY", "client_secret", "password", "x-goog-signature"),
)

NAMED: dict[str, Form] = {
    **{f"?{name}=": (lambda s, name=name: f"wss://host/v1?{name}={s}") for name in QUERIES},
    **{f"&{name}=": (lambda s, name=name: f"GET /v1?a=b&{name}={s}&c=d 101") for name in QUERIES},
    "percent": lambda s: f"/v1?key={quote(s, safe='')}",
    "bearer": lambda s: f"Authorization: Bearer {s}",
    "bearer alone": lambda s: f"got bearer {s}, which is old",
    "header": lambda s: f"> Authorization: Token {s}\r\n> Host: gateway",
    "api key header": lambda s: f"xi-api-key: {s}",
    "cookie": lambda s: f"Cookie: a=b; session={s}",
    "headers as a dict": lambda s: repr({"x-goog-api-key": s, "host": "gateway"}),
    "headers as bytes": lambda s: repr([(b"authorization", b"Bearer " + s.encode())]),
    "headers as pairs": lambda s: repr([("x-api-key", s), ("host", "gateway")]),
    "json": lambda s: json.dumps({"client_secret": {"value": s}, "token": s}),
    "json in json in json": lambda s: json.dumps([json.dumps([json.dumps({"token": s})])]),
    "json in json": lambda s: json.dumps({"body": json.dumps({"token": s, "a": 1})}),
    "json with a quote in it": lambda s: json.dumps({"password": f'a"b{s}'}),
    "a repr with a quote in it": lambda s: "Store(password=" + repr('a"b' + s) + ")",
    "a header with a quote in it": lambda s: repr({"authorization": f"it's {s}\""}),
    "a setting": lambda s: f"OPENAI_API_KEY={s}",
    "a repr": lambda s: f"Upstream(name='gemini', key='{s}')",
    "a url's user": lambda s: f"redis://default:{s}@store:6379/0",
    "a connection": lambda s: repr(Connect(url=f"wss://host?key={s}", headers={"a": s})),
}
"""For any secret: what is beside it tells."""

CARRIED: dict[str, Form] = {
    "openai": lambda s: f"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.{s}",
    "xai": lambda s: f"['xai-client-secret.{s}']",
    "opper": lambda s: f"subprotocols=('opper-ticket.{s}', 'opper')",
    "vercel": lambda s: f"ai-gateway-auth.{s}",
}
"""Subprotocols that browsers show tickets with."""
