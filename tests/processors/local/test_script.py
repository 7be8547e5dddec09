"""`local/script` says what a file tells it to, a line a turn."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from antiphon.codecs import events
from antiphon.demo.cable import Cable
from antiphon.pipeline import Frame, Pipeline, clock, now
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.local.brain import Call, Say
from antiphon.processors.local.pace import Pace
from antiphon.processors.local.script import PATIENCE, SILENCE, Line, Script, ScriptError, script
from antiphon.processors.local.server import Server
from antiphon.processors.models import find_model
from antiphon.processors.player import PacedSink
from antiphon.processors.realtime import Realtime
from tests.processors.local.parts import (
    OUTPUT_RATE,
    Log,
    Talker,
    at,
    conversed,
    detected,
    duration,
    microphone,
    model,
    outputs,
    silence,
    speech,
)

FIRST = events.ResponseCreate()
"""The script begins the conversation."""

ANSWER = silence(0.5) + speech("It is half past nine.") + silence(1.5)
(BEGAN, _), (OVER, _) = detected(ANSWER, silence=SILENCE, ears="energy")
"""When the script takes the answer to begin and to be over."""

THINK = 300_000
LONG = silence(0.5) + speech("Once upon a time there was a dragon. " * 4) + silence(1.5)


def lines(*given: str | Line) -> tuple[Line, ...]:
    return tuple(line if isinstance(line, Line) else Line(say=line) for line in given)


def reading(*given: str | Line, repeat: int = 1, hang_up: bool = True) -> Server:
    return script(lines=Script(line=lines(*given), repeat=repeat, hang_up=hang_up))


def spoken(log: Log) -> list[str | None]:
    return [event.transcript for event in log.all(events.AudioTranscriptDone)]


def test_it_says_a_line_a_turn_and_hangs_up() -> None:
    log = conversed(reading("Hello.", "Goodbye."), FIRST, *microphone(ANSWER, ANSWER), until=60)

    assert spoken(log) == ["Hello.", "Goodbye."]
    assert log.names[-2:] == ["ResponseDone", "SessionClosed"]
    *_, (over, _) = detected(ANSWER, ANSWER, silence=SILENCE, ears="energy")
    assert log.when(events.SessionClosed) == [over + THINK]
    assert log.ended == over + THINK


def test_its_voice_is_that_of_the_script() -> None:
    one, other = (
        conversed(script(lines=Script(line=lines("Hello there."), voice=voice)), FIRST)
        for voice in ("en-us", "en-gb")
    )

    assert one.sound and other.sound and one.sound != other.sound


def test_it_thinks_before_a_line_for_as_long_as_the_line_says() -> None:
    log = conversed(reading("Hello.", Line(say="Goodbye.", wait=2.0)), FIRST, *microphone(ANSWER))

    assert [event.at for event in log.all(events.AudioTranscriptDelta)] == [
        THINK,
        OVER + 2_000_000,
    ]


def test_a_tool_is_called_instead_of_speaking_or_after_it() -> None:
    weather = Line(call="get_weather", arguments={"city": "Oslo"})
    both = Line(say="Wait.", call="look")

    log = conversed(reading(weather, both, "Well."), FIRST, reply=outputs)

    calls = log.all(events.FunctionCallArgumentsDone)
    assert [(call.name, call.arguments) for call in calls] == [
        ("get_weather", '{"city":"Oslo"}'),
        ("look", "{}"),
    ]
    assert [call.output_index for call in calls] == [0, 1]
    assert spoken(log) == ["Wait.", "Well."]


def test_its_lines_can_be_gone_through_several_times() -> None:
    log = conversed(
        reading("Hello.", "Well.", repeat=2), FIRST, *microphone(ANSWER, ANSWER, ANSWER, ANSWER)
    )

    assert spoken(log) == ["Hello.", "Well.", "Hello.", "Well."]
    assert log.names[-1] == "SessionClosed"


def test_it_can_stay_on_the_line_and_be_silent() -> None:
    log = conversed(reading("Hello.", hang_up=False), FIRST, *microphone(ANSWER, ANSWER))

    assert spoken(log) == ["Hello."]
    assert [done.output for done in log.all(events.ResponseDone)[1:]] == [(), ()]
    assert not log.all(events.SessionClosed)


def test_it_does_not_stop_for_somebody_who_speaks_over_it() -> None:
    story = "Once upon a time there was a dragon. " * 4

    log = conversed(reading(story), at(0.2, FIRST), *microphone(ANSWER))

    assert log.all(events.ResponseDone)[0].status == "completed"


def test_it_goes_on_when_nobody_answers() -> None:
    log = conversed(reading("Hello.", "Anybody?"), FIRST, until=10)

    first = [delta for delta in log.all(events.AudioDelta) if delta.response_id == "resp_1"]
    heard = THINK + sum(duration(delta.delta, OUTPUT_RATE) for delta in first)
    assert log.when(events.ResponseCreated) == [0, heard + PATIENCE]
    assert spoken(log) == ["Hello.", "Anybody?"]


# Talking over the other.


def test_it_talks_over_the_other_and_answers_the_cut_turn_no_second_time() -> None:
    log = conversed(reading("Hello.", Line(say="Stop.", interrupt=1.0)), FIRST, *microphone(LONG))

    (began, _), *_ = detected(LONG, silence=SILENCE, ears="energy")
    assert log.when(events.ResponseCreated) == [0, began + 1_000_000]
    assert spoken(log) == ["Hello.", "Stop."]
    assert len(log.all(events.SpeechStopped)) == 1
    assert not log.all(events.SessionClosed)


def test_after_talking_over_somebody_it_hears_him_out_again() -> None:
    """Also where nobody tells what was played."""
    log = conversed(
        reading("Hello.", Line(say="Stop.", interrupt=1.0), "Well."),
        FIRST,
        *microphone(LONG, ANSWER),
        until=20,
    )

    *_, (over, _) = detected(LONG, ANSWER, silence=SILENCE, ears="energy")
    assert log.when(events.ResponseCreated)[2] == over
    assert spoken(log) == ["Hello.", "Stop.", "Well."]


def test_it_goes_on_when_somebody_has_stopped_for_it_and_says_no_more() -> None:
    log = conversed(
        reading("Hello.", Line(say="Stop.", interrupt=1.0), "Anybody?"),
        FIRST,
        *microphone(LONG),
        until=20,
    )

    stopped = log.when(events.SpeechStopped)[0]
    assert log.when(events.ResponseCreated)[2] == stopped + PATIENCE
    assert spoken(log) == ["Hello.", "Stop.", "Anybody?"]


def test_its_patience_counts_from_when_its_own_words_were_heard() -> None:
    """Which may be later than they could have been heard at the earliest."""
    (began, _), *_ = detected(LONG, silence=SILENCE, ears="energy")
    late = at(duration(LONG) / 1e6 + 3.0, events.OutputPlaybackStopped(response_id="resp_2"))

    log = conversed(
        reading("Hello.", Line(say="Stop.", interrupt=1.0), "Anybody?"),
        FIRST,
        *microphone(LONG),
        late,
        until=25,
    )

    assert log.when(events.ResponseCreated) == [0, began + 1_000_000, late.at + PATIENCE]


def test_a_turn_ends_when_the_line_said_over_it_was_heard() -> None:
    """Who was talked over may answer so soon that it would sound like the same turn."""
    (began, _), *_ = detected(LONG, silence=SILENCE, ears="energy")
    heard = at(began / 1e6 + 2.5, events.OutputPlaybackStopped(response_id="resp_2"))

    log = conversed(
        reading("Hello.", Line(say="Stop.", interrupt=1.0), "Well."),
        FIRST,
        *microphone(LONG),
        heard,
        until=duration(LONG) / 1e6,
    )

    assert log.when(events.SpeechStopped)[0] == heard.at
    assert len(log.all(events.SpeechStarted)) == 2
    assert spoken(log) == ["Hello.", "Stop.", "Well."]


def test_a_turn_that_is_over_sooner_is_answered_at_its_end_and_once() -> None:
    patient = Line(say="Stop.", interrupt=30.0)

    log = conversed(reading("Hello.", patient, "Well."), FIRST, *microphone(ANSWER), until=7)

    assert log.when(events.ResponseCreated) == [0, OVER]
    assert spoken(log) == ["Hello.", "Stop."]


def test_it_does_not_talk_over_a_line_of_its_own() -> None:
    """The other begins while the script still speaks; then it hears him out."""
    story = "Once upon a time there was a dragon. " * 12

    log = conversed(
        reading(story, Line(say="Stop.", interrupt=0.0)), at(0.3, FIRST), *microphone(ANSWER)
    )

    assert log.when(events.ResponseCreated) == [300_000]
    assert log.one(events.ResponseDone).status == "completed"


# Files.


def write(folder: Path, text: str) -> Path:
    path = folder / "call.toml"
    path.write_text(text)
    return path


def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        voice = "en-gb"
        repeat = 2
        hang_up = false

        [[line]]
        say = "Hello."
        wait = 1
        interrupt = 2.5

        [[line]]
        call = "look"
        arguments = { where = ["here", "there"] }
        """,
    )

    assert Script.load(path) == Script(
        voice="en-gb",
        repeat=2,
        hang_up=False,
        line=(
            Line(say="Hello.", wait=1.0, interrupt=2.5),
            Line(call="look", arguments={"where": ["here", "there"]}),
        ),
    )


def test_it_is_found_by_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, '[[line]]\nsay = "Hello."')

    found = find_model(f"local/script?path={path}&think=0.5")

    assert isinstance(found, Server)
    assert spoken(conversed(found, FIRST)) == ["Hello."]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "missing required field `line`"),
        ("line = []", "length >= 1"),
        ("[[line]]\nsay = one", "line 2, column 7"),
        ("\x80", "cannot be used"),
        ("[[line]]\nsing = 'la'", r"unknown field `sing` - at `\$.line\[0\]`"),
        ("tempo = 1\n[[line]]", "unknown field `tempo`"),
        ("[[line]]\nsay = 1", r"Expected `str`, got `int` - at `\$.line\[0\].say`"),
        ("[[line]]\n[[line]]\nwait = 'long'", r"at `\$.line\[1\].wait`"),
        ("[[line]]\nwait = -1", r">= 0.0 - at `\$.line\[0\].wait`"),
        ("[[line]]\ninterrupt = -1", r">= 0.0 - at `\$.line\[0\].interrupt`"),
        ("[[line]]\narguments = 'x'", r"at `\$.line\[0\].arguments`"),
        ("repeat = 0\n[[line]]", r">= 1 - at `\$.repeat`"),
        ("repeat = true\n[[line]]", r"at `\$.repeat`"),
        ("voice = 'klingon-of-mars'\n[[line]]", "no voice is called 'klingon-of-mars'"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_name_and_place(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "call.toml"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(ScriptError, match=problem) as wrong:
        script(path)

    assert str(path) in str(wrong.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"nowhere\.toml.*No such file"):
        script(tmp_path / "nowhere.toml")


def test_a_script_without_a_file_is_told_how_to_name_one() -> None:
    with pytest.raises(ScriptError, match=r"local/script\?path="):
        script()


def test_an_unknown_voice_of_given_lines_is_told_too() -> None:
    with pytest.raises(ScriptError, match="^the script cannot be used: no voice"):
        script(lines=Script(line=lines("Hello."), voice="klingon-of-mars"))


# Two models talk to each other.


class Ear:
    """Keeps what passes."""

    def __init__(self) -> None:
        self.log = Log()

    def process(self, frame: Frame) -> Iterator[Frame]:
        self.log.frames.append(frame)
        self.log.times.append(now())
        yield frame


class Party:
    """One end of a call."""

    def __init__(self, hears: Cable, talks: Realtime, says: Cable) -> None:
        self._says = says
        self._ear = Ear()
        self.heard: list[bytes] = []
        self._pipeline = Pipeline(
            hears, talks, self._ear, PacedSink(self._write, rate=OUTPUT_RATE), fit="auto"
        )

    @property
    def log(self) -> Log:
        return self._ear.log

    def _write(self, pcm: bytes, at: int) -> None:
        self.heard.append(pcm)
        self._says.write(pcm, at)

    async def run(self) -> None:
        try:
            await self._pipeline.run()
        finally:
            self._says.hang_up()


def look() -> str:
    """Look out of the window."""
    return "a dragon"


def call(user: Server, bot: Server) -> tuple[Party, Party]:
    """*user* begins, and both talk until one hangs up."""
    to_bot, to_user = Cable(OUTPUT_RATE), Cable(OUTPUT_RATE)
    caller = Party(to_user, Realtime(user, speak_first=True), to_bot)
    called = Party(to_bot, Realtime(bot, tools=[look]), to_user)

    async def talk() -> None:
        clock.begin(anyio.current_time())
        async with anyio.create_task_group() as group:
            group.start_soon(caller.run)
            group.start_soon(called.run)

    run_virtual(talk)
    return caller, called


def conversation(seed: int = 0) -> tuple[Party, Party]:
    user = reading("Tell me a story.", Line(say="Please stop.", interrupt=2.0), "What is outside?")
    story = "Once upon a time there was a dragon, and it lived on a very high mountain. " * 6
    bot = Talker([Say(story)], [Say("All right.")], [Call("look", "{}")], [Say("A dragon.")])
    return call(user, model(bot, pace=Pace(jitter=0.2), seed=seed))


def test_two_models_can_talk_to_each_other() -> None:
    user, bot = conversation()

    assert spoken(user.log) == ["Tell me a story.", "Please stop.", "What is outside?"]
    assert spoken(bot.log)[1:] == ["All right.", "A dragon."]
    assert [done.status for done in bot.log.all(events.ResponseDone)] == [
        "cancelled",
        "completed",
        "completed",
        "completed",
    ]
    (truncated,) = bot.log.all(events.ConversationItemTruncated)
    assert truncated.audio_end is not None
    assert 2_000_000 <= truncated.audio_end < 3_000_000
    assert not bot.log.all(events.Error) and not user.log.all(events.Error)
    assert user.log.names[-1] == "SessionClosed"


def test_the_same_conversation_sounds_the_same() -> None:
    first, second = conversation(seed=3), conversation(seed=3)

    for one, other in zip(first, second, strict=True):
        assert one.heard == other.heard
        assert one.log.frames == other.log.frames
        assert one.log.times == other.log.times


def test_another_seed_changes_moments_and_no_words() -> None:
    (_, first), (_, second) = conversation(seed=3), conversation(seed=4)

    assert spoken(first.log)[1:] == spoken(second.log)[1:]
    assert first.log.times != second.log.times
