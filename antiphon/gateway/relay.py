"""The short way: a client and a provider who speak the same dialect hear each other's own words.

Nothing is written anew, so nothing can be lost; but all of it is read, to be counted.
"""

from collections.abc import Callable, Sequence

import anyio
from anyio.abc import TaskGroup

from antiphon.codecs.dialect import ClientEnd, ServerEnd
from antiphon.codecs.refusing import Problem
from antiphon.codecs.wire import Message, WireError
from antiphon.gateway.line import Tap
from antiphon.gateway.wire import Wire
from antiphon.pipeline import Frame, now
from antiphon.transports import Closed, Transport


async def relay(
    wire: Wire, provider: Transport, end: ClientEnd, taps: Sequence[Tap]
) -> Problem | None:
    """Until one of both has had enough; what went wrong, if the provider is to blame."""
    lost: list[Problem] = []

    async def answer(group: TaskGroup) -> None:
        try:
            async for message in provider:
                _tell(end, message, [tap.heard for tap in taps])
                await wire.send(message)
            ending = provider.closed
            await wire.aclose(*((1000, "") if ending is None else (ending.code, ending.reason)))
        except Closed as closed:
            if provider.closed is closed:
                lost.append(Problem(cause="model_lost", message="the model behind was lost"))
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(answer, group)
        try:
            async for message in wire:
                _tell(wire.end, message, [tap.said for tap in taps])
                await provider.send(message)
        except Closed:
            pass  # whoever it was, the other direction knows
        group.cancel_scope.cancel()
    return lost[0] if lost else None


def _tell(
    end: ClientEnd | ServerEnd, message: Message, listeners: Sequence[Callable[[Frame], None]]
) -> None:
    """What cannot be read is for the two to sort out."""
    try:
        heard = tuple(end.decode(message, at=now()))
    except WireError:
        return
    tuple(end.due())  # they answer each other's pings themselves
    for event in heard:
        for listener in listeners:
            listener(event)
