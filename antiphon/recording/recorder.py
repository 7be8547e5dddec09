"""Writes down a session as it goes: an observer that never keeps it waiting."""

import asyncio
import logging
import os
import platform
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio
import msgspec

from antiphon import __version__
from antiphon.codecs.wire import Message
from antiphon.pipeline import Audio, Frame, Speech
from antiphon.pipeline.errors import leaf
from antiphon.pipeline.virtual import VirtualLoop
from antiphon.recording.boundary import Boundary
from antiphon.recording.records import (
    FORMAT,
    SESSION,
    WIRE_IN,
    WIRE_OUT,
    WIRE_STATE,
    Body,
    Connected,
    Happened,
    Side,
    Topic,
    Wired,
    encoded,
    said_of,
    sound_of,
    wired,
)
from antiphon.recording.redaction import Redactor
from antiphon.recording.writer import Parts

logger = logging.getLogger(__name__)

SMALL = 512
"""Bytes that a record counts for beside its audio or message."""


Taken = tuple[Topic, float, Body | Frame, str, int]
"""A record on its way to the file, its time, who it came from, and its size.

Frames are only looked into by the thread that writes.
"""


class Recorder(Boundary):
    """Records one session into a file in *directory*: `recorder.watch(pipeline)`.

    What the source gives and what the sink gets and sends back crosses the session's boundary. A
    connection's messages come by `Recorded(transport, recorder)`. It is an observer, see Boundary.

    A thread writes; the session only puts records into a queue of *bound* bytes. When that is
    full, records are dropped, counted in `dropped` and in the file. A file that has grown to
    *rotate* bytes is followed by another. *about* is kept in the file as it is, *secrets* are
    never written, nor are those in the environment.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        name: str = "session",
        about: Mapping[str, str] | None = None,
        source: str | None = None,
        sink: str | None = None,
        secrets: Iterable[str] = (),
        rotate: int = 256 << 20,
        bound: int = 32 << 20,
        flush: float = 0.35,
    ) -> None:
        began = datetime.now(UTC)
        super().__init__(source, sink)
        self.path = Path(directory) / f"{name}-{began:%Y%m%dT%H%M%S}-{os.urandom(4).hex()}.mcap"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.dropped = 0
        self._began = round(began.timestamp() * 1e9)
        self._redact = Redactor(secrets)
        self._rotate = rotate
        self._bound = bound
        self._flush = flush
        self._header = {
            "format": FORMAT,
            "antiphon": __version__,
            "python": platform.python_version(),
            "began": str(self._began),
            **{key: self._redact.text(value) for key, value in (about or {}).items()},
        }
        self._epoch: float | None = None
        self._clock: Callable[[], float] = anyio.current_time
        self._waiting: deque[Taken] = deque()
        self._put_in = 0
        """Bytes that were ever put into the queue, by the session's thread alone."""
        self._took_out = 0
        """Bytes that were ever taken out of it."""
        self._lost = 0
        self._connections = 0
        self._parts: Parts | None = None
        self._failed = False
        self._writing = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._virtual = False

    @property
    def backlog(self) -> int:
        """Bytes that wait to be written."""
        return self._put_in - self._took_out

    # What a pipeline tells.

    def started(self, members: Sequence[str], at: int) -> None:
        super().started(members, at)
        self._header |= {
            "members": msgspec.json.encode(members).decode(),
            "source": self.source or "",
            "sink": self.sink or "",
        }
        self._begin(at)

    def take(self, topic: Topic, body: Body | Frame, member: str = "") -> None:
        """Put a record into the queue; the session's own thread does no more than this."""
        if self._closing.is_set():
            return
        if self._epoch is None:
            self._begin(0)
        size = SMALL
        if isinstance(body, Audio):
            size += len(body.pcm)
        elif isinstance(body, Wired):
            size += len(body.message)
        if self.backlog + size > self._bound:
            if not self._virtual:
                self.dropped += 1
                self._lost += 1
                return
            self._write()  # time stands still: nobody is kept waiting
        if self._lost:
            lost, self._lost = self._lost, 0
            self._waiting.append((SESSION, self._clock(), Happened("dropped", lost), "", 0))
        self._put_in += size
        self._waiting.append((topic, self._clock(), body, member, size))

    def ended(self, failure: BaseException | None) -> None:
        problem = "" if failure is None else _described(failure)
        self.take(SESSION, Happened("ended", problem=self._redact.text(problem)))
        self._closing.set()

    # What others tell.

    def connection(self) -> int:
        """The number of a new connection."""
        self._connections += 1
        return self._connections

    def connected(self, state: Connected) -> None:
        self.take(WIRE_STATE, state)

    def received(self, connection: int, message: Message, side: Side = "model") -> None:
        self.take(WIRE_IN, wired(connection, message, side))

    def sent(self, connection: int, message: Message, side: Side = "model") -> None:
        self.take(WIRE_OUT, wired(connection, message, side))

    # The end.

    def close(self) -> None:
        """Wait until all is in the file; more than once does nothing."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._epoch is not None and not self._closing.is_set():
            self.ended(error)
        self.close()

    # Inside.

    def _begin(self, at: int) -> None:
        """The session's time is *at* microseconds."""
        if self._epoch is not None:
            return
        try:
            loop = asyncio.get_running_loop()
            self._clock = loop.time  # a fifth of the time of asking anyio
            self._virtual = isinstance(loop, VirtualLoop)
        except RuntimeError:
            pass  # not asyncio
        self._epoch = self._clock() - at / 1_000_000
        self._header["clock"] = "virtual" if self._virtual else "real"
        self._thread = threading.Thread(
            target=self._write_on, name=f"recorder {self.path.name}", daemon=True
        )
        self._thread.start()

    def _write_on(self) -> None:
        while not self._closing.wait(self._flush):
            self._write()
        self._write()
        with self._writing:
            self._guarded(lambda: self._parts and self._parts.close())

    def _write(self) -> None:
        with self._writing:
            taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if taken:
                self._guarded(lambda: self._put(taken))
                self._took_out += sum(size for *_, size in taken)

    def _put(self, taken: Sequence[Taken]) -> None:
        if self._parts is None:
            self._parts = Parts(self.path, self._header, rotate=self._rotate)
            self._parts.open()
        for topic, moment, body, member, _ in taken:
            nanoseconds = round((moment - (self._epoch or 0.0)) * 1e9)
            self._parts.add(topic, self._began + nanoseconds, self._written(topic, body, member))
        self._parts.flush()

    def _written(self, topic: Topic, body: Body | Frame, member: str) -> bytes:
        if isinstance(body, Audio):
            plain = body.__class__ is Audio or body.__class__ is Speech
            return encoded(topic, body if plain else sound_of(body))
        if isinstance(body, Frame):
            return self._redact(encoded(topic, said_of(member, body)))
        if isinstance(body, Wired):
            message, connection, side = body.message, body.connection, body.side
            if isinstance(message, bytes):
                return encoded(topic, wired(connection, self._redact(message), side))
            clean = self._redact(message.encode(errors="replace")).decode()
            return encoded(topic, wired(connection, clean, side))
        return self._redact(encoded(topic, body))

    def _guarded(self, work: Callable[[], object]) -> None:
        """What goes wrong with the file is told once, and does not reach the session."""
        if self._failed:
            return
        try:
            work()
        except Exception as error:
            self._failed = True
            logger.warning("the recording %s ends here: %s", self.path, error)
            if self._parts is not None:
                self._parts.abandon()


def _described(failure: BaseException) -> str:
    first = leaf(failure) if isinstance(failure, Exception) else failure
    return f"{type(first).__name__}: {first}"
