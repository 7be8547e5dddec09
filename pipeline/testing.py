"""A test kit: processors as functions, pipelines in virtual time.

`play` runs a processor over frames, `run_virtual` anything on a clock that jumps,
also with ready tasks in shuffled order.
"""

from collections.abc import Iterable, Sequence

from antiphon.pipeline.bind import bind, make
from antiphon.pipeline.fit import flatten
from antiphon.pipeline.frames import Frame
from antiphon.pipeline.fuse import Port, ProcessorNode
from antiphon.pipeline.members import Member, name_of
from antiphon.pipeline.observe import Hooks
from antiphon.pipeline.stage import StageNode
from antiphon.pipeline.virtual import Standstill, VirtualLoop, run_virtual

__all__ = ["Played", "Standstill", "VirtualLoop", "play", "run_virtual"]


class Played(list[Frame]):
    """What came out at the end; `back` is what came out towards the source."""

    def __init__(self) -> None:
        super().__init__()
        self.back: list[Frame] = []


def play(
    members: Member | Sequence[Member],
    frames: Iterable[Frame],
    *,
    returned: Iterable[Frame] = (),
    until: int | None = None,
) -> Played:
    """Send *frames* through processors, fused as in a pipeline, and what it gives.

    Time is the frames' own: a deadline expires before the first frame that is not
    earlier, and those up to *until* after the last. *returned* are sent back, from
    behind, after the frames; then the input ends.
    """
    line = flatten(members if isinstance(members, (list, tuple)) else (members,))  # pyright: ignore[reportArgumentType]
    nodes = make(line, name_of, Hooks(()), bound=1)
    played = Played()
    entry = bind(nodes, Port(played.append, lambda: None, ()), played.back.append)
    inner = [node for top in nodes for node in top.nodes()]
    if any(isinstance(node, StageNode) for node in inner):
        raise TypeError("play() runs processors; a stage waits: run it in a Pipeline")
    processors = [node for node in inner if isinstance(node, ProcessorNode)]
    timed = [node for node in processors if node.timed]
    for node in reversed(processors):
        node.start()
    for frame in frames:
        _expire(timed, frame.at)
        entry.push(frame)
    for frame in returned:
        (nodes[-1].back if nodes else played.back.append)(frame)
    if until is not None:
        _expire(timed, until)
    entry.close()
    return played


def _expire(timed: Sequence[ProcessorNode], at: int) -> None:
    while due := [(d, i) for i, n in enumerate(timed) if (d := n.deadline) is not None and d <= at]:
        deadline, which = min(due)
        timed[which].expire(deadline)
