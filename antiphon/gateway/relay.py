"""The short way: a client and a provider who speak the same dialect hear each other's own words.

Nothing is written anew, so nothing can be lost; but all of it is read, to be counted.
"""

from collections.abc import Callable, Sequence

import anyio
from anyio.abc import TaskGroup

from antiphon.codecs.dialect import ClientEnd, ServerEnd
from antiphon.codecs.refusing import Problem
from antiphon.codecs.wire import Message, WireError
from antiphon.gateway.carried import Carried, is_sound
from antiphon.gateway.line import Tap
from antiphon.gateway.observe.counting import Add
from antiphon.gateway.wire import Wire
from antiphon.pipeline import Frame, now
from antiphon.transports import Closed, Transport

Listener = Callable[[Frame], None]


async def relay(
    wire: Wire, provider: Transport, end: ClientEnd, taps: Sequence[Tap], carried: Carried
) -> Problem | None:
    """Until one of both has had enough; what went wrong, if the provider is to blame."""
    lost: list[Problem] = []

    async def answer(group: TaskGroup) -> None:
        tell = _telling(end, [tap.heard for tap in taps], carried.went)
        added = carried.added_back
        try:
            async for message in provider:
                at = now()
                tell(message, at)
                await wire.send(message)
                added((now() - at) / 1_000_000)
            ending = provider.closed
            await wire.aclose(*((1000, "") if ending is None else (ending.code, ending.reason)))
        except Closed as closed:
            if provider.closed is closed:
                lost.append(Problem(cause="model_lost", message="the model behind was lost"))
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(answer, group)
        tell = _telling(wire.end, [tap.said for tap in taps], carried.came)
        added = carried.added
        try:
            async for message in wire:
                at = wire.touched
                tell(message, at)
                await provider.send(message)
                added((now() - at) / 1_000_000)
        except Closed:
            pass  # whoever it was, the other direction knows
        group.cancel_scope.cancel()
    return lost[0] if lost else None


def _telling(
    end: ClientEnd | ServerEnd, listeners: Sequence[Listener], count: tuple[Add, Add]
) -> Callable[[Message, int], None]:
    """What tells *listeners* of a message. What cannot be read is for the two to sort out."""
    decode, due = end.decode, end.due

    def tell(message: Message, at: int) -> None:
        try:
            heard = tuple(decode(message, at=at))
        except WireError:
            heard = ()
        tuple(due())  # they answer each other's pings themselves
        count[is_sound(heard)](len(message))
        for event in heard:
            for listener in listeners:
                listener(event)

    return tell
