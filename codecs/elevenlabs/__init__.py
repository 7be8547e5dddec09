"""ElevenLabs Agents: an agent that is configured at the provider, over a WebSocket.

Turns, tools and formats are the agent's own. A client can talk, type, tell it something in
passing and answer tool calls; it cannot commit, cancel or truncate. The provider says when it was
interrupted but not when it has finished: see answers.py.
"""

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import Dialect, Minting, Rates, Repertoire
from antiphon.codecs.elevenlabs.client import Client
from antiphon.codecs.elevenlabs.reach import (
    BASE_URL,
    accept,
    answer,
    connect,
    mint,
    minted,
    order,
    refuse,
)
from antiphon.codecs.elevenlabs.server import Server
from antiphon.codecs.elevenlabs.session import RATE

__all__ = ["DIALECT", "Client", "Server", "rates"]


def rates(config: SessionConfig) -> Rates:
    """The agent has formats of its own, and tells them when the session is open."""
    return Rates(RATE, RATE)


DIALECT = Dialect(
    name="elevenlabs",
    title="ElevenLabs Agents",
    page="https://elevenlabs.io/docs/agents-platform/api-reference/agents-platform/websocket",
    base_url=BASE_URL,
    key_variable="ELEVENLABS_API_KEY",
    client=Client,
    server=Server,
    repertoire_of_client=Repertoire(
        native=frozenset(
            {
                events.SessionUpdate,
                events.InputAudioAppend,
                events.ConversationItemCreate,
                events.Custom,
            }
        ),
        emulated={
            events.ResponseCreate: "typed text and tool results are answered by themselves",
            events.InputActivityStart: "user_activity, a hint to let the user go on",
        },
    ),
    repertoire_of_server=Repertoire(
        native=frozenset(
            {
                events.SessionCreated,
                events.Error,
                events.InputTranscriptionDelta,
                events.InputTranscriptionCompleted,
                events.ResponseInterrupted,
                events.AudioDelta,
                events.AudioTranscriptDone,
                events.TextDelta,
                events.TextDone,
                events.FunctionCallArgumentsDone,
                events.Custom,
            }
        ),
        emulated={
            events.SessionUpdated: "the metadata, unless it was sent",
            events.SessionStarted: "the metadata, unless it was sent",
            events.SpeechStarted: "an interruption, if the agent is speaking",
            events.ConversationItemTruncated: "agent_response_correction, if the words are known",
            events.ResponseCreated: "by the first message of the response",
            events.ResponseDone: "by the next turn, an interruption, or silence",
            events.AudioDone: "with the end of the response",
            events.AudioTranscriptDelta: "agent_response, when the words are complete",
            events.FunctionCallArgumentsDelta: "whole, with the call",
        },
    ),
    rates=rates,
    auth="public agents need none; an API key mints a signed address",
    limits="an agent's tools, turns and formats are configured at the provider; no cancelling",
    connect=connect,
    accept=accept,
    refuse=refuse,
    minting=Minting(mint=mint, minted=minted, order=order, answer=answer),
)
