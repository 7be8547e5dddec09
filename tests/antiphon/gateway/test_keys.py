"""Keys: who is let in, and that nobody learns a secret from it."""

import copy
import hashlib
import pickle
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.gateway import keys as module
from antiphon.gateway import secret
from antiphon.gateway.keys import Key, Keys, is_loopback
from antiphon.gateway.settings import KeySettings, Limits, Secret, Settings

ALICE, BOB = "sk-alice-0123456789", "sk-bob-0123456789"


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def two_keys() -> Keys:
    return Keys.from_settings(
        Settings(
            keys={
                "alice": KeySettings(secret=(Secret(ALICE), Secret("sk-old")), budget=2.0),
                "bob": KeySettings(sha256=(hashed(BOB),), limits=Limits(concurrent=1)),
            },
            limits=Limits(idle=9.0),
        )
    )


def name_of(key: Key | None) -> str | None:
    return None if key is None else key.name


@pytest.mark.parametrize(
    ("presented", "name"),
    [
        (ALICE, "alice"),
        ("sk-old", "alice"),
        (BOB, "bob"),
        (hashed(BOB), None),
        (ALICE + " ", None),
        (ALICE[:-1], None),
        (ALICE.upper(), None),
        ("", None),
        (None, None),
        ("\udcff", None),
    ],
)
def test_a_key_is_known_by_its_whole_secret(presented: str | None, name: str | None) -> None:
    assert name_of(two_keys().check(presented)) == name


def test_a_key_knows_what_it_may_and_not_its_secret() -> None:
    key = two_keys().check(ALICE)

    assert key == Key(name="alice", id="alice", limits=Limits(idle=9.0), budget=2.0)
    assert ALICE not in str(msgspec.to_builtins(key)) + repr(key)


def test_limits_of_its_own_are_the_keys() -> None:
    key = two_keys().check(BOB)

    assert key is not None
    assert key.limits == Limits(concurrent=1)


@pytest.mark.parametrize("presented", [ALICE, "sk-old", BOB, "sk-nobody", "", None])
def test_every_secret_is_compared_whoever_comes(
    presented: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr(module, "compare_digest", compare)

    two_keys().check(presented)

    assert compared == [(32, 32)] * 3


@pytest.mark.parametrize("presented", ["", None])
def test_nothing_is_no_key_even_where_a_secret_is_empty(presented: str | None) -> None:
    keys = Keys.from_settings(Settings(keys={"a": KeySettings(secret=(Secret(""),))}))

    assert keys.check(presented) is None


def test_a_key_is_found_by_its_name_when_a_ticket_is_redeemed() -> None:
    keys = two_keys()

    assert [name_of(keys.named(name)) for name in ("bob", "carol", "any")] == ["bob", None, None]


@pytest.mark.parametrize(
    ("variable", "secrets"),
    [
        ("one", ["one"]),
        (" one, two ,", ["one", "two"]),
        ("one,,two,one", ["one", "two"]),
        ("$one", ["$one"]),
        (",, ,", []),
        ("", []),
        (None, []),
    ],
)
def test_keys_of_the_environment_are_numbered(variable: str | None, secrets: list[str]) -> None:
    environ = {} if variable is None else {"ANTIPHON_API_KEYS": variable}

    keys = Keys.from_environment(environ)

    found = [name_of(keys.check(secret)) for secret in secrets]
    assert found == [f"key-{number}" for number in range(1, len(secrets) + 1)]
    assert not keys.anybody
    assert keys.check("other") is None
    assert keys.check("") is None


def test_without_any_keys_everybody_is_let_in() -> None:
    keys = Keys.from_settings(Settings(limits=Limits(concurrent=3)))

    assert keys.anybody
    for presented in ("sk-a", "sk-b", "", None):
        key = keys.check(presented)
        assert key is not None
        assert (key.name, key.limits.concurrent) == ("any", 3)


def test_those_who_need_no_key_are_told_apart_by_what_they_show() -> None:
    keys = Keys.for_anybody()

    ids = [key.id for one in ("sk-a", "sk-b", "sk-a", "", None) if (key := keys.check(one))]

    assert ids[0] == ids[2] != ids[1]
    assert ids[3] == ids[4] == "any"
    assert not any("sk-" in one for one in ids)
    assert [name_of(keys.named(one)) for one in (*ids, "bob")] == ["any"] * 5 + [None]
    assert keys.named(ids[0]) == keys.check("sk-a")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("::ffff:10.0.0.1", False),
        ("10.0.0.1", False),
        ("example.org", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("", False),
    ],
)
def test_only_this_machines_own_addresses_are_its_own(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


SHOWING: tuple[Callable[[Any], object], ...] = (
    repr,
    str,
    lambda one: f"{one:>99}{one!r}{one!s}",
    lambda one: "%s %r" % (one, one),  # noqa: UP031
    lambda one: [one, {one: one}],
    lambda one: KeySettings(secret=(one,)),
    lambda one: msgspec.json.encode(one, enc_hook=str),
    lambda one: msgspec.to_builtins(KeySettings(secret=(one,)), enc_hook=str),
    lambda one: getattr(one, "__dict__", None),
)


@given(st.text())
def test_nothing_that_shows_things_shows_a_secret(text: str) -> None:
    hidden = Secret(f"sk-{text}")

    assert hidden.reveal() == f"sk-{text}"
    for show in SHOWING:
        assert "sk-" not in repr(show(hidden))


@pytest.mark.parametrize(
    "write", [pickle.dumps, copy.deepcopy, msgspec.json.encode, msgspec.msgpack.encode]
)
def test_a_secret_is_not_written_down(write: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError) as raised:
        write(KeySettings(secret=(Secret(ALICE),)))

    assert ALICE not in str(raised.value)


@pytest.fixture
def spawning(monkeypatch: pytest.MonkeyPatch) -> None:
    """As while multiprocessing tells a new process what it is to do."""
    monkeypatch.setattr(secret, "get_spawning_popen", object)


@pytest.mark.usefixtures("spawning")
def test_a_process_that_is_started_is_told_the_settings_with_their_secrets() -> None:
    settings = Settings(keys={"alice": KeySettings(secret=(Secret(ALICE),))})

    assert pickle.loads(pickle.dumps(settings)) == settings


def test_secrets_are_the_same_if_their_texts_are() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") and not Secret("")
