"""A fixture for pytest: a provider that is scripted by the test.

Everything is imported when the fixture is used, since every run of pytest loads this.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from antiphon.emulation.running import RunningEmulator


@pytest.fixture
def antiphon_gateway() -> Iterator[RunningEmulator]:
    """An emulator of all providers on this machine: see antiphon.emulation.running."""
    from antiphon.emulation.running import RunningEmulator

    with RunningEmulator() as emulator:
        yield emulator
