"""Takes secrets out of text: the last line of defence, behind not logging them at all."""

import re

HIDDEN = "[hidden]"

LONGEST = 8_192
"""Characters of a text in a log; audio that got into one is cut here at the latest."""

READ = 16_384
"""Characters of a text that are read at all: searching takes time, some milliseconds of these."""

DATA = 200
"""Characters of base64 in a row that are data, and no name of anything."""

SHORTEST = 8
"""Characters of a secret known by its value: a shorter one would be found in innocent words."""

_known: set[str] = set()


def hide(*secrets: str) -> None:
    """Let these never be seen: keys of the configuration, in whatever form they may have.

    Few and for as long as the process lives; tickets are known by their form.
    """
    _known.update(secret for secret in secrets if len(secret) >= SHORTEST)


def redacted(text: str) -> str:
    """*text* without what is, or looks like, a secret or data; not longer than LONGEST."""
    cut = len(text) > READ
    text = text[:READ]
    if not text.isascii():
        text = text.encode(errors="replace").decode()  # half of a pair can be written nowhere
    for secret in _known:
        text = text.replace(secret, HIDDEN)
    if len(text) >= DATA:
        text = _data.sub(_measured, text)
    low = text.lower()
    for hints, pattern, replacement in RULES:
        if any(hint in low for hint in hints):
            text = pattern.sub(replacement, text)
    if cut:
        # The last word may be the beginning of a secret that can no longer be known by its form.
        text = re.sub(r"\S{1,4096}\Z", "", text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


def without_queries(text: str) -> str:
    """*text* without the queries of the addresses in it."""
    return re.sub(r"\?[^\s\"'<>]*", "", text)


# A name that says that its value is secret: `key`, `x-api-key`, `client_secret`, `access_token`.
_NAME = (
    r"(?:[\w-]*(?:key|token|ticket|secret|signature|password|passwd|credential|credentials)"
    r"|[\w-]*authorization|[\w-]*auth|cookie|set-cookie)"
)
_NAMES = ("key", "token", "ticket", "secret", "signature", "passw", "credential", "auth", "cookie")

_HEADER = r"(?i)\b((?:proxy-)?authorization|cookie|set-cookie|x-goog-api-key|xi-api-key|x-api-key|api-key)"
_HEADERS = ("authorization", "cookie", "api-key")

# How keys and tickets of providers and of ours begin, and what browsers' subprotocols carry.
_BEGINNINGS = (
    *("ek_", "vcst_", "vck_", "cvtkn_", "ctk_", "ort_", "sk-", "sk_", "xai-", "gsk_", "AIza"),
    *("auth_tokens/", "auth_tokens%2F"),
    *("openai-insecure-api-key.", "xai-client-secret.", "opper-ticket.", "ai-gateway-auth."),
)

_data = re.compile(rf"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+_-]|\\?/){{{DATA},}}={{0,2}}")


def _measured(found: re.Match[str]) -> str:
    return f"[{len(found[0])} characters]"


# Values in quotes end with the quote that they begin with, backslashes before it and all, since
# JSON is in strings of JSON and in reprs; one with more of these is within the value.

Rule = tuple[tuple[str, ...], re.Pattern[str], str]

RULES: tuple[Rule, ...] = (
    # wss://user:password@host
    (("@",), re.compile(r"(?<=://)[^\s/@\"']+@"), f"{HIDDEN}@"),
    # Headers, as dictionaries and lists have them, and as HTTP writes them: to the line's end
    (
        _HEADERS,
        re.compile(_HEADER + r"(\\{0,8}[\"']?\s*[:=,]\s*b?)(\\{0,8}[\"'])(?:(?!(?<!\\)\3).)*"),
        rf"\1\2\3{HIDDEN}",
    ),
    (
        _HEADERS,
        re.compile(_HEADER + r"(\s*:\s*)(?![\s\"'])[^\r\n\"']+"),
        rf"\1\2{HIDDEN}",
    ),
    # name=value, in queries, settings and reprs
    (
        _NAMES,
        re.compile(rf"(?i)(?<![\w-])({_NAME})(=|%3D)(b?)(\\{{0,8}}[\"'])(?:(?!(?<!\\)\4).)*"),
        rf"\1\2\3\4{HIDDEN}",
    ),
    (
        _NAMES,
        re.compile(rf"(?i)(?<![\w-])({_NAME})(=|%3D)(?!b?\\{{0,8}}[\"'])[^\s&;,\"'<>)\]}}]+"),
        rf"\1\2{HIDDEN}",
    ),
    # "name": "value", in JSON, also within a JSON string, and in reprs
    (
        (*_NAMES, "value"),
        re.compile(
            rf"(?i)(\\{{0,8}}[\"'])({_NAME}|value)(\1\s*:\s*b?)(\\{{0,8}}[\"'])(?:(?!(?<!\\)\4).)*"
        ),
        rf"\1\2\3\4{HIDDEN}",
    ),
    (("bearer",), re.compile(r"(?i)\b(bearer)(\s+|%20)[^\s\"',;<>]+"), rf"\1\2{HIDDEN}"),
    # A word like these says less of what follows, unless that has a digit.
    (
        ("basic", "token"),
        re.compile(r"(?i)\b(basic|token)(\s+)(?=[^\s\d]*\d)[\w.~+/=-]{8,}"),
        rf"\1\2{HIDDEN}",
    ),
    (
        tuple(one.lower() for one in _BEGINNINGS),
        re.compile(rf"(?<![A-Za-z0-9])({'|'.join(map(re.escape, _BEGINNINGS))})[\w.~%+/=-]{{6,}}"),
        rf"\1{HIDDEN}",
    ),
    # JSON Web Tokens
    (("eyj",), re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"), HIDDEN),
)
"""What to look for if one of a few words in lower case is there at all, which is soon seen."""
