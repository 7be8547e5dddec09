"""What befalls the packets of audio that one end of a WebRTC connection sends."""

import random
from typing import Any, NamedTuple

from benchmarks.peers.rough import roughen


class Trouble(NamedTuple):
    loss: float = 0.0
    """The share of packets that is lost."""
    once: int | None = None
    """The number of the only packet that is lost."""
    jitter: float = 0.0
    """Seconds by which packets are late, at most."""
    seed: int = 1

    def befall(self, ice: Any) -> None:
        """From now on, what aioice's connection *ice* sends."""
        rng = random.Random(self.seed)

        def lost(number: int) -> bool:
            return number == self.once or rng.random() < self.loss

        roughen(ice, loses=lost, jitter=self.jitter, seed=self.seed)
