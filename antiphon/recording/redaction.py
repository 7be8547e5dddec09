"""Keeps secrets out of a recording: by their value, by what they are called, by their form.

Headers and addresses are never recorded at all. What is left are secrets that somebody says: a
provider that repeats a key in an error, a ticket in a session's settings, a key in an option.
"""

import base64
import os
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "[hidden]"

SHORTEST = 8
"""Characters of a secret that is known by its value: a shorter one is found in innocent words."""

_NAME = (
    r"[\w-]*(?:key|token|ticket|secret|signature|password|passwd|credentials?|authorization|cookie)"
    r"|[\w-]*auth"
)
_HEADER = (
    r"(?:proxy-)?authorization|(?:set-)?cookie|[\w-]*[-_](?:key|token|ticket|secret|signature)"
)
_OF_ENVIRONMENT = re.compile(rf"(?i)(?:{_NAME})")

_FORMS = (
    r"(?:ek_|vcst_|vck_|cvtkn_|ctk_|ort_|sk-|sk_|xai-|gsk_|auth_tokens/"
    r"|openai-insecure-api-key\.|xai-client-secret\.|opper-ticket\.|ai-gateway-auth\.)"
)
"""How keys and tickets of providers begin."""

_RULES = (
    # "name": "value" in JSON, also within a JSON string; {"client_secret": {"value": "..."}}
    (
        re.compile(
            rf"(?i)(\\*\"(?:{_NAME})\\*\"\s*:\s*(?:\{{\s*\\*\"value\\*\"\s*:\s*)?)(\\*\")"
            r"(?:(?!\2).)*"
        ),
        rf"\1\2{HIDDEN}",
    ),
    # name=value, in queries and settings; 'name': 'value' in reprs
    (
        re.compile(
            rf"(?i)(?<![\w-])({_NAME})(=|%3D)(\\*[\"']?)[^\s&;,\"'<>)\]}}\\]+",
        ),
        rf"\1\2\3{HIDDEN}",
    ),
    (re.compile(rf"(?i)(b?'(?:{_NAME})'\s*[:,]\s*b?')[^']*"), rf"\1{HIDDEN}"),
    # Authorization: Bearer ..., as HTTP writes it
    (
        re.compile(rf"(?i)(?<![\w-])({_HEADER})(\s*:\s*)(?![\s\"'{{\[\\])[^\r\n\"'\\]+"),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)(\s+|%20)[^\s\"',;<>\\]{6,}"), rf"\1\2{HIDDEN}"),
    # wss://user:password@host
    (re.compile(r"(?<=://)[^\s/@\"'\\]+@"), f"{HIDDEN}@"),
    (re.compile(rf"(?<![A-Za-z0-9])({_FORMS})[\w.~%+/=-]{{6,}}"), rf"\1{HIDDEN}"),
    # In base64 anything of four letters comes up: this must also end where a key ends.
    (re.compile(r"(?<![A-Za-z0-9])AIza[\w-]{35}(?![\w+/=-])"), HIDDEN),
    (re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
)

_SIGNS = tuple(
    sign.encode()
    for sign in (
        *("key", "token", "ticket", "secret", "signature", "passw", "credential", "auth"),
        *("cookie", "bearer", "basic ", "basic%", "@", "eyj", "aiza"),
        *("ek_", "vcst_", "vck_", "cvtkn_", "ctk_", "ort_", "sk-", "sk_", "xai-", "gsk_"),
    )
)
"""Without any of these in it, a text breaks no rule: most are looked at no further."""


class Redactor:
    """Takes secrets out of what is to be written.

    *secrets* are known by their value, wherever they stand and however they are written; those
    of the environment, in variables whose names say so, are known anyway.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if len(secret) >= SHORTEST}
        for name, value in os.environ.items():
            if len(value) >= SHORTEST and _OF_ENVIRONMENT.fullmatch(name):
                known.add(value)
        spelled = {spelling for secret in known for spelling in _spellings(secret)}
        self._known = tuple(sorted(spelled, key=len, reverse=True))  # a whole before its parts

    def __call__(self, data: bytes) -> bytes:
        """*data*, JSON or any text or bytes, without secrets."""
        for spelling in self._known:
            if spelling in data:
                data = data.replace(spelling, HIDDEN.encode())
        lower = data.lower()
        if not any(sign in lower for sign in _SIGNS):
            return data
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return data  # binary: its secrets are those known by value
        for rule, instead in _RULES:
            text = rule.sub(instead, text)
        return text.encode()

    def text(self, text: str) -> str:
        return self(text.encode(errors="replace")).decode()


def _spellings(secret: str) -> Iterable[bytes]:
    """*secret* as it is, in an address, in a JSON string, and within something in base64."""
    data = secret.encode()
    yield data
    yield quote(secret, safe="").encode()
    yield secret.encode("unicode_escape").replace(b'"', b'\\"')
    yield secret.replace("/", "\\/").encode()
    for before in range(3):
        # Without the characters at both ends, in which bits of the neighbours are.
        coded = base64.b64encode(b"\0" * before + data)
        begin, end = (before * 8 + 5) // 6, (before + len(data)) * 8 // 6
        yield coded[begin:end]
        yield coded[begin:end].translate(bytes.maketrans(b"+/", b"-_"))
