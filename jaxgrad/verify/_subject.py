"""What `gradcheck` checks: a function, and the arguments that it is checked at.

- `Subject`: the function as one from the differentiable arrays of its arguments to the
  arrays of its output, with a name for each of both.
- `arrays_of`: the arrays of an output.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.errors import GradcheckError
from jaxgrad.function._audit import listening
from jaxgrad.function._trees import is_array, is_differentiable, short_type

Arrays = tuple[Any, ...]


class Subject:
    """A function of its differentiable arrays alone.

    Args:
        function: What is called; its output may be any pytree.
        args: Its arguments. Floating and complex arrays in them are differentiable, all
            else is held fixed.
        names: A name for each argument.
        title: What the function is called.
        reference: The function whose derivative is the one to expect; None if that is
            `function` itself, True if nothing is known about it.

    Attributes:
        xs: The differentiable arrays.
        paths: For each of them, where it is, like `params['w']`.
        live: The outputs that depend on them differentiably; `find_live` fills it.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        names: Sequence[str],
        title: str,
        reference: Callable[..., Any] | bool | None = None,
    ) -> None:
        self.function = function
        self.names = tuple(names)
        self.title = title
        self.reference = reference
        self.leaves, self.treedef = jax.tree.flatten(tuple(args))
        # Made here: a Ref that is made inside a derivative counts as differentiated.
        self.refs = {
            i: (jax.new_ref(v[...]), v[...])
            for i, v in enumerate(self.leaves)
            if _compat.is_ref(v)
        }
        leaves = enumerate(self.leaves)
        self.active = [i for i, x in leaves if is_array(x) and is_differentiable(x)]
        self.given: Arrays = tuple(self.leaves[i] for i in self.active)
        self.xs: Arrays = tuple(map(jnp.asarray, self.given))
        located = jax.tree_util.tree_flatten_with_path(tuple(args))[0]
        self.paths = [self._path(located[i][0]) for i in self.active]
        self.outputs: Arrays = ()
        self.output_names: list[str] = []
        self.live: list[int] = []

    def _path(self, path: tuple[Any, ...]) -> str:
        return self.names[path[0].idx] + jax.tree_util.keystr(path[1:])

    def arguments(self, xs: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments of a call with `xs` as differentiable arrays."""
        leaves = list(self.leaves)
        for i, x in zip(self.active, xs, strict=True):
            leaves[i] = x
        # What one call writes into a Ref, the next one must not read.
        for i, (ref, content) in self.refs.items():
            ref[...] = content
            leaves[i] = ref
        return jax.tree.unflatten(self.treedef, leaves)

    def call(self, *xs: Any) -> Arrays:
        """The arrays of the output at `xs`."""
        return arrays_of(self.function(*self.arguments(xs)))

    def declared(self, *xs: Any) -> Arrays:
        """The arrays of the reference's output at `xs`.

        Returns:
            As many as `call` returns, of the same types.

        Raises:
            GradcheckError: If they are not of the types of the function's own.
        """
        assert callable(self.reference)
        found = arrays_of(self.reference(*self.arguments(xs)))
        want, have = ([short_type(a) for a in o] for o in (self.outputs, found))
        if want != have:
            raise GradcheckError(
                f"the surrogate of {self.title} has other outputs.\n"
                f"  Expected {', '.join(want)}; got {', '.join(have)}.\n"
                "  Declare a function of the same arguments and outputs."
            )
        return found

    def only(self, *outputs: int) -> Callable[..., Arrays]:
        """`call`, for some of its outputs; the others are not used at all."""

        def some(*xs: Any) -> Arrays:
            arrays = self.call(*xs)
            return tuple(arrays[k] for k in outputs)

        return some

    def find_live(self, *, forward: bool) -> None:
        """Runs the function, and finds which outputs are differentiable.

        Args:
            forward: Whether to ask forward mode; otherwise reverse mode is asked.
        """
        result = self.function(*self.arguments(self.xs))
        self.outputs = arrays_of(result)
        self.output_names = _output_names(result)
        inexact = [k for k, a in enumerate(self.outputs) if is_differentiable(a)]
        moving = _perturbed(self.only(*inexact), self.xs, len(inexact), forward)
        pairs = zip(inexact, moving, strict=True)
        self.live = [k for k, moves in pairs if moves]

    def input(self, i: int) -> str:
        """Input number `i`, in words."""
        return f"input {i}, argument '{self.paths[i]}' of {self.title}"

    def output(self, k: int) -> str:
        """Output number `k`, in words."""
        return f"output {k}{self.output_names[k]}"


def arrays_of(output: Any) -> Arrays:
    """The arrays of an output, in order."""
    return tuple(jnp.asarray(a) for a in jax.tree.leaves(output) if is_array(a))


def _output_names(output: Any) -> list[str]:
    """For each array of an output, its path where a number does not tell it."""
    found = jax.tree_util.tree_flatten_with_path(output)[0]
    paths = [jax.tree_util.keystr(path) for path, leaf in found if is_array(leaf)]
    return [
        "" if path in ("", f"[{number}]") else f" ({path})"
        for number, path in enumerate(paths)
    ]


def _perturbed(
    function: Callable[..., Arrays], xs: Arrays, count: int, forward: bool
) -> list[bool]:
    """Which outputs have a tangent; JAX knows that of `stop_gradient` there is none."""
    zero = jax.custom_derivatives.SymbolicZero
    found = [False] * count  # JAX skips the rule if it is so for all

    def rule(values: Arrays, tangents: Arrays) -> tuple[Arrays, Arrays]:
        found[:] = [not isinstance(t, zero) for t in tangents]
        return values, tangents

    probe = jax.custom_jvp(lambda *values: values)
    probe.defjvp(rule, symbolic_zeros=True)
    with listening():
        if forward:
            jax.jvp(lambda *xs: probe(*function(*xs)), xs, xs)
        else:
            jax.vjp(lambda *xs: probe(*function(*xs)), *xs)
    return found
