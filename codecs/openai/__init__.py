"""OpenAI Realtime, as it is since it left its beta; names of the beta are understood."""

import msgspec

from antiphon.codecs import events
from antiphon.codecs.audio import G711_RATE, LAWS
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.dialect import Calling, Dialect, Minting, Rates, Repertoire
from antiphon.codecs.openai import calls
from antiphon.codecs.openai.client import Client
from antiphon.codecs.openai.profile import RATE
from antiphon.codecs.openai.reach import BASE_URL, accept, answer, connect, mint, minted, order
from antiphon.codecs.openai.server import Server
from antiphon.codecs.openai.session import TRANSCRIPTION

__all__ = ["DIALECT", "Client", "Server"]

OF_CLIENT = Repertoire(
    native=frozenset(
        {
            events.SessionUpdate,
            events.InputAudioAppend,
            events.InputAudioCommit,
            events.InputAudioClear,
            events.ConversationItemCreate,
            events.ConversationItemRetrieve,
            events.ConversationItemTruncate,
            events.ConversationItemDelete,
            events.ResponseCreate,
            events.ResponseCancel,
            events.OutputAudioClear,
            events.Custom,
        }
    )
)

OF_SERVER = Repertoire(
    native=frozenset(
        {
            events.SessionCreated,
            events.SessionUpdated,
            events.RateLimits,
            events.Error,
            events.SpeechStarted,
            events.SpeechStopped,
            events.AudioCommitted,
            events.InputAudioCleared,
            events.InputTimeoutTriggered,
            events.DtmfReceived,
            events.InputTranscriptionDelta,
            events.InputTranscriptionCompleted,
            events.InputTranscriptionFailed,
            events.ConversationItemAdded,
            events.ConversationItemDone,
            events.ConversationItemRetrieved,
            events.ConversationItemTruncated,
            events.ConversationItemDeleted,
            events.ResponseCreated,
            events.ResponseDone,
            events.OutputItemAdded,
            events.OutputItemDone,
            events.ContentPartAdded,
            events.ContentPartDone,
            events.AudioDelta,
            events.AudioDone,
            events.AudioTranscriptDelta,
            events.AudioTranscriptDone,
            events.TextDelta,
            events.TextDone,
            events.FunctionCallArgumentsDelta,
            events.FunctionCallArgumentsDone,
            events.OutputPlaybackStarted,
            events.OutputPlaybackStopped,
            events.OutputPlaybackCleared,
            events.Custom,
        }
    ),
    emulated={
        events.SessionStarted: "a session is created",
        events.ResponseInterrupted: "speech_started, unless one was just sent",
        events.GoAway: "an error with its code",
    },
)


def rates(config: SessionConfig) -> Rates:
    return Rates(_rate(config.input_audio_format), _rate(config.output_audio_format))


def _rate(audio: AudioFormat | None) -> int:
    """In Hz, of audio in events when the wire has this format."""
    if audio is None:
        return RATE
    return G711_RATE if audio.type in LAWS else audio.rate or RATE


def outspoken(config: SessionConfig) -> SessionConfig:
    """*config* with formats: some servers that speak so have others where none are asked for."""
    pcm = AudioFormat(type="audio/pcm", rate=RATE)
    said = msgspec.structs.replace(config, input_audio_format=config.input_audio_format or pcm)
    if (config.provider_options or {}).get("type") == TRANSCRIPTION:
        return said  # which has no speech
    return msgspec.structs.replace(said, output_audio_format=config.output_audio_format or pcm)


DIALECT = Dialect(
    name="openai",
    title="OpenAI Realtime",
    page="https://platform.openai.com/docs/api-reference/realtime",
    base_url=BASE_URL,
    key_variable="OPENAI_API_KEY",
    client=Client,
    server=Server,
    repertoire_of_client=OF_CLIENT,
    repertoire_of_server=OF_SERVER,
    rates=rates,
    auth="bearer key; ticket (ek_...) in a subprotocol",
    limits="60 min a session, 15 MiB an audio message",
    connect=connect,
    accept=accept,
    minting=Minting(mint=mint, minted=minted, order=order, answer=answer),
    calling=Calling(
        offer=calls.offer,
        answered=calls.answered,
        accept=calls.accept,
        answer=calls.answer,
    ),
    greets=True,
    history=True,
    outspoken=outspoken,
)
