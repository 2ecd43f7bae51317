"""docs/asvs.md names what the marked tests show, and no test shows what it does not name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "asvs.md").read_text()
NUMBER = re.compile(r"V\d+\.\d+\.\d+", re.ASCII)


def marked(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Every requirement that a decorator of a test names, with the test."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(
                "mark.asvs"
            ):
                for argument in decorator.args:
                    assert isinstance(argument, ast.Constant), "a number as it is written"
                    yield str(argument.value), node.name


def shown() -> dict[str, set[str]]:
    """By requirement the tests that show it."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for number, name in marked(ast.parse(path.read_text())):
            found.setdefault(number, set()).add(name)
    return found


def named() -> list[str]:
    """The requirements in the table of the page, in its order."""
    table = PAGE.partition("## Shown")[2].partition("## Open")[0]
    return re.findall(rf"^\| ({NUMBER.pattern}) \|", table, flags=re.MULTILINE)


def test_the_page_names_what_is_shown_and_nothing_else() -> None:
    assert set(named()) == set(shown())
    assert len(named()) == len(set(named())) >= 40


def test_numbers_are_such_and_in_order() -> None:
    assert all(NUMBER.fullmatch(number) for number in shown())
    order = [tuple(map(int, number[1:].split("."))) for number in named()]
    assert order == sorted(order)


def test_what_is_open_is_not_shown() -> None:
    gaps = re.findall(r"\*\*([^*]+)\*\*", PAGE.partition("## Open")[2])
    numbers = {number for gap in gaps for number in NUMBER.findall(gap)}
    assert len(numbers) >= 10
    assert not numbers & set(shown())


def test_control_a_marker_is_found() -> None:
    said = "@pytest.mark.asvs('V1.1.1', 'V1.1.2')\ndef test_it(): ..."
    assert list(marked(ast.parse(said))) == [("V1.1.1", "test_it"), ("V1.1.2", "test_it")]
