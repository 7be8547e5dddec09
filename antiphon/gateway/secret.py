"""A secret that shows itself to nobody who does not ask for it in so many words."""

from hmac import compare_digest
from multiprocessing.context import get_spawning_popen

SHOWN = "***"


class Secret:
    """Text that no repr, no message, no encoder and no pickle contains.

    Only a process that is being started is told. `reveal` gives it; call that where it is sent, not where it is passed on.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Secret({SHOWN})"

    def __str__(self) -> str:
        return SHOWN

    def __format__(self, spec: str) -> str:
        return format(SHOWN, spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        """In a time that does not tell where two secrets differ."""
        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(_bytes(self._text), _bytes(other._text))

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        """To a process that is being started, as multiprocessing's own keys, and to no other."""
        if get_spawning_popen() is None:
            raise TypeError("a secret is neither copied nor written down")
        return Secret, (self._text,)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
