"""What holds of every session's cost, whatever is said in it."""

from functools import reduce
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.usage import Usage
from antiphon.pipeline import Frame
from antiphon.processors.amounts import NOTHING, added, sorted_out
from antiphon.processors.meter import Meter
from antiphon.processors.prices import DOLLAR, EXACT, Price, Prices
from antiphon.processors.spent import Spent
from tests.codecs.strategies import of

COUNTED = (
    events.AudioDelta,
    events.TextDelta,
    events.ResponseCreated,
    events.ResponseDone,
    events.Custom,
    events.InputTranscriptionCompleted,
    events.SpeechStarted,
    events.SpeechStopped,
    events.SessionCreated,
    events.SessionUsage,
    events.SessionClosed,
    events.Reconnecting,
    events.GoAway,
)

counts = st.none() | st.integers(0, 10**6)

anything = st.none() | st.integers(-(2**62), 2**62)
"""What a wire may carry."""

money = st.integers(0, 1_000 * DOLLAR)


def usages(count: st.SearchStrategy[int | None]) -> st.SearchStrategy[Usage]:
    fields: dict[str, Any] = {name: count for name in Usage.__struct_fields__ if name != "seconds"}
    return st.builds(Usage, seconds=st.none(), **fields)


prices = st.builds(
    Price,
    **{
        name: money | st.none() if name.endswith("_cached") else money
        for name in Price.__struct_fields__
        if name not in {"in_per_second", "out_per_second", "source", "date"}
    },
)


def meter(price: Price, budget: int | None = None) -> Meter:
    return Meter("acme/one", prices=Prices({"acme/one": price}), budget=budget)


def done(usage: Usage | None) -> events.ResponseDone:
    return events.ResponseDone(response_id="r", status="completed", usage=usage)


@given(usage=usages(anything))
def test_every_token_is_of_one_modality_and_no_more_is_cached_than_there_is(usage: Usage) -> None:
    whole = sorted_out(usage)

    got = {name: getattr(whole, name) for name in Usage.__struct_fields__ if name != "seconds"}
    assert all(count >= 0 for count in got.values())
    for side in ("input", "cached_input", "output"):
        kinds = ("text", "audio") if side == "output" else ("text", "audio", "image")
        assert sum(got[f"{side}_{kind}_tokens"] for kind in kinds) == got[f"{side}_tokens"]
    for kind in ("text", "audio", "image"):
        assert got[f"cached_input_{kind}_tokens"] <= got[f"input_{kind}_tokens"]
    assert got["output_tokens"] >= (usage.output_tokens or 0)
    assert got["input_tokens"] >= (usage.input_tokens or 0)
    assert sorted_out(whole) == whole


@given(price=prices, spent=st.lists(usages(counts), max_size=8))
def test_the_whole_is_exactly_the_sum_of_its_responses(price: Price, spent: list[Usage]) -> None:
    counting = meter(price)
    for usage in spent:
        counting.heard(done(usage))

    exact = sum(price.of_tokens(sorted_out(usage)) for usage in spent)
    assert abs(counting.money * EXACT - exact) * 2 <= EXACT
    assert counting.total.usage == reduce(added, map(sorted_out, spent), NOTHING)


@given(
    price=prices, spent=st.lists(usages(counts), min_size=1, max_size=4), again=st.integers(1, 3)
)
def test_a_snapshot_said_again_changes_nothing(
    price: Price, spent: list[Usage], again: int
) -> None:
    once, often = meter(price), meter(price)
    for usage in spent:
        told = events.Custom(raw_type="usageMetadata", usage=usage)
        for counting, times in ((once, 1), (often, again)):
            counting.heard(events.ResponseCreated(response_id="r"))
            for event in (*([told] * times), done(None), *([told] * (times - 1))):
                counting.heard(event)

    assert once.total == often.total


@given(
    price=prices,
    said=st.lists(st.sampled_from(COUNTED).flatmap(of), max_size=30),
    budget=money,
)
def test_nothing_that_is_said_makes_it_negative_or_fail(
    price: Price, said: list[Frame], budget: int
) -> None:
    counting = meter(price, budget)
    for at, event in enumerate(said):
        counting.heard(msgspec.structs.replace(event, at=at * 1_000_000))

        total = counting.total
        assert total.money >= 0
        assert 0 <= total.duration <= at * 1_000_000
        assert all((getattr(total.usage, name) or 0) >= 0 for name in Usage.__struct_fields__)
        assert counting.spent <= counting.warned


def spents() -> st.SearchStrategy[Spent]:
    amount = st.integers(0, 10**9)
    return st.builds(
        Spent,
        usage=usages(counts).map(sorted_out),
        transcription=usages(counts).map(sorted_out),
        heard=amount,
        spoken=amount,
        duration=amount,
        text_messages=amount,
        money=amount,
        estimated=st.booleans(),
        unpriced=st.frozensets(st.sampled_from(["a/b", "a/c"])),
    )


@given(a=spents(), b=spents(), c=spents())
def test_sessions_may_be_added_in_any_order(a: Spent, b: Spent, c: Spent) -> None:
    assert (a + b) + c == a + (c + b)


@given(price=st.builds(Price, minute=st.integers(1, DOLLAR)), target=st.integers(0, DOLLAR))
def test_when_time_will_have_spent_so_much_is_exact(price: Price, target: int) -> None:
    counting = meter(price)
    counting.heard(events.SessionCreated())

    due = counting.reaches(target)

    assert due is not None
    counting.tick(due)
    assert counting.money >= target
    assert price.minute * (due - 1) < target * EXACT <= price.minute * due
