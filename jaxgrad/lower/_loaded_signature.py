"""`Signature`: one set of arguments that a loaded function takes.

- `Signature(program)`: which arguments fit it, and what to call for them.
- `as_array`, `fits`: one leaf of an argument.
- `text`, `Shown`: what errors print of an argument.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import _compat
from jaxgrad.errors import ForwardModeError
from jaxgrad.lower._loaded_program import LoadedProgram
from jaxgrad.lower._loaded_script import ScriptPart


class Signature:
    """One set of arguments that a saved function takes.

    Attributes:
        args: abstract values in the place of arguments.
        weights: and of weights, by name.
        program: the program for them.
        script: what else a script has; None for other functions.
        is_symbolic: whether a dimension of an argument is not fixed.
    """

    def __init__(self, program: LoadedProgram, constraints: Sequence[str] = ()) -> None:
        """Read the arguments off a program.

        Args:
            program: the program.
            constraints: what holds of its symbolic dimensions.
        """
        exported = program.exported
        (*args, weights), _ = jax.tree.unflatten(exported.in_tree, exported.in_avals)
        self.program = program
        self.script: ScriptPart | None = None
        self.args = tuple(args)
        self.weights: dict[str, Any] = weights
        self._leaves, self._treedef = jax.tree.flatten(self.args)
        dims = [dim for aval in self._leaves for dim in aval.shape]
        self.is_symbolic = any(map(jax.export.is_symbolic_dim, dims))
        self._accepted: dict[Any, str] = {}
        if self.is_symbolic:
            self._solver = _solver(self._leaves, constraints)

    def fitted(self, args: Sequence[Any]) -> list[Any] | str:
        """The leaves of some arguments as arrays; or why they don't fit, if not plain.

        Args:
            args: pytrees.

        Returns:
            Arrays; or a sentence, an empty one if `args` look quite different.
        """
        if self.script is not None:
            groups = self.script.apart(args)
            if groups is None:
                return ""
            args = groups
        leaves, treedef = jax.tree.flatten(tuple(args))
        if treedef != self._treedef:
            return ""
        pairs = zip(self._leaves, leaves, strict=True)
        arrays = [as_array(leaf, aval) for aval, leaf in pairs]
        sizes: dict[str, Any] = {}
        pairs = zip(self._leaves, arrays, strict=True)
        if not all(fits(aval, leaf, sizes) for aval, leaf in pairs):
            return ""
        return (self._refusal(arrays) if self.is_symbolic else "") or arrays

    def _refusal(self, arrays: Sequence[Any]) -> str:
        """Why JAX can't solve for the dimensions, or a constraint is broken; or ""."""
        shapes = tuple(array.shape for array in arrays)
        if any(jax.export.is_symbolic_dim(d) for shape in shapes for d in shape):
            return ""  # JAX answers when it solves for the outer dimensions
        if shapes not in self._accepted:
            structs = [jax.ShapeDtypeStruct(shape, jnp.int8) for shape in shapes]
            try:
                jax.eval_shape(self._solver.call, *structs)
                self._accepted[shapes] = ""
            except ValueError as error:
                self._accepted[shapes] = str(error).split(" Please see ")[0]
        return self._accepted[shapes]

    def apply(self, leaves: list[Any]) -> Sequence[Any]:
        """The flat outputs for flat arguments."""
        is_traced = any(isinstance(leaf, _compat.Tracer) for leaf in leaves)
        if not is_traced or not self.program.exported.out_avals:
            return self.program.run(leaves)
        try:
            return self.program.function.apply(*leaves)
        except ForwardModeError as error:
            raise ForwardModeError(
                f"{self.program.name} was read from a file, and forward mode (jvp, "
                "jacfwd, linearize) reached it.\n"
                "  Expected reverse mode, whose derivatives are in the file; got "
                "forward mode.\n"
                "  Use jax.grad or jax.vjp, or save a function that calls jax.jvp."
            ) from error


def _solver(avals: Sequence[Any], constraints: Sequence[str]) -> jax.export.Exported:
    """A program of no use but that JAX solves for the dimensions of its arguments."""
    scope = jax.export.SymbolicScope(constraints)
    structs = []
    for aval in avals:
        dims = jax.export.symbolic_shape(", ".join(map(str, aval.shape)), scope=scope)
        structs.append(jax.ShapeDtypeStruct(dims, jnp.int8))
    return jax.export.export(jax.jit(lambda *_: ()), platforms=["cpu"])(*structs)


def as_array(leaf: Any, aval: Any = None) -> Any:
    """An argument as an array; a Python number takes the dtype that is asked for."""
    if isinstance(leaf, jax.Array):
        return leaf
    if isinstance(leaf, int | float | complex) and not isinstance(leaf, np.generic):
        kinds = [jnp.bool_, jnp.integer, jnp.floating, jnp.complexfloating]
        rank = [bool, int, float, complex].index(type(leaf))
        wanted = getattr(aval, "dtype", None)
        if wanted is not None and any(jnp.issubdtype(wanted, k) for k in kinds[rank:]):
            return jnp.asarray(leaf, wanted)
    if isinstance(leaf, np.ndarray | np.generic | int | float | complex):
        return jnp.asarray(leaf)
    return leaf


def fits(aval: Any, leaf: Any, sizes: dict[str, Any] | None = None) -> bool:
    """Whether a value has the dtype and shape of `aval`; adds to the named `sizes`."""
    shape, dtype = getattr(leaf, "shape", None), getattr(leaf, "dtype", None)
    if shape is None or dtype != aval.dtype or len(shape) != len(aval.shape):
        return False
    known = {} if sizes is None else sizes
    for expected, got in zip(aval.shape, shape, strict=True):
        if jax.export.is_symbolic_dim(expected):
            # An expression such as 2*a is for JAX to solve, which tells when it can't.
            if (
                str(expected).isidentifier()
                and known.setdefault(str(expected), got) != got
            ):
                return False
        elif expected != got:
            return False
    return True


def text(value: Any) -> str:
    """The type of an argument, as errors show it."""
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return type(value).__name__
    aval = value if hasattr(value, "str_short") else jax.typeof(value)
    return aval.str_short(short_dtypes=True).replace(",", ", ")


class Shown:
    """Stands for a leaf where a container is printed."""

    def __init__(self, value: Any) -> None:
        self.text = text(value)

    def __repr__(self) -> str:
        return self.text
