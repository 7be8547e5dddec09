"""The command `antiphon`. What a subcommand needs is imported when it is asked for."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from antiphon import __version__

USAGE, INTERRUPTED = 2, 130
"""Exit statuses: something given or something missing is wrong; Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
        return USAGE
    try:
        if given.command == "demo":
            return _demo(given)
        return _talk(given)
    except KeyboardInterrupt:
        print("antiphon: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _demo(given: argparse.Namespace) -> int:
    from antiphon.demo.command import demo

    return demo(given.out, fast=given.fast, plain=given.plain)


def _talk(given: argparse.Namespace) -> int:
    from antiphon.talk import Talk, list_devices, talk

    if given.list_devices:
        return list_devices()
    return talk(
        Talk(
            source=given.source,
            sink=given.sink,
            model=given.model,
            tools=given.tools,
            instructions=given.instructions,
            voice=given.voice,
            json=given.json,
            fast=given.fast,
            input_device=given.input_device,
            output_device=given.output_device,
        )
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="antiphon", description="Voice bots on realtime speech models, also offline."
    )
    parser.add_argument("--version", action="version", version=f"antiphon {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    demo = commands.add_parser(
        "demo",
        help="a spoken conversation on this machine, recorded, drawn and measured",
        description="A synthetic user talks to the local model: no key, no network, no sound card.",
    )
    demo.add_argument(
        "--out",
        type=Path,
        default=Path("antiphon-demo"),
        metavar="DIR",
        help="where conversation.wav, timeline.png and report.json go (default: %(default)s)",
    )
    demo.add_argument("--fast", action="store_true", help="under a clock that jumps: seconds")
    demo.add_argument("--plain", action="store_true", help="plain lines, also on a terminal")

    talk = commands.add_parser(
        "talk",
        help="talk to a model, by microphone and speaker or by files",
        description="A bot on this machine's microphone and speaker, or on files.",
    )
    talk.add_argument(
        "--in",
        dest="source",
        type=Path,
        metavar="FILE",
        help="what the user says, in any audio file, instead of the microphone",
    )
    talk.add_argument(
        "--out",
        dest="sink",
        type=Path,
        metavar="FILE",
        help="a WAV file for the answer, instead of the speaker",
    )
    talk.add_argument("--model", default="local/assistant", help="default: %(default)s")
    talk.add_argument(
        "--tools", metavar="MODULE:ATTR", help="a typed function, or a list of them, as tools"
    )
    talk.add_argument("--instructions", metavar="TEXT", help="tell the model who it is")
    talk.add_argument("--voice", metavar="NAME", help="one of the model's voices")
    talk.add_argument("--json", action="store_true", help="one JSON object a line")
    talk.add_argument(
        "--fast", action="store_true", help="with --in and --out: do not wait in real time"
    )
    talk.add_argument("--input-device", metavar="NAME", help="a microphone, by name or number")
    talk.add_argument("--output-device", metavar="NAME", help="a speaker, by name or number")
    talk.add_argument("--list-devices", action="store_true", help="list them and exit")
    return parser
