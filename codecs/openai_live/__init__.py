"""OpenAI Live: gpt-live-1, a model that listens and speaks at the same time, without turns."""

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import Calling, Dialect, Rates, Repertoire
from antiphon.codecs.openai_live.client import Client
from antiphon.codecs.openai_live.reach import BASE_URL, accept, connect
from antiphon.codecs.openai_live.server import Server
from antiphon.codecs.openai_live.session import DEFAULT_FORMAT, audio_format
from antiphon.codecs.openai_live.webrtc import (
    DATA_CHANNEL,
    answer_webrtc,
    read_answer,
    read_webrtc_session,
    webrtc_session,
)
from antiphon.codecs.wire import Unsayable

__all__ = ["DIALECT", "Client", "Server", "rates", "webrtc_session"]


def rates(config: SessionConfig) -> Rates:
    """The same in both directions; a format that will be refused counts for nothing."""
    try:
        spoken = audio_format(config)
    except Unsayable:
        spoken = DEFAULT_FORMAT
    rate = spoken.rate or 24_000
    return Rates(rate, rate)


DIALECT = Dialect(
    name="openai_live",
    title="OpenAI Live",
    page="https://developers.openai.com/api/docs/guides/live-conversations",
    base_url=BASE_URL,
    key_variable="OPENAI_API_KEY",
    client=Client,
    server=Server,
    repertoire_of_client=Repertoire(
        native=frozenset(
            {
                events.SessionStart,
                events.SessionClose,
                events.ContextAppend,
                events.InputAudioAppend,
                events.InputAudioMute,
                events.InputAudioUnmute,
                events.Custom,
            }
        )
    ),
    repertoire_of_server=Repertoire(
        native=frozenset(
            {
                events.SessionStarted,
                events.SessionClosed,
                events.SessionUsage,
                events.CommandAcknowledged,
                events.Error,
                events.AudioChunk,
                events.TranscriptFragment,
                events.DelegationCreated,
                events.Custom,
            }
        ),
        emulated={
            events.SessionCreated: "session.started, once",
            events.SessionUpdated: "session.started, once",
            events.AudioDelta: "a chunk of speech",
            events.AudioTranscriptDelta: "a fragment of the assistant's words",
            events.TextDelta: "a fragment of the assistant's words",
            events.InputTranscriptionDelta: "a fragment of the user's words",
            events.InputTranscriptionCompleted: "a fragment, unless its words were sent already",
        },
    ),
    rates=rates,
    auth="Bearer key; no tickets, browsers connect by WebRTC",
    limits="no turns, no tools but delegation; one format for both directions",
    connect=connect,
    accept=accept,
    calling=Calling(
        offer=webrtc_session,
        answered=read_answer,
        accept=read_webrtc_session,
        answer=answer_webrtc,
        channel=DATA_CHANNEL,
    ),
    continuous=True,
    model_in_setup=True,
)
