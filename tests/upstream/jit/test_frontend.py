"""torch's tests of its frontend: trees, ranges and annotations, each under its name."""

import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source import parse_text, trees
from tests.upstream.jit.helpers import in_order

# What is written, and what it means.
PAIRS = [
    ("Tensor", "Tensor"),
    ("jax.Array", "Tensor"),
    ("str", "str"),
    ("int", "int"),
    ("bool", "bool"),
    ("List[float]", "List[float]"),
    ("list[int]", "List[int]"),
    ("Optional[List[int]]", "Optional[List[int]]"),
]
HEADER = """\
from typing import Tuple, List, Optional
from jax import Array as Tensor
import jax
"""
STYLES = {
    "py3": """\
def foo(x: {input}, y: Tuple[Tensor, Tensor]) -> Tuple[{output}, {output}]:
    return x, x
""",
    "mypy": """\
def foo(x, y):
    # type: ({input}, Tuple[Tensor, Tensor]) -> Tuple[{output}, {output}]
    return x, x
""",
}


def texts(style: str, *, method: bool) -> Iterator[tuple[str, str]]:
    """Functions, or classes with a method, and the schema that each should have."""
    for written, meant in PAIRS:
        text = STYLES[style].replace("{input}", written).replace("{output}", written)
        if method:
            text = "class FooModule:\n" + textwrap.indent(
                text.replace("foo(", "foo(self, "), "    "
            )
        inputs = f"{meant} x, Tuple[Tensor, Tensor] y"
        inputs = f"FooModule self, {inputs}" if method else inputs
        yield text, f"foo({inputs}) -> Tuple[{meant}, {meant}]"


def live(text: str) -> dict[str, Any]:
    """What a program defines."""
    module, filename = parse_text(HEADER + text)
    space: dict[str, Any] = {"__name__": "annotated"}
    exec(compile(module, filename, "exec"), space)
    return space


def schema_of(fn: Any, space: dict[str, Any], self_name: str | None = None) -> str:
    """The schema of a live function, the names of classes without their modules."""
    tree = trees.get_def(fn, self_name=self_name)
    return trees.types_of(tree.decl(), space).schema(tree.name().name)


def check_live(style: str, *, method: bool) -> None:
    for text, wanted in texts(style, method=method):
        space = live(text)
        if method:
            got = schema_of(space["FooModule"].foo, space, "FooModule")
            got = got.replace("annotated.FooModule", "FooModule")
        else:
            got = schema_of(space["foo"], space)
        assert got == wanted


def check_text(style: str, *, method: bool) -> None:
    names = live("")
    for text, wanted in texts(style, method=method):
        lines = text.removeprefix("class FooModule:\n")
        tree = trees.parse_def(lines, self_name="FooModule" if method else None)
        space = {**names, "FooModule": type("FooModule", (), {"__module__": "a"})}
        got = trees.types_of(tree.decl(), space).schema("foo")
        assert got.replace("a.FooModule", "FooModule") == wanted


def test_python_frontend() -> None:
    def fn(x, y, z):
        q = None
        q = x + y - z.sigmoid()
        print(q)
        w = -z
        if not x and not y and z:
            m = x if not z else y
        while x < y > z:
            q = x
        assert 1 == 1, "hello"
        return w, m

    text = str(trees.get_def(fn, fn.__name__))
    assert text.startswith("(def\n  (ident fn)\n  (decl\n    (list\n      (param\n")
    assert in_order(
        " ".join(text.split()),
        "(assign (list (variable (ident q))) (option (None)) (option))",
        "(- (+ (variable (ident x)) (variable (ident y))) (apply (. (variable",
        "(option (unary minus (variable (ident z))))",
        "(if (and (and (not (variable (ident x))) (not (variable (ident y))))",
        "(option (if (not (variable (ident z))) (variable (ident x)) (variable",
        "(while (and (< (variable (ident x)) (variable (ident y))) (> (variable",
        "(assert (eq (const 1) (const 1)) (option (string_literal hello)))",
        "(return (tuple-literal (list (variable (ident w)) (variable (ident m)))))",
    )


def test_python_frontend_source_range() -> None:
    def fn():
        raise Exception("hello")

    place = trees.get_def(fn, fn.__name__).range()
    assert place.filename == __file__
    assert place.line == fn.__code__.co_firstlineno
    assert place.highlight().split("\n") == [
        "    def fn():",
        "    ^^^^^^^^^",
        '        raise Exception("hello")',
        "        ^^^^^^^^^^^^^^^^^^^^^^^^",
    ]


def test_python_frontend_py3() -> None:
    def fn():
        raise Exception("hello")

    text = " ".join(str(trees.get_def(fn, fn.__name__)).split())
    assert text == (
        "(def (ident fn) (decl (list) (option)) (list (raise (apply "
        "(variable (ident Exception)) (list (string_literal hello)) (list)))))"
    )


def test_annot_string_py3_fn() -> None:
    check_text("py3", method=False)


def test_annot_ast_py3_fn() -> None:
    check_live("py3", method=False)


def test_annot_string_py3_method() -> None:
    check_text("py3", method=True)


def test_annot_ast_py3_method() -> None:
    check_live("py3", method=True)


def test_annot_string_mypy_fn() -> None:
    check_text("mypy", method=False)


def test_annot_ast_mypy_fn() -> None:
    check_live("mypy", method=False)


def test_annot_string_mypy_method() -> None:
    check_text("mypy", method=True)


def test_annot_ast_mypy_method() -> None:
    check_live("mypy", method=True)


def parsed(text: str) -> str:
    tree = trees.parse_def(textwrap.dedent(text))
    return trees.types_of(tree.decl(), {}).schema("foo")


def test_parser_type_annotations() -> None:
    text = """
        def foo(
            x: Tensor, y: Tuple[Tuple[Tensor, Tensor], Tensor]
        ) -> Tuple[Tensor, Tensor]:
            return x, x
    """
    assert parsed(text) == (
        "foo(Tensor x, Tuple[Tuple[Tensor, Tensor], Tensor] y) -> Tuple[Tensor, Tensor]"
    )


def test_parser_type_annotations_comment() -> None:
    text = """
      def foo(x, y):
        # type: (Tensor, Tuple[Tuple[Tensor, Tensor], Tensor]) -> Tuple[Tensor, Tensor]
        return x, x
    """
    assert parsed(text) == (
        "foo(Tensor x, Tuple[Tuple[Tensor, Tensor], Tensor] y) -> Tuple[Tensor, Tensor]"
    )


def refused(annotation: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message) as info:
        parsed(f"def foo(x: Tensor, y: {annotation}): return x")
    error = info.value
    assert (error.offset, error.end_offset) == (23, 23 + len(annotation))
    assert error.text == f"def foo(x: Tensor, y: {annotation}): return x"


def test_parser_type_annotations_unknown_type() -> None:
    refused("Tuple[Tuple[Foo, Tensor], Tensor]", "'Foo' in the annotation Tuple")


def test_parser_type_annotations_subscript_non_ident() -> None:
    refused("Tuple[Tensor, Tensor][Tensor]", r"the annotation Tuple.* is no type")


def test_parser_type_annotations_subscript_tensor() -> None:
    refused("Tuple[Tensor[Tensor, Tensor], Tensor]", "is no type .*not subscriptable")


def test_parser_type_annotations_incompatible_expression() -> None:
    refused(
        "Tuple[3 + 4, Tensor]", r"the annotation Tuple\[3 \+ 4, Tensor\] is no type"
    )


def test_bad_multiline_annotations() -> None:
    """Unlike torch, a parameter may go without a type beside others that have one."""
    head = "def bad(a,  # type: Tensor\n  b,{b}\n  c   # type: Tensor\n  ):"
    full, partly = head.replace("{b}", "  # type: Tensor"), head.replace("{b}", "")
    body = "    return a + b + c"
    second = (
        f"{full}\n    # type: (int, int, int) -> Tensor\n    # type: bad line\n{body}"
    )
    with pytest.raises(ScriptError, match=r"can stand here: # type: bad"):
        trees.parse_def(second)
    both = f"{partly}\n    # type: (int, int, int) -> Tensor\n{body}"
    with pytest.raises(ScriptError, match=r"'# type: \(...\) -> ...' is missing"):
        trees.parse_def(both)
    alone = f"{full}\n{body}"
    with pytest.raises(ScriptError, match=r"return type line .* is missing"):
        trees.parse_def(alone)
    good = f"{partly}\n    # type: (...) -> Tensor\n{body}"
    assert parsed(good) == "foo(Tensor a, Tensor b, Tensor c) -> Tensor"
