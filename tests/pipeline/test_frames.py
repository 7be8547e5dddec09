"""What travels: facts that cannot be changed, audio of whole samples."""

import msgspec
import pytest

from antiphon.pipeline import Audio, Interrupt, Speech


def test_a_frame_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Interrupt().reason = "else"  # pyright: ignore[reportAttributeAccessIssue]


def test_audio_knows_its_samples_and_its_duration() -> None:
    audio = Audio(pcm=bytes(960), rate=24_000)

    assert audio.samples == 480
    assert audio.duration == 20_000


def test_audio_of_no_samples_lasts_no_time() -> None:
    assert Audio(pcm=b"").duration == 0


def test_audio_of_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="whole 16-bit samples, not 3 bytes"):
        Audio(pcm=b"abc")


@pytest.mark.parametrize("rate", [0, -8_000])
def test_audio_without_a_rate_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match=f"not {rate}"):
        Audio(pcm=b"", rate=rate)


def test_changed_speech_is_still_speech_of_the_same_item() -> None:
    speech = Speech(pcm=bytes(4), response_id="r", item_id="i", at=5)

    changed = msgspec.structs.replace(speech, pcm=bytes(2), rate=8_000)

    assert changed == Speech(pcm=bytes(2), rate=8_000, response_id="r", item_id="i", at=5)


def test_an_interrupt_overtakes_and_is_not_forgotten() -> None:
    assert Interrupt.control
    assert not Interrupt.interruptible
