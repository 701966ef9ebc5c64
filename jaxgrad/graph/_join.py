"""`join`: the type of a value that is one or the other."""

from typing import Any

import jax

from jaxgrad.graph._type_base import (
    ComplexType,
    FloatType,
    IntType,
    NoneType,
    Type,
)
from jaxgrad.graph._type_containers import (
    DictType,
    ListType,
    OptionalType,
    PyTreeType,
    TupleType,
)
from jaxgrad.graph._type_tensor import (
    PRNGKeyType,
    RefType,
    TensorType,
    of_aval,
    of_parts,
)

_NUMBERS = {IntType.get(): 0, FloatType.get(): 0.0, ComplexType.get(): 0j}
# How JAX promotes what is weak: as a Python number. Bfloat16 and the like, of kind V,
# are floats.
_WEAK = {"i": 0, "u": 0, "f": 0.0, "V": 0.0, "c": 0j}


def join(a: Type, b: Type) -> Type | None:
    """The type of a value that is of type `a` or of type `b`.

    A weak type gives way to a strong one as in JAX's control flow, and a Python number
    is a weak scalar where the other is an array. None makes an `Optional`. Tuples,
    lists and dictionaries join element by element; an unknown part stays unknown.

    Args:
        a: one type.
        b: the other.

    Returns:
        The narrowest type for both, None if they have none in common.

    Example:
        >>> join(IntType.get(), NoneType.get())
        Optional[int]
        >>> join(TensorType("float32", [3]), TensorType("float32", [4])) is None
        True
    """
    if a == b:
        return a
    if isinstance(a, NoneType | OptionalType) or isinstance(b, NoneType | OptionalType):
        return _join_optional(a, b)
    if isinstance(a, TensorType) or isinstance(b, TensorType):
        return _join_arrays(a, b)
    if a.is_subtype_of(b):
        return b
    if b.is_subtype_of(a):
        return a
    return _join_containers(a, b)


def _join_optional(a: Type, b: Type) -> Type | None:
    if a.is_subtype_of(b):
        return b
    if b.is_subtype_of(a):
        return a
    inner = [_inside(t) for t in (a, b) if not isinstance(t, NoneType)]
    both = inner[0] if len(inner) == 1 else join(*inner)
    return None if both is None else OptionalType(both)


def _inside(optional: Type) -> Type:
    if isinstance(optional, OptionalType):
        return optional.get_element_type()
    return optional


def _join_arrays(a: Type, b: Type) -> Type | None:
    if a in _NUMBERS:
        a = of_aval(jax.typeof(_NUMBERS[a]))
    if b in _NUMBERS:
        b = of_aval(jax.typeof(_NUMBERS[b]))
    if not isinstance(a, TensorType) or not isinstance(b, TensorType):
        return b if a.is_subtype_of(b) else a if b.is_subtype_of(a) else None
    if a.is_complete() and b.is_complete():
        return _join_complete(a, b)
    if isinstance(a, PRNGKeyType) or isinstance(b, PRNGKeyType):
        return b if a.is_subtype_of(b) else a if b.is_subtype_of(a) else None
    dtypes = a.dtype(), b.dtype()
    if None not in dtypes and dtypes[0] != dtypes[1]:
        return None
    sizes, others = a.symbolic_sizes(), b.symbolic_sizes()
    if sizes is None or others is None:
        return of_parts(None if None in dtypes else dtypes[0], None)
    if len(sizes) != len(others):
        return None
    pairs = list(zip(sizes, others, strict=True))
    if any(p != q for p, q in pairs if p is not None and q is not None):
        return None
    known = [None if q is None else p for p, q in pairs]
    return of_parts(None if None in dtypes else dtypes[0], known)


def _join_complete(a: TensorType, b: TensorType) -> Type | None:
    strong, weak = (b, a) if a.weak_type() else (a, b)
    if not weak.weak_type() or a.aval.shape != b.aval.shape:
        return None
    is_weak = strong.weak_type()
    other = weak.dtype() if is_weak else _WEAK[weak.dtype().kind]
    dtype = jax.dtypes.result_type(strong.dtype(), other)
    if not is_weak and dtype != strong.dtype():
        return None
    # What else the types say, the sharding for one, has to be the same.
    joined = [t.aval.update(dtype=dtype, weak_type=is_weak) for t in (strong, weak)]
    found, same = map(of_aval, joined)
    return found if found == same else None


def _join_containers(a: Type, b: Type) -> Type | None:
    containers = TupleType | ListType | DictType | PyTreeType
    if (
        type(a) is not type(b)
        or not isinstance(a, containers)
        or isinstance(b, RefType)
    ):
        return None
    inner, others = a.contained_types(), b.contained_types()
    if len(inner) != len(others):
        return None
    joined = [join(x, y) for x, y in zip(inner, others, strict=True)]
    found = [t for t in joined if t is not None]
    return _rebuilt(a, b, found) if len(found) == len(joined) else None


def _rebuilt(a: Any, b: Any, elements: list[Type]) -> Type | None:
    """A container like `a`, if `b` is like it, with other elements."""
    if isinstance(a, TupleType):
        if (a.name(), a.field_names()) == (b.name(), b.field_names()):
            return TupleType(elements, a.name(), a.field_names())
        return TupleType(elements)
    if isinstance(a, PyTreeType):
        same = (a.name(), a.treedef) == (b.name(), b.treedef)
        return PyTreeType(a.name(), elements, a.treedef) if same else None
    return type(a)(*elements)
