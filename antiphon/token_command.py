"""The command `antiphon token`."""

import json

import anyio

from antiphon.codecs.config import SessionConfig
from antiphon.failures import explained
from antiphon.tokens import provider_token, realtime_token


def print_token(
    provider: str,
    *,
    model: str,
    lifetime: int | None,
    instructions: str | None,
    voice: str | None,
    base_url: str | None,
) -> int:
    """Print a token as JSON; returns the command's exit status."""
    chosen = SessionConfig(instructions=instructions, voice=voice)

    async def ask() -> None:
        adapter = provider_token(
            provider,
            model=model,
            lifetime=lifetime,
            config=None if chosen == SessionConfig() else chosen,
            base_url=base_url,
        )
        token = await realtime_token(adapter)
        print(json.dumps({"provider": token.provider} | token.public()))

    with explained():
        anyio.run(ask)
        return 0
    return 2
