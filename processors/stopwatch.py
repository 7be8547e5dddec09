"""Measures a session through its connections."""


class Stopwatch:
    """Microseconds of session time, while it runs; started anew with each connection."""

    def __init__(self) -> None:
        self._before = 0
        self._this = 0
        self._since: int | None = None

    @property
    def running(self) -> bool:
        return self._since is not None

    def start(self, at: int) -> None:
        self._before, self._this = self._before + self._this, 0
        self._since = at

    def stop(self, at: int) -> None:
        if self._since is not None:
            self._this += max(0, at - self._since)
            self._since = None

    def correct(self, duration: int, at: int) -> None:
        """At *at* it was *duration* since it was last started, whatever was measured."""
        self._this = duration
        if self._since is not None:
            self._since = at

    def at(self, now: int) -> int:
        """What it shows."""
        whole = self._before + self._this
        return whole if self._since is None else whole + max(0, now - self._since)
