"""What does it cost to read, to write and to translate a message?

What `antiphon codec bench` says, on messages that were recorded of real providers and clients
too, and beside pipecat-ai's service for OpenAI where that is installed. It is left out where it
refuses a message.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from antiphon.codec.bench import QUESTION, Effort, again, cases, measured, skipped, translations
from antiphon.codec.peers import Case, Peer, peers
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.codecs.wire import Message
from benchmarks.harness import arguments, report, version

RECORDED = Path(__file__).parents[1] / "tests" / "data" / "wire"


def contenders() -> tuple[list[Peer], list[str]]:
    found, missing = peers()
    if version("pipecat-ai"):
        from benchmarks.peers.pipecat_events import Pipecat

        found.append(Pipecat())
    else:
        missing.append("pipecat-ai")
    return found, missing


def recorded(dialects: Sequence[Dialect], times: int) -> Iterator[Case]:
    for dialect in dialects:
        server = _messages(f"{dialect.name}.server.jsonl")
        client = _messages(f"{dialect.name}.client.jsonl")
        if server:
            turns = max(1, times // len(server))
            yield Case(
                dialect=dialect.name,
                does="client decodes",
                what="recorded",
                messages=server * turns,
                prepare=again(lambda d=dialect: d.client("").decode, server, turns),
            )
        if client:
            turns = max(1, times // len(client))
            yield Case(
                dialect=dialect.name,
                does="server decodes",
                what="recorded",
                messages=client * turns,
                prepare=again(lambda d=dialect: d.server("").decode, client, turns),
            )


def _messages(name: str) -> list[Message]:
    """Those in a file, if it is there, but none that is no JSON: peers could not read it."""
    path = RECORDED / name
    lines = path.read_text().splitlines() if path.exists() else []
    said = [json.loads(line) for line in lines]
    return [json.dumps(one["wire"]) for one in said if "wire" in one]


def main() -> None:
    options = arguments(__doc__ or "", repeats=7, messages=300)
    effort = Effort(options.messages, options.repeats)
    dialects = [find_dialect(name) for name in DIALECTS]
    others, missing = contenders()
    rows = [*measured(cases(dialects, effort), others, effort)]
    rows += measured(recorded(dialects, effort.messages), others, effort)
    rows += measured(translations(dialects, effort), (), effort)
    report(f"{QUESTION}{skipped(missing)}", rows, options.json)


if __name__ == "__main__":
    main()
