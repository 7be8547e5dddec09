"""A client of a model that is served on a call: there is sound both ways, beside the messages."""

from collections import deque
from collections.abc import Iterable
from math import inf

import anyio
import msgspec
from anyio.abc import TaskGroup

from antiphon.codecs import events
from antiphon.codecs.complete import Complete
from antiphon.codecs.dialect import ServerEnd
from antiphon.pipeline import Audio, Interrupt, NotRunning, Run, Speech, now
from antiphon.processors.ledger import Ledger
from antiphon.processors.realtime import Downlink, Model, ModelLine
from antiphon.processors.served import Served
from antiphon.transports import Closed, Voiced


class ServedCall(Served):
    """Hears the user and plays the speech, and knows how far that got.

    When the user interrupts, what is still to be said is forgotten, and the model is told what
    was not.
    """

    def __init__(self, line: Voiced, end: ServerEnd, model: Model | ModelLine, run: Run) -> None:
        super().__init__(line, end, model, run)
        self._line = line
        self._rate = model.output_rate
        self._downlink = Downlink(self._rate)
        self._complete = Complete()
        self._ledger = Ledger()
        self._changed = anyio.Event()
        self._for_model: deque[events.Playback] = deque()
        """Reports that it has not got yet."""

    # The client.

    async def receive(self) -> Iterable[events.ClientEvent | events.Error]:
        heard = await self._line.hear()
        if not isinstance(heard, Audio):
            return self.decoded(heard)
        pcm = self._input.change(heard.pcm, heard.rate, self._input.own)
        return (events.InputAudioAppend(audio=pcm, at=heard.at),)

    async def pass_on(self, event: events.ClientEvent) -> None:
        if isinstance(event, events.OutputAudioClear):
            for _ in self._downlink.process(Interrupt(at=event.at, reason="the client says so")):
                await self._cut()
            return
        if isinstance(event, events.SessionUpdate):
            detection = event.config.turn_detection
            if isinstance(detection, msgspec.Struct):
                interrupts = detection.interrupt_response is not False
                self._downlink = Downlink(self._rate, interrupts=interrupts)
        await super().pass_on(event)

    # The model.

    async def speak(self, group: TaskGroup) -> None:
        group.start_soon(self._follow)
        await super().speak(group)

    async def leave(self) -> None:
        await self._line.left(inf)
        await super().leave()

    async def say(self, event: events.ServerEvent) -> None:
        for whole in self._complete.process(event):
            cut = False
            for frame in self._downlink.process(whole):
                match frame:
                    case Interrupt():
                        cut = True
                    case Speech():
                        self._ledger.put(frame, self._line.sent + self._line.queued)
                        self._changed.set()
                        await self._line.play(frame)
                    case Audio():
                        await self._line.play(frame)
                    case _:
                        await super().say(whole)
            match whole:
                case events.AudioDone():
                    self._ledger.done(whole.response_id, whole.item_id, whole.content_index)
                    self._changed.set()
                case events.ResponseDone():
                    self._ledger.over(whole.response_id)
                    self._changed.set()
                case _:
                    pass
            if cut:
                await self._cut()

    async def _cut(self) -> None:
        """Falls silent."""
        position = self._line.sent
        self._line.clear()
        await self._report(tuple(self._ledger.clear(position, now())))

    async def _report(self, reports: Iterable[events.Playback]) -> None:
        """Tells the client of responses, and the model of items."""
        for report in reports:
            if report.item_id is not None:
                self._for_model.append(report)
                self._changed.set()
        for report in reports:
            if report.item_id is None:
                await super().say(report)

    async def _follow(self) -> None:
        """Reports what has been said."""
        try:
            while self._line.closed is None:
                self._changed = anyio.Event()
                while self._for_model:
                    for told in self._downlink.process_back(self._for_model.popleft()):
                        await self._run.send(told)
                position = self._line.sent if self._line.queued else inf
                await self._report(tuple(self._ledger.passed(position, now())))
                if self._for_model:
                    continue
                if (following := self._ledger.next) is not None:
                    await self._line.left(following)
                else:
                    await self._changed.wait()
        except (Closed, NotRunning):
            return
