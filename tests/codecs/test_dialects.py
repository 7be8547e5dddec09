"""What is true of every dialect: its two ends understand each other, and nobody breaks another."""

import itertools
from collections.abc import Iterable
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.config import AudioFormat, SessionConfig
from antiphon.codecs.connection import Connect, HttpRequest, HttpResponse, Ticket, Upgrade
from antiphon.codecs.dialect import Dialect, Repertoire
from antiphon.codecs.dialects import DIALECTS, UnknownDialect, find_dialect
from antiphon.codecs.events import EventFrame
from antiphon.codecs.foreign import without_options
from antiphon.codecs.items import (
    AudioPart,
    CustomItem,
    FunctionCallOutput,
    ImagePart,
    Message,
    TextPart,
    text_message,
)
from antiphon.codecs.wire import Message as OnWire
from antiphon.codecs.wire import Unsayable, WireError
from tests.codecs.recorded import Side, recorded
from tests.codecs.strategies import CLIENT_EVENTS, SERVER_EVENTS, of

SIDES: tuple[Side, ...] = ("client", "server")

each_dialect = pytest.mark.parametrize("name", DIALECTS)
each_end = pytest.mark.parametrize(("name", "side"), list(itertools.product(DIALECTS, SIDES)))

KEY = "sk-s3cret"
TICKET = "ek_s3cret"


def speaker(dialect: Dialect, side: Side) -> Any:
    """The end that says what the *side* does."""
    return (dialect.client if side == "client" else dialect.server)("")


def hearer(dialect: Dialect, side: Side) -> Any:
    return (dialect.server if side == "client" else dialect.client)("")


def repertoire(dialect: Dialect, side: Side) -> Repertoire:
    return dialect.repertoire_of_client if side == "client" else dialect.repertoire_of_server


def across(dialect: Dialect, side: Side, stream: Iterable[Any]) -> list[Any]:
    """What one end hears of what the other is told to say, both being new."""
    says, hears = speaker(dialect, side), hearer(dialect, side)
    messages = [message for event in stream for message in (*says.encode(event), *says.due())]
    return [event for message in messages for event in hears.decode(message)]


def nameless(event: Any) -> Any:
    """*event* without what every provider names for itself."""
    return msgspec.structs.replace(event, event_id=None, at=0)


# What a dialect says of itself.


@each_dialect
def test_a_dialect_is_found_by_its_name(name: str) -> None:
    dialect = find_dialect(name)

    assert dialect.name == name
    assert dialect.title
    assert dialect.auth
    assert dialect.limits
    assert dialect.page.startswith("https://")
    assert dialect.base_url.startswith(("https://", "wss://"))
    assert dialect.key_variable.isupper()


def test_a_dialect_that_there_is_not_is_missed_by_name() -> None:
    with pytest.raises(UnknownDialect, match="no dialect 'klingon', only openai, "):
        find_dialect("klingon")


@each_end
def test_a_repertoire_is_of_events_of_that_side(name: str, side: Side) -> None:
    kinds = CLIENT_EVENTS if side == "client" else SERVER_EVENTS
    known = repertoire(find_dialect(name), side)

    assert known.native | known.emulated.keys() <= set(kinds)
    assert not known.native & known.emulated.keys()
    assert all(known.emulated.values())
    assert {known.how(kind) for kind in known.native} == {"native"}
    assert known.how(EventFrame) is None


@each_dialect
def test_the_rates_of_both_ends_are_those_that_are_foreseen(name: str) -> None:
    dialect = find_dialect(name)
    rates = dialect.rates(SessionConfig())

    for end in (dialect.client(""), dialect.server("")):
        assert (end.input_rate, end.output_rate) == rates
        assert end.deadline is None or end.deadline > 0
        assert list(end.due()) == []
        assert list(end.expire(0)) == []


# What was recorded.


def rows() -> list[Any]:
    return [
        pytest.param(name, side, message, id=f"{name}-{side}-{label}")
        for name, side in itertools.product(DIALECTS, SIDES)
        for label, message in recorded(name, side)
    ]


@pytest.mark.parametrize(("name", "side", "message"), rows())
def test_a_recorded_message_survives_the_trip(name: str, side: Side, message: OnWire) -> None:
    dialect = find_dialect(name)
    native = repertoire(dialect, side).native

    heard = list(hearer(dialect, side).decode(message, 5))
    again = across(dialect, side, heard)

    assert all(event.at == 5 for event in heard)
    for event in heard:
        if type(event) in native:
            same = [one for one in again if type(one) is type(event)]
            assert any(_says(one, event) for one in same)


def _says(one: Any, event: Any) -> bool:
    """Whether *one* says the same, and has an id where the *event* left it out."""
    ids = ("item_id", "response_id", "session_id")
    missing = {name: "" for name in ids if getattr(event, name, None) in ("", None)}
    fields = {name: value for name, value in missing.items() if hasattr(event, name)}
    blank = [msgspec.structs.replace(nameless(this), **fields) for this in (one, event)]
    return blank[0] == blank[1]


# The law.


def kinds(which: str) -> list[Any]:
    """Every kind of event of every dialect that is, or is not, in its repertoire."""
    params: list[Any] = []
    for name, side in itertools.product(DIALECTS, SIDES):
        try:
            known = repertoire(find_dialect(name), side)
        except (ImportError, AttributeError):
            continue  # the first test tells of it
        params += [
            pytest.param(name, side, kind, id=f"{name}-{side}-{kind.__name__}")
            for kind in (CLIENT_EVENTS if side == "client" else SERVER_EVENTS)
            if (known.how(kind) or "none") == which
        ]
    return params


FORMATS = (AudioFormat(type="audio/pcm", rate=24_000), AudioFormat(type="audio/pcmu"))


def drawn(kind: type[Any], dialect: str) -> st.SearchStrategy[Any]:
    """Events of a *kind*, with formats that there are, and its own words in the dialect's name."""
    if kind is events.Custom:
        raw = msgspec.Raw(b'{"type":"unheard.of","n":[1,2]}')
        return st.just(events.Custom(dialect=dialect, raw_type="unheard.of", raw=raw))
    if kind is events.ConversationItemCreate and not find_dialect(dialect).history:
        return of(kind).map(_of_now).map(_telling)
    return of(kind).map(_telling)


def _of_now(create: events.ConversationItemCreate) -> events.ConversationItemCreate:
    """What can be told a model that is told no history: the user's words, and tools'."""
    item = create.item
    if isinstance(item, Message):
        return events.ConversationItemCreate(item=text_message(item.text or "a"))
    return create if isinstance(item, FunctionCallOutput) else TEXT


TEXT = events.ConversationItemCreate(item=text_message("a"))

SAID = ("delta", "transcript", "content", "text", "digit")


def _telling(value: Any) -> Any:
    """*value* with formats that can be played, and words where it says nothing at all."""
    match value:
        case AudioFormat():
            return FORMATS[len(value.type) % 2]
        case CustomItem():
            return text_message("a")  # it may be anything, and only its provider knows
        case Message(content=content):  # of which some say each part for itself
            part = _telling(content[0]) if content else TextPart(text="a")
            if isinstance(part, ImagePart) and value.role != "user":
                part = TextPart(text="a")
            return msgspec.structs.replace(value, content=(part,))
        case events.CommandAcknowledged():
            return msgspec.structs.replace(value, command="session.instructions.append")
        case ImagePart(data=b""):
            return msgspec.structs.replace(value, data=b"a")
        case AudioPart(audio=None | b"", transcript=None | ""):
            return AudioPart(transcript="a")
        case tuple():
            return tuple(map(_telling, cast("tuple[Any, ...]", value)))
        case SessionConfig() | EventFrame() | TextPart():
            fields = {name: _telling(getattr(value, name)) for name in value.__struct_fields__}
            fields |= {name: "a" for name in SAID if fields.get(name, "a") == "" and name in fields}
            return type(value)(**fields)
        case _:
            return value


@pytest.mark.parametrize(("name", "side", "kind"), kinds("native"))
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_what_is_native_is_heard_as_it_was_said(
    name: str, side: Side, kind: type[Any], data: st.DataObject
) -> None:
    dialect = find_dialect(name)
    event = data.draw(drawn(kind, name))

    try:
        once = [one for one in across(dialect, side, [event]) if type(one) is kind]
    except Unsayable:
        return  # it is refused rather than misunderstood
    twice = [one for one in across(dialect, side, once) if type(one) is kind]

    assert len(once) == 1
    assert [nameless(one) for one in twice] == [nameless(one) for one in once]


@pytest.mark.parametrize(("name", "side", "kind"), kinds("none"))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_is_in_no_repertoire_is_not_said(
    name: str, side: Side, kind: type[Any], data: st.DataObject
) -> None:
    event = data.draw(of(kind))

    try:
        said = list(speaker(find_dialect(name), side).encode(event))
    except Unsayable:
        return

    assert said == []


@pytest.mark.parametrize(("name", "side", "kind"), kinds("emulated"))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_is_got_across_otherwise_breaks_nothing(
    name: str, side: Side, kind: type[Any], data: st.DataObject
) -> None:
    event = data.draw(drawn(kind, name))

    try:
        across(find_dialect(name), side, [event])
    except Unsayable:
        return


# Everyone with everyone.


@pytest.mark.parametrize("other", DIALECTS)
@each_end
def test_an_end_says_what_any_other_dialect_was_heard_to_say(
    name: str, side: Side, other: str
) -> None:
    """In a row, as through a gateway, and understood by the end across."""
    dialect, foreign = find_dialect(name), find_dialect(other)
    says, hears = speaker(dialect, side), hearer(dialect, side)

    for _, message in recorded(other, side):
        for event in hearer(foreign, side).decode(message):
            fit = event if name == other else without_options(event)
            try:
                said = [*says.encode(fit), *says.due()]
            except (Unsayable, WireError):
                continue
            for one in said:
                list(hears.decode(one))


# How it is reached.


def asked(opened: Connect) -> Upgrade:
    return Upgrade(
        target="/" + opened.url.split("/", 3)[3],
        headers={name.lower(): value for name, value in opened.headers.items()},
        subprotocols=opened.subprotocols,
    )


@each_dialect
@pytest.mark.parametrize("secret", [{"key": KEY}, {"ticket": TICKET}], ids=["key", "ticket"])
def test_a_server_reads_how_a_client_connects(name: str, secret: dict[str, str]) -> None:
    dialect = find_dialect(name)
    try:
        opened = dialect.connect("model-1", **secret)
    except Unsayable:
        assert dialect.minting is None  # no tickets
        return

    upgrade = asked(opened)
    admission = dialect.accept(upgrade)

    assert opened.url.startswith("wss://")
    assert admission is not None
    assert admission.model in (None, "model-1")
    assert admission.credential is not None
    assert admission.credential.value in secret.values()
    assert "s3cret" not in repr((opened, upgrade, admission))
    if opened.subprotocols:
        assert admission.subprotocol in opened.subprotocols
        if any("s3cret" not in one for one in opened.subprotocols):
            assert "s3cret" not in (admission.subprotocol or "")
    else:
        assert admission.subprotocol is None


@each_dialect
def test_a_client_connects_wherever_it_is_told_to(name: str) -> None:
    dialect = find_dialect(name)
    path = "/" + dialect.base_url.split("/", 3)[3] if dialect.base_url.count("/") > 2 else ""

    opened = dialect.connect("model-1", key=KEY, base_url=f"http://127.0.0.1:8080{path}")

    assert opened.url.startswith("ws://127.0.0.1:8080/")
    assert dialect.accept(asked(opened)) is not None


@each_dialect
@given(target=st.text(max_size=30), offered=st.lists(st.text(max_size=20), max_size=3))
def test_whoever_comes_to_a_server_is_read_or_sent_away(
    name: str, target: str, offered: list[str]
) -> None:
    dialect = find_dialect(name)

    admission = dialect.accept(Upgrade(target="/" + target, subprotocols=tuple(offered)))

    assert admission is None or admission.subprotocol in (None, *offered)


@each_dialect
def test_a_ticket_is_ordered_and_delivered(name: str) -> None:
    dialect = find_dialect(name)
    if dialect.minting is None:
        return
    minting = dialect.minting

    request = minting.mint("model-1", key=KEY, now=1_000, lifetime=300)
    order = minting.order(lowered(request))
    assert order is not None
    ticket = Ticket(token=TICKET, url=dialect.connect("model-1").url, expires_at=1_300)
    response = minting.answer(order, ticket)
    delivered = minting.minted("model-1", response)

    assert order.credential is not None
    assert order.credential.value == KEY
    assert order.model in (None, "model-1")
    assert response.status in (200, 201)
    assert delivered.token.endswith(TICKET)
    assert delivered.expires_at in (None, 1_300)
    assert delivered.url.startswith("wss://")
    assert "s3cret" not in repr((request, order, response, delivered))


def lowered(request: HttpRequest) -> HttpRequest:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return msgspec.structs.replace(request, headers=headers)


@each_dialect
@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_refused_ticket_is_told_with_the_status_and_without_the_key(
    name: str, status: int
) -> None:
    minting = find_dialect(name).minting
    if minting is None:
        return

    with pytest.raises(WireError, match=str(status)) as error:
        minting.minted("model-1", HttpResponse(status=status, body=KEY.encode()))

    assert "s3cret" not in str(error.value)


@each_dialect
@given(body=st.binary(max_size=40) | st.sampled_from([b"null", b"[]", b'{"a":1}', b"{", b""]))
def test_whatever_a_mint_is_sent_it_reads_or_refuses(name: str, body: bytes) -> None:
    minting = find_dialect(name).minting
    if minting is None:
        return
    order = minting.mint("model-1", key=KEY, now=1_000)

    for read in (
        lambda: minting.order(msgspec.structs.replace(lowered(order), body=body)),
        lambda: minting.minted("model-1", HttpResponse(body=body)),
    ):
        try:
            read()
        except WireError:
            continue


@each_dialect
def test_what_is_no_request_for_a_ticket_is_not_answered(name: str) -> None:
    minting = find_dialect(name).minting
    if minting is None:
        return

    assert minting.order(HttpRequest(method="POST", url="/elsewhere")) is None
    assert minting.order(HttpRequest(method="DELETE", url="https://host[/v1")) is None
