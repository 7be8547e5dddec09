"""What the examples' packages are: pinned, and from nowhere in particular."""

import json
import re
from pathlib import Path

import pytest

from tests.examples.installing import EXAMPLES

PACKAGES = sorted(EXAMPLES.glob("*/package.json"))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.parent.name)
def test_each_package_has_one_version(package: Path) -> None:
    read = json.loads(package.read_text())
    wanted = read.get("dependencies", {}) | read.get("devDependencies", {})

    assert read["private"]
    assert [name for name, v in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+", v)] == []


def test_the_lock_file_agrees_and_names_no_registry() -> None:
    where = EXAMPLES / "react-hook"
    packages = json.loads((where / "package-lock.json").read_text())["packages"]
    read = json.loads((where / "package.json").read_text())

    for kind in ("dependencies", "devDependencies"):
        assert packages[""][kind] == read[kind]
    assert not [name for name, locked in packages.items() if "resolved" in locked]
    assert all("integrity" in locked for name, locked in packages.items() if name)
    # Whatever machine it is installed on.
    assert {"linux", "darwin", "win32"} <= {
        system for locked in packages.values() for system in locked.get("os", ())
    }


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.parent.name)
def test_its_readme_has_two_commands_and_the_files_it_names(package: Path) -> None:
    readme = (package.parent / "README.md").read_text()

    commands = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)[0].splitlines()
    assert len(commands) == 2
    scripts = json.loads(package.read_text())["scripts"]
    named = set(re.findall(r"node (\w+\.mjs)", readme)) | set(
        re.findall(r"`(\S+/\S+\.tsx?)`", readme)
    )
    assert all((package.parent / name).is_file() for name in named)
    assert all(name in scripts for name in re.findall(r"npm run (\w+)", readme))
