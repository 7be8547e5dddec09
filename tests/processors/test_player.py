"""A sink plays in real time what comes faster, and says what was heard."""

import struct
from collections.abc import Sequence

import anyio
import pytest
import trio.testing

from antiphon.codecs.events import (
    AudioDone,
    OutputPlaybackCleared,
    OutputPlaybackStarted,
    OutputPlaybackStopped,
)
from antiphon.pipeline import Audio, Frame, Interrupt, Pipeline, ProcessorError, Speech, sleep_until
from antiphon.pipeline.clock import now
from antiphon.pipeline.run import Run
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.player import PacedSink, Player
from antiphon.processors.playout import Playout
from tests.processors.returns import Back

RATE = 8_000
BLOCK = 20_000
TONE = struct.pack("<8000h", *range(1, 8001))
"""A second in which every sample is another one."""


class Nothing:
    """No frames."""

    def __aiter__(self) -> "Nothing":
        return self

    async def __anext__(self) -> Frame:
        raise StopAsyncIteration

    async def returned(self) -> Frame:
        raise StopAsyncIteration


class Card:
    """A sound card that keeps what it is given."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, bytes]] = []

    def write(self, pcm: bytes, at: int) -> None:
        assert at == now()
        self.blocks.append((at, pcm))

    @property
    def heard(self) -> bytes:
        return b"".join(pcm for _, pcm in self.blocks)


def speech(item: str, pcm: bytes) -> Speech:
    return Speech(pcm=pcm, rate=RATE, response_id="r", item_id=item)


def done(item: str) -> AudioDone:
    return AudioDone(response_id="r", item_id=item)


def started(item: str, at: int) -> OutputPlaybackStarted:
    return OutputPlaybackStarted(response_id="r", item_id=item, at=at)


def stopped(item: str, played: int, at: int) -> OutputPlaybackStopped:
    return OutputPlaybackStopped(response_id="r", item_id=item, played=played, at=at)


def cleared(item: str, played: int, at: int) -> OutputPlaybackCleared:
    return OutputPlaybackCleared(response_id="r", item_id=item, played=played, at=at)


def ms(milliseconds: int) -> bytes:
    return bytes(milliseconds * RATE // 1000 * 2)


async def played(
    sink: PacedSink, script: Sequence[tuple[int, Frame]], until: int = 0
) -> tuple[list[Frame], int]:
    """Send each frame of *script* at its time; what came back, and when the sink had ended."""
    back = Back()

    async def send(run: Run) -> None:
        for at, frame in script:
            await sleep_until(at)
            await run.send(frame)
        await sleep_until(until)

    async with Pipeline(back, sink).open(output=False) as run:
        await send(run)
    return back.frames, run.now()


def test_audio_that_comes_at_once_is_played_in_real_time() -> None:
    card = Card()
    script = [(10_000, speech("a", TONE)), (10_000, done("a"))]

    back, end = run_virtual(played, PacedSink(card.write, rate=RATE), script)

    assert card.heard == ms(20) + TONE
    assert [at for at, _ in card.blocks] == list(range(0, 1_020_000, BLOCK))
    assert back == [started("a", 20_000), stopped("a", 1_000_000, 1_020_000)]
    assert end == 1_020_000


def test_there_is_silence_where_nothing_is_said() -> None:
    card = Card()
    script = [(45_000, speech("a", TONE[:800]))]

    back, end = run_virtual(played, PacedSink(card.write, rate=RATE), script, 150_000)

    assert card.heard == ms(60) + TONE[:800] + ms(50)
    assert back == [started("a", 60_000), stopped("a", 50_000, 110_000)]
    assert end == 160_000


def test_what_is_written_can_be_only_what_is_said() -> None:
    card = Card()
    script = [(45_000, speech("a", TONE[:800]))]

    run_virtual(played, PacedSink(card.write, rate=RATE, silence=False), script, 150_000)

    assert card.heard == TONE[:800]
    assert [at for at, _ in card.blocks] == [60_000, 80_000, 100_000]


def test_an_interruption_cuts_off_at_once_what_waits() -> None:
    card = Card()
    script = [
        (10_000, speech("a", TONE[:8000])),
        (10_000, done("a")),
        (10_000, speech("b", TONE[8000:])),
        (750_000, Interrupt()),
    ]

    back, _ = run_virtual(played, PacedSink(card.write, rate=RATE), script, 790_000)

    assert card.heard == ms(20) + TONE[: 740 * 16] + ms(40)
    assert back == [
        started("a", 20_000),
        stopped("a", 500_000, 520_000),
        started("b", 520_000),
        cleared("b", 240_000, 750_000),
    ]


def test_what_was_heard_is_reported_before_what_was_cut_off() -> None:
    back: list[Frame] = []

    class Outbox:
        async def __call__(self, frame: Frame) -> None: ...
        def nowait(self, frame: Frame) -> None: ...
        def back(self, frame: Frame) -> None:
            back.append(frame)

    async def interrupted() -> None:
        playout = Playout(RATE)
        player = Player(playout, Nothing(), Outbox(), lambda position: position)
        player.accept(speech("a", TONE))
        playout.take(80)
        player.accept(Interrupt())

    run_virtual(interrupted)

    assert back == [started("a", 0), cleared("a", 10_000, 0)]


def test_speech_can_go_on_after_an_interruption() -> None:
    card = Card()
    script = [
        (10_000, speech("a", TONE)),
        (110_000, Interrupt()),
        (110_000, speech("a", TONE)),
        (150_000, speech("b", TONE[:320])),
    ]

    back, _ = run_virtual(played, PacedSink(card.write, rate=RATE), script)

    assert card.heard == ms(20) + TONE[:1600] + ms(40) + TONE[:320]
    assert back == [
        started("a", 20_000),
        cleared("a", 100_000, 110_000),
        started("b", 160_000),
        stopped("b", 20_000, 180_000),
    ]


def test_the_sink_takes_in_no_more_than_its_limit() -> None:
    card = Card()
    sink = PacedSink(card.write, rate=RATE, limit=100_000)
    taken: list[int] = []

    async def flooded() -> None:
        async with Pipeline(sink, lane=1).open(output=False) as run:
            await sleep_until(10_000)
            for part in range(10):
                await run.send(Audio(pcm=TONE[part * 1600 :][:1600], rate=RATE))
                taken.append(run.now())

    run_virtual(flooded)

    assert card.heard == ms(20) + TONE
    assert taken == [10_000, *range(20_000, 900_000, 100_000)]


def test_an_interruption_reaches_a_full_sink_once_there_is_room() -> None:
    card = Card()
    sink = PacedSink(card.write, rate=RATE, limit=100_000)
    script: list[tuple[int, Frame]] = [
        (10_000, speech("a", TONE[part * 320 :][:320])) for part in range(50)
    ]

    back, _ = run_virtual(played, sink, [*script, (70_000, Interrupt())], 190_000)

    assert back == [started("a", 20_000), cleared("a", 80_000, 80_000)]
    assert card.heard == ms(20) + TONE[: 80 * 16] + ms(100)


def test_blocks_do_not_drift_where_a_rate_does_not_divide() -> None:
    card = Card()
    pcm = bytes(11_025 * 2)

    run_virtual(played, PacedSink(card.write, rate=11_025), [(10, Audio(pcm=pcm, rate=11_025))])

    assert [at for at, _ in card.blocks] == list(range(0, 1_020_000, BLOCK))
    assert {len(pcm) // 2 for _, pcm in card.blocks} == {220, 221}
    assert len(card.heard) // 2 == 11_025 * 102 // 100


def test_a_writer_may_wait() -> None:
    blocks: list[tuple[int, bytes]] = []

    async def write(pcm: bytes, at: int) -> None:
        await sleep_until(at + 15_000)
        blocks.append((now(), pcm))

    _, end = run_virtual(played, PacedSink(write, rate=RATE), [(10, speech("a", TONE[:800]))])

    assert [at for at, _ in blocks] == [15_000, 35_000, 55_000, 75_000]
    assert end == 80_000


def test_a_writer_that_fails_ends_the_run_and_is_named() -> None:
    def write(pcm: bytes, at: int) -> None:
        raise OSError("the card is gone")

    with pytest.raises(ProcessorError, match="PacedSink failed at 0.000 s: OSError: the card"):
        run_virtual(played, PacedSink(write, rate=RATE), [(0, speech("a", TONE))])


def test_a_block_without_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        PacedSink(Card().write, rate=RATE, block=100)


def test_it_plays_the_same_on_trio() -> None:
    card = Card()
    script = [(10_000, speech("a", TONE)), (750_000, Interrupt()), (810_000, speech("b", TONE))]

    async def main() -> list[Frame]:
        back, _ = await played(PacedSink(card.write, rate=RATE), script)
        return back

    clock = trio.testing.MockClock(autojump_threshold=0)
    back = anyio.run(main, backend="trio", backend_options={"clock": clock})

    assert back == [
        started("a", 20_000),
        cleared("a", 740_000, 750_000),
        started("b", 820_000),
        stopped("b", 1_000_000, 1_820_000),
    ]
    assert card.heard == ms(20) + TONE[: 740 * 16] + ms(60) + TONE
