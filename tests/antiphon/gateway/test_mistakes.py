"""Everything that is wrong with a configuration is told at once, with its line, and no secret."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.gateway.reading import read_settings
from antiphon.gateway.settings import Settings, SettingsError

ENVIRON = {"KEY": "sk-env-123", "EMPTY": "", "BAD": "sk-with\nspaces"}

SECRETS = ("sk-", "hunter2")
"""Beginnings of what nobody is told."""

Wrong = Callable[..., list[str]]


@pytest.fixture
def wrong(tmp_path: Path) -> Wrong:
    """What is told of a configuration, without its folder."""

    def wrong(text: str, **listen: object) -> list[str]:
        file = tmp_path / "gateway.toml"
        file.write_text(text)
        with pytest.raises(SettingsError) as raised:
            read_settings(file, ENVIRON, listen=listen)
        assert not any(secret in str(raised.value) for secret in SECRETS)
        told = str(raised.value).replace(f"{tmp_path}/", "").replace(str(tmp_path), ".")
        return told.splitlines()

    return wrong


MISTAKES = (Path(__file__).with_name("mistakes.txt")).read_text().strip().split("\n\n")[1:]


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_at_its_line(wrong: Wrong, text: str) -> None:
    expected = [
        f"gateway.toml:{number}: {told.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        for told in line.split("#! ")[1:]
    ]

    assert expected
    assert wrong(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = \n", "1: is no TOML: Invalid value"),
        ("\n\n[a\n", "3: is no TOML: Expected ']' at the end of a table declaration"),
        ("default = 'a'\ndefault = 'b'", "2: is no TOML: Cannot overwrite a value"),
        ("\na = '''b\n\n", "2: is no TOML: Expected \"'''\""),
    ],
)
def test_what_is_no_toml_is_told_at_its_line(wrong: Wrong, text: str, told: str) -> None:
    assert wrong(text) == [f"gateway.toml:{told}"]


def test_what_the_page_says_of_mistakes_is_what_is_told(wrong: Wrong) -> None:
    page = (Path(__file__).parents[3] / "docs" / "gateway-settings.md").read_text()
    first, second = re.findall(r"^gateway.toml:\d+: (.*)$", page, re.MULTILINE)

    assert wrong(
        "[keys.alice]\nsecret = 'k'\nlimits.session = 'long'\n"
        "[upstreams.openai]\nkey = 'k'\n[routes]\nfast = 'opnai/gpt-realtime-2'"
    ) == [f"gateway.toml:3: {first}", f"gateway.toml:7: {second}"]


def test_what_the_command_line_says_is_its_own_mistake(wrong: Wrong) -> None:
    told = wrong("[listen]\nport = 1\n", port="x", host="0.0.0.0", tls_key="gateway.toml")

    assert [line.partition(",")[0] for line in told] == [
        "command line: --port must be a port",
        "command line: --host 0.0.0.0 can be reached from elsewhere",
        "command line: --tls-key needs tls_cert beside it",
    ]


def test_a_key_of_the_environment_that_cannot_be_shown_is_told_by_its_number() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.standard(environ={"ANTIPHON_API_KEYS": "good,sk not good"})

    assert str(raised.value) == (
        "ANTIPHON_API_KEYS: key-2 has spaces or characters that no header can carry"
    )


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings(tmp_path / "none.toml", {})

    assert str(raised.value) == f"{tmp_path}/none.toml: cannot be read: No such file or directory"
    assert raised.value.problems[0].line is None


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_bytes(b"# fine\n# \xff\n")

    with pytest.raises(SettingsError, match=r"gateway.toml:2: is not UTF-8"):
        read_settings(file, {})


def test_a_file_that_is_nested_too_deep_is_told(wrong: Wrong) -> None:
    assert wrong("a = " + "[" * 100_000) == ["gateway.toml: is nested too deep"]


SAID = st.recursive(
    st.sampled_from(["1", "-1", "1.5", "inf", "true", '"x"', '"$KEY"', '"local/echo"', '"*"'])
    | st.sampled_from(["1979-05-27", "[]", "{}"]),
    lambda inner: st.lists(inner, max_size=2).map(lambda one: f"[{', '.join(one)}]"),
    max_leaves=3,
)
NAMED = st.sampled_from(
    ["default", "drain", "listen", "listen.port", "listen.host", "upstreams", "upstreams.openai"]
    + ["upstreams.x.key", "upstreams.openai.base_url", "routes", "routes.'*'", "routes.a", "limits"]
    + ["limits.idle", "keys", "keys.a", "keys.b.secret", "keys.b.limits", "keys.b.limits.idle"]
    + ["keys.c.sha256", "keys.c.models", "webrtc.ice_servers", "webrtc.ports", "store.url", "zzz"]
    + [
        "browser.origins",
        "browser.key",
        "observe.metrics_token",
        "webrtc.addresses",
        "recordings",
        "prices",
    ]
)


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / "gateway.toml"


@settings(deadline=None)
@given(said=st.lists(st.tuples(NAMED, SAID), max_size=4))
def test_whatever_a_file_says_it_is_read_or_told_at_its_lines(
    anywhere: Path, said: list[tuple[str, str]]
) -> None:
    anywhere.write_text("".join(f"{name} = {value}\n" for name, value in said))
    try:
        read = read_settings(anywhere, {"KEY": "sk-env-secret"})
    except SettingsError as error:
        assert "sk-env" not in str(error)
        assert all(1 <= (one.line or 0) <= len(said) for one in error.problems)
    else:
        assert "sk-env" not in repr(read)
