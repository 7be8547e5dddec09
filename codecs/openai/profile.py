"""What tells apart the providers that speak OpenAI's protocol."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import UnsetType

from antiphon.codecs.audio import LAWS
from antiphon.codecs.config import AudioFormat, ResponseOptions, SessionConfig, TurnDetection
from antiphon.codecs.items import JsonObject
from antiphon.codecs.openai import session, shown

RATE = 24_000
"""Hz, unless the session's formats say otherwise."""


def _as_asked(
    detection: TurnDetection | None | UnsetType,
) -> TurnDetection | None | UnsetType:
    return detection


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    name: str
    write_session: Callable[[SessionConfig, str], JsonObject] = session.write_session
    """What a client sends; the second argument is the model."""
    read_session: Callable[[JsonObject, str, str], SessionConfig] = session.read_session
    """Arguments: the session, the dialect, where in the message it is."""
    show_session: Callable[[SessionConfig, str], JsonObject] = shown.show_session
    """What a server shows: all of it."""
    write_options: Callable[[ResponseOptions], JsonObject] = session.write_options
    event_ids: bool = True
    """Its clients name their events."""
    truncates: bool = True
    """It has conversation.item.truncate."""
    settle_detection: Callable[
        [TurnDetection | None | UnsetType], TurnDetection | None | UnsetType
    ] = _as_asked
    """How a server understands the detection of turns that its client asks for."""
    pcm_rates: frozenset[int] | None = None
    """Hz, of what its clients play; None is any."""
    text_events: str = "response.output_text"
    """How its server names the events of written text: with .delta and .done behind."""

    parts: tuple[str, str] = ("output_text", "output_audio")
    """What the parts of an assistant's message are called, as its server tells them."""

    def playable(self, audio: AudioFormat | None) -> AudioFormat | None:
        """*audio* as this provider's clients may be told of it."""
        if audio is None or audio.type in LAWS:
            return audio
        if audio.type != "audio/pcm":
            return None
        if self.pcm_rates is None or audio.rate is None or audio.rate in self.pcm_rates:
            return audio
        return None


OPENAI = Profile(name="openai", settle_detection=shown.outspoken, pcm_rates=frozenset({RATE}))
