"""`antiphon talk`: a bot on this machine's microphone and speaker, or on files."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from antiphon.failures import explained
from antiphon.pipeline import Member, Pipeline, Watchdog
from antiphon.pipeline.virtual import run_virtual
from antiphon.processors.latency import Latency
from antiphon.processors.models import find_model
from antiphon.processors.realtime import Realtime
from antiphon.processors.tool import ToolError
from antiphon.processors.transcript import Transcript
from antiphon.show.display import JsonLines, Show, show_for
from antiphon.signals import interruptible

if TYPE_CHECKING:
    from antiphon.recording import Recorder

RATE = 24_000


class Talk(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for."""

    source: Path | None = None
    sink: Path | None = None
    model: str = "local/assistant"
    tools: str | None = None
    instructions: str | None = None
    voice: str | None = None
    json: bool = False
    fast: bool = False
    input_device: str | None = None
    output_device: str | None = None
    record: Path | None = None
    """Where a recording of the session goes."""


def talk(asked: Talk) -> int:
    """Talk until the file ends or Ctrl-C; 0, or 2 when something has to be mended first."""
    with explained():
        if asked.fast and not (asked.source and asked.sink):
            print(
                "antiphon: --fast needs --in and --out: a device keeps real time", file=sys.stderr
            )
            return 2
        show = JsonLines(sys.stdout) if asked.json else show_for(sys.stdout)
        recorder = _recorder(asked, asked.record) if asked.record is not None else None
        try:
            pipeline = _pipeline(asked, show, recorder)
            if asked.fast:
                run_virtual(interruptible, pipeline.run)
            else:
                anyio.run(interruptible, pipeline.run)
        finally:
            show.close()
            if recorder is not None:
                recorder.close()
        return 0
    return 2


def list_devices() -> int:
    from antiphon.processors.portaudio import described

    with explained():
        print(described())
        return 0
    return 2


def _recorder(asked: Talk, folder: Path) -> "Recorder":
    from antiphon.recording import Recorder
    from antiphon.recording.bots import described

    about = described(
        bot="talk", model=asked.model, instructions=asked.instructions, voice=asked.voice
    )
    return Recorder(folder, name="talk", about=about)


def _pipeline(asked: Talk, show: Show, recorder: "Recorder | None") -> Pipeline:
    model = find_model(asked.model)
    realtime = Realtime(
        model,
        tools=_tools(asked.tools) if asked.tools else (),
        instructions=asked.instructions,
        voice=asked.voice,
    )
    pipeline = Pipeline(
        _source(asked),
        realtime,
        Transcript(show.said),
        Latency(show.measured),
        _sink(asked),
        fit="auto",
        observers=() if asked.fast else [Watchdog()],
    )
    if recorder is not None:
        from antiphon.recording.wire import tap

        tap(model, recorder)
        recorder.watch(pipeline)
    return pipeline


def _source(asked: Talk) -> Member:
    if asked.source is not None:
        from antiphon.processors.files import FileSource

        return FileSource(asked.source)
    from antiphon.processors.devices import MicSource

    return MicSource(_device(asked.input_device))


def _sink(asked: Talk) -> Member:
    if asked.sink is not None:
        from antiphon.processors.files import FileSink

        return FileSink(asked.sink, rate=RATE)
    from antiphon.processors.devices import SpeakerSink

    return SpeakerSink(_device(asked.output_device), rate=RATE)


def _device(given: str | None) -> int | str | None:
    """A device's number or a part of its name."""
    return int(given) if given is not None and given.isdigit() else given


def _tools(where: str) -> Sequence[Any]:
    """The functions that MODULE:ATTR names, one or a sequence."""
    import pkgutil

    sys.path.insert(0, "")  # modules of the folder one is in, as with python -m
    try:
        found = pkgutil.resolve_name(where)
    except (ImportError, AttributeError, ValueError) as error:
        raise ToolError(
            f"--tools {where}: {error}; give MODULE:ATTR, such as mytools:weather"
        ) from error
    finally:
        sys.path.remove("")
    return found if isinstance(found, (list, tuple)) else (found,)  # pyright: ignore[reportUnknownVariableType]
