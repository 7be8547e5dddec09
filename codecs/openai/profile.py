"""What tells apart the providers that speak OpenAI's protocol."""

from collections.abc import Callable
from dataclasses import dataclass

from antiphon.codecs.config import ResponseOptions, SessionConfig
from antiphon.codecs.items import JsonObject
from antiphon.codecs.openai import session

RATE = 24_000
"""Hz, unless the session's formats say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    name: str
    write_session: Callable[[SessionConfig, str], JsonObject] = session.write_session
    """What a client sends; the second argument is the model."""
    read_session: Callable[[JsonObject, str, str], SessionConfig] = session.read_session
    """Arguments: the session, the dialect, where in the message it is."""
    show_session: Callable[[SessionConfig, str], JsonObject] = session.show_session
    """What a server shows: all of it."""
    write_options: Callable[[ResponseOptions], JsonObject] = session.write_options
    event_ids: bool = True
    """Its clients name their events."""
    truncates: bool = True
    """It has conversation.item.truncate."""
    text_events: str = "response.output_text"
    """How its server names the events of written text: with .delta and .done behind."""


OPENAI = Profile(name="openai")
