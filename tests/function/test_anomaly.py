"""`detect_anomaly`: the first gradient that became NaN or Inf is named, everywhere."""

import gc
import inspect
import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

import jaxgrad
from jaxgrad import Context, Function, detect_anomaly
from jaxgrad.errors import AnomalyError, GradientCountError, JaxgradError
from tests.function.functions import dual, says

Loss = Callable[[jax.Array], jax.Array]


class Root(Function):
    """The square root; its gradient is Inf at 0 and NaN below."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        return jnp.sqrt(jnp.abs(x))

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (x,) = ctx.saved_tensors
        return g * 0.5 / jnp.sqrt(x)


class Swap(Function):
    """Two outputs from a container; passes gradients on."""

    @staticmethod
    def forward(ctx: Context, params: Any, scale: float) -> tuple[jax.Array, jax.Array]:
        ctx.scale = scale
        return params["b"] * scale, params["w"] * scale

    @staticmethod
    def backward(ctx: Context, b: jax.Array, w: jax.Array) -> tuple[Any, None]:
        return {"w": w * ctx.scale, "b": b * ctx.scale}, None


DualRoot = dual(Root)
HERE = __file__
GOOD, ZERO = jnp.array([1.0, 4.0]), jnp.array([1.0, 0.0])


def line_of(function: Any, text: str) -> str:
    """`FILE:LINE` of the first line of `function` that holds `text`."""
    lines, start = inspect.getsourcelines(function)
    offset = next(i for i, line in enumerate(lines) if text in line)
    return f"{HERE}:{start + offset}"


def chain(cls: type[Function]) -> Loss:
    def loss(x: jax.Array) -> jax.Array:
        b, w = Swap.apply({"w": x, "b": 2.0 * x}, 1.0)
        root = cls.apply(b)  # the line to be named
        return jnp.sum(root + w)

    return loss


def in_scan(loss: Loss) -> Loss:
    return lambda x: jax.lax.scan(lambda c, y: (c + loss(y), None), 0.0, x[None])[0]


def on_devices(loss: Loss) -> Loss:
    mesh = jax.make_mesh((2,), ("i",), axis_types=(AxisType.Auto,))
    spec = PartitionSpec("i")
    body = jax.shard_map(
        lambda x: loss(x)[None], mesh=mesh, in_specs=spec, out_specs=spec
    )
    return lambda x: body(x).sum()


EAGER: dict[str, Callable[[Loss], Loss]] = {
    "grad": jax.grad,
    "grad of checkpoint": lambda f: jax.grad(jax.checkpoint(f)),
    "vmap of grad": lambda f: lambda x: jax.vmap(jax.grad(f))(x[None]),
    "grad of vmap": lambda f: (
        lambda x: jax.grad(lambda y: jax.vmap(f)(y).sum())(x[None])
    ),
    "grad of grad": lambda f: jax.grad(lambda x: jax.grad(f)(x).sum()),
    "vjp": lambda f: lambda x: jax.vjp(f, x)[1](jnp.ones(())),
}
COMPILED: dict[str, Callable[[Loss], Loss]] = {
    "jit of grad": lambda f: jax.jit(jax.grad(f)),
    "grad of jit": lambda f: jax.grad(jax.jit(f)),
    "jit, vmap, vmap": lambda f: (
        lambda x: jax.jit(jax.vmap(jax.vmap(jax.grad(f))))(x[None, None])
    ),
    "grad of scan": lambda f: jax.grad(in_scan(f)),
    "jit of grad of checkpoint of scan": lambda f: jax.jit(
        jax.grad(jax.checkpoint(in_scan(f)))
    ),
    "jit of grad of grad": lambda f: jax.jit(jax.grad(lambda x: jax.grad(f)(x).sum())),
    "jacfwd of grad": lambda f: jax.jit(jax.jacfwd(jax.grad(f))),
    "hessian": lambda f: jax.jit(jax.jacrev(jax.grad(f))),
    "shard_map": lambda f: jax.jit(jax.grad(on_devices(f))),
}


@pytest.mark.parametrize("cls", [Root, DualRoot])
@pytest.mark.parametrize("name", [*EAGER, *COMPILED])
def test_names_function_line_and_slot(cls: type[Function], name: str) -> None:
    ask = (EAGER | COMPILED)[name](chain(cls))
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        ask(ZERO)
    says(
        caught.value,
        f"{cls.__name__}.backward made Inf in the gradient of 'x'.",
        f"{cls.__name__} was applied at {line_of(chain, 'to be named')}.\n",
        "Expected finite gradients, as the cotangents were finite; got Inf in 'x'.",
        "What forward was given, returned and saved was finite",
    )


@pytest.mark.parametrize("name", [*EAGER, *COMPILED])
def test_finite_gradients_are_left_alone(name: str) -> None:
    ask = (EAGER | COMPILED)[name]
    want = ask(chain(Root))(GOOD)
    with detect_anomaly():
        got = ask(chain(Root))(GOOD)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", EAGER)
def test_concrete_gradients_raise_from_backward_itself(name: str) -> None:
    with detect_anomaly():
        ask = EAGER[name](chain(Root))
        with pytest.raises(AnomalyError):
            ask(ZERO)


def test_is_a_floating_point_error() -> None:
    assert issubclass(AnomalyError, FloatingPointError)
    assert issubclass(AnomalyError, JaxgradError)


def test_slots_of_a_container_are_named_and_the_first_leads() -> None:
    class Bad(Swap):
        @staticmethod
        def backward(ctx: Context, b: jax.Array, w: jax.Array) -> tuple[Any, None]:
            return {"w": w / 0.0, "b": (b - b) / 0.0}, None

    def loss(x: jax.Array) -> jax.Array:
        return sum(Bad.apply({"w": x, "b": x}, 2.0)).sum()

    for ask in (jax.grad(loss), jax.jit(jax.grad(loss))):
        with pytest.raises(AnomalyError) as caught, detect_anomaly():
            ask(GOOD)
        says(
            caught.value,
            "Bad.backward made NaN in the gradient of \"params['b']\".",
            "got NaN in \"params['b']\", Inf in \"params['w']\".",
        )


class Log(Function):
    """A logarithm, that saves an input, an intermediate and its output."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array, y: jax.Array) -> jax.Array:
        ctx.inverse = 1 / x
        out = jnp.log(y)
        ctx.save_for_backward(x, out)
        return out

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, jax.Array]:
        (x, _out) = ctx.saved_tensors
        return g * ctx.inverse, g * x


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_says_what_was_not_finite_before(wrap: Callable) -> None:
    ask = wrap(jax.grad(lambda x, y: Log.apply(x, y).sum(), (0, 1)))
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        ask(ZERO, GOOD)
    says(caught.value, "made Inf", "Not finite before", "called: Inf in ctx.inverse.")
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        ask(ZERO, -GOOD)
    says(caught.value, "NaN in the output (saved_tensors[1]), Inf in ctx.inverse.")
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        ask(GOOD * jnp.nan, GOOD)
    says(caught.value, "NaN in argument 'x' (saved_tensors[0])")


def test_values_that_are_not_finite_are_no_anomaly_by_themselves() -> None:
    class Masked(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array, mask: jax.Array) -> jax.Array:
            ctx.save_for_backward(mask)
            return x + mask

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, None]:
            (mask,) = ctx.saved_tensors
            return jnp.where(jnp.isinf(mask), 0.0, g), None

    mask = jnp.array([0.0, -jnp.inf])
    with detect_anomaly():
        for ask in (jax.grad, lambda f: jax.jit(jax.grad(f))):
            got = ask(lambda x: jnp.exp(Masked.apply(x, mask)).sum())(ZERO)
            np.testing.assert_allclose(got, [np.e, 0.0], rtol=1e-6)


class Double(Function):
    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        return 2 * x

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        return 2 * g


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_who_passes_a_nan_on_is_not_blamed(wrap: Callable) -> None:
    """NaN flows from Root to Double: Root is named."""
    ask = wrap(jax.grad(lambda x: Root.apply(Double.apply(Double.apply(x))).sum()))
    for _ in range(5):  # the order of callbacks must not be a matter of luck
        with (
            pytest.raises(AnomalyError, match=r"^Root\.backward made"),
            detect_anomaly(),
        ):
            ask(ZERO)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_a_nan_from_elsewhere_is_told_apart(wrap: Callable) -> None:
    ask = wrap(jax.grad(lambda x: jnp.sqrt(Double.apply(x).sum())))
    with pytest.raises(AnomalyError) as caught, detect_anomaly():
        ask(jnp.zeros(2))
    says(
        caught.value,
        "Double.backward passed on Inf in the gradient of 'x'.",
        "Expected finite cotangents; got Inf in that of the output.",
    )


def test_a_backward_that_repairs_its_cotangent_is_no_anomaly() -> None:
    class Repair(Double):
        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return jnp.where(jnp.isfinite(g), g, 0.0)

    with detect_anomaly():
        got = jax.jit(jax.grad(lambda x: jnp.sqrt(Repair.apply(x)).sum()))(ZERO)
    np.testing.assert_allclose(got, [0.5 / np.sqrt(2), 0], rtol=1e-6)


def test_one_bad_example_of_a_batch_is_enough_and_judged_alone() -> None:
    """One example makes an Inf, another passes a NaN on: the first is the finding."""

    def loss(x: jax.Array, weight: jax.Array) -> jax.Array:
        return (weight * Root.apply(x)).sum()

    for ask in (jax.vmap(jax.grad(loss)), jax.jit(jax.vmap(jax.grad(loss)))):
        with (
            pytest.raises(AnomalyError, match=r"made Inf") as caught,
            detect_anomaly(),
        ):
            ask(jnp.array([1.0, 0.0, 1.0]), jnp.array([jnp.nan, 1.0, 1.0]))
        says(caught.value, "What forward was given, returned and saved was finite")
        with pytest.raises(AnomalyError, match=r"passed on NaN"), detect_anomaly():
            ask(jnp.array([1.0, 2.0, 1.0]), jnp.array([jnp.nan, 1.0, 1.0]))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float8_e4m3fn", "complex64"])
def test_every_floating_dtype_is_looked_at(dtype: str) -> None:
    class Poison(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            return x

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return jnp.full_like(g, jnp.nan)

    def back(x: jax.Array) -> Any:
        return jax.vjp(Poison.apply, x)[1](jnp.ones_like(x))

    for ask in (back, jax.jit(back)):
        with pytest.raises(AnomalyError, match="made NaN"), detect_anomaly():
            ask(jnp.ones(2, dtype))


def test_a_function_that_was_jitted_before_is_watched_inside_only() -> None:
    ask = jax.jit(jax.grad(chain(Root)))
    assert not np.isfinite(ask(ZERO)).all()
    with pytest.raises(AnomalyError), detect_anomaly():
        ask(ZERO)
    assert not np.isfinite(ask(ZERO)).all()
    assert not np.isfinite(jax.grad(chain(Root))(ZERO)).all()


def test_the_settings_and_the_line_do_not_go_stale() -> None:
    """Runs of the same class, alike but for the line and the block that they are in."""

    def first(x: jax.Array) -> jax.Array:
        return Root.apply(x).sum()

    def second(x: jax.Array) -> jax.Array:
        return Root.apply(x).sum()

    for _ in range(2):
        for loss in (first, second):
            ask = jax.jit(jax.grad(loss))
            assert not np.isfinite(ask(ZERO)).all()
            with pytest.raises(AnomalyError) as caught, detect_anomaly():
                ask(ZERO)
            says(caught.value, line_of(loss, "Root.apply") + ".")


def test_backward_may_run_outside() -> None:
    with detect_anomaly():
        pull = jax.vjp(chain(Root), ZERO)[1]
        late = jax.jit(jax.grad(chain(Root))).lower(ZERO).compile()
    with pytest.raises(AnomalyError):
        pull(jnp.ones(()))
    with pytest.raises(jax.errors.JaxRuntimeError) as caught:
        jax.block_until_ready(late(ZERO))
    line = line_of(chain, "to be named")
    says(caught.value, "AnomalyError", "Root.backward made Inf", "'x'", line)


def test_an_application_outside_is_not_watched() -> None:
    pull = jax.vjp(chain(Root), ZERO)[1]
    with detect_anomaly():
        (got,) = pull(jnp.ones(()))
    assert not np.isfinite(got).all()


def test_as_a_decorator() -> None:
    @detect_anomaly()
    def step(x: jax.Array) -> jax.Array:
        return jax.jit(jax.grad(chain(Root)))(x)

    for _ in range(2):
        np.testing.assert_array_equal(step(GOOD), jax.grad(chain(Root))(GOOD))
        with pytest.raises(AnomalyError, match="Root"):
            step(ZERO)


def test_the_innermost_block_counts() -> None:
    with detect_anomaly():
        with detect_anomaly(check_nan=False):
            assert not np.isfinite(jax.grad(chain(Root))(ZERO)).all()
        with pytest.raises(AnomalyError):
            jax.grad(chain(Root))(ZERO)
        with pytest.raises(AnomalyError), detect_anomaly():
            jax.jit(jax.grad(chain(Root)))(ZERO)


def test_the_end_of_the_block_waits() -> None:
    """A program that is still running when the body ends."""

    def loss(x: jax.Array) -> jax.Array:
        return Root.apply(jnp.sin(x) @ jnp.cos(x)).sum()

    ask = jax.jit(jax.grad(loss))
    x = jnp.full((600, 600), -1.0)
    with detect_anomaly():
        ask(x + 2).block_until_ready()  # compiled
    with pytest.raises(AnomalyError, match="made NaN"), detect_anomaly():
        ask(x)
    with detect_anomaly():  # nothing is left over
        pass


@pytest.mark.parametrize("check_nan", [True, False])
@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_other_errors_in_backward_get_the_line(wrap: Callable, check_nan: bool) -> None:
    class Raises(Root):
        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            raise KeyError("mine")

    class Two(Root):
        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, jax.Array]:
            return g, g

    for cls, error in ((Raises, KeyError), (Two, GradientCountError)):
        with pytest.raises(error) as caught, detect_anomaly(check_nan):
            wrap(jax.grad(chain(cls)))(ZERO)
        want = f"{cls.__name__} was applied at {line_of(chain, 'to be named')}."
        assert want in caught.value.__notes__
        with pytest.raises(error) as caught:
            wrap(jax.grad(chain(cls)))(ZERO)
        assert want not in getattr(caught.value, "__notes__", ())


def test_what_the_body_raises_passes_through() -> None:
    with pytest.raises(KeyError, match="mine"), detect_anomaly():
        raise KeyError("mine")


def test_costs_nothing_outside() -> None:
    plain = str(jax.make_jaxpr(jax.grad(chain(Root)))(ZERO))
    with detect_anomaly():
        watched = str(jax.make_jaxpr(jax.grad(chain(Root)))(ZERO))
    with detect_anomaly(check_nan=False):
        unchecked = str(jax.make_jaxpr(jax.grad(chain(Root)))(ZERO))
    assert "function_watch" in watched
    assert str(jax.make_jaxpr(jax.grad(chain(Root)))(ZERO)) == plain == unchecked
    assert "callback" not in plain


def test_to_custom_vjp_is_watched() -> None:
    ask = jax.grad(lambda x: Root.to_custom_vjp()(x).sum())
    with (
        pytest.raises(AnomalyError, match=r"Root\.backward made Inf") as caught,
        detect_anomaly(),
    ):
        ask(ZERO)
    says(caught.value, HERE)


def test_under_saved_tensors_hooks() -> None:
    with jaxgrad.saved_tensors_hooks(jaxgrad.packers.bfloat16), detect_anomaly():
        with pytest.raises(AnomalyError) as caught:
            jax.grad(chain(Root))(ZERO)
        says(caught.value, "What forward was given, returned and saved was finite")
        with pytest.raises(AnomalyError) as caught:
            jax.grad(chain(Root))(GOOD * jnp.nan)
        says(caught.value, "NaN in argument 'x' (saved_tensors[0])")
        jax.jit(jax.grad(chain(Root)))(GOOD)


def test_a_closed_over_value_and_flags_do_no_harm() -> None:
    @jax.jit
    def f(x: jax.Array, k: jax.Array) -> jax.Array:
        class Scale(Function):
            @staticmethod
            def forward(ctx: Context, x: jax.Array) -> jax.Array:
                if ctx.needs_input_grad[0]:
                    ctx.save_for_backward(x)
                return x * k

            @staticmethod
            def backward(ctx: Context, g: jax.Array) -> jax.Array:
                (x,) = ctx.saved_tensors
                return g * k / x

        return jax.grad(lambda x: jax.grad(lambda y: Scale.apply(y).sum())(x).sum())(x)

    with detect_anomaly():
        np.testing.assert_array_equal(f(GOOD, 2.0), -2 / GOOD**2)
        with pytest.raises(AnomalyError, match="Scale"), detect_anomaly():
            f(ZERO, 2.0)


def test_several_devices_run_on_and_the_end_of_the_block_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One device that fails alone would leave the others waiting for it."""
    mesh = jax.make_mesh((4,), ("i",), axis_types=(AxisType.Auto,))
    x = jax.device_put(jnp.arange(4.0), jax.NamedSharding(mesh, PartitionSpec("i")))
    ask = jax.jit(jax.value_and_grad(lambda x: (Root.apply(x) / x.sum()).sum()))
    seen: list[Any] = []
    with (
        pytest.raises(AnomalyError, match=r"Root\.backward made Inf"),
        detect_anomaly(),
    ):
        seen.append(ask(x)[0])
    assert np.isfinite(seen)
    with detect_anomaly():
        late = ask.lower(x).compile()
    with caplog.at_level(logging.ERROR, "jaxgrad"):
        jax.block_until_ready(late(x))
        jax.effects_barrier()
    assert "Root.backward made Inf" in caplog.text


def test_threads_do_not_see_each_others_blocks() -> None:
    ask = jax.jit(jax.grad(chain(Root)))
    entered, done = threading.Event(), threading.Event()
    found: dict[str, Any] = {}

    def watching() -> None:
        with detect_anomaly():
            entered.set()
            done.wait(30)
            try:
                jax.grad(chain(Root))(ZERO)
            except AnomalyError as error:
                found["watching"] = error

    def plain() -> None:
        entered.wait(30)
        found["plain"] = ask(ZERO)
        done.set()

    threads = [threading.Thread(target=t) for t in (watching, plain)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert isinstance(found["watching"], AnomalyError)
    assert not np.isfinite(found["plain"]).all()


def test_each_thread_gets_its_own_finding() -> None:
    classes = [type(f"Root{i}", (Root,), {}) for i in range(4)]
    found: dict[int, str] = {}
    barrier = threading.Barrier(4)

    def run(i: int) -> None:
        ask = jax.jit(jax.grad(chain(classes[i])))
        barrier.wait()
        for _ in range(5):
            try:
                with detect_anomaly():
                    ask(ZERO)
            except AnomalyError as error:
                found[i] = str(error).partition(".")[0]

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: f"Root{i}" for i in range(4)}


def fails(cls: type[Function]) -> bool:
    logging.disable()  # what JAX logs holds this frame, and pytest keeps the log
    try:
        with detect_anomaly():
            jax.jit(jax.grad(chain(cls)))(ZERO)
    except AnomalyError:
        return True
    finally:
        logging.disable(logging.NOTSET)
    return False


def test_nothing_keeps_the_class() -> None:
    cls = type("Short", (Root,), {})
    assert fails(cls)
    gone = weakref.ref(cls)
    del cls
    jax.clear_caches()
    for _ in range(3):
        gc.collect()
    assert gone() is None
