"""Files that options of local models name: they lie beside the configuration that names them."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import msgspec

from antiphon.gateway.aliases import LOCAL
from antiphon.gateway.settings import KeySettings, Settings

FILES = ("path", "grammar")
"""Options of local models that are files."""


def beside(settings: Settings, folder: Path) -> Settings:
    """*settings* with such options from *folder*, as those of a configuration in it."""
    return msgspec.structs.replace(
        settings,
        default=None if settings.default is None else _found(settings.default, folder),
        routes=_routes(settings.routes, folder),
        keys={name: _key(key, folder) for name, key in settings.keys.items()},
    )


def _key(key: KeySettings, folder: Path) -> KeySettings:
    default = None if key.default is None else _found(key.default, folder)
    return msgspec.structs.replace(key, default=default, routes=_routes(key.routes, folder))


def _routes(routes: Mapping[str, str], folder: Path) -> dict[str, str]:
    return {name: _found(to, folder) for name, to in routes.items()}


def _found(model: str, folder: Path) -> str:
    name, mark, query = model.partition("?")
    if not mark or not name.startswith(f"{LOCAL}/"):
        return model
    options = parse_qsl(query, keep_blank_values=True)
    return f"{name}?" + urlencode(
        [(key, str(folder / value) if key in FILES else value) for key, value in options]
    )
