"""Names of things that several servers name, each from the beginning."""

from antiphon.codecs import events
from antiphon.codecs.items import FunctionCall, FunctionCallOutput, text_message
from antiphon.processors.remote.names import Names


def created(response: str) -> events.ResponseCreated:
    return events.ResponseCreated(response_id=response)


def added(item_id: str) -> events.ConversationItemAdded:
    return events.ConversationItemAdded(item_id=item_id, item=text_message("x", id=item_id))


def truncate(item_id: str) -> events.ConversationItemTruncate:
    return events.ConversationItemTruncate(item_id=item_id, audio_end=0)


def test_the_first_servers_names_are_everybodys() -> None:
    names = Names()

    assert names.heard(added("item_1")) == added("item_1")
    assert names.said(truncate("item_1")) == truncate("item_1")


def test_a_later_servers_names_are_changed_only_where_they_are_taken() -> None:
    names = Names()
    names.heard(added("item_1"))
    names.begin_anew()

    assert names.heard(added("item_1")) == added("item_1-2")
    assert names.heard(added("item_2")) == added("item_2")
    names.begin_anew()
    assert names.heard(added("item_2")) == added("item_2-3")


def test_the_server_hears_its_own_names() -> None:
    names = Names()
    names.heard(added("item_1"))
    names.begin_anew()
    names.heard(added("item_1"))

    assert names.said(truncate("item_1-2")) == truncate("item_1")


def test_what_only_an_earlier_server_had_is_not_said_to_a_later_one() -> None:
    names = Names()
    names.heard(added("item_1"))
    names.heard(created("resp_1"))
    names.begin_anew()
    names.heard(added("item_1"))

    assert names.said(truncate("item_1")) is None
    assert names.said(events.ResponseCancel(response_id="resp_1")) is None
    assert names.said(events.ResponseCancel()) == events.ResponseCancel()


def test_what_was_told_anew_is_known_by_its_old_name() -> None:
    names = Names()
    names.heard(added("item_1"))
    names.begin_anew()
    names.bind("item_9", "item_1")

    assert names.said(truncate("item_1")) == truncate("item_9")
    assert names.heard(added("item_9")) == added("item_1")


def test_calls_are_answered_by_the_names_that_their_servers_gave_them() -> None:
    def called(call_id: str) -> events.ConversationItemAdded:
        call = FunctionCall(call_id=call_id, name="f", arguments="{}")
        return events.ConversationItemAdded(item_id="", item=call)

    def answered(call_id: str) -> events.ConversationItemCreate:
        item = FunctionCallOutput(call_id=call_id, output="x")
        return events.ConversationItemCreate(item=item)

    names = Names()
    names.heard(called("call_1"))
    names.begin_anew()

    assert names.heard(called("call_1")) == called("call_1-2")
    assert names.said(answered("call_1-2")) == answered("call_1")


def test_the_items_of_a_response_and_cancelled_calls_are_renamed_too() -> None:
    def done(item_id: str) -> events.ResponseDone:
        item = text_message("x", id=item_id)
        return events.ResponseDone(response_id="r", status="completed", output=(item,))

    names = Names()
    names.heard(done("i"))
    names.heard(events.FunctionCallCancelled(call_ids=("c",)))
    names.begin_anew()

    renamed = names.heard(done("i"))
    assert renamed.response_id == "r-2"
    assert renamed.output is not None and renamed.output[0].id == "i-2"
    cancelled = names.heard(events.FunctionCallCancelled(call_ids=("c",)))
    assert cancelled.call_ids == ("c-2",)


def test_no_events_name_is_changed_that_is_not_taken() -> None:
    names = Names()
    names.begin_anew()
    event = added("item_1")

    assert names.heard(event) is event
