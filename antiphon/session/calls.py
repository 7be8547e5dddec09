"""Which tool calls are open, and when the model is asked to go on."""

from collections.abc import Callable
from typing import Any

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput
from antiphon.codecs.wire import Recent

REMEMBERED = 1024
"""How many calls are known by id, so that none is run or answered twice."""


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """What the model wants done. *arguments* is what its JSON says, an object as a rule."""

    call_id: str
    name: str
    arguments: Any


class Turn:
    """The calls of one response."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.over = False
        """The response is done: it makes no further calls."""
        self.wanted = True
        """Its calls' outputs are to be answered."""


class Calls:
    """Sends each call's one output, and one request when all those of a response are sent.

    None follows a response that was cancelled, and none comes between the beginning and the end
    of another response.
    """

    def __init__(self, say: Callable[[events.ClientEvent], None]) -> None:
        self._say = say
        self._names = Recent[str, str](REMEMBERED)
        self._open = Recent[str, str](REMEMBERED)
        """The response of each call that was not answered."""
        self._turns = Recent[str, Turn](REMEMBERED)
        self._running = Recent[str, None](REMEMBERED)

    def begin(self, call: events.FunctionCallArgumentsDone) -> bool:
        """Whether *call* is a new one."""
        if call.call_id in self._names:
            return False  # said twice, as some providers do
        self._names[call.call_id] = call.name
        if call.expects_output:
            self._open[call.call_id] = call.response_id
            self._turns.setdefault(call.response_id, Turn()).open.add(call.call_id)
        return True

    def settled(self, call_id: str) -> bool:
        """Whether *call_id* is a call that needs no output any more."""
        return call_id in self._names and call_id not in self._open

    def answer(self, call_id: str, output: str, *, failed: bool = False) -> None:
        """Send *output*; of a call that nobody made, too: the model's side will judge."""
        name = self._names.get(call_id)
        item = FunctionCallOutput(call_id=call_id, name=name, output=output, failed=failed)
        self._say(events.ConversationItemCreate(item=item))
        self._close(call_id)
        self._ask()

    def hear(self, event: events.ServerEvent) -> None:
        match event:
            case events.ResponseCreated():
                self._running[event.response_id] = None
            case events.ResponseDone():
                self._ended(event)
            case events.FunctionCallCancelled():
                for call_id in event.call_ids:
                    self._close(call_id, wanted=False)
            case _:
                pass

    def _ended(self, done: events.ResponseDone) -> None:
        self._running.pop(done.response_id, None)
        for response_id, turn in self._turns.items():
            # Some call it by another name in their calls, or none.
            turn.over = turn.over or response_id not in self._running
        if done.status == "cancelled" and done.response_id in self._turns:
            self._turns[done.response_id].wanted = False
        self._ask()

    def _close(self, call_id: str, *, wanted: bool = True) -> None:
        response_id = self._open.pop(call_id, None)
        turn = self._turns.get(response_id) if response_id is not None else None
        if turn is not None:
            turn.open.discard(call_id)
            turn.wanted = turn.wanted and wanted

    def _ask(self) -> None:
        ready = [name for name, turn in self._turns.items() if turn.over and not turn.open]
        wanted = any(self._turns[name].wanted for name in ready)
        if wanted and self._running:
            return  # it would be refused; what runs now ends before long
        for name in ready:
            del self._turns[name]
        if wanted:
            self._say(events.ResponseCreate())
