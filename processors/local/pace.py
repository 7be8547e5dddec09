"""How fast a local model thinks and speaks."""

import msgspec


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How a response is delivered.

    *think* seconds pass before its first word. Speech comes in deltas of *chunk* seconds,
    *speed* times as fast as it is played; *jitter* is by how much of themselves think
    time and distances vary at random, at most.
    """

    think: float = 0.15
    chunk: float = 0.1
    speed: float = 4.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if not 0.02 <= self.chunk <= 0.2:
            raise ValueError(f"speech comes in deltas of 0.02 to 0.2 s, not {self.chunk}")
        if self.speed <= 0 or self.think < 0 or not 0 <= self.jitter <= 1:
            raise ValueError("speed is above 0, think not below 0 and jitter from 0 to 1")
