"""Who wants to see what happens in a pipeline.

An observer implements the hooks that it wants. They are bound when a run starts:
where nobody has a hook, the way of the frames has no trace of it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from antiphon.pipeline.frames import Frame


class Observer:
    """The hooks, for those who want to inherit what they do not need.

    Inheriting is optional: any object with some of these methods is an observer. They
    are called on the frame's way, so they must be short and must not raise.
    """

    def started(self, members: Sequence[str], at: int) -> None:
        """The run begins; the names of its members in order."""

    def passed(self, member: str, frame: Frame) -> None:
        """*member* sent *frame* on."""

    def returned(self, member: str, frame: Frame) -> None:
        """*member* sent *frame* towards the source."""

    def interrupted(self, member: str, forgotten: int) -> None:
        """An Interrupt reached *member*; so many frames that waited there were forgotten."""

    def ended(self, failure: BaseException | None) -> None:
        """The run is over; *failure* is None when it came to its end."""


class Hooks:
    """The hooks that some observers implement, one callable each or None."""

    def __init__(self, observers: Iterable[object]) -> None:
        self._observers = tuple(observers)
        self.started: Callable[[Sequence[str], int], None] | None = self._find("started")
        self.passed: Callable[[str, Frame], None] | None = self._find("passed")
        self.returned: Callable[[str, Frame], None] | None = self._find("returned")
        self.interrupted: Callable[[str, int], None] | None = self._find("interrupted")
        self.ended: Callable[[BaseException | None], None] | None = self._find("ended")

    def _find(self, hook: str) -> Callable[..., None] | None:
        inherited = getattr(Observer, hook)
        found: list[Callable[..., None]] = [
            getattr(observer, hook)
            for observer in self._observers
            if getattr(type(observer), hook, inherited) is not inherited
        ]
        if len(found) < 2:
            return found[0] if found else None

        def each(*arguments: Any) -> None:
            for call in found:
                call(*arguments)

        return each
