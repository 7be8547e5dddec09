"""How the models of a session are spoken to."""

from collections.abc import Iterable
from dataclasses import replace

from antiphon.codecs import events, vercel
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.wire import Message
from antiphon.processors.models import ModelError
from antiphon.processors.remote.providers import PROVIDERS, dialect_of


class Gateway(vercel.Client):
    """Says at once what it is told to say, as the AI SDK does.

    The dialect's own end waits with a response while another runs and leaves out what would be
    refused. Here the program decides; what a session asks for by itself waits in `Calls`.
    """

    def encode(self, event: events.ClientEvent, /) -> Iterable[Message]:
        return self._messages(event)

    def due(self) -> tuple[Message, ...]:
        return ()


GATEWAY = replace(vercel.DIALECT, client=Gateway)


def spoken_to(name: str) -> tuple[Dialect, str]:
    """The dialect of the model called *name*, and how the model is called there."""
    provider, _, model = name.partition("/")
    if provider == "local":
        return GATEWAY, name
    if provider not in PROVIDERS or not model:
        known = ", ".join(PROVIDERS)
        raise ModelError(f"there is no model {name!r}: give provider/model, of local, {known}")
    dialect = dialect_of(name)
    return (GATEWAY if dialect is vercel.DIALECT else dialect), model
