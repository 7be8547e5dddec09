"""Tools: what they are called and how, what they are called with, and what they answer."""

from typing import Any

import msgspec

from antiphon.codecs.config import ToolDefinition
from antiphon.codecs.gemini import wire
from antiphon.codecs.gemini.spelling import is_list, is_object, respelled, shaped
from antiphon.codecs.items import FunctionCallOutput, JsonObject
from antiphon.codecs.wire import WireError

_OWN = "behavior", "response", "responseJsonSchema"
"""What a declaration has beside what every provider has."""

_DEEPEST = 40

_NOTHING: JsonObject = {"type": "object", "properties": {}}


class _Declaration(msgspec.Struct, rename="camel"):
    name: str
    description: str | None = None
    parameters: JsonObject | None = None
    parameters_json_schema: Any = None
    behavior: str | None = None
    response: JsonObject | None = None
    response_json_schema: Any = None


class _Tool(msgspec.Struct, rename="camel"):
    function_declarations: tuple[_Declaration, ...] | None = None


# Definitions.


def tools_to_wire(
    definitions: tuple[ToolDefinition, ...] | None, google: JsonObject
) -> list[JsonObject]:
    """With the provider's own tools, such as a search, as *google* has them."""
    behavior = google.get("defaultToolBehavior")
    listed: list[JsonObject] = []
    if definitions:
        listed.append({"functionDeclarations": [_declared(one, behavior) for one in definitions]})
    own = google.get("tools")
    if is_list(own):
        listed.extend(own)
    return listed


def _declared(definition: ToolDefinition, behavior: Any) -> JsonObject:
    wired: JsonObject = {"name": definition.name}
    if definition.description is not None:
        wired["description"] = definition.description
    wired["parametersJsonSchema"] = definition.parameters
    if behavior is not None:
        wired["behavior"] = behavior
    options = definition.provider_options or {}
    wired.update({name: options[name] for name in _OWN if name in options})
    return wired


def tools_of(
    listed: tuple[JsonObject, ...], google: JsonObject, path: str
) -> tuple[ToolDefinition, ...]:
    """The functions; the provider's own tools go into *google*."""
    definitions: list[ToolDefinition] = []
    own: list[JsonObject] = []
    for position, given in enumerate(listed):
        tool = respelled(given, _Tool)
        declared = shaped(tool, _Tool, f"{path}[{position}]").function_declarations
        definitions.extend(_defined(one) for one in declared or ())
        rest = {
            name: value
            for name, value in tool.items()
            if name != "functionDeclarations" and value is not None
        }
        if rest:
            own.append(rest)
    if own:
        google["tools"] = own
    return tuple(definitions)


def _defined(declared: _Declaration) -> ToolDefinition:
    schema = declared.parameters_json_schema
    if not is_object(schema):
        given = declared.parameters
        schema = dict(_NOTHING) if given is None else _schema_of(given, 0)
    options = {
        "behavior": declared.behavior,
        "response": declared.response,
        "responseJsonSchema": declared.response_json_schema,
    }
    return ToolDefinition(
        name=declared.name,
        description=declared.description,
        parameters=schema,
        provider_options={key: v for key, v in options.items() if v is not None} or None,
    )


def _schema_of(schema: Any, depth: int) -> Any:
    """OpenAPI's as JSON's: types are written small there, and one field otherwise."""
    if depth > _DEEPEST:
        return schema
    if is_list(schema):
        return [_schema_of(one, depth + 1) for one in schema]
    if not is_object(schema):
        return schema
    out: JsonObject = {}
    for name, value in schema.items():
        name = "anyOf" if name == "any_of" else name
        if name == "type" and isinstance(value, str):
            out[name] = value.lower()
        elif name == "properties" and is_object(value):
            out[name] = {key: _schema_of(one, depth + 1) for key, one in value.items()}
        elif name in ("items", "anyOf"):
            out[name] = _schema_of(value, depth + 1)
        else:
            out[name] = value
    return out


# Calls and their outputs.


def text_of(value: JsonObject | None) -> str:
    """The JSON of a call's arguments."""
    return _json(value or {})


def arguments_of(arguments: str) -> JsonObject:
    """As the wire has them, always an object: what is none is put into one."""
    value = _parsed(arguments)
    if is_object(value):
        return value
    if not arguments.strip() or value is None:
        return {}
    return {"arguments": arguments if value is _NO_JSON else value}


def response_of(output: FunctionCallOutput) -> JsonObject:
    """An object as it is, anything else as the `output` in one, and of a failure the `error`."""
    value = _parsed(output.output)
    if value is _NO_JSON:
        value = output.output
    if output.failed:
        return {"error": value}
    return value if is_object(value) else {"output": value}


def output_of(response: JsonObject | None) -> tuple[str, bool]:
    """The output, and whether it is of a failure."""
    match response:
        case {"error": error, **rest} if not rest:
            return _output(error), True
        case {"output": output, **rest} if not rest and not _is_wrapped(output):
            return _output(output), False
        case _:
            return text_of(response), False


def _is_wrapped(value: Any) -> bool:
    """Whether, taken out of its wrapping, it would be mistaken for another."""
    return is_object(value) and value.keys() in ({"output"}, {"error"})


def _output(value: Any) -> str:
    """Text that would pass for JSON is quoted, so that it stays text."""
    if isinstance(value, str) and _parsed(value) is _NO_JSON:
        return value
    return _json(value)


class _NoJson:
    """What text is that is no JSON."""


_NO_JSON = _NoJson()


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return _NO_JSON


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (RecursionError, UnicodeError) as error:
        raise WireError(wire.NAME, "$", "Expected no such nesting") from error
