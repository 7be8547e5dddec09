"""Models are found by name; a name that is wrong is told what there is."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.processors import models
from antiphon.processors.local.server import Server
from antiphon.processors.models import LOCAL, ModelError, find_model
from tests.processors.parts import ScriptedModel

Built = dict[str, Any]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Built:
    """What the model `local/sample` was built with."""
    options: Built = {}

    def sample(
        path: str | Path | None = None,
        *,
        lines: ScriptedModel | None = None,
        clock: Callable[[], int] | None = None,
        seed: int = 0,
        speed: float = 4.0,
        limit: int | None = None,
        loud: bool = False,
        voice: str = "en",
    ) -> ScriptedModel:
        if speed < 0:
            raise ValueError("speed is above 0")
        options.update({name: value for name, value in locals().items() if name != "options"})
        return ScriptedModel()

    local: Mapping[str, Any] = {**LOCAL, "sample": lambda: sample}
    monkeypatch.setattr(models, "LOCAL", local)
    return options


@pytest.mark.parametrize("name", ["", "gpt", "acme/talker", "openai", "openai/", "openai?x=1"])
def test_an_unknown_model_is_told_which_there_are(name: str) -> None:
    with pytest.raises(ModelError) as raised:
        find_model(name)

    assert str(raised.value) == (
        f"there is no model {name!r}: the models are local/assistant, local/echo, local/script"
        " and those of providers, such as openai/gpt-realtime-2"
    )


def test_a_provider_without_a_key_says_where_it_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    with pytest.raises(ModelError, match="OPENAI_API_KEY"):
        find_model("openai/gpt-realtime-2")


def test_a_providers_model_has_the_rates_of_its_dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")

    model = find_model("openai/gpt-realtime-2?held=2")

    assert (model.input_rate, model.output_rate) == (24_000, 24_000)


@pytest.mark.parametrize(
    "name", ["local", "local/", "local/parrot", "local/echo/deeper", "local/parrot?seed=1"]
)
def test_an_unknown_local_model_is_told_which_there_are(name: str) -> None:
    with pytest.raises(ModelError) as raised:
        find_model(name)

    asked = name.partition("?")[0]
    assert str(raised.value) == (
        f"there is no model {asked!r}, only local/assistant, local/echo, local/script"
    )


def test_a_model_that_there_is_is_found() -> None:
    model = find_model("local/echo?seed=3")

    assert isinstance(model, Server)
    assert model.name == "local/echo"


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("seed=3", "seed", 3),
        ("seed=-1", "seed", -1),
        ("speed=1", "speed", 1.0),
        ("speed=.5", "speed", 0.5),
        ("limit=7", "limit", 7),
        ("voice=en-gb", "voice", "en-gb"),
        ("voice=7", "voice", "7"),
        ("voice=", "voice", ""),
        ("path=a%20b/c.toml", "path", "a b/c.toml"),
        ("loud=true", "loud", True),
        ("loud=YES", "loud", True),
        ("loud=1", "loud", True),
        ("loud=false", "loud", False),
        ("loud=no", "loud", False),
        ("loud=0", "loud", False),
    ],
)
def test_options_have_the_types_that_the_model_takes(
    built: Built, query: str, name: str, value: object
) -> None:
    find_model(f"local/sample?{query}")

    assert (built[name], type(built[name])) == (value, type(value))


def test_several_options_can_be_given_and_the_rest_are_as_they_are(built: Built) -> None:
    find_model("local/sample?seed=3&loud=yes")

    assert (built["seed"], built["loud"], built["speed"], built["path"]) == (3, True, 4.0, None)


@pytest.mark.parametrize("option", ["sead", "lines", "clock", "return"])
def test_an_unknown_option_is_told_which_there_are(built: Built, option: str) -> None:
    with pytest.raises(ModelError) as raised:
        find_model(f"local/sample?{option}=1")

    assert str(raised.value) == (
        f"local/sample has no option {option!r}, only path, seed, speed, limit, loud, voice"
    )


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("seed=three", "seed='three' is no int"),
        ("seed=1.5", "seed='1.5' is no int"),
        ("seed", "seed='' is no int"),
        ("speed=fast", "speed='fast' is no float"),
        ("speed=nan", "speed='nan' is no float"),
        ("speed=inf", "speed='inf' is no float"),
        ("loud=maybe", "loud='maybe' is no bool"),
        ("loud=", "loud='' is no bool"),
        ("speed=-1", "speed is above 0"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_it(built: Built, query: str, problem: str) -> None:
    with pytest.raises(ModelError) as raised:
        find_model(f"local/sample?{query}")

    assert str(raised.value) == f"local/sample: {problem}"
    assert not built


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("local/echo?chunk=5", "local/echo: speech comes in deltas of 0.02 to 0.2 s, not 5.0"),
        ("local/script", "local/script: local/script needs a file: local/script?path=SCRIPT.toml"),
        ("local/script?path=none.toml", "local/script: the script none.toml cannot be used"),
        ("local/script?lines=a", "local/script has no option 'lines', only path, think, chunk"),
    ],
)
def test_what_a_real_model_cannot_use_is_an_error_that_names_it(name: str, problem: str) -> None:
    with pytest.raises(ModelError) as raised:
        find_model(name)

    assert str(raised.value).startswith(problem)


@given(st.text())
def test_whatever_is_asked_for_there_is_a_model_or_an_error(query: str) -> None:
    try:
        model = find_model(f"local/echo?{query}")
    except ModelError as error:
        assert str(error).startswith("local/echo")
    else:
        assert isinstance(model, Server)
