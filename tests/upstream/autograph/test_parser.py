"""Source, its places and errors, each test under its name in AutoGraph's pyct."""

# ruff: noqa: E731, SIM108 (the programs say what they test)
# fmt: off

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import pytest

import jaxgrad
from tests.upstream.scripted import agrees, i32, refused


def line_of(fn: Callable[..., Any], part: str) -> int:
    """The line in this file that has a part of a function's source."""
    lines, start = inspect.getsourcelines(fn)
    (found,) = [start + i for i, text in enumerate(lines) if part in text]
    return found


class TestParser:
    def test_parse_entity(self) -> None:
        def f(x: Any) -> Any:
            return x + 1

        assert agrees(f, (i32(1),)).name == "f"

    def test_parse_lambda(self) -> None:
        agrees(lambda x: x + 1, (i32(1),))

    def test_parse_lambda_prefix_cleanup(self) -> None:
        lambda_lam = lambda x: x + 1
        agrees(lambda_lam, (1,), (i32(1),))

    def test_parse_lambda_resolution_by_location(self) -> None:
        one, two, three = lambda x: x + 1, lambda x: x + 2, lambda x: x + 3
        for f in (one, two, three):
            agrees(f, (i32(1),))

    def test_parse_lambda_resolution_by_signature(self) -> None:
        f = lambda x: lambda x, y: x + y
        agrees(f(0), (i32(1), 2))
        assert jaxgrad.script(lambda x: f(x)(x, 3))(i32(2)) == 5

    def test_parse_lambda_resolution_ambiguous(self) -> None:
        """Two lambdas of one signature on one line; AutoGraph refuses them."""
        f = lambda x: lambda x: 2 * x
        agrees(f(0), (i32(3),))
        assert jaxgrad.script(lambda x: f(x)(x))(i32(3)) == 6

    def test_parse_lambda_multiline(self) -> None:
        f = (
            lambda x: lambda y: x + y  # a comment
            - 1)
        agrees(f(2), (i32(3),))

    def test_parse_lambda_in_expression(self) -> None:
        fs = (
            lambda x: lambda y: x + y + 1,
            lambda x: lambda y: x + y + 2,
            )
        for f in fs:
            agrees(f(5), (i32(1),))

    def test_parse_lambda_complex_body(self) -> None:
        f = lambda x: (  # a comment
            jnp.add(
                x,
                x[0],
            ),
            x[0:2],
            "abc",
            1,
        )
        agrees(f, (i32([1, 2, 3]),))

    def test_parse_lambda_function_call_definition(self) -> None:
        def check(f: Any, **named: Any) -> None:
            agrees(f, (i32(1),))

        check(
            lambda x: x if x > 0 else -x, named=1)

    def test_parse_entity_print_function(self) -> None:
        def f(x: Any) -> Any:
            print(x)

        assert jaxgrad.script(f).name == "f"

    def test_parse_comments(self) -> None:
        def f(x: Any) -> Any:
        # a comment that stands too far to the left
            return x

        agrees(f, (i32(1),))

    def test_parse_multiline_strings(self) -> None:
        def f(x: Any) -> Any:
            return x, """
multiline
string"""

        agrees(f, (i32(1),))

    def test_dedent_block_basic(self) -> None:
        f = jaxgrad.script("""
            def f(x):
                if x > 0:
                    return -x
                return x
        """)
        assert f(i32(1)) == f(i32(-1)) == f(1) == -1

    def test_dedent_block_comments_out_of_line(self) -> None:
        f = jaxgrad.script("""
        ###
            def f(x):
    ###
                if x > 0:
            ###
                    return -x
                        ###
                return x
                ###
        """)
        assert f(i32(1)) == f(-1) == -1

    def test_dedent_block_multiline_string(self) -> None:
        f = jaxgrad.script("""
            def f():
                '''
                Docstring.
                '''
                return '''
  1
    2'''
        """)
        assert f() == "\n  1\n    2"

    def test_dedent_block_multiline_expression(self) -> None:
        f = jaxgrad.script("""
            def f(x):
                return (x,
2,
                3)
        """)
        assert f(1) == (1, 2, 3)

    def test_dedent_block_continuation(self) -> None:
        f = jaxgrad.script(r"""
            def f():
                a = \
                    1
                return a
        """)
        assert f() == 1

    def test_dedent_block_continuation_in_string(self) -> None:
        f = jaxgrad.script(r"""
            def f():
                a = "a \
b"
                return a
        """)
        assert f() == "a b"

    def test_unparse(self) -> None:
        def f(x: Any, c: Any) -> Any:
            if c:
                a = x
            else:
                a = "c"
            return a

        made: dict[str, Any] = {"Any": Any}
        exec(jaxgrad.script(f).code, made)
        assert made["f"](1, True) == 1
        assert made["f"](1, False) == "c"

    def test_ext_slice_roundtrip(self) -> None:
        def f(n: Any) -> Any:
            return n[:, :], n[0, :], n[:, 0], n[1:2, ..., ::-1]

        def subscripts(source: str) -> list[str]:
            tree = ast.parse(textwrap.dedent(source))
            parts = [n for n in ast.walk(tree) if isinstance(n, ast.Subscript)]
            return sorted(ast.unparse(part.slice) for part in parts)

        assert subscripts(jaxgrad.script(f).code) == subscripts(inspect.getsource(f))


def simple(x: Any) -> Any:
    """Docstring."""
    return x + 1


def multiline(x: Any) -> Any:
    return jnp.stack(
        [
            x + 2,
            x * 3,
        ],
    )


def nested(x: Any) -> Any:
    def inner(y: Any) -> Any:
        return y + 4

    return inner(x)


class Simple:
    def method(self, x: Any) -> Any:
        return x + 5


def decorated(x: Any) -> Any:
    if x > 6:
        return x + 7
    return x + 8


def places(fn: Any) -> set[int]:
    """The lines that a function's graph comes from."""
    graph = jaxgrad.script(fn).graph
    found = set()
    for block in _blocks(graph.block()):
        for node in block.nodes():
            source = node.source_range()
            if source is not None:
                assert source.filename == __file__
                found |= set(range(source.line, (source.end_line or source.line) + 1))
    return found


def _blocks(block: Any) -> list[Any]:
    within = [b for node in block.nodes() for b in node.blocks()]
    return [block, *(found for b in within for found in _blocks(b))]


class TestOriginInfo:
    def test_create_source_map_identity(self) -> None:
        assert line_of(simple, "x + 1") in places(simple)

    def test_create_source_map_multiline_call(self) -> None:
        found = places(multiline)
        assert {line_of(multiline, "x + 2"), line_of(multiline, "x * 3")} <= found

    def test_resolve(self) -> None:
        def bad(x: Any) -> Any:
            """Docstring."""
            return x + missing  # noqa: F821

        error = refused(bad, i32(1), at="x + missing", says=("missing",))
        assert error.filename == __file__
        assert error.lineno == line_of(bad, "x + missing")
        text = error.text
        assert text is not None
        assert error.offset is not None
        assert text[error.offset - 1 :].startswith("missing")

    def test_resolve_with_trailing_garbage(self) -> None:
        error = refused((lambda x: x + missing)  # noqa: F821
                        , i32(1), at="x + missing", says=("missing",))
        assert error.end_offset is not None
        assert error.offset is not None
        assert error.end_offset - error.offset == len("missing")

    def test_resolve_entity(self) -> None:
        (node,) = [
            node for node in jaxgrad.script(simple).graph.nodes()
            if node.kind() != "prim::Constant"
        ]
        source = node.source_range()
        assert source is not None
        assert source.line == line_of(simple, "x + 1")
        assert source.column == len("    return ")

    def test_resolve_entity_nested_function(self) -> None:
        def bad(x: Any) -> Any:
            def inner(y: Any) -> Any:
                return y + missing  # noqa: F821

            return inner(x)

        refused(bad, i32(1), at="y + missing", says=("missing",))
        agrees(nested, (i32(1),))

    def test_resolve_entity_indented_block(self) -> None:
        assert line_of(Simple.method, "x + 5") in places(Simple.method)

    def test_resolve_entity_decorated_function(self) -> None:
        lines = {line_of(decorated, part) for part in ("x > 6", "x + 7", "x + 8")}
        assert lines <= places(decorated)


class CustomError(Exception):
    pass


class FixedError(Exception):
    def __init__(self) -> None:
        super().__init__("a fixed message")


class TestErrorUtils:
    """The user's exceptions come out as they were raised."""

    def test_create_exception_default_constructor(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                raise CustomError("test message")
            return x

        agrees(fn, (1,), (i32(0),), (i32(1),))

    def test_create_exception_custom_constructor(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                raise FixedError
            return x

        agrees(fn, (1,), (i32(0),), (i32(1),))

    def test_get_message_converted_code(self) -> None:
        def inner(x: Any) -> Any:
            if x > 0:
                raise CustomError("from within")
            return x

        def fn(x: Any) -> Any:
            return inner(x) + 1

        with pytest.raises(CustomError, match="from within") as caught:
            jaxgrad.script(fn)(i32(1))
        told = "\n".join(caught.value.__notes__)
        assert str(line_of(inner, "raise CustomError")) in told
        assert __file__.rsplit("/", 1)[-1] in told
