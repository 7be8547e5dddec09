"""What the user does becomes client events; Realtime is put together, and fits."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig, ToolDefinition, TurnDetection
from antiphon.codecs.items import text_message
from antiphon.pipeline import Audio, FitError, Frame, Interrupt, Pipeline
from antiphon.pipeline.testing import play
from antiphon.processors.local.server import Server
from antiphon.processors.player import PacedSink
from antiphon.processors.realtime import Downlink, Realtime, Uplink
from antiphon.processors.tools import Tool, Tools
from tests.processors.offers import weather
from tests.processors.parts import MS, SECOND, ScriptedModel, interrupt, silence

SPOKEN = TurnDetection(type="server-vad")
DISABLED = TurnDetection(type="disabled")


def realtime(**options: Any) -> Realtime:
    return Realtime(ScriptedModel(), **options)


def uplink(**options: Any) -> Uplink:
    return cast(Uplink, realtime(**options).members[0])


def test_the_model_is_first_told_how_the_session_is_to_be() -> None:
    config = SessionConfig(voice="echo", temperature=0.5, instructions="Be long.")
    bot = realtime(tools=[weather], instructions="Be brief.", config=config)

    (said,) = play(bot.members[0], [])

    assert said == events.SessionUpdate(
        config=SessionConfig(
            voice="echo",
            temperature=0.5,
            instructions="Be brief.",
            tools=(Tool(weather).definition,),
        )
    )


def test_nothing_is_said_of_what_was_not_chosen() -> None:
    assert play(uplink(), []) == [events.SessionUpdate(config=SessionConfig())]


def test_a_model_that_speaks_first_is_asked_to() -> None:
    assert play(uplink(speak_first=True), [])[1:] == [events.ResponseCreate()]


def test_what_the_microphone_hears_is_appended() -> None:
    heard = Audio(pcm=b"\x01\x02" * 320, rate=16_000, at=20 * MS)

    assert play(uplink(), [heard])[1:] == [events.InputAudioAppend(audio=heard.pcm, at=20 * MS)]


def test_audio_of_another_rate_is_an_error_and_not_slow_speech() -> None:
    with pytest.raises(
        Exception, match=r"Uplink failed .* hears 16000 Hz, not 48000 Hz: put Resampler"
    ):
        play(uplink(), [silence(20 * MS, rate=48_000)])


def test_client_events_go_to_the_model_as_they_are() -> None:
    said = [
        events.ConversationItemCreate(item=text_message("Hello."), at=1),
        events.ResponseCreate(at=2),
        interrupt(3),
    ]

    assert play(uplink(), said)[1:] == said


TURN = [
    events.SpeechStarted(at=SECOND),
    silence(20 * MS, at=SECOND),
    events.SpeechStopped(at=2 * SECOND),
]


@pytest.mark.parametrize("detection", [DISABLED, None])
def test_turns_that_the_client_detects_are_told_to_a_model_that_does_not(
    detection: TurnDetection | None,
) -> None:
    told = play(uplink(config=SessionConfig(turn_detection=detection)), TURN)[1:]

    assert told == [
        Interrupt(reason="the user speaks", at=SECOND),
        events.SpeechStarted(at=SECOND),
        events.ResponseCancel(at=SECOND),
        events.InputActivityStart(at=SECOND),
        events.InputAudioAppend(audio=bytes(640), at=SECOND),
        events.SpeechStopped(at=2 * SECOND),
        events.InputAudioCommit(at=2 * SECOND),
        events.ResponseCreate(at=2 * SECOND),
    ]


@pytest.mark.parametrize("config", [SessionConfig(), SessionConfig(turn_detection=SPOKEN)])
def test_turns_that_the_client_detects_are_not_told_to_a_model_that_does_so_too(
    config: SessionConfig,
) -> None:
    assert play(uplink(config=config), TURN)[1:] == [
        events.InputAudioAppend(audio=bytes(640), at=SECOND)
    ]


def test_realtime_stands_for_what_hears_the_model_what_speaks_and_its_tools() -> None:
    model = ScriptedModel()
    tools = Tools(weather)

    kinds = [type(member) for member in Realtime(model, tools=[weather]).members]

    assert kinds == [Uplink, ScriptedModel, Downlink, Tools]
    assert Realtime(model, tools=tools).members[1::2] == (model, tools)
    assert [type(member) for member in Realtime(model).members] == kinds[:3]


def test_a_model_can_be_named() -> None:
    model = Realtime("local/echo?chunk=0.05").members[1]

    assert isinstance(model, Server)
    assert model.name == "local/echo"


def test_tools_are_functions_tools_or_definitions() -> None:
    elsewhere = ToolDefinition(name="transfer", parameters={})

    bot = realtime(tools=[weather, Tool(weather, name="other"), elsewhere])

    assert bot.config.tools is not None
    assert [tool.name for tool in bot.config.tools] == ["weather", "other", "transfer"]


class Source:
    """Gives audio at a rate."""

    def __init__(self, rate: int) -> None:
        self.gives_rate = rate

    def process(self, frame: Frame) -> Iterator[Frame]:
        yield frame


def line(source: int, sink: int, tools: Tools, fit: Any) -> list[str]:
    bot = Realtime(ScriptedModel(), tools=tools)
    pipeline = Pipeline(Source(source), bot, PacedSink(print, rate=sink), fit=fit)
    return [type(member).__name__ for member in pipeline.members]


@pytest.mark.parametrize(("tools", "behind"), [(Tools(), []), (Tools(weather), ["Tools"])])
def test_resamplers_are_put_where_rates_differ_and_nowhere_else(
    tools: Tools, behind: list[str]
) -> None:
    within = ["Uplink", "ScriptedModel", "Downlink", *behind]

    assert line(16_000, 24_000, tools, "auto") == ["Source", *within, "PacedSink"]
    assert line(48_000, 48_000, tools, "auto") == [
        *("Source", "Resampler", *within),
        *("Resampler", "PacedSink"),
    ]


@pytest.mark.parametrize("tools", [Tools(), Tools(weather)])
def test_rates_that_do_not_fit_are_refused_when_the_pipeline_is_built(tools: Tools) -> None:
    with pytest.raises(FitError, match="Source gives audio at 48000 Hz, Uplink takes 16000 Hz"):
        line(48_000, 24_000, tools, "strict")
    with pytest.raises(FitError, match="gives audio at 24000 Hz, PacedSink takes 48000 Hz"):
        line(16_000, 48_000, tools, "strict")
