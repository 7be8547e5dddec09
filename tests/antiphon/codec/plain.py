"""A dialect for tests, whose messages are the events themselves, and what a test wants of it."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

import msgspec
import pytest

from antiphon.codec import bench, catalogue
from antiphon.codecs import dialects, events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import Connect
from antiphon.codecs.dialect import Dialect, Rates, Repertoire
from antiphon.codecs.events import ClientEvent, EventFrame, ServerEvent
from antiphon.codecs.wire import Message, Reader, Unknown, Unsayable, WireError
from tests.codecs.strategies import CLIENT_EVENTS, SERVER_EVENTS

_from_client: "Reader[ClientEvent]" = Reader("plain", msgspec.json.Decoder(ClientEvent))
_from_server: "Reader[ServerEvent]" = Reader("plain", msgspec.json.Decoder(ServerEvent))


class End:
    """Says events of *words*; binary frames are what the user's microphone heard."""

    def __init__(self, read: Reader[Any], rate: int, words: Repertoire, wait: int | None) -> None:
        self.input_rate = self.output_rate = rate
        self.deadline = wait
        self.times: list[int] = []
        self._read = read
        self._words = words
        self._due: list[Message] = []

    def encode(self, event: ClientEvent | ServerEvent, /) -> Iterator[Message]:
        if isinstance(event, events.Custom):
            if event.dialect == "plain":
                yield bytes(event.raw).decode()
        elif isinstance(event, events.SessionUpdate) and event.config.input_audio_format:
            raise Unsayable("plain", "has one format")
        elif isinstance(event, events.InputDtmf):
            raise Unsayable("plain", "has no telephone")
        elif isinstance(event, events.ContextAppend):
            yield event.content  # words that are no JSON
        elif isinstance(event, events.InputAudioAppend) and self._words.how(type(event)):
            yield event.audio
        elif self._words.how(type(event)) == "native":
            yield msgspec.json.encode(event).decode()

    def decode(self, message: Message, /, at: int = 0) -> Iterable[Any]:
        self.times.append(at)
        if isinstance(message, bytes):
            return (events.InputAudioAppend(audio=message, at=at),)
        if message == "break":
            raise KeyError("something\nunforeseen")
        if message == "rate":
            self.input_rate = self.output_rate = 7
            return ()
        said = self._read(message)
        if isinstance(said, Unknown):
            return (events.Custom(raw_type=said.type, raw=said.raw, dialect="plain", at=at),)
        return (msgspec.structs.replace(said, at=at),)

    def due(self) -> Iterable[Message]:
        due, self._due = self._due, []
        return due

    def expire(self, at: int, /) -> Iterable[Any]:
        self.deadline = None
        self._due = ['{"type":"ping"}']
        return (events.SessionClosed(reason=f"silence at {at}", at=at),)


def plain(
    name: str = "plain",
    *,
    rate: int = 24_000,
    wait: int | None = None,
    without: Iterable[type[EventFrame]] = (),
    emulated: Mapping[type[EventFrame], str] | None = None,
) -> Dialect:
    """Its ends have something to say when they waited until *wait*."""
    dropped = frozenset([*without, *(emulated or {})])
    of_client = Repertoire(native=frozenset(CLIENT_EVENTS) - dropped)
    of_server = Repertoire(native=frozenset(SERVER_EVENTS) - dropped, emulated=emulated or {})

    def rates(config: SessionConfig) -> Rates:
        return Rates(rate, rate)

    def connect(model: str, **options: object) -> Connect:
        raise WireError(name, "$", "is not to be reached")

    return Dialect(
        name=name,
        title="Plain events",
        page="https://example.com/plain",
        base_url="https://example.com",
        key_variable="PLAIN_KEY",
        client=lambda model: End(_from_server, rate, of_client, wait),
        server=lambda model: End(_from_client, rate, of_server, wait),
        repertoire_of_client=of_client,
        repertoire_of_server=of_server,
        rates=rates,
        auth="none",
        limits="none",
        connect=connect,
        accept=lambda upgrade: None,
    )


def known(monkeypatch: pytest.MonkeyPatch, *all_of_them: Dialect) -> None:
    """For this test, these are all the dialects that there are."""
    places: dict[str, str] = {}
    for dialect in all_of_them:
        module = ModuleType(f"tests.of_{dialect.name}")
        vars(module)["DIALECT"] = dialect
        monkeypatch.setitem(sys.modules, module.__name__, module)
        places[dialect.name] = module.__name__
    for user in (dialects, catalogue, bench):
        monkeypatch.setattr(user, "DIALECTS", places)
