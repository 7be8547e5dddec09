"""The table of prices: what is shipped, how models are found in it, and one's own beside it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from antiphon.codecs.usage import Usage
from antiphon.processors import prices as module
from antiphon.processors.prices import DOLLAR, EXACT, Price, Prices, PricesError

STANDARD = Prices.standard()


def written(directory: Path, **rows: Any) -> Path:
    """A file with these rows; a model's name has two underscores for its slash."""
    path = directory / "mine.json"
    models = {name.replace("__", "/"): row for name, row in rows.items()}
    path.write_text(json.dumps({"models": models}))
    return path


def test_a_price_is_in_whole_micro_dollars() -> None:
    assert STANDARD.of("openai/gpt-realtime-2") == Price(
        text_in=4_000_000,
        text_cached=400_000,
        text_out=24_000_000,
        audio_in=32_000_000,
        audio_cached=400_000,
        audio_out=64_000_000,
        image_in=5_000_000,
        image_cached=500_000,
        source="litellm 1.109.1, model_prices_and_context_window_backup.json",
        date="2026-11-20",
    )


def test_every_shipped_row_says_where_it_comes_from_and_since_when() -> None:
    table = json.loads(Path(module.__file__).with_name("prices.json").read_text())

    for name in table["models"]:
        price = STANDARD.of(name)
        assert price is not None
        assert price.source
        assert price.date


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("openai/gpt-realtime-2-2026-05-01", "openai/gpt-realtime-2"),
        ("OpenAI/GPT-Realtime-2?think=1", "openai/gpt-realtime-2"),
        ("openai/gpt-realtime-mini-2025-12-15", "openai/gpt-realtime-mini"),
        (
            "gemini/gemini-2.5-flash-native-audio-preview-12-2025",
            "gemini/gemini-2.5-flash-native-audio",
        ),
        ("gemini/gemini-2.5-flash-native-audio-latest", "gemini/gemini-2.5-flash-native-audio"),
        ("gemini/gemini-3.1-flash-live-preview", "gemini/gemini-3.1-flash-live"),
        ("gemini/models/gemini-3.8-live", "gemini/gemini-3.8-live"),
        ("vercel/openai/gpt-realtime-2", "openai/gpt-realtime-2"),
        ("opper/openai/gpt-realtime-2-2026-05-01", "openai/gpt-realtime-2"),
        ("vercel/google/gemini-3.8-live", "gemini/gemini-3.8-live"),
        ("vercel/elevenlabs/eleven_realtime_v1_max", "elevenlabs/eleven-realtime-v1-max"),
        ("elevenlabs/agent_7101k5zvyjhmfg983brhmhkd98n6", "elevenlabs/*"),
        ("cartesia/agent_ABC", "cartesia/*"),
        ("local/script?path=a/b.toml", "local/*"),
    ],
)
def test_a_model_is_found_by_whatever_name_it_is_reached(name: str, row: str) -> None:
    price = STANDARD.of(name)

    assert price is not None
    assert price == STANDARD.of(row)


@pytest.mark.parametrize(
    "name", ["openai/gpt-5", "openai", "", "/", "acme/gpt-realtime-2", "a/b/c"]
)
def test_a_model_that_is_not_listed_has_no_price(name: str) -> None:
    assert STANDARD.of(name) is None


def test_models_that_run_here_are_free() -> None:
    price = STANDARD.of("local/assistant")

    assert price is not None
    assert not price.by_tokens
    assert price.minute == 0


def test_a_row_of_ones_own_replaces_the_standard_one_as_a_whole(tmp_path: Path) -> None:
    mine = Prices.read(written(tmp_path, **{"openai__gpt-realtime-2": {"minute": 0.12}}))

    assert mine.of("openai/gpt-realtime-2") == Price(minute=120_000)
    assert mine.of("openai/gpt-realtime") == STANDARD.of("openai/gpt-realtime")
    assert STANDARD.of("openai/gpt-realtime-2") != Price(minute=120_000)


def test_a_gateways_own_row_goes_before_that_of_the_model_behind_it(tmp_path: Path) -> None:
    mine = Prices.read(
        written(
            tmp_path,
            **{"vercel__openai/gpt-realtime-2": {"text_in": 5}, "opper__*": {"text_in": 6}},
        )
    )

    assert mine.of("vercel/openai/gpt-realtime-2") == Price(text_in=5 * DOLLAR)
    assert mine.of("opper/openai/gpt-realtime-2") == Price(text_in=6 * DOLLAR)


def test_a_snapshots_own_row_goes_before_its_models(tmp_path: Path) -> None:
    mine = Prices.read(written(tmp_path, **{"openai__gpt-realtime-2-2026-05-01": {"text_in": 9}}))

    assert mine.of("openai/gpt-realtime-2-2026-05-01") == Price(text_in=9 * DOLLAR)
    assert mine.of("openai/gpt-realtime-2-2026-06-01") == STANDARD.of("openai/gpt-realtime-2")


def test_a_row_says_its_source_or_the_files(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    models = {"a/b": {"source": "our contract"}, "a/c": {"date": "2026-02-02"}}
    path.write_text(json.dumps({"source": "offer", "date": "2026-01-01", "models": models}))

    mine = Prices.read(path)

    assert mine.of("a/b") == Price(source="our contract", date="2026-01-01")
    assert mine.of("a/c") == Price(source="offer", date="2026-02-02")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"text_in": -1}, "text_in is -1, not from 0 to 1000000 dollars"),
        ({"minute": 1e300}, "minute is "),
        ({"minute": 0.0000001}, "finer than a millionth of a dollar"),
        ({"text_in": "four"}, "Invalid decimal string - at `$.text_in`"),
        ({"txt_in": 4}, "unknown field `txt_in`"),
        ({"in_per_second": -3}, "Expected `int` >= 0 - at `$.in_per_second`"),
        ([], "Expected `object`, got `array`"),
    ],
)
def test_a_wrong_row_is_named_with_its_file_and_its_fault(
    tmp_path: Path, row: Any, why: str
) -> None:
    path = written(tmp_path, openai__mine=row)

    with pytest.raises(PricesError) as raised:
        Prices.read(path)

    assert str(path) in str(raised.value)
    assert "models['openai/mine']" in str(raised.value)
    assert why in str(raised.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "truncated"),
        (b"\xff", "malformed"),
        (b"[]", "Expected `object`"),
        (b"{}", "missing required field `models`"),
        (b'{"currency": "EUR", "models": {}}', "currency"),
        (b'{"models": {"gpt-realtime-2": {}}}', "a model is named as provider/model"),
    ],
)
def test_a_wrong_file_is_named_with_its_fault(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(content)

    with pytest.raises(PricesError, match="mine.json: ") as raised:
        Prices.read(path)

    assert why in str(raised.value)


def test_there_must_be_a_file() -> None:
    with pytest.raises(FileNotFoundError):
        Prices.read("/nowhere/mine.json")


def test_tokens_from_the_cache_cost_what_they_cost_there_else_as_much_as_others() -> None:
    usage = Usage(input_text_tokens=3, cached_input_text_tokens=2, output_audio_tokens=1)

    cheaper = Price(text_in=10, text_cached=1, audio_out=100).of_tokens(usage)
    the_same = Price(text_in=10, audio_out=100).of_tokens(usage)

    assert cheaper == (10 + 2 + 100) * EXACT // DOLLAR
    assert the_same == (30 + 100) * EXACT // DOLLAR


def test_the_table_is_read_only_when_it_is_asked_for() -> None:
    told = "import antiphon.processors.prices as p; print(p._standard.cache_info().currsize)"

    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "0"
