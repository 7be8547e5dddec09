"""`antiphon serve`."""

import ssl
import sys
from pathlib import Path

from antiphon.gateway.keys import VARIABLE, Keys
from antiphon.gateway.reading import read_settings
from antiphon.gateway.settings import Settings, SettingsError

BASES = (
    ("OpenAI", "base_url", "/v1"),
    ("xAI", "base_url", "/xai/v1"),
    ("Gemini", "base_url", ""),
    ("ElevenLabs", "base_url", ""),
    ("Cartesia", "base_url", ""),
    ("Opper", "base_url", ""),
    ("AI SDK, AI Gateway", "baseURL", "/v4/ai"),
)
"""What to set in each SDK, and to what beneath the gateway's address."""


def serve(
    *,
    config: Path | None,
    host: str | None,
    port: int | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    workers: int | None,
    store: str | None,
) -> int:
    """Run a gateway until it is told to stop; 2 if something has to be mended first."""
    listen = {
        "host": host,
        "port": port,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "workers": workers,
    }
    given = {name: value for name, value in listen.items() if value is not None}
    try:
        if config is None:
            settings = Settings.standard(listen=given, store=store)
        else:
            settings = read_settings(config, listen=given, store=store)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    from antiphon.gateway import serving

    where = settings.listen
    if where.tls_cert is not None:
        try:
            # Without a passphrase, rather than asking for it.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                where.tls_cert, where.tls_key, password=""
            )
        except OSError as error:
            problem = f"no certificate and its key: {error.strerror or error}"
            print(f"{where.tls_cert}, {where.tls_key}: {problem}", file=sys.stderr)
            return 2
    try:
        listener = serving.listen(where.host, where.port)
    except OSError as error:
        reason = error.strerror or error
        print(f"nobody can listen at {where.host}, port {where.port}: {reason}", file=sys.stderr)
        return 2
    print(described(settings, port=listener.getsockname()[1]), flush=True)
    return serving.serve(settings, listener)


def described(settings: Settings, *, port: int) -> str:
    """What somebody who has just started a gateway, at *port*, wants to know."""
    where = settings.listen
    scheme = "https" if where.tls_cert is not None else "http"
    host = f"[{where.host}]" if ":" in where.host else where.host
    base = f"{scheme}://{host}:{port}"
    keys = Keys.from_settings(settings)
    lines = [
        f"A gateway at {base}, which answers with {settings.default or 'what is routed'}.",
        f"Any key is good: {VARIABLE} is not set, and only this machine can connect."
        if keys.anybody
        else f"Keys: {', '.join(settings.keys)}.",
        "Set in each SDK:",
        *(f"  {sdk:<20}{name:<10}{base}{path}" for sdk, name, path in BASES),
    ]
    if settings.browser.page:
        lines.append(f"To talk to it in a browser: {base}/")
    return "\n".join(lines)
