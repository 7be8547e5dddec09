"""Machines are told whether the gateway is alive and ready, and how it is doing."""

import gzip
from collections.abc import Mapping

import anyio
import httpx2
import pytest
from starlette.applications import Starlette

from antiphon.gateway.observe.health import PATIENCE, health_routes
from antiphon.gateway.observe.metrics import Metrics
from antiphon.pipeline.testing import run_virtual
from tests.antiphon.gateway.observe.scraped import read, value


async def well() -> Mapping[str, bool]:
    return {"accepting": True, "store": True}


async def unwell() -> Mapping[str, bool]:
    return {"accepting": False, "models": True, "store": False}


async def broken() -> Mapping[str, bool]:
    raise OSError("redis://user:secret@host is away")


async def stuck() -> Mapping[str, bool]:
    await anyio.sleep_forever()
    raise AssertionError


async def asked(
    path: str,
    ready: object = well,
    *,
    metrics: Metrics | None = None,
    token: str | None = None,
    method: str = "GET",
    **headers: str,
) -> httpx2.Response:
    routes = health_routes(metrics or Metrics(), ready, token=token)  # type: ignore[arg-type]
    transport = httpx2.ASGITransport(app=Starlette(routes=routes))
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.request(method, path, headers=names)


async def test_whoever_answers_is_alive() -> None:
    answer = await asked("/healthz", unwell)

    assert (answer.status_code, answer.json()) == (200, {"alive": True})


async def test_a_gateway_is_ready_when_all_is_well() -> None:
    answer = await asked("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"ready": True, "missing": []})
    assert answer.headers["cache-control"] == "no-store"


async def test_what_is_not_well_is_named() -> None:
    answer = await asked("/readyz", unwell)

    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "missing": ["accepting", "store"]}


async def test_a_check_that_fails_is_not_well_and_tells_nobody_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = await asked("/readyz", broken)

    assert (answer.status_code, answer.json()["missing"]) == (503, ["checked"])
    assert "cannot be told" in caplog.text


def test_a_check_that_takes_too_long_is_not_waited_for() -> None:
    async def asks() -> tuple[int, float]:
        began = anyio.current_time()
        answer = await asked("/readyz", stuck)
        return answer.status_code, anyio.current_time() - began

    assert run_virtual(asks) == (503, PATIENCE)


async def test_metrics_are_in_prometheus_own_form() -> None:
    metrics = Metrics()
    metrics.refused("openai", "busy")
    metrics.bytes("openai", "gemini", "in", "audio", 7)

    answer = await asked("/metrics", metrics=metrics, accept_encoding="identity")

    samples = read(answer.text)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert value(samples, "refusals_total", front="openai", reason="busy") == 1
    assert sum(n for (name, _), n in samples.items() if name == "bytes_total") == 7


async def test_metrics_are_in_the_form_asked_for() -> None:
    answer = await asked("/metrics", accept="application/openmetrics-text; version=1.0.0")

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_metrics_are_compressed_for_who_can_read_that() -> None:
    answer = await asked("/metrics", accept_encoding="gzip")
    plain = await asked("/metrics", accept_encoding="identity")

    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text.startswith("# HELP")
    assert "content-encoding" not in plain.headers
    assert gzip.compress(plain.content)


@pytest.mark.parametrize(
    "shown", ["", "Bearer ", "Bearer wrong", "Bearer prom", "Bearer prom-tokens", "prom-token"]
)
async def test_with_a_token_metrics_are_for_who_has_it(shown: str) -> None:
    answer = await asked("/metrics", token="prom-token", authorization=shown)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "antiphon" not in answer.text
    assert (await asked("/healthz", token="prom-token")).status_code == 200


async def test_the_token_opens_the_metrics() -> None:
    answer = await asked("/metrics", token="prom-token", authorization="Bearer prom-token")

    assert answer.status_code == 200


def test_an_empty_token_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="lets everybody in"):
        health_routes(Metrics(), well, token="")


async def test_nothing_is_to_be_changed_here() -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await asked(path, method="POST")).status_code == 405
        assert (await asked(path, method="HEAD")).status_code == 200
