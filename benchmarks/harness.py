"""What every benchmark shares: arguments, repeats, the machine, a table, a JSON file."""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, cast

Row = Mapping[str, Any]


def arguments(question: str, *, repeats: int | None = 5, **more: Any) -> argparse.Namespace:
    """The command line; *more* are further options as NAME=default.

    *repeats* is the default of that option, None for a question without it.
    """
    parser = argparse.ArgumentParser(description=question)
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the rows there too")
    if repeats is not None:
        runs = "runs of each row (median counts)"
        parser.add_argument("--repeats", type=int, default=repeats, help=runs)
    for name, default in more.items():
        flag, convert = "--" + name.replace("_", "-"), cast(Callable[[str], Any], type(default))
        parser.add_argument(flag, type=convert, default=default)
    return parser.parse_args()


def median(measure: Callable[[], float], repeats: int) -> float:
    """The median of *repeats* calls of *measure*, after one call that does not count."""
    measure()
    return statistics.median(measure() for _ in range(repeats))


def cpu_us(work: Callable[[], object], times: int) -> float:
    """CPU time of this thread for one call of *work*, in microseconds."""
    start = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - start) / times * 1e6


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), cpu)
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
    }


def version(distribution: str) -> str | None:
    """The installed version, or None where the peer is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "" if value is None else str(value)


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text; columns in the order in which they first occur."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [columns, *([_cell(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in cells]
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(line.rstrip() for line in lines)


def report(question: str, rows: Sequence[Row], path: Path | None) -> None:
    """Print the table and, with *path*, write the same as JSON."""
    host = machine()
    print(f"{question}\n{', '.join(f'{k} {v}' for k, v in host.items())}\n\n{table(rows)}")
    if path:
        path.write_text(json.dumps({"question": question, "machine": host, "rows": rows}, indent=2))
