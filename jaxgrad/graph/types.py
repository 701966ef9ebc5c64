"""The types of values in a graph.

- `Type`, and its kinds: `TensorType`, `PRNGKeyType`, `RefType` and `OpaqueType` round
  JAX's abstract values; `IntType`, `StringType`, ... for Python's; `TupleType`,
  `ListType`, `DictType`, `OptionalType`, `UnionType`, `PyTreeType` for containers;
  `ClassType` and `EnumType` for the user's classes; `DimType` for symbolic dimensions.
- `of_aval(aval)`, `try_infer(value)`, `from_annotation(annotation)`: where types come
  from.
- `parse(text)`: the inverse of `str`.
- `join(a, b)`: the type of a value that is one or the other.

Example:
    >>> from jaxgrad.graph import types
    >>> types.parse("Tuple[f32[3, 4], List[int]]").elements()
    [f32[3, 4], List[int]]
    >>> types.join(types.parse("f32[]{weak}"), types.parse("f32[]"))
    f32[]
"""

from jaxgrad.graph._annotations import from_annotation
from jaxgrad.graph._infer import InferredType, try_infer
from jaxgrad.graph._join import join
from jaxgrad.graph._type_base import (
    AnyType,
    BoolType,
    ClassType,
    ComplexType,
    DimType,
    EnumType,
    FloatType,
    IntType,
    NoneType,
    NumberType,
    StringType,
    Type,
)
from jaxgrad.graph._type_containers import (
    DictType,
    ListType,
    OptionalType,
    PyTreeType,
    TupleType,
    UnionType,
)
from jaxgrad.graph._type_tensor import (
    OpaqueType,
    PRNGKeyType,
    RefType,
    TensorType,
    of_aval,
)
from jaxgrad.graph._type_text import parse, parse_at

__all__ = [
    "AnyType",
    "BoolType",
    "ClassType",
    "ComplexType",
    "DictType",
    "DimType",
    "EnumType",
    "FloatType",
    "InferredType",
    "IntType",
    "ListType",
    "NoneType",
    "NumberType",
    "OpaqueType",
    "OptionalType",
    "PRNGKeyType",
    "PyTreeType",
    "RefType",
    "StringType",
    "TensorType",
    "TupleType",
    "Type",
    "UnionType",
    "from_annotation",
    "join",
    "of_aval",
    "parse",
    "parse_at",
    "try_infer",
]
