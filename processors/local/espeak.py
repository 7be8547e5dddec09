"""eSpeak NG, a speech synthesiser, through its C interface.

The library has one state for the whole process, and what it says depends a little on what it
said before: the flutter of its pitch, for one, goes on where it was, even after
`espeak_Terminate`. So each utterance gets a library that was loaded for it alone, and equal
text gives equal samples.
"""

import ctypes
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

Deliver = Callable[[bytes], bool]
"""Takes the next samples; False ends the utterance."""

# The names of speak_lib.h.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_POS_CHARACTER = 1
_CHARS_UTF8 = 1
_RATE = 1
_PITCH = 3

_BUFFER = 20
"""Milliseconds of sound that espeak gathers; it gives pieces of at most 60 ms."""

_RANDOM_SEED = 1

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class SynthesisError(RuntimeError):
    """There is no speech to be had from here; the message says what to do."""


class _ListedVoice(ctypes.Structure):
    """The head of espeak_VOICE."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
    )


class Library:
    """A freshly loaded library, for one utterance."""

    def __init__(self) -> None:
        """Raises SynthesisError."""
        loader = _loader()
        data = Path(loader.get_data_path())
        try:
            self._library = ctypes.CDLL(loader.get_library_path())
        except OSError as error:
            raise SynthesisError(f"the espeak-ng library does not load: {error}") from error
        self.rate: int = self._library.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, _BUFFER, str(data).encode(), _INITIALIZE_DONT_EXIT
        )
        """Samples a second."""
        if self.rate <= 0:
            raise SynthesisError(f"espeak-ng does not start with its data in {data}")
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(_RANDOM_SEED))
        listing = self._library.espeak_ListVoices
        listing.restype = ctypes.POINTER(ctypes.POINTER(_ListedVoice))
        self._voices = listing(None)
        self.languages = self._list_languages()
        """The voices' files, by the languages that they speak."""
        # espeak writes names small before it looks for the file.
        self.variants = sorted(
            f.name for f in (data / "voices" / "!v").iterdir() if f.name.islower()
        )

    def close(self) -> None:
        self._library.espeak_Terminate()
        if sys.platform == "win32":
            ctypes.WinDLL("kernel32").FreeLibrary(ctypes.c_void_p(self._library._handle))
        else:
            system = ctypes.CDLL(None)
            system.dlclose(ctypes.c_void_p(self._library._handle))
            if not _is_loaded(self._library._name):
                # The list of the voices outlives espeak_Terminate, and its owner is gone: 2 KB.
                system.free(self._voices)

    def speak(self, text: str, voice: str, *, rate: int, pitch: int, deliver: Deliver) -> None:
        """*voice* is a file of *languages*, with `+` and one of *variants* where wanted.

        What *deliver* raises ends the utterance, and is raised here.
        """
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise SynthesisError(f"espeak-ng has no voice {voice!r}")
        self._library.espeak_SetParameter(_RATE, rate, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        raised: list[BaseException] = []

        def give(samples: "ctypes.Array[ctypes.c_short]", count: int, events: int) -> int:
            if not samples or not count:
                return 0
            try:
                return 0 if deliver(ctypes.string_at(samples, count * 2)) else 1
            except BaseException as error:
                raised.append(error)
                return 1

        callback = _Callback(give)
        self._library.espeak_SetSynthCallback(callback)
        said = text.encode()
        self._library.espeak_Synth(
            said,
            ctypes.c_size_t(len(said) + 1),
            0,
            _POS_CHARACTER,
            0,
            _CHARS_UTF8,
            None,
            None,
        )
        if raised:
            raise raised[0]

    def _list_languages(self) -> dict[str, str]:
        files: dict[str, str] = {}
        at = 0
        while self._voices[at]:  # The list ends with a null pointer.
            voice = self._voices[at].contents
            # In front of the language stands a byte with its priority.
            files.setdefault(voice.languages[1:].decode(), voice.identifier.decode())
            at += 1
        return files


def _loader() -> ModuleType:
    try:
        return importlib.import_module("espeakng_loader")
    except ImportError as error:
        raise SynthesisError(
            "speech synthesis needs espeak-ng: pip install 'antiphon[local]'"
        ) from error


def _is_loaded(path: str) -> bool:
    """Somebody else may use the library too, and not every system unloads one."""
    try:
        handle = ctypes.CDLL(path, mode=os.RTLD_NOLOAD)._handle
    except OSError:
        return False
    ctypes.CDLL(None).dlclose(ctypes.c_void_p(handle))
    return True
