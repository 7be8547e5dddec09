"""Finds a model by its name, such as `local/assistant?seed=3`."""

import math
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from antiphon.processors.realtime import Model


class ModelError(ValueError):
    """There is no such model, or it has no such option; the message says which there are."""


def find_model(name: str) -> "Model":
    """The model called *name*: provider/model, with options as in a query.

    Keys of providers are in the environment. Options of local models are those of their
    factories, others are the arguments of `antiphon.processors.remote.remote_model`.
    """
    path, _, query = name.partition("?")
    provider, _, model = path.partition("/")
    if provider == "local":
        build = LOCAL.get(model)
        if build is None:
            raise ModelError(
                f"there is no model {path!r}, only " + ", ".join(f"local/{m}" for m in LOCAL)
            )
        factory = build()
    elif model and (found := _remote(provider, path)):
        factory = found
    else:
        raise ModelError(
            f"there is no model {name!r}: the models are "
            + ", ".join(f"local/{m}" for m in LOCAL)
            + " and those of providers, such as openai/gpt-realtime-2"
        )
    options = _options(path, factory, dict(parse_qsl(query, keep_blank_values=True)))
    try:
        return factory(**options)
    except ValueError as error:
        raise ModelError(f"{path}: {error}") from error


def _options(path: str, factory: Callable[..., Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The query of a model's name as the keyword arguments of *factory*, by their types."""
    hints = typing.get_type_hints(factory)
    kinds = {name: kind for name, hint in hints.items() if (kind := _kind(hint)) is not None}
    options: dict[str, Any] = {}
    for name, text in given.items():
        if name not in kinds:
            raise ModelError(f"{path} has no option {name!r}, only {', '.join(kinds)}")
        try:
            options[name] = READERS[kinds[name]](text)
        except (ValueError, KeyError) as error:
            raise ModelError(f"{path}: {name}={text!r} is no {kinds[name].__name__}") from error
    return options


def _kind(hint: Any) -> type | None:
    """The type of READERS that *hint* is or, in a union, allows."""
    allowed = typing.get_args(hint) or (hint,)
    return next((kind for kind in READERS if kind in allowed), None)


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("not a finite number")
    return number


TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}

READERS: Mapping[type, Callable[[str], Any]] = {
    bool: lambda text: TRUTH[text.lower()],
    int: int,
    float: _finite,
    str: str,
}
"""How options are read, by their types."""


def _remote(provider: str, path: str) -> Callable[..., "Model"] | None:
    """What makes a provider's model, or None if there is no such provider."""
    from antiphon.processors.remote.providers import PROVIDERS, remote_model

    if provider not in PROVIDERS:
        return None

    def build(
        *,
        base_url: str | None = None,
        transport: str = "websocket",
        held: float = 10.0,
        ready_timeout: float = 10.0,
    ) -> Any:
        return remote_model(
            path,
            base_url=base_url,
            transport=cast(Literal["websocket", "webrtc"], transport),  # it looks itself
            held=held,
            ready_timeout=ready_timeout,
        )

    return build


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
