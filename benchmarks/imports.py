"""What does it cost to import, before anything is done with it?

Each statement in fresh processes, which take turns, medians of all. `ms` and `CPU ms` are
what it adds to a process that does nothing, `ratio` the whole process's time to that of one
that does nothing; `modules` is how many more are loaded. The peers are those that are
installed.
"""

import importlib.util
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
HELP = "import sys; sys.argv = ['antiphon', '--help']; from antiphon.cli import main; main()"

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

PROGRAM = """
import sys
try:
    {statement}
finally:
    print(len(sys.modules), file=sys.stderr)
"""


class Start(NamedTuple):
    """Of one process."""

    wall_ms: float
    cpu_ms: float
    modules: float


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def start(statement: str) -> Start:
    program = PROGRAM.format(statement=statement)
    cpu, wall = children_cpu(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    wall, cpu = time.perf_counter() - wall, children_cpu() - cpu
    return Start(wall * 1e3, cpu * 1e3, int(done.stderr.split()[-1]))


def parts() -> Iterator[str]:
    """The package and what lies in it, by the names that they are imported by."""
    yield "antiphon"
    for part in pkgutil.iter_modules(antiphon.__path__, "antiphon."):
        if not part.name.endswith("__main__"):
            yield part.name


def contenders() -> dict[str, str]:
    """Statements by what they are called."""
    statements = {"nothing": NOTHING} | {f"import {name}": f"import {name}" for name in parts()}
    if importlib.util.find_spec("antiphon.cli"):
        statements["antiphon --help"] = HELP
    for distribution, statement in PEERS.items():
        if installed := version(distribution):
            statements[f"{distribution} {installed}"] = statement
    return statements


def measure(repeats: int) -> dict[str, Start]:
    starts = defaultdict[str, list[Start]](list)
    statements = contenders()
    for statement in statements.values():
        start(statement)  # compiles it
    for _ in range(repeats):
        for name, statement in statements.items():
            starts[name].append(start(statement))
    return {
        name: Start(*(statistics.median(column) for column in zip(*some, strict=True)))
        for name, some in starts.items()
    }


def rows(starts: dict[str, Start]) -> Iterator[Row]:
    bare = starts["nothing"]
    for name, one in starts.items():
        yield {
            "": name,
            "ms": one.wall_ms - bare.wall_ms,
            "CPU ms": one.cpu_ms - bare.cpu_ms,
            "ratio": one.wall_ms / bare.wall_ms,
            "modules": round(one.modules - bare.modules),
        }


def main() -> None:
    question = (__doc__ or "").strip()
    options = arguments(question)
    report(question, list(rows(measure(options.repeats))), options.json)


if __name__ == "__main__":
    main()
