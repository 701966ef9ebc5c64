"""Which choices are a `cond`, a select, or nothing; what a loop carries."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify

import jaxgrad
from jaxgrad.lower.script._cheap import is_cheap
from jaxgrad.lower.script._rolled import Rolled

X, LARGE = jnp.array([1.0, -2.0]), jnp.ones(1000)


@jax.custom_vjp
def marked(x: Any) -> Any:
    return x + 1


marked.defvjp(lambda x: (x + 1, None), lambda _, g: (100 * g,))


def shown(x: Any) -> Any:
    jax.debug.print("{}", x)
    return x + 1


def many(x: Any) -> Any:
    for _ in range(40):
        x = x + 1
    return x


def index(x: Any) -> Any:
    return jax.lax.argmax(x, 0, jnp.int32)


stop = jax.lax.stop_gradient
CHEAP: dict[str, Callable[..., Any]] = {
    "handed on": lambda x, y: x,
    "sum": lambda x, y: x + y,
    "scaled by numbers": lambda x, y: x * 2 - y / 4,
    "without a gradient": lambda x, y: stop(jnp.exp(x) * y),
    "a comparison": lambda x, y: jnp.exp(x)[0] > y[1],
    "integers": lambda x, y: index(x * y) * 3,
    "half": lambda x, y: x.astype("float16") * 10,
    "stacked": lambda x, y: jnp.stack([x, y]).sum(0),
}
# Zero times infinity or NaN in a gradient, a rule of the user, an effect, or too much.
DEAR: dict[str, Callable[..., Any]] = {
    "product": lambda x, y: x * y,
    "quotient": lambda x, y: x / y,
    "inverse": lambda x, y: 2 / x,
    "by much": lambda x, y: x * 3e38 * 1e30,
    "by what is flushed to zero": lambda x, y: x / 1e-40,
    "half by little": lambda x, y: x.astype("float16") * 1000,
    "by zero": lambda x, y: x * 0.0,
    "by infinity": lambda x, y: x * jnp.inf,
    "root": lambda x, y: jnp.sqrt(x),
    "root that is not felt": lambda x, y: stop(jnp.sqrt(x)),
    "quotient that is not felt": lambda x, y: x / y > 1,
    "calls": lambda x, y: index(x) * 3 // 2,
    "rule": lambda x, y: marked(x),
    "effect": lambda x, y: shown(x),
    "long": lambda x, y: many(x),
    "large": lambda x, y: jnp.broadcast_to(x[0], (1000,)),
    "of a large array": lambda x, y: jnp.sum(LARGE),
}


@pytest.mark.parametrize("name", [*CHEAP, *DEAR])
def test_is_cheap(name: str) -> None:
    path = {**CHEAP, **DEAR}[name]
    assert is_cheap(jax.make_jaxpr(path)(X, X)) is (name in CHEAP)


def test_a_symbolic_size_is_not_small() -> None:
    (n,) = jax.export.symbolic_shape("n")
    x = jax.ShapeDtypeStruct((n,), jnp.float32)
    assert not is_cheap(jax.make_jaxpr(lambda x: x + 1)(x))


def equations(f: Callable[..., Any], *args: Any) -> list[Any]:
    """The equations of a program, with those of what it calls by `jit`."""
    found: list[Any] = []
    todo = [jax.make_jaxpr(f)(*args).jaxpr]
    for jaxpr in todo:
        for equation in jaxpr.eqns:
            found.append(equation)
            if equation.primitive.name in ("jit", "pjit"):
                todo.append(equation.params["jaxpr"].jaxpr)
    return found


def names(f: Callable[..., Any], *args: Any) -> list[str]:
    return [e.primitive.name for e in equations(f, *args)]


@jaxgrad.script
def clamped(x: Any) -> Any:
    if x > 1:
        x = x - 1
    return x


@jaxgrad.script
def rooted(x: Any) -> Any:
    return jnp.sqrt(x) if x > 0 else x - x


@jaxgrad.script
def scaled(x: Any, y: Any) -> Any:
    return x * (1 / y) if x > 0 else x + y


def test_a_cheap_choice_is_a_select() -> None:
    found = names(clamped, 2.0)
    assert "select_n" in found
    assert "cond" not in found
    assert (clamped(jnp.float32(3.0)), clamped(jnp.float32(0.5))) == (2, 0.5)
    np.testing.assert_array_equal(jax.grad(clamped)(3.0), 1)


@pytest.mark.parametrize("x", [-1.0, 0.0, 4.0])
def test_what_is_not_taken_is_not_felt(x: float) -> None:
    assert "cond" in names(rooted, x)
    expected = 0.25 if x > 0 else 0.0
    np.testing.assert_array_equal(jax.grad(rooted)(x), expected)
    found = jax.jacfwd(scaled, (0, 1))(x, 0.0) if x <= 0 else (1, 1)
    np.testing.assert_array_equal(found, (1, 1))
    if x <= 0:
        np.testing.assert_array_equal(jax.grad(scaled, (0, 1))(x, 0.0), (1, 1))


def test_what_both_paths_hand_on_is_no_result_of_the_cond() -> None:
    @jaxgrad.script
    def f(x: Any, y: Any) -> Any:
        z = y
        if x > 0:
            w = jnp.sin(x)
            z, kept = y, x
        else:
            w, kept = jnp.cos(x), x
        return w, z, kept

    (cond,) = [e for e in equations(f, 1.0, 2.0) if e.primitive.name == "cond"]
    assert len(cond.outvars) == 1
    np.testing.assert_allclose(f(1.0, 2.0), (np.sin(1.0), 2.0, 1.0), rtol=1e-6)


@jaxgrad.script
def searched(x: Any, bound: Any) -> Any:
    count = jnp.int32(0)
    while x < bound:
        x = jnp.exp(x)
        count += 1
        if x > 10:
            return x, count
        x = x + 0.5
    return x, count


def test_an_early_return_carries_nothing_twice() -> None:
    arrays = jnp.float32(0.0), jnp.float32(99.0)
    (loop,) = [e for e in equations(searched, *arrays) if e.primitive.name == "while"]
    # x as it is returned and as it goes on, the count, and how the round ended.
    shapes = [v.aval.str_short(short_dtypes=True) for v in loop.outvars]
    assert sorted(shapes) == ["f32[]", "f32[]", "i32[]", "i32[]"]


@pytest.mark.parametrize("bound", [0.0, 0.3, 3.0, 99.0])
def test_an_early_return_is_right(bound: float) -> None:
    x, count = 0.0, 0
    while x < bound:
        x, count = np.exp(x), count + 1
        if x > 10:
            break
        x += 0.5
    np.testing.assert_allclose(searched(0.0, bound), (x, count), rtol=1e-5)


def test_a_variable_that_a_round_only_leaves_needs_no_second_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trace, traced = Rolled._trace, []
    monkeypatch.setattr(
        Rolled, "_trace", lambda *args: traced.append(1) or trace(*args)
    )

    @jaxgrad.script
    def f(x: Any) -> Any:
        last = 0
        while x < 10:
            last = jnp.sqrt(x)
            x = x * 2
        return x, last

    found = f(jnp.float32(1.0))
    assert len(traced) == 1
    np.testing.assert_allclose(found, (16.0, np.sqrt(8.0)), rtol=1e-6)
    np.testing.assert_array_equal(f(jnp.float32(20.0)), (20.0, 0.0))


def test_variables_that_are_equal_for_a_round_are_not_one() -> None:
    def f(x: Any, n: Any) -> Any:
        i = y = 0
        while i < n:
            y = y + x if i > 0 else x
            if i == 2:
                x = x * 3
            i += 1
        return x, y

    for n in (1, 2, 5):
        expected = f(2.0, n)
        unrolled = jaxgrad.script(f)(jnp.float32(2.0), n)
        np.testing.assert_array_equal(unrolled, expected)


def test_a_return_from_a_nested_loop() -> None:
    def f(x: Any, n: Any, m: Any) -> Any:
        total = x
        i = 0
        while i < n:
            j = 0
            while j < m:
                total = total * 1.5
                if total > 20:
                    return total, i, j
                j += 1
            total = total - 1
            i += 1
        return total, -1, -1

    scripted = jaxgrad.script(f)
    for n, m in ((0, 3), (2, 2), (9, 1), (3, 9), (1, 0)):
        found = scripted(jnp.float32(3.0), jnp.int32(n), jnp.int32(m))
        np.testing.assert_allclose(found, f(3.0, n, m), rtol=1e-6)


def test_a_variable_that_is_another_one_that_no_round_changes() -> None:
    def f(x: Any, p: Any) -> Any:
        w = x
        for _ in range(10):
            y = x
            if p > 0:
                x, w = x, w + 1
            else:
                x = x
        return y, w

    for p in (1, -1):
        scripted = jaxgrad.script(f)(jnp.float32(3.0), jnp.int32(p))
        np.testing.assert_array_equal(scripted, f(3.0, p))


def test_two_names_of_one_list_that_a_loop_binds() -> None:
    def f(x: Any) -> Any:
        items = [x]
        for _ in range(10):
            items = [items[0] + 1]
            last = items
        last[0] = x * 100
        return items[0], last[0]

    assert jaxgrad.script(f)(jnp.float32(1.0)) == f(1.0) == (100, 100)


@pytest.mark.parametrize("scale", [1e-40, 3e38])
def test_a_scale_is_not_felt_where_it_is_not_taken(scale: float) -> None:
    @jaxgrad.script
    def f(x: Any) -> Any:
        return x / scale * 1e30 if x > 0 else x

    np.testing.assert_array_equal(jax.grad(f)(-1.0), 1.0)


def test_effects_of_a_path_that_leaves_nothing(capfd: Any) -> None:
    @jaxgrad.script
    def f(x: Any) -> Any:
        for _ in range(6):
            if x > 2:
                jax.debug.print("{}", x)
            x = x + 1
        return x

    assert f(jnp.float32(0.0)) == 6
    jax.effects_barrier()
    assert capfd.readouterr().out.split() == ["3.0", "4.0", "5.0"]


def test_checkify_sees_the_path_that_is_taken() -> None:
    @jaxgrad.script
    def f(x: Any, n: Any) -> Any:
        if x > 0:
            checkify.check(x < 3, "too much")
        root = jnp.sqrt(x) > 1 if x > 0 else x > 1
        return jax.lax.div(n, n - n + 1) if root else n // 2

    checked = checkify.checkify(f, errors=checkify.all_checks | checkify.user_checks)
    for x, said in ((-1.0, None), (2.0, None), (5.0, "too much")):
        message = checked(jnp.float32(x), jnp.int32(4))[0].get()
        assert (said in message) if said else message is None


def bound_outside(b: Any, q: Any, n: Any) -> Any:
    while q > 0:
        n = n + 1
        q = b
    return q, n


def known_outside(b: Any, q: Any, n: Any) -> Any:
    again, last = q > 0, b > 0
    while again:
        n = n + 1
        again = last
    return q, n


def bound_and_returned(b: Any, q: Any, n: Any) -> Any:
    while q > -0.2:
        if b < n:
            return n, b
        q = b
    return n * 0 + 5, b


def shifted(b: Any, q: Any, n: Any) -> Any:
    limit = b
    while n < limit + q:
        n = n + 1
        q = limit
    return q, n


@pytest.mark.parametrize(
    "f", [bound_outside, known_outside, bound_and_returned, shifted]
)
@pytest.mark.parametrize(
    "values", [(-0.4, 2.0, 0.0), (-0.4, 0.3, 0.3), (-0.5, -1, 0), (2.5, 9.0, 0.0)]
)
def test_a_condition_is_asked_of_its_own_variable(
    f: Callable[..., Any], values: tuple[float, ...]
) -> None:
    if f is not shifted and values[0] > 0:
        values = (-values[0], *values[1:])  # so that it ends
    expected = f(*values)
    found = jaxgrad.script(f)(*map(jnp.float32, values))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    with_bound = jaxgrad.script(f, max_steps=20)(*map(jnp.float32, values))
    np.testing.assert_allclose(with_bound, expected, rtol=1e-6)


def test_a_condition_is_not_what_is_known_in_a_round() -> None:
    def f(i: Any, n: Any) -> Any:
        rounds = 0
        while rounds < n and i > 0:
            rounds += 1
            i = 0
        return rounds, i

    for i in (0, 3):
        found = jaxgrad.script(f)(jnp.int32(i), jnp.int32(2))
        np.testing.assert_array_equal(found, f(i, 2))


def test_an_object_that_only_the_next_round_changes() -> None:
    def f(x: Any, items: Any) -> Any:
        for _ in range(2):
            if x < 0.2:
                return x
            items[1] = items[1] - x
        return items[0]

    for x in (0.1, 0.3):
        items, expected = [jnp.float32(1), jnp.float32(2)], [1.0, 2.0]
        result = f(x, expected)
        found = jaxgrad.script(f)(jnp.float32(x), items)
        np.testing.assert_allclose([found, *items], [result, *expected], rtol=1e-6)
