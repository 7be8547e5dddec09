"""What a dialect is: two ends, how it is reached, and what it can say."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, TypeVar

from antiphon.codecs.config import SessionConfig, merge
from antiphon.codecs.connection import (
    Admission,
    Answer,
    Connect,
    HttpRequest,
    HttpResponse,
    Offer,
    Order,
    Ticket,
    Upgrade,
)
from antiphon.codecs.events import ClientEvent, EventFrame, ServerEvent
from antiphon.codecs.refusing import Problem, refusal
from antiphon.codecs.wire import Message

Said_contra = TypeVar("Said_contra", contravariant=True)
Heard_co = TypeVar("Heard_co", covariant=True)


class End(Protocol[Said_contra, Heard_co]):
    """One side of one session: events to messages, messages to events.

    It has no I/O and reads no clock: *at* is the session's time in microseconds. After every
    call the messages of `due` are to be sent: answers to pings, requests that had to wait. When
    `deadline` has passed, `expire` is called.
    """

    @property
    def input_rate(self) -> int:
        """In Hz, of the user's audio in events; it may change as the session is settled."""
        ...

    @property
    def output_rate(self) -> int:
        """In Hz, of the model's audio in events."""
        ...

    @property
    def deadline(self) -> int | None:
        """When silence will mean something."""
        ...

    def encode(self, event: Said_contra, /) -> Iterable[Message]: ...

    def decode(self, message: Message, /, at: int = 0) -> Iterable[Heard_co]:
        """Raises WireError, and goes on as if *message* had not come."""
        ...

    def due(self) -> Iterable[Message]:
        """What is to be sent without an event, each message once."""
        ...

    def expire(self, at: int, /) -> Iterable[Heard_co]:
        """What the silence up to *at* means."""
        ...


ClientEnd = End[ClientEvent, ServerEvent]
ServerEnd = End[ServerEvent, ClientEvent]


class Unhurried:
    """An end that says nothing by itself, however long the silence."""

    deadline: int | None = None

    def due(self) -> tuple[Message, ...]:
        return ()

    def expire(self, at: int, /) -> tuple[()]:
        return ()


How = Literal["native", "emulated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repertoire:
    """Which events a dialect has a message for, and which it gets across in another way.

    What is in neither is dropped, or refused where silence would mislead.
    """

    native: frozenset[type[EventFrame]]
    emulated: Mapping[type[EventFrame], str] = field(default_factory=dict[type[EventFrame], str])
    """With how that is done, in a few words."""

    def how(self, kind: type[EventFrame]) -> How | None:
        if kind in self.native:
            return "native"
        return "emulated" if kind in self.emulated else None


class Rates(NamedTuple):
    """In Hz, of the audio in events."""

    input: int
    output: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A provider's way of speaking, as one object: what each folder offers beside its two ends."""

    name: str
    title: str
    page: str
    """Where the provider describes it."""
    base_url: str
    key_variable: str
    """The environment variable in which its users keep their key."""
    client: Callable[[str], ClientEnd]
    """The client's end of a session with a model."""
    server: Callable[[str], ServerEnd]
    repertoire_of_client: Repertoire
    repertoire_of_server: Repertoire
    rates: Callable[[SessionConfig], Rates]
    """Of a session with this configuration, as far as it can be known before it is open."""
    auth: str
    limits: str
    connect: "Connecting"
    accept: Callable[[Upgrade], Admission | None]
    """None: this is not where the dialect's clients connect."""
    minting: "Minting | None" = None
    """None: there are no tickets."""
    outspoken: Callable[[SessionConfig], SessionConfig] | None = None
    """Says of how a session is to begin what goes without saying, but differs between servers."""
    calling: "Calling | None" = None
    """None: it is not spoken over WebRTC."""
    continuous: bool = False
    """Its models listen and speak without turns, and are started and closed in so many words."""
    history: bool = False
    """A conversation can be told it as items, without their being answered."""
    greets: bool = False
    """Its server says that there is a session before the client has said anything."""
    model_in_setup: bool = False
    """Sessions name their model in their first message, not in the address."""
    resume: Callable[[Connect, str], Connect] | None = None
    """Makes a way to connect one to a session that a ResumptionHandle named, where it is so asked."""
    refuse: Callable[[Problem], HttpResponse] = refusal
    """What a server answers by HTTP to whom it does not let in."""


class Connecting(Protocol):
    def __call__(
        self,
        model: str,
        *,
        key: str | None = None,
        ticket: str | None = None,
        base_url: str = ...,
    ) -> Connect:
        """How to open a session: with a *key* as servers do, with a *ticket* as browsers do."""
        ...


class Mint(Protocol):
    def __call__(
        self,
        model: str,
        *,
        key: str,
        now: int,
        config: SessionConfig | None = None,
        lifetime: int | None = None,
        base_url: str = ...,
    ) -> HttpRequest:
        """Asks for a ticket; *now* is in Unix seconds, as is *lifetime* in seconds."""
        ...


class Bind(Protocol):
    def __call__(
        self, minted: SessionConfig, locked: tuple[str, ...] | None, said: SessionConfig, /
    ) -> SessionConfig:
        """What holds of *said* by somebody whose ticket was *minted* so; *locked* as in Order."""
        ...


def overridable(
    minted: SessionConfig, locked: tuple[str, ...] | None, said: SessionConfig
) -> SessionConfig:
    """What is minted is where the client begins, and it may change all of that."""
    del locked
    return merge(minted, said)


class Minted(Protocol):
    def __call__(self, model: str, response: HttpResponse, *, base_url: str = ...) -> Ticket:
        """Reads the answer; a refusal is a WireError that says the status, never the key."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Minting:
    """Tickets, from both sides."""

    mint: Mint
    minted: Minted
    order: Callable[[HttpRequest], Order | None]
    """The server's reading of `mint`; None: this is no request for a ticket."""
    answer: Callable[[Order, Ticket], HttpResponse]
    """The server's answer, read by `minted`."""
    bind: Bind = overridable


class Offering(Protocol):
    def __call__(
        self,
        model: str,
        sdp: str,
        *,
        key: str | None = None,
        ticket: str | None = None,
        config: SessionConfig | None = None,
        base_url: str = ...,
    ) -> HttpRequest:
        """Asks for a call, whose session is to be as *config* says."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """Calls, from both sides: audio as tracks, and the dialect's messages beside it."""

    offer: Offering
    answered: Callable[[HttpResponse], Answer]
    """Reads the answer; a refusal is a WireError that says the status, never the key."""
    accept: Callable[[HttpRequest], Offer | None]
    """The server's reading of `offer`; None: this opens no call."""
    answer: Callable[[Answer], HttpResponse]
    """The server's answer, read by `answered`."""
    channel: str = "oai-events"
    """The label of the data channel, which the client opens."""
