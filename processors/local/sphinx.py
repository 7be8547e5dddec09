"""Pocketsphinx, a speech recogniser, listening for the requests of a grammar."""

import importlib
import math
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from antiphon.processors.local.grammar import Grammar
from antiphon.processors.local.schema import GrammarError

RATE = 16_000
"""The samples a second that the acoustic model was trained with."""

PAUSE = RATE // 5
"""Samples of near silence before and after the speech: then its mean spectrum is as in training."""
_SKIPPED = RATE // 10
"""So many of them are not searched for words."""

_BLOCK = 2 * RATE // 50
"""Bytes searched at a time: about a millisecond's work, in which no other thread can run."""


class RecognitionError(RuntimeError):
    """Speech cannot be recognised here; the message says what to do."""


class _Segment(Protocol):
    word: str
    start_frame: int
    end_frame: int
    ascore: float
    """How likely the model finds these sounds, beside the likeliest sounds at all."""


class _Hypothesis(Protocol):
    hypstr: str


class _Finite(Protocol):
    """A finite state grammar."""


class _Decoder(Protocol):
    """What is used of pocketsphinx.Decoder."""

    def lookup_word(self, word: str) -> str | None: ...
    def add_word(self, word: str, phones: str, update: bool) -> int: ...
    def create_fsg(
        self, name: str, start: int, final: int, transitions: list[tuple[int, int, float, str]]
    ) -> _Finite: ...
    def add_fsg(self, name: str, grammar: _Finite) -> None: ...
    def activate_search(self, name: str) -> None: ...
    def reinit_feat(self) -> None: ...
    def start_utt(self) -> None: ...
    def process_raw(self, pcm: bytes, *, full_utt: bool = False) -> None: ...
    def end_utt(self) -> None: ...
    def hyp(self) -> _Hypothesis | None: ...
    def seg(self) -> Iterable[_Segment]: ...
    def get_cmn(self, update: bool) -> str: ...
    def set_cmn(self, means: str) -> None: ...


class Recogniser:
    """Two decoders: a small one measures the utterance's mean spectrum for the other.

    So the other can be given the utterance in blocks, between which other threads run, and
    still takes the mean over all of it (cepstral mean normalisation). It must not carry a mean
    over from the utterance before, whose speaker may have been another.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._turn = threading.Lock()
        # A lattice's best path need not be one that the grammar accepts. All senones are
        # computed for `ascore` to be measured against the best of them. The beams are wider
        # than the default (1e-48): one in fifty requests was lost to it.
        # A word less likely than the default's (0.65): digits were heard where there were none.
        beams = {"beam": 1e-64, "pbeam": 1e-64, "wbeam": 1e-48, "wip": 0.3}
        self._decoder = _decoder({"bestpath": False, "compallsen": True, "cmn": "live", **beams})
        _teach(self._decoder, grammar)
        self._meter = _decoder({"bestpath": False, "cmn": "batch", "dict": None, "topn": 1})
        self._meter.add_word("a", "AH", True)
        _follow(self._meter, 0, 1, [(0, 1, 1.0, "a")])

    def recognise(self, pcm: bytes) -> tuple[str, float]:
        """The likeliest request, or nothing, and how well the sounds fit it: 1 is perfect."""
        with self._turn:
            for decoder in (self._meter, self._decoder):
                decoder.reinit_feat()  # Forgets the noise in the utterance before.
            self._meter.start_utt()
            self._meter.process_raw(pcm, full_utt=True)
            self._meter.end_utt()
            self._decoder.set_cmn(self._meter.get_cmn(False))
            self._decoder.start_utt()
            for at in range(2 * _SKIPPED, len(pcm) - 2 * _SKIPPED, _BLOCK):
                self._decoder.process_raw(pcm[at : at + _BLOCK])
                time.sleep(0)  # Lets another thread have the interpreter.
            self._decoder.end_utt()
            hypothesis = self._decoder.hyp()
            if hypothesis is None:
                return "", 0.0
            return hypothesis.hypstr, _fit(self._decoder.seg())


def _decoder(options: Mapping[str, object]) -> _Decoder:
    try:
        sphinx = importlib.import_module("pocketsphinx")
    except ImportError as error:
        raise RecognitionError(
            "speech recognition needs pocketsphinx: pip install 'antiphon[local]'"
        ) from error
    decoder: _Decoder = sphinx.Decoder(lm=None, loglevel="FATAL", **options)
    return decoder


def _teach(decoder: _Decoder, grammar: Grammar) -> None:
    words = grammar.words()
    for word, phones in grammar.pronounce.items():
        if word in words and decoder.lookup_word(word) is None:
            try:
                decoder.add_word(word, phones, False)
            except RuntimeError as error:
                problem = f"{phones!r} are not phones of the recogniser's"
                raise GrammarError(grammar.file, f"pronounce {word}", problem) from error
    for word, place in words.items():
        if decoder.lookup_word(word) is None:
            problem = (
                f"the recogniser cannot pronounce {word!r}; write it otherwise, or add its phones "
                f"to the file: [pronounce] {word} = '...'"
            )
            raise GrammarError(grammar.file, place, problem)
    automaton = grammar.automaton()
    end = len(automaton.states)
    transitions: list[tuple[int, int, float, str]] = []
    for state, ways in automaton.states.items():
        for word, to in ways.items():
            transitions.append((state, to, 1 / len(ways), word))
            if to in automaton.finals:
                transitions.append((state, end, 1 / len(ways), word))
    _follow(decoder, automaton.start, end, transitions)


def _follow(
    decoder: _Decoder, start: int, end: int, transitions: list[tuple[int, int, float, str]]
) -> None:
    decoder.add_fsg("grammar", decoder.create_fsg("grammar", start, end, transitions))
    decoder.activate_search("grammar")


def _fit(segments: Iterable[_Segment]) -> float:
    """How well the sounds fit the words: all of them, the worst word's, and those in the gaps.

    Weights and scale were fitted, so that 0.5 divides requests from everything else best.
    """
    frames = 0
    all_words = gaps = 0.0
    worst = 0.0
    for segment in segments:
        score = math.log(max(segment.ascore, 1e-30))
        duration = segment.end_frame - segment.start_frame + 1
        if segment.word[0] in "<[(":  # Silence, noise, and steps without a word.
            gaps += score
        else:
            frames += duration
            all_words += score
            worst = min(worst, score / duration)
    if not frames:
        return 0.0
    return max(0.0, 1 + 65 * (0.7 * all_words / frames + 0.3 * worst + 0.1 * gaps / frames))
