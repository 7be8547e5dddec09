"""What every benchmark shares: arguments, repeats, the machine, a table, a JSON file."""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from antiphon.codec.figures import Row, machine, report, table, version

__all__ = ["Row", "arguments", "cpu_us", "machine", "median", "report", "table", "version"]


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
