"""Voice bots on realtime speech models: processors in a line, providers as codecs."""

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
    "Speech",
    "Tee",
    "__version__",
    "alone",
]
