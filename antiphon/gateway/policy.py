"""What stands between a client and the model behind: whose words pass, and as whose.

It works on events, so that it is the same for every dialect.
"""

import msgspec

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, SessionConfig, Transcription, merge
from antiphon.codecs.dialect import Bind
from antiphon.codecs.foreign import without_options
from antiphon.gateway.tickets import Grant
from antiphon.pipeline import Frame

SHOWN = (events.SessionCreated, events.SessionUpdated, events.SessionStarted)
"""Where a server says how a session is."""

SETTING = (events.SessionUpdate, events.SessionStart)
"""Where a client says how a session is to be."""

BETWEEN = (events.Reconnecting, events.Reconnected)
"""What is between the gateway and the model."""


class Policy:
    """Binds what a ticket has bound, and shows the client the session that it asked for.

    *asked* is what the client said as it came. *model* is the name that the client knows; what is behind it is not the client's business.
    With *other_wire* formats of audio are not either. With *other_provider* the client's words
    are for somebody else than the one who will hear them: options, voices and the names of
    transcribers are left out, and *voice* is the one to speak with.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        bind: Bind | None = None,
        grant: Grant | None = None,
        asked: SessionConfig | None = None,
        other_wire: bool = False,
        other_provider: bool = False,
        voice: str | None = None,
    ) -> None:
        self._model = model
        self._bind = bind
        self._grant = grant
        self._asked = asked or SessionConfig()
        self._other_wire = other_wire
        self._other_provider = other_provider
        self._voice = voice
        self._input: AudioFormat | None = None
        self._output: AudioFormat | None = None

    @property
    def initial(self) -> SessionConfig | None:
        """What the model is told before the client has said anything."""
        bound = SessionConfig() if self._grant is None else self._grant.config
        if bound == self._asked == SessionConfig():
            return None
        return self._settled(self._asked)

    def said(self, event: Frame) -> Frame:
        """What the model behind is told. Raises WireError or Unsayable."""
        if event.__class__ is events.InputAudioAppend:
            return event  # which are most of all, and have no settings
        if isinstance(event, SETTING):
            return msgspec.structs.replace(event, config=self._settled(event.config))
        if self._other_provider and isinstance(event, events.EventFrame):
            return without_options(event)
        return event

    def _settled(self, said: SessionConfig) -> SessionConfig:
        if self._grant is not None and self._bind is not None:
            said = self._bind(self._grant.config, self._grant.locked, said)
        config = msgspec.structs.replace(said, model=None)
        if self._other_wire:
            self._input = said.input_audio_format or self._input
            self._output = said.output_audio_format or self._output
            config = msgspec.structs.replace(
                config, input_audio_format=None, output_audio_format=None
            )
        if self._other_provider:
            config = without_options(events.SessionUpdate(config=config)).config
            heard = config.input_audio_transcription
            if isinstance(heard, Transcription):
                heard = msgspec.structs.replace(heard, model=None)
            config = msgspec.structs.replace(
                config, voice=self._voice, input_audio_transcription=heard
            )
        return config

    def heard(self, event: Frame) -> Frame | None:
        """What the client is told."""
        if isinstance(event, SHOWN) and event.config is not None:
            config = event.config
            if isinstance(event, events.SessionCreated) and self.initial is not None:
                config = merge(config, self.initial)  # the model has not been told yet
            config = msgspec.structs.replace(config, model=self._model)
            if self._other_wire:
                config = msgspec.structs.replace(
                    config, input_audio_format=self._input, output_audio_format=self._output
                )
            return msgspec.structs.replace(event, config=config)
        return None if isinstance(event, BETWEEN) else event
