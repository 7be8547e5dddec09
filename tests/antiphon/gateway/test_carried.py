"""What a session carries is counted, the same whether it is relayed or translated."""

from collections.abc import Mapping

import anyio
import pytest

from antiphon.codecs import events
from antiphon.codecs.dialects import find_dialect
from antiphon.gateway.carried import Carried, Measured
from antiphon.gateway.gateway import Gateway
from antiphon.gateway.observe.metrics import Metrics
from antiphon.gateway.settings import Settings
from antiphon.pipeline import now
from tests.antiphon.gateway.knocking import Socket, get, knock
from tests.antiphon.gateway.test_gateway import KEY, begin, held, keyed, way
from tests.antiphon.gateway.test_matrix import KEY as BEHIND
from tests.antiphon.gateway.test_matrix import OURS, THEIRS, between, network
from tests.processors.remote.calls import NAMES

__all__ = ["network"]

OPENAI, VERCEL = find_dialect("openai"), find_dialect("vercel")
PCM = bytes(960)


def samples(metrics: Metrics, name: str) -> Mapping[tuple[str, ...], float]:
    """The values of a metric by direction, and by kind where it has one."""
    metrics.flush()
    return {
        tuple(
            one.labels[label] for label in ("direction", "kind") if label in one.labels
        ): one.value
        for metric in metrics.registry.collect()
        for one in metric.samples
        if one.name == name
    }


@pytest.mark.parametrize("upstream", ["openai", "vercel"])
def test_sound_and_all_else_are_counted_by_direction(
    network: dict[str, Gateway], upstream: str
) -> None:
    async def main() -> tuple[int, Metrics]:
        gateway = network[OURS] = Gateway(between("openai", upstream))
        network[THEIRS] = Gateway(Settings())
        (message,) = OPENAI.client("any-model").encode(events.InputAudioAppend(audio=PCM))
        model = NAMES[upstream].partition("/")[2]  # asked for by its own name it is relayed
        async with knock(gateway, way(OPENAI, model, key=BEHIND)) as socket:
            await begin(OPENAI, socket)
            for _ in range(10):
                await socket.send(message)
                await anyio.sleep(0.02)
        await anyio.sleep(1)
        return len(message), gateway.house.metrics

    size, metrics = held(main)

    carried = samples(metrics, "antiphon_gateway_bytes_total")
    assert carried["in", "audio"] == 10 * size
    assert carried["in", "message"] > 0
    assert carried["out", "message"] > 0
    added = samples(metrics, "antiphon_gateway_added_latency_seconds_count")
    assert added["in",] >= 10


def test_an_end_tells_how_long_sound_was_here_once_it_is_sent() -> None:
    async def main() -> Metrics:
        metrics = Metrics(upstreams=["openai"])
        end = Measured(VERCEL.server(""), Carried(metrics, "vercel", "openai"), front=True)
        delta = events.AudioDelta(response_id="r", item_id="i", delta=PCM, at=now())
        await anyio.sleep(0.2)
        for _ in end.encode(delta):
            await anyio.sleep(0.3)  # until it has been sent
        for _ in end.encode(events.ResponseCreated(response_id="s")):
            pass
        return metrics

    metrics = held(main)

    name = "antiphon_gateway_added_latency_seconds"
    assert samples(metrics, f"{name}_sum")["out",] == pytest.approx(0.5)
    assert samples(metrics, f"{name}_count")["out",] == 1


def test_a_session_has_lasted_as_long_as_it_has_and_not_as_long_as_the_machine() -> None:
    async def main() -> int:
        gateway = Gateway(keyed())
        await anyio.sleep(10_000)
        async with knock(gateway, way(OPENAI, key=KEY)) as socket:
            await _stay(socket)
        await anyio.sleep(1)
        _, told = await get(gateway, "/v1/usage", authorization=f"Bearer {KEY}")
        return told["models"]["local/echo"]["milliseconds"]

    assert 7_000 <= held(main) <= 8_000


async def _stay(socket: Socket) -> None:
    await begin(OPENAI, socket)
    await anyio.sleep(7)
