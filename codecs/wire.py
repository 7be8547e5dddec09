"""Reading and writing a wire: what every dialect needs at its edge.

Whatever is wrong with a message becomes a WireError, and nothing else is raised.
"""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Generic, TypeVar, cast

import msgspec
import pybase64
from msgspec import UNSET, UnsetType

Message = str | bytes
"""A text frame or a binary frame of a WebSocket; a data channel has both too."""

NewId = Callable[[str], str]
"""Gives names of a kind, each once: "item" is answered with item_1, item_2, ..."""

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class WireError(ValueError):
    """The other side said something that its own dialect does not allow.

    *path* is where in the message ("$.item.id"), *problem* what was expected there. The end that
    raised it goes on as if the message had not come.
    """

    def __init__(self, dialect: str, path: str, problem: str) -> None:
        super().__init__(f"{dialect}: {problem} - at `{path}`")
        self.dialect = dialect
        self.path = path
        self.problem = problem


class Unsayable(ValueError):
    """A dialect has no words for something, and to leave it out would mislead whoever asked."""

    def __init__(self, dialect: str, what: str) -> None:
        super().__init__(f"{dialect} {what}")
        self.dialect = dialect
        self.what = what


class Unknown(msgspec.Struct, frozen=True):
    """A message of a type that the dialect's wire does not list."""

    type: str
    raw: msgspec.Raw


class Reader(Generic[T]):
    """Decodes what one side says. *decoder* is of a union of structs that *tag* tells apart.

    A message whose tag is not of the union is an Unknown, not an error: providers add some
    every month.
    """

    def __init__(
        self, dialect: str, decoder: msgspec.json.Decoder[T], *, tag: str = "type"
    ) -> None:
        self._dialect = dialect
        self._decode = decoder.decode
        self._tag_path = f"$.{tag}"
        head = msgspec.defstruct("Head", [("tag", str)], rename={"tag": tag})
        self._head = msgspec.json.Decoder(head)

    def __call__(self, message: Message | msgspec.Raw, path: str = "$") -> T | Unknown:
        try:
            if isinstance(message, bytes):  # msgspec passes over text of which it reads nothing
                message = message.decode()
            return self._decode(message)
        except msgspec.ValidationError as error:
            where, problem = _place(str(error))
            if where == self._tag_path:
                tag: str = getattr(self._read_head(message, path), "tag")  # noqa: B009
                return Unknown(tag, msgspec.Raw(_bytes(message)))
            raise WireError(self._dialect, path + where[1:], problem) from error
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise WireError(self._dialect, path, _one_line(error)) from error

    def _read_head(self, message: Message | msgspec.Raw, path: str) -> object:
        try:
            return self._head.decode(message)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            where, problem = _place(str(error))
            raise WireError(self._dialect, path + where[1:], problem) from error


class Writer:
    """Encodes a dialect's messages as text frames."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._encode = msgspec.json.Encoder().encode

    def __call__(self, message: msgspec.Struct) -> str:
        try:
            return self._encode(message).decode()
        except (OverflowError, RecursionError, UnicodeError) as error:
            # Of what a message from elsewhere brought along: numbers beyond 64 bits, deep nesting.
            raise WireError(self._dialect, "$", _one_line(error)) from error


def read(
    dialect: str, decoder: msgspec.json.Decoder[T], message: Message | msgspec.Raw, path: str = "$"
) -> T:
    """Decodes what has one type only, such as the body of a request."""
    try:
        return decoder.decode(message)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        where, problem = _place(str(error))
        raise WireError(dialect, path + where[1:], problem) from error


def convert(dialect: str, value: object, kind: type[T], path: str = "$") -> T:
    """*value*, JSON that was decoded freely, as a *kind*."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        where, problem = _place(str(error))
        raise WireError(dialect, path + where[1:], problem) from error


_PLACE = re.compile(r"^(.*) - at `(\$.*)`$", re.DOTALL)


def _place(text: str) -> tuple[str, str]:
    """What msgspec says of a mistake, as its path and the problem."""
    found = _PLACE.match(text)
    return (found[2], found[1]) if found else ("$", text)


def _one_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error).partition("\n")[0] or type(error).__name__


def _bytes(message: Message | msgspec.Raw) -> bytes:
    return message.encode() if isinstance(message, str) else bytes(message)


# Values.

to_base64: Callable[[bytes], str] = pybase64.b64encode_as_string

_URL_SAFE = str.maketrans("-_", "+/")


def from_base64(text: str, dialect: str, path: str) -> bytes:
    """The bytes of standard base64, or a WireError."""
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError as error:
        raise WireError(dialect, path, "Expected base64") from error


def from_any_base64(text: str, dialect: str, path: str) -> bytes:
    """Of either alphabet, padded or not, as JSON of protocol buffers may have it."""
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        bare = text.translate(_URL_SAFE).rstrip("=")
        return from_base64(bare + "=" * (-len(bare) % 4), dialect, path)


LARGEST_MS = 2**53 // 1000 + 1000
"""A second more than there can be: what is cut to whole seconds may be less than all there is."""


def micros(ms: float, dialect: str, path: str) -> int:
    """Microseconds of so many milliseconds."""
    if not -LARGEST_MS <= ms <= LARGEST_MS:
        raise WireError(dialect, path, "Expected milliseconds within a session")
    return round(ms * 1000)


def micros_if(ms: float | None | UnsetType, dialect: str, path: str) -> int | None:
    return None if ms is None or ms is UNSET else micros(ms, dialect, path)


LARGEST = 2**62

Count = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
"""An index or an amount, of which two can still be added."""


def millis(us: int) -> int:
    """Whole milliseconds, never more than there are: what was heard is not made longer."""
    return us // 1000


def millis_if(us: int | None) -> int | None:
    return None if us is None else us // 1000


DEEPEST = 100
LARGEST_INTEGER = 2**64


def bounded(value: T, dialect: str, path: str) -> T:
    """*value*, JSON that is kept as it came, unless it could not be written again.

    Others nest and count as far as their languages let them, ours only so far.
    """
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                below.extend(cast(dict[str, Any], one).values())
            elif isinstance(one, list):
                below.extend(cast(list[Any], one))
            elif isinstance(one, int) and not -LARGEST_INTEGER < one < LARGEST_INTEGER:
                raise WireError(dialect, path, "Expected integers of 64 bits")
        level = below
    if level:
        raise WireError(dialect, path, "nested too deeply")
    return value


def verbatim(raw: msgspec.Raw, dialect: str) -> str:
    """A message that is sent on in its sender's own words."""
    try:
        return bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise WireError(dialect, "$", "Expected UTF-8") from error


def given(value: T | None) -> T | UnsetType:
    """*value*, or UNSET, which a struct leaves out where None would be a null."""
    return UNSET if value is None else value


def known(value: T | None | UnsetType) -> T | None:
    """*value*, or None if it is missing or null."""
    return None if value is UNSET else value


def counted() -> NewId:
    """Names that are unique within a session: event_1, event_2, item_1, ..."""
    last: dict[str, int] = {}

    def new_id(kind: str) -> str:
        last[kind] = number = last.get(kind, 0) + 1
        return f"{kind}_{number}"

    return new_id


class Recent(dict[K, V]):
    """A dict that knows only what was put into it last, so that no session grows without end."""

    def __init__(self, limit: int = 256, items: Iterable[tuple[K, V]] = ()) -> None:
        super().__init__(items)
        self._limit = limit

    def __setitem__(self, key: K, value: V) -> None:
        if key in self:
            del self[key]
        super().__setitem__(key, value)
        if len(self) > self._limit:
            del self[next(iter(self))]
