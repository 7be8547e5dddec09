"""Which of the replies of a script is next, in one session."""

import re
from collections.abc import Iterable, Sequence

from antiphon.codecs.items import FunctionCallOutput
from antiphon.processors.local.brain import Call
from antiphon.processors.local.reply import Act, Reply


class Book:
    """The replies of a script. More can be added while it is played, at its end.

    *voice* is one of espeak's, or `tone`, which takes nothing to be installed. With *recognise*,
    what no reply hears is recognised as `local/assistant` does; otherwise nobody knows what was
    said. *default* answers what nothing fits.
    """

    def __init__(
        self,
        replies: Iterable[Reply] = (),
        *,
        default: Reply | None = None,
        voice: str = "en-us",
        recognise: bool = False,
    ) -> None:
        self.replies = list(replies)
        self.default = default
        self.voice = voice
        self.recognise = recognise

    @property
    def empty(self) -> bool:
        return not self.replies and self.default is None


class Casting:
    """Goes through *book* from its beginning."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._used: dict[Reply, int] = {}
        self._spoken: list[Reply] = []
        """Whose words were heard, and are not answered yet."""
        self._waiting: list[Sequence[Act]] = []
        """What is done when tools have answered."""

    def words(self) -> str | None:
        """Of a turn that was spoken; None if the script does not say."""
        for reply in self._left():
            if reply.hears is not None and reply not in self._spoken:
                self._spoken.append(reply)
                return reply.hears
        return None

    def answer(self, text: str) -> Sequence[Act] | None:
        """What to do about *text*; None if the script does not say."""
        fitting = next((one for one in self._left() if self._fits(one, text)), None)
        if fitting is None:
            fitting = next((one for one in self._left() if _follows(one)), self._book.default)
        return None if fitting is None else self._used_by(fitting)

    def told(self, tools: Sequence[str], outputs: Sequence[FunctionCallOutput]) -> Sequence[Act]:
        """What to do about the *outputs* of *tools*."""
        if self._waiting:
            return self._waiting.pop(0)
        text = " ".join(one.output for one in outputs)
        for reply in self._left():
            if reply.after in tools and (reply.when is None or reply.when.search(text)):
                return self._used_by(reply)
        following = next((one for one in self._left() if _follows(one)), None)
        return () if following is None else self._used_by(following)

    def _left(self) -> list[Reply]:
        return [one for one in self._book.replies if self._used.get(one, 0) < one.times]

    def _fits(self, reply: Reply, text: str) -> bool:
        if reply.after is not None:
            return False
        if reply.hears is not None:
            return _plain(reply.hears) == _plain(text)
        return reply.when is not None and reply.when.search(text) is not None

    def _used_by(self, reply: Reply) -> Sequence[Act]:
        self._used[reply] = self._used.get(reply, 0) + 1
        if reply in self._spoken:
            self._spoken.remove(reply)
        first, *later = reply.stages
        if any(isinstance(act, Call) for act in first):
            self._waiting[:0] = later
        return first


def _follows(reply: Reply) -> bool:
    return reply.hears is None and reply.when is None and reply.after is None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
