"""What a client makes of an agent's answers: where each begins and ends.

The wire says neither. It has numbers ("event_id"): those of a response, all the same or going
up, are above those of what came before, and an interruption silences all up to its own. So a
response is named by the number that it begins with, and is over

- when the next one begins, or the user's words for the next turn come;
- when it is interrupted, or a text is complete in a session without sound;
- when nothing more has come of it for a time: see `deadline`.

One that ended too early, since the provider was slow, goes on as another.
"""

from collections import deque

from antiphon.codecs import events
from antiphon.codecs.wire import Recent

GRACE = 1_000_000
"""After the speech that came has been played, at the soonest: more of it may come late."""

PATIENCE = 3_000_000
"""Without any speech: the words come first, and the voice has to start."""

CALL_GRACE = 500_000
"""After a tool call: the agent waits for the result, and many clients for the response's end.

What is still being said may come meanwhile, and so may calls beside it.
"""

LONGEST = 1 << 20
"""Characters of a response's words that are kept to be repeated."""

Said = list[events.ServerEvent]


class Answer:
    """A response, as far as it is known."""

    def __init__(self, number: int, name: str) -> None:
        self.first = self.last = number
        self.response_id = f"elevenlabs-response-{name}"
        self.item_id = f"elevenlabs-item-{name}"
        self.message_index: int | None = None
        """Where among the response's items its message is; None as long as it has none."""
        self.audio_index = 0
        self.outputs = 0
        self.chunks = 0
        """Messages of speech."""
        self.alone = False
        """It began with speech, as did the one before, which had no more than one message."""
        self.written: bool | None = None
        """Its words are text, or those of the speech; None as long as it has none."""
        self.words: list[str] = []
        self.length = 0
        self.told = False
        """All its words are known."""
        self.pending = Recent[str, None](64)
        """Calls without a result."""
        self.called = False
        self.played = 0
        """When the speech that came will have been heard, at the soonest."""
        self.touched = 0

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def answered(self) -> bool:
        """All its calls have their results: what the agent says now is another response."""
        return self.called and not self.pending

    def covers(self, number: int | None) -> bool:
        return number is not None and self.first <= number <= self.last

    def index(self) -> int:
        """Of its message, which there is from now on."""
        if self.message_index is None:
            self.message_index, self.outputs = self.outputs, self.outputs + 1
        return self.message_index

    def say(self, words: str) -> None:
        kept = words[: LONGEST - self.length]
        if kept:
            self.words.append(kept)
            self.length += len(kept)


class Answers:
    """The responses of a session, one after the other."""

    def __init__(self) -> None:
        self.running: Answer | None = None
        self.text_only: bool | None = None
        self.count = 0
        """How many there were."""
        self._past = deque[Answer](maxlen=8)
        self._names = Recent[int, int](256)
        """How often a number has been the first of a response."""
        self._highest = 0
        self._silenced: int | None = None
        """The number up to which nothing shall be heard."""
        self._sounded = False
        self._counts_chunks: bool | None = None
        """Whether each message of speech has a number of its own; not known at first."""

    # Time.

    @property
    def deadline(self) -> int | None:
        answer = self.running
        if answer is None:
            return None
        if answer.called:
            return answer.touched + CALL_GRACE
        if answer.chunks:
            return answer.played + GRACE
        return answer.touched + PATIENCE

    def expire(self, at: int) -> Said:
        deadline = self.deadline
        return self.end(at) if deadline is not None and at >= deadline else []

    # Beginning and end.

    def begin(self, number: int | None, at: int) -> tuple[Answer, Said]:
        said = self.end(at)
        number = self._highest + 1 if number is None else number
        times = self._names[number] = self._names.get(number, 0) + 1
        answer = Answer(number, str(number) if times == 1 else f"{number}-{times}")
        self._reach(answer, number, at)
        self.running, self.count = answer, self.count + 1
        said.append(events.ResponseCreated(response_id=answer.response_id, at=at))
        return answer, said

    def _reach(self, answer: Answer, number: int | None, at: int) -> None:
        answer.touched = at
        if number is not None and number > answer.last:
            answer.last = number
        self._highest = max(self._highest, answer.last)

    def end(self, at: int) -> Said:
        """The running response, if there is one, is complete."""
        answer = self.running
        if answer is None:
            return []
        said: Said = []
        if answer.chunks:
            said.append(
                events.AudioDone(
                    response_id=answer.response_id,
                    item_id=answer.item_id,
                    output_index=answer.index(),
                    content_index=answer.audio_index,
                    at=at,
                )
            )
        if answer.written is not None and not answer.told:
            said.append(self._tell_all(answer, answer.text, at))
        said.append(self._over(answer, "completed", None, at))
        return said

    def _over(self, answer: Answer, status: str, reason: str | None, at: int) -> events.ServerEvent:
        self.running = None
        self._past.appendleft(answer)
        return events.ResponseDone(
            response_id=answer.response_id, status=status, reason=reason, at=at
        )

    def complete(self, number: int | None, at: int) -> Said:
        """The provider says so itself; the speech is sent faster than it is heard."""
        answer = self.running
        if answer is None or (number is not None and number < answer.first):
            return []
        return self.end(at)

    def user_said(self, number: int | None, at: int) -> Said:
        """The words of a turn: those of an earlier one may come while it is being answered."""
        answer = self.running
        if answer is None or (number is not None and number <= answer.last):
            return []
        return self.end(at)

    # Interruption.

    def silent(self, number: int | None) -> bool:
        return number is not None and self._silenced is not None and number <= self._silenced

    def interrupt(self, number: int | None, at: int) -> Said:
        """Nothing, if what runs is not meant."""
        answer = self.running
        if number is None:
            number = self._highest if answer is None else answer.last
        if answer is not None and number < answer.first:
            self._silence(number)
            return []
        self._silence(number)
        heard = answer or next((past for past in self._past if past.first <= number), None)
        said: Said = [
            events.ResponseInterrupted(
                response_id=heard and heard.response_id,
                item_id=heard.item_id if heard and heard.message_index is not None else None,
                at=at,
            )
        ]
        if answer is not None:
            said.append(self._over(answer, "cancelled", "turn_detected", at))
        return said

    def _silence(self, number: int) -> None:
        self._silenced = number if self._silenced is None else max(number, self._silenced)

    def item_of(self, number: int | None) -> str | None:
        """The item that holds the words of *number*, or those said last."""
        known = (*((self.running,) if self.running else ()), *self._past)
        if number is None:
            return known[0].item_id if known else None
        covering = (answer.item_id for answer in known if answer.covers(number))
        return next(covering, f"elevenlabs-item-{number}")

    # Speech.

    def begins_with_sound(self, number: int | None) -> bool:
        """Whether speech with this number is of a response that is not yet known."""
        answer = self.running
        if answer is None:
            return True
        if number is None:
            return answer.answered
        if number <= answer.last:
            return False
        if answer.answered:
            return True
        if not answer.chunks or self._counts_chunks:
            return False  # its words came first, or a number tells nothing
        return self._counts_chunks is False or not (answer.alone and answer.chunks == 1)

    def sound(
        self, number: int | None, duration: int, at: int, *, begins: bool
    ) -> tuple[Answer, Said]:
        """*duration* of speech came."""
        said: Said = []
        answer = before = self.running
        if answer is None or begins:
            answer, said = self.begin(number, at)
            answer.alone = before is not None and before.chunks == 1 and not before.called
        elif answer.chunks and number is not None:
            # Two with the same number, and numbers are responses'; three in a row with different
            # ones, and they are the messages'.
            if number > answer.last:
                self._counts_chunks = True
            elif number == answer.last:
                self._counts_chunks = False
        self._sounded = True
        answer.chunks += 1
        if answer.chunks == 1 and answer.written:
            answer.audio_index = 1
        self._reach(answer, number, at)
        answer.played = max(answer.played, at) + duration
        return answer, said

    # Words.

    def tell(self, number: int | None, text: str, at: int) -> Said | None:
        """All words of a response; None if they come too late to be of any."""
        if self.silent(number):
            return None
        if self._told_already(number, text):
            return []
        answer = self.running
        said: Said = []
        if answer is not None and number is not None and number < answer.first:
            return None
        if answer is None or self._begins_with_words(answer, number):
            answer, said = self.begin(number, at)
        self._reach(answer, number, at)
        if answer.written is None:
            answer.written = bool(self.text_only)
        before = answer.text
        if text != before and text.startswith(before):
            said.append(self._word(answer, text[len(before) :], at))
        said.append(self._tell_all(answer, text, at))
        if self.text_only:
            said += self.end(at)
        return said

    def part(self, kind: str, number: int | None, text: str, at: int) -> Said | None:
        """A piece of the words; None if it comes too late."""
        answer = self.running
        said: Said = []
        if kind == "stop" and (answer is None or (number is not None and number < answer.first)):
            return []
        if self.silent(number):
            return None
        if answer is None or self._begins_with_part(answer, kind, number):
            answer, said = self.begin(number, at)
        self._reach(answer, number, at)
        if answer.written is None:
            spoken = self._sounded if self.text_only is None else not self.text_only
            answer.written = not spoken
        if text or kind not in ("start", "stop"):
            said.append(self._word(answer, text, at))
        if kind == "stop":
            if not answer.told:
                said.append(self._tell_all(answer, answer.text, at))
            if answer.written and not answer.chunks:
                said += self.end(at)
        return said

    def _told_already(self, number: int | None, text: str) -> bool:
        running = self.running
        known = (*((running,) if running and running.told else ()), *self._past)
        return any(
            answer.written is not None
            and answer.covers(number)
            and answer.text.strip() == text.strip()
            for answer in known
        )

    def _begins_with_words(self, answer: Answer, number: int | None) -> bool:
        if answer.told:
            return True
        if number is None or number <= answer.last:
            return False
        return answer.answered or not (self._counts_chunks and answer.written is None)

    def _begins_with_part(self, answer: Answer, kind: str, number: int | None) -> bool:
        if answer.told:
            return kind != "stop"
        later = number is not None and number > answer.last
        if kind == "start":
            return answer.written is not None or (later and answer.outputs > 0)
        return later and answer.answered

    def _word(self, answer: Answer, words: str, at: int) -> events.ServerEvent:
        answer.say(words)
        kind = events.TextDelta if answer.written else events.AudioTranscriptDelta
        return kind(
            response_id=answer.response_id,
            item_id=answer.item_id,
            output_index=answer.index(),
            content_index=0 if answer.written else answer.audio_index,
            delta=words,
            at=at,
        )

    def _tell_all(self, answer: Answer, words: str, at: int) -> events.ServerEvent:
        answer.told = True
        answer.words, answer.length = [words[:LONGEST]], min(len(words), LONGEST)
        if answer.written:
            return events.TextDone(
                response_id=answer.response_id,
                item_id=answer.item_id,
                output_index=answer.index(),
                text=words,
                at=at,
            )
        return events.AudioTranscriptDone(
            response_id=answer.response_id,
            item_id=answer.item_id,
            output_index=answer.index(),
            content_index=answer.audio_index,
            transcript=words,
            at=at,
        )

    # Calls.

    def call(self, number: int | None, call_id: str, at: int) -> tuple[Answer, int, Said]:
        """The response of a call, and the place of the call among its items."""
        answer = self.running
        said: Said = []
        if answer is None or answer.answered:
            answer, said = self.begin(number, at)
        self._reach(answer, number, at)
        answer.called = True
        answer.pending[call_id] = None
        index, answer.outputs = answer.outputs, answer.outputs + 1
        return answer, index, said

    def output(self, call_id: str) -> None:
        """The client answers a call."""
        if self.running is not None:
            self.running.pending.pop(call_id, None)
