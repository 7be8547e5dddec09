"""What `antiphon replay` is told on the command line; the rest is loaded when it runs."""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=_run)
    parser.add_argument("file", type=Path, help="any of the files of a recording")
    parser.add_argument(
        "--pipeline",
        metavar="MODULE:ATTR",
        help="a function that builds the bot, or another bot for the same call",
    )
    parser.add_argument(
        "--speed", type=_positive, metavar="X", help="1 is real time (default: as fast as it goes)"
    )
    parser.add_argument(
        "--until", type=_positive, metavar="SECONDS", help="stop after so much of the session"
    )
    parser.add_argument(
        "--live-tools", action="store_true", help="call the tools instead of recorded answers"
    )
    parser.add_argument(
        "--live-sink",
        action="store_true",
        help="report what a loudspeaker would, for a bot that says something else",
    )


def _run(given: argparse.Namespace) -> int:
    from antiphon.recording.replay_command import run

    return run(given)


def _positive(text: str) -> float:
    if not (number := float(text)) > 0:
        raise ValueError
    return number
