"""How others read and write the same messages, where they are installed."""

import base64
import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast

from antiphon.codec.figures import version
from antiphon.codecs.wire import Message

Does = Literal["client decodes", "server encodes", "server decodes", "client encodes", "translated"]

Task = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is measured: so many *messages* of a *dialect*, read or written."""

    dialect: str
    does: Does
    what: str
    messages: Sequence[Message]
    prepare: Callable[[], Task]
    """Our way: what has to be done once, and then can be measured."""

    @property
    def reads(self) -> bool:
        return self.does.endswith("decodes")


class Peer(Protocol):
    """Somebody else's way."""

    name: str

    def task(self, case: Case) -> Task | None:
        """All messages once; None if that is not for this peer."""
        ...


class Json:
    """A JSON library and base64: the least that anybody has to do."""

    def __init__(
        self, name: str, loads: Callable[[Message], Any], dumps: Callable[[Any], object]
    ) -> None:
        self.name = name
        self._loads = loads
        self._dumps = dumps

    def task(self, case: Case) -> Task | None:
        try:
            values = [json.loads(message) for message in case.messages]
        except ValueError:
            return None  # binary frames, which need neither
        paths = [sound_in(value) for value in values]
        return self._reading(case, paths) if case.reads else self._writing(values, paths)

    def _reading(self, case: Case, paths: "list[Path | None]") -> Task:
        loads, messages = self._loads, list(zip(case.messages, paths, strict=True))

        def read() -> None:
            for message, path in messages:
                value = loads(message)
                if path is not None:
                    for key in path:
                        value = value[key]
                    base64.b64decode(value)

        return read

    def _writing(self, values: list[Any], paths: "list[Path | None]") -> Task:
        dumps = self._dumps
        parts = [_taken(value, path) for value, path in zip(values, paths, strict=True)]

        def write() -> None:
            for value, holder, key, pcm in parts:
                if holder is not None:
                    holder[key] = base64.b64encode(pcm).decode()
                dumps(value)

        return write


Path = tuple[Any, ...]

LEAST = 200
"""Characters of base64 that are taken for sound."""


def sound_in(value: Any) -> Path | None:
    """Where the sound is in a message, if there is some."""
    found = max(_strings(value, ()), key=lambda one: len(one[1]), default=None)
    if found is None or len(found[1]) < LEAST:
        return None
    try:
        base64.b64decode(found[1], validate=True)
    except ValueError:
        return None
    return found[0]


def _strings(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for key, inner in cast("dict[str, Any]", value).items():
                yield from _strings(inner, (*path, key))
        case list():
            for number, inner in enumerate(cast("list[Any]", value)):
                yield from _strings(inner, (*path, number))
        case _:
            pass


def _taken(value: Any, path: Path | None) -> tuple[Any, Any, Any, bytes]:
    """A message, and where its sound belongs that was taken out."""
    if path is None:
        return value, None, None, b""
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    return value, holder, path[-1], base64.b64decode(holder[path[-1]])


class OpenAI:
    """The openai package, as its realtime connection reads and writes."""

    def __init__(self) -> None:
        from openai.resources.realtime.realtime import RealtimeConnection

        self.name = f"openai {version('openai')}"
        self._connection = RealtimeConnection(cast(Any, _Nowhere()))

    def task(self, case: Case) -> Task | None:
        if case.dialect != "openai":
            return None
        if case.does == "client decodes":
            return self._reading(case)
        if case.does == "client encodes" and case.what.startswith("audio"):
            return self._writing(case)
        return None

    def _reading(self, case: Case) -> Task:
        parse = self._connection.parse_event
        messages = [
            m.encode() if isinstance(m, str) else m for m in case.messages
        ]  # as it gets them

        def read() -> None:
            for message in messages:
                event = parse(message)
                if event.type == "response.output_audio.delta":
                    base64.b64decode(event.delta)

        return read

    def _writing(self, case: Case) -> Task:
        append = self._connection.input_audio_buffer.append
        sounds = [base64.b64decode(json.loads(message)["audio"]) for message in case.messages]

        def write() -> None:
            for pcm in sounds:
                append(audio=base64.b64encode(pcm).decode())

        return write


class _Nowhere:
    """A socket that takes everything."""

    def send(self, data: object) -> None:
        pass


def peers() -> tuple[list[Peer], list[str]]:
    """Those that are installed, and the names of those that are not."""
    found: list[Peer] = [Json("json", json.loads, json.dumps)]
    missing: list[str] = []
    if version("orjson"):
        orjson: Any = importlib.import_module("orjson")
        found.append(Json("orjson", orjson.loads, orjson.dumps))
    else:
        missing.append("orjson")
    if version("openai"):
        found.append(OpenAI())
    else:
        missing.append("openai")
    return found, missing
