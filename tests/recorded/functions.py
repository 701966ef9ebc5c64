"""Functions whose source runs in torch and in jaxgrad alike, with inputs for each.

The one text is executed twice, with other meanings of three names:

- `Function`: `torch.autograd.Function`, or `jaxgrad.Function`.
- `xp`: `torch`, or `jax.numpy`.
- `once_differentiable`: each library's own.

`torch_functions.json` holds what torch answers (written by `record.py`).
"""

from types import ModuleType
from typing import Any

import numpy as np

# Each source defines a class `F`; the arrays that it is applied to stand in INPUTS.
SOURCES: dict[str, str] = {
    "cube": """
class F(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * g
""",
    "exp_saving_output": """
class F(Function):
    @staticmethod
    def forward(ctx, x):
        y = xp.exp(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return y * g
""",
    "exp_with_another_rule": """
class F(Function):
    @staticmethod
    def forward(x):
        return xp.exp(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return 10 * y * g
""",
    "product_summed_to_shape": """
class F(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y, g * x
""",
    "sort_with_positions": """
class F(Function):
    @staticmethod
    def forward(ctx, x):
        order = xp.argsort(x)
        ctx.mark_non_differentiable(order)
        ctx.save_for_backward(xp.argsort(order))
        return x[order], order

    @staticmethod
    def backward(ctx, g, g_order):
        (back,) = ctx.saved_tensors
        return g[back] + g_order
""",
    "complex_square": """
class F(Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z * z

    @staticmethod
    def backward(ctx, g):
        (z,) = ctx.saved_tensors
        return g * 2 * z.conj()
""",
    "complex_conj_with_another_rule": """
class F(Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z.conj() * z * z

    @staticmethod
    def backward(ctx, g):
        (z,) = ctx.saved_tensors
        return g.conj() * z * (1 + 2j) + g * z.conj()
""",
    "complex_abs": """
class F(Function):
    @staticmethod
    def forward(ctx, z):
        r = xp.abs(z)
        ctx.save_for_backward(z, r)
        return r

    @staticmethod
    def backward(ctx, g):
        z, r = ctx.saved_tensors
        return g * z / r
""",
    "complex_exp_saving_output": """
class F(Function):
    @staticmethod
    def forward(ctx, z):
        y = xp.exp(z)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y.conj()
""",
    "real_to_complex": """
class F(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return xp.exp(1j * x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return (g * (1j * xp.exp(1j * x)).conj()).real
""",
    "several_outputs": """
class F(Function):
    @staticmethod
    def forward(x, y):
        return x * y, xp.sin(x), y**2

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs, output[0])

    @staticmethod
    def backward(ctx, g0, g1, g2):
        x, y, xy = ctx.saved_tensors
        return g0 * y + g1 * xp.cos(x), g0 * x + 2 * g2 * y + 0.1 * g1 * xy
""",
    "gradients_not_materialized": """
class F(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        return x**2, x**3, xp.argsort(x)

    @staticmethod
    def backward(ctx, g, h, i):
        (x,) = ctx.saved_tensors
        total = xp.zeros_like(x) if i is None else None
        if g is not None:
            total = total + 2 * g * x
        if h is not None:
            total = total + 30 * h * x**2
        return total
""",
    "static_arguments": """
class F(Function):
    @staticmethod
    def forward(ctx, x, mode, n, f=None):
        ctx.save_for_backward(x)
        ctx.mode, ctx.n = mode, n
        return xp.sin(x) * n if mode == "sin" else xp.cos(x) * n

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        slope = xp.cos(x) if ctx.mode == "sin" else -xp.sin(x)
        return g * slope * ctx.n, None, None, None
""",
    "gradient_reversal": """
class F(Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.scale = scale
        return x + 0

    @staticmethod
    def backward(ctx, g):
        return -ctx.scale * g, None
""",
    "needs_input_grad": """
class F(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * xp.sin(y)

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        gx = g * xp.sin(y) if ctx.needs_input_grad[0] else None
        gy = g * x * xp.cos(y) if ctx.needs_input_grad[1] else None
        return gx, gy
""",
    "classmethods_and_attributes": """
class Base(Function):
    factor = 2.0

    @classmethod
    def backward(cls, ctx, g):
        return cls.factor * g * ctx.x * ctx.y


class F(Base):
    factor = 3.0

    @classmethod
    def forward(cls, ctx, x):
        ctx.x = x
        ctx.y = xp.exp(-(x**2))
        return ctx.y
""",
}

X = np.array([0.5, -1.25, 2.0])
Y = np.array([[1.5, 0.25, -0.75], [2.0, -1.0, 0.5]])
Z = np.array([1.3 - 0.7j, -0.4 + 0.9j])
INPUTS: dict[str, tuple[Any, ...]] = {
    "product_summed_to_shape": (X, Y),
    "sort_with_positions": (X,),
    "complex_square": (Z,),
    "complex_conj_with_another_rule": (Z,),
    "complex_abs": (Z,),
    "complex_exp_saving_output": (Z,),
    "several_outputs": (X, Y[0]),
    "static_arguments": (X, "sin", 3),
    "gradient_reversal": (X, 0.5),
    "needs_input_grad": (X, Y[1]),
}


def inputs(name: str) -> tuple[Any, ...]:
    """What the Function is applied to: NumPy arrays, and values that are static."""
    return INPUTS.get(name, (X,))


def define(name: str, function: type, xp: ModuleType) -> Any:
    """Runs one source under one library, and hands out its class `F`."""
    names: dict[str, Any] = {"Function": function, "xp": xp, "__name__": name}
    exec(SOURCES[name], names)
    return names["F"]


def weights(shape: tuple[int, ...], slot: int) -> np.ndarray:
    """Fixed weights that make one real number of the values in one slot."""
    flat = np.cos(np.arange(1, 1 + np.prod(shape, dtype=int)) * (slot + 1.5))
    return flat.reshape(shape) * (1 - 0.5j)
