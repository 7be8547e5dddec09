"""The command `antiphon`. What a subcommand needs is imported when it is asked for."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from antiphon import __version__

AddParser = Callable[..., argparse.ArgumentParser]

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
        run: Callable[[argparse.Namespace], int] = given.run
        status = run(given)
        print(end="", flush=True)  # here, where it is known what to do if nobody reads it
        return status
    except KeyboardInterrupt:
        print("antiphon: interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # else whoever read our output has gone
            print(f"antiphon: {error}", file=sys.stderr)
        with contextlib.suppress(OSError):  # that this is no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _demo(given: argparse.Namespace) -> int:
    from antiphon.demo.command import demo

    return demo(given.out, fast=given.fast, plain=given.plain, record=given.record)


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
            record=given.record,
        )
    )


def _dialects(given: argparse.Namespace) -> int:
    from antiphon.codec.catalogue import catalogue

    return catalogue(given.dialects, as_json=given.json)


def _translate(given: argparse.Namespace) -> int:
    from antiphon.codec.translate import translate

    return translate(given.source, given.target, given.side, given.model)


def _codec_bench(given: argparse.Namespace) -> int:
    from antiphon.codec.bench import bench

    return bench(given.json, quick=given.quick)


def _token(given: argparse.Namespace) -> int:
    from antiphon.token_command import print_token

    return print_token(
        given.provider,
        model=given.model,
        lifetime=given.lifetime,
        instructions=given.instructions,
        voice=given.voice,
        base_url=given.base_url,
    )


def _serve(given: argparse.Namespace) -> int:
    from antiphon.gateway.command import serve

    return serve(
        config=given.config,
        host=given.host,
        port=given.port,
        tls_cert=given.tls_cert,
        tls_key=given.tls_key,
        workers=given.workers,
        store=given.store,
    )


def _emulate(given: argparse.Namespace) -> int:
    from antiphon.emulation.command import emulate

    return emulate(
        given.providers,
        host=given.host,
        port=given.port,
        script=given.script,
        think=given.think,
        fault=given.fault,
        seed=given.seed,
        as_json=given.json,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="antiphon", description="Voice bots on realtime speech models, also offline."
    )
    parser.add_argument("--version", action="version", version=f"antiphon {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    _add_demo(commands.add_parser)
    _add_talk(commands.add_parser)
    _add_dialects(commands.add_parser)
    _add_translate(commands.add_parser)
    _add_codec(commands.add_parser)
    _add_token(commands.add_parser)
    _add_serve(commands.add_parser)
    _add_emulate(commands.add_parser)
    _add_replay(commands.add_parser)
    return parser


def _add_demo(add_parser: AddParser) -> None:
    demo = add_parser(
        "demo",
        help="a spoken conversation on this machine, recorded, drawn and measured",
        description="A synthetic user talks to the local model: no key, no network, no sound card.",
    )
    demo.set_defaults(run=_demo)
    demo.add_argument(
        "--out",
        type=Path,
        default=Path("antiphon-demo"),
        metavar="DIR",
        help="where conversation.wav, timeline.png and report.json go (default: %(default)s)",
    )
    demo.add_argument("--fast", action="store_true", help="under a clock that jumps: seconds")
    _add_record(demo)
    demo.add_argument("--plain", action="store_true", help="plain lines, also on a terminal")


def _add_talk(add_parser: AddParser) -> None:
    talk = add_parser(
        "talk",
        help="talk to a model, by microphone and speaker or by files",
        description="A bot on this machine's microphone and speaker, or on files.",
    )
    talk.set_defaults(run=_talk)
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
    _add_record(talk)
    talk.add_argument("--input-device", metavar="NAME", help="a microphone, by name or number")
    talk.add_argument("--output-device", metavar="NAME", help="a speaker, by name or number")
    talk.add_argument("--list-devices", action="store_true", help="list them and exit")


def _add_dialects(add_parser: AddParser) -> None:
    dialects = add_parser(
        "dialects",
        help="what can be said to and by each provider",
        description="Which events each dialect has a message for, and what else is known of it.",
    )
    dialects.set_defaults(run=_dialects)
    dialects.add_argument(
        "dialects", nargs="*", metavar="DIALECT", help="only these; one of them in detail"
    )
    dialects.add_argument("--json", action="store_true", help="the same as data")


def _add_translate(add_parser: AddParser) -> None:
    translate = add_parser(
        "translate",
        help="one provider's messages into another's, line by line",
        description="Reads one JSON message a line, and writes the other dialect's as they come. "
        'A binary frame is a line of its own: {"binary": "<base64>"}. What cannot be read or said '
        "is told on standard error, and the exit status is 1.",
    )
    translate.set_defaults(run=_translate)
    translate.add_argument("--from", dest="source", required=True, metavar="DIALECT")
    translate.add_argument("--to", dest="target", required=True, metavar="DIALECT")
    translate.add_argument(
        "--side",
        choices=("client", "server"),
        required=True,
        help="who says the lines: a client, or the provider's server",
    )
    translate.add_argument("--model", default="", metavar="ID", help="where the wire names it")


def _add_codec(add_parser: AddParser) -> None:
    codec = add_parser("codec", help="how fast dialects are read and written")
    actions = codec.add_subparsers(dest="action", metavar="ACTION", required=True)
    bench = actions.add_parser(
        "bench",
        help="measure it on this machine",
        description="Microseconds a message, beside json and whatever else is installed.",
    )
    bench.set_defaults(run=_codec_bench)
    bench.add_argument("--json", type=Path, metavar="PATH", help="write the rows there too")
    bench.add_argument("--quick", action="store_true", help="rough, in a few seconds")


def _add_token(add_parser: AddParser) -> None:
    token = add_parser(
        "token",
        help="a short-lived token that a browser may have, as JSON",
        description="Asks a provider for a token; the key is in its environment variable.",
    )
    token.set_defaults(run=_token)
    token.add_argument("provider", help="a dialect that mints tickets: see antiphon dialects")
    token.add_argument("--model", required=True, metavar="ID", help="or the id of an agent")
    token.add_argument(
        "--lifetime", type=int, metavar="SECONDS", help="within which it must be used"
    )
    token.add_argument("--instructions", metavar="TEXT", help="bound to it, where that is possible")
    token.add_argument("--voice", metavar="NAME", help="likewise")
    token.add_argument("--base-url", metavar="URL", help="of the provider's interface")


def _add_serve(add_parser: AddParser) -> None:
    serve = add_parser(
        "serve",
        help="a gateway: any realtime SDK in front, any model behind",
        description="Without a configuration every model is local/assistant, at 127.0.0.1:8080.",
    )
    serve.set_defaults(run=_serve)
    serve.add_argument("--config", type=Path, metavar="FILE", help="settings, in TOML")
    serve.add_argument("--host", metavar="ADDRESS", help="where it listens")
    serve.add_argument("--port", type=int, metavar="NUMBER", help="0: any that is free")
    serve.add_argument("--tls-cert", type=Path, metavar="FILE", help="a certificate, in PEM")
    serve.add_argument("--tls-key", type=Path, metavar="FILE", help="its key")
    serve.add_argument("--workers", type=int, metavar="N", help="processes on one port")
    serve.add_argument("--store", metavar="URL", help="Valkey or Redis, for several processes")


def _add_emulate(add_parser: AddParser) -> None:
    emulate = add_parser(
        "emulate",
        help="stand in for providers, for tests of programs that use them",
        description="A scripted model behind the providers' own interfaces, on this machine.",
    )
    emulate.set_defaults(run=_emulate)
    emulate.add_argument("providers", nargs="*", metavar="PROVIDER", help="all, unless named")
    emulate.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    emulate.add_argument(
        "--port", type=int, default=8090, help="0 is any; TLS is at the next (default: %(default)s)"
    )
    emulate.add_argument(
        "--script", type=Path, metavar="FILE", help="what the model does: see docs/emulation.md"
    )
    emulate.add_argument(
        "--think", type=float, default=0.3, metavar="SECONDS", help="before an answer (%(default)s)"
    )
    emulate.add_argument(
        "--fault", default="", metavar="FAULTS", help="what goes wrong, such as drop@3s,429*2"
    )
    emulate.add_argument("--seed", type=int, default=0, help="of all that is left to chance")
    emulate.add_argument("--json", action="store_true", help="one line of JSON with the URLs")


def _add_replay(add_parser: AddParser) -> None:
    from antiphon.recording.arguments import add_arguments

    add_arguments(
        add_parser(
            "replay",
            help="a recorded session held again, and what differs",
            description="Exit status 0 if nothing does; else the first difference is shown.",
        )
    )


def _add_record(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="record the session into a file there"
    )
