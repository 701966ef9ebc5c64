"""Tree views as text: dumps as torch prints them, and Python that compiles the same."""

import ast
import json
from pathlib import Path

import pytest

from jaxgrad.frontend.source import parse_text, trees
from jaxgrad.frontend.source._build_definitions import class_view
from jaxgrad.frontend.source._find import Source
from tests.frontend.source.sources import (
    BEYOND_TORCH,
    CLASSES_FOR_TORCH,
    FOR_TORCH,
)

RECORDED = json.loads(Path(__file__).with_name("torch_dumps.json").read_text())
CLASSES = [*CLASSES_FOR_TORCH]


def class_of(text: str) -> trees.ClassDef:
    module, filename = parse_text(text)
    (node,) = module.body
    assert isinstance(node, ast.ClassDef)
    return class_view(Source(filename, node, node.name), node.name)


def same_program(text: str, printed: str) -> bool:
    return ast.dump(ast.parse(text)) == ast.dump(ast.parse(printed))


def test_every_dump_of_torch_has_its_text() -> None:
    assert set(RECORDED) == {*FOR_TORCH, *CLASSES_FOR_TORCH}


@pytest.mark.parametrize("name", FOR_TORCH)
def test_dumps_are_those_of_torch(name: str) -> None:
    tree = trees.parse_def(FOR_TORCH[name])
    assert tree.dump() == RECORDED[name]
    assert str(tree) == tree.dump()


@pytest.mark.parametrize("name", CLASSES)
def test_dumps_of_classes_are_those_of_torch(name: str) -> None:
    text = CLASSES_FOR_TORCH[name].replace("(self", f"(self: {name}")
    assert class_of(CLASSES_FOR_TORCH[name]).dump() == RECORDED[name]
    assert class_of(text).dump() == RECORDED[name]


@pytest.mark.parametrize("name", [*FOR_TORCH, *BEYOND_TORCH])
def test_code_is_the_same_program(name: str) -> None:
    text = {**FOR_TORCH, **BEYOND_TORCH}[name]
    tree = trees.parse_def(text)
    printed = trees.code(tree)
    assert same_program(text, printed)
    # Comments are lost, and with them the types that they say.
    if "# type:" not in text:
        assert trees.parse_def(printed) == tree
        assert hash(trees.parse_def(printed)) == hash(tree)
    for part in tree.walk():
        assert part.range().line >= 1
        assert part.dump()


@pytest.mark.parametrize("name", CLASSES)
def test_code_of_classes_is_the_same_program(name: str) -> None:
    text = CLASSES_FOR_TORCH[name]
    assert same_program(text, trees.code(class_of(text)))


def test_code_of_parts() -> None:
    tree = trees.parse_def("def f(x, y=1, *z: int): return x[0] + f(y, k=z)")
    (returned,) = tree.statements
    assert trees.code(returned) == "return x[0] + f(y, k=z)"
    assert trees.code(returned.expr.lhs) == "x[0]"
    assert trees.code(returned.expr.rhs.kwargs[0]) == "k=z"
    assert trees.code(tree.decl()) == "x, y=1, *z: int"


def test_code_of_trees_made_by_hand() -> None:
    def var(name: str) -> trees.Var:
        return trees.Var(trees.Ident(None, name))

    total = trees.BinOp("+", var("a"), trees.BinOp("*", var("b"), var("c")))
    product = trees.BinOp("*", total, var("d"))
    assert trees.code(product) == "(a + b * c) * d"
    loop = trees.While(None, trees.TrueLiteral(None), [trees.Pass(None)])
    assert trees.code(loop) == "while True:\n    pass"
    assert isinstance(loop.body, tuple)
    assert trees.If(None, var("a"), [trees.Break(None)]) == trees.If(
        trees.SourceRange("elsewhere.py", 3), var("a"), (trees.Break(None),)
    )
    assert var("a") != var("b")
    assert repr(product.rhs) == "Var(Ident('d'))"


def test_lambdas_are_definitions_that_return() -> None:
    tree = trees.parse_def("lambda x, *y, k=3: x + k")
    assert tree.name().name == "<lambda>"
    assert isinstance(tree.statements[0], trees.Return)
    assert trees.code(tree) == "lambda x, *y, k=3: x + k"
    assert "(ident <lambda>)" in tree.dump()
