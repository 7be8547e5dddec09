"""One direction of a session, from one end's words to another's."""

from typing import Any

import msgspec
import pytest

from antiphon.codec.translation import MOST_KINDS, Side, Translation, translation
from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, SessionConfig, TurnDetection
from antiphon.codecs.dialect import Dialect, Repertoire
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.events import EventFrame
from antiphon.codecs.items import text_message
from antiphon.codecs.wire import Message, Unsayable, WireError
from tests.antiphon.codec.plain import End, plain

NO_WORDS = Repertoire(native=frozenset())

SPEECH = events.AudioDelta(response_id="r", item_id="i", delta=bytes(1920))
"""40 ms at 24 kHz."""


def said(event: EventFrame) -> str:
    return msgspec.json.encode(event).decode()


def understood(messages: list[Message], kind: type[Any]) -> list[Any]:
    return [msgspec.json.decode(message, type=kind) for message in messages]


def fed(work: Translation[Any], *messages: Message) -> list[Message]:
    return [out for message in messages for out in work.feed(message)]


def from_plain(
    target: Dialect, side: Side = "server", wait: int | None = None
) -> tuple[Translation[Any], End]:
    """A translation, and the end that hears."""
    source = plain(wait=wait)
    hears = source.client("") if side == "server" else source.server("")
    says = target.server("") if side == "server" else target.client("")
    words = target.repertoire_of_server if side == "server" else target.repertoire_of_client
    assert isinstance(hears, End)
    work: Translation[Any] = Translation(hears, says, words, dialect=target.name, alone=True)
    return work, hears


def test_what_a_server_says_is_said_by_a_server_and_what_a_client_says_by_a_client() -> None:
    source, target = plain(), plain("other")

    of_server = fed(translation(source, target, "server"), said(SPEECH))
    of_client = fed(translation(source, target, "client"), said(events.ResponseCreate()))

    assert understood(of_server, events.AudioDelta) == [SPEECH]
    assert understood(of_client, events.ResponseCreate) == [events.ResponseCreate()]


def test_an_event_without_a_word_is_counted_by_its_kind() -> None:
    work, _ = from_plain(plain("other", without=[events.AudioDone, events.SpeechStarted]))
    done = said(events.AudioDone(response_id="r", item_id="i"))

    out = fed(work, done, said(SPEECH), said(events.SpeechStarted()), done)

    assert len(out) == 1
    assert work.unsaid == {"audio-done": 2, "speech-started": 1}


def test_an_event_that_is_got_across_in_another_way_is_not_counted() -> None:
    work, _ = from_plain(plain("other", emulated={events.AudioDone: "by silence"}))

    out = fed(work, said(events.AudioDone(response_id="r", item_id="i")))

    assert out == []
    assert work.unsaid == {}


def test_words_of_another_dialect_are_counted_by_what_they_are_called() -> None:
    work, _ = from_plain(plain("other"))
    foreign = events.Custom(raw_type="mood", dialect="elsewhere")

    out = fed(
        work, said(foreign), said(foreign), said(events.Custom(raw_type="x", dialect="plain"))
    )

    assert out == ["null"]
    assert work.unsaid == {"custom (mood)": 2}


def test_however_many_kinds_are_not_said_few_are_told_apart() -> None:
    work, _ = from_plain(plain("other"))

    for number in range(3 * MOST_KINDS):
        fed(work, said(events.Custom(raw_type=str(number), dialect="elsewhere")))

    assert len(work.unsaid) == MOST_KINDS + 1
    assert work.unsaid["custom"] == 2 * MOST_KINDS


def test_time_is_the_audio_that_has_passed() -> None:
    work, hears = from_plain(plain("other"))

    fed(work, *[said(SPEECH)] * 3, said(events.SpeechStarted()))

    assert hears.times == [0, 40_000, 80_000, 120_000]


@pytest.mark.parametrize(("side", "message"), [("client", bytes(1920)), ("server", said(SPEECH))])
def test_each_direction_has_its_own_rate(side: Side, message: Message) -> None:
    work, hears = from_plain(plain("other"), side)
    hears.input_rate, hears.output_rate = 48_000, 8_000

    fed(work, message)

    assert work.at == (20_000 if side == "client" else 120_000)


def test_time_does_not_drift_however_audio_is_cut() -> None:
    work, _ = from_plain(plain("other"), "client")

    for _ in range(24_000):
        fed(work, b"\0\0")  # 41.67 us

    assert work.at == 1_000_000


def test_time_is_the_callers_if_it_is_given() -> None:
    work, hears = from_plain(plain("other"))

    fed(work, said(SPEECH))
    tuple(work.feed(said(SPEECH), 7))
    tuple(work.feed(said(SPEECH), 8))

    assert hears.times == [0, 7, 8]


def test_silence_means_something_once_it_has_lasted() -> None:
    work, _ = from_plain(plain("other"), wait=80_000)

    first = fed(work, said(SPEECH))
    second = fed(work, said(SPEECH), said(events.SpeechStarted()))

    assert len(first) == 1
    kinds = [msgspec.json.decode(message)["type"] for message in second]
    assert kinds == ["audio-delta", "session-closed", "speech-started"]


def test_what_is_due_at_the_end_that_speaks_is_said() -> None:
    work, _ = from_plain(plain("other", wait=40_000))

    out = fed(work, said(SPEECH), said(SPEECH))

    kinds = [msgspec.json.decode(message)["type"] for message in out]
    assert kinds == ["audio-delta", "ping", "audio-delta"]


def test_what_goes_the_other_way_is_left_to_the_translation_of_that_way() -> None:
    front, back = plain().server(""), plain(wait=0).client("")
    there: Translation[Any] = Translation(front, back, NO_WORDS, dialect="plain")
    here: Translation[Any] = Translation(back, front, NO_WORDS, dialect="plain")

    first = fed(there, said(events.ResponseCancel()))
    answer = fed(here, said(events.SpeechStarted()))
    second = fed(there, said(events.ResponseCancel()))

    kinds = [
        [msgspec.json.decode(message)["type"] for message in some]
        for some in (first, answer, second)
    ]
    assert kinds == [
        ["response-cancel"],
        ["speech-started", "session-closed"],
        ["response-cancel", "ping"],
    ]


def test_a_wrong_message_is_an_error_and_the_next_is_translated() -> None:
    work, _ = from_plain(plain("other"))

    with pytest.raises(WireError, match="plain: "):
        fed(work, '{"type":"audio-delta"}')

    assert len(fed(work, said(SPEECH))) == 1


def test_what_must_not_be_left_out_is_an_error_when_the_rest_was_said() -> None:
    work, _ = from_plain(plain("other", wait=0), "client")
    out: list[Message] = []

    with pytest.raises(Unsayable, match="has no telephone"):
        for message in work.feed(said(events.InputDtmf(digit="1"))):
            out.append(message)  # noqa: PERF402  # until it raises

    assert out == ['{"type":"ping"}']


def test_another_rate_is_brought_about_and_nothing_is_lost_at_the_end() -> None:
    work, _ = from_plain(plain("other", rate=16_000), "client")

    out = [*fed(work, bytes(960), bytes(960)), *work.finish()]

    assert [len(message) for message in out] == [640, 640, 32]


def test_items_go_through_as_they_are() -> None:
    create = events.ConversationItemCreate(item=text_message("Hello."))
    work, _ = from_plain(plain("other"), "client")

    assert understood(fed(work, said(create)), events.ConversationItemCreate) == [create]


def test_a_format_that_the_other_wire_has_not_is_its_own_affair() -> None:
    work, _ = from_plain(plain("other"), "client")
    config = SessionConfig(voice="alto", input_audio_format=AudioFormat(type="audio/pcmu"))

    out = fed(work, said(events.SessionUpdate(config=config)))

    (update,) = understood(out, events.SessionUpdate)
    assert update.config == SessionConfig(voice="alto")


def test_settings_that_are_refused_for_another_reason_stay_refused() -> None:
    work, _ = from_plain(find_dialect("elevenlabs"), "client")
    vad = TurnDetection(type="disabled")

    with pytest.raises(Unsayable, match="turns"):
        fed(work, said(events.SessionUpdate(config=SessionConfig(turn_detection=vad))))


def test_words_of_one_provider_are_kept_from_another_and_pass_from_the_readable_form() -> None:
    patch = b'{"type":"session.update","session":{"type":"realtime","truncation":"auto"}}'
    readable = b'{"type":"session-update","config":{"providerOptions":{"truncation":"auto"}}}'

    def told(source: str, target: str, message: bytes) -> str:
        (said,) = translation(find_dialect(source), find_dialect(target), "client").feed(message)
        return said if isinstance(said, str) else said.decode()

    assert "truncation" not in told("openai", "xai", patch)
    assert "truncation" in told("openai", "openai", patch)
    assert "truncation" in told("vercel", "openai", readable)
