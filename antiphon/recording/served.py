"""Holds a session again in which a model was served: the client's messages are the input."""

from collections.abc import Callable

import anyio

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialects import find_dialect
from antiphon.pipeline import clock
from antiphon.processors.realtime import Model
from antiphon.processors.remote import Remote
from antiphon.processors.serving import serve
from antiphon.recording.conduct import Notes, conduct, end_in_time, held, keep_pace
from antiphon.recording.ends import Network, Remembered
from antiphon.recording.reader import Record, Recording
from antiphon.recording.records import CONFIG, Connected, Said, Wired, frame_of
from antiphon.recording.replay import Replayed
from antiphon.recording.surroundings import surroundings
from antiphon.recording.wire import reach


def replay_served(
    recording: Recording,
    build: Callable[[], Model],
    *,
    until: float | None = None,
    speed: float | None = None,
) -> Replayed:
    """Let the recorded client talk to the model that *build* gives.

    The recording says in which *dialect*, and what the model was called.
    """
    return _Served(recording, until, speed).run(build)


class _Served:
    def __init__(self, recording: Recording, limit: float | None, speed: float | None) -> None:
        self._recording = recording
        self._limit = limit
        self._speed = speed
        self._notes = Notes()
        opened = [
            record.body
            for record in recording.records
            if isinstance(record.body, Connected) and record.body.side == "client"
        ]
        number = opened[0].connection if opened else 1
        self._client = Remembered(number, self._notes.take, "client")
        self._network = Network(self._notes.take)

    def run(self, build: Callable[[], Model]) -> Replayed:
        with surroundings(int(self._recording.header.get("began", "0"))):
            model = build()
            if isinstance(model, Remote):
                reach(model, self._network.open)
            problem = held(self._run, model)
        return Replayed(self._notes.records, problem)

    async def _run(self, model: Model) -> None:
        clock.begin(anyio.current_time())
        header = self._recording.header
        end = find_dialect(header.get("dialect", "openai")).server(header.get("served", ""))
        async with anyio.create_task_group() as group:
            group.start_soon(conduct, self._recording, self._let_in, lambda: None)
            group.start_soon(end_in_time, self._recording, self._limit, group)
            if self._speed is not None:
                group.start_soon(keep_pace, self._speed)
            await serve(self._client, end, model, config=_initial(self._recording))
            group.cancel_scope.cancel()

    async def _let_in(self, record: Record) -> None:
        body = record.body
        if isinstance(body, Wired | Connected):
            if body.side == "model":
                self._network.hear(body)
            elif isinstance(body, Wired) or body.what == "closed":
                self._client.hear(body)


def _initial(recording: Recording) -> SessionConfig | None:
    """What the model was before the client said how it wanted it."""
    for record in recording.of(CONFIG):
        frame = frame_of(record.body) if isinstance(record.body, Said) else None
        if isinstance(frame, events.SessionUpdate | events.SessionStart):
            return frame.config
    return None
