"""What the local models have in place of a neural network."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.items import FunctionCallOutput, Message
from antiphon.processors.local.conversation import Conversation


class Utterance(msgspec.Struct, frozen=True):
    """A turn of the user: the audio, at 16 kHz, and what was made of it."""

    item_id: str
    pcm: bytes
    text: str


Input = Utterance | Message | FunctionCallOutput
"""What a response can be the answer to."""


class Say(msgspec.Struct, frozen=True):
    """Words, spoken or written as the session wants it."""

    text: str


class Sound(msgspec.Struct, frozen=True):
    """Samples to be played as they are, at the model's output rate."""

    pcm: bytes


class Call(msgspec.Struct, frozen=True):
    """A tool call; *arguments* are JSON."""

    name: str
    arguments: str


class HangUp(msgspec.Struct, frozen=True):
    """The end of the session."""


Part = Say | Sound | Call | HangUp


class Turn(msgspec.Struct, frozen=True):
    """What a response is to answer, and what it may look at."""

    new: Sequence[Input]
    """What came since the last response, in order."""
    conversation: Conversation
    config: SessionConfig


class Brain(Protocol):
    """Understands and answers; the server around it does everything else."""

    async def hear(self, pcm: bytes) -> str:
        """The words of a turn, 16 kHz; empty when there are none to be understood."""
        ...

    def respond(self, turn: Turn) -> AsyncGenerator[Part]:
        """The parts of the answer; cancelled when the user interrupts."""
        ...

    def speak(self, text: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The sound of *text* at the server's output rate, in pieces as they are made."""
        ...

    def cuts_in(self) -> float | None:
        """The user begins to speak: seconds after which to talk over him, None for not."""
        ...
