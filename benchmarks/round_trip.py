"""How long after the user's last word is the answer's first sound at the sink?

A user speaks 200 ms of 16 kHz in paced frames of 20 ms, and is silent; a model of 24 kHz hears
by loudness that the turn is over, thinks for a fixed time and speaks. It stands in the pipeline,
or behind a provider's dialect in a process of its own. `whole` is from the last sample of speech
to the first of the answer. Of that are

- voice activity: silence that is waited for, in whole frames, as the script has it;
- source: how late its timer let it give away the frame that ends the turn;
- think: as long as it really took, the lateness of the timer included;
- packets: on a call, waiting for the next packet to leave, and in the jitter buffer;
- network: from the last write to the socket until the other side's loop has the bytes;
- other guests: how long whoever worked on it was ready to run, but had no core (known on Linux);
- own: all the rest. Resampling, lanes, codecs, the libraries of the transport on both sides, the
  work of switching between tasks, and on a call the 6.5 ms by which Opus delays all sound.

Milliseconds by the loop's clock; percentiles of each repeat's turns, of which the median counts.
`to pipecat` is the ratio to pipecat-ai's processors in process (without resampling), where that
is installed.
"""

import argparse
import asyncio
import statistics
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import anyio

from antiphon.pipeline import Pipeline
from antiphon.processors.realtime import Realtime
from benchmarks.harness import Row, report, version
from benchmarks.peers.answering import PAUSE, SPEECH, TURN, Answers, Line, Notes, Sink, User
from benchmarks.peers.packets import Packets, noting
from benchmarks.peers.provider import provider
from benchmarks.peers.stamps import Moment, StampedLoop

THINK = 0.1
"""Seconds."""

LIMITS = {"in process": 2.0, "WebSocket": 5.0}
"""Milliseconds that the own share's 99th percentile is to stay below."""

PERCENTILES = (50, 95, 99)

LEAST = 0.001
"""Milliseconds that the picture shows."""


class Shares(NamedTuple):
    """Of one turn, in milliseconds."""

    whole: float
    voice_activity: float
    source: float
    think: float
    packets: float
    network: float
    other_guests: float
    own: float


Way = Callable[[Moment, Moment], Sequence[tuple[Moment, Moment]]]
"""Cuts a way from one member to another into the parts that one thread works on."""

Trial = Callable[[int], Awaitable[list[Shares]]]
"""Holds so many turns, of which the first does not count."""


async def in_process(turns: int) -> list[Shares]:
    notes = Notes()
    model = Realtime(Answers(THINK, notes))
    await Pipeline(User(turns, notes), model, Sink(notes), fit="auto").run()
    return shares(notes, uncut, uncut)


async def over_websocket(turns: int) -> list[Shares]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, StampedLoop)
    notes = Notes()
    async with provider("answers", THINK) as served:
        model = Realtime(served.model())
        await Pipeline(User(turns, notes), model, Sink(notes), fit="auto").run()
    noted = served.noted
    notes.ended, notes.spoke = noted.notes.ended, noted.notes.spoke
    there, back = partial(cut, loop.wrote, noted.read), partial(cut, noted.wrote, loop.read)
    return shares(notes, there, back)


async def over_webrtc(turns: int) -> list[Shares]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, StampedLoop)
    notes, packets, line = Notes(), Packets(), Line()
    async with provider("calls", THINK) as served:
        with noting(packets):
            model = Realtime(served.model())
            user = User(turns, notes, line)
            await Pipeline(user, model, line, Sink(notes), fit="auto").run()
    noted = served.noted
    notes.ended, notes.spoke = noted.notes.ended, noted.notes.spoke
    there = partial(follow, packets, loop.wrote, noted.read, noted.packets)
    back = partial(follow, noted.packets, noted.wrote, loop.read, packets)
    return call_shares(notes, there, back)


async def by_pipecat(turns: int) -> list[Shares]:
    from benchmarks.peers import pipecat_turns

    notes = Notes()
    await pipecat_turns.in_process(turns, THINK, notes)
    return shares(notes, uncut, uncut)


def uncut(begin: Moment, end: Moment) -> Sequence[tuple[Moment, Moment]]:
    return [(begin, end)]


def cut(
    wrote: Sequence[Moment], read: Sequence[Moment], begin: Moment, end: Moment
) -> Sequence[tuple[Moment, Moment]]:
    """At what was read last before the end, and written last before that."""
    came = read[bisect_right(read, end.at, key=_at) - 1]
    left = wrote[bisect_right(wrote, came.at, key=_at) - 1]
    return [(begin, left), (came, end)]


def _at(moment: Moment) -> float:
    return moment.at


class Hop(NamedTuple):
    """What a piece of sound went through: each is the moment at which that begins."""

    given: Moment
    encoded: Moment
    wrote: Moment
    read: Moment
    arrived: Moment
    taken: Moment


def follow(
    sender: Packets,
    wrote: Sequence[Moment],
    read: Sequence[Moment],
    receiver: Packets,
    end: Moment,
) -> Hop:
    """The packet with which something ended at *end*, traced back to where it was given in."""
    arrived, taken = receiver.heard[bisect_right(receiver.heard, end.at, key=_taken_at) - 1]
    came = _last(read, arrived)
    left = _last(wrote, came)
    encoded = _last(sender.encoded, left)
    return Hop(_last(sender.given, encoded), encoded, left, came, arrived, taken)


def _taken_at(packet: tuple[Moment, Moment]) -> float:
    return packet[1].at


def _last(moments: Sequence[Moment], end: Moment) -> Moment:
    return moments[bisect_right(moments, end.at, key=_at) - 1]


def call_shares(
    notes: Notes, there: Callable[[Moment], Hop], back: Callable[[Moment], Hop]
) -> list[Shares]:
    """Of turns on a call, where a packet, and not a frame of the user's, is what ends a turn."""
    found: list[Shares] = []
    words = [turn * TURN + SPEECH - 1 for turn in range(len(notes.sent) // TURN)]
    turns = zip(words, notes.ended, notes.spoke, notes.heard, strict=True)
    for word, (_, ended), spoke, heard in turns:
        went, came = there(ended), back(heard)
        number = bisect_right(notes.sent, went.given.at, key=_at) - 1
        if not word < number < word + TURN or came.taken.at < spoke.at:
            raise RuntimeError("turns did not end where they should: the shares mean nothing")
        sent, due = notes.sent[number], notes.due[number]
        # The answer's first piece may wait for the packet after the one of the last silence.
        given = spoke if came.given.at < spoke.at else came.given
        worked = [
            (sent, went.given),
            (went.encoded, went.wrote),
            (went.read, went.arrived),
            (went.taken, ended),
            (spoke, given),
            (came.encoded, came.wrote),
            (came.read, came.arrived),
            (came.taken, heard),
        ]
        took = sum(end.at - begin.at for begin, end in worked)
        waited = sum(end.waited - begin.waited for begin, end in worked)
        seconds = (
            heard.at - notes.due[word],
            due - notes.due[word],
            sent.at - due,
            spoke.at - ended.at,
            (went.encoded.at - went.given.at)
            + (went.taken.at - went.arrived.at)
            + (came.encoded.at - given.at)
            + (came.taken.at - came.arrived.at),
            (went.read.at - went.wrote.at) + (came.read.at - came.wrote.at),
            waited,
            took - waited,
        )
        found.append(Shares(*(one * 1_000 for one in seconds)))
    return found[1:]


def shares(notes: Notes, there: Way, back: Way) -> list[Shares]:
    words = [turn * TURN + SPEECH - 1 for turn in range(len(notes.sent) // TURN)]
    if [number for number, _ in notes.ended] != [word + PAUSE for word in words]:
        raise RuntimeError("turns did not end where they should: the shares would mean nothing")
    found: list[Shares] = []
    turns = zip(words, notes.ended, notes.spoke, notes.heard, strict=True)
    for word, (number, ended), spoke, heard in turns:
        last, due, sent = notes.due[word], notes.due[number], notes.sent[number]
        worked = [*there(sent, ended), *back(spoke, heard)]
        moved = ended.at - sent.at + heard.at - spoke.at
        took = sum(end.at - begin.at for begin, end in worked)
        waited = sum(end.waited - begin.waited for begin, end in worked)
        seconds = (
            heard.at - last,
            due - last,
            sent.at - due,
            spoke.at - ended.at,
            0.0,
            moved - took,
            waited,
            took - waited,
        )
        found.append(Shares(*(one * 1_000 for one in seconds)))
    return found[1:]


def ways() -> tuple[dict[str, tuple[Trial, Any]], list[str]]:
    """Trials with the loops that they run on, and what is left out, with the reason."""
    found: dict[str, tuple[Trial, Any]] = {
        "in process": (in_process, None),
        "WebSocket": (over_websocket, StampedLoop),
    }
    skipped: list[str] = []
    if version("aiortc"):
        found["WebRTC"] = over_webrtc, StampedLoop
    else:
        skipped.append("WebRTC: aiortc is not installed")
    if installed := version("pipecat-ai"):
        found[f"pipecat {installed} in process"] = by_pipecat, None
    else:
        skipped.append("pipecat: pipecat-ai is not installed")
    return found, skipped


def measure(
    found: Mapping[str, tuple[Trial, Any]], turns: int, repeats: int
) -> dict[str, list[list[Shares]]]:
    """The turns of each repeat; ways take turns, so that a bad moment does not meet one alone."""
    held = defaultdict[str, list[list[Shares]]](list)
    for _ in range(repeats):
        for name, (trial, loop) in found.items():
            options = {"loop_factory": loop} if loop else {}
            held[name].append(anyio.run(trial, turns + 1, backend_options=options))
    return held


def percentile(values: Sequence[float], percent: int) -> float:
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def rows(held: Mapping[str, list[list[Shares]]]) -> Iterator[Row]:
    def typical(name: str, share: str, percent: int) -> float:
        return statistics.median(
            percentile([getattr(turn, share) for turn in turns], percent) for turns in held[name]
        )

    peer = next((name for name in held if name.startswith("pipecat")), None)
    for name, repeats in held.items():
        for share in Shares._fields:
            row: dict[str, object] = {"way": name, "share": share.replace("_", " ")}
            for percent in PERCENTILES:
                row[f"p{percent} ms"] = typical(name, share, percent)
            row["worst"] = max(getattr(turn, share) for turns in repeats for turn in turns)
            row["turns"] = sum(map(len, repeats))
            if share == "own":
                row["p99 to be"] = LIMITS.get(name)
                if peer and name in ("in process", peer):
                    row["to pipecat"] = typical(name, share, 50) / typical(peer, share, 50)
            yield row


def draw(held: Mapping[str, list[list[Shares]]], path: Path) -> None:
    """Histograms of the own share, one below the other, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, StrMethodFormatter

    own = {
        name: [max(LEAST, turn.own) for turns in some for turn in turns]
        for name, some in held.items()
    }
    low, high = min(map(min, own.values())), max(map(max, own.values()))
    ratio = (high / low * 1.01) ** (1 / 60)
    edges = [low * 0.99 * ratio**step for step in range(63)]
    figure: Any = Figure(figsize=(8, 1 + 1.7 * len(own)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(len(own), 1, sharex=True, squeeze=False)
    for axes, (name, values) in zip(panels[:, 0], own.items(), strict=True):
        axes.hist(values, bins=edges, color="#4477aa")
        axes.set_xscale("log")
        marks = [(f"p{one}", percentile(values, one), "#222222") for one in PERCENTILES]
        if limit := LIMITS.get(name):
            marks.append(("p99 at most", limit, "#cc3311"))
        for style, (label, at, color) in zip(("-", "--", ":", "-"), marks, strict=False):
            axes.axvline(at, color=color, linewidth=1, linestyle=style, label=f"{label}: {at:.2g}")
        axes.legend(fontsize=7, loc="upper right")
        axes.set_title(f"{name}, {len(values)} turns", loc="left", fontsize=9)
        axes.set_ylabel("turns", fontsize=8)
    panels[-1, 0].xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panels[-1, 0].xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panels[-1, 0].xaxis.set_minor_locator(LogLocator(subs=()))
    panels[-1, 0].set_xlabel("the framework's own share of a round trip, ms")
    figure.savefig(path, format="png", metadata={"Software": None})


def main() -> None:
    question = (__doc__ or "").strip()
    parser = argparse.ArgumentParser(description=question.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the rows there too")
    parser.add_argument("--picture", type=Path, metavar="PATH", help="or next to the JSON")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each way (median counts)")
    parser.add_argument("--turns", type=int, default=100, help="turns of a run")
    parser.add_argument("--quick", action="store_true", help="one run of three turns")
    given = parser.parse_args()
    turns, repeats = (3, 1) if given.quick else (given.turns, given.repeats)

    found, skipped = ways()
    held = measure(found, turns, repeats)
    left_out = "".join(f"\nLeft out: {one}." for one in skipped)
    report(f"{question}\n{left_out}", list(rows(held)), given.json)
    picture = given.picture or (given.json and given.json.with_suffix(".png"))
    if picture and version("matplotlib"):
        draw(held, picture)
        print(f"\nHistograms of the own share: {picture}")
    elif picture:
        print("\nNo picture: matplotlib is not installed")


if __name__ == "__main__":
    main()
