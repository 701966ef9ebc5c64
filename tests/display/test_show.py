"""`show_text`: residual table, jaxprs, lowered text, and what can't be had."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function
from jaxgrad.display import show_text
from jaxgrad.errors import CommandError

PLATFORMS = ("cpu", "cuda", "tpu")
# One of JAX's coming implementations of custom rules doesn't print the jaxpr inside.
OPAQUE = "CustomVJPTraced"


class Norm(Function):
    """Keeps an input, an output, an intermediate, and an array as an attribute."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array, params: dict[str, jax.Array]) -> jax.Array:
        rstd = jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True))
        y = x * rstd * params["gain"]
        ctx.save_for_backward(x, params["gain"], y, rstd)
        ctx.half = (x > 0).astype(jnp.bfloat16)
        return y

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[Any, ...]:
        x, gain, y, rstd = ctx.saved_tensors
        normal = y / gain
        inner = g * gain + ctx.half * 0
        grad = rstd * (inner - normal * jnp.mean(inner * normal, -1, keepdims=True))
        return grad, {"gain": jnp.sum(g * x * rstd, 0)}


class Double(Function):
    """A derived JVP, and nothing kept."""

    generate_jvp_rule = True

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        return 2 * x

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        return 2 * g


class Tangent(Function):
    """A `jvp` and no backward."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_forward(x)
        return jnp.sin(x)

    @staticmethod
    def jvp(ctx: Context, t: jax.Array) -> jax.Array:
        return t * jnp.cos(ctx.saved_tensors[0])


def sections(text: str) -> dict[str, str]:
    """The text below each underlined heading."""
    lines = text.splitlines()
    found, name = {}, ""
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line and below == "-" * len(line):
            name = line
            found[name] = ""
        elif name and line != "-" * len(name):
            found[name] += line + "\n"
    return found


def part(text: str, start: str) -> str:
    (found,) = [body for name, body in sections(text).items() if name.startswith(start)]
    return found


def rows(text: str) -> dict[str, list[str]]:
    """The cells of the residual table by their first one."""
    table = part(text, "Residuals").strip().splitlines()[2:]
    split = [line.split() for line in table if line[0] != "-"]
    return {cells[0]: cells[1:] for cells in split}


@pytest.fixture(scope="module")
def norm() -> str:
    return show_text(
        Norm, (np.ones((128, 64), np.float32),), {"params": {"gain": jnp.ones(64)}}
    )


def test_title(norm: str) -> None:
    assert norm.splitlines()[0] == (
        "Norm(f32[128,64], params={'gain': f32[64]}) -> f32[128,64]"
    )


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("saved_tensors[0]", ["input", "x", "f32[128,64]", "32,768"]),
        ("saved_tensors[1]", ["input", "params['gain']", "f32[64]", "256"]),
        ("saved_tensors[2]", ["output", "0", "f32[128,64]", "32,768"]),
        ("saved_tensors[3]", ["intermediate", "f32[128,1]", "512"]),
        ("ctx.half", ["intermediate", "bf16[128,64]", "16,384"]),
        ("total", ["82,688"]),
        ("extra", ["neither", "input", "nor", "output", "16,896"]),
    ],
)
def test_residuals(norm: str, name: str, cells: list[str]) -> None:
    assert rows(norm)[name] == cells


def test_jaxprs(norm: str) -> None:
    forward = part(norm, "Jaxpr of forward with residuals")
    assert "f32[128,64]" in forward
    assert "f32[128,1]" in forward  # the intermediate is handed to backward
    alone = sections(norm)["Jaxpr of forward"]
    assert "rsqrt" in alone or OPAQUE in alone
    assert "custom_vjp" in alone or OPAQUE in alone
    assert "rsqrt" not in part(norm, "Jaxpr of backward")
    assert "reduce_sum" in part(norm, "Jaxpr of backward")
    assert "Jaxpr of the JVP" not in norm


def test_lowered_for_platforms_that_are_not_there(norm: str) -> None:
    assert jax.default_backend() == "cpu"
    for name in ("Forward", "Gradient"):
        lowered = [head for head in sections(norm) if head.startswith(name)]
        assert ", ".join(PLATFORMS) in " ".join(lowered)
        text = part(norm, f"{name} lowered for")
        assert "func.func public @main" in text
        assert "stablehlo.rsqrt" in text
    # Forward has one result; the gradient of two arrays has two.
    assert "stablehlo.reduce" in part(norm, "Gradient lowered for")


def test_texts_that_differ_stand_apart() -> None:
    class Draw(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            return jax.lax.platform_dependent(
                x, cpu=jnp.sin, cuda=jnp.cos, tpu=jnp.tanh
            )

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return g

    text = show_text(Draw, (jnp.ones(4),), {})
    assert "stablehlo.sine" in part(text, "Forward lowered for cpu")
    assert "stablehlo.cosine" in part(text, "Forward lowered for cuda")
    assert "stablehlo.tanh" in part(text, "Forward lowered for tpu")


def test_a_platform_without_a_lowering_is_a_sentence() -> None:
    class Eigenvalues(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            return jnp.abs(jnp.linalg.eigvals(x))

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return jnp.diag(g)

    text = show_text(Eigenvalues, (jnp.eye(4),), {})
    assert "func.func" in part(text, "Forward lowered for cpu")
    missing = part(text, "Forward lowered for tpu").strip()
    assert missing.startswith("Forward can't be lowered for tpu. NotImplementedError: ")
    assert "eig" in missing
    assert len(missing.splitlines()) == 1


def test_a_derived_jvp_and_nothing_kept() -> None:
    text = show_text(Double, (jnp.ones(4),), {}, platforms=("cpu",))
    assert (
        part(text, "Residuals").strip() == "None: backward needs nothing from forward."
    )
    assert "mul" in part(text, "Jaxpr of backward") or "Double" in part(
        text, "Jaxpr of backward"
    )
    assert "Double" in part(text, "Jaxpr of the JVP")


def test_a_class_without_backward_says_so() -> None:
    text = show_text(Tangent, (jnp.ones(4),), {}, platforms=("tpu",))
    assert "Tangent has no backward" in part(text, "Residuals")
    assert "cos" in part(text, "Jaxpr of the JVP")
    assert "cos" in part(text, "Jaxpr of forward with residuals")
    assert "stablehlo.cosine" in part(text, "Gradient lowered for tpu")


def test_no_rule_at_all_is_a_sentence() -> None:
    class Bare(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            return x + 1

    text = show_text(Bare, (jnp.ones(4),), {}, platforms=("cpu",))
    forward = sections(text)["Jaxpr of forward"]
    assert "add" in forward or OPAQUE in forward
    for name in ("Jaxpr of backward", "Gradient lowered"):
        assert "Bare defines neither `backward` nor `vjp`" in part(text, name)


def test_static_arguments_and_integer_arrays() -> None:
    class Take(Function):
        @staticmethod
        def forward(
            x: jax.Array, index: jax.Array, mode: str = "clip"
        ) -> tuple[jax.Array, jax.Array, str]:
            return jnp.take(x, index, mode=mode), index + 1, mode

        @staticmethod
        def setup_context(ctx: Context, inputs: tuple[Any, ...], output: Any) -> None:
            ctx.size = inputs[0].shape[0]
            ctx.save_for_backward(inputs[1])

        @staticmethod
        def backward(ctx: Context, g: jax.Array, *_: Any) -> tuple[Any, ...]:
            (index,) = ctx.saved_tensors
            return jnp.zeros(ctx.size, g.dtype).at[index].add(g), None, None

    index = jnp.arange(3, dtype=jnp.int32)
    text = show_text(Take, (jnp.ones(8), index), {"mode": "wrap"})
    assert text.startswith("Take(f32[8], i32[3], mode='wrap') -> ")
    assert rows(text)["saved_tensors[0]"] == ["input", "index", "i32[3]", "12"]
    assert rows(text)["extra"][-1] == "0"
    assert "stablehlo.scatter" in part(text, "Gradient lowered for cpu")


def test_nothing_to_differentiate() -> None:
    text = show_text(Double, (jnp.arange(4),), {}, platforms=("cpu",))
    why = "No argument has a floating or complex dtype, so there is no gradient."
    assert part(text, "Gradient").strip() == why
    assert part(text, "Jaxpr of backward").strip() == why


def test_a_forward_that_needs_values_still_has_residuals() -> None:
    class Branch(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            ctx.save_for_backward(x)
            return x if float(jnp.sum(x)) > 0 else -x

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return g

    text = show_text(Branch, (jnp.ones(4),), {})
    why = part(text, "Jaxprs and lowered text")
    assert why.startswith("There are none: forward can't be traced. Concretization")


def test_a_failing_forward_is_one_sentence() -> None:
    with pytest.raises(
        CommandError, match=r"Norm\(f32\[3\], f32\[4\]\) fails\. TypeError: "
    ):
        show_text(Norm, (jnp.ones(3), jnp.ones(4)), {})


def test_a_failing_backward_leaves_the_rest() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            return jnp.sin(x)

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            raise ValueError("no idea\nat all")

    text = show_text(Wrong, (jnp.ones(4),), {}, platforms=("cpu",))
    assert part(text, "Jaxpr of backward").strip() == (
        "It can't be made. ValueError: no idea"
    )
    assert "stablehlo.sine" in part(text, "Forward lowered for cpu")
    assert part(text, "Gradient").strip() == "It can't be traced. ValueError: no idea"
