"""What `script` takes: functions, methods, partials, texts, Functions, wrappers."""

import collections
import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.errors import ScriptError

SLOPE = jnp.float32(3.0)


def leaky(x: Any, slope: float = 0.5) -> Any:
    return x * slope if x < 0 else x


def logged(fn: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(fn)
    def wrapper(x: Any) -> Any:
        if x > 100:
            return x
        return fn(x) + 1000

    return wrapper


@logged
def decorated(x: Any) -> Any:
    return x if x > 0 else -x


class Line:
    """A method of each kind."""

    rate = 2.0

    def __init__(self) -> None:
        self.offset = jnp.float32(1.0)
        self.calls = 0

    def __call__(self, x: Any) -> Any:
        return x

    def at(self, x: Any) -> Any:
        self.calls += 1
        if x > 0:
            self.offset = self.offset + 1
        return x + self.offset

    @jaxgrad.script
    def scripted(self, x: Any) -> Any:
        return x + self.offset if x > 0 else x

    @staticmethod
    @jaxgrad.script
    def still(x: Any) -> Any:
        return -x if x < 0 else x

    @classmethod
    def of_class(cls, x: Any) -> Any:
        return x * cls.rate if x > 0 else x


class Marked(jaxgrad.Function):
    """A rule that is not the derivative, and depends on values."""

    @staticmethod
    def forward(ctx: Any, x: Any, limit: float) -> Any:
        ctx.limit = limit
        while x > limit:
            x = x / 2
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (y,) = ctx.saved_tensors
        if y > 0.75 * ctx.limit:
            return 100 * grad, None
        return 200 * grad, None


def test_functions_lambdas_and_nested_functions() -> None:
    minus = jnp.float32(-2)
    assert jaxgrad.script(leaky)(minus) == -1
    assert jaxgrad.script(lambda x: -x if x < 0 else x)(minus) == 2
    factor = 3.0

    @jaxgrad.script(errors="ignore")
    def nested(x: Any) -> Any:
        assert x > 0
        return factor * x if x < 0 else x

    assert nested(minus) == -6
    factor = 4.0
    assert nested(minus) == -8
    assert jaxgrad.script(nested) is nested


def test_bound_methods_write_to_their_object() -> None:
    line = Line()
    method = jaxgrad.script(line.at)
    assert method(jnp.float32(1)) == 3
    assert (line.offset, line.calls) == (2, 1)
    assert method.owner is line
    assert "self.offset" in method.code
    graph = method.graph_for(jnp.float32(1))
    assert [v.debug_name() for v in graph.inputs()] == ["self_offset", "x"]
    assert method.compile(jnp.float32(1))(jnp.float32(1)) == 4
    assert line.offset == 2


def test_methods_that_are_scripted_in_their_class() -> None:
    line = Line()
    assert line.scripted(jnp.float32(2)) == 3
    assert Line.still(jnp.float32(-2)) == 2
    assert line.still(jnp.float32(-2)) == 2
    assert jaxgrad.script(Line.of_class)(jnp.float32(2)) == 4
    gradient = jax.grad(lambda x: line.scripted(x) * 2)(2.0)
    assert gradient == 2

    @jaxgrad.script
    def calls(x: Any) -> Any:
        return line.scripted(x) + Line.still(-x)

    assert calls(jnp.float32(2)) == 5
    line.offset = jnp.float32(10)
    assert calls(jnp.float32(2)) == 14


def test_static_and_class_methods_stay_such() -> None:
    class Has:
        plain = jaxgrad.script(staticmethod(leaky))

    assert Has().plain(jnp.float32(-2)) == -1
    assert isinstance(vars(Has)["plain"], staticmethod)


def test_partials_give_arguments() -> None:
    partial = jaxgrad.script(functools.partial(leaky, slope=jnp.float32(0.25)))
    assert partial(jnp.float32(-4)) == -1
    assert partial(jnp.float32(-4), slope=0.5) == -2
    names = [v.debug_name() for v in partial.graph_for(jnp.float32(1)).inputs()]
    assert names == ["x", "slope"]
    assert jaxgrad.script(lambda x: partial(x) + 1)(jnp.float32(-4)) == 0
    twice = functools.partial(functools.partial(jaxgrad.script(Line().at)), 2.0)
    assert jaxgrad.script(twice)() == 4
    with pytest.raises(ScriptError, match="belongs to"):
        jaxgrad.script(functools.partial(math.pow, 2.0))


def test_decorated_functions_are_what_the_decorator_made() -> None:
    script = jaxgrad.script(decorated)
    assert [float(script(jnp.float32(x))) for x in (-2, 3, 200)] == [1002, 1003, 200]
    assert script.name == "decorated"
    assert script.code.startswith("def wrapper(")
    calls = jaxgrad.script(lambda x: decorated(x) - 1000)
    assert calls(jnp.float32(-2)) == 2


def test_jitted_functions_are_looked_through() -> None:
    jitted = jax.jit(leaky, static_argnames="slope")
    assert jaxgrad.script(jitted)(jnp.float32(-2)) == -1


@pytest.mark.parametrize("fn", [math.cos, len, jnp.sin, jax.nn.relu, np.sum, np.add])
def test_library_functions_are_refused(fn: Any) -> None:
    with pytest.raises(ScriptError, match=r"belongs to \w+.*\n.*of your own"):
        jaxgrad.script(fn)


def test_functions_of_a_text() -> None:
    script = jaxgrad.script(
        """
        def shifted(x):
            return x + SLOPE

        def main(x):
            if x > 0:
                return shifted(x)
            return jnp.sin(x)
        """
    )
    assert script(jnp.float32(1)) == 4
    np.testing.assert_allclose(script(jnp.float32(-1)), np.sin(-1.0), rtol=1e-6)
    assert script.name == "main"
    assert jaxgrad.script("lambda x: -x if x < 0 else x")(jnp.float32(-2)) == 2
    assert "shifted" not in globals()


@pytest.mark.parametrize(
    ("text", "says"),
    [("x = 1", "defines no function"), ("def f(:\n", "isn't Python"), ("", "defines")],
)
def test_texts_without_a_function_are_refused(text: str, says: str) -> None:
    with pytest.raises(ScriptError, match=says):
        jaxgrad.script(text)


def test_an_error_in_a_text_shows_its_line() -> None:
    script = jaxgrad.script("def f(x):\n    import math\n    return x\n")
    with pytest.raises(ScriptError) as caught:
        script(jnp.float32(1))
    assert (caught.value.lineno, caught.value.text) == (2, "    import math")
    assert "internal frames" not in str(getattr(caught.value, "__notes__", ""))


def test_rules_of_functions_may_depend_on_values() -> None:
    scripted = jaxgrad.script(Marked)
    assert (scripted.__name__, scripted.__mro__[1]) == ("Marked", Marked)
    assert jaxgrad.script(scripted) is scripted

    def apply(x: Any) -> Any:
        return scripted.apply(x, 2.0)

    for x, y, slope in ((7.0, 1.75, 100), (4.5, 1.125, 200), (0.5, 0.5, 200)):
        assert apply(jnp.float32(x)) == y
        assert jax.jit(apply)(x) == y
        assert jax.grad(apply)(x) == slope
        assert jax.grad(jaxgrad.script(apply))(x) == slope
    batch = jnp.array([7.0, 4.5])
    np.testing.assert_array_equal(jax.vmap(apply)(batch), [1.75, 1.125])
    slopes = jax.jit(jax.vmap(jax.grad(apply)))(batch)
    np.testing.assert_array_equal(slopes, [100, 200])
    (node,) = jaxgrad.script(apply).graph_for(batch[0]).find_all_nodes("prim::PythonOp")
    assert node.autograd_function() is scripted


def test_options_of_a_script_hold_inside_another() -> None:
    @jaxgrad.script(max_steps=8)
    def halved(x: Any) -> Any:
        while x > 1:
            x = x / 2
        return x

    outer = jaxgrad.script(lambda x: 3 * halved(x))
    assert jax.grad(outer)(4.0) == 0.75

    @jaxgrad.script(errors="ignore")
    def unchecked(x: Any) -> Any:
        assert x > 0
        return x

    assert jaxgrad.script(lambda x: unchecked(x))(jnp.float32(-1)) == -1
    pair = jaxgrad.script(unchecked, errors="return")
    with pytest.raises(ScriptError, match="errors='return'"):
        jaxgrad.script(lambda x: pair(x))(jnp.float32(1))


def test_a_deque_keeps_its_length_and_its_identity() -> None:
    def rotate(queue: collections.deque[Any], x: Any) -> Any:
        queue.append(x + 1)
        if x > 0:
            queue[0] = queue[0] * 2
        made = collections.deque([x, x * 2], maxlen=3)
        for i in range(6):
            made.append(made[-1] + i)
        return made, queue.popleft(), len(queue)

    mine = collections.deque([jnp.float32(1), jnp.float32(2)], maxlen=4)
    theirs = collections.deque(mine, maxlen=4)
    got = jaxgrad.script(rotate)(mine, jnp.float32(3))
    assert got == rotate(theirs, jnp.float32(3))
    assert (mine, mine.maxlen, got[0].maxlen) == (theirs, 4, 3)


@pytest.mark.parametrize(
    ("start", "maxlen"), [((1,), None), ((1, 2), 2), ((1, 2), None), ((1, 2, 3), 4)]
)
def test_a_deque_of_any_length_is_written_back(start: Any, maxlen: Any) -> None:
    def push(queue: collections.deque[Any], x: Any) -> None:
        queue.append(x)
        queue[0] = queue[1] * 2

    mine, theirs = (collections.deque(start, maxlen) for _ in range(2))
    jaxgrad.script(push)(mine, jnp.float32(5))
    push(theirs, jnp.float32(5))
    assert mine == theirs
    assert mine.maxlen == maxlen


class Rows(list[Any]):
    tag: Any


class Table(dict[str, Any]):
    tag: Any


class Queue(collections.deque[Any]):
    tag: Any


class Names(set[str]):
    tag: Any


class SlotRows(list[Any]):
    __slots__ = ("tag",)


def tagged(cls: Any, content: Any, tag: Any) -> Any:
    made = cls(content)
    made.tag = tag
    return made


@pytest.mark.parametrize(
    ("cls", "content"),
    [(Rows, [1]), (Table, {"a": 1}), (Names, {"a"}), (SlotRows, [1]), (Queue, [1])],
)
def test_a_subclass_of_a_container_keeps_its_attributes(cls: Any, content: Any) -> None:
    def fn(given: Any, x: Any) -> Any:
        made = tagged(cls, content, x)
        if x > 0:
            other = tagged(cls, content, x + 1)
            made.tag = made.tag * 2
        else:
            other = tagged(cls, content, x - 1)
        for _ in range(9):
            made.tag = made.tag + other.tag
            given.tag = given.tag * 0.5
        return made, other, tagged(cls, content, "static")

    script = jaxgrad.script(fn)
    for x in (jnp.float32(2), jnp.float32(-2)):
        mine, theirs = (tagged(cls, content, jnp.float32(512)) for _ in range(2))
        got, expected = script(mine, x), fn(theirs, x)
        assert [type(each) for each in got] == [cls] * 3
        assert list(got) == list(expected)
        assert [e.tag for e in (*got, mine)] == [e.tag for e in (*expected, theirs)]


def test_attributes_of_a_container_that_do_not_go_together() -> None:
    def one_side(x: Any) -> Any:
        return tagged(Rows, [x], x) if x > 0 else Rows([x])

    def other_shape(rows: Any, x: Any) -> None:
        if x[0] > 0:
            rows.tag = x

    def grows(x: Any) -> Any:
        rows = Rows()
        for _ in range(9):
            rows.append(x)
            x = x + rows[-1]
        return rows

    x = jnp.ones(2)
    with pytest.raises(ScriptError, match=r"a Rows with the attributes tag in .* of 1"):
        jaxgrad.script(one_side)(x[0])
    with pytest.raises(ScriptError, match=r"'tag' of a Rows is f32\[2\] .* f32\[\]"):
        jaxgrad.script(other_shape)(tagged(Rows, [1], x[0]), x)
    found = jaxgrad.script(grows)(x[0])
    assert (type(found), found) == (Rows, grows(x[0]))


def test_the_condition_of_a_while_is_that_of_its_own_variable() -> None:
    # A round makes both equal, which they were not before the first one.
    def other(x: Any, y: Any) -> Any:
        while y > 0:
            x = x - 1
            y = x
        return x, y

    scripted = jaxgrad.script(other)
    for x, y in ((2.0, -5.0), (-5.0, 2.0), (3.0, 3.0)):
        got = scripted(jnp.float32(x), jnp.float32(y))
        assert tuple(map(float, got)) == other(x, y)
