"""How pipecat-ai's service for OpenAI Realtime reads and writes its messages."""

# pyright: basic, reportMissingImports=false
# The package is no dependency: where it is missing, all that comes from it is unknown.

import base64
import json

from pipecat.services.openai.realtime import events

from antiphon.codec.peers import Case, Task
from benchmarks.harness import version


class Pipecat:
    """Without the frames that it makes of them."""

    name = f"pipecat {version('pipecat-ai')}"

    def task(self, case: Case) -> Task | None:
        if case.dialect != "openai":
            return None
        if case.does == "client decodes":
            return self._reading(case)
        if case.does == "client encodes" and case.what.startswith("audio"):
            sounds = [base64.b64decode(json.loads(message)["audio"]) for message in case.messages]
            return lambda: self._write(sounds)
        return None

    def _reading(self, case: Case) -> Task | None:
        try:
            self._read(case)
        except Exception:  # it wants more of some messages than they have
            return None
        return lambda: self._read(case)

    def _read(self, case: Case) -> None:
        for message in case.messages:
            event = events.parse_server_event(message)
            if isinstance(event, events.ResponseAudioDelta):
                base64.b64decode(event.delta)

    def _write(self, sounds: list[bytes]) -> None:
        for pcm in sounds:
            payload = base64.b64encode(pcm).decode("utf-8")
            event = events.InputAudioBufferAppendEvent(audio=payload)
            json.dumps(event.model_dump(exclude_none=True))
