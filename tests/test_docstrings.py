"""Whoever reads a record in a shell or in the code finds what each of its fields is."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for package in ("mlip_core", "dashboard") for path in (ROOT / package).rglob("*.py"))


def undocumented(source):
    """Name the fields of dataclasses and named tuples that no docstring follows."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and has_fields(node):
            for field, below in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign) and not is_text(below):
                    yield f"{node.name}.{ast.unparse(field.target)}"


def has_fields(node):
    marks = [ast.unparse(mark) for mark in [*node.decorator_list, *node.bases]]
    return any(mark.partition("(")[0] in ("dataclass", "NamedTuple") for mark in marks)


def is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@pytest.mark.parametrize(
    "head", ["@dataclass\nclass A:", "@dataclass(frozen=True)\nclass A:", "@record('A')\n@dataclass\nclass A(B):"]
)
def test_a_field_without_a_docstring_is_seen(head):
    assert list(undocumented(f"{head}\n    x: int = 0\n    '''Steps.'''\n    y: float\n    z: float = 0.0")) == [
        "A.y",
        "A.z",
    ]


def test_every_field_has_a_docstring():
    missing = [f"{path.relative_to(ROOT)}: {name}" for path in FILES for name in undocumented(path.read_text("utf-8"))]
    assert len(FILES) > 100
    assert not missing
