"""A plain typed function as a tool of a model."""

import enum
import functools
import inspect
import re
import typing
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, cast

import anyio
import msgspec

from antiphon.codecs.config import ToolDefinition
from antiphon.pipeline.members import name_of

NAME = re.compile("[A-Za-z_][A-Za-z0-9_-]{0,63}")
"""What every provider takes as the name of a tool."""


class ToolError(Exception):
    """A tool cannot be offered, or its call went wrong in a way the model should read."""


class Later:
    """Says that a tool will be answered afterwards."""

    def __repr__(self) -> str:
        return "LATER"


LATER: Final = Later()

running_call: ContextVar[str] = ContextVar("running_call")
"""The id of the call that a tool runs for, which it needs to be answered later."""


class Tool:
    """A function that a model may call.

    Its name, docstring and type hints are what the model is told; arguments are checked
    against the hints before it is called. A plain function runs in a worker thread, a
    coroutine function in the bot's event loop. *timeout* is in seconds; with *finish* the
    call is not cancelled when the user interrupts.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float | None = None,
        finish: bool = False,
    ) -> None:
        self.function = function
        self.timeout = timeout
        self.finish = finish
        inner = _without_partials(function)
        name = name or name_of(inner)
        if not NAME.fullmatch(name):
            raise ToolError(f"{name!r} is no name for a tool; give another: Tool(f, name='...')")
        plain = inspect.isroutine(inner) or inspect.isclass(inner)
        written: Callable[..., Any] = inner if plain else inner.__call__
        arguments = _arguments_of(function, written, name)
        self.definition = ToolDefinition(
            name=name,
            description=description or inspect.getdoc(written if written.__doc__ else inner),
            parameters=_schema_of(arguments, name),
        )
        self._decoder = msgspec.json.Decoder(arguments)
        self._waits = inspect.iscoroutinefunction(written)

    async def call(self, arguments: str) -> object:
        """Call the function with JSON *arguments*; ToolError says what is wrong with them."""
        try:
            given = self._decoder.decode(arguments or "{}")
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ToolError(f"bad arguments for {self.definition.name}: {error}") from error
        values = {name: getattr(given, name) for name in given.__struct_fields__}
        if self._waits:
            return await self.function(**values)
        (result,) = await anyio.to_thread.run_sync(
            lambda: (self.function(**values),), abandon_on_cancel=True
        )
        # A decorator may have made a plain function of a coroutine function.
        return await result if inspect.isawaitable(result) else result

    @staticmethod
    def written(result: object) -> str:
        """*result* as the model reads it: text as it is, anything else as JSON."""
        if isinstance(result, str):
            return result
        try:
            return msgspec.json.encode(result).decode()
        except (TypeError, ValueError, RecursionError) as error:
            raise ToolError(
                f"the result, a {type(result).__name__}, cannot be written as JSON: {error}"
            ) from error


def as_tool(given: "Tool | Callable[..., Any]") -> Tool:
    if isinstance(given, Tool):
        return given
    if not callable(given):
        raise ToolError(f"{given!r:.60} is no tool: give a function with type hints")
    return Tool(given)


def _without_partials(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _arguments_of(
    function: Callable[..., Any], written: Callable[..., Any], name: str
) -> type[msgspec.Struct]:
    """A struct with a field for each parameter of *function*, whose hints *written* has."""
    try:
        hints = typing.get_type_hints(written, include_extras=True)
        parameters = inspect.signature(function).parameters
    except (NameError, AttributeError, SyntaxError, TypeError, ValueError) as error:
        raise ToolError(f"the type hints of the tool {name!r} cannot be read: {error}") from error
    bound = function.keywords if isinstance(function, functools.partial) else {}
    fields: list[Any] = []
    for parameter in parameters.values():
        if parameter.name in bound:  # the program's choice, perhaps a secret
            continue
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ToolError(
                f"the tool {name!r} takes {parameter}: a model can only give named arguments"
            )
        hint = hints.get(parameter.name, Any)
        if parameter.default is parameter.empty:
            fields.append((parameter.name, hint))
        else:
            fields.append((parameter.name, hint, _default(parameter.default)))
    try:
        arguments = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
        msgspec.json.Decoder(arguments)
    except TypeError as error:
        raise _unfillable(name, error) from error
    return arguments


def _default(value: object) -> Any:
    """The default of a field; what is no plain value is not told to the model."""
    if value is None or isinstance(value, (str, int, float, enum.Enum)):
        return value
    return msgspec.field(default_factory=lambda: value)


def _schema_of(arguments: type[msgspec.Struct], name: str) -> Any:
    try:
        (schema,), parts = msgspec.json.schema_components([arguments], ref_template="{name}")
    except TypeError as error:
        raise _unfillable(name, error) from error
    return _inlined(schema, parts, ())


def _unfillable(name: str, error: TypeError) -> ToolError:
    problem = str(error).splitlines()[-1]
    return ToolError(f"the tool {name!r} has a parameter that JSON cannot fill: {problem}")


def _inlined(schema: Any, parts: dict[str, Any], within: tuple[str, ...]) -> Any:
    """*schema* with its references resolved: providers want one self-contained object."""
    if isinstance(schema, list):
        return [_inlined(one, parts, within) for one in cast(list[Any], schema)]
    if not isinstance(schema, dict):
        return schema
    schema = cast(dict[str, Any], schema)
    if isinstance(reference := schema.get("$ref"), str):
        if reference in within:
            raise ToolError(f"the type {reference} contains itself: its schema would have no end")
        whole = _inlined(parts[reference], parts, (*within, reference))
        return whole | {key: value for key, value in schema.items() if key != "$ref"}
    if "anyOf" in schema:  # what says which is made of references, and not needed
        schema.pop("discriminator", None)
    return {key: _inlined(value, parts, within) for key, value in schema.items()}
