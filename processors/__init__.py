"""What bots are assembled from: sources and sinks, a realtime model, tools, and what lies between."""

from antiphon.processors.audiofile import AudioFileError
from antiphon.processors.devices import DeviceError, MicSource, SpeakerSink
from antiphon.processors.files import FileSink, FileSource
from antiphon.processors.latency import Latency, TurnTimes
from antiphon.processors.player import PacedSink
from antiphon.processors.realtime import Model, Realtime
from antiphon.processors.resampler import Resampler
from antiphon.processors.tool import LATER, Tool, ToolError
from antiphon.processors.tools import Tools
from antiphon.processors.transcript import Said, Transcript
from antiphon.processors.vad import Vad

__all__ = [
    "LATER",
    "AudioFileError",
    "DeviceError",
    "FileSink",
    "FileSource",
    "Latency",
    "MicSource",
    "Model",
    "PacedSink",
    "Realtime",
    "Resampler",
    "Said",
    "SpeakerSink",
    "Tool",
    "ToolError",
    "Tools",
    "Transcript",
    "TurnTimes",
    "Vad",
]
