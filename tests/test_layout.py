"""The folders keep their places, and imports point one way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

USES = {
    "pipeline": {"pipeline"},
    "codecs": {"codecs", "pipeline"},
    "transports": {"transports", "pipeline"},
    "processors": {"processors", "codecs", "transports", "pipeline"},
}
"""Which parts a part may import; what is in antiphon/ itself may import all."""

MODULES = [file for part in USES for file in sorted((ROOT / part).rglob("*.py"))]


def imported(module: Path) -> Iterator[str]:
    """The full names that *module* imports, wherever in it."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("part", USES)
def test_a_part_lies_at_the_top_and_is_linked_under_the_import_name(part: str) -> None:
    link = ROOT / "antiphon" / part

    assert link.is_symlink()
    assert link.readlink() == Path("..", part)
    assert link.resolve() == ROOT / part


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_its_own_part_and_those_below(module: Path) -> None:
    allowed = USES[module.relative_to(ROOT).parts[0]]

    names = [name.split(".") for name in imported(module)]

    assert {name[1] for name in names if name[0] == "antiphon"} <= allowed
    assert not {name[0] for name in names} & {"pipeline", "transports", "processors", "codecs"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_in_its_first_line_what_it_is(module: Path) -> None:
    source = module.read_text()

    assert not source or ast.get_docstring(ast.parse(source))
