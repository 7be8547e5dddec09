"""What one provider's words are to another: nothing.

Options that have no setting here travel in their provider's own words, as `provider_options`. Said
to another provider they would be refused or, worse, mean something else.
"""

from typing import Any, TypeVar

import msgspec

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCallOutput

E = TypeVar("E", bound=events.EventFrame)

HOLDERS: dict[type[events.EventFrame], str] = {
    events.SessionUpdate: "config",
    events.SessionStart: "config",
    events.SessionCreated: "config",
    events.SessionUpdated: "config",
    events.SessionStarted: "config",
    events.ResponseCreate: "options",
}
"""Where an event has settings."""


def without_options(event: E) -> E:
    """*event* without what only its own provider understands."""
    match event:
        case events.ContextAppend() if event.provider_options is not None:
            return msgspec.structs.replace(event, provider_options=None)
        case events.ConversationItemCreate(item=FunctionCallOutput() as output):
            if output.provider_options is None:
                return event
            item = msgspec.structs.replace(output, provider_options=None)
            return msgspec.structs.replace(event, item=item)
        case _:
            pass
    name = HOLDERS.get(type(event))
    settings: Any = None if name is None else getattr(event, name)
    if name is None or settings is None:
        return event
    tools = settings.tools
    if tools is not None and any(tool.provider_options is not None for tool in tools):
        tools = tuple(msgspec.structs.replace(tool, provider_options=None) for tool in tools)
    elif settings.provider_options is None:
        return event
    bare = msgspec.structs.replace(settings, provider_options=None, tools=tools)
    changed: dict[str, Any] = {name: bare}
    return msgspec.structs.replace(event, **changed)
