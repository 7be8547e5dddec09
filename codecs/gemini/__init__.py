"""Gemini Live: messages told apart by their fields, turns without names, answers unasked."""

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialect import Dialect, Minting, Rates, Repertoire
from antiphon.codecs.gemini import reach, wire
from antiphon.codecs.gemini.client import INPUT_RATE, OUTPUT_RATE, Client
from antiphon.codecs.gemini.saying import input_rate_of
from antiphon.codecs.gemini.server import Server

__all__ = ["DIALECT", "Client", "Server"]


def _rates(config: SessionConfig) -> Rates:
    return Rates(input_rate_of(config.input_audio_format, INPUT_RATE), OUTPUT_RATE)


DIALECT = Dialect(
    name=wire.NAME,
    title="Gemini Live",
    page="https://ai.google.dev/api/live",
    base_url=reach.BASE_URL,
    key_variable=reach.KEY_VARIABLE,
    client=Client,
    server=Server,
    repertoire_of_client=Repertoire(
        native=frozenset(
            {
                events.SessionUpdate,
                events.InputAudioAppend,
                events.InputAudioCommit,
                events.InputActivityStart,
                events.ConversationItemCreate,
                events.Custom,
            }
        ),
        emulated={
            events.ResponseCreate: "implied by text, speech and tool outputs, else ends the turn",
        },
    ),
    repertoire_of_server=Repertoire(
        native=frozenset(
            {
                events.SessionCreated,
                events.SpeechStarted,
                events.SpeechStopped,
                events.InputTranscriptionDelta,
                events.InputTranscriptionCompleted,
                events.AudioDelta,
                events.AudioTranscriptDelta,
                events.TextDelta,
                events.FunctionCallArgumentsDone,
                events.FunctionCallCancelled,
                events.ResponseInterrupted,
                events.ResponseDone,
                events.GoAway,
                events.ResumptionHandle,
                events.Custom,
            }
        ),
        emulated={
            events.SessionUpdated: "the first ends the setup",
            events.SessionStarted: "the first ends the setup",
            events.ResponseCreated: "implied by the first content",
            events.FunctionCallArgumentsDelta: "whole, with the call",
            events.AudioDone: "with the end of the turn",
            events.AudioTranscriptDone: "with the end of the turn",
            events.TextDone: "with the end of the turn",
        },
    ),
    rates=_rates,
    auth=reach.AUTH,
    limits=reach.LIMITS,
    connect=reach.connect,
    accept=reach.accept,
    refuse=reach.refuse,
    minting=Minting(
        mint=reach.mint,
        minted=reach.minted,
        order=reach.order,
        answer=reach.answer,
        bind=reach.bind,
    ),
    history=True,
    model_in_setup=True,
)
