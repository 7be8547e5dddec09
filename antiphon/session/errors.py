"""What can go wrong with a session.

SessionError
├── NotConnected      something was asked of a session that is not connected
├── AlreadyConnected  `connect` while there is a connection, or one is being made
├── SetupFailed       the token source gave nothing that a session can be opened with
├── StartupTimeout    the model was not ready in time
├── Malformed         the model's side said something that is no message
├── Overflow          more waits in a queue than may
├── Ended             the connection ended, and nobody here had asked for it
├── ServerError       the model's side reports an error; the session goes on
└── ToolFailed        a tool call failed, which the model was told; the session goes on

What opens connections, sources and sinks raise errors of their own beside these.
"""

from antiphon.codecs import events


class SessionError(Exception):
    """Something in or about a session went wrong."""


class NotConnected(SessionError):
    """The session has no connection over which this could be done."""


class AlreadyConnected(SessionError):
    """The session has a connection, or is about to."""


class SetupFailed(SessionError):
    """There is nothing to open the session with; the message says why."""


class StartupTimeout(SessionError):
    """The model was not ready within so many *seconds* of `connect`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the model was not ready within {seconds:g} s")
        self.seconds = seconds


class Malformed(SessionError):
    """The model's side broke the rules of its own protocol; *path* is where in its message.

    A message that cannot be read at all ends the session, a wrong field loses its message only.
    """

    def __init__(self, problem: str, path: str) -> None:
        super().__init__(f"the model's side sent what cannot be read: {problem}")
        self.path = path


class Overflow(SessionError):
    """A queue is full; the message says whose, and what to do."""


class Ended(SessionError):
    """The connection ended with *code*, that of the WebSocket: 1006 where it broke."""

    def __init__(self, code: int, reason: str, *, ready: bool = True) -> None:
        when = "" if ready else " before the model was ready"
        super().__init__(f"the connection ended{when} ({code}{f': {reason}' if reason else ''})")
        self.code = code
        self.reason = reason


class ServerError(SessionError):
    """The model's side reports an error: *event* has all that it says of it."""

    def __init__(self, event: events.Error) -> None:
        super().__init__(event.message)
        self.code = event.code
        self.event = event


class ToolFailed(SessionError):
    """A tool call came to nothing, which the model was told in these words.

    The cause is what the handler raised, where it was that.
    """

    def __init__(self, call_id: str, name: str, problem: str) -> None:
        super().__init__(problem)
        self.call_id = call_id
        self.name = name
