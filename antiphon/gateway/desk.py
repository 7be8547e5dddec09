"""Where tickets are bought."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from antiphon.codecs.config import SessionConfig
from antiphon.codecs.connection import HttpResponse, Order
from antiphon.codecs.dialect import Dialect
from antiphon.codecs.dialects import find_dialect
from antiphon.codecs.refusing import Problem
from antiphon.codecs.vercel.setup import read_setup_request, setup_response
from antiphon.codecs.wire import Unsayable, WireError
from antiphon.gateway import fronts, requests, tickets
from antiphon.gateway.admission import Away, Guest, Refusal, admit
from antiphon.gateway.house import House
from antiphon.gateway.store import StoreAway, StoreFull

MINUTE = 60.0

LOCKED = ("instructions", "tools")
"""What a page cannot change of a session once it is set up; nor can it change the model."""


async def sell(house: House, errand: fronts.Errand, request: Request) -> HttpResponse:
    """A ticket for whoever has a key. Raises Refusal."""
    front, order = errand.front, errand.order
    assert front.minting is not None
    guest = await admit(front, order.credential, keys=house.keys, store=house.store)
    if guest.grant is not None:
        raise Refusal("unauthorized", "a ticket buys no other ticket")
    if order.model is not None:
        house.target(front, guest, order.model)
    ticket = await _ticket(house, front, order, guest, request)
    return front.minting.answer(order, ticket)


async def set_up(house: House, guest: Guest, request: Request) -> Response:
    """What the AI SDK's hook asks its application for before it connects."""
    front = find_dialect("vercel")
    assert front.minting is not None
    try:
        config = read_setup_request(await requests.body_of(request))
        model = config.model or request.query_params.get("model") or house.settings.default
        house.target(front, guest, model)
        order = Order(model=model, config=config, locked=LOCKED, uses=1)
        ticket = await _ticket(house, front, order, guest, request)
        return requests.written(setup_response(ticket, config.tools))
    except WireError as error:
        problem = Problem(cause="invalid", message=error.problem, param=error.path)
        return requests.written(front.refuse(problem))
    except Unsayable as error:
        return requests.written(front.refuse(Problem(cause="invalid", message=str(error))))
    except Refusal as refusal:
        return requests.written(front.refuse(refusal.problem))


async def _ticket(
    house: House, front: Dialect, order: Order, guest: Guest, request: Request
) -> "tickets.Ticket":
    most = guest.key.limits.mints_per_minute
    try:
        if most is not None:
            wait = await house.store.allow(f"mint:{guest.key.id}", most=most, window=MINUTE)
            if wait is not None:
                raise Refusal(
                    "too_many_requests", f"{most} tickets a minute can be bought", after=wait
                )
        url = _url(front, order.model or "", request)
        ticket = await tickets.mint(house.store, front, order, key=guest.key.id, url=url)
    except StoreAway as error:
        raise Away from error
    except StoreFull as error:
        raise Refusal("unavailable", "there are too many tickets", after=MINUTE) from error
    house.metrics.minted(front.name)
    return ticket


def _url(front: Dialect, model: str, request: Request) -> str:
    """Where a session is opened with the ticket: where the request for it came to."""
    base = requests.base_of(request)
    named = fronts.named(requests.path_of(request))
    if named is not None:
        base = f"{base}/{named}"
    return front.connect(model, base_url=base + urlsplit(front.base_url).path).url


async def usage(house: House, request: Request) -> Response:
    """What the sessions of the caller's key have cost, by model."""
    front = find_dialect("openai")
    key = house.keys.check(requests.key_of(request))
    if key is None:
        problem = Problem(cause="unauthorized", message="the key is not good")
        return requests.written(front.refuse(problem))
    try:
        spent = await house.store.spent(key.id)
    except StoreAway:
        return requests.written(front.refuse(Away().problem))
    money = sum(counters.get("money", 0) for counters in spent.values())
    return JSONResponse(
        {
            "key": key.name,
            "dollars": money / 1_000_000,
            "budget": key.budget,
            "models": {model: dict(counters) for model, counters in sorted(spent.items())},
        },
        headers={"cache-control": "no-store"},
    )


def models(house: House, request: Request) -> Response:
    """Names that can be asked for, as Opper lists its realtime models."""
    front = find_dialect("opper")
    if house.keys.check(requests.key_of(request)) is None and not house.has_page_guest:
        problem = Problem(cause="unauthorized", message="the key is not good")
        return requests.written(front.refuse(problem))
    settings = house.settings
    names = {*settings.routes, *settings.agents, *filter(None, [settings.default])}
    rates = front.rates(SessionConfig())
    realtime = {
        "input_audio_format": "pcm16",
        "input_sample_rate": rates.input,
        "output_audio_format": "pcm16",
        "output_sample_rate": rates.output,
        "supports_tools": True,
        "supports_vad": True,
    }
    listed = [
        {"id": name, "name": name, "type": "realtime", "params": {"realtime": realtime}}
        for name in sorted(names)
        if "*" not in name
    ]
    return JSONResponse({"data": listed})
