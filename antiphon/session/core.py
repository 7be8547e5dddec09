"""A session's state, and what changes it."""

import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.usage import Usage
from antiphon.session import usage
from antiphon.session.attempt import Attempt
from antiphon.session.capture import Capture, Source
from antiphon.session.errors import NotConnected, Overflow, ServerError
from antiphon.session.messages import Messages
from antiphon.session.notices import Notices
from antiphon.session.toolbox import OnToolCall, Toolbox

Status = Literal["disconnected", "connecting", "connected", "closing", "error"]

Changed = Literal["status", "messages", "events", "is_capturing", "is_playing", "usage"]

_logger = logging.getLogger("antiphon.session")


class Core:
    """Hears what becomes of the connection, and tells the program."""

    def __init__(
        self,
        *,
        rate: int,
        max_events: int,
        continuous: bool,
        on_tool_call: OnToolCall | None,
        on_event: Callable[[events.ServerEvent], Any] | None,
        on_error: Callable[[Exception], Any] | None,
        on_change: Callable[[Changed], Any] | None,
    ) -> None:
        self.status: Status = "disconnected"
        self.messages = Messages()
        self.events = deque[events.ServerEvent](maxlen=max_events)
        self.usage = Usage()
        self.is_playing = False
        self.is_capturing = False
        self.error: Exception | None = None
        self.settled = anyio.Event()
        """The connection is ready, or over."""
        self.over = anyio.Event()
        self.attempt: Attempt | None = None
        self.toolbox: Toolbox | None = None
        self._rate = rate
        self._continuous = continuous
        self._on_tool_call = on_tool_call
        self._on_event = on_event
        self._on_error = on_error
        self._on_change = on_change
        self._notices = Notices(self._misheard)
        self._group: TaskGroup | None = None
        self._gone = anyio.Event()
        """Nothing is left of the last connection."""
        self._gone.set()
        self._capture: Capture | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Holds the session's tasks; what the body raises comes out as it is."""
        failure: Exception | None = None
        async with anyio.create_task_group() as self._group:
            self._group.start_soon(self._notices.run, name="antiphon: handlers")
            try:
                yield
            except Exception as error:
                failure = error
            self._group.cancel_scope.cancel()
        self._group = None
        self._notices.close()
        if failure is not None:
            raise failure

    @property
    def is_active(self) -> bool:
        return self.status in ("connecting", "connected", "closing")

    # The connection.

    def begin(self, attempt: Attempt) -> None:
        group = self._running()
        self.attempt = attempt
        self.settled, self.over = anyio.Event(), anyio.Event()
        self.error = None
        self.messages.begin()
        self.toolbox = Toolbox(
            self._on_tool_call,
            self.messages,
            group=group,
            say=self._say_by_itself,
            changed=lambda: self.changed("messages"),
            reported=self.reported,
        )
        self.be("connecting")
        before, self._gone = self._gone, anyio.Event()
        group.start_soon(self._run_attempt, attempt, before, self._gone, name="antiphon: session")

    async def _run_attempt(self, attempt: Attempt, before: anyio.Event, gone: anyio.Event) -> None:
        """A loudspeaker, and what a server allows one of, are for one connection at a time."""
        try:
            await before.wait()
            await attempt.run()
        finally:
            gone.set()

    def leave(self) -> None:
        """Be connected no more, at once."""
        attempt, self.attempt = self.attempt, None
        if attempt is not None:
            attempt.stop()
        if self.status != "error":
            self._over("disconnected")

    def say(self, event: events.ClientEvent) -> None:
        """Raises NotConnected without a connection; what is said too early is lost and reported."""
        if self.attempt is None or self.status not in ("connecting", "connected"):
            raise NotConnected(f"the session is {self.status}; connect it first")
        try:
            self.attempt.say(event)
        except NotConnected as error:
            self.reported(error)

    def _say_by_itself(self, event: events.ClientEvent) -> None:
        """What nobody has asked for who could be told that it failed."""
        if self.attempt is None or self.status != "connected":
            return
        try:
            self.attempt.say(event)
        except (NotConnected, Overflow) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        attempt, self.attempt = self.attempt, None
        if attempt is not None:
            attempt.stop()
        self._over("error", error)

    def _over(self, status: Status, error: Exception | None = None) -> None:
        self.error = error
        if self.toolbox is not None:
            self.toolbox.close()
        self.be(status)
        self.end_capture()
        self.playing(False)
        self.settled.set()
        self.over.set()
        if error is not None:
            self.reported(error)

    # What is heard.

    def heard(self, event: events.ServerEvent) -> None:
        self.events.append(event)
        self.changed("events")
        if self.messages.hear(event):
            self.changed("messages")
        if (spent := usage.after(self.usage, event)) != self.usage:
            self.usage = spent
            self.changed("usage")
        if self._is_readiness(event) and self.status == "connecting" and self.attempt is not None:
            self.attempt.is_ready()
            self.be("connected")
            self.settled.set()
        if self.toolbox is not None:
            self.toolbox.hear(event)
        if isinstance(event, events.Error):
            self.reported(ServerError(event))
        if not self._notices.tell(self._on_event, event):
            self._fail(Overflow("on_event is too slow: what it waits for belongs in a task"))
        if isinstance(event, events.SessionClosed) and self._continuous:
            self.leave()

    def playing(self, plays: bool) -> None:
        if plays != self.is_playing:
            self.is_playing = plays
            self.changed("is_playing")

    def reported(self, error: Exception) -> None:
        if self._on_error is None:
            _logger.error("%s: %s", type(error).__name__, error)
        else:
            self._notices.tell(self._on_error, error)

    def closing(self) -> None:
        self.be("closing")

    def ended(self, failure: Exception | None) -> None:
        self.attempt = None
        self._over("disconnected" if failure is None else "error", failure)

    def be(self, status: Status) -> None:
        if status != self.status:
            self.status = status
            self.changed("status")

    def changed(self, what: Changed) -> None:
        self._notices.tell(self._on_change, what)

    def _is_readiness(self, event: events.ServerEvent) -> bool:
        if self._continuous:
            return isinstance(event, events.SessionStarted)
        return isinstance(event, events.SessionCreated | events.SessionUpdated)

    def _misheard(self, error: Exception) -> None:
        """A handler failed: the session goes on."""
        _logger.error("a handler of the session failed", exc_info=error)

    def _running(self) -> TaskGroup:
        if self._group is None:
            raise NotConnected("a session is used as `async with Session(...) as session`")
        return self._group

    # The microphone.

    def begin_capture(self, source: Source) -> None:
        group = self._running()
        self.end_capture()
        capture = self._capture = Capture(source, self._rate, self._captured)
        self._capturing(True)
        group.start_soon(self._run_capture, capture, name="antiphon: capture")

    def pause_capture(self) -> None:
        if self._capture is not None:
            self._capture.pause()
        self._capturing(False)

    def resume_capture(self) -> None:
        if self._capture is None:
            raise NotConnected("there is no source to resume: start_audio_capture(source)")
        self._capture.resume()
        self._capturing(True)

    def end_capture(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.stop()
        self._capturing(False)

    async def _run_capture(self, capture: Capture) -> None:
        failure: Exception | None = None
        try:
            await capture.run()
        except Exception as error:
            failure = error
        finally:
            await capture.aclose()
        if self._capture is capture:
            self._capture = None
            self._capturing(False)
        if failure is not None:
            self.reported(failure)

    def _captured(self, pcm: bytes) -> None:
        self._say_by_itself(events.InputAudioAppend(audio=pcm))

    def _capturing(self, captures: bool) -> None:
        if captures != self.is_capturing:
            self.is_capturing = captures
            self.changed("is_capturing")
