"""Every front against every upstream: a bot, a gateway, and behind it another as the provider."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import Connect
from antiphon.codecs.dialects import DIALECTS, find_dialect
from antiphon.gateway.gateway import Gateway
from antiphon.gateway.secret import Secret
from antiphon.gateway.settings import Agent, AgentTool, KeySettings, Settings, Upstream
from antiphon.pipeline import Interrupt, Speech
from antiphon.pipeline.testing import run_virtual
from antiphon.processors.remote import remote_model
from antiphon.processors.tools import Tools
from antiphon.transports import websocket
from tests.antiphon.gateway.knocking import Socket, knock
from tests.processors.remote import calls
from tests.processors.remote.calls import KEY, NAMES, QUICK, Call, Line, calling, get_weather

OURS, THEIRS = "gateway.test", "provider.test"

ALL = list(DIALECTS)

TURNS = [name for name in ALL if name != "openai_live"]
"""Live models listen and speak at the same time, and have no tools."""


SETTLED_ONCE = ("gemini", "elevenlabs", "cartesia", "openai_live")
"""Their sessions cannot be changed once they have begun."""


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> dict[str, Gateway]:
    """Hosts that are a gateway in this process."""
    hosts: dict[str, Gateway] = {}

    @asynccontextmanager
    async def connect(
        url: str, *, headers: Mapping[str, str] | None = None, subprotocols: Any = ()
    ) -> AsyncGenerator[Socket]:
        way = Connect(url=url, headers=headers or {}, subprotocols=tuple(subprotocols))
        async with knock(hosts[urlsplit(url).hostname or ""], way) as socket:
            yield socket

    monkeypatch.setattr(websocket, "connect", connect)
    return hosts


def base(dialect: str, host: str) -> str:
    return urlsplit(find_dialect(dialect).base_url)._replace(scheme="http", netloc=host).geturl()


WITH_AGENTS = ("elevenlabs", "cartesia")
"""Where an agent's tools are not the client's to say."""


WITH_TOOLS = [name for name in TURNS if name not in WITH_AGENTS]
"""Whose clients say which tools there are."""


def agents(dialect: str) -> Mapping[str, Agent]:
    """With the tool, if it is to be kept for clients of this."""
    return {"agent_1": Agent(tools=WEATHER if dialect in WITH_AGENTS else ())}


(_weather,) = Tools(get_weather).definitions
WEATHER = (AgentTool(name=_weather.name, parameters=_weather.parameters),)


def between(front: str, upstream: str) -> Settings:
    """A gateway whose every model is the provider's."""
    name = NAMES[upstream]
    provider = name.partition("/")[0]
    return Settings(
        agents=agents(front) if upstream in WITH_TOOLS else {},
        default=name,
        pass_through=False,
        upstreams={provider: Upstream(key=Secret(KEY), base_url=base(upstream, THEIRS))},
        keys={"alice": KeySettings(secret=(Secret(KEY),))},
    )


def hold(
    network: dict[str, Gateway],
    front: str,
    upstream: str,
    conversation: Callable[[Call], Awaitable[None]],
    tools: tuple[Any, ...] = (get_weather,),
) -> Call:
    async def main() -> Call:
        network[OURS] = Gateway(between(front, upstream))
        network[THEIRS] = Gateway(Settings(agents=agents(upstream)))
        remote = remote_model(NAMES[front], key=KEY, base_url=base(front, OURS), retry=QUICK)
        agent = calls.Agent(find_dialect(front), "")
        line = Line(remote=remote, agent=agent, drop=_nothing, pace=1.0)
        async with calling(line, tools=tools) as call:
            await conversation(call)
        return call

    return run_virtual(main)


async def _nothing() -> None:
    pass


@pytest.mark.parametrize("upstream", TURNS)
@pytest.mark.parametrize("front", TURNS)
def test_a_spoken_question_is_answered_with_a_tools_help(
    network: dict[str, Gateway], front: str, upstream: str
) -> None:
    async def talk(call: Call) -> None:
        await call.say("What is the weather in Oslo?")
        await call.answered("Oslo", "7 degrees")

    held = hold(network, front, upstream, talk)

    *_, tool, answer = held.transcript.said
    assert (tool.who, tool.text, tool.arguments) == ("tool", "get_weather", '{"city":"Oslo"}')
    assert answer.text == "In Oslo it is 7 degrees: light rain."
    assert held.sounds(0, 60_000_000)


@pytest.mark.parametrize("upstream", TURNS)
@pytest.mark.parametrize("front", TURNS)
def test_whoever_speaks_into_an_answer_silences_it(
    network: dict[str, Gateway], front: str, upstream: str
) -> None:
    async def talk(call: Call) -> None:
        await call.say("Tell me a story.")
        await call.hears(Speech)
        await anyio.sleep(2)
        await call.say("How are you?")
        await call.hears(Interrupt)
        await call.answered("thank")

    held = hold(network, front, upstream, talk)

    assert held.transcript.said[-1].text == "I am fine, thanks for asking."
    assert any(isinstance(frame, events.SpeechStarted | Interrupt) for frame in held.frames)


@pytest.mark.parametrize(
    ("front", "upstream"),
    [(name, "openai_live") for name in ALL] + [("openai_live", name) for name in TURNS],
)
def test_a_live_model_is_talked_to_from_every_front_and_every_model_from_its_own(
    network: dict[str, Gateway], front: str, upstream: str
) -> None:
    async def talk(call: Call) -> None:
        await call.say("How are you?")
        await call.answered("thank")
        await anyio.sleep(3)

    held = hold(network, front, upstream, talk, tools=())

    assert held.sounds(0, 60_000_000)


@pytest.mark.parametrize("upstream", ALL)
@pytest.mark.parametrize("front", ["openai", "xai", "elevenlabs_realtime"])
def test_who_waits_for_a_session_before_saying_anything_is_told_of_one(
    network: dict[str, Gateway], front: str, upstream: str
) -> None:
    dialect = find_dialect(front)

    async def main() -> list[Any]:
        network[OURS] = Gateway(between(front, upstream))
        network[THEIRS] = Gateway(Settings())
        model = NAMES[front].partition("/")[2]
        way = dialect.connect(model, key=KEY, base_url=base(front, OURS))
        heard: list[Any] = []
        async with knock(network[OURS], way) as socket:
            end = dialect.client(model)

            async def told(kind: type[events.EventFrame]) -> None:
                with anyio.fail_after(10):
                    while not any(isinstance(event, kind) for event in heard):
                        heard.extend(end.decode(await socket.receive()))

            await told(events.SessionCreated)
            for instructions in "Be kind.", "Be kind.", "Be brief.":
                heard.clear()
                config = SessionConfig(instructions=instructions)
                for message in end.encode(events.SessionUpdate(config=config)):
                    await socket.send(message)
                if instructions == "Be brief." and upstream in SETTLED_ONCE:
                    await told(events.Error)
                else:
                    await told(events.SessionUpdated)
        return heard

    (last,) = (
        one for one in run_virtual(main) if isinstance(one, events.SessionUpdated | events.Error)
    )
    if isinstance(last, events.SessionUpdated):
        assert last.config is not None
        assert last.config.instructions == "Be brief."
