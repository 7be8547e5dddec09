"""The examples run as they stand."""

import importlib.util
import re
import wave
from pathlib import Path
from types import ModuleType

import anyio
import pytest

from antiphon.pipeline import Pipeline
from antiphon.processors.local.voice import Voice

ROOT = Path(__file__).parents[2]


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def question(tmp_path: Path) -> Path:
    voice = Voice("en-us")
    with wave.open(str(tmp_path / "question.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(voice.rate)
        file.writeframes(voice.speak("What can you do?"))
    return tmp_path / "question.wav"


def test_a_question_in_a_file_is_answered_in_another(question: Path, tmp_path: Path) -> None:
    transcript = example("on_files").converse(str(question), str(tmp_path / "answer.wav"))

    assert [said.who for said in transcript.said] == ["user", "assistant"]
    assert transcript.said[0].text == "what can you do"


def test_typed_lines_are_answered_in_writing() -> None:
    answers = anyio.run(example("text_chat").chat, ["Hello!", "What is 3 plus 4?"])

    assert len(answers) == 2
    assert re.search(r"\b(7|seven)\b", answers[1])


def test_a_processor_and_a_stage_of_ones_own_fit_into_the_line(
    question: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line: Pipeline = example("own_processor").pipeline(str(question), "quiet.wav")

    anyio.run(line.run)

    assert "Audio" in (tmp_path / "log.txt").read_text()
    with wave.open(str(tmp_path / "quiet.wav")) as file:
        assert file.getnframes() > 12_000


def test_the_readme_shows_the_shortest_example() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    shown = blocks[0]

    compile(shown, "README.md", "exec")
    source = (ROOT / "examples" / "shortest_bot.py").read_text()
    for line in ("def get_weather(city: str) -> str:", "tools=[get_weather]", "anyio.run(bot.run)"):
        assert line in shown and line in source


def test_the_test_of_a_bot_passes() -> None:
    example("test_a_bot").test_the_bot_looks_up_the_weather_and_can_be_interrupted()


def test_the_list_of_examples_is_complete() -> None:
    listed = set(re.findall(r"\| `(\w+\.py)` \|", (ROOT / "examples" / "README.md").read_text()))

    assert listed == {path.name for path in (ROOT / "examples").glob("*.py")}
