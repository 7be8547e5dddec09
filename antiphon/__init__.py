"""Voice bots on realtime speech models: processors in a line, providers as codecs."""

from typing import TYPE_CHECKING, Any

from antiphon.pipeline import (
    Audio,
    Back,
    Forth,
    Frame,
    Interrupt,
    Merge,
    Pipeline,
    PipelineError,
    ProcessorError,
    Run,
    Speech,
    Tee,
    alone,
)

if TYPE_CHECKING:
    from antiphon.session import Session

__version__ = "0.1.0"

__all__ = [
    "Audio",
    "Back",
    "Forth",
    "Frame",
    "Interrupt",
    "Merge",
    "Pipeline",
    "PipelineError",
    "ProcessorError",
    "Run",
    "Session",
    "Speech",
    "Tee",
    "__version__",
    "alone",
]


def __getattr__(name: str) -> Any:
    """A session needs numpy, which takes longer to import than all of this."""
    if name == "Session":
        from antiphon.session import Session

        return Session
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
