"""Frames, processors, stages and what runs them. Knows no provider and no network."""

from antiphon.pipeline.clock import now, sleep_until
from antiphon.pipeline.errors import (
    DrainTimeout,
    FitError,
    LaneFull,
    NotRunning,
    PipelineError,
    ProcessorError,
)
from antiphon.pipeline.frames import Audio, Back, Forth, Frame, Interrupt, Speech
from antiphon.pipeline.members import (
    Emit,
    Frames,
    Member,
    Merge,
    Processor,
    Stage,
    Tee,
    Threaded,
    alone,
)
from antiphon.pipeline.observe import Observer
from antiphon.pipeline.pipeline import Pipeline
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.run import Run
from antiphon.pipeline.watchdog import Watchdog

__all__ = [
    "Audio",
    "Back",
    "DrainTimeout",
    "Emit",
    "FitError",
    "Forth",
    "Frame",
    "Frames",
    "Interrupt",
    "LaneFull",
    "Member",
    "Merge",
    "NotRunning",
    "Observer",
    "Pipeline",
    "PipelineError",
    "Plan",
    "Processor",
    "ProcessorError",
    "Run",
    "Speech",
    "Stage",
    "Tee",
    "Threaded",
    "Watchdog",
    "alone",
    "now",
    "sleep_until",
]
