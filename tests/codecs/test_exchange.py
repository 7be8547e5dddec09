"""When a client may ask for a response, cancel one, or cut an item short."""

from collections import deque
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from antiphon.codecs import events
from antiphon.codecs.config import ResponseOptions
from antiphon.codecs.exchange import ATTEMPTS, NOTHING_RUNS, PATIENCE, REFUSED, Exchange
from antiphon.codecs.items import FunctionCallOutput, text_message

RATE = 24_000
SECOND = 2 * RATE

CREATE = events.ResponseCreate()
CANCEL = events.ResponseCancel()
ASIDE = events.ResponseCreate(
    options=ResponseOptions(conversation="none", metadata={"topic": "title"})
)
TEXT = events.ConversationItemCreate(item=text_message("Hello."))
CONTEXT = events.ConversationItemCreate(item=text_message("It rains.", role="system"))
COMMIT = events.InputAudioCommit()
SESSION = events.SessionCreated()
SPEECH = events.SpeechStarted()


def created(response_id: str = "r", **fields: Any) -> events.ResponseCreated:
    return events.ResponseCreated(response_id=response_id, **fields)


def done(response_id: str = "r", status: str = "completed", **fields: Any) -> events.ResponseDone:
    return events.ResponseDone(response_id=response_id, status=status, **fields)


def called(call_id: str, response_id: str = "r", **fields: Any) -> events.ServerEvent:
    return events.FunctionCallArgumentsDone(
        response_id=response_id, item_id="i", call_id=call_id, name="f", arguments="{}", **fields
    )


def output(call_id: str) -> events.ConversationItemCreate:
    return events.ConversationItemCreate(item=FunctionCallOutput(call_id=call_id, output="1"))


def refused(code: str = REFUSED, **fields: Any) -> events.Error:
    return events.Error(message="no", code=code, **fields)


class Talk:
    """An exchange, and what is put on the wire of it."""

    def __init__(self, *heard: events.ServerEvent) -> None:
        self.exchange = Exchange()
        self.hear(*heard)

    def say(self, *said: events.ClientEvent) -> list[events.ClientEvent]:
        sent: list[events.ClientEvent] = []
        for event in said:
            sent += self.exchange.say(event, RATE)
            sent += self.exchange.due()
        return sent

    def hear(self, *heard: events.ServerEvent) -> list[events.ClientEvent]:
        """What was waiting for that."""
        sent: list[events.ClientEvent] = []
        for event in heard:
            self.exchange.heard(event)
            sent += self.exchange.due()
        return sent

    def wait(self, at: int) -> list[events.ClientEvent]:
        self.exchange.expire(at)
        return list(self.exchange.due())


# Nothing is known.


@pytest.mark.parametrize("event", [CREATE, CANCEL, ASIDE, TEXT, COMMIT, output("c")])
def test_before_anything_was_heard_everything_passes(event: events.ClientEvent) -> None:
    talk = Talk()

    assert talk.say(event, event) == [event, event]


def test_a_response_asked_for_at_once_is_waited_for_when_there_is_a_session() -> None:
    talk = Talk()
    talk.say(CREATE)
    talk.hear(SESSION)

    assert talk.say(TEXT, CREATE) == [TEXT]
    assert talk.hear(created()) == []
    assert talk.hear(done()) == [CREATE]


# One response at a time.


def test_a_response_is_asked_for_when_none_runs() -> None:
    assert Talk(SESSION).say(CREATE) == [CREATE]


def test_a_response_waits_for_the_one_that_runs() -> None:
    talk = Talk(SESSION, created())

    assert talk.say(TEXT, CREATE) == [TEXT]
    assert talk.hear(done()) == [CREATE]


def test_a_response_waits_for_one_that_was_asked_for() -> None:
    talk = Talk(SESSION)

    assert talk.say(CREATE, TEXT, CREATE) == [CREATE, TEXT]
    assert talk.hear(created()) == []
    assert talk.hear(done()) == [CREATE]


def test_asking_twice_for_the_same_is_asking_once() -> None:
    talk = Talk(SESSION)

    assert talk.say(CREATE, CREATE) == [CREATE]
    assert talk.hear(created(), done()) == []


def test_what_waits_is_asked_for_once() -> None:
    talk = Talk(SESSION, created())

    talk.say(TEXT, CREATE, TEXT, CREATE)

    assert talk.hear(done()) == [CREATE]
    assert talk.hear(created("s"), done("s")) == []


def test_requests_that_differ_wait_in_their_order() -> None:
    aloud = events.ResponseCreate(options=ResponseOptions(instructions="Say goodbye."))
    talk = Talk(SESSION, created())

    talk.say(aloud, CREATE)

    assert talk.hear(done()) == [aloud]
    assert talk.hear(created("s"), done("s")) == [CREATE]


def test_requests_that_wait_are_bounded() -> None:
    talk = Talk(SESSION, created())
    for n in range(1000):
        talk.say(events.ResponseCreate(options=ResponseOptions(instructions=str(n))))

    sent = [talk.hear(created(f"r{n}"), done(f"r{n}")) for n in range(1000)]

    assert sum(map(len, sent)) < 20


def test_a_response_beside_the_conversation_neither_waits_nor_is_waited_for() -> None:
    talk = Talk(SESSION, created("r"))

    assert talk.say(ASIDE) == [ASIDE]
    talk.hear(created("aside", metadata={"topic": "title"}))
    assert talk.hear(done("r")) == []
    assert talk.say(CREATE) == [CREATE]


def test_the_end_of_a_response_beside_the_conversation_is_no_other_end() -> None:
    talk = Talk(SESSION, created("r"))
    talk.say(ASIDE, CREATE)
    talk.hear(created("aside", metadata={"topic": "title"}))

    assert talk.hear(done("aside")) == []
    assert talk.hear(done("r")) == [CREATE]


def test_a_response_of_the_conversation_is_known_by_the_conversation() -> None:
    talk = Talk(SESSION)
    talk.say(events.ResponseCreate(options=ResponseOptions(conversation="none")))

    talk.hear(created("r", conversation_id="conv"))

    assert talk.say(CREATE) == []


def test_the_server_has_one_response_whatever_it_forgot_to_end() -> None:
    talk = Talk(SESSION, created("r"), created("s"))
    talk.say(CREATE)

    assert talk.hear(done("s")) == [CREATE]


def test_the_end_of_a_response_that_is_over_ends_no_other() -> None:
    talk = Talk(SESSION, created("r"), done("r"), created("s"))

    talk.say(CREATE)

    assert talk.hear(done("r")) == []


def test_an_end_by_another_name_is_an_end() -> None:
    talk = Talk(SESSION, created(""))
    talk.say(CREATE)

    assert talk.hear(done("resp_1")) == [CREATE]


def test_responses_without_names_end_all_the_same() -> None:
    talk = Talk(SESSION, created(""), done(""), created(""))
    talk.say(CREATE)

    assert talk.hear(done("")) == [CREATE]


def test_a_response_that_was_never_announced_runs_from_its_first_content() -> None:
    talk = Talk()
    talk.hear(events.SessionCreated())
    talk.hear(events.AudioTranscriptDelta(response_id="r", item_id="i", delta="Hi"))

    assert talk.say(CANCEL) == [CANCEL]
    assert talk.say(CREATE) == []
    assert talk.hear(done()) == [CREATE]


def test_what_comes_late_of_a_response_does_not_begin_it_again() -> None:
    talk = Talk()
    talk.hear(created())
    talk.hear(done())
    talk.hear(events.AudioTranscriptDelta(response_id="r", item_id="i", delta="Hi"))

    assert talk.say(CANCEL) == []


def test_some_servers_end_a_response_with_a_word_of_their_own() -> None:
    talk = Talk(SESSION, created())
    talk.say(CREATE)

    assert talk.hear(events.Custom(raw_type="response.cancelled")) == [CREATE]


# Refusals.


def test_a_response_that_is_refused_since_another_runs_is_asked_for_again_after_that() -> None:
    talk = Talk(SESSION)
    talk.say(output("c"), CREATE)

    assert talk.hear(refused()) == []
    assert talk.hear(done("theirs")) == [CREATE]


def test_so_it_is_if_the_other_was_taken_for_it() -> None:
    talk = Talk(SESSION)
    talk.say(TEXT, CREATE)

    assert talk.hear(created("theirs"), refused()) == []
    assert talk.hear(done("theirs")) == [CREATE]


def test_a_response_that_is_refused_again_and_again_is_given_up() -> None:
    talk = Talk(SESSION)
    sent = talk.say(CREATE)

    for n in range(9):
        sent += talk.hear(refused(), done(f"theirs{n}"))

    assert sent == [CREATE] * ATTEMPTS


@pytest.mark.parametrize("code", ["rate_limit_exceeded", None])
def test_a_response_that_is_refused_is_not_waited_for(code: str | None) -> None:
    talk = Talk(SESSION)
    talk.say(CREATE, TEXT, CREATE)

    assert talk.hear(events.Error(message="no", code=code)) == [CREATE]


def test_the_refusal_of_something_else_does_not_count() -> None:
    talk = Talk(SESSION)
    talk.say(events.ResponseCreate(event_id="mine"), TEXT, CREATE)

    assert talk.hear(refused("invalid_value", client_event_id="other")) == []
    assert talk.hear(refused("invalid_value", client_event_id="mine")) == [CREATE]


def test_a_cancellation_that_is_refused_tells_that_nothing_runs() -> None:
    talk = Talk(SESSION, created())
    talk.say(CANCEL, TEXT, CREATE)

    assert talk.hear(refused(NOTHING_RUNS)) == [CREATE]


# Patience.


def test_a_response_that_never_ends_is_not_waited_for_without_end() -> None:
    talk = Talk(SESSION, created(at=1_000_000))
    talk.say(TEXT, events.ResponseCreate(at=2_000_000))
    until = 2_000_000 + PATIENCE

    assert talk.exchange.deadline == until
    assert talk.wait(until - 1) == []
    assert talk.wait(until) == [events.ResponseCreate(at=2_000_000)]
    assert talk.exchange.deadline is None


def test_a_server_that_still_speaks_is_waited_for() -> None:
    talk = Talk(SESSION, created())
    talk.say(CREATE)

    talk.hear(events.TextDelta(response_id="r", item_id="i", delta="a", at=9_000_000))

    assert talk.exchange.deadline == 9_000_000 + PATIENCE


def test_a_request_that_nobody_answers_is_made_again_if_it_is_repeated() -> None:
    talk = Talk(SESSION)
    talk.say(CREATE, CREATE)

    assert talk.wait(PATIENCE) == [CREATE]


def test_who_waits_for_nothing_has_no_deadline() -> None:
    talk = Talk(SESSION, created())

    assert talk.exchange.deadline is None
    assert talk.wait(10 * PATIENCE) == []
    assert talk.say(CREATE) == []


def test_a_new_session_has_no_responses() -> None:
    talk = Talk(SESSION, created())
    talk.say(CREATE)

    assert talk.hear(SESSION) == [CREATE]


# Tools.


def test_a_response_waits_until_all_calls_of_the_last_one_are_answered() -> None:
    talk = Talk(SESSION, created(), called("a"), called("b"), done())

    assert talk.say(output("a"), CREATE) == [output("a")]
    assert talk.say(output("b")) == [output("b"), CREATE]


def test_a_client_that_asks_after_each_output_gets_one_response() -> None:
    talk = Talk(SESSION, created(), called("a"), called("b"), done())

    sent = talk.say(output("a"), CREATE, output("b"), CREATE)

    assert sent == [output("a"), output("b"), CREATE]
    assert talk.hear(created("s"), done("s")) == []


def test_outputs_that_come_while_the_response_runs_are_sent_and_answered_after_it() -> None:
    talk = Talk(SESSION, created(), called("a"), called("b"))

    assert talk.say(output("a"), output("b"), CREATE) == [output("a"), output("b")]
    assert talk.hear(done()) == [CREATE]


def test_a_call_that_comes_after_the_outputs_of_the_others_is_waited_for() -> None:
    talk = Talk(SESSION, created(), called("a"))
    talk.say(output("a"), CREATE)

    assert talk.hear(called("b"), done()) == []
    assert talk.say(output("b")) == [output("b"), CREATE]


def test_a_call_of_which_nobody_waits_for_the_output_is_not_waited_for() -> None:
    talk = Talk(SESSION, created(), called("a"), called("b", expects_output=False), done())

    assert talk.say(output("a"), CREATE) == [output("a"), CREATE]


def test_a_call_of_another_response_is_not_waited_for() -> None:
    talk = Talk(SESSION, created("r"), called("slow", "r"), done("r"))
    talk.hear(created("s"), called("quick", "s"), done("s"))

    assert talk.say(output("quick"), CREATE) == [output("quick"), CREATE]


def test_a_call_that_is_told_again_after_its_output_is_not_waited_for() -> None:
    talk = Talk(SESSION, created(), called("a"), called("b"))
    talk.say(output("a"))
    talk.hear(called("a"), done())

    assert talk.say(output("b"), CREATE) == [output("b"), CREATE]


@pytest.mark.parametrize(
    "withdrawn", [done(status="cancelled"), events.FunctionCallCancelled(call_ids=("b",))]
)
def test_a_call_that_is_withdrawn_is_not_waited_for(withdrawn: events.ServerEvent) -> None:
    talk = Talk(SESSION, created(), called("a"), called("b"))
    talk.hear(withdrawn, done())

    assert talk.say(output("a"), CREATE) == [output("a"), CREATE]


@pytest.mark.parametrize("turn", [TEXT, COMMIT])
def test_the_user_need_not_wait_for_a_tool(turn: events.ClientEvent) -> None:
    talk = Talk(SESSION, created(), called("a"), called("b"), done())
    talk.say(output("a"))

    assert talk.say(turn, CREATE) == [turn, CREATE]


def test_what_is_only_told_the_model_changes_nothing_for_tools() -> None:
    talk = Talk(SESSION, created(), called("a"), called("b"), done())

    assert talk.say(output("a"), CREATE, CONTEXT) == [output("a"), CONTEXT]
    assert talk.exchange.deadline is None
    assert talk.say(output("b")) == [output("b"), CREATE]


def test_an_output_of_an_unknown_call_holds_nothing_up() -> None:
    talk = Talk(SESSION, created(), called("a"), done())

    assert talk.say(output("x"), CREATE) == [output("x"), CREATE]


# Cancelling.


def test_nothing_is_cancelled_where_nothing_runs() -> None:
    talk = Talk(SESSION, created(), done())

    assert talk.say(CANCEL) == []
    assert talk.say(events.ResponseCancel(response_id="r")) == []


@pytest.mark.parametrize("heard", [[created()], [created("s"), done("s"), created()]])
def test_what_runs_is_cancelled(heard: list[events.ServerEvent]) -> None:
    talk = Talk(SESSION, *heard)

    assert talk.say(CANCEL) == [CANCEL]


def test_what_was_asked_for_is_cancelled() -> None:
    assert Talk(SESSION).say(CREATE, CANCEL) == [CREATE, CANCEL]


def test_a_response_beside_the_conversation_is_cancelled() -> None:
    talk = Talk(SESSION)
    talk.say(ASIDE)
    talk.hear(created("aside", metadata={"topic": "title"}))
    cancel = events.ResponseCancel(response_id="aside")

    assert talk.say(cancel) == [cancel]


def test_a_response_that_is_over_is_not_cancelled_in_the_place_of_another() -> None:
    talk = Talk(SESSION, created("r"), done("r"), created("s"))

    assert talk.say(events.ResponseCancel(response_id="r")) == []


def test_who_cancels_does_not_want_what_waits() -> None:
    talk = Talk(SESSION, created())
    talk.say(CREATE, CANCEL)

    assert talk.hear(done(status="cancelled")) == []


def test_who_cancels_one_response_still_wants_the_next() -> None:
    talk = Talk(SESSION, created())
    talk.say(CREATE, events.ResponseCancel(response_id="r"))

    assert talk.hear(done(status="cancelled")) == [CREATE]


def test_the_response_to_the_next_turn_waits_for_the_end_of_the_cancelled_one() -> None:
    talk = Talk(SESSION, created())

    assert talk.say(CANCEL, COMMIT, CREATE) == [CANCEL, COMMIT]
    assert talk.hear(done(status="cancelled")) == [CREATE]


# The user speaks.


def test_what_waits_does_not_talk_into_the_users_words() -> None:
    talk = Talk(SESSION, created("r"))
    talk.say(TEXT, CREATE)

    assert talk.hear(SPEECH, done("r", "cancelled")) == []


def test_the_response_to_the_users_words_is_one_to_what_waited() -> None:
    talk = Talk(SESSION, created("r"))
    talk.say(TEXT, CREATE)
    talk.hear(SPEECH, done("r", "cancelled"))

    assert talk.hear(created("s"), done("s")) == []


def test_what_was_asked_for_in_particular_still_is() -> None:
    aloud = events.ResponseCreate(options=ResponseOptions(instructions="Say goodbye."))
    talk = Talk(SESSION, created("r"))
    talk.say(aloud)
    talk.hear(SPEECH, done("r", "cancelled"))

    assert talk.hear(created("s"), done("s")) == [aloud]


def test_who_asks_while_the_user_speaks_means_now() -> None:
    assert Talk(SESSION, SPEECH).say(CREATE) == [CREATE]


def test_if_nothing_answers_the_user_what_waits_is_asked_for_at_last() -> None:
    talk = Talk(SESSION, created("r"))
    talk.say(TEXT, CREATE)
    talk.hear(SPEECH, done("r", "cancelled"))

    assert talk.wait(PATIENCE) == [CREATE]


# Truncation.


def test_an_item_is_truncated_within_what_was_sent_of_it() -> None:
    talk = Talk(SESSION)
    delta = events.AudioDelta(response_id="r", item_id="i", delta=bytes(SECOND))
    talk.hear(delta, delta)

    def cut(item_id: str, end: int, index: int = 0) -> events.ClientEvent:
        return events.ConversationItemTruncate(item_id=item_id, content_index=index, audio_end=end)

    assert talk.say(cut("i", 1_500_000)) == [cut("i", 1_500_000)]
    assert talk.say(cut("i", 2_500_000)) == [cut("i", 2_000_000)]
    assert talk.say(cut("j", 2_500_000)) == [cut("j", 2_500_000)]
    assert talk.say(cut("i", 2_500_000, 1)) == [cut("i", 2_500_000, 1)]


# Any bot with any server.


class Conversation(RuleBasedStateMachine):
    """A server as OpenAI's, at the other end of a line with delay, and a bot that does anything."""

    def __init__(self) -> None:
        super().__init__()
        self.talk = Talk(SESSION)
        self.to_server: deque[events.ClientEvent] = deque()
        self.to_client: deque[events.ServerEvent] = deque()
        self.running: str | None = None
        self.responses = 0
        self.calls: dict[str, str] = {}
        self.unanswered: list[str] = []
        self.wanted = False
        """A response was asked for, and none has begun since."""
        self.heard: str | None = None
        """What runs, as far as the client can know."""
        self.asked = False
        self.answering: str | None = None

    def send(self, sent: list[events.ClientEvent]) -> None:
        for event in sent:
            match event:
                case events.ResponseCreate():
                    assert self.heard is None, "the server would refuse it"
                    assert not self.asked, "it was asked for already"
                    open_calls = {self.calls[call] for call in self.unanswered}
                    assert self.answering not in open_calls, "it would be without their outputs"
                    self.asked = True
                case events.ResponseCancel():
                    assert self.heard is not None or self.asked, "there is nothing to cancel"
                case events.ConversationItemCreate(item=FunctionCallOutput() as output):
                    self.answering = self.calls[output.call_id]
                case events.ConversationItemCreate():
                    self.answering = None
                case _:
                    pass
        self.to_server.extend(sent)

    @rule()
    def text(self) -> None:
        self.send(self.talk.say(TEXT, CREATE))
        self.wanted = True

    @rule()
    def cancel(self) -> None:
        self.send(self.talk.say(CANCEL))
        self.wanted = False

    @precondition(lambda self: self.unanswered)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(self.unanswered))
        self.unanswered.remove(call)
        self.send(self.talk.say(output(call)))

    @precondition(lambda self: self.unanswered)
    @rule()
    def answer_all(self) -> None:
        while self.unanswered:
            self.send(self.talk.say(output(self.unanswered.pop(0))))
        self.send(self.talk.say(CREATE))
        self.wanted = True

    @precondition(lambda self: self.to_server)
    @rule()
    def server_reads(self) -> None:
        match self.to_server.popleft():
            case events.ResponseCreate():
                if self.running is None:
                    self.responds()
                else:
                    self.to_client.append(refused())
            case events.ResponseCancel():
                if self.running is None:
                    self.to_client.append(refused(NOTHING_RUNS))
                else:
                    self.ends("cancelled")
            case _:
                pass

    def responds(self) -> None:
        self.responses += 1
        self.running = f"r{self.responses}"
        self.to_client.append(created(self.running))

    def ends(self, status: str) -> None:
        assert self.running is not None
        self.to_client.append(done(self.running, status))
        self.running = None

    @precondition(lambda self: self.running is None)
    @rule()
    def the_user_speaks(self) -> None:
        self.to_client.append(SPEECH)
        self.responds()

    @precondition(lambda self: self.running is not None)
    @rule()
    def server_calls(self) -> None:
        assert self.running is not None
        call = f"c{len(self.calls)}"
        self.calls[call] = self.running
        self.to_client.append(called(call, self.running))

    @precondition(lambda self: self.running is not None)
    @rule()
    def server_ends(self) -> None:
        self.ends("completed")

    @precondition(lambda self: self.to_client)
    @rule()
    def client_reads(self) -> None:
        event = self.to_client.popleft()
        if isinstance(event, events.FunctionCallArgumentsDone):
            self.unanswered.append(event.call_id)
        if isinstance(event, events.ResponseCreated):
            self.heard, self.asked, self.wanted = event.response_id, False, False
        if isinstance(event, events.ResponseDone):
            self.heard = None
        if isinstance(event, events.Error):
            self.asked = self.asked and event.code != REFUSED
        if isinstance(event, events.ResponseDone) and event.status == "cancelled":
            for call, response in self.calls.items():
                if response == event.response_id and call in self.unanswered:
                    self.unanswered.remove(call)
        self.send(self.talk.hear(event))

    def teardown(self) -> None:
        """Whatever happened, a text is answered once all have had their say."""
        self.text()
        for _ in range(200):
            if self.to_server:
                self.server_reads()
            elif self.to_client:
                self.client_reads()
            elif self.running is not None:
                self.server_ends()
            else:
                break
        waited = self.talk.wait(PATIENCE)
        self.asked = self.asked and not waited
        self.send(waited)
        while self.to_server or self.to_client:
            if self.to_server:
                self.server_reads()
            else:
                self.client_reads()
        assert not self.wanted, "nobody answers"


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
