"""The vocabulary: its names, what becomes of its events on the way, and in a log."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from antiphon.codecs.config import ResponseOptions
from antiphon.codecs.events import (
    AudioChunk,
    AudioCommitted,
    AudioDelta,
    ClientEvent,
    ContextAppend,
    Custom,
    Event,
    EventFrame,
    InputAudioAppend,
    OutputPlaybackCleared,
    OutputPlaybackStarted,
    OutputPlaybackStopped,
    ResponseCreate,
    ServerEvent,
    SpeechStarted,
)
from antiphon.pipeline.frames import Frame
from tests.codecs.strategies import CLIENT_EVENTS, EVENTS, SERVER_EVENTS, of

each_event = pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)

# The realtime vocabulary of the AI SDK (`Experimental_Realtime*`, specification v4). A field that
# ends in `?` may be missing. Its `...Ms` are microseconds here, and are named without the unit.
SDK_CLIENT_EVENTS = """
    session-update config eventId?
    session-start config eventId?
    session-close eventId?
    input-audio-mute eventId?
    input-audio-unmute eventId?
    context-append content delegationId eventId? providerOptions?
    input-audio-append audio eventId?
    input-audio-commit
    input-audio-clear
    conversation-item-create item
    conversation-item-truncate itemId contentIndex audioEndMs
    response-create options?
    response-cancel
"""
SDK_SERVER_EVENTS = """
    session-created sessionId?
    session-updated
    speech-started itemId?
    speech-stopped itemId?
    audio-committed itemId? previousItemId?
    conversation-item-added itemId item
    input-transcription-completed itemId transcript usage?
    response-created responseId
    response-done responseId status usage?
    output-item-added responseId itemId
    output-item-done responseId itemId
    content-part-added responseId itemId
    content-part-done responseId itemId
    audio-delta responseId itemId delta
    audio-done responseId itemId
    audio-transcript-delta responseId itemId delta
    audio-transcript-done responseId itemId transcript?
    text-delta responseId itemId delta
    text-done responseId itemId text?
    function-call-arguments-delta responseId itemId callId delta
    function-call-arguments-done responseId itemId callId name arguments
    error message code? clientEventId?
    custom rawType usage?
    session-started sessionId delegationMode?
    session-closed sessionId? usage reason
    session-usage usage contextWindowUsageRatio?
    audio-chunk delta
    transcript-fragment speaker delta startMs endMs
    delegation-created delegationId target? offsetMs? responseId?
    command-acknowledged command clientEventId?
"""


def rows(table: str) -> list[Any]:
    return [
        pytest.param(tag, fields, id=tag)
        for tag, *fields in (line.split() for line in table.strip().splitlines())
    ]


def tag_of(kind: type[EventFrame]) -> str:
    return str(kind.__struct_config__.tag)


def assert_says_at_least(kinds: tuple[type[EventFrame], ...], tag: str, fields: list[str]) -> None:
    (kind,) = (kind for kind in kinds if tag_of(kind) == tag)
    ours = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    theirs = {name.rstrip("?").removesuffix("Ms"): not name.endswith("?") for name in fields}

    assert theirs.keys() <= ours.keys()
    assert {name for name, field in ours.items() if field.required} <= {
        name for name, required in theirs.items() if required
    }


@pytest.mark.parametrize(("tag", "fields"), rows(SDK_CLIENT_EVENTS))
def test_a_client_event_has_the_tag_and_the_fields_of_the_sdk(tag: str, fields: list[str]) -> None:
    assert_says_at_least(CLIENT_EVENTS, tag, fields)


@pytest.mark.parametrize(("tag", "fields"), rows(SDK_SERVER_EVENTS))
def test_a_server_event_has_the_tag_and_the_fields_of_the_sdk(tag: str, fields: list[str]) -> None:
    assert_says_at_least(SERVER_EVENTS, tag, fields)


@each_event
def test_a_tag_is_the_name_of_its_class(kind: type[EventFrame]) -> None:
    tag = tag_of(kind)

    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", tag)
    assert "".join(word.capitalize() for word in tag.split("-")) == kind.__name__


@each_event
def test_no_field_carries_a_unit_in_its_name(kind: type[EventFrame]) -> None:
    names = [*kind.__struct_fields__, *kind.__struct_encode_fields__]

    assert not [name for name in names if re.search(r"(_ms|Ms|_us|Us)$", name)]


def test_every_event_is_said_by_someone() -> None:
    def ends(kind: type[EventFrame]) -> set[type[EventFrame]]:
        return set[type[EventFrame]]().union(*map(ends, kind.__subclasses__())) or {kind}

    assert ends(EventFrame) == set(EVENTS)


def test_only_playback_and_what_has_no_word_are_said_by_both() -> None:
    assert set(CLIENT_EVENTS) & set(SERVER_EVENTS) == {
        OutputPlaybackStarted,
        OutputPlaybackStopped,
        OutputPlaybackCleared,
        Custom,
    }


@each_event
def test_an_event_is_a_frame_that_keeps_its_order(kind: type[EventFrame]) -> None:
    assert issubclass(kind, Frame)
    assert not kind.control


@each_event
def test_only_speech_is_forgotten_when_the_user_interrupts(kind: type[EventFrame]) -> None:
    assert kind.interruptible == (kind in (AudioDelta, AudioChunk))


@each_event
@settings(max_examples=25)
@given(data=st.data())
def test_an_event_survives_a_log(kind: type[EventFrame], data: st.DataObject) -> None:
    event = data.draw(of(kind))

    said = msgspec.json.decode(msgspec.json.encode(event), type=Event)

    assert said == event
    assert type(said) is kind


@each_event
def test_no_kind_of_event_can_be_changed(kind: type[EventFrame]) -> None:
    assert kind.__struct_config__.frozen


def test_changing_an_event_is_refused() -> None:
    event = SpeechStarted(item_id="a")

    with pytest.raises(AttributeError, match="immutable"):
        setattr(event, "item_id", "b")  # noqa: B010 (the type checker refuses the plain way)


def test_a_log_holds_only_what_was_said() -> None:
    event = InputAudioAppend(at=20_000, audio=b"\x01\x00")

    assert msgspec.json.encode(event) == b'{"type":"input-audio-append","at":20000,"audio":"AQA="}'


def test_saying_that_there_is_nothing_before_differs_from_not_saying() -> None:
    first = AudioCommitted(item_id="a", previous_item_id=None)
    somewhere = AudioCommitted(item_id="a")

    assert somewhere.previous_item_id is UNSET
    assert b'"previousItemId":null' in msgspec.json.encode(first)
    assert b"previousItemId" not in msgspec.json.encode(somewhere)


def test_context_says_that_it_answers_no_delegation() -> None:
    context = ContextAppend(content="It is noon.", delegation_id=None)

    assert b'"delegationId":null' in msgspec.json.encode(context)


def test_a_response_may_be_asked_for_with_options_that_choose_nothing() -> None:
    plain, chosen = ResponseCreate(), ResponseCreate(options=ResponseOptions())

    assert msgspec.json.encode(plain) == b'{"type":"response-create"}'
    assert msgspec.json.encode(chosen) == b'{"type":"response-create","options":{}}'


def test_what_has_no_word_is_carried_to_the_letter() -> None:
    event = Custom(raw_type="vad_score", raw=msgspec.Raw(b'{"vad_score": 0.50}'))

    said = msgspec.json.decode(msgspec.json.encode(event), type=ServerEvent)

    assert isinstance(said, Custom)
    assert bytes(said.raw) == b'{"vad_score": 0.50}'


def test_a_client_cannot_say_what_only_a_server_knows() -> None:
    with pytest.raises(msgspec.ValidationError, match="speech-started"):
        msgspec.json.decode(msgspec.json.encode(SpeechStarted()), type=ClientEvent)
