"""Figures, where they were measured, and how they are shown."""

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


def cpu_us(work: Callable[[], object]) -> float:
    """CPU time of this thread for *work*, in microseconds."""
    start = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - start) / 1000


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


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text; columns in the order in which they first occur."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [columns, *([_cell(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in cells]
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "" if value is None else str(value)


def report(question: str, rows: Sequence[Row], path: Path | None) -> None:
    """Print the table and, with *path*, write the same as JSON."""
    host = machine()
    text = json.dumps({"question": question, "machine": host, "rows": rows}, indent=2)
    if path:
        path.write_text(text)
    print(f"{question}\n{', '.join(f'{k} {v}' for k, v in host.items())}\n\n{table(rows)}")
