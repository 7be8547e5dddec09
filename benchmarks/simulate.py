"""How many times faster than real time is a conversation under the virtual clock?

A scripted user talks to a local model for ten minutes, with everything that they would
have in real time: synthesis, the wire between them, voice activity detection on both sides,
recognition, tools, playback. `local/echo` shows what of it the assistant costs.
"""

import time
from pathlib import Path

from antiphon.demo.call import Call
from antiphon.demo.tools import TOOLS
from antiphon.pipeline.virtual import run_virtual
from antiphon.processors.local.script import Line, Script, script
from antiphon.processors.models import find_model
from benchmarks import harness

LINES = (
    Line(say="Hello there."),
    Line(say="What's the weather in Oslo?"),
    Line(say="Tell me a story."),
    Line(say="Stop.", interrupt=3.5),
    Line(say="Set a timer for five minutes."),
    Line(say="Tell me about Antiphon."),
    Line(say="What can you do?"),
)
ROUND = 60.0
"""About the seconds that these lines and their answers take."""


def converse(model: str, repeat: int) -> tuple[float, Call]:
    """Hold the conversation; how many seconds that took."""
    user = script(lines=Script(voice="en-us+f2", line=LINES, repeat=repeat))
    call = Call(user, find_model(model), tools=TOOLS, instructions="")
    start = time.perf_counter()
    run_virtual(call.run)
    return time.perf_counter() - start, call


def main() -> None:
    given = harness.arguments(__doc__ or "", minutes=10.0)
    repeat = max(1, round(given.minutes * 60 / ROUND))
    rows: list[harness.Row] = []
    for model in ("local/echo", "local/assistant"):
        calls = [converse(model, repeat) for _ in range(given.repeats)]
        seconds, call = sorted(calls, key=lambda one: one[0])[len(calls) // 2]
        spoken = call.duration / 1_000_000
        rows.append(
            {
                "bot": model,
                "turns": len(call.bot.latency.turns),
                "conversation s": spoken,
                "simulated in s": seconds,
                "times real time": spoken / seconds,
                "s for ten minutes": seconds / spoken * 600,
            }
        )
    harness.report(__doc__ or "", rows, given.json and Path(given.json))


if __name__ == "__main__":
    main()
