"""Links a line of members, with its branches, into one port."""

from collections.abc import Callable, Iterator, Sequence

from antiphon.pipeline.frames import Frame, Interrupt
from antiphon.pipeline.fuse import Node, Port, ProcessorNode, Push
from antiphon.pipeline.members import Member, Merge, Tee, is_stage
from antiphon.pipeline.observe import Hooks
from antiphon.pipeline.stage import StageNode


class TeeNode(Node):
    """Branches, each a line of nodes, that end in the same port."""

    member: Tee

    def __init__(self, member: Tee, name: str, hooks: Hooks, lines: list[list[Node]]) -> None:
        super().__init__(member, name, hooks)
        self._lines = lines
        self._open = len(lines)

    def bind(self, after: Port) -> Port:
        joining = isinstance(self.member, Merge)
        self._after = after
        self._open += joining
        join = Port(self._once(after.push), self._branch_closed, after.lanes)
        entries = [bind(line, join, self.back_to_source) for line in self._lines]
        pushes = [join.push] if joining else [entry.push for entry in entries]
        lanes = after.lanes if joining else [lane for entry in entries for lane in entry.lanes]

        def push(frame: Frame) -> None:
            for enter in pushes:
                enter(frame)

        def close() -> None:
            for entry in entries:
                entry.close()
            if joining:
                self._branch_closed()

        return Port(pushes[0] if len(pushes) == 1 else push, close, lanes)

    def back(self, frame: Frame) -> None:
        hearing = [line[-1] for line in self._lines if any(node.hears_back for node in line)]
        for node in hearing:
            node.back(frame)
        if not hearing:
            self.before(frame)

    @property
    def hears_back(self) -> bool:
        return any(node.hears_back for line in self._lines for node in line)

    def back_to_source(self, frame: Frame) -> None:
        self.before(frame)

    def nodes(self) -> Iterator[Node]:
        yield self
        for line in self._lines:
            for node in line:
                yield from node.nodes()

    def _once(self, push: Push) -> Push:
        """*push*, which lets an Interrupt by that each branch brings only the first time."""
        last: Frame | None = None

        def once(frame: Frame) -> None:
            nonlocal last
            if isinstance(frame, Interrupt):
                if frame is last:
                    return
                last = frame
            push(frame)

        return once

    def _branch_closed(self) -> None:
        self._open -= 1
        if not self._open:
            self._after.close()


def make(
    line: Sequence[Member], name: Callable[[object], str], hooks: Hooks, bound: int
) -> list[Node]:
    """A node for each member of *line*."""
    nodes: list[Node] = []
    for member in line:
        if isinstance(member, Tee):
            lines = [make(branch, name, hooks, bound) for branch in member.branches]
            nodes.append(TeeNode(member, name(member), hooks, lines))
        elif is_stage(member):
            nodes.append(StageNode(member, name(member), hooks, bound))
        else:
            nodes.append(ProcessorNode(member, name(member), hooks))  # pyright: ignore[reportArgumentType]
    return nodes


def bind(line: Sequence[Node], after: Port, before: Push) -> Port:
    """Link *line* between what lies *after* and *before* it; its own port."""
    for node in reversed(line):
        after = node.bind(after)
    for node in line:
        node.before = before
        before = node.back
    return after
