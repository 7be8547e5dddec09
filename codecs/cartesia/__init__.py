"""Cartesia managed agents: speech recognition, model and voice, hosted and configured there."""

from antiphon.codecs import events
from antiphon.codecs.cartesia.client import Client
from antiphon.codecs.cartesia.reach import (
    BASE_URL,
    accept,
    answer,
    connect,
    mint,
    minted,
    order,
)
from antiphon.codecs.cartesia.server import Server
from antiphon.codecs.cartesia.session import DEFAULT_FORMAT, format_of, name_of
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import Dialect, Minting, Rates, Repertoire
from antiphon.codecs.wire import Unsayable

__all__ = ["DIALECT", "Client", "Server", "rates"]


def rates(config: SessionConfig) -> Rates:
    """The same in both directions; a format that will be refused counts for nothing."""
    try:
        name = name_of(config)
    except Unsayable:
        name = DEFAULT_FORMAT
    rate = format_of(name).rate or 24_000
    return Rates(rate, rate)


DIALECT = Dialect(
    name="cartesia",
    title="Cartesia managed agents",
    page="https://docs.cartesia.ai/api-reference/agents/agent-websocket",
    base_url=BASE_URL,
    key_variable="CARTESIA_API_KEY",
    client=Client,
    server=Server,
    repertoire_of_client=Repertoire(
        native=frozenset(
            {
                events.SessionUpdate,
                events.InputAudioAppend,
                events.InputDtmf,
                events.ConversationItemCreate,
                events.Custom,
            }
        ),
        emulated={events.ResponseCreate: "a tool's result is answered by itself"},
    ),
    repertoire_of_server=Repertoire(
        native=frozenset(
            {
                events.SessionCreated,
                events.SpeechStarted,
                events.InputTranscriptionDelta,
                events.InputTranscriptionCompleted,
                events.ResponseCreated,
                events.ResponseDone,
                events.ResponseInterrupted,
                events.AudioDelta,
                events.AudioTranscriptDelta,
                events.FunctionCallArgumentsDone,
                events.OutputDtmf,
                events.Error,
                events.Custom,
            }
        ),
        emulated={
            events.SessionUpdated: "session_ready, once",
            events.SessionStarted: "session_ready, once",
            events.SpeechStopped: "the end of the user's turn, with its words",
            events.InputTranscriptionFailed: "a turn of the user without words",
            events.TextDelta: "words of the agent's turn",
            events.TextDone: "the end of the agent's turn, with its words",
            events.AudioTranscriptDone: "the end of the agent's turn, with its words",
            events.AudioDone: "the end of the agent's turn",
            events.FunctionCallArgumentsDelta: "the call, when it is complete",
            events.FunctionCallCancelled: "its result asks for no answer",
        },
    ),
    rates=rates,
    auth="X-API-Key or Bearer; tickets, with what they change of the agent, as ?access_token=",
    limits="no text in, no asking for or cancelling answers, no usage; one format both ways",
    connect=connect,
    accept=accept,
    minting=Minting(mint=mint, minted=minted, order=order, answer=answer),
)
