"""A model with a meter: it is what it was, its cost is counted, and a budget ends it gracefully."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.items import text_message
from antiphon.codecs.usage import Usage
from antiphon.pipeline import Audio, Emit, Frame, Frames, Interrupt, Pipeline, Speech, now
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.local.assistant import assistant
from antiphon.processors.local.brain import Call, Say
from antiphon.processors.meter import Meter
from antiphon.processors.metered import BudgetSpent, BudgetWarning, Metered
from antiphon.processors.prices import DOLLAR, Price, Prices
from antiphon.processors.realtime import Model, Realtime
from antiphon.processors.remote import Remote
from antiphon.processors.transcript import Transcript
from tests.processors.local.parts import Fake, Keeper, Script, microphone, model, silence, text
from tests.processors.local.parts import speech as spoken
from tests.processors.parts import SECOND, ScriptedModel, of, run_mocked
from tests.processors.remote.provider import Client, Provider

SPEECH = Price(audio_out=DOLLAR * DOLLAR // 10)
"""$0.10 a token of speech, of which there are 20 in a second."""

MINUTES = Price(minute=DOLLAR)

ASK = events.ResponseCreate()


def meter(price: Price = SPEECH, *, budget: int | None = None) -> Meter:
    return Meter("acme/one", prices=Prices({"acme/one": price}), budget=budget)


def counted(tokens: int, at: int = 0, response: str = "r") -> events.ResponseDone:
    usage = Usage(output_audio_tokens=tokens)
    return events.ResponseDone(response_id=response, status="completed", usage=usage, at=at)


def met(
    metered: Metered, said: Iterable[Frame] = (), *, until: float = 0.0, run: Any = run_virtual
) -> tuple[list[tuple[float, Frame]], float]:
    """What comes of a model that is told *said* and left at *until*; and when it was over."""
    keeper = Keeper()

    async def main() -> float:
        began = anyio.current_time()
        await Pipeline(Script(said, round(until * SECOND)), metered, keeper).run()
        return anyio.current_time() - began

    over = run(main)
    frames = zip(keeper.log.times, keeper.log.frames, strict=True)
    return [(at / SECOND, frame) for at, frame in frames], over


def budgets(frames: Iterable[tuple[float, Frame]]) -> list[tuple[float, type[Frame]]]:
    return [(at, type(f)) for at, f in frames if isinstance(f, BudgetWarning | BudgetSpent)]


# It is what the model is.


def test_it_stands_for_the_model_that_the_meter_is_of() -> None:
    metered = Metered(Meter("local/echo"))

    assert metered.name == "local/echo"
    assert metered.input_rate == 16_000
    assert metered.output_rate == 16_000


def test_what_goes_in_and_out_is_the_same_and_the_meter_knows_of_it() -> None:
    inner = ScriptedModel(counted(3, at=SECOND))
    said = [microphone(silence(0.02))[0], Interrupt(at=20_000), text("Hi", at=0.5)]
    counting = meter()

    frames, _ = met(Metered(counting, model=inner), said, until=2)

    assert sorted(inner.told, key=lambda frame: frame.at) == said
    assert counted(3, at=SECOND) in [frame for _, frame in frames]
    assert counting.total.heard == 20_000
    assert counting.total.text_messages == 1
    assert counting.money == 300_000


def test_the_meter_hears_what_tools_send_back() -> None:
    counting = meter()
    inner = ScriptedModel(events.SessionCreated(), enough=1, until=SECOND)

    class Sends:
        async def run(self, frames: Frames, emit: Emit) -> None:
            async for frame in frames:
                if isinstance(frame, events.SessionCreated):
                    emit.back(text("From a tool"))

    run_virtual(Pipeline(Metered(counting, model=inner), Sends()).run)

    assert counting.total.text_messages == 1


def test_a_configuration_reaches_the_model() -> None:
    told: list[SessionConfig] = []

    class Configured(ScriptedModel):
        def configure(self, config: SessionConfig) -> None:
            told.append(config)
            self.output_rate = 8_000

    bot = Realtime(Metered(meter(), model=Configured()), voice="echo")

    assert told == [bot.config]
    assert bot.model.output_rate == 8_000


# Budgets.


def test_it_warns_once_and_ends_once() -> None:
    said = [counted(1, at=n * SECOND) for n in range(1, 13)]
    inner = ScriptedModel(*said)

    frames, _ = met(Metered(meter(budget=DOLLAR), model=inner), until=60)

    assert budgets(frames) == [(8.0, BudgetWarning), (10.0, BudgetSpent)]
    warning, spent = of(BudgetWarning | BudgetSpent, [frame for _, frame in frames])
    assert (warning.money, warning.limit) == (800_000, DOLLAR)
    assert spent.reason == "The budget of $1.00 is spent."


def test_a_leap_over_both_ends_it_without_a_warning() -> None:
    frames, _ = met(
        Metered(meter(budget=DOLLAR), model=ScriptedModel(counted(90, at=SECOND))), until=5
    )

    assert budgets(frames) == [(1.0, BudgetSpent)]


@pytest.mark.parametrize("run", [run_virtual, run_mocked])
def test_a_model_that_waits_is_told_at_once_that_its_input_has_ended(run: Any) -> None:
    inner = ScriptedModel(counted(10, at=SECOND))

    frames, over = met(Metered(meter(budget=DOLLAR), model=inner), until=3_600, run=run)

    assert budgets(frames) == [(1.0, BudgetSpent)]
    assert over == 1.0
    assert [type(frame) for frame in inner.told] == [events.InputAudioClear]


@pytest.mark.parametrize("run", [run_virtual, run_mocked])
def test_time_alone_may_spend_the_budget(run: Any) -> None:
    inner = ScriptedModel(events.SessionCreated())

    frames, over = met(Metered(meter(MINUTES, budget=DOLLAR), model=inner), until=3_600, run=run)

    assert budgets(frames) == [(48.0, BudgetWarning), (60.0, BudgetSpent)]
    assert over == 60.0


def test_audio_that_flows_meanwhile_changes_nothing_and_is_not_lost() -> None:
    audio = microphone(silence(70))
    inner = ScriptedModel(events.SessionCreated())

    frames, _ = met(Metered(meter(MINUTES, budget=DOLLAR), model=inner), audio, until=80)

    assert budgets(frames) == [(48.0, BudgetWarning), (60.0, BudgetSpent)]
    assert inner.told == [*audio[:2_999], events.InputAudioClear(at=60 * SECOND)]


def test_a_limit_that_is_lowered_outside_is_noticed_with_the_next_frame() -> None:
    counting = meter()

    class Lowers(ScriptedModel):
        async def run(self, frames: Frames, emit: Emit) -> None:
            await emit(counted(10, at=now()))
            counting.limit = DOLLAR // 2
            await super().run(frames, emit)

    frames, over = met(Metered(counting, model=Lowers()), [text("Hi", at=2.0)], until=60)

    assert budgets(frames) == [(2.0, BudgetSpent)]
    assert over == 2.0


def test_without_a_limit_nothing_is_told_and_nothing_ends() -> None:
    inner = ScriptedModel(counted(10_000, at=SECOND))

    frames, over = met(Metered(meter(), model=inner), until=30)

    assert budgets(frames) == []
    assert over == 30.0


def test_a_model_that_cannot_forget_what_it_heard_is_not_asked_to() -> None:
    inner = ScriptedModel(counted(10, at=SECOND))
    inner.dialect = find_dialect("cartesia")  # pyright: ignore[reportAttributeAccessIssue]

    met(Metered(meter(budget=DOLLAR), model=inner), until=5)

    assert inner.told == []


# Bots.


def bot(
    model: Model, counting: Meter, said: Sequence[Frame], *tools: Any, until: float = 600.0
) -> tuple[list[Frame], Transcript, float]:
    """What is heard of a bot that is told *said* and left at *until*; and when it was over."""
    transcript, keeper = Transcript(), Keeper()

    async def main() -> float:
        realtime = Realtime(Metered(counting, model=model), tools=tools)
        source = Script(said, round(until * SECOND))
        await Pipeline(source, realtime, transcript, keeper).run()
        return anyio.current_time()

    over = run_virtual(main)
    return keeper.log.frames, transcript, over


def asked(*lines: str) -> list[Frame]:
    """Each line typed, and an answer asked for, 20 seconds apart."""
    return [
        frame
        for place, line in enumerate(lines)
        for frame in (
            events.ConversationItemCreate(item=text_message(line), at=place * 20 * SECOND),
            events.ResponseCreate(at=place * 20 * SECOND),
        )
    ]


def test_the_assistant_finishes_its_last_answer_when_the_budget_is_spent() -> None:
    brain = assistant(clock=lambda: datetime(2024, 5, 6, 12, 30))
    lines = ["what time is it", "count to ten", "what day is it", "goodbye"]

    whole, _, _ = bot(brain, unlimited := meter(), asked(*lines), until=80)
    first = next(f for f in whole if isinstance(f, events.ResponseDone)).usage
    assert first is not None
    enough = 100_000 * (first.output_audio_tokens or 0) + 1
    frames, transcript, over = bot(brain, counting := meter(budget=enough), asked(*lines))

    assert unlimited.money > counting.money > enough
    (spent,) = of(BudgetSpent, frames)
    assert 20 * SECOND < spent.at < 30 * SECOND
    assert over < 30
    assistants = [said for said in transcript.said if said.who == "assistant"]
    assert len(assistants) == 2
    assert all(said.done for said in assistants)
    assert assistants[-1].text.rstrip(".").endswith("ten")
    sound = sum(f.duration for f in frames if isinstance(f, Speech))
    assert sound == counting.total.spoken


def test_a_tool_call_that_spends_the_budget_is_still_answered() -> None:
    called: list[str] = []

    async def weather(city: str) -> str:
        await anyio.sleep(3)
        called.append(city)
        return "rain"

    brain = Fake(
        [Say("one two three four five"), Call("weather", '{"city": "Oslo"}')], [Say("Rain.")]
    )
    counting = meter(budget=100_000)

    frames, transcript, _ = bot(model(brain), counting, asked("Weather?", "And?"), weather)

    (spent,) = of(BudgetSpent, frames)
    assert called == ["Oslo"]
    assert [said.text for said in transcript.said if said.who == "assistant"][-1] == "Rain."
    assert len(of(events.ResponseDone, frames)) == 2
    assert spent.at < 20 * SECOND


def test_half_a_sentence_of_the_user_is_not_answered_any_more() -> None:
    brain = Fake([Say("one two three")], [Say("never")])
    sound = silence(4.0) + spoken("What time is it, and what is the weather like in Oslo?")
    heard = [Audio(pcm=piece.audio, rate=16_000, at=piece.at) for piece in microphone(sound)]
    talk = [*asked("Hi"), *heard]
    price = meter(Price(minute=60 * DOLLAR), budget=11 * DOLLAR // 2)  # spent mid-sentence

    frames, _, _ = bot(model(brain), price, talk)

    assert of(events.SpeechStarted, frames)
    assert [f.at for f in of(BudgetSpent, frames)] == [5_500_000]
    assert len(of(events.ResponseDone, frames)) == 1


# Providers.


def test_a_providers_response_that_runs_is_finished_and_the_connection_closed() -> None:
    answer = events.AudioDelta(response_id="b", item_id="i", delta=bytes(48_000))

    async def serve(client: Client) -> None:
        await client.tell(events.SessionCreated(session_id="s"))
        await client.tell(events.ResponseCreated(response_id="a"), counted(10, response="a"))
        await client.tell(events.ResponseCreated(response_id="b"), answer)
        await anyio.sleep(1)
        await client.tell(answer, counted(0, response="b"))
        await client.hear_out()

    provider = Provider(serve)
    counting = meter(budget=DOLLAR)

    async def main() -> tuple[list[Frame], float]:
        async with provider.serving():
            remote = Remote(provider.dialect, "m", provider.open)
            keeper = Keeper()
            update = events.SessionUpdate(config=SessionConfig())
            source = Script([update], 3_600 * SECOND)
            await Pipeline(source, Metered(counting, model=remote), keeper).run()
            return keeper.log.frames, anyio.current_time()

    frames, over = run_virtual(main)

    assert len(of(BudgetSpent, frames)) == 1
    assert of(events.ResponseDone, frames)[-1].response_id == "b"
    assert counting.total.spoken == 2 * SECOND
    assert over < 5
    assert [type(said) for said in provider.clients[0].said][-1] is events.InputAudioClear


def test_a_continuous_model_is_closed_and_says_what_it_cost() -> None:
    live = find_dialect("openai_live")

    async def serve(client: Client) -> None:
        await client.hear()
        await client.tell(events.SessionStarted(session_id="s"))
        while not isinstance(await client.hear(), events.SessionClose):
            pass
        await client.tell(events.SessionClosed(usage=Usage(seconds=61), reason="close_requested"))

    provider = Provider(serve, dialect=live)
    counting = Meter("openai/gpt-live-1", budget=50_000)

    async def main() -> tuple[list[Frame], float]:
        async with provider.serving():
            remote = Remote(live, "gpt-live-1", provider.open)
            keeper = Keeper()
            update = events.SessionUpdate(config=SessionConfig())
            source = Script([update], 3_600 * SECOND)
            await Pipeline(source, Metered(counting, model=remote), keeper).run()
            return keeper.log.frames, anyio.current_time()

    frames, over = run_virtual(main)

    assert [f.at for f in of(BudgetWarning | BudgetSpent, frames)] == [48 * SECOND, 60 * SECOND]
    assert not of(events.Error, frames)
    assert over == 60.0
    assert counting.total.usage.seconds == 61
    assert not counting.total.estimated
