"""The types of arrays: `TensorType`, `PRNGKeyType`, `RefType`; and `OpaqueType`.

- `of_aval`: the type for what JAX calls an abstract value.

A type of a jaxpr's variable is one slot around JAX's own abstract value; everything
else is computed when somebody asks.
"""

from collections.abc import Sequence
from typing import Any, Self

import jax

from jaxgrad import _compat
from jaxgrad.errors import GraphError
from jaxgrad.graph._aval_text import (
    as_dtype,
    as_shape,
    aval_text,
    dtype_name,
    incomplete_text,
    is_key_dtype,
    name_of,
)
from jaxgrad.graph._type_base import Type

_ShapedArray = _compat.ShapedArray


class TensorType(Type):
    """An array, or `Tensor` for one whose dtype or shape is not known.

    Args:
        dtype: the dtype, None for unknown.
        sizes: the shape, None for unknown; None in it for an unknown dimension.
        weak: whether the dtype is weak, as that of a Python number is.

    Attributes:
        aval: JAX's `ShapedArray`, None for an incomplete type.

    Raises:
        GraphError: If there is no such dtype, or a size is no dimension.

    Example:
        >>> TensorType("float32", [3, 4])
        f32[3, 4]
        >>> TensorType("bfloat16"), TensorType()
        (bf16[...], Tensor)
    """

    __slots__ = ("_known", "aval")
    aval: Any
    # Dtype and shape of an incomplete type. A complete one has no such slot filled.
    _known: tuple[Any, tuple[Any, ...] | None]

    def __init__(
        self,
        dtype: Any = None,
        sizes: Sequence[Any] | None = None,
        *,
        weak: bool = False,
    ) -> None:
        dtype = None if dtype is None else as_dtype(dtype)
        shape = None if sizes is None else as_shape(sizes)
        self.aval = None
        if dtype is None or shape is None or None in shape:
            self._known = dtype, shape
        else:
            self.aval = _ShapedArray(shape, dtype, weak_type=weak)

    @classmethod
    def of(cls, aval: Any) -> Self:
        """The type of a `ShapedArray`, without looking into it."""
        self = _new(cls)
        self.aval = aval
        return self

    @classmethod
    def get(cls) -> "TensorType":
        """`Tensor`, of which nothing is known."""
        return _UNKNOWN

    @classmethod
    def get_inferred(cls) -> "TensorType":
        """`Tensor`, assumed where the user wrote no annotation; equal to `get()`."""
        return _INFERRED

    @staticmethod
    def create_from_tensor(x: Any) -> "TensorType":
        """The complete type of an array, a number or a `jax.ShapeDtypeStruct`.

        Args:
            x: the array.

        Returns:
            The type that JAX sees, so that without x64 a float64 is an f32.

        Raises:
            GraphError: If `x` is none of these.
        """
        try:
            found = of_aval(jax.typeof(x))
        except TypeError:
            found = None
        if not isinstance(found, TensorType):
            raise GraphError(
                f"create_from_tensor: {x!r:.80} is a {type(x).__name__}, expected an "
                f"array; types.try_infer takes any value"
            )
        return found

    def is_complete(self) -> bool:
        """Whether dtype and shape are known; symbolic dimensions are."""
        return self.aval is not None

    def is_inferred(self) -> bool:
        """Whether this is `get_inferred()`."""
        return self is _INFERRED

    def weak_type(self) -> bool:
        """Whether the dtype is weak, as that of a Python number is."""
        return self.aval is not None and bool(self.aval.weak_type)

    def symbolic_sizes(self) -> list[Any] | None:
        """The shape with its symbolic dimensions, None for each that is unknown."""
        shape = self._known[1] if self.aval is None else self.aval.shape
        return None if shape is None else list(shape)

    def dim(self) -> int | None:
        """The rank; None where it is unknown."""
        sizes = self.symbolic_sizes()
        return None if sizes is None else len(sizes)

    def varying_sizes(self) -> list[int | None] | None:
        """The shape in numbers, None for each that is unknown or symbolic."""
        sizes = self.symbolic_sizes()
        return sizes and [d if isinstance(d, int) else None for d in sizes]

    def sizes(self) -> list[int] | None:
        """The shape in numbers; None unless each is known."""
        sizes = self.symbolic_sizes()
        if sizes is None or not all(isinstance(d, int) for d in sizes):
            return None
        return sizes

    def dtype(self) -> Any:
        """The dtype; None where unknown."""
        return self._known[0] if self.aval is None else self.aval.dtype

    def scalar_type(self) -> str | None:
        """The name of the dtype, for example `"float32"`; None where unknown."""
        dtype = self.dtype()
        return None if dtype is None else dtype_name(dtype)

    def device(self) -> Any:
        """The sharding over explicit mesh axes; None where there is none."""
        return None if self.aval is None else _compat.explicit_sharding(self.aval)

    def with_dtype(self, dtype: Any) -> "TensorType":
        """This type with another dtype, not weak; None for an unknown one.

        Returns:
            The new type; shape and sharding stay.
        """
        if self.aval is None or dtype is None:
            return of_parts(dtype, self.symbolic_sizes())
        dtype = as_dtype(dtype)
        return _of_shaped(self.aval.update(dtype=dtype, weak_type=False))

    def with_sizes(self, sizes: Sequence[Any] | None) -> "TensorType":
        """This type with another shape, None for an unknown one; without a sharding."""
        return of_parts(self.dtype(), sizes, weak=self.weak_type())

    def with_device(self, sharding: Any) -> "TensorType":
        """This type with another sharding, None for none.

        Args:
            sharding: a `jax.sharding.NamedSharding` whose mesh has an explicit axis.

        Returns:
            The new type.

        Raises:
            GraphError: If the type is not complete, or the mesh has no explicit axis.
        """
        if sharding is None:
            return of_parts(self.dtype(), self.symbolic_sizes(), weak=self.weak_type())
        if self.aval is None:
            raise GraphError(f"with_device: {self} has no shape or dtype to shard")
        try:
            mesh = getattr(sharding.mesh, "abstract_mesh", sharding.mesh)
            sharding = jax.sharding.NamedSharding(mesh, sharding.spec)
            aval = self.aval.update(sharding=sharding)
        except (AttributeError, TypeError, ValueError) as error:
            raise GraphError(f"with_device: {sharding!r} on {self}: {error}") from error
        if _compat.explicit_sharding(aval) is None:
            raise GraphError(
                f"with_device: {sharding!r} has no explicit mesh axis, and types hold "
                f"no other shardings; make the mesh with AxisType.Explicit"
            )
        return _of_shaped(aval)

    def annotation_str(self) -> str:
        """`Tensor`."""
        return "Tensor"

    def _is_below(self, other: Type) -> bool:
        if type(other) is not TensorType or other.aval is not None:
            return False
        dtype, shape = other._known
        if dtype is not None and dtype != self.dtype():
            return False
        return shape is None or _fits(self.symbolic_sizes(), shape)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, TensorType)
        if self.aval is None or other.aval is None:
            same_kind = self.aval is other.aval
            return same_kind and self._known == other._known
        # What the text hides are layouts, unused meshes, and the scopes of symbols.
        return self.aval == other.aval or (
            self.aval.shape == other.aval.shape
            and self.aval.dtype == other.aval.dtype
            and self._text() == other._text()
        )

    def __hash__(self) -> int:
        if self.aval is None:
            return hash(self._known)
        return hash((self.aval.shape, self.aval.dtype))

    def _text(self) -> str:
        return (
            incomplete_text(*self._known) if self.aval is None else aval_text(self.aval)
        )


class PRNGKeyType(TensorType):
    """An array of random keys, `key<fry>[]`; `PRNGKey` for any.

    Example:
        >>> PRNGKeyType.create_from_tensor(jax.random.key(0))
        key<fry>[]
    """

    __slots__ = ()

    @classmethod
    def get(cls) -> "PRNGKeyType":
        """`PRNGKey`, of which nothing is known."""
        return _UNKNOWN_KEY

    def annotation_str(self) -> str:
        """`PRNGKey`."""
        return "PRNGKey"

    def _is_below(self, other: Type) -> bool:
        return other is _UNKNOWN_KEY or super()._is_below(other)

    def _text(self) -> str:
        return "PRNGKey" if self.aval is None else aval_text(self.aval)


class RefType(Type):
    """A `jax.Ref`, `Ref{f32[3]}`.

    Attributes:
        aval: JAX's `AbstractRef`, None for a type that was read from text and names a
            memory space.
    """

    __slots__ = ("_element", "_space", "aval")

    def __init__(self, element: Type, memory_space: Any = None, aval: Any = None):
        self._element = element
        self._space = memory_space
        inner = getattr(element, "aval", None)
        if aval is None and memory_space is None and inner is not None:
            aval = jax.ref.AbstractRef(inner)
        self.aval = aval

    @classmethod
    def of(cls, aval: Any) -> "RefType":
        """The type of an `AbstractRef`."""
        return cls(of_aval(aval.inner_aval), aval.memory_space, aval)

    def get_element_type(self) -> Type:
        """The type of what the reference holds."""
        return self._element

    def memory_space(self) -> Any:
        """The memory space, None for the default one."""
        return self._space

    def contained_types(self) -> list[Type]:
        """The type of what the reference holds."""
        return [self._element]

    def annotation_str(self) -> str:
        """`Ref{Tensor}`."""
        return f"Ref{{{self._element.annotation_str()}}}"

    def _is_below(self, other: Type) -> bool:
        return isinstance(other, RefType) and (
            other._space is None and self._element.is_subtype_of(other._element)
        )

    def _key(self) -> Any:
        return self._element, None if self._space is None else str(self._space)

    def _text(self) -> str:
        space = "" if self._space is None else f"<{self._space}>"
        return f"Ref{space}{{{self._element}}}"


class OpaqueType(Type):
    """Any other abstract value of JAX's, a token for one: `Opaque[Tok]`.

    Attributes:
        aval: the abstract value, None where the type was read from text.
    """

    __slots__ = ("_name", "aval")

    def __init__(self, aval: Any, name: str | None = None) -> None:
        self.aval = aval
        self._name = name if name is not None else name_of(aval)

    def _key(self) -> Any:
        return self.aval, self._name

    def _text(self) -> str:
        return f"Opaque[{self._name}]"


def of_aval(aval: Any) -> Type:
    """The type for an abstract value of JAX's.

    Args:
        aval: what `jax.typeof` gives, or the `aval` of a jaxpr's variable.

    Returns:
        A TensorType, a PRNGKeyType, a RefType or an OpaqueType around it.

    Example:
        >>> of_aval(jax.typeof(jax.numpy.zeros((2, 3))))
        f32[2, 3]
    """
    if type(aval) is _ShapedArray:
        if type(aval.dtype) in _plain:
            found = _new(TensorType)
            found.aval = aval
            return found
        return _of_shaped(aval)
    if isinstance(aval, jax.ref.AbstractRef):
        return RefType.of(aval)
    return OpaqueType(aval)


def _of_shaped(aval: Any) -> TensorType:
    if is_key_dtype(aval.dtype):
        return PRNGKeyType.of(aval)
    _plain.add(type(aval.dtype))
    return TensorType.of(aval)


def of_parts(
    dtype: Any, sizes: Sequence[Any] | None, *, weak: bool = False
) -> TensorType:
    """A TensorType, or a PRNGKeyType where the dtype says so."""
    found = TensorType(dtype, sizes, weak=weak)
    return found if found.aval is None else _of_shaped(found.aval)


def _fits(sizes: list[Any] | None, pattern: tuple[Any, ...]) -> bool:
    if sizes is None or len(sizes) != len(pattern):
        return False
    return all(p is None or p == d for d, p in zip(sizes, pattern, strict=True))


_new = object.__new__
# The classes of dtypes that are no keys': graphs ask for thousands of types.
_plain: set[type] = set()
_UNKNOWN = TensorType()
_INFERRED = TensorType()
_UNKNOWN_KEY = PRNGKeyType()
