"""`CheckedError`: the error of a call with `errors="return"`, as a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import ArgumentError
from jaxgrad.lower.script._values import is_traced

Raisers = Sequence[Callable[[Any], BaseException]]


@jax.tree_util.register_pytree_node_class
class CheckedError:
    """What the checks of a call found: an error or none.

    It is a pytree, so that a function under `jax.jit`, `jax.vmap` or `jax.lax.scan` can
    return it; of several calls at once it is the first that failed.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import jaxgrad
        >>> def root(x):
        ...     assert x >= 0, f"no root of {x}"
        ...     return jnp.sqrt(x)
        >>> checked = jax.jit(jaxgrad.script(root, errors="return"))
        >>> error, y = checked(-4.0)
        >>> bool(error), error.get()
        (True, 'no root of -4.0')
    """

    def __init__(
        self, code: Any, parts: Sequence[Any], numbers: tuple[int, ...], raisers: Any
    ) -> None:
        self._code, self._parts = code, tuple(parts)
        self._numbers, self._raisers = numbers, raisers

    @classmethod
    def of(
        cls, code: Any, parts: Any, numbers: Sequence[int], raisers: Raisers
    ) -> CheckedError:
        """The error of a program.

        Args:
            code: the number of the error, 0 for none; None if there are no checks.
            parts: for each of `numbers` the values in that error's message.
            numbers: of the errors with values.
            raisers: what makes each error of its values.

        Returns:
            It.
        """
        code = jnp.int32(0) if code is None else jnp.asarray(code, jnp.int32)
        return cls(code, parts, tuple(numbers), raisers)

    def error(self) -> BaseException | None:
        """The exception that the script raised.

        Returns:
            It; None if it raised none.

        Raises:
            ArgumentError: the call isn't done yet: it is part of a traced function.
        """
        if is_traced(self._code):
            raise ArgumentError(
                "Whether a script failed is not known while it is traced; return the "
                "error from the traced function, and look at it outside."
            )
        codes = np.asarray(self._code)
        failed = np.argwhere(codes)
        if not len(failed):
            return None
        first = tuple(failed[0])
        number = int(codes[first])
        values = dict(zip(self._numbers, self._parts, strict=True)).get(number, ())
        if first:  # values have the axes of the code, but for those that are constant
            shapes = [np.shape(v)[: len(first)] for v in values]
            pairs = zip(values, shapes, strict=True)
            values = [v[first] if shape == codes.shape else v for v, shape in pairs]
        return self._raisers[number - 1](values)

    def __bool__(self) -> bool:
        return self.error() is not None

    def get(self) -> str | None:
        """The message of the error; None if there is none."""
        found = self.error()
        return None if found is None else str(found)

    def throw(self) -> None:
        """Raise the error, if there is one."""
        found = self.error()
        if found is not None:
            raise found

    def __repr__(self) -> str:
        if is_traced(self._code):
            return "CheckedError(traced)"
        return f"CheckedError({self.error()!r})"

    def tree_flatten(self) -> tuple[Any, Any]:
        """The arrays, and the rest."""
        return (self._code, self._parts), (self._numbers, _Same(self._raisers))

    @classmethod
    def tree_unflatten(cls, rest: Any, arrays: Any) -> CheckedError:
        """It again."""
        return cls(arrays[0], arrays[1], rest[0], rest[1].value)


class _Same:
    """A value that equals itself alone."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)
