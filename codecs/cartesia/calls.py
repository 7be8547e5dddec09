"""Which of a model's tool calls still want a result, and what a call is told to the client."""

from collections.abc import Iterable

import msgspec

from antiphon.codecs.cartesia import wire
from antiphon.codecs.items import JsonObject
from antiphon.codecs.wire import Recent, WireError


class Calls:
    """The calls of a session, so that the model goes on once the last one has its result."""

    def __init__(self) -> None:
        self._open = Recent[str, str](256)
        """Calls without a result, each with its response."""
        self._moot = Recent[str, bool](256)
        """Calls whose results nobody waits for."""

    def begin(self, call_id: str, response_id: str) -> None:
        self._open[call_id] = response_id

    def withdraw(self, call_ids: Iterable[str]) -> None:
        for call_id in call_ids:
            if self._open.pop(call_id, None) is not None:
                self._moot[call_id] = True

    def withdraw_all(self, response_id: str) -> None:
        self.withdraw([call_id for call_id, of in self._open.items() if of == response_id])

    def answered(self, call_id: str) -> bool:
        """Whether the model is to go on, this call having its result."""
        self._open.pop(call_id, None)
        moot = self._moot.pop(call_id, False)
        return not moot and not self._open


def parameters(arguments: str) -> msgspec.Raw:
    """An object, as a model should write it; anything else is handed on within one."""
    try:
        msgspec.json.decode(arguments, type=dict[str, msgspec.Raw])
        return msgspec.Raw(arguments.encode())
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        whole: JsonObject = {"arguments": arguments} if arguments.strip() else {}
        return msgspec.Raw(as_json(whole).encode())


def as_json(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (OverflowError, RecursionError, UnicodeError) as error:
        raise WireError(wire.NAME, "$", "Expected what JSON can say") from error
