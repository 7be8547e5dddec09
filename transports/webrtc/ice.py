"""Where connections may lead: servers that help, addresses and ports of this machine."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class IceServer:
    """A STUN or TURN server, as in `stun:stun.example.org:3478` or `turn:...?transport=tcp`."""

    url: str
    username: str | None = None
    credential: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Network:
    """What of this machine's network is used.

    *addresses* are all but the loopback's unless they are given, *ports* (first, last) any.
    """

    servers: tuple[IceServer, ...] = ()
    addresses: tuple[str, ...] = ()
    ports: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.ports and not 0 < self.ports[0] <= self.ports[1] < 65_536:
            raise ValueError(f"ports are (first, last) of 1 to 65535, not {self.ports}")
