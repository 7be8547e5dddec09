"""Any realtime client in front, any model behind: an ASGI application, and `antiphon serve`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from antiphon.gateway.gateway import Gateway
    from antiphon.gateway.reading import read_settings
    from antiphon.gateway.settings import Settings, SettingsError

__all__ = ["Gateway", "Settings", "SettingsError", "read_settings"]

_HOMES = {
    "Gateway": "gateway",
    "Settings": "settings",
    "SettingsError": "settings",
    "read_settings": "reading",
}


def __getattr__(name: str) -> Any:
    # Starlette and all that is only loaded where a gateway is made.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
