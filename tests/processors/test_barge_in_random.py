"""Random conversations: what is heard, what is cut off, and what the model is told of it."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.pipeline import Frame
from antiphon.pipeline.testing import run_virtual
from tests.processors.listening import RATE, Speaker, converse, says, speaks
from tests.processors.parts import (
    MS,
    SECOND,
    ScriptedModel,
    audio_done,
    created,
    done,
    of,
)


class Plan:
    """Responses one after the other, some of them interrupted, with late audio."""

    def __init__(self, parts: Sequence[tuple[int, int, int, int, int]]) -> None:
        self.said: list[Frame] = []
        self.spoke: list[int] = []
        self.whole: set[int] = set()
        at = 0
        for value, (deltas, size, every, interrupted, late) in enumerate(parts, 1):
            end = at + deltas * every
            self.said.append(created(f"r{value}", at))
            self.said += says(value, deltas * size * MS, at, every=every, deltas=deltas)
            if interrupted:
                # Between two blocks of the speaker, so that it is plain what was heard.
                at = end + interrupted * MS + 500
                self.spoke.append(at)
                self.said.append(speaks(at))
                self.said += says(value, late * MS, at, deltas=late) if late else []
                self.said.append(done(f"r{value}", at, status="cancelled"))
                at += 500
            else:
                self.said.append(audio_done(response=f"r{value}", item=f"i{value}", at=end))
                self.said.append(done(f"r{value}", end))
                at = end + deltas * size * MS + 100 * MS
                self.whole.add(value)


parts = st.tuples(
    st.integers(1, 12),
    st.integers(1, 40),
    st.integers(0, 20).map(lambda n: n * MS),
    st.integers(0, 300),
    st.integers(0, 3),
)


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(parts, min_size=1, max_size=5), shuffle=st.integers(0, 2**16) | st.none())
def test_whatever_is_interrupted_when_the_ledger_is_right_and_nothing_stale_is_heard(
    parts: list[tuple[int, int, int, int, int]], shuffle: int | None
) -> None:
    plan = Plan(parts)
    model = ScriptedModel(*plan.said)
    speaker = Speaker(block=5 * MS)

    run_virtual(converse, model, speaker, shuffle=shuffle)

    truncated = Counter(
        {t.item_id: t.audio_end for t in of(events.ConversationItemTruncate, model.told)}
    )
    for value, (deltas, size, *_) in enumerate(parts, 1):
        heard = speaker.heard(value)
        if value in plan.whole:
            assert heard == deltas * size * RATE // 1_000
            assert f"i{value}" not in truncated
        elif f"i{value}" in truncated:
            assert truncated[f"i{value}"] == heard * SECOND // RATE
    interruptions = iter(plan.spoke)
    for value, (*_, interrupted, _) in enumerate(parts, 1):
        if interrupted:
            assert speaker.heard(value, since=next(interruptions)) == 0
    assert speaker.order == sorted(speaker.order)
