"""A provider's model: connected when it can be, and again when it was not."""

from collections.abc import Iterable
from itertools import pairwise
from typing import TypeVar

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.items import FunctionCall, FunctionCallOutput, Item, Message, text_message
from antiphon.pipeline import Audio, Frame, ProcessorError
from antiphon.processors.remote import LostModel, Retry
from antiphon.transports import Closed, ConnectTimeout, Refused, Unreachable
from tests.processors.remote.provider import SECOND, Client, Provider, Serving, talk

CREATED = events.SessionCreated(session_id="sess")
UPDATE = events.SessionUpdate(config=SessionConfig(instructions="Be brief.", voice="echo"))
HELLO = events.ConversationItemCreate(item=text_message("Hello"))
ASK = events.ResponseCreate()

F = TypeVar("F", bound=Frame)


def audio(ms: int, value: int = 1) -> events.InputAudioAppend:
    return events.InputAudioAppend(audio=bytes([value, 0]) * (24 * ms))


def answer(response: str, item: str, words: str) -> tuple[events.ServerEvent, ...]:
    return (
        events.ResponseCreated(response_id=response, status="in_progress"),
        events.AudioTranscriptDelta(response_id=response, item_id=item, delta=words),
        events.AudioDelta(response_id=response, item_id=item, delta=bytes(4800)),
        events.ResponseDone(response_id=response, status="completed"),
    )


async def attend(client: Client) -> None:
    """Repeats every item, and answers every request with the same words."""
    await client.tell(CREATED)
    number = 0
    while True:
        match await client.hear():
            case events.ConversationItemCreate(item=item):
                number += 1
                await client.tell(
                    events.ConversationItemAdded(item_id=f"heard_{number}", item=item)
                )
            case events.ResponseCreate():
                number += 1
                await client.tell(*answer(f"resp_{number}", f"item_{number}", "Hi there."))
            case _:
                pass


def attended_until_dropped(*, after: float) -> Serving:
    async def serve(client: Client) -> None:
        with anyio.move_on_after(after):
            await attend(client)
        client.drop()

    return serve


def of(kind: type[F], frames: Iterable[Frame]) -> list[F]:
    return [frame for frame in frames if isinstance(frame, kind)]


def items_told(client: Client) -> list[Item]:
    return [event.item for event in of(events.ConversationItemCreate, client.said)]


def texts(items: Iterable[Item]) -> list[tuple[str, str]]:
    return [(item.role, item.text) for item in items if isinstance(item, Message)]


def test_the_session_is_settled_first_then_said_what_is_said_and_heard_what_is_answered() -> None:
    provider = Provider(attend)

    heard = talk(provider, [(0, UPDATE), (0, HELLO), (0, ASK)])

    (client,) = provider.clients
    assert [type(event) for event in client.said[:3]] == [type(UPDATE), type(HELLO), type(ASK)]
    assert isinstance(client.said[0], events.SessionUpdate)
    assert client.said[0].config.instructions == "Be brief."
    assert [done.status for done in of(events.ResponseDone, heard)] == ["completed"]
    assert of(events.Reconnecting, heard) == []


def test_frames_that_are_not_for_the_model_go_by() -> None:
    sound = Audio(pcm=bytes(4), rate=16_000)

    assert sound in talk(Provider(attend), [(0, sound)])


def test_nothing_but_the_configuration_is_said_before_the_session_is_there() -> None:
    async def slow(client: Client) -> None:
        with anyio.move_on_after(2):
            await client.hear_out()
        early.extend(client.said)
        await attend(client)

    early: list[events.ClientEvent] = []
    provider = Provider(slow)
    heard = talk(provider, [(0, UPDATE), (0, audio(100)), (0, HELLO), (0, ASK)])

    assert [type(event) for event in early] == [events.SessionUpdate]
    assert of(events.ResponseDone, heard)
    assert of(events.InputAudioAppend, provider.clients[0].said)[0].audio == audio(100).audio


def test_after_a_break_the_conversation_so_far_is_told_anew() -> None:
    provider = Provider(attended_until_dropped(after=2), attend)

    heard = talk(provider, [(0, UPDATE), (0, HELLO), (0, ASK), (6, HELLO), (6, ASK)])

    _, second = provider.clients
    assert isinstance(second.said[0], events.SessionUpdate)
    assert second.said[0].config.voice == "echo"
    assert texts(items_told(second)) == [
        ("user", "Hello"),
        ("assistant", "Hi there."),
        ("user", "Hello"),
    ]
    assert [event.replayed for event in of(events.Reconnected, heard)] == [2]
    assert len(of(events.ResponseDone, heard)) == 2


def test_what_the_server_repeats_of_it_is_not_news() -> None:
    provider = Provider(attended_until_dropped(after=2), attend)

    heard = talk(provider, [(0, UPDATE), (0, HELLO), (0, ASK)], until=8)

    added = of(events.ConversationItemAdded, heard)
    assert [
        e.item.text for e in added if isinstance(e.item, Message) and e.item.role == "user"
    ] == ["Hello"]


def test_a_second_break_tells_it_all_again_once() -> None:
    provider = Provider(attended_until_dropped(after=2), attended_until_dropped(after=2), attend)

    talk(provider, [(0, UPDATE), (0, HELLO), (0, ASK)], until=15)

    assert texts(items_told(provider.clients[2])) == [("user", "Hello"), ("assistant", "Hi there.")]


def test_attempts_wait_longer_each_time_and_say_so() -> None:
    gone = Unreachable("no such host")
    provider = Provider(attended_until_dropped(after=1), gone, gone, attend)

    heard = talk(provider, [(0, UPDATE)], until=20)

    attempts = of(events.Reconnecting, heard)
    assert [event.attempt for event in attempts] == [1, 2, 3]
    bounds = [SECOND, 2 * SECOND, 4 * SECOND]
    assert all(bound / 2 <= e.delay <= bound for e, bound in zip(attempts, bounds, strict=True))
    assert [later.at - e.at for e, later in pairwise(attempts)] == [e.delay for e in attempts[:-1]]
    assert "no such host" in attempts[1].reason
    assert len(of(events.Reconnected, heard)) == 1


def test_after_the_last_attempt_the_model_is_lost() -> None:
    provider = Provider(Unreachable("no such host"))

    with pytest.raises(ProcessorError, match="m cannot be reached: 3 further") as raised:
        talk(provider, [(0, UPDATE)], until=60)

    lost = raised.value.__cause__
    assert isinstance(lost, LostModel)
    assert isinstance(lost.__cause__, Unreachable)
    assert len(provider.resumed) == 4


def test_a_connection_that_held_for_long_begins_a_new_row_of_attempts() -> None:
    provider = Provider(attended_until_dropped(after=30))

    heard = talk(provider, [(0, UPDATE)], until=200)

    assert [event.attempt for event in of(events.Reconnecting, heard)] == [1] * 6


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refused_key_is_not_tried_again(status: int) -> None:
    provider = Provider(Refused("wss://host/v1", status, {}, b""))

    with pytest.raises(ProcessorError, match=f"HTTP status {status}") as raised:
        talk(provider, [(0, UPDATE)], until=60)

    assert isinstance(raised.value.__cause__, Refused)
    assert len(provider.resumed) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_tried_again(status: int) -> None:
    provider = Provider(Refused("wss://host/v1", status, {}, b""), attend)

    heard = talk(provider, [(0, UPDATE), (0, HELLO), (0, ASK)])

    assert of(events.ResponseDone, heard)


def test_a_server_says_how_long_to_wait() -> None:
    busy = Refused("wss://host/v1", 429, {"retry-after": "30"}, b"")
    provider = Provider(busy, attend)

    heard = talk(provider, [(0, UPDATE)], until=40)

    assert [event.delay for event in of(events.Reconnecting, heard)] == [30 * SECOND]


def test_a_server_that_begins_no_session_is_left() -> None:
    provider = Provider(Client.hear_out, attend)

    heard = talk(provider, [(0, UPDATE), (0, HELLO), (0, ASK)])

    (again,) = of(events.Reconnecting, heard)
    assert again.at == 5 * SECOND
    assert of(events.ResponseDone, heard)


def test_a_server_that_never_does_is_given_up() -> None:
    with pytest.raises(ProcessorError) as raised:
        talk(Provider(Client.hear_out), [(0, UPDATE)], until=60)

    assert isinstance(raised.value.__cause__, LostModel)
    assert isinstance(raised.value.__cause__.__cause__, ConnectTimeout)


def test_what_the_user_says_meanwhile_is_kept_up_to_a_bound_and_the_rest_counted() -> None:
    provider = Provider(attended_until_dropped(after=1), Unreachable("gone"), attend)
    said = [(1.0 + n * 0.1, audio(100, n)) for n in range(1, 40)]

    heard = talk(provider, [(0, UPDATE), *said], until=20)

    (again,) = of(events.Reconnected, heard)
    kept = of(events.InputAudioAppend, provider.clients[1].said)
    away = sum(1 for at, _ in said if at * SECOND < again.at)
    assert again.lost == (away - 10) * SECOND // 10
    assert [event.audio[0] for event in kept] == list(range(away - 9, 40))


def test_a_response_that_breaks_off_ends_as_failed() -> None:
    async def break_off(client: Client) -> None:
        await client.tell(CREATED)
        await client.hear()
        await client.hear()
        await client.hear()
        await client.tell(*answer("resp_1", "item_1", "Once upon a")[:3])
        await anyio.sleep(1)
        client.drop()

    provider = Provider(break_off, attend)
    heard = talk(provider, [(0, UPDATE), (0, HELLO), (0, ASK)], until=10)

    (done,) = of(events.ResponseDone, heard)
    assert (done.response_id, done.status, done.reason) == ("resp_1", "failed", "connection_lost")
    assert texts(items_told(provider.clients[1])) == [
        ("user", "Hello"),
        ("assistant", "Once upon a"),
    ]
    assert of(events.ResponseCreate, provider.clients[1].said) == []


def test_an_answer_of_which_nothing_was_heard_is_asked_for_again() -> None:
    async def drop_when_asked(client: Client) -> None:
        await client.tell(CREATED)
        while not isinstance(await client.hear(), events.ResponseCreate):
            pass
        client.drop()

    provider = Provider(drop_when_asked, attend)
    heard = talk(provider, [(0, UPDATE), (0, HELLO), (0, ASK)])

    assert len(of(events.ResponseCreate, provider.clients[1].said)) == 1
    assert [done.status for done in of(events.ResponseDone, heard)] == ["completed"]


def test_a_tool_that_answers_after_a_break_answers_on_the_new_connection() -> None:
    async def call_and_drop(client: Client) -> None:
        await client.tell(
            CREATED,
            events.FunctionCallArgumentsDone(
                response_id="resp_1",
                item_id="item_1",
                call_id="call_1",
                name="weather",
                arguments='{"city":"Oslo"}',
            ),
            events.ResponseDone(response_id="resp_1", status="completed"),
        )
        await anyio.sleep(1)
        client.drop()

    provider = Provider(call_and_drop, attend)
    output = events.ConversationItemCreate(item=FunctionCallOutput(call_id="call_1", output="3"))
    talk(provider, [(0, UPDATE), (1.2, output), (1.2, ASK)], until=10)

    told = items_told(provider.clients[1])
    assert [type(item) for item in told] == [FunctionCall, FunctionCallOutput]
    assert isinstance(told[0], FunctionCall)
    assert (told[0].call_id, told[0].arguments) == ("call_1", '{"city":"Oslo"}')
    assert len(of(events.ResponseCreate, provider.clients[1].said)) == 1


def test_a_server_that_closes_properly_has_ended_the_session() -> None:
    async def goodbye(client: Client) -> None:
        await client.tell(CREATED)
        await client.hear()
        await client.transport.aclose(1000, "max duration reached")

    heard = talk(Provider(goodbye), [(0, UPDATE)], until=30)

    assert [event.reason for event in of(events.SessionClosed, heard)] == ["max duration reached"]
    assert of(events.Reconnecting, heard) == []


def test_a_session_that_expired_is_continued_in_a_new_one() -> None:
    async def expire(client: Client) -> None:
        with anyio.move_on_after(1):
            await attend(client)
        await client.tell(events.Error(message="60 minutes are over", code="session_expired"))
        await client.transport.aclose()

    provider = Provider(expire, attend)
    heard = talk(provider, [(0, UPDATE), (0, HELLO), (0, ASK)], until=5)

    assert [event.replayed for event in of(events.Reconnected, heard)] == [2]


def test_a_close_for_a_reason_that_would_come_again_is_not_tried_again() -> None:
    async def refuse(client: Client) -> None:
        await client.hear()
        await client.transport.aclose(1008, "invalid model")

    with pytest.raises(ProcessorError, match="invalid model") as raised:
        talk(Provider(refuse), [(0, UPDATE)], until=30)

    assert isinstance(raised.value.__cause__, Closed)


def test_rubbish_is_an_error_event_and_the_session_goes_on() -> None:
    async def rubbish(client: Client) -> None:
        await client.transport.send('{"type": "response.output_audio.delta", "delta": 5}')
        await client.transport.send(b"\xff\xfe")
        await attend(client)

    heard = talk(Provider(rubbish), [(0, UPDATE), (0, HELLO), (0, ASK)])

    assert [e.code for e in of(events.Error, heard)] == ["invalid_server_event"] * 2
    assert of(events.ResponseDone, heard)


def test_a_server_that_goes_away_is_left_when_it_has_nothing_to_say_and_resumed() -> None:
    gemini = find_dialect("gemini")

    async def go_away(client: Client) -> None:
        await client.hear()
        await client.tell(
            CREATED,
            events.ResumptionHandle(handle="h1"),
            events.GoAway(time_left=30 * SECOND),
        )
        await client.hear_out()

    async def stay(client: Client) -> None:
        await client.hear()
        await client.tell(CREATED)
        await client.hear_out()

    provider = Provider(go_away, stay, dialect=gemini)
    heard = talk(provider, [(0, UPDATE)], until=5)

    (again,) = of(events.Reconnecting, heard)
    assert (again.at, again.delay) == (0, 0)
    assert provider.resumed == [None, "h1"]
    started = provider.clients[1].said[0]
    assert isinstance(started, events.SessionUpdate)
    assert started.config.resumption_handle == "h1"
    assert [event.replayed for event in of(events.Reconnected, heard)] == [0]


def test_it_is_left_before_its_time_is_over_even_in_the_middle_of_an_answer() -> None:
    gemini = find_dialect("gemini")

    async def talk_on(client: Client) -> None:
        await client.hear()
        await client.tell(CREATED, *answer("resp_1", "item_1", "Once upon a")[:3])
        await client.tell(events.GoAway(time_left=3 * SECOND))
        await client.hear_out()

    async def stay(client: Client) -> None:
        await client.hear()
        await client.tell(CREATED)
        await client.hear_out()

    heard = talk(Provider(talk_on, stay, dialect=gemini), [(0, UPDATE)], until=8)

    (again,) = of(events.Reconnecting, heard)
    assert 2 * SECOND < again.at < 3 * SECOND
    assert [done.status for done in of(events.ResponseDone, heard)] == ["failed"]


def test_leaving_ends_the_session_at_once_when_nothing_is_under_way() -> None:
    provider = Provider(attend)

    talk(provider, [(0, UPDATE)], retry=Retry(attempts=0))

    assert len(provider.resumed) == 1


@pytest.mark.parametrize(("until", "asked"), [(34, 0), (36, 1)])
def test_a_silent_server_is_waited_for_half_a_minute(until: float, asked: int) -> None:
    """Since the bot asked; with no message from the server that would remind of it."""

    async def hang(client: Client) -> None:
        await client.tell(CREATED, events.ResponseCreated(response_id="resp_1"))
        await client.hear_out()

    provider = Provider(hang)

    talk(provider, [(0, UPDATE), (5, events.ResponseCreate(at=5 * SECOND))], until=until)

    assert len(of(events.ResponseCreate, provider.clients[0].said)) == asked


PCM = AudioFormat(type="audio/pcm", rate=24_000)
MU_LAW = AudioFormat(type="audio/pcmu")


@pytest.mark.parametrize(
    ("config", "formats"),
    [
        (SessionConfig(), (PCM, PCM)),
        (SessionConfig(input_audio_format=MU_LAW), (MU_LAW, PCM)),
        (SessionConfig(provider_options={"type": "transcription"}), (PCM, None)),
    ],
)
def test_openai_is_told_the_formats_that_others_who_speak_so_take_otherwise(
    config: SessionConfig, formats: tuple[AudioFormat | None, ...]
) -> None:
    provider = Provider(attend)

    talk(provider, [(0, events.SessionUpdate(config=config))])

    (settled,) = of(events.SessionUpdate, provider.clients[0].said)
    told = settled.config.input_audio_format, settled.config.output_audio_format
    assert told == formats
