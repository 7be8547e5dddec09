"""A plain typed function as a tool of a model."""

import inspect
import typing
from collections.abc import Callable
from typing import Any, Final

import anyio
import msgspec

from antiphon.codecs.config import ToolDefinition
from antiphon.pipeline.members import name_of


class ToolError(Exception):
    """A tool cannot be offered, or its call went wrong in a way the model should read."""


class Later:
    """Says that a tool will be answered afterwards."""

    def __repr__(self) -> str:
        return "LATER"


LATER: Final = Later()


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
        name = name or name_of(function)
        self._arguments = _arguments_of(function, name)
        (schema,), parts = msgspec.json.schema_components([self._arguments], ref_template="{name}")
        self.definition = ToolDefinition(
            name=name,
            description=description or inspect.getdoc(function) or None,
            parameters=_inlined(schema, parts),
        )
        self._decoder = msgspec.json.Decoder(self._arguments)
        self._waits = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004
        )

    async def call(self, arguments: str) -> object:
        """Call the function with JSON *arguments*; ToolError says what is wrong with them."""
        try:
            given = self._decoder.decode(arguments or "{}")
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ToolError(f"bad arguments for {self.definition.name}: {error}") from error
        values = {name: getattr(given, name) for name in given.__struct_fields__}
        if self._waits:
            return await self.function(**values)
        return await anyio.to_thread.run_sync(
            lambda: self.function(**values), abandon_on_cancel=True
        )

    @staticmethod
    def written(result: object) -> str:
        """*result* as the model reads it: text as it is, anything else as JSON."""
        if isinstance(result, str):
            return result
        try:
            return msgspec.json.encode(result).decode()
        except (TypeError, ValueError, msgspec.MsgspecError, RecursionError) as error:
            raise ToolError(
                f"the result, a {type(result).__name__}, cannot be written as JSON: {error}"
            ) from error


def as_tool(given: "Tool | Callable[..., Any]") -> Tool:
    if isinstance(given, Tool):
        return given
    if not callable(given):
        raise ToolError(f"{given!r:.60} is no tool: give a function with type hints")
    return Tool(given)


def _arguments_of(function: Callable[..., Any], name: str) -> type[msgspec.Struct]:
    """A struct with a field for each parameter of *function*."""
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ToolError(f"the type hints of the tool {name!r} cannot be read: {error}") from error
    fields: list[Any] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ToolError(
                f"the tool {name!r} takes {parameter}: a model can only give named arguments"
            )
        hint = hints.get(parameter.name, Any)
        if parameter.default is parameter.empty:
            fields.append((parameter.name, hint))
        else:
            fields.append((parameter.name, hint, parameter.default))
    try:
        arguments = msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
        msgspec.json.Decoder(arguments)
    except TypeError as error:
        raise ToolError(
            f"the tool {name!r} has a parameter that JSON cannot fill: {error}"
        ) from error
    return arguments


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    """*schema* with its references resolved: providers want one self-contained object."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(parts[schema["$ref"]], parts)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        return {key: _inlined(value, parts) for key, value in schema.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(schema, list):
        return [_inlined(part, parts) for part in schema]  # pyright: ignore[reportUnknownVariableType]
    return schema
