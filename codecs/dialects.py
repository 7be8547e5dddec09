"""All dialects, by name; each is imported when it is asked for."""

from collections.abc import Mapping
from importlib import import_module

from antiphon.codecs.dialect import Dialect

DIALECTS: Mapping[str, str] = {
    "openai": "antiphon.codecs.openai",
    "openai_live": "antiphon.codecs.openai_live",
    "xai": "antiphon.codecs.xai",
    "gemini": "antiphon.codecs.gemini",
    "elevenlabs": "antiphon.codecs.elevenlabs",
    "elevenlabs_realtime": "antiphon.codecs.elevenlabs.realtime",
    "cartesia": "antiphon.codecs.cartesia",
    "opper": "antiphon.codecs.opper",
    "vercel": "antiphon.codecs.vercel",
}
"""Where each is: a module with a DIALECT."""


class UnknownDialect(ValueError):
    """There is no such dialect; the message says which there are."""


def find_dialect(name: str) -> Dialect:
    module = DIALECTS.get(name)
    if module is None:
        raise UnknownDialect(f"there is no dialect {name!r}, only {', '.join(DIALECTS)}")
    dialect: Dialect = import_module(module).DIALECT
    return dialect
