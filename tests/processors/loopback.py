"""Plays a file on the default loudspeaker and records what the default microphone hears of it.

Run by a test in a process of its own, since PortAudio looks for devices only once.
"""

import sys

import anyio

from antiphon.pipeline import Pipeline
from antiphon.processors.devices import MicSource, SpeakerSink
from antiphon.processors.files import FileSink, FileSource


async def main(played: str, recorded: str) -> None:
    source = FileSource(played, tail=500_000)
    microphone = MicSource(rate=source.gives_rate)
    async with anyio.create_task_group() as tasks:
        record = Pipeline(microphone, FileSink(recorded, rate=source.gives_rate, pace="fast"))
        tasks.start_soon(record.run)
        await Pipeline(source, SpeakerSink(rate=source.gives_rate)).run()
        tasks.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2])
