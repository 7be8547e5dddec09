"""Words of one provider are kept from another."""

from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs import events
from antiphon.codecs.config import ResponseOptions, SessionConfig, ToolDefinition
from antiphon.codecs.foreign import without_options
from antiphon.codecs.items import FunctionCallOutput
from tests.codecs.strategies import EVENTS, of

OPTIONS = {"truncation": "auto"}


def test_settings_lose_the_words_of_their_provider_and_keep_the_rest() -> None:
    tool = ToolDefinition(name="t", parameters={}, provider_options=OPTIONS)
    config = SessionConfig(voice="echo", tools=(tool,), provider_options=OPTIONS)

    bare = without_options(events.SessionUpdate(config=config, event_id="e"))

    expected = SessionConfig(voice="echo", tools=(ToolDefinition(name="t", parameters={}),))
    assert bare == events.SessionUpdate(config=expected, event_id="e")


def test_so_do_a_response_an_output_and_a_context() -> None:
    create = events.ResponseCreate(options=ResponseOptions(provider_options=OPTIONS))
    output = FunctionCallOutput(call_id="c", output="3", provider_options=OPTIONS)
    context = events.ContextAppend(content="x", delegation_id=None, provider_options=OPTIONS)

    assert without_options(create) == events.ResponseCreate(options=ResponseOptions())
    assert without_options(events.ConversationItemCreate(item=output)) == (
        events.ConversationItemCreate(item=FunctionCallOutput(call_id="c", output="3"))
    )
    assert without_options(context) == events.ContextAppend(content="x", delegation_id=None)


@given(st.one_of([of(kind) for kind in EVENTS]))
def test_what_has_none_is_the_same_and_twice_is_once(event: events.EventFrame) -> None:
    bare = without_options(event)

    assert without_options(bare) is bare
