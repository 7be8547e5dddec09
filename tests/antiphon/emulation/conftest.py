"""The plugin's fixture, also where this project is not installed."""

import pytest

from antiphon.emulation.pytest_plugin import antiphon_gateway

__all__ = ["antiphon_gateway"]


@pytest.fixture
def anyio_backend() -> str:
    """The providers' SDKs run on nothing else."""
    return "asyncio"
