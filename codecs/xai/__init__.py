"""xAI's voice agents (Grok): OpenAI's protocol in most, so that both ends are built on OpenAI's."""

from antiphon.codecs import events, openai
from antiphon.codecs.dialect import Calling, Dialect, Minting, Repertoire
from antiphon.codecs.xai import calls
from antiphon.codecs.xai.client import Client
from antiphon.codecs.xai.reach import (
    BASE_URL,
    accept,
    answer,
    connect,
    mint,
    minted,
    order,
    resumed,
)
from antiphon.codecs.xai.server import UNKNOWN, Server

__all__ = ["DIALECT", "Client", "Server"]

OF_CLIENT = Repertoire(
    native=openai.DIALECT.repertoire_of_client.native
    - {events.ConversationItemRetrieve, events.ConversationItemTruncate}
)

OF_SERVER = Repertoire(
    native=openai.DIALECT.repertoire_of_server.native - frozenset(UNKNOWN),
    emulated={
        **openai.DIALECT.repertoire_of_server.emulated,
        events.ResumptionHandle: "a conversation of that id, to be resumed if the client asks",
    },
)

DIALECT = Dialect(
    name="xai",
    title="xAI Voice Agent",
    page="https://docs.x.ai/developers/model-capabilities/audio/speech-to-speech",
    base_url=BASE_URL,
    key_variable="XAI_API_KEY",
    client=Client,
    server=Server,
    repertoire_of_client=OF_CLIENT,
    repertoire_of_server=OF_SERVER,
    rates=openai.DIALECT.rates,
    auth="bearer key; ticket in a subprotocol",
    limits="30 to 120 min a session, 100 sessions at a time",
    connect=connect,
    accept=accept,
    minting=Minting(mint=mint, minted=minted, order=order, answer=answer),
    calling=Calling(
        offer=calls.offer, answered=calls.answered, accept=calls.accept, answer=calls.answer
    ),
    greets=True,
    history=True,
    resume=resumed,
)
