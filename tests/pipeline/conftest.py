"""The event loops that the core runs on, and the clocks."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar, TypeVarTuple

import anyio
import pytest
from trio.testing import MockClock

from antiphon.pipeline.testing import run_virtual

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

BACKENDS: dict[str, Any] = {
    "asyncio": "asyncio",
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": "trio",
}


class Timed(Protocol):
    """Runs a coroutine function on a loop whose clock jumps."""

    def __call__(self, work: Callable[[*Arguments], Awaitable[T]], *args: *Arguments) -> T: ...


@pytest.fixture(params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest, need: Callable[[str], None]) -> Any:
    need(request.param)
    return BACKENDS[request.param]


def run_mocked(work: Callable[[*Arguments], Awaitable[T]], *args: *Arguments) -> T:
    """`run_virtual` on trio."""
    clock = MockClock(autojump_threshold=0)
    return anyio.run(work, *args, backend="trio", backend_options={"clock": clock})


@pytest.fixture(params=[run_virtual, run_mocked], ids=["asyncio", "trio"])
def timed(request: pytest.FixtureRequest) -> Timed:
    return request.param
