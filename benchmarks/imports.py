"""What does importing it cost, before anything is done with it?

Each in fresh processes, one after the other: CPU time and time by the clock for the whole
process, median of all; beside that `ms` without what the interpreter itself takes to start,
and `ratio` of the whole to a start that imports nothing. `modules` counts those loaded that
the bare interpreter had not, `MB` is the process's peak. The peers are those installed.
"""

import json
import pkgutil
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import antiphon
from benchmarks.harness import Row, arguments, report, version

NOTHING = "pass"

PEERS = {
    "anyio": "import anyio",
    "msgspec": "import msgspec",
    "numpy": "import numpy",
    "websockets": "import websockets.asyncio.client",
    "aiortc": "import aiortc",
    "pipecat-ai": "from pipecat.pipeline.worker import PipelineWorker",
    "livekit-agents": "import livekit.agents",
    "openai-agents": "import agents.realtime",
    "fastrtc": "import fastrtc",
}
"""How a program begins that uses the distribution."""

TOLD = """
import json, resource, sys
print(json.dumps([len(sys.modules), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


class Start(NamedTuple):
    wall_ms: float
    cpu_ms: float
    modules: int
    peak: int
    """Of memory, in the system's unit: KB on Linux, bytes on macOS."""
