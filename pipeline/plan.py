"""Shows how a pipeline will run: which members share a task, and where lanes stand."""

from collections.abc import Iterator, Sequence

import msgspec

from antiphon.pipeline.members import Member, Merge, Tee, is_stage, name_of


class Task(msgspec.Struct, frozen=True):
    """One stage with the processors fused behind it, by name."""

    stage: str | None
    """None for what runs in the task of whoever feeds the pipeline."""
    fused: tuple[str, ...] = ()
    branches: tuple["Plan", ...] = ()
    """Where the line divides behind the last fused processor."""
    joining: bool = False
    """What comes also passes by the branches, as in Merge."""


class Plan(msgspec.Struct, frozen=True):
    """The tasks of a line in order; a lane stands before each that has a stage."""

    tasks: tuple[Task, ...]

    @property
    def lanes(self) -> int:
        inner = sum(plan.lanes for task in self.tasks for plan in task.branches)
        return inner + sum(task.stage is not None for task in self.tasks)

    def __str__(self) -> str:
        return "\n".join(_drawn(self.tasks, ""))


def plan(line: Sequence[Member]) -> Plan:
    """The plan of a flat *line*."""
    tasks: list[Task] = []
    stage: str | None = None
    fused: list[str] = []
    for member in line:
        if isinstance(member, Tee):
            branches = tuple(plan(branch) for branch in member.branches)
            tasks.append(Task(stage, tuple(fused), branches, isinstance(member, Merge)))
            stage, fused = None, []
        elif is_stage(member):
            if stage is not None or fused:
                tasks.append(Task(stage, tuple(fused)))
            stage, fused = name_of(member), []
        else:
            fused.append(name_of(member))
    if stage is not None or fused:
        tasks.append(Task(stage, tuple(fused)))
    return Plan(tuple(tasks))


def _drawn(tasks: Sequence[Task], indent: str) -> Iterator[str]:
    for i, task in enumerate(tasks):
        if task.stage is not None:
            if i:
                yield f"{indent}│ lane"
            names = (f"[{task.stage}]", *task.fused)
        else:
            names = task.fused
        if names:
            yield indent + " → ".join(names)
        for k, branch in enumerate(task.branches):
            yield f"{indent}{'├' if k or task.joining else '┌'}╴branch {k + 1}"
            yield from _drawn(branch.tasks, indent + "│  ")
        if task.branches:
            yield f"{indent}└╴joined"
