"""Graphs of scripts: their text, and what passes make of them.

Each function of the table runs from its own graph, from what each pass makes of that
graph, and from its copy: results, exceptions and what it changed are the same.
"""

import copy
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.errors import GraphError
from jaxgrad.graph import (
    Graph,
    canonicalize,
    constant_fold,
    cse,
    dce,
    inline,
    parse,
)

X = jnp.float32(2.0)
V = jnp.arange(1.0, 4.0)


class Held:
    def __init__(self, n: Any) -> None:
        self.n = n

    def add(self, n: Any) -> Any:
        self.n = self.n + n
        return self.n


class Double(jaxgrad.Function):
    """Its gradient is 5, which is deliberately wrong."""

    @staticmethod
    def forward(ctx: Any, x: Any, by: Any) -> Any:
        return x * by

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 5 * g, None


# --- the functions --------------------------------------------------------------------


def straight(x: Any) -> Any:
    a = jnp.sin(x)
    b = jnp.sin(x)
    unused = jnp.cos(x)  # noqa: F841
    return a * b + 2.0 * x + 2.0 * x


def branch(x: Any) -> Any:
    y = x - 1
    if x > 1:
        y = x + 1
        z = y
    else:
        z = x
    return y * z


def early(x: Any) -> Any:
    if x > 1:
        return x
    if x < -1:
        return -x
    return x * 0


def chained(x: Any, n: int) -> Any:
    return (0 < n < 3 and n) or (x > 0) is n


def two_lists(x: Any) -> Any:
    first, second = [], []
    first.append(x)
    other = [x, 1]
    same = [x, 1]
    same.append(2)
    return first, second, other, same, other is same


def reads_round_a_write(values: Any, x: Any) -> Any:
    before = values[0]
    values[0] = x
    after = values[0]
    values.append(values[-1])
    return before, after, len(values)


def attributes(held: Any, x: Any) -> Any:
    before = held.n
    held.n = held.n + x
    held.add(x)
    if x > 0:
        held.n += 10
    return before, held.n


def subscripts(x: Any, table: Any) -> Any:
    y = x * 1
    y[0] = 9.0
    y[1] += 1.0
    table["a"] = y[0]
    table["b"]["c"] = x
    del table["gone"]
    return x + y


def asserts(x: Any) -> Any:
    assert x > 0, f"got {x}"
    assert 1 < 2
    return x


def raises(x: Any) -> Any:
    if x > 1:
        raise ValueError("too much")
    return x


def raises_always(n: int) -> Any:
    unused = [n]  # noqa: F841
    raise KeyError(n)


def prints(x: Any) -> Any:
    print("before")
    if x > 0:
        print("positive", x)
    print(f"{x:.2f}")
    return x


def loop(x: Any, n: int) -> Any:
    total, unused, values = x, x, []
    for i in range(n):
        total = total + i * x
        unused = unused * 2
        values.append(total)
    return total, values


def trips(x: Any) -> Any:
    n = 0
    while x < 50:
        x = x * 2
        n = n + 1
        if x > 40:
            break
    else:
        n = -n
    return x, n


def returns_inside(x: Any, v: Any) -> Any:
    for each in v:
        if each > x:
            return each
    return -x


def constant_branch(x: Any) -> Any:
    if True:  # noqa: SIM108 (statements are what this is about)
        y = x + 1
    else:
        y = x.missing
    while False:
        y = 0
    return y if None else (y, 1 and x)


def conditions_that_are_no_bools(x: Any, n: int, name: str = "") -> Any:
    while n:
        n = n - 1
        if name or n:
            x = x + (2 if n else 1)
    while 1:
        x = x + 1
        if 2 and x > 9:
            break
    assert 3, "never"
    return x, not n, name or 0.5


def comprehension(x: Any, n: int) -> Any:
    rows = [[x + i * k for i in range(2)] for k in range(n) if k != 1]
    return rows, dict.fromkeys(("a", "b"), x), (last := rows[-1]), last


def closure(x: Any) -> Any:
    k = 1

    def add(y: Any, *, by: Any = x) -> Any:
        return y + k + by

    first = add(x)
    k = 10
    return first, add(x), (lambda y, *rest: (y, rest))(x, 1, 2)


def shared_counter(x: Any) -> Any:
    count = [0]

    def step(y: Any) -> Any:
        count[0] += 1
        return y * count[0]

    return step(x), step(x), count


def unpack(values: Any) -> Any:
    (_only,) = values
    return 1


def uses_up(items: Any) -> Any:
    for _ in items:
        pass
    _first, *rest = items, 1, 2
    return list(items), rest


def unbound(n: int) -> Any:
    if n > 1:
        y = n
    del y
    return n


def applied(x: Any) -> Any:
    y = Double.apply(x, 3)
    z = Double.apply(x, 3)
    Double.apply(x, 4)
    return y + z


def calls(x: Any, *rest: Any, by: Any = 2, **more: Any) -> Any:
    return jnp.sum(jnp.stack([x, *rest]), axis=0, keepdims=True) * by, more


def context(x: Any) -> Any:
    with jaxgrad.loop(max_steps=5):
        while x < 10:
            x = x * 2
    return x


CASES: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (straight, (X,)),
    (branch, (X,)),
    (branch, (-X,)),
    (early, (X,)),
    (early, (-X,)),
    (chained, (X, 1)),
    (chained, (X, 3)),
    (two_lists, (X,)),
    (reads_round_a_write, ([V, 1], X)),
    (attributes, (Held(X), X)),
    (subscripts, (V, {"b": {}, "gone": 1})),
    (asserts, (X,)),
    (asserts, (-X,)),
    (raises, (X,)),
    (raises, (X - 2,)),
    (raises_always, (3,)),
    (prints, (X,)),
    (prints, (-X,)),
    (loop, (X, 3)),
    (loop, (X, 6)),
    (trips, (X,)),
    (trips, (X + 60,)),
    (returns_inside, (X, V)),
    (returns_inside, (X * 9, V)),
    (constant_branch, (X,)),
    (conditions_that_are_no_bools, (X, 2)),
    (conditions_that_are_no_bools, (X, 0, "a")),
    (comprehension, (X, 3)),
    (closure, (X,)),
    (shared_counter, (X,)),
    (unpack, ([1],)),
    (unpack, ([1, 2],)),
    (uses_up, ([X, 1],)),
    (unbound, (2,)),
    (applied, (X,)),
    (calls, (X, X)),
    (context, (X,)),
    (context, (X / 1e3,)),
]
NOT_PYTHON = (context, subscripts)  # max_steps says nothing there; arrays are no lists
PASSES = {
    "copy": Graph.copy,
    "dce": dce,
    "cse": cse,
    "inline": inline,
    "constant_fold": constant_fold,
    "canonicalize": canonicalize,
}


def every(graph: Graph) -> Graph:
    """All passes, one after the other."""
    return functools.reduce(lambda g, change: change(g), PASSES.values(), graph)


def plain(tree: Any) -> Any:
    """A value with its types, for `==`."""
    if isinstance(tree, Held):
        return "Held", plain(vars(tree))
    if isinstance(tree, dict):
        return "dict", [(k, plain(v)) for k, v in tree.items()]
    if isinstance(tree, list | tuple):
        return type(tree).__name__, [plain(v) for v in tree]
    if hasattr(tree, "dtype"):
        return str(tree.dtype), np.shape(tree), np.asarray(tree).tolist()
    return type(tree).__name__, tree


def outcome(run: Callable[..., Any], args: tuple[Any, ...], capsys: Any) -> Any:
    """What a call returns or raises, what it changes, and what it prints."""
    args = copy.deepcopy(args)
    try:
        result = "returned", plain(run(*args))
    except Exception as error:
        result = type(error).__name__, str(error.args)
    return result, plain(args), capsys.readouterr().out


def with_graph(fn: Callable[..., Any], graph: Graph) -> Any:
    """A script of `fn` that runs a graph of its own."""
    script = jaxgrad.script(fn)
    script.graph = graph
    return script


@pytest.mark.parametrize(
    "fn", dict.fromkeys(fn for fn, _ in CASES), ids=lambda fn: fn.__name__
)
def test_passes_keep_what_a_script_does(
    fn: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    script = jaxgrad.script(fn)
    cases = [args for other, args in CASES if other is fn]
    expected = [outcome(script, args, capsys) for args in cases]
    # The values are compared elsewhere; here it has to be the same way of ending.
    ends = [outcome(fn, args, capsys)[0][0] for args in cases]
    if fn not in NOT_PYTHON:
        assert [result[0] for result, _, _ in expected] == ends
    # Programs whose text is the same are the same: only one of them is run.
    changed = {"every": every(script.graph)}
    changed |= {name: change(script.graph) for name, change in PASSES.items()}
    seen = {canonicalize(script.graph).str(False)}
    for name, graph in changed.items():
        graph.lint()
        text = canonicalize(graph).str(False)
        if text in seen:
            continue
        seen.add(text)
        run = with_graph(fn, graph)
        assert [outcome(run, args, capsys) for args in cases] == expected, name


@pytest.mark.parametrize(
    "fn", dict.fromkeys(fn for fn, _ in CASES), ids=lambda fn: fn.__name__
)
def test_text_and_copy_are_the_same_again(fn: Callable[..., Any]) -> None:
    graph = jaxgrad.script(fn).graph
    graph.lint()
    assert str(graph.copy()) == str(graph)
    functions = {"Double": Double, "loop": jaxgrad.loop}
    assert str(parse(str(graph), functions)) == str(graph)


def kinds(graph: Graph) -> list[str]:
    return [node.kind() for node in graph.nodes()]


def text(
    fn: Callable[..., Any], change: Callable[[Graph], Graph] = canonicalize
) -> str:
    return change(jaxgrad.script(fn).graph).str(False)


def test_text_of_branches() -> None:
    assert (
        text(early)
        == """\
graph(%x : Tensor):
  %1 : int = prim::Constant[value=1]()
  %2 : Any = py::operator.gt(%x, %1)
  %_ret.1 : Any = prim::If(%2)
    block0():
      -> (%x)
    block1():
      %3 : int = prim::Constant[value=-1]()
      %4 : Any = py::operator.lt(%x, %3)
      %_ret : Any = prim::If(%4)
        block0():
          %5 : Any = py::operator.neg(%x)
          -> (%5)
        block1():
          %6 : int = prim::Constant[value=0]()
          %7 : Any = py::operator.mul(%x, %6)
          -> (%7)
      -> (%_ret)
  return (%_ret.1)"""
    )


def test_text_of_a_loop() -> None:
    def fn(x: Any, n: int) -> Any:
        for i in range(n):
            x[i] = i
        return x[0]

    assert (
        text(fn)
        == """\
graph(%x : Tensor,
      %n : int):
  %1 : Any = py::builtins.range(%n)
  %2 : Any, %3 : Any = prim::Iterate(%1)
  %4 : bool = prim::Constant[value=True]()
  %x.1 : Any = prim::Loop(%3, %4, %x)
    block0(%i : int, %x.2 : Any):
      %i.1 : Any = prim::Item(%2, %i)
      %x.3 : Any = prim::SetItem(%x.2, %i.1, %i.1)
      %5 : bool = prim::Constant[value=True]()
      -> (%5, %x.3)
  %6 : int = prim::Constant[value=0]()
  %7 : Any = py::operator.getitem(%x.1, %6)
  return (%7)"""
    )


def test_text_of_closures_stands_below_them() -> None:
    def fn(x: Any) -> Any:
        def outer(y: Any, n: Any = 2) -> Any:
            return (lambda z: z + x)(y) * n

        return outer(x)

    graph = jaxgrad.script(fn).graph
    assert (
        canonicalize(graph).str(False)
        == """\
graph(%x : Tensor):
  %1 : int = prim::Constant[value=2]()
  %outer : Any = prim::Closure[name='outer', defaults=['n']](%x, %1)
    graph(%x : Tensor,
          %y : Tensor,
          %n : Tensor):
      %1 : Any = prim::Closure[name='<lambda>', defaults=[]](%x)
        graph(%x : Tensor,
              %z : Tensor):
          %1 : Any = py::operator.add(%z, %x)
          return (%1)
      %2 : Any = prim::CallFunction[name='<value>'](%1, %y)
      %3 : Any = py::operator.mul(%2, %n)
      return (%3)
  %2 : Any = prim::CallFunction[name='outer'](%outer, %x)
  return (%2)"""
    )
    node = graph.find_node("prim::Closure")
    assert "\n" not in str(node)
    read = parse(str(graph)).find_node("prim::Closure")
    assert read.g("graph").str(False) == node.g("graph").str(False)


def defines(x: Any) -> Any:
    def inner(y: Any) -> Any:
        return y * x

    return inner(x) + 1


def edit(graph: Graph) -> None:
    """Make the product in `inner` a sum."""
    inner = graph.find_node("prim::Closure").g("graph")
    old = inner.find_node("py::operator.mul")
    new = inner.create("py::operator.add", old.inputs()).insert_before(old)
    old.output().replace_all_uses_with(new.output())
    old.destroy()


def test_edits_of_a_function_inside_change_calls() -> None:
    script, three = jaxgrad.script(defines), jnp.float32(3)
    assert script(three) == 10
    edit(script.graph)
    assert script(three) == 7
    assert jaxgrad.script(defines)(three) == 10


@pytest.mark.parametrize("change", ["copy", "insert_graph", "create_clone"])
def test_a_copy_shares_no_function_inside(change: str) -> None:
    graph = jaxgrad.script(defines).graph
    if change == "copy":
        new = graph.copy()
    else:
        new = Graph()
        x = new.add_input("x")
        if change == "insert_graph":
            new.insert_graph(graph, [x])
        else:
            node = graph.find_node("prim::Closure")
            new.append_node(new.create_clone(node, lambda value: x))
    before, version = str(graph), graph.version
    edit(new)
    assert (str(graph), graph.version) == (before, version)
    edit(graph)
    assert str(graph) != before
    assert graph.version > version


def test_a_function_inside_that_comes_from_text_can_not_be_called() -> None:
    script = jaxgrad.script(defines)
    script.graph = parse(str(script.graph))
    with pytest.raises(GraphError, match="'inner' has no program: it comes from text"):
        script(X)


# --- what each pass does --------------------------------------------------------------


def test_dce_keeps_effects_alone() -> None:
    def fn(held: Any, x: Any) -> Any:
        a = jnp.sin(x)
        held.n = x
        b = [a, held.n]  # noqa: F841
        held.rows[0] = x
        print(x)
        assert x > 0
        (_only,) = held.rows
        return x

    kept = kinds(dce(jaxgrad.script(fn).graph))
    assert "py::jax.numpy.sin" not in kept
    assert "prim::ListConstruct" not in kept
    assert [k for k in kept if k.startswith("prim::") and k != "prim::Constant"] == [
        "prim::SetAttr",
        "prim::GetAttr",
        "prim::SetItem",
        "prim::SetAttr",
        "prim::Assert",
        "prim::GetAttr",
        "prim::TupleUnpack",
    ]
    assert "py::builtins.print" in kept


def test_dce_shrinks_loops() -> None:
    def fn(x: Any) -> Any:
        y = z = x
        for _ in range(3):
            y = y + 1
            z = z * y
        return y

    before = jaxgrad.script(fn).graph
    sizes = [len(g.find_node("prim::Loop").outputs()) for g in (before, dce(before))]
    assert sizes == [2, 1]


def test_cse_pools_constants_and_keeps_lists_and_reads_apart() -> None:
    def count(fn: Callable[..., Any], kind: str) -> tuple[int, int]:
        graph = jaxgrad.script(fn).graph
        return kinds(graph).count(kind), kinds(cse(graph)).count(kind)

    assert count(two_lists, "prim::ListConstruct") == (4, 4)
    assert count(two_lists, "prim::Constant") == (3, 2)
    assert count(reads_round_a_write, "py::operator.getitem") == (3, 3)
    assert count(attributes, "prim::GetAttr") == (3, 3)
    assert count(applied, "prim::PythonOp") == (3, 3)


def test_constant_fold_takes_the_branch_that_is_known() -> None:
    folded = constant_fold(jaxgrad.script(constant_branch).graph)
    assert "missing" not in str(folded)
    assert len(list(folded.find_all_nodes("prim::If"))) == 2


def test_a_function_keeps_its_rule_in_every_graph() -> None:
    for change in (every, dce, cse, constant_fold, canonicalize):
        script = with_graph(applied, change(jaxgrad.script(applied).graph))
        assert jax.grad(script)(X) == 10
