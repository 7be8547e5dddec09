"""Finds a model by its name, such as `local/assistant?seed=3`."""

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from antiphon.processors.realtime import Model


class ModelError(ValueError):
    """There is no such model, or it has no such option; the message says which there are."""


def find_model(name: str) -> "Model":
    """The model called *name*: provider/model, options of a local one as in a query."""
    path, _, query = name.partition("?")
    provider, _, model = path.partition("/")
    if provider != "local" or not model:
        raise ModelError(
            f"there is no model {name!r}: the models are " + ", ".join(f"local/{m}" for m in LOCAL)
        )
    build = LOCAL.get(model)
    if build is None:
        raise ModelError(
            f"there is no model {path!r}, only " + ", ".join(f"local/{m}" for m in LOCAL)
        )
    factory = build()
    return factory(**_options(path, factory, dict(parse_qsl(query, keep_blank_values=True))))


def _options(path: str, factory: Callable[..., Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The query of a model's name as the keyword arguments of *factory*, by their defaults' types."""
    parameters = inspect.signature(factory).parameters
    options: dict[str, Any] = {}
    for name, text in given.items():
        if name not in parameters:
            raise ModelError(f"{path} has no option {name!r}, only {', '.join(parameters)}")
        default = parameters[name].default
        kind = type(default) if isinstance(default, (int, float)) else str
        try:
            options[name] = text.lower() in ("1", "true", "yes") if kind is bool else kind(text)
        except ValueError as error:
            raise ModelError(f"{path}: {name}={text!r} is no {kind.__name__}") from error
    return options


def _assistant() -> Callable[..., "Model"]:
    from antiphon.processors.local.assistant import assistant

    return assistant


def _echo() -> Callable[..., "Model"]:
    from antiphon.processors.local.echo import echo

    return echo


def _script() -> Callable[..., "Model"]:
    from antiphon.processors.local.script import script

    return script


LOCAL: Mapping[str, Callable[[], Callable[..., "Model"]]] = {
    "assistant": _assistant,
    "echo": _echo,
    "script": _script,
}
"""What runs here; imported when it is asked for."""
