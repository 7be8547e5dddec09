"""The client under Node, where a test moves its clock; and its types."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WEB = HERE.parents[3] / "antiphon" / "gateway" / "web"

OPTIONS = {
    "allowJs": True,
    "checkJs": True,
    "strict": True,
    "noEmit": True,
    "target": "es2023",
    "lib": ["es2023", "dom", "dom.iterable"],
    "module": "esnext",
    "moduleResolution": "bundler",
    "types": [],
}

CHECK = """
import * as made from './made.js';
import * as told from './antiphon.js';
export const realtime: typeof told.Realtime = made.Realtime;
export const error: typeof told.RealtimeError = made.RealtimeError;

// As a page uses it.
const bot = new told.Realtime({
  sessionConfig: { turnDetection: { type: 'disabled' } },
  onToolCall: async ({ toolCall: { toolName, args } }) => ({ [toolName]: args }),
  onError: ({ code, message }) => code === 'permission-denied' && message,
});
bot.addEventListener('played', ({ detail: { itemId, ms } }) => `${itemId} ${ms.toFixed(1)}`);
const texts: string[] = bot
  .getSnapshot()
  .messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? part.text : [])));
// @ts-expect-error a transport is one of two
new told.Realtime({ transport: 'pigeons', model: texts.join() });
"""


def node(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    found = shutil.which("node")
    assert found is not None
    return subprocess.run(
        [found, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.mjs")))
def test_the_client_does_what_its_tests_say(need: Callable[[str], None], name: str) -> None:
    need("node")

    ran = node("--test", HERE / name)

    found = re.search(r"^\S* pass (\d+)$", ran.stdout, re.MULTILINE)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    assert found is not None and int(found[1]) > 0


def test_it_can_be_imported_where_there_is_no_browser(need: Callable[[str], None]) -> None:
    need("node")
    script = (
        f"import({json.dumps(str(WEB / 'antiphon.js'))}).then(m => console.log(...Object.keys(m)))"
    )

    assert node("--eval", script).stdout.split() == ["Realtime", "RealtimeError"]


def test_it_depends_on_nothing_and_runs_no_text_as_code() -> None:
    for name in ("antiphon.js", "antiphon-worklet.js"):
        text = (WEB / name).read_text()

        assert not re.search(
            r"^\s*import\b(?!\.meta)(?! *\{[^}]*\} *from '\./antiphon)", text, re.MULTILINE
        )
        assert not re.search(r"\beval\(|new Function|createObjectURL|\binnerHTML\b|blob:", text)


def test_the_types_are_those_of_the_code(need: Callable[[str], None], tmp_path: Path) -> None:
    """Beside antiphon.d.ts, antiphon.js is not read by TypeScript; under another name it is."""
    need("tsc")
    for name in ("antiphon.d.ts", "antiphon-worklet.js"):
        shutil.copy(WEB / name, tmp_path)
    shutil.copy(WEB / "antiphon.js", tmp_path / "made.js")
    (tmp_path / "check.ts").write_text(CHECK)
    settings = {"compilerOptions": OPTIONS, "files": ["check.ts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(settings))

    ran = subprocess.run(
        ["tsc", "-p", str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )

    assert ran.returncode == 0, ran.stdout
