"""How messages are put together, beyond what the hook was seen to do."""

from typing import Any

import msgspec

from antiphon.codecs import events
from antiphon.session.messages import Messages


def text(item: str, delta: str) -> events.TextDelta:
    return events.TextDelta(response_id="r", item_id=item, delta=delta)


def written(item: str, whole: str | None = None) -> events.TextDone:
    return events.TextDone(response_id="r", item_id=item, text=whole)


def assembled(*heard: events.ServerEvent) -> list[Any]:
    """Of each message whose it is and what its parts say."""
    messages = Messages()
    for event in heard:
        messages.hear(event)
    return [
        [message["role"], *(part.get("text", part.get("toolName")) for part in message["parts"])]
        for message in msgspec.to_builtins(messages.all)
    ]


DONE = events.ResponseDone(response_id="r", status="completed")


def test_a_late_word_of_an_item_goes_where_the_others_are_and_opens_no_message() -> None:
    assert assembled(text("i1", "a"), DONE, text("i1", "b")) == [["assistant", "ab"]]


def test_a_word_after_the_end_of_a_text_is_another_text() -> None:
    heard = assembled(text("i1", "a"), written("i1"), text("i1", "b"))

    assert heard == [["assistant", "a", "b"]]


def test_a_text_that_never_began_is_not_shown() -> None:
    assert assembled(written("i1", "whole")) == []


def test_messages_begin_with_a_response_and_after_the_user() -> None:
    created = events.ResponseCreated(response_id="r")
    for boundary in (created, DONE, events.SpeechStarted(), events.ResponseInterrupted()):
        assert assembled(text("i1", "a"), boundary, text("i2", "b")) == [
            ["assistant", "a"],
            ["assistant", "b"],
        ]


def test_what_the_user_said_stands_where_it_was_committed() -> None:
    committed = events.AudioCommitted(item_id="u1")
    said = events.InputTranscriptionCompleted(item_id="u1", transcript="question")

    assert assembled(text("i1", "before"), DONE, committed, text("i2", "answer"), said) == [
        ["assistant", "before"],
        ["user", "question"],
        ["assistant", "answer"],
    ]
    assert assembled(text("i1", "a"), said, text("i1", "b")) == [
        ["assistant", "ab"],
        ["user", "question"],
    ]


def test_messages_are_json_as_pages_know_it() -> None:
    messages = Messages()
    messages.typed("Hi")
    messages.called("c1", "look", {"city": "Oslo"})
    messages.answered("c1", None)
    messages.called("c2", "see", [])
    messages.failed("c2", "too dark")

    assert msgspec.json.decode(msgspec.json.encode(messages.all)) == [
        {
            "id": "user-1",
            "role": "user",
            "parts": [{"type": "text", "text": "Hi", "state": "done"}],
        },
        {
            "id": "assistant-2",
            "role": "assistant",
            "parts": [
                {
                    "type": "dynamic-tool",
                    "toolName": "look",
                    "toolCallId": "c1",
                    "state": "output-available",
                    "input": {"city": "Oslo"},
                    "output": None,
                },
                {
                    "type": "dynamic-tool",
                    "toolName": "see",
                    "toolCallId": "c2",
                    "state": "output-error",
                    "input": [],
                    "errorText": "too dark",
                },
            ],
        },
    ]
