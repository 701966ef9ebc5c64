"""`Function`: the base class of PyTorch-style custom functions.

- subclass it, define `forward` and `backward` as static methods, call `apply`;
- `to_custom_vjp` hands out the `jax.custom_vjp` of a class;
- `cache_info` tells how its caches are doing.
"""

import warnings
from typing import Any, NoReturn

import jax

from jaxgrad import errors
from jaxgrad.function._dispatch import MAX_SPECS as _MAX_SPECS
from jaxgrad.function._dispatch import CacheInfo, Dispatch
from jaxgrad.function._export import custom_vjp_of
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._style import Style


class FunctionMeta(type):
    """Reads each class as it is made; drops its caches when an attribute changes."""

    _style: Style
    _dispatch: Dispatch | None

    def __init__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]
    ) -> None:
        """Read the rules that the class defines."""
        super().__init__(name, bases, namespace)
        cls._reset()

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        cls._reset()

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        cls._reset()

    def _reset(cls) -> None:
        # Subclasses inherit the attribute, so their caches go too.
        type.__setattr__(cls, "_style", Style.of(cls))
        type.__setattr__(cls, "_dispatch", None)
        for subclass in cls.__subclasses__():
            subclass._reset()


class Function(metaclass=FunctionMeta):
    """A JAX function with its own derivative, written as in `torch.autograd.Function`.

    Define `forward(ctx, *args)` and `backward(ctx, *grads)` as static methods and call
    `apply`. Or define `forward(*args)` and `setup_context(ctx, inputs, output)`. Arrays
    among the arguments are differentiable where their dtype is; containers are pytrees;
    Python scalars, strings, callables and None are static.

    Attributes:
        jit: whether `apply` on concrete arrays runs a cached compiled forward (True).
        generate_jvp_rule: whether forward mode is the transpose of `backward` (False),
            which must then be linear in the cotangents.
        generate_vmap_rule: accepted as in torch (False). JAX batches every class that
            has no `vmap` of its own, so that it makes no difference.
        clear_saved_tensors_on_access: whether a backward may read `ctx.saved_tensors`
            only once (False); arrays are freed by JAX, with or without it.
        boxed_grads_call: whether backward takes its cotangents as one list (False).
        complex_convention: "torch" if rules are written for conjugate gradients, as in
            torch (the default), or "jax".
        surrogate: what `jaxgrad.gradcheck` compares the rule with, where it is not the
            derivative of forward: a function of the same arguments (a JAX function,
            whose own derivative counts), or True for nothing at all (None).
        pure: whether graph passes may remove an application whose result is not used,
            and merge two equal ones (True); False for one with an effect.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from jaxgrad import Function
        >>> class Exp(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         y = jnp.exp(x)
        ...         ctx.save_for_backward(y)
        ...         return y
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (y,) = ctx.saved_tensors
        ...         return grad * y
        >>> float(jax.grad(Exp.apply)(0.0))
        1.0

    The contract is that of torch 2.13's `torch/autograd/function.py`, on immutable
    arrays.
    """

    _is_root = True

    jit: bool = True
    generate_jvp_rule: bool = False
    generate_vmap_rule: bool = False
    clear_saved_tensors_on_access: bool = False
    boxed_grads_call: bool = False
    complex_convention: str = "torch"
    surrogate: Any = None
    pure: bool = True

    # Any signature, so that type checkers accept every subclass's own.

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """`forward(ctx, *args)`: compute the outputs; a tuple is several of them."""
        raise errors.MissingForwardError(
            "Function.forward is for subclasses to define."
        )

    @staticmethod
    def setup_context(*args: Any, **kwargs: Any) -> Any:
        """`setup_context(ctx, inputs, output)`: fill `ctx`, if forward takes none."""

    @staticmethod
    def backward(*args: Any, **kwargs: Any) -> Any:
        """`backward(ctx, *grad_outputs)`: one gradient for each argument."""
        raise errors.MissingBackwardError(
            "Function.backward is for subclasses to define."
        )

    vjp = backward

    @staticmethod
    def jvp(*args: Any, **kwargs: Any) -> Any:
        """`jvp(ctx, *grad_inputs)`: one tangent for each output."""
        raise errors.ForwardModeError("Function.jvp is for subclasses to define.")

    @staticmethod
    def vmap(*args: Any, **kwargs: Any) -> Any:
        """`vmap(info, in_dims, *args)`: the batched outputs, and their out_dims.

        A rule for batching forward, beside `setup_context`; without one JAX batches
        forward. It is called where an argument is batched; backward is batched by JAX.
        `info` is a `jaxgrad.function.VmapInfo`. `in_dims` has one entry for each
        argument: 0 for an array with a leading batch axis, else None; containers are
        mirrored. The out_dims are an int or None (shared by all examples) for each
        array of the output, or a prefix of that.

        Raises:
            VmapError: the class defines none; what it returned doesn't fit forward.

        Example:
            >>> import jax, jax.numpy as jnp
            >>> from jaxgrad import Function
            >>> class Sort(Function):
            ...     @staticmethod
            ...     def forward(x):
            ...         return jnp.sort(x)
            ...     @staticmethod
            ...     def setup_context(ctx, inputs, output):
            ...         ctx.save_for_backward(jnp.argsort(*inputs))
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         (order,) = ctx.saved_tensors
            ...         return jnp.zeros_like(grad).at[order].set(grad)
            ...     @staticmethod
            ...     def vmap(info, in_dims, x):
            ...         return jnp.sort(x, axis=-1), 0
            >>> jax.vmap(Sort.apply)(jnp.array([[2.0, 1.0], [4.0, 3.0]])).tolist()
            [[1.0, 2.0], [3.0, 4.0]]
        """
        raise errors.VmapError("Function.vmap is for subclasses to define.")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Apply the Function.

        Args:
            *args: the arguments of forward, without its context.
            **kwargs: those passed by name.

        Returns:
            What forward returned, with JAX arrays.

        Raises:
            ArgumentError: the arguments don't fit forward's signature.
            FunctionDefinitionError: the class is not a legal Function.
        """
        dispatch = cls._dispatch
        if dispatch is None:
            dispatch = Dispatch(cls)
            type.__setattr__(cls, "_dispatch", dispatch)
        if len(args) == dispatch.arity and not kwargs:
            for arg in args:
                if type(arg) is not dispatch.array_type:
                    break
            else:
                dispatch.hits += 1
                result = dispatch.plain(*args)  # type: ignore[misc]
                return result if type(result) is not Outputs else result.unpack()
        return dispatch.apply(args, kwargs)

    @classmethod
    def to_custom_vjp(cls, **static: Any) -> jax.custom_vjp:
        """The `jax.custom_vjp` of this class, over its array arguments in order.

        Args:
            **static: the static arguments, by name; the others keep their defaults, and
                parameters without a default are the array arguments.

        Returns:
            A `jax.custom_vjp` of the remaining parameters, which are pytrees of arrays.

        Example:
            >>> import jax
            >>> from jaxgrad import Function
            >>> class Power(Function):
            ...     @staticmethod
            ...     def forward(ctx, x, n):
            ...         ctx.save_for_backward(x)
            ...         ctx.n = n
            ...         return x**n
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         (x,) = ctx.saved_tensors
            ...         return grad * ctx.n * x ** (ctx.n - 1), None
            >>> cube = Power.to_custom_vjp(n=3)
            >>> float(jax.grad(cube)(2.0))
            12.0
        """
        return custom_vjp_of(cls, static)

    @classmethod
    def cache_info(cls) -> CacheInfo:
        """How often calls found their static side in the class's cache; its size."""
        dispatch = cls._dispatch
        if dispatch is None:
            return CacheInfo(0, 0, _MAX_SPECS, 0)
        size = len(dispatch.specs)
        return CacheInfo(dispatch.hits, dispatch.misses, _MAX_SPECS, size)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Deprecated, as in torch: a Function has static methods and no instances."""
        name = type(self).__name__
        warnings.warn(
            f"{name} should not be instantiated: Functions have static methods. Call "
            f"{name}.apply(...).",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Instances can't be called; Functions are applied through the class.

        Raises:
            InstanceCallError: always.
        """
        name = type(self).__name__
        raise errors.InstanceCallError(
            f"An instance of {name} was called; Functions have static methods and no "
            "instances.\n"
            f"  Expected {name}.apply(...); got {name}()(...).\n"
            f"  Call {name}.apply(...)."
        )
