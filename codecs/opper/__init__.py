"""Opper: one protocol in front of OpenAI, xAI and Gemini."""

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import Dialect, Minting, Rates, Repertoire
from antiphon.codecs.opper.client import Client
from antiphon.codecs.opper.lock import effective
from antiphon.codecs.opper.reach import BASE_URL, accept, connect, refuse
from antiphon.codecs.opper.server import Server
from antiphon.codecs.opper.session import rates_of
from antiphon.codecs.opper.tickets import answer, bind, mint, minted, order

__all__ = ["DIALECT", "Client", "Server", "effective", "rates"]


def rates(config: SessionConfig) -> Rates:
    """The user's speech is slower for Gemini; `session.started` has the last word."""
    return rates_of(config.model or "")


DIALECT = Dialect(
    name="opper",
    title="Opper Realtime",
    page="https://docs.opper.ai/v3-api-reference/realtime/protocol",
    base_url=BASE_URL,
    key_variable="OPPER_API_KEY",
    client=Client,
    server=Server,
    repertoire_of_client=Repertoire(
        native=frozenset(
            {
                events.SessionUpdate,
                events.InputAudioAppend,
                events.InputAudioCommit,
                events.InputAudioClear,
                events.ConversationItemCreate,
                events.ResponseCreate,
                events.ResponseCancel,
                events.Custom,
            }
        ),
        emulated={events.SessionStart: "as SessionUpdate"},
    ),
    repertoire_of_server=Repertoire(
        native=frozenset(
            {
                events.SessionCreated,
                events.SessionClosed,
                events.GoAway,
                events.Error,
                events.SpeechStarted,
                events.SpeechStopped,
                events.InputTranscriptionCompleted,
                events.ResponseCreated,
                events.ResponseDone,
                events.AudioDelta,
                events.AudioTranscriptDelta,
                events.FunctionCallArgumentsDone,
                events.Custom,
            }
        ),
        emulated={
            events.SessionUpdated: "session.started, once",
            events.SessionStarted: "session.started, once",
            events.ResponseInterrupted: "speech.started",
            events.AudioDone: "by the end of the response",
            events.AudioTranscriptDone: "by the end of the response",
            events.TextDelta: "text.delta, which is a transcript unless the session is text only",
            events.TextDone: "by the end of the response",
            events.FunctionCallArgumentsDelta: "in one piece, with the call",
            events.AudioChunk: "audio.delta",
            events.TranscriptFragment: "text.delta, of what the assistant says",
        },
    ),
    rates=rates,
    auth="Bearer key of a project; ticket as subprotocol opper-ticket.X or ?ticket=",
    limits="no item ids, no truncation, no usage; a ticket opens one session within 300 s",
    connect=connect,
    accept=accept,
    refuse=refuse,
    minting=Minting(mint=mint, minted=minted, order=order, answer=answer, bind=bind),
    model_in_setup=True,
)
