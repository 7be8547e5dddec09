"""A bot on a call: it does not notice that it is on one."""

from collections.abc import Awaitable, Callable

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, TurnDetection
from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.pipeline import Audio, Interrupt, Speech
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.remote.call import Call as RemoteCall
from tests.processors.remote.calls import Call, Line, calling, of
from tests.processors.remote.line import End, by_line
from tests.processors.remote.line import call as line

MS = 1_000

OPENAI = find_dialect("openai")

CALLABLE = [name for name in DIALECTS if find_dialect(name).calling is not None]

END = 140 * MS
"""The silence that may be behind a speech: in its last packet, and until it is known to be over."""

LAGS = pytest.mark.parametrize(
    ("messages", "sound"), [(0.0, 0.0), (0.01, 0.08), (0.08, 0.01)], ids=["none", "sound", "words"]
)
"""Which of both is later, of the server's."""

Talk = Callable[[Call, Line], Awaitable[None]]


def talk(
    name: str,
    conversation: Talk,
    *,
    messages: float = 0.01,
    sound: float = 0.03,
    config: SessionConfig | None = None,
) -> Call:
    async def main() -> Call:
        async with (
            by_line(find_dialect(name), messages=messages, sound=sound) as line,
            calling(line, config=config) as call,
        ):
            await conversation(call, line)
        return call

    return run_virtual(main)


def said_of(call: Call, item_id: str) -> int:
    """Microseconds of an item that the agent made."""
    deltas = [one for one in call.agent.said(events.AudioDelta) if one.item_id == item_id]
    return sum(len(one.delta) // 2 * 1_000_000 // 24_000 for one in deltas)


def heard_of(call: Call, item_id: str) -> int:
    return sum(one.duration for one in of(Speech, call.frames) if one.item_id == item_id)


@LAGS
def test_all_of_an_answer_is_heard_as_the_answers_and_nothing_else_is(
    messages: float, sound: float
) -> None:
    async def ask(call: Call, line: Line) -> None:
        await call.say("What is the weather in Oslo?")
        await call.answered("Oslo", "7 degrees")
        await anyio.sleep(6)

    held = talk("openai", ask, messages=messages, sound=sound)

    _, tool, answer = held.transcript.said
    assert (tool.text, tool.arguments) == ("get_weather", '{"city":"Oslo"}')
    assert answer.text == "In Oslo it is 7 degrees: light rain."
    whole = said_of(held, answer.item_id)
    assert 0 <= heard_of(held, answer.item_id) - whole <= END + round(messages * 1_000_000)
    assert {one.item_id for one in of(Speech, held.frames)} == {answer.item_id}
    (done,) = of(events.AudioDone, held.frames)
    assert held.frames.index(done) > held.frames.index(of(Speech, held.frames)[-1])
    kinds = [type(report) for report in held.reports if isinstance(report, events.Playback)]
    assert kinds == [events.OutputPlaybackStarted, events.OutputPlaybackStopped]


@LAGS
def test_whoever_speaks_into_an_answer_silences_it_and_the_model_knows_how_far_it_got(
    messages: float, sound: float
) -> None:
    async def interrupt(call: Call, line: Line) -> None:
        await call.say("Tell me a story.")
        await call.hears(Speech)
        await anyio.sleep(2.017)
        await call.say("How are you?")
        await call.hears(Interrupt)
        await call.answered("thank")
        await anyio.sleep(4)

    held = talk("openai", interrupt, messages=messages, sound=sound)

    story, answer = dict.fromkeys(one.item_id for one in of(Speech, held.frames))
    (truncated,) = held.agent.said(events.ConversationItemTruncated)
    (cleared,) = of(events.OutputPlaybackCleared, held.reports)
    assert truncated.item_id == story == cleared.item_id
    assert truncated.audio_end is not None and cleared.played is not None
    assert cleared.played > 2_000 * MS
    lag = round((2 * messages + sound) * 1_000_000)
    assert abs(truncated.audio_end - cleared.played) < 60 * MS + lag
    (known,) = [said for said in held.transcript.said if said.item_id == story]
    assert known.heard == cleared.played
    assert 0 <= heard_of(held, answer) - said_of(held, answer) <= END + round(messages * 1_000_000)
    assert not of(events.Error, held.frames)


@LAGS
def test_a_client_that_interrupts_by_itself_says_so_before_it_goes_on(
    messages: float, sound: float
) -> None:
    async def interrupt(call: Call, line: Line) -> None:
        await call.tell(events.SpeechStarted())
        await call.say("Tell me a story.")
        await call.tell(events.SpeechStopped())
        await call.hears(Speech)
        await anyio.sleep(2)
        await call.tell(events.SpeechStarted())
        await call.hears(events.ConversationItemTruncated)
        await anyio.sleep(1)

    config = SessionConfig(turn_detection=TurnDetection(type="disabled"))
    held = talk("openai", interrupt, messages=messages, sound=sound, config=config)

    (truncated,) = held.agent.said(events.ConversationItemTruncated)
    (cleared,) = of(events.OutputPlaybackCleared, held.reports)
    assert truncated.audio_end is not None and cleared.played is not None
    lag = round((2 * messages + sound) * 1_000_000)
    assert abs(truncated.audio_end - cleared.played) < 60 * MS + lag
    assert not of(events.Error, held.frames)


@pytest.mark.parametrize("name", CALLABLE)
def test_a_call_that_breaks_off_is_made_again_and_the_conversation_goes_on(name: str) -> None:
    async def break_off(call: Call, line: Line) -> None:
        await call.say("Tell me a story.")
        await call.hears(Audio)
        await anyio.sleep(2)
        await line.drop()
        await call.hears(events.Reconnected)
        await call.say("How are you?")
        await call.answered("thank")

    held = talk(name, break_off)

    _, second = held.agent.models
    assert [event.attempt for event in of(events.Reconnecting, held.frames)] == [1]
    told = [event.item for event in of(events.ConversationItemCreate, second.told)]
    settled = of(events.SessionUpdate, second.told)
    instructions = settled[-1].config.instructions or ""
    before = [getattr(item, "text", "") for item in told] if told else instructions.splitlines()
    assert instructions.startswith("Be brief.")
    assert any("tell me a story" in line for line in before)


def test_what_was_heard_to_its_end_is_not_lost_with_the_connection() -> None:
    async def break_off(call: Call, line: Line) -> None:
        await call.say("How are you?")
        await call.hears(events.AudioDone)
        await line.drop()
        await call.hears(events.Reconnected)

    held = talk("openai", break_off)

    assert [done.status for done in of(events.ResponseDone, held.frames)] == ["completed"]


def test_a_user_who_may_not_interrupt_hears_all_that_is_said() -> None:
    async def interrupt(call: Call, line: Line) -> None:
        await call.say("How are you?")
        await call.hears(Speech)
        await call.say("Hello")
        await call.hears(events.SpeechStarted)
        await call.hears(events.AudioDone)

    detection = TurnDetection(type="server-vad", interrupt_response=False)
    held = talk("openai", interrupt, config=SessionConfig(turn_detection=detection))

    answer = of(Speech, held.frames)[0].item_id
    assert heard_of(held, answer) > said_of(held, answer) - 20 * MS
    assert not of(Interrupt, held.frames)
    assert not held.agent.told(events.ConversationItemTruncate)


def test_a_continuous_model_is_heard_while_it_speaks_and_no_longer() -> None:
    async def ask(call: Call, line: Line) -> None:
        await call.say("How are you?")
        await call.answered("thank")
        await anyio.sleep(10)

    held = talk("openai_live", ask)

    deltas = held.agent.said(events.AudioDelta)
    spoken = sum(len(one.delta) // 2 * 1_000_000 // 24_000 for one in deltas)
    assert 0 <= sum(one.duration for one in of(Audio, held.frames)) - spoken <= END
    assert not held.agent.told(events.SessionStart)


BLOCK = 24_000 // 50
LOUD = (8_000).to_bytes(2, "little") * BLOCK


def on_a_line(say: Callable[[RemoteCall, End], Awaitable[None]]) -> None:
    """One side of a call, whose other says nothing."""

    async def main() -> None:
        ours, theirs = line()
        remote = RemoteCall(OPENAI.client("m"), ours, input_rate=24_000, output_rate=24_000)
        async with anyio.create_task_group() as group:
            group.start_soon(ours.pace)
            await say(remote, theirs)
            group.cancel_scope.cancel()

    run_virtual(main)


def test_what_is_committed_has_been_said_before() -> None:
    async def commit(call: RemoteCall, other: End) -> None:
        await call.say(events.InputAudioAppend(audio=LOUD * 50))
        began = anyio.current_time()
        await call.say(events.InputAudioCommit())
        assert anyio.current_time() - began == pytest.approx(1.0, abs=0.03)

    on_a_line(commit)


def test_who_is_behind_leaves_out_pauses_and_no_words() -> None:
    async def speak(call: RemoteCall, other: End) -> None:
        for _ in range(50):  # what was said while nobody listened
            await call.say(events.InputAudioAppend(audio=LOUD))
        assert call.behind == 1_000 * MS
        for block in [bytes(2 * BLOCK)] * 100 + [LOUD] * 5:
            await call.say(events.InputAudioAppend(audio=block))
            await anyio.sleep(0.02)
        assert call.behind <= 120 * MS
        said = 0
        with anyio.move_on_after(1):
            while True:
                heard = await other.hear()
                said += isinstance(heard, Audio) and any(heard.pcm)
        assert said == 55

    on_a_line(speak)
