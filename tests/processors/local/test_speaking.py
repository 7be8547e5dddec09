"""Speech is made in a worker thread and handed to the loop as it is made."""

import threading
from collections.abc import Callable

import anyio
import pytest
from anyio import from_thread, to_thread
from anyio.lowlevel import checkpoint

from antiphon.pipeline import now
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.local.speaking import BUNDLE, spoken
from antiphon.processors.local.voice import Voice
from antiphon.processors.resampler import Converter

WORDS = "Once upon a time there was a dragon, and it lived on a very high mountain."


class Broken(Voice):
    """Says a little and fails."""

    def say(self, text: str, chunk: Callable[[bytes], bool]) -> None:
        chunk(bytes(2_000))
        raise RuntimeError("lost its voice")


async def pieces(text: str, rate: int) -> list[bytes]:
    async with spoken(Voice(), text, rate) as made:
        return [piece async for piece in made]


def test_all_pieces_together_are_the_whole() -> None:
    voice = Voice()

    made = run_virtual(pieces, WORDS, voice.rate)

    assert b"".join(made) == voice.speak(WORDS)


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_speech_comes_at_the_wanted_rate(rate: int) -> None:
    voice = Voice()
    converter = Converter(voice.rate, rate)
    whole = converter.convert(voice.speak(WORDS)) + converter.flush()

    assert b"".join(run_virtual(pieces, WORDS, rate)) == whole


def test_the_first_piece_is_there_soon_and_the_others_are_large() -> None:
    first, *rest = run_virtual(pieces, WORDS, 24_000)

    assert len(first) <= 0.07 * 24_000 * 2
    assert all(len(piece) >= BUNDLE * 24_000 * 2 for piece in rest[:-1])
    assert len(rest) > 2


def test_speaking_takes_no_time_of_the_session() -> None:
    async def speak() -> int:
        await pieces(WORDS, 24_000)
        return now()

    assert run_virtual(speak) == 0


def test_who_leaves_early_hears_no_more_and_leaves_nobody_behind() -> None:
    async def leave() -> tuple[int, int]:
        async with spoken(Voice(), WORDS * 20, 24_000) as made:
            async for piece in made:
                return len(piece), to_thread.current_default_thread_limiter().borrowed_tokens
        raise AssertionError("nothing was said")

    async def then() -> tuple[int, int]:
        length, _ = await leave()
        return length, to_thread.current_default_thread_limiter().borrowed_tokens

    length, threads = run_virtual(then)

    assert length > 0
    assert threads == 0


def test_a_piece_that_is_handed_over_too_late_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread had looked whether somebody listens before the last listener left."""
    calls = threading.Semaphore(0)
    run_sync = from_thread.run_sync

    def counted(give: Callable[[bytes], None], pcm: bytes) -> None:
        calls.release()
        run_sync(give, pcm)

    monkeypatch.setattr(from_thread, "run_sync", counted)

    async def leave() -> bytes:
        async with spoken(Voice(), WORDS * 3, 24_000) as made:
            first = await anext(aiter(made))
            for _ in range(2):
                calls.acquire()
            return first

    assert run_virtual(leave)


@pytest.mark.parametrize("steps", range(12))
def test_it_can_be_cancelled_at_any_step(steps: int) -> None:
    """Also when the thread has called with a piece that nobody will take."""

    async def speak(cancelled: anyio.CancelScope) -> None:
        with cancelled:
            async with spoken(Voice(), WORDS * 3, 24_000) as made:
                async for _ in made:
                    pass

    async def cancel() -> bool:
        scope = anyio.CancelScope()
        async with anyio.create_task_group() as group:
            group.start_soon(speak, scope)
            for _ in range(steps):
                await checkpoint()
            scope.cancel()
        return scope.cancelled_caught

    assert run_virtual(cancel)


def test_many_can_speak_at_once() -> None:
    async def together() -> list[bytes]:
        said: list[bytes] = []

        async def one() -> None:
            said.append(b"".join(await pieces(WORDS, 24_000)))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(one)
        return said

    assert len(set(run_virtual(together))) == 1


def test_a_voice_that_fails_is_heard_as_far_as_it_came() -> None:
    heard: list[bytes] = []

    async def speak() -> None:
        async with spoken(Broken(), WORDS, Voice().rate) as made:
            async for piece in made:
                heard.append(piece)  # noqa: PERF401

    with pytest.raises(ExceptionGroup) as failed:
        run_virtual(speak)

    assert failed.group_contains(RuntimeError, match="lost its voice")
