"""What another process has used, as Linux counts it."""

import resource
from pathlib import Path

KNOWN = Path("/proc/self/schedstat").exists() and Path("/proc/self/statm").exists()


def cpu_of(pid: int) -> float:
    """Seconds that all its threads have run."""
    return sum(ran for ran, _ in _threads(pid)) / 1e9


def waited_of(pid: int) -> float:
    """Seconds in which a thread of it could have run, but had no core."""
    return sum(waited for _, waited in _threads(pid)) / 1e9


def resident_of(pid: int) -> int:
    """Bytes in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _threads(pid: int) -> list[tuple[int, int]]:
    counts = (
        (task / "schedstat").read_text().split() for task in Path(f"/proc/{pid}/task").iterdir()
    )
    return [(int(ran), int(waited)) for ran, waited, _ in counts]
