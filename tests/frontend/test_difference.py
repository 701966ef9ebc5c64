"""What tracing again finds: baked branches, constants, sizes, arrays and state."""

import functools
import itertools
import linecache
import types as types_

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.errors import JaxgradError, TraceError
from jaxgrad.frontend._difference import Difference, check, compare
from jaxgrad.frontend._explained import Shapes
from jaxgrad.frontend._trace import trace
from jaxgrad.graph import Graph, SourceRange, types

FILE = "<difference test>"
LINES = ["h = jnp.sin(x)\n", "y = h * SCALE\n"]
linecache.cache[FILE] = len("".join(LINES)), None, LINES, FILE


def typed(text: str) -> types.Type:
    return types.parse(text)


def graph(*nodes, inputs=("f32[3]",), outputs=1, names=("x", "w")) -> Graph:
    """A chain of nodes: each is (kind, attributes), and a constant is (value,)."""
    made = Graph()
    values = [
        made.add_input(name, typed(text))
        for name, text in zip(names, inputs, strict=False)
    ]
    last = values[0]
    for line, (kind, *attributes) in enumerate(nodes, 1):
        operands = [last]
        if kind == "lax::mul":
            operands.append(made.insert_constant(attributes.pop(0)))
        node = made.create(kind, operands)
        for name, value in (attributes[0] if attributes else {}).items():
            node.attr[name] = value
        made.append_node(node)
        node.set_source_range(SourceRange(FILE, line, 4))
        last = node.output().set_type(values[0].type())
        last.set_debug_name("hy"[line - 1])
    for _ in range(outputs):
        made.register_output(last)
    return made


SIN = ("lax::sin",)


def broadcast(*shape: int) -> tuple:
    return ("lax::broadcast_in_dim", {"shape": shape})


def kind_of(first: Graph, second: Graph, **options) -> str | None:
    found = compare(first, second, **options)
    return None if found is None else found.kind


# --- graphs made by hand --------------------------------------------------------------


def test_equal_graphs_do_not_differ() -> None:
    first = graph(SIN, ("lax::mul", 2.0))
    assert compare(first, first.copy()) is None
    assert compare(first, first.copy(), same_inputs=True) is None
    # Types follow the arguments.
    assert compare(first, graph(SIN, ("lax::mul", 2.0), inputs=["f32[5]"])) is None


def test_control_flow() -> None:
    found = compare(graph(SIN, SIN), graph(SIN, ("lax::cos",)))
    assert isinstance(found, Difference)
    assert (found.kind, found.name) == ("control flow", "%y")
    text = found.paragraph("check_inputs[0]")
    expected = (
        "lax::sin", "lax::cos", f"{FILE}:2", "y = h * SCALE", "    ^^^^^^^^^",
        "jnp.where", "jax.lax.cond", "check_inputs[0]",
    )  # fmt: skip
    assert [part for part in expected if part not in text] == []
    assert kind_of(graph(SIN, SIN), graph(SIN)) == "control flow"
    assert kind_of(graph(SIN), graph(SIN, SIN)) == "control flow"


def test_another_operand_is_control_flow() -> None:
    made = []
    for which in (0, 1):
        g = Graph()
        values = [g.add_input(name, typed("f32[3]")) for name in "ab"]
        node = g.append_node(g.create("lax::sin", [values[which]]))
        g.register_output(node.output())
        made.append(g)
    assert kind_of(*made) == "control flow"
    # Both are captured, if there are no arguments.
    assert kind_of(*made, arguments=0) == "captured value"


def test_constant() -> None:
    found = compare(graph(SIN, ("lax::mul", 2.0)), graph(SIN, ("lax::mul", 3.5)))
    assert found is not None
    assert (found.kind, found.name) == ("constant", "%y")
    assert (found.first, found.second) == ("2.0", "3.5")
    assert "y = h * SCALE" in found.paragraph()
    nan = float("nan")
    assert compare(graph(("lax::mul", nan)), graph(("lax::mul", nan))) is None
    zeros = graph(("lax::mul", np.zeros(3))), graph(("lax::mul", np.arange(3.0)))
    assert kind_of(*zeros) == "constant"
    # A number of another type is another constant.
    assert kind_of(graph(("lax::mul", 2)), graph(("lax::mul", 2.0))) == "constant"


def test_a_constant_in_the_place_of_a_value() -> None:
    first, second = graph(SIN), graph(SIN)
    second.erase_output(0)
    second.register_output(second.insert_constant(np.ones(3, "float32")))
    found = compare(first, second)
    assert found is not None
    assert (found.kind, found.name) == ("constant", "return")


def test_constants_are_compared_where_they_are_used() -> None:
    shared = Graph()
    separate = Graph()
    for g, times in ((shared, 1), (separate, 2)):
        x = g.add_input("x", typed("f32[3]"))
        two = [g.insert_constant(2.0) for _ in range(times)]
        for i in range(2):
            x = g.append_node(g.create("lax::mul", [x, two[i % times]])).output()
        g.register_output(x)
    assert compare(shared, separate) is None
    assert compare(separate, shared) is None


def test_shapes_that_the_arguments_explain() -> None:
    small, large = "f32[3, 4]", "f32[5, 4]"
    pairs = [
        ((3, 4), (5, 4)),
        ((4, 3), (4, 5)),
        ((12,), (20,)),  # all of it
        ((2, 1), (4, 1)),  # a slice without the last
        ((6,), (10,)),  # twice
        ((9,), (25,)),  # a square
        ((1,), (2,)),  # half
        ((4,), (4,)),
    ]
    for one, other in pairs:
        first = graph(broadcast(*one), inputs=[small])
        second = graph(broadcast(*other), inputs=[large])
        assert compare(first, second) is None, (one, other)


def test_shapes_that_nothing_explains() -> None:
    for small, large in (("f32[3]", "f32[3]"), ("f32[3]", "f32[9]")):
        first = graph(broadcast(7), inputs=[small])
        second = graph(broadcast(8), inputs=[large])
        found = compare(first, second)
        assert found is not None
        assert (found.kind, found.name) == ("shape", "%h")
        assert "shape=(7,)" in found.first
        assert "symbolic_shape" in found.paragraph()
    ranks = graph(broadcast(3)), graph(broadcast(1, 3))
    assert kind_of(*ranks) == "shape"


def test_numbers_that_follow_from_shapes() -> None:
    shapes = Shapes()
    shapes.learn_arguments([typed("f32[4, 16]")], [typed("f32[4, 64]")])
    explained = [
        (16.0, 64.0),  # the divisor of a mean
        (15.0, 63.0),  # and of a variance
        (1 / 16, 1 / 64),
        (0.25, 0.125),  # the scale of attention
        (np.float32(1 / 15), np.float32(1 / 63)),
        (np.array(64), np.array(256)),
        (4.0, 8.0),
    ]
    assert [pair for pair in explained if not shapes.same(*pair)] == []
    others = [(16.0, 63.0), (2.0, 3.0), (True, False), (16, 64.0), (-16.0, 64.0)]
    others += [(0.25, 0.126), (float("inf"), 1.0), (0.0, 1.0)]
    assert [pair for pair in others if shapes.same(*pair)] == []


def test_attributes() -> None:
    first = graph(("lax::reduce_sum", {"axes": (0,)}))
    found = compare(first, graph(("lax::reduce_sum", {"axes": (1,)})))
    assert found is not None
    assert (found.kind, found.first) == ("attribute", "axes=(0,)")
    missing = compare(first, graph(("lax::reduce_sum",)))
    assert missing is not None
    assert missing.kind == "attribute"


def test_equality_of_attributes() -> None:
    shapes = Shapes()
    shapes.learn(typed("f32[3]"), typed("f16[5]"))

    class Plain:
        pass

    def made(scale: float):
        return lambda x: x * scale

    struct = jax.ShapeDtypeStruct
    equal = [
        (Plain(), Plain()),
        (made(1), made(2)),
        (functools.partial(made, 3), functools.partial(made, 5)),
        ({"a": (3, "s")}, {"a": (5, "s")}),
        (struct((3,), "float32"), struct((5,), "float16")),
        (np.dtype("float32"), np.dtype("float16")),
        (jnp.zeros(3), jnp.ones(5)),  # its content follows its shape
        (jax.random.key(1), jax.random.key(1)),
        (np.array([np.nan, 1]), np.array([np.nan, 1])),
        (np.ones(2, "float32"), jnp.ones(2)),
        ({1, 2}, {2, 1}),
    ]
    assert [pair for pair in equal if not shapes.same(*pair)] == []
    different = [
        (Plain(), 3),
        (made, test_attributes),
        ({"a": 1}, {"b": 1}),
        ((3,), (3, 3)),
        ("s", "t"),
        (struct((3,), "float32"), struct((4,), "float32")),
        (np.dtype("float32"), np.dtype("int32")),
        (jnp.zeros(3), jnp.ones(3)),
        (jax.random.key(1), jax.random.key(2)),
        (None, 3),
        (1 + 2j, 1 + 3j),
    ]
    assert [pair for pair in different if shapes.same(*pair)] == []


def test_number_of_outputs_and_inputs() -> None:
    found = compare(graph(SIN), graph(SIN, outputs=2))
    assert found is not None
    assert (found.kind, found.first, found.second) == (
        "number of outputs",
        "1 outputs",
        "2 outputs",
    )
    two = graph(SIN, inputs=["f32[3]", "f32[2]"])
    assert kind_of(two, graph(SIN)) == "number of inputs"


def test_captured_values() -> None:
    one, two = graph(SIN), graph(SIN, inputs=["f32[3]", "f32[2]"])
    found = compare(one, two, arguments=1)
    assert found is not None
    assert (found.kind, found.name) == ("captured value", "%w")
    assert (found.first, found.second) == ("none", "%w")
    longer = graph(SIN, inputs=["f32[3]", "f32[4]"])
    assert kind_of(two, longer, arguments=1) == "captured value"
    # By themselves, arguments have any shape.
    assert compare(two, longer) is None
    values = [np.zeros(2)], [np.ones(2)]
    assert kind_of(two, two.copy(), arguments=1, captured=values) == "captured value"
    same = [np.ones(2, "float32")], [jnp.ones(2)]
    assert compare(two, two.copy(), arguments=1, captured=same) is None


def test_results() -> None:
    g = graph(SIN)
    close = jnp.ones(3), jnp.ones(3) + 1e-6
    assert compare(g, g.copy(), results=close) is None
    found = compare(g, g.copy(), results=(jnp.ones(3), jnp.zeros(3)))
    assert found is not None
    assert (found.kind, found.name) == ("result", "%h")
    for got in (jnp.ones(2), jnp.ones(3, int)):
        assert kind_of(g, g.copy(), results=(jnp.ones(3), got)) == "result"
    more = (jnp.ones(3), [jnp.ones(3)] * 2)
    assert kind_of(g, g.copy(), results=more) == "number of outputs"
    whole = np.arange(3), np.array([0, 1, 3])
    assert kind_of(g, g.copy(), results=whole) == "result"


def test_blocks_are_compared() -> None:
    def nested(kind: str) -> Graph:
        g = Graph()
        x = g.add_input("x", typed("f32[3]"))
        call = g.append_node(g.create("prim::CallFunction", [x]))
        block = call.add_block()
        inner = block.add_input_to_block("t", typed("f32[3]"))
        block.register_output(block.add_node(kind, [inner]).output())
        call.set_source_range(SourceRange(FILE, 1, 4))
        g.register_output(call.output())
        return g

    assert compare(nested("lax::sin"), nested("lax::sin")) is None
    found = compare(nested("lax::sin"), nested("lax::cos"))
    assert found is not None
    assert found.kind == "control flow"
    assert found.source == SourceRange(FILE, 1, 4)


def test_check_reports_all_that_it_finds() -> None:
    first = graph(SIN, ("lax::mul", 2.0))
    again = {
        1: first.copy(),
        2: graph(SIN, SIN),
        3: graph(SIN, ("lax::mul", 3.0), outputs=2),
        4: graph(("lax::cos",), ("lax::mul", 2.0)),
    }
    asked = []

    def trace_again(args):
        asked.append(args)
        return again[int(args[0][0])]

    def x(i: int):
        return np.full(3, i)

    check(trace_again, first, (x(1),), [x(1), (x(1),)])
    assert all(isinstance(args, tuple) for args in asked)
    assert len(asked) == 3
    with pytest.raises(TraceError) as raised:
        check(trace_again, first, (x(1),), [x(1), x(2), x(3), x(4)])
    text = str(raised.value)
    # The second of the same place is left out.
    assert text.count("control flow:") == 2
    assert "check_inputs[1]" in text
    assert "check_inputs[2]" not in text
    assert "check_inputs[3]" in text
    assert text.index("%y") < text.index("at %h")


def test_check_of_the_same_inputs_finds_state() -> None:
    second = graph(SIN, ("lax::mul", 3.0))
    with pytest.raises(TraceError, match=r"state: another constant \(constant\) at %y"):
        check(lambda _: second, graph(SIN, ("lax::mul", 2.0)), (np.ones(3),), [])


def test_check_compares_captured_values() -> None:
    two = graph(SIN, inputs=["f32[3]", "f32[2]"])
    ones, zeros, args = np.ones(2), np.zeros(2), (np.ones(3),)

    def again(*captured):
        return lambda _: types_.SimpleNamespace(graph=two, captured=captured)

    check(again(ones), two, args, [args], captured=[ones])
    with pytest.raises(TraceError, match="captured value"):
        check(again(zeros), two, args, [], captured=[ones])

    def inside(v):
        check(again(v), two, args, [], captured=[v])  # of a jit around both
        with pytest.raises(TraceError, match="state: a kept value at %w"):
            check(again(v), two, args, [], captured=[ones])
        return v

    jax.make_jaxpr(inside)(ones)


def test_check_explains_jax_error_for_a_kept_value() -> None:
    def again(_):
        raise jax.errors.UnexpectedTracerError("leaked")

    with pytest.raises(TraceError, match="a value of an earlier trace") as raised:
        check(again, graph(SIN), (np.ones(3),), [])
    assert isinstance(raised.value.__cause__, jax.errors.UnexpectedTracerError)


# --- real traces: torch's tests of its trace checker, and more ------------------------

X3, X5 = np.linspace(0, 1, 3, dtype="float32"), np.linspace(0, 1, 5, dtype="float32")


def refused(fn, *inputs) -> str:
    """The message for what `fn`, traced on the first inputs, does on the others."""
    with pytest.raises(TraceError) as raised:
        trace(fn, inputs[0], check_inputs=list(inputs[1:]))
    assert isinstance(raised.value, JaxgradError)
    return str(raised.value)


def traced_kind(fn, first, second) -> str | None:
    return kind_of(trace(fn, first).graph, trace(fn, second).graph)


def test_trace_checker_control_flow() -> None:
    def branch(x):
        h = x + 1
        if x.shape[0] > 3:
            h = jnp.sin(h)
        return h * 2

    text = refused(branch, X3, X5)
    parts = ["control flow", "test_difference.py", "return h * 2", "^^^"]
    parts += ["lax::mul", "lax::sin", "jax.lax.cond", "check_inputs[0]"]
    assert [part for part in parts if part not in text] == []
    trace(branch, X3, check_inputs=[X3 + 1, X3[:2]])


def test_trace_checker_control_flow_on_values_is_jax_own_error() -> None:
    def branch(x):
        return x if x[0] > 0 else -x

    with pytest.raises(jax.errors.TracerBoolConversionError):
        trace(branch, X3, check_inputs=[X3])


def test_loop_over_a_shape() -> None:
    def total(x):
        t = x[0]
        for i in range(1, x.shape[0]):
            t = t + x[i]
        return t

    assert "control flow" in refused(total, X3, X5)
    trace(total, X3, check_inputs=[X3 * 2])


def test_trace_checker_memoization_of_a_traced_value() -> None:
    memo: dict[str, jax.Array] = {}

    def remembers(x):
        if "y" not in memo:
            memo["y"] = jnp.sin(x)
        return memo["y"] + x

    with pytest.raises(TraceError, match="of an earlier trace") as raised:
        trace(remembers, X3, check_inputs=[X3])
    assert raised.value.__notes__[-1:] == [
        "The callable was traced again, on the same inputs, because of check_inputs."
    ]


def test_trace_checker_memoization_of_an_array() -> None:
    memo: dict[str, np.ndarray] = {}

    def remembers(x):
        if "y" not in memo:
            memo["y"] = np.ones(3, "float32")
            return jnp.sin(x) + memo["y"]
        return memo["y"] * x

    assert "state: another operation (control flow)" in refused(remembers, X3, X3)


def test_trace_checker_dot_data() -> None:
    # What `x.data` is in torch: the current input, read round the argument.
    current = {}

    def reads_round(x):
        return x + current["data"]

    graphs = []
    for data in (X3, X3 + 1):
        current["data"] = data
        graphs.append(trace(reads_round, data).graph)
    assert kind_of(*graphs) in ("constant", "captured value")
    trace(reads_round, X3, check_inputs=[X3])


def test_trace_checker_slice_lhs() -> None:
    def writes(x):
        for i in range(3):
            x = x.at[i, :].set(jnp.zeros(4))
        return x

    x = np.ones((3, 4), "float32")
    traced = trace(writes, x, check_inputs=[x * 2, np.ones((5, 4), "float32")])
    np.testing.assert_array_equal(traced(x), 0 * x)


def test_trace_checker_inplace_on_view() -> None:
    def writes(x):
        return x.at[...].add(-x)

    trace(writes, X3, check_inputs=[X3 * 2, X5])


SCALE = 2.0


def test_a_global_number_that_changes(monkeypatch) -> None:
    def scaled(x):
        y = x * SCALE
        return y + 1

    first = trace(scaled, X3).graph
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    found = compare(first, trace(scaled, X3).graph)
    assert found is not None
    assert found.kind == "constant"
    assert (found.first, found.second) == ("2.0", "3.0")
    assert "y = x * SCALE" in found.paragraph()


def test_a_counter() -> None:
    calls = itertools.count(1)

    def counts(x):
        return x * next(calls)

    assert "state: another constant (constant)" in refused(counts, X3)


def test_host_randomness() -> None:
    rng = np.random.default_rng(0)

    def noisy(x):
        return x + rng.normal()

    assert "jax.random" in refused(noisy, X3)


def test_a_captured_array() -> None:
    table = [jnp.arange(3.0)]

    def looks_up(x):
        return x + table[-1]

    first = trace(looks_up, X3)
    table.append(jnp.arange(1.0))
    assert traced_kind(looks_up, X3, X3) is None
    assert kind_of(first.graph, trace(looks_up, X3).graph, arguments=1) in (
        "control flow",
        "captured value",
    )


def test_a_captured_array_of_other_values() -> None:
    tables = itertools.cycle([jnp.zeros(3), jnp.zeros(3), jnp.ones(3)])

    def looks_up(x):
        return x + next(tables)

    text = refused(looks_up, X3, X5[:3])
    assert "captured value" in text
    assert "Array([1., 1., 1.], dtype=float32)" in text
    assert "check_inputs[0]" in text


def test_arrays_of_a_transformation_around_both_traces_pass() -> None:
    def outer(v):
        return trace(lambda x: x * v, X3, check_inputs=[X3 + 1])(X3).sum()

    np.testing.assert_allclose(jax.grad(outer)(jnp.float32(2)), X3.sum(), rtol=1e-6)


def test_a_baked_size() -> None:
    sizes = itertools.cycle([2, 2, 4])

    def pads(x):
        return jnp.pad(x, (0, next(sizes)))

    # On the same inputs it does the same; on the others it pads more.
    assert "check_inputs[0]" in refused(pads, X3, X3)


def test_another_number_of_outputs() -> None:
    assert traced_kind(lambda x: [x] * x.shape[0], X3, X5) == "number of outputs"


class Power(Function):
    @staticmethod
    def forward(ctx, x, n):
        return x**n

    @staticmethod
    def backward(ctx, g):
        return g, None


def test_a_static_argument_of_a_function() -> None:
    exponents = iter([2, 3, 3, 3, 3])
    text = refused(lambda x: Power.apply(x, next(exponents)), X3)
    assert "scalar_args=[2]" in text
    assert "scalar_args=[3]" in text
    # A static argument that is a dimension follows the arguments.
    assert traced_kind(lambda x: Power.apply(x, len(x)), X3, X5) is None


def test_what_shapes_explain_passes() -> None:
    def model(x, w):
        h = jax.nn.softmax(x @ w / jnp.sqrt(x.shape[-1]), axis=-1)
        n = h.shape[0]
        mean, var = h.mean(0), h.var(0, ddof=1)
        h = jnp.concatenate([h[1:], h[:-1], h[::2], h[: n // 2]])
        h = h.reshape(-1) * n**-0.5 + 1 / n
        grid = jnp.arange(n) + jnp.zeros((n, 2 * n)).sum()
        mask = jnp.tril(jnp.ones((n, n), bool))
        scanned = jax.lax.scan(lambda c, r: (c + r, r.sum()), mean, x @ w)
        padded = jnp.pad(x, ((1, 1), (0, 0)))
        windows = jax.lax.reduce_window(
            padded, 0.0, jax.lax.add, (3, 1), (2, 1), "VALID"
        )
        windows = jnp.broadcast_to(windows[:1], windows.shape)
        return h, var, grid, mask, scanned, windows, np.float32(n) * x

    def inputs(n: int, k: int):
        return np.ones((n, k), "float32"), np.ones((k, 4), "float32")

    first = inputs(6, 4)
    trace(model, *first, check_inputs=[inputs(6, 4), inputs(12, 4), inputs(9, 16)])


def test_convolutions_and_control_flow_pass() -> None:
    def model(x):
        kernel = jnp.ones((2, x.shape[1], 3))
        y = jax.lax.conv_general_dilated(x, kernel, (2,), "SAME")
        y = jax.lax.cond(y.sum() > 0, jnp.sin, jnp.cos, y)
        return jax.lax.while_loop(lambda v: v.sum() < 9, lambda v: v + 1, y)

    def x(n: int):
        return np.ones((1, 2, n), "float32")

    trace(model, x(8), check_inputs=[x(12), x(7)])


def test_other_dtypes_pass_where_the_program_is_the_same() -> None:
    assert traced_kind(lambda x: jnp.sin(x) * 2, X3, X3.astype("float16")) is None


def test_errors_of_the_callable_pass_through() -> None:
    def fails(x):
        if x.shape[0] > 3:
            raise KeyError("mine")
        return x

    with pytest.raises(KeyError, match="mine") as raised:
        trace(fails, X3, check_inputs=[X3 + 1, X5])
    assert "check_inputs[1]" in raised.value.__notes__[-1]
