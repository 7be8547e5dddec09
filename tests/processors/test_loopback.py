"""A real sound server: what the loudspeaker plays, the microphone hears."""

import math
import os
import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import antiphon

RATE = 24_000


def what_is_missing() -> str:
    try:
        import_module("sounddevice")
    except (ImportError, OSError) as error:
        return str(error)
    return "" if shutil.which("pulseaudio") and shutil.which("parec") else "no pulseaudio"


@pytest.fixture
def null_sink(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with a sound server whose microphone hears its loudspeaker."""
    if missing := what_is_missing():
        if os.environ.get("CI") == "true":
            pytest.fail(f"there is no real sound here: {missing}")
        pytest.skip(missing)
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PULSE_RUNTIME_PATH": str(tmp_path),
        "PULSE_SERVER": f"unix:{tmp_path}/socket",
        "PYTHONPATH": str(Path(antiphon.__file__).parents[1]),
    }
    options = [
        "-n",
        "--daemonize=yes",
        "--exit-idle-time=60",
        f"--load=module-native-protocol-unix socket={tmp_path}/socket auth-anonymous=1",
        "--load=module-null-sink sink_name=loop",
    ]
    subprocess.run(["pulseaudio", *options], env=environment, check=True, capture_output=True)
    # With nobody in a hurry, a null sink takes audio only every two seconds.
    listener = subprocess.Popen(
        ["parec", "--latency-msec=10", "--device=loop.monitor"],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    yield environment
    listener.terminate()
    listener.wait()
    subprocess.run(["pulseaudio", "--kill"], env=environment, check=True, capture_output=True)


def test_the_microphone_hears_what_the_loudspeaker_plays(
    null_sink: dict[str, str], tmp_path: Path
) -> None:
    tone = np.rint(8_000 * np.sin(np.arange(RATE) * 2 * math.pi * 440 / RATE)).astype("<i2")
    with wave.open(str(tmp_path / "tone.wav"), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(tone.tobytes())

    script = Path(__file__).with_name("loopback.py")
    files = [str(tmp_path / "tone.wav"), str(tmp_path / "heard.wav")]
    done = subprocess.run(
        [sys.executable, script, *files],
        check=False,
        env=null_sink,
        capture_output=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr.decode()
    with wave.open(str(tmp_path / "heard.wav")) as sound:
        heard = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(float)
    loud = np.count_nonzero(np.abs(heard) > 4_000)
    pitch = np.argmax(np.abs(np.fft.rfft(heard))) * RATE / len(heard)
    assert loud / RATE == pytest.approx(2 / 3, abs=0.1)  # a sine is above half for 2/3 of the time
    assert pitch == pytest.approx(440, abs=3)
