"""A session with a speech model for programs that do not want to think in processors."""

from antiphon.session.calls import ToolCall
from antiphon.session.core import Changed, Status
from antiphon.session.errors import (
    AlreadyConnected,
    Ended,
    Malformed,
    NotConnected,
    Overflow,
    ServerError,
    SessionError,
    SetupFailed,
    StartupTimeout,
    ToolFailed,
)
from antiphon.session.messages import Message, Part, TextPart, ToolPart
from antiphon.session.session import Session
from antiphon.session.silent import Silent

__all__ = [
    "AlreadyConnected",
    "Changed",
    "Ended",
    "Malformed",
    "Message",
    "NotConnected",
    "Overflow",
    "Part",
    "ServerError",
    "Session",
    "SessionError",
    "SetupFailed",
    "Silent",
    "StartupTimeout",
    "Status",
    "TextPart",
    "ToolCall",
    "ToolFailed",
    "ToolPart",
]
