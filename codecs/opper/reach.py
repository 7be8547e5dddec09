"""Where sessions are opened at Opper, and by whom."""

from urllib.parse import quote, unquote

from antiphon.codecs.connection import (
    Admission,
    Connect,
    Credential,
    HttpResponse,
    Upgrade,
    after,
    bearer,
    websocket_url,
)
from antiphon.codecs.opper.session import FUNCTION
from antiphon.codecs.refusing import Problem, response

BASE_URL = "https://api.opper.ai"
PATH = "/v3/realtime"
TICKET = "opper-ticket."


def connect(
    model: str,
    *,
    key: str | None = None,
    ticket: str | None = None,
    base_url: str = BASE_URL,
) -> Connect:
    """The model is named by the first message; only a function, `function/NAME`, has its address.

    A ticket goes as a subprotocol, which no log of addresses shows.
    """
    path = PATH
    if model.startswith(FUNCTION):
        path += "/" + quote(model.removeprefix(FUNCTION), safe="")
    return Connect(
        url=websocket_url(base_url) + path,
        headers={} if key is None else {"Authorization": f"Bearer {key}"},
        subprotocols=() if ticket is None else (TICKET + ticket,),
    )


def accept(upgrade: Upgrade) -> Admission | None:
    """The subprotocol that carries the ticket is echoed, as browsers insist on and Opper does.

    Opper refuses keys that begin with `opmak-`, which are for its management: whoever checks the
    credential may do so too.
    """
    path = upgrade.path.rstrip("/")
    name = path.removeprefix(PATH + "/")
    if path != PATH and (name == path or "/" in name):
        return None
    ticket = after(TICKET, upgrade.subprotocols)
    return Admission(
        model=None if path == PATH else FUNCTION + unquote(name),
        credential=_credential(upgrade, ticket),
        subprotocol=None if ticket is None else TICKET + ticket,
    )


def _credential(upgrade: Upgrade, ticket: str | None) -> Credential | None:
    if (key := bearer(upgrade.headers)) is not None:
        return Credential(kind="key", value=key)
    ticket = ticket or upgrade.query.get("ticket")
    return Credential(kind="ticket", value=ticket) if ticket else None


def refuse(problem: Problem) -> HttpResponse:
    error = {"code": problem.code, "message": problem.message, "type": problem.kind}
    return response(problem, {"error": error})
