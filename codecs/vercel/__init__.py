"""Vercel's AI Gateway: the realtime events of the AI SDK as JSON, the most readable of dialects.

Other dialects' events are written in it for people too. What the AI SDK has no word for becomes
its `custom` event, which our own client reads as what it was.
"""

from antiphon.codecs import events
from antiphon.codecs.dialect import Calling, Dialect, Minting, Repertoire
from antiphon.codecs.vercel import calls
from antiphon.codecs.vercel.client import Client
from antiphon.codecs.vercel.customs import NAMES
from antiphon.codecs.vercel.reach import (
    BASE_URL,
    accept,
    answer,
    bind,
    connect,
    mint,
    minted,
    order,
)
from antiphon.codecs.vercel.server import Server
from antiphon.codecs.vercel.session import rates
from antiphon.codecs.vercel.setup import (
    Setup,
    read_setup_request,
    read_setup_response,
    setup_request,
    setup_response,
)

__all__ = [
    "DIALECT",
    "Client",
    "Server",
    "Setup",
    "read_setup_request",
    "read_setup_response",
    "setup_request",
    "setup_response",
]

DIALECT = Dialect(
    name="vercel",
    title="Vercel AI Gateway",
    page="https://vercel.com/docs/ai-gateway/modalities/realtime",
    base_url=BASE_URL,
    key_variable="AI_GATEWAY_API_KEY",
    client=Client,
    server=Server,
    repertoire_of_client=Repertoire(
        native=frozenset(
            {
                events.SessionUpdate,
                events.SessionStart,
                events.SessionClose,
                events.ContextAppend,
                events.InputAudioAppend,
                events.InputAudioCommit,
                events.InputAudioClear,
                events.InputAudioMute,
                events.InputAudioUnmute,
                events.ConversationItemCreate,
                events.ConversationItemTruncate,
                events.ResponseCreate,
                events.ResponseCancel,
                events.Custom,
            }
        ),
    ),
    repertoire_of_server=Repertoire(
        native=frozenset(
            {
                events.SessionCreated,
                events.SessionUpdated,
                events.SessionStarted,
                events.SessionClosed,
                events.SessionUsage,
                events.CommandAcknowledged,
                events.Error,
                events.SpeechStarted,
                events.SpeechStopped,
                events.AudioCommitted,
                events.InputTranscriptionCompleted,
                events.ConversationItemAdded,
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
                events.AudioChunk,
                events.TranscriptFragment,
                events.DelegationCreated,
                events.Custom,
            }
        ),
        emulated={
            **dict.fromkeys(NAMES, "custom, which our client reads"),
            events.InputTranscriptionDelta: "custom, or completed with all words so far",
            events.ResponseInterrupted: "speech-started, unless it was just said",
        },
    ),
    rates=rates,
    auth="Bearer key, or a ticket in a subprotocol",
    limits="25 min a session, 5 min idle, 30 s to the first message, 256 KB a message, no images",
    connect=connect,
    accept=accept,
    calling=Calling(
        offer=calls.offer, answered=calls.answered, accept=calls.accept, answer=calls.answer
    ),
    minting=Minting(mint=mint, minted=minted, order=order, answer=answer, bind=bind),
)
