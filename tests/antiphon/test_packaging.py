"""What is installed is what stands here, and nothing else."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("pipeline", "codecs", "transports", "processors")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel and an sdist of the working tree."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return out


def _tracked() -> set[str]:
    """What git knows of the package, and what is new and not ignored, under its import name."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    files = {name for name in listed if (ROOT / name).is_file()}
    own = {name for name in files if name.startswith("antiphon/")}
    return own | {f"antiphon/{name}" for name in files if name.split("/")[0] in PARTS}


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")

    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    files = {name for name in names if ".dist-info/" not in name}
    assert files == _tracked()
    assert "antiphon/py.typed" in files
    assert not any(name.endswith(".pyc") for name in names)


def test_the_sdist_holds_the_package_and_what_it_is_built_with(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")

    with tarfile.open(sdist) as archive:
        names = {one.name.split("/", 1)[1] for one in archive.getmembers() if one.isfile()}

    beside = {".gitignore", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    assert names == _tracked() | beside


def test_a_wheel_from_the_sdist_is_the_same(built: Path, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    (wheel,) = built.glob("*.whl")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()

    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", str(source)],
        check=True,
        capture_output=True,
    )

    (again,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())
