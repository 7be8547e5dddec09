"""How ends are reached: what is read of a request, and what a log may know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.codecs.connection import (
    Admission,
    Connect,
    Credential,
    HttpRequest,
    HttpResponse,
    Order,
    Ticket,
    Upgrade,
    after,
    bearer,
    path_of,
    websocket_url,
    without_query,
)

SECRET = "s3cret"


@pytest.mark.parametrize(
    "shown",
    [
        Connect(
            url=f"wss://user:{SECRET}@host/path?ticket={SECRET}#{SECRET}",
            headers={"Authorization": f"Bearer {SECRET}"},
            subprotocols=("realtime", f"key.{SECRET}"),
        ),
        Upgrade(
            target=f"/path?ticket={SECRET}",
            headers={"authorization": f"Bearer {SECRET}"},
            subprotocols=(f"key.{SECRET}",),
        ),
        Credential(kind="key", value=SECRET),
        Admission(credential=Credential(kind="ticket", value=SECRET), subprotocol=f"key.{SECRET}"),
        Order(credential=Credential(kind="key", value=SECRET)),
        HttpRequest(
            method="POST",
            url=f"https://host/path?key={SECRET}",
            headers={"Authorization": SECRET},
            body=SECRET.encode(),
        ),
        HttpResponse(body=SECRET.encode(), headers={"Set-Cookie": SECRET}),
        Ticket(token=SECRET, url=f"wss://host/path?access_token={SECRET}"),
    ],
)
def test_a_secret_shows_in_no_repr(shown: object) -> None:
    assert SECRET not in repr(shown)
    assert type(shown).__name__ in repr(shown)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://user@host:1/v1/a?b#c", "/v1/a"),
        ("/v1/a?b", "/v1/a"),
        ("https://host[/v1", "/v1"),
        ("https://host", "/"),
        ("", "/"),
    ],
)
def test_a_path_is_read_of_any_address(url: str, path: str) -> None:
    assert path_of(url) == path


def test_a_log_still_tells_where_it_went() -> None:
    assert without_query("wss://user:pass@host:1/a/b@c?d#e") == "wss://host:1/a/b@c"


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/v1/realtime?model=a%2Fb&x", "/v1/realtime", {"model": "a/b", "x": ""}),
        ("//v1///realtime", "/v1/realtime", {}),
        ("/v1?a=1&a=2", "/v1", {"a": "2"}),
        ("/v1?a=1#b?c=2", "/v1", {"a": "1"}),
        ("", "", {}),
    ],
)
def test_an_upgrade_is_read_by_path_and_query(
    target: str, path: str, query: dict[str, str]
) -> None:
    upgrade = Upgrade(target=target)

    assert (upgrade.path, upgrade.query) == (path, query)


@given(st.text(max_size=40) | st.sampled_from(["[", "//[", "?" + "a&" * 10_000, "*", "/%ff?%ff"]))
def test_whatever_is_asked_for_can_be_read(target: str) -> None:
    upgrade = Upgrade(target=target)

    assert "//" not in upgrade.path
    assert isinstance(upgrade.query, dict)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Bearer ", None),
        ("Bearer", None),
        ("Basic abc", None),
        ("", None),
    ],
)
def test_a_bearer_shows_a_token(header: str, token: str | None) -> None:
    assert bearer({"authorization": header}) == token


def test_who_shows_nothing_has_no_token() -> None:
    assert bearer({}) is None


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://host/v1/", "wss://host/v1"),
        ("http://host:8080", "ws://host:8080"),
        ("wss://host/v1", "wss://host/v1"),
    ],
)
def test_a_websocket_is_where_the_base_is(base: str, url: str) -> None:
    assert websocket_url(base) == url


def test_a_subprotocol_may_carry_something() -> None:
    offered = ("realtime", "key.", "key.abc", "key.def")

    assert after("key.", offered) == "abc"
    assert after("other.", offered) is None
