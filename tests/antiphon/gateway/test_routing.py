"""Which model answers: from what a client asks for to what is configured, and nothing else."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.gateway.aliases import RouteError, is_name
from antiphon.gateway.keys import Key
from antiphon.gateway.routing import FRONTS, NoSuchModel, NotAllowed, Routes, Target, fits
from antiphon.gateway.settings import Secret, Settings, Upstream
from antiphon.processors.local.server import Server
from antiphon.processors.remote import Remote

LAB = "http://127.0.0.1:9000/v1"

UPSTREAMS = {
    "openai": Upstream(key=Secret("sk-openai"), voice="marin"),
    "gemini": Upstream(key=Secret("sk-gemini")),
    "lab": Upstream(provider="openai", base_url=LAB),
}

ANY = Key(name="any")

Said = Mapping[str, str]


def path(asked: str | None, settings: Settings, *, dialect: str = "openai", key: Key = ANY) -> str:
    """The upstream/model that answers, or the name of the error."""
    try:
        return Routes(settings).upstream(asked, dialect=dialect, key=key).path
    except (NoSuchModel, NotAllowed) as error:
        return type(error).__name__


@pytest.mark.parametrize("dialect", FRONTS)
@pytest.mark.parametrize("asked", ["gpt-realtime-2", "openai/gpt-realtime-2", "local/echo", None])
def test_without_a_configuration_every_model_is_the_local_assistant(
    asked: str | None, dialect: str
) -> None:
    target = Routes(Settings()).upstream(asked, dialect=dialect, key=ANY)

    assert target == Target(name="local/assistant", upstream="local")


ROUTES = {
    "gpt-realtime": "openai/gpt-realtime-2",
    "gpt-*": "openai/gpt-*-mini",
    "gpt-realtime*": "lab/rt",
    "*-live": "gemini/live",
    "gemini-*": "gemini/gemini-*",
    "models/tuned": "gemini/tuned-1",
    "google/*": "gemini/*",
    "fast": "faster",
    "faster": "gpt-realtime",
    "openai/old": "openai/new",
    "agent_1": "local/script?path=one.toml",
}


@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        ("gpt-realtime", "openai/gpt-realtime-2"),
        ("gpt-realtime-2", "lab/rt"),
        ("gpt-realtime-live", "lab/rt"),
        ("gpt-4o", "openai/gpt-4o-mini"),
        ("gpt-live", "gemini/live"),
        ("x-live", "gemini/live"),
        ("gemini-3", "gemini/gemini-3"),
        ("models/gemini-3", "gemini/gemini-3"),
        ("tuned", "gemini/tuned-1"),
        ("models/tuned", "gemini/tuned-1"),
        ("google/gemini-3", "gemini/gemini-3"),
        ("google/a/b", "gemini/a/b"),
        ("fast", "openai/gpt-realtime-2"),
        ("openai/old", "openai/new"),
        ("agent_1", "local/script"),
        ("GPT-realtime", "local/assistant"),
        ("other", "local/assistant"),
        (None, "local/assistant"),
    ],
)
def test_routes_are_names_and_patterns_the_most_literal_first(
    asked: str | None, answers: str
) -> None:
    settings = Settings(upstreams=UPSTREAMS, routes=ROUTES, pass_through=False)

    assert path(asked, settings) == answers


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_in_which_patterns_are_written_does_not_count(order: int) -> None:
    settings = Settings(upstreams=UPSTREAMS, routes=dict(list(ROUTES.items())[::order]))

    assert path("gpt-realtime-live", settings) == "lab/rt"


@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        ("gpt-realtime", "gemini/mine"),
        ("gpt-4", "local/echo"),
        ("mine", "gemini/mine"),
        ("shared", "openai/gpt-realtime-2"),
        ("fast", "openai/gpt-realtime-2"),
        ("new", "openai/newest"),
        ("other", "gemini/spare"),
        (None, "gemini/spare"),
    ],
)
def test_a_keys_own_routes_and_default_go_before_those_of_all(
    asked: str | None, answers: str
) -> None:
    routes = {**ROUTES, "renamed": "new", "new": "openai/newest"}
    settings = Settings(upstreams=UPSTREAMS, routes=routes, pass_through=False)
    own = {"gpt-realtime": "gemini/mine", "gpt-4*": "local/echo", "shared": "fast"}
    own |= {"mine": "gpt-realtime", "new": "renamed"}
    key = Key(name="alice", routes=own, default="gemini/spare")

    assert path(asked, settings, key=key) == answers


@pytest.mark.parametrize(
    ("dialect", "asked", "answers"),
    [
        ("openai", "gpt-realtime-2", "openai/gpt-realtime-2"),
        ("openai_live", "gpt-live-1", "openai/gpt-live-1"),
        ("openai", "ft:gpt-realtime:org::id", "openai/ft:gpt-realtime:org::id"),
        ("openai", "openai/gpt-realtime-2", "openai/gpt-realtime-2"),
        ("openai", "gemini/live", "gemini/live"),
        ("openai", "google/live", "gemini/live"),
        ("openai", "lab/a/b", "lab/a/b"),
        ("openai", "xai/grok", "local/assistant"),
        ("openai", "spacexai/grok", "local/assistant"),
        ("openai", "local/echo", "local/assistant"),
        ("openai", None, "local/assistant"),
        ("xai", "grok-voice-latest", "local/assistant"),
        ("gemini", "models/gemini-3", "gemini/gemini-3"),
        ("gemini", "tunedModels/mine", "gemini/tunedModels/mine"),
        ("elevenlabs", "agent_1", "local/assistant"),
        ("vercel", "openai/gpt-realtime-2", "openai/gpt-realtime-2"),
        ("vercel", "google/gemini-3", "gemini/gemini-3"),
        ("vercel", "gpt-realtime-2", "openai/gpt-realtime-2"),
        ("opper", "gpt-realtime-2", "local/assistant"),
    ],
)
def test_what_no_route_knows_is_asked_of_an_upstream(
    dialect: str, asked: str | None, answers: str
) -> None:
    settings = Settings(upstreams=UPSTREAMS)

    assert path(asked, settings, dialect=dialect) == answers


@pytest.mark.parametrize(
    ("dialect", "asked", "answers"),
    [
        ("vercel", "openai/gpt-realtime-2", "vercel/openai/gpt-realtime-2"),
        ("vercel", "gpt-realtime-2", "vercel/gpt-realtime-2"),
        ("vercel", "vercel/openai/gpt-realtime-2", "vercel/openai/gpt-realtime-2"),
        ("opper", "openai/gpt-realtime-2", "openai/gpt-realtime-2"),
        ("openai", "openai/gpt-realtime-2", "openai/gpt-realtime-2"),
        ("openai", "vercel/openai/gpt-realtime-2", "vercel/openai/gpt-realtime-2"),
    ],
)
def test_the_front_of_a_gateway_asks_that_gateway_first(
    dialect: str, asked: str, answers: str
) -> None:
    settings = Settings(upstreams={**UPSTREAMS, "vercel": Upstream(key=Secret("k"))})

    assert path(asked, settings, dialect=dialect) == answers


@pytest.mark.parametrize(
    "asked", ["gpt?base_url=http://x", "../gpt", "gpt/../x", "a b", "é", "", "x" * 201]
)
def test_what_can_be_no_name_is_a_model_that_no_route_knows(asked: str) -> None:
    everything = {"*": "openai/*"}

    assert path(asked, Settings(upstreams=UPSTREAMS, routes=everything)) == "local/assistant"
    assert path(asked, Settings(upstreams=UPSTREAMS)) == "local/assistant"


def test_the_ends_of_a_pattern_do_not_overlap() -> None:
    settings = Settings(upstreams=UPSTREAMS, routes={"ab*bc": "lab/*x"}, pass_through=False)

    assert path("abc", settings) == "local/assistant"
    assert path("abbc", settings) == "lab/x"
    assert path("ab-bc", settings) == "lab/-x"


def test_without_pass_through_only_routes_lead_to_upstreams() -> None:
    settings = Settings(upstreams=UPSTREAMS, pass_through=False)

    assert path("gpt-realtime-2", settings) == "local/assistant"
    assert path("gemini/live", settings) == "local/assistant"


@pytest.mark.parametrize("asked", ["other", "a?base_url=http://x", "", None])
def test_without_a_default_an_unknown_model_is_refused(asked: str | None) -> None:
    settings = Settings(default=None)

    with pytest.raises(NoSuchModel) as raised:
        Routes(settings).upstream(asked, dialect="openai", key=ANY)

    assert raised.value.asked == asked
    assert str(raised.value).startswith("there is no ")


def test_a_key_of_its_own_has_no_default_if_it_says_so() -> None:
    assert path("other", Settings(), key=Key(name="a", default="none")) == "NoSuchModel"


@pytest.mark.parametrize(
    ("models", "asked", "answers"),
    [
        (("*",), "gpt-1", "openai/gpt-1"),
        (("openai/*",), "gpt-1", "openai/gpt-1"),
        (("gemini/*", "openai/gpt-1"), "gpt-1", "openai/gpt-1"),
        (("openai/gpt",), "gpt-1", "NotAllowed"),
        (("openai/gpt.1",), "gpt-1", "NotAllowed"),
        (("gemini/*",), "gpt-1", "NotAllowed"),
        (("gpt-*",), "gpt-1", "NotAllowed"),
        (("lab/*",), "alias", "lab/gpt-1"),
        (("openai/*",), "alias", "NotAllowed"),
        (("openai/*",), None, "NotAllowed"),
        ((), "gpt-1", "NotAllowed"),
    ],
)
def test_a_key_may_use_the_models_that_it_is_for(
    models: tuple[str, ...], asked: str | None, answers: str
) -> None:
    settings = Settings(upstreams=UPSTREAMS, routes={"alias": "lab/gpt-1"})

    assert path(asked, settings, key=Key(name="a", models=models)) == answers


def test_who_is_refused_is_told_their_own_words_and_not_the_configuration() -> None:
    settings = Settings(upstreams=UPSTREAMS, routes={"alias": "lab/secret-name"})

    with pytest.raises(NotAllowed) as raised:
        Routes(settings).upstream("alias", dialect="openai", key=Key(name="a", models=()))

    assert str(raised.value) == "the key a may not use the model 'alias'"


def test_a_remote_target_has_the_configurations_address_and_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.example")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-elsewhere")
    routes = Routes(Settings(upstreams=UPSTREAMS))

    openai = routes.upstream("gpt-realtime-2", dialect="openai", key=ANY)
    lab = routes.upstream("lab/gpt-live-1", dialect="openai", key=ANY)

    assert openai == Target(
        name="openai/gpt-realtime-2",
        upstream="openai",
        base_url="https://api.openai.com/v1",
        key=Secret("sk-openai"),
        voice="marin",
    )
    assert lab == Target(name="openai/gpt-live-1", upstream="lab", base_url=LAB)
    assert (openai.provider, openai.model, openai.dialect) == (
        "openai",
        "gpt-realtime-2",
        "openai",
    )
    assert (lab.path, lab.dialect) == ("lab/gpt-live-1", "openai_live")
    assert "sk-openai" not in repr(openai)


def test_a_remote_target_is_built_with_its_address_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-elsewhere")
    built: list[tuple[str, object]] = []

    def remote_model(name: str, **options: object) -> None:
        built.append((name, options))

    monkeypatch.setattr("antiphon.processors.remote.providers.remote_model", remote_model)
    routes = Routes(Settings(upstreams=UPSTREAMS))

    for asked in ("gemini/live", "lab/rt"):
        routes.upstream(asked, dialect="openai", key=ANY).build()

    assert built == [
        (
            "gemini/live",
            {"key": "sk-gemini", "base_url": "https://generativelanguage.googleapis.com"},
        ),
        ("openai/rt", {"key": "none", "base_url": LAB}),
    ]


def test_targets_are_models() -> None:
    routes = Routes(Settings(upstreams=UPSTREAMS, default="local/echo?seed=3"))

    remote = routes.upstream("gpt-realtime-2", dialect="openai", key=ANY).build()
    local = routes.upstream("other/x", dialect="xai", key=ANY)

    assert isinstance(remote, Remote)
    assert remote.model == "gpt-realtime-2"
    assert isinstance(local.build(), Server)
    assert (local.name, local.options, local.dialect) == ("local/echo", "seed=3", None)


@pytest.mark.parametrize(
    "routes",
    [
        {"a": "b"},
        {"a": "a"},
        {"a": "b", "b": "a"},
        {"a": "xai/grok"},
        {"a": "openai/x?base_url=http://x"},
        {"a": "openai/../x"},
        {"a": "openai/"},
        {"a": "openai/*"},
        {"a*": "openai/**"},
        {"a*": "local/*"},
        {"a*": "b", "b": "openai/x", "c": "a*"},
    ],
)
def test_a_route_that_leads_nowhere_is_an_error_before_anybody_asks(routes: Said) -> None:
    with pytest.raises(RouteError):
        Routes(Settings(upstreams=UPSTREAMS, routes=routes))


TRICKS = st.sampled_from(
    [
        *("gpt-realtime-2?base_url=http://evil.example", "openai/x?held=9", "openai/x#y"),
        *("../../v1/other", "openai/../x", "openai/./x", "openai//x", "/openai/x", "openai/"),
        *("local/script?path=/etc/passwd", "local/echo", "http://evil.example/x", "openai/%2e%2e"),
        *("openai\\x", "openai/x y", "openai/x\r\nHost: y", "openai/x\0", "openai/é", "lab/.x"),
        *("lab/a/../b", "*", "gpt-*", "models/../x", "models/models/x", "x" * 201, "@/..", ":"),
    ]
)

ASKED = TRICKS | st.text(alphabet="abxlg/.-_:@?#%* \\", max_size=30) | st.text(max_size=30)

REACHABLE = {"openai": None, "gemini": None, "lab": LAB}


@given(
    asked=ASKED
    | st.builds("{}{}".format, st.sampled_from(["openai/", "lab/", "gpt-", "c"]), ASKED),
    dialect=st.sampled_from(list(FRONTS)),
    pass_through=st.booleans(),
)
def test_whatever_is_asked_for_only_what_is_configured_answers(
    asked: str, dialect: str, pass_through: bool
) -> None:
    settings = Settings(
        upstreams=UPSTREAMS,
        routes={"gpt-*": "openai/gpt-*", "c*": "lab/*", "s": "local/script?path=s.toml"},
        pass_through=pass_through,
    )
    usual = Routes(Settings(upstreams=UPSTREAMS))
    try:
        target = Routes(settings).upstream(asked, dialect=dialect, key=ANY)
    except NoSuchModel:
        return

    if target.upstream == "local":
        assert (target.name, target.options) in [
            ("local/assistant", ""),
            ("local/script", "path=s.toml"),
        ]
        assert target.key is None and target.base_url is None
        return
    own = usual.upstream(f"{target.upstream}/x", dialect="openai", key=ANY)
    assert (target.base_url, target.key) == (own.base_url, own.key)
    assert target.upstream in UPSTREAMS and not target.options
    assert is_name(target.model)
    assert not set(target.model) & set("?#%* \\\r\n\0")
    assert not any(part in ("", ".", "..") for part in target.model.split("/"))


@given(st.text("ab*/.", max_size=8), st.text("ab/.", max_size=8))
def test_a_pattern_fits_what_its_stars_can_stand_for(pattern: str, name: str) -> None:
    def possible(pattern: str, name: str) -> bool:
        if not pattern:
            return not name
        if pattern[0] == "*":
            return any(possible(pattern[1:], name[at:]) for at in range(len(name) + 1))
        return name[:1] == pattern[0] and possible(pattern[1:], name[1:])

    assert fits(pattern, name) == possible(pattern, name)
