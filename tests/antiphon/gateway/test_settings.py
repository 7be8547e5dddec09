"""A configuration is read, and its page and its example say what there is."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from antiphon.gateway.reading import read_settings
from antiphon.gateway.settings import (
    Agent,
    AgentTool,
    Browser,
    IceServer,
    KeySettings,
    Limits,
    Listen,
    Network,
    Observe,
    Secret,
    Settings,
    SettingsError,
    StoreSettings,
    Upstream,
)

ENVIRON = {"KEY": "sk-env-123", "OTHER": "sk-env-456"}

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        file = tmp_path / "gateway.toml"
        file.write_text(text)
        return file

    return write


# What is read.


def test_a_file_without_anything_is_as_none(write: Write) -> None:
    assert read_settings(write("# nothing\n"), {}) == Settings.standard(environ={}) == Settings()


def test_everything_can_be_said(write: Write, tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem", "prices.toml"):
        (tmp_path / name).touch()
    (tmp_path / "calls").mkdir()
    file = write(
        """
default = "fast"
pass_through = false
drain = 0
prices = "prices.toml"
recordings = "calls"
[listen]
host = "0.0.0.0"
port = 8443
tls_cert = "cert.pem"
tls_key = "key.pem"
workers = 2
[upstreams]
openai = { key = "$KEY", base_url = "https://proxy.example/v1", voice = "marin" }
lab = { provider = "openai", base_url = "ws://127.0.0.1:9/v1" }
[routes]
fast = "openai/gpt-realtime-2"
"lab-*" = "lab/*"
[agents.shop]
model = "fast"
instructions = "Be kind."
first_message = "Hello."
voice = "marin"
[[agents.shop.tools]]
name = "book"
description = "Books."
parameters = { type = "object" }
[limits]
session = 60
idle = "unlimited"
first_message = 2.5
message = 1000
concurrent = 3
mints_per_minute = "unlimited"
notice = 0
[keys.alice]
secret = ["$OTHER", "as it is"]
[keys.bob]
sha256 = "9F86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
models = "openai/*"
routes."*" = "fast"
default = "none"
budget = 20
session_budget = 0.5
limits = { concurrent = "unlimited", idle = 9 }
[browser]
page = false
key = "bob"
origins = ["https://app.example.org", "http://127.0.0.1:3000"]
cors = true
[webrtc]
addresses = ["127.0.0.1", "::1"]
ports = [40000, 40100]
ice_servers = [{ url = "turn:t.example", username = "u", credential = "$KEY" }]
[observe]
metrics = false
metrics_token = "$KEY"
otlp = "http://127.0.0.1:4318/v1/traces"
log_level = "DEBUG"
log_format = "line"
[store]
url = "redis://:pass@127.0.0.1:6379/0"
""".replace("as it is", "as-it-is")
    )

    limits = Limits(
        session=60.0, idle=None, first_message=2.5, message=1000, concurrent=3, notice=0.0
    )
    assert read_settings(file, ENVIRON) == Settings(
        default="fast",
        pass_through=False,
        drain=0.0,
        prices=tmp_path / "prices.toml",
        recordings=tmp_path / "calls",
        listen=Listen(
            host="0.0.0.0",
            port=8443,
            tls_cert=tmp_path / "cert.pem",
            tls_key=tmp_path / "key.pem",
            workers=2,
        ),
        upstreams={
            "openai": Upstream(
                key=Secret("sk-env-123"), base_url="https://proxy.example/v1", voice="marin"
            ),
            "lab": Upstream(provider="openai", base_url="ws://127.0.0.1:9/v1"),
        },
        routes={"fast": "openai/gpt-realtime-2", "lab-*": "lab/*"},
        agents={
            "shop": Agent(
                model="fast",
                instructions="Be kind.",
                first_message="Hello.",
                voice="marin",
                tools=(
                    AgentTool(name="book", description="Books.", parameters={"type": "object"}),
                ),
            )
        },
        limits=limits,
        keys={
            "alice": KeySettings(secret=(Secret("sk-env-456"), Secret("as-it-is"))),
            "bob": KeySettings(
                sha256=("9F86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",),
                models=("openai/*",),
                routes={"*": "fast"},
                default="none",
                budget=20.0,
                session_budget=0.5,
                limits=msgspec.structs.replace(limits, concurrent=None, idle=9.0),
            ),
        },
        browser=Browser(
            page=False,
            key="bob",
            origins=("https://app.example.org", "http://127.0.0.1:3000"),
            cors=True,
        ),
        webrtc=Network(
            addresses=("127.0.0.1", "::1"),
            ports=(40000, 40100),
            ice_servers=(
                IceServer(url="turn:t.example", username="u", credential=Secret("sk-env-123")),
            ),
        ),
        observe=Observe(
            metrics=False,
            metrics_token=Secret("sk-env-123"),
            otlp="http://127.0.0.1:4318/v1/traces",
            log_level="DEBUG",
            log_format="line",
        ),
        store=StoreSettings(url=Secret("redis://:pass@127.0.0.1:6379/0")),
    )


def test_a_default_can_be_none(write: Write) -> None:
    file = write('default = "none"\n[keys.a]\nsecret = "k"\ndefault = "none"\n')

    settings = read_settings(file, {})

    assert (settings.default, settings.keys["a"].default) == (None, "none")


def test_limits_of_a_key_are_those_of_all_with_its_own_over_them_wherever_they_stand(
    write: Write,
) -> None:
    file = write('[keys.a]\nsecret = "$KEY"\nlimits.idle = 9\n[limits]\nsession = 60\n')

    settings = read_settings(file, ENVIRON)

    assert settings.limits == Limits(session=60.0)
    assert settings.keys["a"].limits == Limits(session=60.0, idle=9.0)


def test_nothing_but_secrets_looks_into_the_environment(write: Write) -> None:
    file = write('[upstreams.openai]\nkey = "k"\nvoice = "$KEY"\n')

    assert read_settings(file, ENVIRON).upstreams["openai"].voice == "$KEY"


def test_files_of_local_models_lie_beside_the_configuration(write: Write, tmp_path: Path) -> None:
    (tmp_path / "bot one.toml").write_text('[[line]]\nsay = "Hello."\n')
    script = "local/script?path=bot+one.toml&seed=3"

    settings = read_settings(
        write(f'default = "{script}"\n[routes]\nbot = "{script}"\n[keys]\n'
              f'a = {{ secret = "k", default = "{script}", routes = {{ b = "{script}" }} }}'),
        {},
    )  # fmt: skip

    key = settings.keys["a"]
    for said in (settings.default, settings.routes["bot"], key.default, key.routes["b"]):
        assert said is not None
        assert said.endswith("bot+one.toml&seed=3")
        assert str(tmp_path).replace("/", "%2F") in said


@pytest.mark.parametrize(
    ("text", "names"),
    [("", ["key-1", "key-2"]), ("[keys]\n", ["key-1", "key-2"]), ('keys.a.secret = "k"', ["a"])],
)
def test_keys_of_the_environment_hold_unless_the_file_has_some(
    write: Write, text: str, names: list[str]
) -> None:
    settings = read_settings(write(text), {"ANTIPHON_API_KEYS": "one,two"})

    assert list(settings.keys) == names


def test_the_command_line_goes_before_the_file(write: Write) -> None:
    file = write('[listen]\nhost = "127.0.0.2"\nport = 1\nworkers = 1\n')

    settings = read_settings(file, {}, listen={"port": 2, "host": None, "tls_key": None})

    assert (settings.listen.host, settings.listen.port) == ("127.0.0.2", 2)


def test_files_of_the_command_line_are_not_beside_the_configuration(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    cert = tmp_path / "sub" / "cert.pem"
    cert.touch()

    settings = read_settings(write(""), {}, listen={"tls_cert": cert, "tls_key": cert})

    assert settings.listen.tls_cert == cert


def test_a_store_of_the_command_line_goes_before_the_files(write: Write) -> None:
    url, environ = "redis://127.0.0.1:1/0", {"URL": "redis://127.0.0.1:3/0"}
    file = write('[store]\nurl = "redis://127.0.0.1:2/0"\n')

    assert read_settings(file, {}, store=url).store.url == Secret(url)
    assert Settings.standard(environ=environ, store="$URL").store.url == Secret(environ["URL"])
    assert Settings.standard(environ={}, store=url, listen={"workers": 2}).listen.workers == 2


def test_without_a_file_any_key_is_good_on_this_machine_only() -> None:
    keys = {"ANTIPHON_API_KEYS": "one"}

    assert Settings.standard(host="localhost", environ={}).keys == {}
    assert list(Settings.standard(host="0.0.0.0", environ=keys).keys) == ["key-1"]
    with pytest.raises(SettingsError) as raised:
        Settings.standard(host="0.0.0.0", environ={})
    assert str(raised.value) == (
        "command line: --host 0.0.0.0 can be reached from elsewhere, and there are no keys:"
        " set ANTIPHON_API_KEYS, add a table [keys.NAME], or listen at 127.0.0.1"
    )


# What is written about them.

DOCS = Path(__file__).parents[3] / "docs"

HEADINGS: dict[str, type[msgspec.Struct]] = {
    "At the top": Settings,
    "`[listen]`": Listen,
    "`[upstreams.NAME]`": Upstream,
    "`[agents.NAME]`": Agent,
    "`[[agents.NAME.tools]]`": AgentTool,
    "`[limits]`": Limits,
    "`[keys.NAME]`": KeySettings,
    "`[browser]`": Browser,
    "`[webrtc]`": Network,
    "`[[webrtc.ice_servers]]`": IceServer,
    "`[observe]`": Observe,
    "`[store]`": StoreSettings,
}

TABLES = {
    "listen",
    "upstreams",
    "routes",
    "agents",
    "limits",
    "keys",
    "browser",
    "webrtc",
    "observe",
    "store",
}


def written(value: Any, field: str) -> str:
    """The default *value* of *field* as the page has it."""
    match value:
        case None if field in ("concurrent", "mints_per_minute", "budget", "session_budget"):
            return '`"unlimited"`'
        case None:
            return ""
        case _ if value is msgspec.NODEFAULT:
            return "*needed*"
        case bool():
            return f"`{str(value).lower()}`"
        case float():
            return f"`{value:g}`"
        case dict():
            return "`{}`"
        case tuple():
            return f"`{msgspec.json.encode(value).decode()}`" if field not in SECRETS else ""
        case _:
            return f"`{msgspec.json.encode(value).decode()}`"


SECRETS = {"secret", "sha256"}


def test_the_page_has_every_setting_with_what_holds_without_it_and_no_other() -> None:
    page = (DOCS / "gateway-settings.md").read_text()
    told: dict[str, dict[str, str]] = {}
    for section in page.split("\n## ")[1:]:
        heading, _, body = section.partition("\n")
        rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\| ", body, re.MULTILINE)
        if rows:
            told[heading] = dict(rows)

    assert told == {
        heading: {
            field.name: written(
                field.default
                if field.default_factory is msgspec.NODEFAULT
                else field.default_factory(),
                field.name,
            )
            for field in msgspec.structs.fields(kind)
            if kind is not Settings or field.name not in TABLES
        }
        for heading, kind in HEADINGS.items()
    }
    assert all(f"[{table}" in page for table in TABLES)


EXAMPLE = {
    name: f"sk-example-{name}"
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "SHOP_KEY", "TURN_PASSWORD", "METRICS_TOKEN")
} | {"REDIS_URL": "redis://127.0.0.1:6379/0"}


def test_the_example_in_the_docs_can_be_used() -> None:
    settings = read_settings(DOCS / "gateway.toml", EXAMPLE)

    assert settings.limits == Limits(concurrent=20, mints_per_minute=60)
    assert settings.browser == Browser()
    assert (settings.listen, settings.observe, settings.webrtc) == (Listen(), Observe(), Network())


def test_what_is_a_comment_in_the_example_can_be_used_too(write: Write, tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    for name in ("prices.toml", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    example = re.sub(r"^#(?=[a-z\[])", "", (DOCS / "gateway.toml").read_text(), flags=re.MULTILINE)

    settings = read_settings(write(example), EXAMPLE)

    assert settings.listen.workers == 4
    said = {line.partition(" =")[0] for line in example.splitlines() if re.match("[a-z]", line)}
    said |= set(re.findall(r"^\[\[?(?:\w+\.)*(\w+)", example, re.MULTILINE))
    every = {field.name for kind in HEADINGS.values() for field in msgspec.structs.fields(kind)}
    assert every - TABLES - said == set()
