"""What a gateway is told before it starts: everything that can be set, with what holds otherwise."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from antiphon.gateway.secret import Secret

__all__ = [
    "Agent",
    "AgentTool",
    "Browser",
    "IceServer",
    "KeySettings",
    "Limits",
    "Listen",
    "Network",
    "Observe",
    "Problem",
    "Secret",
    "Settings",
    "SettingsError",
    "StoreSettings",
    "Upstream",
]

Seconds = Annotated[float, Meta(gt=0, description="a number of seconds above 0")]
Wait = Annotated[float, Meta(ge=0, description="a number of seconds, 0 or more")]
Count = Annotated[int, Meta(ge=1, description="a whole number, 1 or more")]
Bytes = Annotated[int, Meta(ge=1, description="a number of bytes, 1 or more")]
Dollars = Annotated[float, Meta(gt=0, description="an amount of US dollars above 0")]
Port = Annotated[int, Meta(ge=0, le=65_535, description="a port, 0 to 65535")]
UdpPort = Annotated[int, Meta(ge=1, le=65_535)]
Ports = Annotated[
    tuple[UdpPort, UdpPort], Meta(description="[first, last], two ports of 1 to 65535")
]
Switch = Annotated[bool, Meta(description="true or false")]
Level = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR"],
    Meta(description='one of "DEBUG", "INFO", "WARNING", "ERROR"'),
]
Form = Annotated[Literal["json", "line"], Meta(description='"json" or "line"')]
Schema = Annotated[dict[str, Any], Meta(description="a table, the JSON schema of an object")]
"""What a value has to be, in words for whoever wrote another."""


NOBODY = "none"
"""Written for a default that is none."""


class Problem(NamedTuple):
    """Something that is wrong with a configuration, and where."""

    source: str
    """A file, or what else has said it."""
    line: int | None
    where: str
    """The setting, such as `[keys.alice] limits.session`; empty if it is the file itself."""
    reason: str

    def __str__(self) -> str:
        place = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{place}: {f'{self.where} ' if self.where else ''}{self.reason}"


class SettingsError(ValueError):
    """A configuration cannot be used; the message has a line for each thing that is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the configuration; a field is a setting of the same name."""


class Limits(Table, frozen=True, kw_only=True):
    """What a session and a key may take; None is without limit."""

    session: Seconds | None = 1500.0
    """How long a session may last."""
    idle: Seconds | None = 300.0
    """How long a client may say nothing."""
    first_message: Seconds | None = 30.0
    """How long a client may take to say anything at all."""
    message: Bytes | None = 262_144
    """A longer message is refused, and the session goes on."""
    concurrent: Count | None = None
    """Sessions of one key at a time."""
    mints_per_minute: Count | None = None
    """Tickets that one key may buy."""
    notice: Wait = 60.0
    """How long before its end a session is told of it, where its dialect has a word for that."""


class Listen(Table, frozen=True, kw_only=True):
    """Where the gateway is; the command line goes before it."""

    host: str = "127.0.0.1"
    port: Port = 8080
    tls_cert: Path | None = None
    tls_key: Path | None = None
    workers: Count = 1
    """Processes; more than one need a store that they share."""


class Upstream(Table, frozen=True, kw_only=True):
    """A provider whose models can be routed to."""

    key: Secret | None = None
    base_url: str | None = None
    """None: the provider's own."""
    provider: str | None = None
    """Whose dialects it speaks; None: it is called as its provider is."""
    voice: str | None = None
    """Speaks to clients that were written for another provider; None: its usual one."""


class KeySettings(Table, frozen=True, kw_only=True):
    """Who may use the gateway, and for what."""

    secret: tuple[Secret, ...] = ()
    sha256: tuple[str, ...] = ()
    """Hexadecimal digests of secrets."""
    models: tuple[str, ...] = ("*",)
    """Patterns of upstream/model; what fits none is refused."""
    routes: Mapping[str, str] = {}
    """They go before those of all keys."""
    default: str | None = None
    """None: as for all keys; "none": nobody."""
    limits: Limits | None = None
    """None: as for all keys; what is not said in one is as for all keys, too."""
    budget: Dollars | None = None
    """Of the key."""
    session_budget: Dollars | None = None


class AgentTool(Table, frozen=True, kw_only=True):
    """A function that the client carries out."""

    name: str
    description: str | None = None
    parameters: Schema = msgspec.field(default_factory=dict[str, Any])


class Agent(Table, frozen=True, kw_only=True):
    """What a name that clients ask for is, beyond a model: providers of agents keep it for them.

    Where a dialect's clients may say otherwise, they may here.
    """

    model: str | None = None
    """What answers; None: whatever the name itself leads to."""
    instructions: str | None = None
    first_message: str | None = None
    voice: str | None = None
    tools: tuple[AgentTool, ...] = ()


class IceServer(Table, frozen=True, kw_only=True):
    """A STUN or TURN server."""

    url: str
    username: str | None = None
    credential: Secret | None = None


class Network(Table, frozen=True, kw_only=True):
    """What WebRTC uses of this machine's network."""

    ice_servers: tuple[IceServer, ...] = ()
    addresses: tuple[str, ...] = ()
    """None given: all but the loopback's."""
    ports: Ports | None = None
    """UDP, (first, last); None: any."""


class Browser(Table, frozen=True, kw_only=True):
    """What is there for pages."""

    page: Switch = True
    """The gateway's own page is served."""
    key: str | None = None
    """The name of the key that pays for pages, which show none; None: pages need keys to be open
    to anybody."""
    origins: tuple[str, ...] = ()
    """Whose pages may connect, beside the gateway's own; `*` is everybody's."""
    cors: Switch = False
    """Pages of these origins may also mint and read by HTTP."""


class Observe(Table, frozen=True, kw_only=True):
    """What can be learned of a running gateway."""

    metrics: Switch = True
    metrics_token: Secret | None = None
    """Who wants the metrics shows it as a bearer token; None: anybody may have them."""
    otlp: str | None = None
    """Where spans are sent, by OTLP over HTTP; None: nowhere."""
    log_level: Level = "INFO"
    log_format: Form | None = None
    """None: lines at a terminal, else JSON."""


class StoreSettings(Table, frozen=True, kw_only=True):
    """Where tickets, sessions and what they have cost are kept."""

    url: Secret | None = None
    """Redis or Valkey; None: in this process. It may have a password in it."""


class Settings(Table, frozen=True, kw_only=True):
    """Everything."""

    default: str | None = "local/assistant"
    """Answers who asks for a model that no route knows; None ("none"): they are refused."""
    pass_through: Switch = True
    """Models without a route are asked of the upstream of the front's own provider, if it is set."""
    drain: Wait = 30.0
    """How long sessions may go on once the gateway is told to stop."""
    prices: Path | None = None
    """A price list over the built-in one."""
    recordings: Path | None = None
    """A directory into which sessions are recorded; None: they are not."""
    listen: Listen = Listen()
    upstreams: Mapping[str, Upstream] = {}
    routes: Mapping[str, str] = {}
    """Names that clients ask for, and what answers."""
    agents: Mapping[str, Agent] = {}
    """By the names that clients ask for."""
    limits: Limits = Limits()
    keys: Mapping[str, KeySettings] = {}
    """By their names; none: anybody may come in, from this machine."""
    browser: Browser = Browser()
    webrtc: Network = Network()
    observe: Observe = Observe()
    store: StoreSettings = StoreSettings()

    @classmethod
    def standard(
        cls,
        *,
        host: str | None = None,
        environ: Mapping[str, str] | None = None,
        listen: Mapping[str, object] | None = None,
        store: str | None = None,
    ) -> "Settings":
        """Those without a configuration: every model is `local/assistant`.

        Keys are those of ANTIPHON_API_KEYS in *environ* (the process's own). *listen* are settings
        of that table which the command line gives, and *store* the URL of `[store]`. Raises
        SettingsError.
        """
        from antiphon.gateway.reading import standard_settings

        given = {**(listen or {}), **({} if host is None else {"host": host})}
        return standard_settings(environ, listen=given, store=store)
