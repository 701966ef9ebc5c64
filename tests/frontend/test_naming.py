"""Names of values: from positions in source, from signatures, from closures."""

import functools
import itertools
import linecache
import sys
import textwrap
import time
import types

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.frontend._naming import (
    Namer,
    argument_names,
    assign_names,
    captured_name,
    captured_names,
    identifier,
    names_for,
)

_numbers = itertools.count()


def source(text: str) -> str:
    """A file of this text that only `linecache` knows, as a notebook's cell is."""
    text = textwrap.dedent(text).lstrip("\n")
    filename = f"<naming test {next(_numbers)}>"
    lines = text.splitlines(keepends=True)
    linecache.cache[filename] = len(text), None, lines, filename
    return filename


def positions(code: types.CodeType) -> list[tuple[int, int, int, int]]:
    """(line, column, end line, end column) of calls and operators, in running order."""
    import dis

    found = []
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        if name.startswith(("CALL", "BINARY", "UNARY_NEG")) and "INTRINSIC" not in name:
            place = instruction.positions
            assert place is not None
            found.append(
                (place.lineno, place.col_offset, place.end_lineno, place.end_col_offset)
            )
    return found


def recorded(text: str, function: str = "f") -> list[list[str | None]]:
    """The names of one output for each operation of a function, by its positions."""
    filename = source(text)
    space: dict = {}
    exec(compile("".join(linecache.getlines(filename)), filename, "exec"), space)
    places = positions(space[function].__code__)
    return assign_names([(filename, p[0], 1, *p[1:]) for p in places])


ONE_LINE = {
    "z = g(x) * 2": ("z",),
    "z: float = g(x)": ("z",),
    "z += g(x)": ("z",),
    "self.h = g(x)": ("h",),
    "a, b = g(x)": ("a", "b"),
    "(a, b), c = g(x)": ("a", "b", "c"),
    "q, _ = g(x)": ("q", "_"),
    "a = b = g(x)": ("a",),
    "d['key'] = g(x)": ("key",),
    "first[0] = second = g(x)": ("second",),
    "d[0] = g(x)": (),
    "a, *rest = g(x)": (),
    "ys = [g(x), h(x)]": (),
    "ys = [g(x) for x in xs]": (),
    "f = lambda x: g(x)": (),
    "g(x)": (),
    "a = g(x); b = h(x)": (),
    "z: float": (),
    "for z in g(x): pass": (),
    "with g(x) as z: pass": (),
    "not python": (),
    "θ = g(x)": ("_θ",),
}


@pytest.mark.parametrize(("line", "names"), ONE_LINE.items(), ids=ONE_LINE)
def test_targets_of_a_line(line: str, names: tuple[str, ...]) -> None:
    filename = source(line)
    assert names_for(filename, 1) == names
    assert Namer().target(filename, 1) == (names or None)


def test_columns_choose_among_statements_and_parts() -> None:
    filename = source("a = g(x); b = h(y)\nz = (t := g(x)) * 2\n")
    assert names_for(filename, 1, 4) == ("a",)
    assert names_for(filename, 1, 14, 1, 18) == ("b",)
    assert names_for(filename, 1, 0) == ()
    assert names_for(filename, 2, 10, 2, 14) == ("t",)
    assert names_for(filename, 2, 4, 2, 19) == ("z",)
    assert names_for(filename, 2) == ("z",)


def test_several_lines_belong_to_one_statement() -> None:
    filename = source("""
        z = cond(
            g(x),
            lambda x: h(x),
            x,
        )
        return_ = 1
    """)
    named = [names_for(filename, line) for line in range(1, 8)]
    assert named == [("z",), ("z",), (), ("z",), ("z",), (), ()]


def test_a_missing_source_gives_no_names() -> None:
    assert names_for("<nowhere>", 3) == ()
    assert names_for("/no/such/file.py", 3, 1, 3, 4) == ()
    assert Namer().target("<nowhere>", 3) is None
    assert assign_names([("<nowhere>", 1, 2)]) == [[None, None]]


def test_a_changed_file_is_read_again(tmp_path) -> None:
    file = tmp_path / "model.py"
    file.write_text("z = g(x)\n")
    assert names_for(str(file), 1) == ("z",)
    file.write_text("\n\nother = g(x)\n")
    linecache.checkcache(str(file))
    assert names_for(str(file), 1) == ()
    assert names_for(str(file), 3) == ("other",)


def test_the_last_equation_of_a_statement_is_named() -> None:
    filename = source("z = sin(x) * 2\ny = -z\nreturn y\n")
    lines = [1, 1, 2, 3]
    named = assign_names([(filename, line, 1) for line in lines])
    assert named == [[None], ["z"], ["y"], [None]]


def test_a_loop_repeats_names() -> None:
    filename = source("for w in ws:\n    x = x @ w\n    y = tanh(x) + 1\n")
    named = assign_names([(filename, line, 1) for line in [2, 3, 3, 2, 3, 3]])
    assert named == [["x"], [None], ["y"], ["x"], [None], ["y"]]


def test_equations_of_a_called_function_are_not_the_statement() -> None:
    filename = source("""
        def g(x):
            t = sin(x)
            return t * 2

        def f(x):
            z = cos(x) + g(x)
            return z
    """)
    named = assign_names([(filename, line, 1) for line in [6, 2, 3, 6, 7]])
    assert named == [[None], ["t"], [None], ["z"], [None]]


def test_several_targets_take_the_last_outputs_that_fit() -> None:
    filename = source("a, b = g(x)\nc, d = sin(x), cos(x)\nq, _ = g(x)\n")
    assert assign_names([(filename, 1, 1), (filename, 1, 2)]) == [[None], ["a", "b"]]
    assert assign_names([(filename, 1, 1)] * 3) == [[None], ["a"], ["b"]]
    assert assign_names([(filename, 1, 3)]) == [[None] * 3]
    assert assign_names([(filename, 2, 1)] * 2) == [["c"], ["d"]]
    # Which of the three makes `c` can't be told by the line.
    assert assign_names([(filename, 2, 1)] * 3) == [[None]] * 3
    assert assign_names([(filename, 3, 2)]) == [["q", None]]


def test_columns_name_the_outermost_expression() -> None:
    text = """
        def f(x, g, h):
            z = g(h(x))
            a, b = g(x), h(x) * 2
            y = (
                x
                .sum()
            )
            w = z if y is None else g(-z)
            z += h(w)
            return g(z)
    """
    named = [names[0] for names in recorded(text)]
    assert named == [None, "z", "a", None, "b", "y", None, "w", None, "z", None]


def test_columns_tell_the_runs_of_a_loop_of_one_line_apart() -> None:
    filename = source("for w in ws: x = tanh(x @ w)\n")
    matmul, call = (22, 1, 27), (17, 1, 28)
    run = [(filename, 1, 1, *matmul), (filename, 1, 1, *call)]
    assert assign_names(run * 2) == [[None], ["x"]] * 2
    # A library function of several equations has one position for all of them.
    assert assign_names([*run, run[1]]) == [[None], [None], ["x"]]
    # A start without an end does too.
    starts = [equation[:4] for equation in run]
    assert assign_names(starts * 2) == [[None], ["x"]] * 2


def test_an_argument_of_a_users_function_does_not_get_the_name() -> None:
    filename = source("z = g(sin(x))\n")
    assert assign_names([(filename, 1, 1, 6, 1, 12)]) == [[None]]


def test_columns_count_bytes_or_characters() -> None:
    filename = source("é = f(ä) + g(ö)\n")
    line = linecache.getline(filename, 1).rstrip()
    for end in (len(line), len(line.encode())):
        start = 4 if end == len(line) else 5
        assert assign_names([(filename, 1, 1, start, 1, end)]) == [["_é"]]


def test_positions_of_jax_equations_give_names() -> None:
    filename = source("""
        def f(x):
            h = jnp.sin(x) * 2
            q, r = jnp.linalg.qr(h)
            return q @ r
    """)
    space = {"jnp": jnp}
    exec(compile("".join(linecache.getlines(filename)), filename, "exec"), space)
    jaxpr = jax.make_jaxpr(space["f"])(jnp.ones((2, 2)))
    lines = [2, 2, 3, 4]
    assert len(jaxpr.eqns) == len(lines)
    equations = [
        (filename, line, len(e.outvars))
        for line, e in zip(lines, jaxpr.eqns, strict=True)
    ]
    assert assign_names(equations) == [[None], ["h"], ["q", "r"], [None]]


def test_twenty_thousand_look_ups_are_fast() -> None:
    filename = source("".join(f"z{i} = g(x)\n" for i in range(500)))
    namer = Namer()
    namer.target(filename, 1)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for line in range(20_000):
            namer.target(filename, line % 500 + 1)
        times.append(time.perf_counter() - start)
    assert min(times) / 20_000 < 1e-6


def test_identifiers() -> None:
    texts = {"a b": "a_b", "['w'][0]": "_w_0", "3d": "_3d", "": "_", "x": "x"}
    assert {text: identifier(text) for text in texts} == texts


# --- arguments ------------------------------------------------------------------------


class Layer:
    def __init__(self) -> None:
        self.w = jnp.ones(2)
        self.inner = {"b": [jnp.zeros(2)]}

    def __call__(self, x):
        return x * self.w + self.inner["b"][0]

    def method(self, x, scale):
        return x * scale


def test_names_of_arguments() -> None:
    def f(x, params, *rest, key=None, **more):
        return x

    def positional(a, /, b, *, c):
        return a

    params = {"w": 1, "b": (2, 3)}
    named = argument_names(f, (0, params, 4, [5, 6]), {"key": 7, "extra": {"k-1": 8}})
    assert named == [
        "x", "params_b_0", "params_b_1", "params_w", "rest_0", "rest_1_0", "rest_1_1",
        "extra_k_1", "key",
    ]  # fmt: skip
    assert argument_names(positional, (1, 2), {"c": 3}) == ["a", "b", "c"]
    assert argument_names(functools.partial(f, 0), (params["b"],), {}) == [
        "params_0",
        "params_1",
    ]
    assert argument_names(Layer().method, (1, 2), {}) == ["x", "scale"]
    assert argument_names(Layer(), (1,), {}) == ["x"]
    assert argument_names(lambda u, v: u, (1, 2), {}) == ["u", "v"]
    assert argument_names(jax.jit(f), (1,), {}) == ["x"]
    assert argument_names(f, (), {}) == []


def test_names_of_arguments_without_a_signature() -> None:
    class Hidden:
        __signature__ = "none"

        def __call__(self, x):
            return x

    assert argument_names(Hidden(), (1, [2]), {}) == ["arg0", "arg1_0"]
    # More arguments than parameters: the call itself will say so.
    assert argument_names(lambda x: x, (1, 2), {}) == ["x", "arg1"]


def test_names_of_arguments_in_registered_containers() -> None:
    class Linear(eqx.Module):
        weight: jax.Array
        bias: jax.Array

    model = Linear(jnp.ones(2), jnp.zeros(2))
    names = argument_names(lambda model, x: x, (model, 1), {})
    assert names == ["model_weight", "model_bias", "x"]


# --- captured arrays ------------------------------------------------------------------

TABLE = {"rows": [jnp.arange(3), jnp.arange(4)]}
WEIGHT = np.ones(3)


def reads_globals(x):
    return x + TABLE["rows"][1] + WEIGHT


def calls_it(x):
    return reads_globals(x)


def test_captured_names() -> None:
    bias = jnp.ones(3)

    def closure(x):
        return x + bias

    def nested(x):
        return closure(x) * 2

    def default(x, w=bias, *, v=WEIGHT):
        return x + w + v

    found = {
        "closure": captured_name(closure, bias),
        "through a function": captured_name(nested, bias),
        "default": captured_name(default, bias),
        "keyword default": captured_name(default, WEIGHT),
        "global": captured_name(reads_globals, WEIGHT),
        "container": captured_name(reads_globals, TABLE["rows"][1]),
        "through a global": captured_name(calls_it, TABLE["rows"][0]),
        "jit": captured_name(jax.jit(closure), bias),
        "partial": captured_name(functools.partial(default, w=bias), bias),
        "positional partial": captured_name(functools.partial(jnp.dot, bias), bias),
        "lambda inside": captured_name(lambda x: (lambda y: y + bias)(x), bias),
    }
    assert found == {
        "closure": "bias",
        "through a function": "bias",
        "default": "w",
        "keyword default": "v",
        "global": "WEIGHT",
        "container": "TABLE_rows_1",
        "through a global": "TABLE_rows_0",
        "jit": "bias",
        "partial": "w",
        "positional partial": "a",
        "lambda inside": "bias",
    }


def test_captured_by_objects() -> None:
    layer = Layer()
    assert captured_name(layer, layer.w) == "w"
    assert captured_name(layer.method, layer.inner["b"][0]) == "inner_b_0"
    assert captured_name(lambda x: layer(x), layer.w) == "layer_w"
    model = eqx.nn.MLP(2, 2, 2, 1, key=jax.random.key(0))
    assert captured_name(model, model.layers[1].weight) == "layers_1_weight"
    named = captured_name(lambda x: model(x), model.layers[0].bias)
    assert named == "model_layers_0_bias"


def test_captured_by_modules_and_functions_of_classes() -> None:
    module = types.ModuleType("settings")
    module.SCALE = jnp.ones(2)
    space = {"settings": module}
    exec("def f(x):\n    return x * settings.SCALE\n", space)
    assert captured_name(space["f"], module.SCALE) == "settings_SCALE"
    offset = jnp.ones(2)

    class Shifted(Function):
        @staticmethod
        def forward(ctx, x):
            return x + offset

    assert captured_name(lambda x: Shifted.apply(x), offset) == "offset"
    assert captured_name(Shifted.apply, offset) == "offset"


def test_what_is_not_captured_has_no_name() -> None:
    class Hostile:
        @property
        def __dict__(self):
            raise RuntimeError("no")

        def __getattr__(self, name):
            raise ValueError("no")

    hostile, mixed = Hostile(), {1: 2, "a": 3}

    def f(x):
        return hostile, mixed, f if x is None else later

    if f is None:
        later = 0
    for fn in (f, print, 3, None, hostile):
        assert captured_name(fn, jnp.ones(3)) is None


def test_many_captured_at_once_are_fast() -> None:
    arrays = {f"w{i}": np.ones(1) for i in range(2000)}
    start = time.perf_counter()
    names = captured_names(lambda x: arrays, arrays.values())
    assert time.perf_counter() - start < 2
    assert names[id(arrays["w7"])] == "arrays_w7"
    assert len(names) == 2000
    assert sys.getrefcount(arrays) < 10
