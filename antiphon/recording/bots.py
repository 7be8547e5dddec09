"""Builds anew the bots that this command's own recordings are of."""

from collections.abc import Callable

from antiphon.codecs import events
from antiphon.codecs.config import ToolDefinition
from antiphon.processors.models import find_model
from antiphon.processors.realtime import Realtime
from antiphon.recording.reader import Recording, RecordingError
from antiphon.recording.records import CONFIG, Said, frame_of
from antiphon.recording.replay import Bot


def bot_of(recording: Recording) -> Callable[[], Bot]:
    """What builds the recorded bot; RecordingError if the recording does not know.

    It runs nothing that the file names: tools are known as the model was told of them, and
    answer from the recording.
    """
    match recording.header.get("bot"):
        case "demo":
            return _demo
        case "talk":
            return lambda: _talk(recording)
        case "serve":
            return lambda: find_model(recording.header.get("model", "local/assistant"))
        case _:
            raise RecordingError(
                recording.path,
                "it does not say how its bot is built; name it: --pipeline module:attr",
            )


def _demo() -> Bot:
    from antiphon.demo.command import INSTRUCTIONS, MODEL
    from antiphon.demo.tools import TOOLS

    return Realtime(MODEL, tools=TOOLS, instructions=INSTRUCTIONS)


def _talk(recording: Recording) -> Bot:
    header = recording.header
    return Realtime(
        header.get("model", "local/assistant"),
        tools=_tools_of(recording),
        instructions=header.get("instructions"),
        voice=header.get("voice"),
    )


def _tools_of(recording: Recording) -> tuple[ToolDefinition, ...]:
    for record in recording.of(CONFIG):
        if isinstance(record.body, Said):
            frame = frame_of(record.body)
            if isinstance(frame, events.SessionUpdate | events.SessionStart):
                return frame.config.tools or ()
    return ()


def described(**about: str | None) -> dict[str, str]:
    """What `bot_of` needs to know, without what was not given."""
    return {name: value for name, value in about.items() if value is not None}
