"""A local model as a stage: whole sessions, their repetition, their failures and their end."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import get_args

import anyio
import msgspec
import pytest
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.config import ResponseOptions, SessionConfig, TurnDetection
from antiphon.codecs.items import FunctionCallOutput, text_message
from antiphon.pipeline import Frame, Pipeline, ProcessorError
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.local.brain import Call, Part, Say, Turn
from antiphon.processors.local.pace import Pace
from antiphon.processors.local.server import Server
from tests.codecs.strategies import client_events
from tests.processors.local.parts import (
    Fake,
    Keeper,
    Log,
    Replies,
    Script,
    Talker,
    at,
    conversed,
    detected,
    microphone,
    model,
    outputs,
    silence,
    speech,
    text,
)

ASK = events.ResponseCreate()
QUESTION = silence(0.5) + speech("What time is it?") + silence(1.0)
(TOLD, _), _ = detected(QUESTION)

ANSWERS: Sequence[Sequence[Part | float]] = (
    [Say("one two three"), Say("four")],
    [0.3, Say("one"), Call("look", '{"at": 1}')],
    [],
    [Say("one " * 30)],
)


class Failing(Fake):
    """Fails where it is told to."""

    def __init__(self, at: str) -> None:
        super().__init__([Say("one")])
        self._at = at

    async def hear(self, pcm: bytes) -> str:
        self._fail("hear")
        return await super().hear(pcm)

    async def respond(self, turn: Turn) -> AsyncGenerator[Part]:
        self._fail("respond")
        yield Say("one")

    def speak(self, text: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        self._fail("speak")
        return super().speak(text)

    def cuts_in(self) -> float | None:
        self._fail("cuts_in")
        return None

    def _fail(self, place: str) -> None:
        if place == self._at:
            raise LookupError(f"no idea how to {place}")


def written(log: Log) -> bytes:
    """Every event with its moment, byte for byte."""
    return msgspec.json.encode(list(zip(log.times, log.events, strict=True)))


def lively(seed: int, *, shuffle: int | None = None) -> Log:
    """A session in which much happens."""
    pace = Pace(think=0.2, jitter=0.5)
    brain = Talker(*ANSWERS, recognition=0.1)
    return conversed(
        model(brain, pace=pace, seed=seed),
        *microphone(QUESTION, QUESTION, silence(0.5), QUESTION),
        at(7.5, text("Hello.")),
        at(7.5, ASK),
        reply=outputs,
        shuffle=shuffle,
    )


def check(log: Log) -> None:
    """What holds in every session, whatever the client does."""
    created = [event.response_id for event in log.all(events.ResponseCreated)]
    assert [event.response_id for event in log.all(events.ResponseDone)] == created
    assert len(set(created)) == len(created)

    names = [event.event_id for event in log.events]
    assert len(set(names)) == len(names)

    added = [event.item_id for event in log.all(events.ConversationItemAdded)]
    done = [event.item_id for event in log.all(events.ConversationItemDone)]
    assert sorted(added) == sorted(done)
    of_responses = [event.item_id for event in log.all(events.OutputItemAdded)]
    assert of_responses == [event.item_id for event in log.all(events.OutputItemDone)]

    running: str | None = None
    for event in log.events:
        if isinstance(event, events.ResponseCreated):
            assert running is None
            running = event.response_id
        elif isinstance(event, events.OutputEvent):
            assert event.response_id == running
        elif isinstance(event, events.ResponseDone):
            running = None


# Repetition.


def test_equal_input_and_seed_give_an_equal_session() -> None:
    log = lively(1)

    check(log)
    assert written(lively(1)) == written(log)
    assert log.sound == lively(1).sound


def test_another_seed_gives_another_session() -> None:
    assert written(lively(2)) != written(lively(1))
    assert lively(2).sound == lively(1).sound


@pytest.mark.parametrize("shuffle", range(3))
def test_the_order_in_which_ready_tasks_run_changes_nothing_that_is_said(shuffle: int) -> None:
    log, usual = lively(1, shuffle=shuffle), lively(1)

    check(log)
    assert [event.status for event in log.all(events.ResponseDone)] == [
        event.status for event in usual.all(events.ResponseDone)
    ]


def test_a_session_goes_the_same_on_trio() -> None:
    def session() -> tuple[Pipeline, Log]:
        keeper = Keeper()
        source = Script([*microphone(QUESTION, QUESTION), at(1.0, ASK)], until=0)
        brain = Fake(*ANSWERS, recognition=0.1)
        return Pipeline(source, model(brain), Replies(outputs), keeper), keeper.log

    (usual, expected), (pipeline, log) = session(), session()
    run_virtual(usual.run)
    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(pipeline.run, backend="trio", backend_options={"clock": clock})

    check(log)
    assert written(log) == written(expected)


def test_a_model_can_be_run_again_from_the_beginning() -> None:
    server = Server(lambda: Fake([Say("one")]), name="local/fake")

    first, second = (conversed(server, text("Hi."), ASK) for _ in range(2))

    assert written(first) == written(second)


# Any client.

item_ids = st.sampled_from(["item_1", "item_2", "item_3", "mine", "nobody", "root"])
likely_events: st.SearchStrategy[Frame] = st.one_of(
    st.just(ASK),
    st.just(events.ResponseCancel()),
    st.builds(
        events.InputAudioAppend, audio=st.sampled_from([QUESTION, silence(0.3), b"\0" * 777])
    ),
    st.just(events.InputAudioCommit()),
    st.just(events.InputAudioClear()),
    st.builds(events.ConversationItemTruncate, item_id=item_ids, audio_end=st.integers(-9, 10**6)),
    st.builds(events.ConversationItemDelete, item_id=item_ids),
    st.builds(events.ConversationItemRetrieve, item_id=item_ids),
    st.builds(
        events.ConversationItemCreate,
        item=st.one_of(
            st.builds(text_message, st.just("Hi."), id=st.none() | item_ids),
            st.builds(
                FunctionCallOutput,
                call_id=st.sampled_from(["call_1", "call_2"]),
                output=st.just("done"),
            ),
        ),
        previous_item_id=st.none() | item_ids,
    ),
    st.builds(
        events.SessionUpdate,
        config=st.builds(
            SessionConfig,
            turn_detection=st.none()
            | st.builds(
                TurnDetection,
                type=st.sampled_from(["server-vad", "disabled"]),
                silence_duration=st.sampled_from([None, 100_000, 900_000]),
                create_response=st.sampled_from([None, False]),
                interrupt_response=st.sampled_from([None, False]),
                idle_timeout=st.sampled_from([None, 300_000]),
            ),
            output_modalities=st.sampled_from([None, ("text",), ("audio",)]),
            first_message=st.sampled_from([None, "Hello."]),
        ),
    ),
    st.builds(ResponseOptions, modalities=st.sampled_from([("text",), ("audio",)])).map(
        lambda options: events.ResponseCreate(options=options)
    ),
)


@st.composite
def scripts(draw: st.DrawFn, likely: st.SearchStrategy[Frame]) -> list[Frame]:
    """Client events in time."""
    moment, script = 0.0, list[Frame]()
    for event in draw(st.lists(likely, max_size=12)):
        moment += draw(st.sampled_from([0.0, 0.0, 0.01, 0.2, 1.0]))
        script.append(at(moment, event))
    return script


@settings(max_examples=120, deadline=None)
@given(
    script=scripts(likely_events),
    answers=st.lists(st.sampled_from(ANSWERS), max_size=4),
    recognition=st.sampled_from([0.0, 0.25]),
    cuts_in=st.sampled_from([None, 0.1]),
    slowness=st.sampled_from([0.0, 0.02]),
    shuffle=st.none() | st.integers(0, 5),
)
def test_whatever_a_client_does_responses_and_items_are_done_once(
    script: list[Frame],
    answers: list[Sequence[Part | float]],
    recognition: float,
    cuts_in: float | None,
    slowness: float,
    shuffle: int | None,
) -> None:
    brain = Fake(*answers, recognition=recognition, cuts_in=cuts_in)

    log = conversed(
        model(brain), *script, reply=outputs, slowness=slowness, lane=4, shuffle=shuffle
    )

    check(log)


@settings(max_examples=60, deadline=None)
@given(script=scripts(client_events))
def test_whatever_a_client_says_is_no_reason_to_fail(script: list[Frame]) -> None:
    check(conversed(model(Fake(*ANSWERS)), *script))


def test_every_client_event_is_known() -> None:
    assert set(get_args(events.ClientEvent)) == set(Server.takes_back)


# Failures.


@pytest.mark.parametrize("place", ["hear", "respond", "speak", "cuts_in"])
def test_a_brain_that_fails_ends_the_run_with_an_error_that_names_the_model(place: str) -> None:
    why = f"LookupError: no idea how to {place}"
    with pytest.raises(ProcessorError, match=f"^local/fake failed at .* s: {why}$"):
        conversed(model(Failing(place)), *microphone(QUESTION))


# The end.


def test_a_session_can_be_closed_by_its_client() -> None:
    script = [ASK, at(0.21, events.SessionClose()), at(0.22, text("Too late."))]

    log = conversed(model(Fake([Say("one two three")])), *script, until=10)

    assert log.outline[-2:] == ["ResponseDone", "SessionClosed"]
    assert log.one(events.ResponseDone).status == "completed"
    assert log.one(events.SessionClosed).reason == "client"
    assert "Too late." not in str(log.frames)


@pytest.mark.parametrize("moment", [TOLD + step * 7_000 for step in range(0, 300, 8)])
def test_a_session_can_be_cancelled_at_any_moment(moment: int) -> None:
    """Neither a task nor a thread is left, as for every test."""

    async def cut_off() -> None:
        pipeline = Pipeline(model(Talker([Say("one two three " * 9), Call("look", "{}")])), lane=8)
        with anyio.move_on_after(moment / 1e6):
            async with pipeline.open() as run, anyio.create_task_group() as group:

                async def read() -> None:
                    async for _ in run:
                        pass

                group.start_soon(read)
                for frame in microphone(QUESTION):
                    await anyio.sleep(0.02)
                    await run.send(frame)
                await anyio.sleep_forever()

    run_virtual(cut_off)


def test_a_client_that_speaks_for_an_hour_without_a_pause_costs_no_more_memory() -> None:
    import tracemalloc

    update = events.SessionUpdate(
        config=SessionConfig(turn_detection=TurnDetection(type="disabled"))
    )
    second = speech("Tell me a story.")[:32_000].ljust(32_000, b"\0")
    script = [at(i, events.InputAudioAppend(audio=second)) for i in range(3_600)]

    tracemalloc.start()
    conversed(model(Fake()), update, *script)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 15_000_000  # an hour is 115 MB, two minutes are 4
