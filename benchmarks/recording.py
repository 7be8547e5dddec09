"""What does recording cost a session, of the CPU time that it takes without?

A call of the demo's bot with a scripted user, in virtual time, where all that is left of a session
is its work: recognition and synthesis, turn taking and playback on both sides. And a bot that only
hears a hum, in real time, the cheapest session there is. Runs with and without a recorder take
turns. CPU time is that of the process, so the recorder's thread counts, and the least of the runs.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import anyio

from antiphon.demo.call import Call
from antiphon.demo.tools import TOOLS
from antiphon.pipeline import Audio, Emit, Frames, Pipeline
from antiphon.pipeline.virtual import run_virtual
from antiphon.processors.local.script import Script, script
from antiphon.processors.models import find_model
from antiphon.processors.player import PacedSink
from antiphon.processors.realtime import Realtime
from antiphon.recording import Recorder
from benchmarks import harness
from benchmarks.simulate import LINES

SECONDS = 6.0
"""Of a session in real time, which does nothing but keep its time."""


def simulated(recorder: Recorder | None, repeat: int) -> float:
    """A call with the local model in virtual time; how many seconds it lasts."""
    user = script(lines=Script(voice="en-us+f2", line=LINES, repeat=repeat))
    call = Call(
        user, find_model("local/assistant"), tools=TOOLS, instructions="", recorder=recorder
    )
    run_virtual(call.run)
    return call.duration / 1_000_000


class Hum:
    """A microphone that hears a tone for some seconds of real time."""

    name = "Hum"
    gives_rate = 16_000

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def run(self, frames: Frames, emit: Emit) -> None:
        tone = b"".join(
            ((i * 37) % 200 - 100).to_bytes(2, "little", signed=True) for i in range(320)
        )
        began = anyio.current_time()
        for block in range(round(self._seconds * 50)):
            await anyio.sleep_until(began + (block + 1) / 50)
            await emit(Audio(pcm=tone, rate=16_000, at=block * 20_000))


def idle(recorder: Recorder | None, repeat: int) -> float:
    """A bot that hears a hum, in real time: the cheapest session there is."""
    sink = PacedSink(lambda pcm, at: None)
    pipeline = Pipeline(Hum(SECONDS), Realtime("local/assistant"), sink, fit="auto")
    if recorder is not None:
        recorder.watch(pipeline)
    anyio.run(pipeline.run)
    return SECONDS


def cpu(
    session: Callable[[Recorder | None, int], float], folder: Path | None, repeat: int
) -> tuple[float, float]:
    """CPU milliseconds for each second of the session, and kilobytes that were written for it."""
    recorder = None if folder is None else Recorder(folder)
    start = time.process_time()
    seconds = session(recorder, repeat)
    if recorder is not None:
        recorder.close()
    spent = time.process_time() - start
    size = 0 if recorder is None else recorder.path.stat().st_size
    assert recorder is None or not recorder.dropped
    return spent / seconds * 1000, size / seconds / 1000


def main() -> None:
    given = harness.arguments(__doc__ or "", repeats=7, rounds=1)
    rows: list[harness.Row] = []
    sessions = {
        "a call with the local model, virtual time": simulated,
        "a bot that hears a hum, real time": idle,
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, session in sessions.items():
            cpu(session, None, given.rounds)  # whatever is loaded once
            pairs = [
                (cpu(session, None, given.rounds), cpu(session, Path(folder), given.rounds))
                for _ in range(given.repeats)
            ]
            # The least of each: what else runs on this machine only adds.
            without = min(plain for (plain, _), _ in pairs)
            added = min(recorded for _, (recorded, _) in pairs) - without
            rows.append(
                {
                    "session": name,
                    "CPU ms a second": without,
                    "recording adds ms": added,
                    "recording %": added / without * 100,
                    "kB a second": statistics.median(size for _, (_, size) in pairs),
                }
            )
    harness.report(__doc__ or "", rows, given.json and Path(given.json))


if __name__ == "__main__":
    main()
