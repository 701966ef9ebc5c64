"""Graphs of scripted programs and passes, each test under its name in torch."""

# ruff: noqa: SIM108 (the programs say what they test)

from typing import Any

import jax.numpy as jnp

import jaxgrad
from jaxgrad.graph import Graph, Node, canonicalize, cse, dce, parse
from tests.upstream.jit.helpers import kinds
from tests.upstream.scripted import agrees, compare, f32, i32

X = f32([1, 2])


def graph_of(fn: Any) -> Graph:
    return jaxgrad.script(fn).graph


def every(graph: Graph, kind: str) -> list[Node]:
    """All nodes of a kind, blocks included."""
    return list(graph.find_all_nodes(kind))


def value_of(node: Node) -> Any:
    return node.output().to_ival()


class TestScript:
    def test_is_after_use(self) -> None:
        def fn(x: Any) -> Any:
            y = jnp.sin(x)
            if x[0] > 0:
                z = jnp.cos(y)
            else:
                z = jnp.tan(y)
            return z + y

        graph = graph_of(fn)
        y = graph.find_node("py::jax.numpy.sin").output()
        uses = sorted(y.uses(), key=lambda use: use.user.kind())
        cos = next(u for u in uses if u.user.kind() == "py::jax.numpy.cos")
        tan = next(u for u in uses if u.user.kind() == "py::jax.numpy.tan")
        add = next(u for u in uses if u.user.kind() == "py::operator.add")
        assert add.is_after(cos)
        assert add.is_after(tan)
        assert tan.is_after(cos)
        assert not cos.is_after(add)

    def test_canonicalize_control_outputs(self) -> None:
        def fn(c: Any) -> Any:
            a, b = 1, 2
            if c:
                b = 3
                a = 4
            return a, b

        def other(c: Any) -> Any:
            a, b = 1, 2
            if c:
                a = 4
                b = 3
            return a, b

        one, two = graph_of(fn), graph_of(other)
        # A pass that is run twice changes nothing the second time.
        for graph in (one, two):
            text = str(canonicalize(graph)).split("  #")[0]
            assert str(canonicalize(canonicalize(graph))).split("  #")[0] == text
        agrees(fn, (True,), (i32(0),))
        agrees(other, (True,), (i32(0),))

    def test_parse_nested_names(self) -> None:
        def fn(x: Any) -> Any:
            for i in range(9):
                x = x + i
                if x[0] > 3:
                    x = x * 2
            return x

        graph = graph_of(fn)
        text = str(graph)
        names = {v.debug_name() for v in graph.inputs()}
        assert names == {"x"}
        assert {"%x.1", "%x.2"} <= set(text.replace(",", " ").replace(")", " ").split())
        assert [k for k in kinds(parse(text)) if k == "prim::Loop"] == ["prim::Loop"]

    def test_constant_pooling(self) -> None:
        """Equal constants become one, also those within blocks."""

        def fn(c: Any) -> Any:
            a, b, d = 0, 1, 2
            if c:
                a = 1
                d = 1
            else:
                b = 2
            return a + b + d + 1

        before, after = graph_of(fn), cse(graph_of(fn))
        values = [value_of(n) for n in every(after, "prim::Constant")]
        assert len(values) < len(every(before, "prim::Constant"))
        assert sorted(set(values)) == sorted(values)

    def test_constant_pooling_none(self) -> None:
        def fn(c: Any) -> Any:
            a = None
            if c:
                b = None
            else:
                b = a
            return a, b

        graph = cse(graph_of(fn))
        found = [n for n in every(graph, "prim::Constant") if value_of(n) is None]
        assert len(found) == 1

    def test_constant_pooling_introduce_aliasing(self) -> None:
        """Lists that are made twice stay two."""

        def fn() -> Any:
            a = [1]
            b = [1]
            a.append(2)
            return a, b

        assert len(every(cse(graph_of(fn)), "prim::ListConstruct")) == 2
        agrees(fn, ())

    def test_lower_nested_tuples(self) -> None:
        """Tuples are no operation of the program that runs."""

        def fn(x: Any) -> Any:
            t = ((x, x + 1), x)
            if x[0] > 0:
                t = ((t[0][1], x), x)
            (a, b), c = t
            return a + b + c

        scripted = agrees(fn, (X,), (-X,))
        assert "prim::TupleConstruct" in kinds(scripted.graph)
        assert "Tuple" not in str(scripted.graph_for(X))

    def test_erase_number_types(self) -> None:
        """Numbers are constants of the program that runs, of the array's type."""

        def fn(x: Any) -> Any:
            a = 7 + 1 + 3
            return x + a + 7 + 8

        scripted = agrees(fn, (X,))
        text = str(scripted.graph_for(X))
        assert "int = " not in text
        assert "11.0" in text or "26.0" in text


class TestDCE:
    def test_setattr_no_aliasdb(self) -> None:
        class Net:
            def __init__(self) -> None:
                self.x = jnp.zeros(2)

            def forward(self, y: Any) -> None:
                x = y * 2
                self.x = x

        scripted = jaxgrad.script(Net())
        assert "prim::SetAttr" in kinds(dce(scripted.graph))
        scripted(X)
        compare(scripted.x, X * 2)

    def test_setattr_removed(self) -> None:
        """What a store into an object of its own leads to is not in the program."""

        class Thing:
            def __init__(self) -> None:
                self.x = jnp.zeros(2)

        def fn(x: Any, y: Any) -> Any:
            thing = Thing()
            thing.x = jnp.sin(x)
            return y

        scripted = agrees(fn, (X, X))
        assert "sin" not in str(dce(scripted.graph_for(X, X)))
