"""`antiphon demo`: a spoken conversation with the local model, recorded and explained."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio
import numpy as np

from antiphon.demo.call import RATE, Call
from antiphon.demo.summary import summary
from antiphon.demo.tools import TOOLS
from antiphon.failures import explained
from antiphon.pipeline.virtual import run_virtual
from antiphon.processors.local.script import Line, Script, script
from antiphon.processors.models import find_model
from antiphon.processors.wavefile import WaveWriter
from antiphon.report import Report
from antiphon.show.display import latency_table, show_for
from antiphon.show.outlet import Outlet
from antiphon.signals import interruptible

if TYPE_CHECKING:
    from antiphon.recording import Recorder

MODEL = "local/assistant?seed=1"

INSTRUCTIONS = "You are a friendly assistant on the telephone."

CALLER = Script(
    voice="en-us+f2",
    line=(
        Line(say="Hello there."),
        Line(say="What time is it?"),
        Line(say="What's the weather in Oslo?"),
        Line(say="Tell me a story."),
        Line(say="Stop it.", interrupt=3.5),
        Line(say="Set a timer for five minutes."),
        Line(say="Goodbye."),
    ),
)


def demo(out: Path, *, fast: bool, plain: bool, record: Path | None = None) -> int:
    """Hold the conversation and leave its sound, picture and report in *out*.

    What crosses the bot's boundary is recorded into a file in *record*.
    """
    with explained():
        out.mkdir(parents=True, exist_ok=True)
        recorder = _recorder(record) if record is not None else None
        show = show_for(sys.stdout, plain=plain)
        call = Call(
            script(lines=CALLER),
            find_model(MODEL),
            tools=TOOLS,
            instructions=INSTRUCTIONS,
            show=show,
            recorder=recorder,
        )
        try:
            whole = (
                run_virtual(interruptible, call.run) if fast else anyio.run(interruptible, call.run)
            )
        except KeyboardInterrupt:  # where no signal can be waited for: under a virtual clock
            whole = False
        finally:
            show.close()
            if recorder is not None:
                recorder.close()
        clock: Literal["virtual", "real"] = "virtual" if fast else "real"
        report = summary(call, model=MODEL.partition("?")[0], clock=clock)
        _leave(out, call, report)
        told = Outlet(sys.stdout)
        for line in ("", *latency_table(report).splitlines(), ""):
            told.line(line)
        told.line(f"{out / 'conversation.wav'}, timeline.png and report.json tell the rest.")
        if recorder is not None:
            told.line(f"antiphon replay {recorder.path} holds it again.")
        if not whole:
            print("The conversation was interrupted.", file=sys.stderr)
        return 0 if whole else 130
    return 2


def _recorder(folder: Path) -> "Recorder":
    from antiphon.recording import Recorder
    from antiphon.recording.bots import described

    return Recorder(folder, name="demo", about=described(bot="demo", model=MODEL))


def _leave(out: Path, call: Call, report: Report) -> None:
    """Write what is to be heard, seen and read."""
    from antiphon.picture.timeline import draw

    user, bot = call.user.track.samples, call.bot.track.samples
    length = min(len(user), len(bot))
    with WaveWriter(out / "conversation.wav", RATE, channels=2) as file:
        file.write(np.column_stack((user[:length], bot[:length])).astype("<i2").tobytes())
    report.write(out / "report.json")
    draw(report, user[:length], bot[:length], RATE, out / "timeline.png")
