"""Who holds the event loop is named, and nobody else."""

import logging
import threading
from collections.abc import Iterator

import anyio
import pytest

from antiphon.pipeline import Emit, Frame, Frames, Pipeline, ProcessorError, Watchdog
from tests.pipeline.parts import Script, Text

PATIENCE = 20.0
"""Seconds after which a watchdog that says nothing is given up."""


class Told:
    """What a watchdog says; whoever is named may go on."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.sentences: list[str] = []
        self.named = threading.Event()

    def __call__(self, name: str, sentence: str) -> None:
        self.names.append(name)
        self.sentences.append(sentence)
        self.named.set()


class Blocking:
    """Waits in the middle of its work until it has been named."""

    def __init__(self, named: threading.Event) -> None:
        self._named = named

    def process(self, frame: Frame) -> Iterator[Frame]:
        assert self._named.wait(PATIENCE)
        yield frame


class BlockingStage:
    def __init__(self, named: threading.Event) -> None:
        self._named = named

    async def run(self, frames: Frames, emit: Emit) -> None:
        async for frame in frames:
            assert self._named.wait(PATIENCE)
            await emit(frame)


async def test_a_processor_that_blocks_is_named_with_its_place() -> None:
    told = Told()
    line = Pipeline(Script(Text(text="a")), Blocking(told.named), observers=[Watchdog(0.01, told)])

    await line.run()

    assert told.names == ["Blocking"]
    assert "test_watchdog.py" in told.sentences[0] or "threading.py" in told.sentences[0]
    assert "Threaded" in told.sentences[0]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_stage_that_blocks_is_named(anyio_backend: str) -> None:
    told = Told()
    line = Pipeline(
        Script(Text(text="a")), BlockingStage(told.named), observers=[Watchdog(0.01, told)]
    )

    await line.run()

    assert set(told.names) == {"BlockingStage"}


async def test_who_waits_as_one_should_is_not_named() -> None:
    told = Told()
    async with Pipeline(lambda frame: frame, observers=[Watchdog(0.001, told)]).open() as run:
        for n in range(20):
            await run.send(Text(text=str(n)))
            await anyio.to_thread.run_sync(threading.Event().wait, 0.002)

    assert not told.names


async def test_without_somebody_to_tell_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    logged = threading.Event()
    handler = logging.Handler()
    handler.emit = lambda record: logged.set()
    logging.getLogger("antiphon.pipeline.watchdog").addHandler(handler)
    try:
        await Pipeline(Script(Text(text="a")), Blocking(logged), observers=[Watchdog(0.01)]).run()
    finally:
        logging.getLogger("antiphon.pipeline.watchdog").removeHandler(handler)

    assert "Blocking has held the event loop" in caplog.text


async def test_it_ends_with_a_run_that_fails() -> None:
    class Broken:
        def process(self, frame: Frame) -> Iterator[Frame]:
            raise ValueError("no")
            yield frame

    with pytest.raises(ProcessorError, match="Broken"):
        await Pipeline(Script(Text(text="a")), Broken(), observers=[Watchdog(0.01)]).run()


def test_a_limit_that_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Watchdog(0)
