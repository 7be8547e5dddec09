"""A model served: a dialect's server end on a transport, with any model behind it."""

import anyio

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import ServerEnd
from antiphon.pipeline import Pipeline, now
from antiphon.processors.realtime import Model, ModelLine
from antiphon.processors.served import Served
from antiphon.processors.serving_call import ServedCall
from antiphon.transports import Transport, Voiced


async def serve(
    transport: Transport,
    end: ServerEnd,
    model: Model | ModelLine,
    *,
    config: SessionConfig | None = None,
) -> None:
    """Let whoever is at the other side of *transport* talk to *model*, until either is done.

    Audio is brought to the model's rates. A message that breaks the dialect's rules is answered
    with an error, and the session goes on. *config* is what the model is before the client says
    how it wants it, such as an agent with tools of its own.

    Where *transport* has sound, as a WebRTC peer, the user is heard and the model speaks there;
    the model learns how far it was heard, and the client when that begins and ends.
    """
    async with Pipeline(model).open(drain=0) as run:
        async with anyio.create_task_group() as group:
            if isinstance(transport, Voiced):
                serving = ServedCall(transport, end, model, run)
            else:
                serving = Served(transport, end, model, run)
            if config is not None:
                await run.send(events.SessionUpdate(config=config, at=now()))
            group.start_soon(serving.speak, group)
            await serving.listen()
            group.cancel_scope.cancel()
        run.cancel()  # nobody is left to hear what the model still has to say
