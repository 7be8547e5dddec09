"""A spoken conversation with each dialect, from a bot to the dialect's own server side."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.pipeline import Audio, Interrupt, Speech
from antiphon.pipeline.testing import run_virtual
from antiphon.transports import websocket
from tests.processors.remote.calls import (
    KEY,
    NAMES,
    Agent,
    Call,
    Line,
    at,
    calling,
    in_memory,
    of,
    over_sockets,
    served,
)

MS = 1_000

ALL = [find_dialect(name) for name in DIALECTS]

CONTINUOUS = "it listens and speaks at the same time: there are no turns, and none to interrupt"

WITHOUT_TURNS = {"openai_live": CONTINUOUS}

WITHOUT_TOOLS = {"openai_live": "it has no tools, but hands tasks to a model of its provider's"}

WITHOUT_TRUNCATION = {
    "xai": "cuts what it said by its own count",
    "gemini": "cuts what it said by its own count",
    "elevenlabs": "plays at the pace of speech, and knows itself what was heard",
    "cartesia": "plays at the pace of speech, and knows itself what was heard",
    "opper": "has no words for items",
    "openai_live": CONTINUOUS,
}
"""Whose clients cannot say what was heard."""


WITHOUT_INSTRUCTIONS = {"cartesia": "agents are changed by a ticket, not within a call"}
"""Whose agents cannot be told of a conversation."""

WORDS_LATE = {"elevenlabs": "its server side tells the words of an answer when they are complete"}


def each(*, but: dict[str, str] = {}) -> pytest.MarkDecorator:  # noqa: B006
    able = [dialect for dialect in ALL if dialect.name not in but]
    return pytest.mark.parametrize("dialect", able, ids=[dialect.name for dialect in able])


def call(dialect: Dialect, conversation: Callable[[Call, Line], Awaitable[None]]) -> Call:
    """Hold *conversation* with an agent of *dialect* in no time."""

    async def main() -> Call:
        async with in_memory(dialect) as line, calling(line) as call:
            await conversation(call, line)
        return call

    return run_virtual(main)


@each()
def test_a_spoken_turn_is_understood_and_answered_in_speech(dialect: Dialect) -> None:
    async def talk(call: Call, line: Line) -> None:
        await call.say("How are you?")
        await call.answered("thank")
        await anyio.sleep(5)

    held = call(dialect, talk)

    (understood,) = held.agent.said(events.InputTranscriptionCompleted)
    assert understood.transcript == "how are you"
    if not dialect.continuous:
        assert [(said.who, said.text) for said in held.transcript.said] == [
            ("user", "how are you"),
            ("assistant", "I am fine, thanks for asking."),
        ]
    spoken = sum(len(delta.delta) for delta in held.agent.said(events.AudioDelta)) / 2 / 24_000
    heard = sum(frame.samples for frame in of(Audio, held.frames)) / line_rate(held)
    assert heard == pytest.approx(spoken, abs=0.005)
    assert held.sounds(0, 60_000 * MS)


def line_rate(held: Call) -> int:
    return of(Audio, held.frames)[0].rate


@each(but=WITHOUT_TOOLS)
def test_a_tool_is_called_and_its_result_is_spoken(dialect: Dialect) -> None:
    async def talk(call: Call, line: Line) -> None:
        await call.say("What is the weather in Oslo?")
        await call.answered("Oslo", "7 degrees")

    held = call(dialect, talk)

    _, tool, answer = held.transcript.said
    assert (tool.who, tool.text, tool.arguments) == ("tool", "get_weather", '{"city":"Oslo"}')
    assert answer.text == "In Oslo it is 7 degrees: light rain."
    assert len(held.agent.said(events.FunctionCallArgumentsDone)) == 1


@each(but=WITHOUT_TURNS)
def test_whoever_speaks_into_an_answer_silences_it_at_once(dialect: Dialect) -> None:
    began: list[int] = []

    async def talk(call: Call, line: Line) -> None:
        await call.say("Tell me a story.")
        await call.hears(Speech)
        await anyio.sleep(2)
        began.append(call.now())
        await call.say("How are you?")
        await call.answered("thank")
        await anyio.sleep(5)

    held = call(dialect, talk)

    cut = next(frame for frame in of(Interrupt, held.frames) if frame.at > began[0])
    assert cut.at - began[0] < 800 * MS
    story = of(Speech, held.frames)[0].response_id
    late = held.frames[held.frames.index(cut) :]
    assert not [frame for frame in of(Speech, late) if frame.response_id == story]
    started = of(events.OutputPlaybackStarted, held.reports)
    assert len(started) == 2
    assert held.sounds(began[0], cut.at)
    assert not held.sounds(cut.at + 20 * MS, started[1].at)
    (told,) = [said for said in held.transcript.said if said.heard is not None]
    assert told.heard is not None and 0 < told.heard <= cut.at - started[0].at + 20 * MS


@each(but=WITHOUT_TRUNCATION)
def test_the_agent_knows_how_far_it_was_heard(dialect: Dialect) -> None:
    async def talk(call: Call, line: Line) -> None:
        await call.say("Tell me a story.")
        await call.hears(Speech)
        await anyio.sleep(2.017)
        await call.say("Stop.")
        await call.hears(Interrupt)
        await anyio.sleep(3)

    held = call(dialect, talk)

    (cleared,) = of(events.OutputPlaybackCleared, held.reports)
    (truncated,) = held.agent.said(events.ConversationItemTruncated)
    assert cleared.played is not None and truncated.audio_end is not None
    assert 0 <= cleared.played - truncated.audio_end < MS


@pytest.mark.parametrize("name", WITHOUT_TRUNCATION)
def test_only_those_that_cannot_are_not_told(name: str) -> None:
    dialect = find_dialect(name)

    assert events.ConversationItemTruncate not in dialect.repertoire_of_client.native


@each()
def test_a_connection_that_breaks_off_is_replaced_and_the_conversation_goes_on(
    dialect: Dialect,
) -> None:
    async def talk(call: Call, line: Line) -> None:
        await call.say("Tell me a story.")
        await call.hears(Audio)
        await anyio.sleep(2)
        await line.drop()
        await call.hears(events.Reconnected)
        await call.say("How are you?")
        await call.answered("thank")

    held = call(dialect, talk)

    first, second = held.agent.models
    assert [event.attempt for event in of(events.Reconnecting, held.frames)] == [1]
    told = [event.item for event in of(events.ConversationItemCreate, second.told)]
    settled = of(events.SessionUpdate, second.told) or of(events.SessionStart, second.told)
    instructions = settled[-1].config.instructions or ""
    before = [getattr(item, "text", "") for item in told] if told else instructions.splitlines()
    if dialect.name not in WITHOUT_INSTRUCTIONS:
        assert instructions.startswith("Be brief.")
        assert any("tell me a story" in line for line in before)
    if dialect.name not in {*WITHOUT_INSTRUCTIONS, *WORDS_LATE}:
        assert any("There was once" in line for line in before)
    assert len(of(events.InputTranscriptionCompleted, first.said)) == 1
    if not dialect.continuous:
        (failed,) = [e for e in of(events.ResponseDone, held.frames) if e.status == "failed"]
        assert failed.reason == "connection_lost"
        assert [said.who for said in held.transcript.said].count("user") == 2


@each(but=WITHOUT_TOOLS)
def test_tools_are_called_after_a_break_as_before(dialect: Dialect) -> None:
    async def talk(call: Call, line: Line) -> None:
        await call.say("What is the weather in Oslo?")
        await call.answered("Oslo")
        await anyio.sleep(5)
        await line.drop()
        await call.hears(events.Reconnected)
        await call.say("What is the weather in Lisbon?")
        await call.answered("Lisbon")

    held = call(dialect, talk)

    called = [said.arguments for said in held.transcript.said if said.who == "tool"]
    assert called == ['{"city":"Oslo"}', '{"city":"Lisbon"}']
    names = [said.item_id for said in held.transcript.said]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["openai", "xai", "elevenlabs_realtime"])
def test_what_was_told_anew_is_still_known_by_its_name(name: str) -> None:
    async def talk(call: Call, line: Line) -> None:
        await call.say("How are you?")
        await call.answered("thank")
        await anyio.sleep(5)
        await line.drop()
        await call.hears(events.Reconnected)
        await anyio.sleep(1)
        answer = next(said for said in call.transcript.said if said.who == "assistant")
        await call.tell(events.ConversationItemDelete(item_id=answer.item_id))
        deleted = await call.hears(events.ConversationItemDeleted)
        assert deleted.item_id == answer.item_id

    held = call(find_dialect(name), talk)

    assert of(events.Error, held.frames) == []
    assert len(of(events.ConversationItemDeleted, held.agent.models[1].said)) == 1


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@each()
async def test_all_of_it_over_a_real_websocket(dialect: Dialect) -> None:
    with anyio.fail_after(15):
        async with over_sockets(dialect) as line, calling(line) as call:
            if dialect.name not in WITHOUT_TOOLS:
                await call.say("What is the weather in Oslo?")
                await call.answered("Oslo", "7 degrees")
            await call.say("Tell me a story.")
            await call.hears(Audio)
            if dialect.name not in WITHOUT_TURNS:
                await call.say("How are you?")
                await call.hears(Interrupt)
                await call.answered("thank")
            await line.drop()
            await call.hears(events.Reconnected)
            await call.say("How are you?")
            await call.answered("thank")

    shown = {
        admission.credential and admission.credential.value for admission in line.agent.admitted
    }
    assert shown == {KEY}
    model = NAMES[dialect.name].partition("/")[2]
    assert {admission.model for admission in line.agent.admitted} <= {model, None}
    assert len(line.agent.models) == 2


TICKETED = [dialect for dialect in ALL if dialect.minting is not None]


@pytest.mark.anyio
@pytest.mark.parametrize("dialect", TICKETED, ids=[dialect.name for dialect in TICKETED])
async def test_a_browser_with_a_ticket_is_let_in_under_a_subprotocol_of_its_own(
    dialect: Dialect,
) -> None:
    agent = Agent(dialect, "local/echo")
    with anyio.fail_after(10):
        async with served(agent) as port:
            way = dialect.connect("m", ticket="ek_1", base_url=at(dialect, port))
            async with websocket.connect(
                way.url, headers=way.headers, subprotocols=way.subprotocols
            ) as transport:
                chosen = transport.subprotocol

    (admission,) = agent.admitted
    assert admission.credential is not None
    assert (admission.credential.kind, admission.credential.value) == ("ticket", "ek_1")
    assert chosen in (way.subprotocols or (None,))
