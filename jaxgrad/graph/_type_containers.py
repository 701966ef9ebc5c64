"""The types of containers: `TupleType`, `ListType`, `DictType`, `PyTreeType`, ..."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

from jaxgrad.graph._type_base import (
    AnyType,
    BoolType,
    ComplexType,
    FloatType,
    IntType,
    NoneType,
    StringType,
    Type,
    type_list,
)
from jaxgrad.graph._type_tensor import TensorType


class _Container(Type):
    """A type with types in it."""

    __slots__ = ("_elements",)
    _elements: tuple[Type, ...]

    def contained_types(self) -> list[Type]:
        """The types inside this one, in order."""
        return list(self._elements)

    def annotation_str(self) -> str:
        """The text with each array type as `Tensor`."""
        inner = ", ".join(t.annotation_str() for t in self._elements)
        return f"{self._head()}[{inner}]"

    def _head(self) -> str:
        return self.kind().removesuffix("Type")

    def _key(self) -> Any:
        return self._elements

    def _text(self) -> str:
        return f"{self._head()}[{', '.join(map(str, self._elements))}]"

    def _is_below(self, other: Type) -> bool:
        # Values never change in place, so that a list of ints is a list of numbers.
        if type(other) is not type(self) or not isinstance(other, _Container):
            return False
        pairs = list(zip(self._elements, other._elements, strict=False))
        same_length = len(self._elements) == len(other._elements)
        return same_length and all(a.is_subtype_of(b) for a, b in pairs)


class TupleType(_Container):
    """A tuple, or with `name` and `fields` a named one.

    Example:
        >>> TupleType([IntType.get(), StringType.get()])
        Tuple[int, str]
        >>> TupleType([IntType.get()], "app.Point", ["x"])
        app.Point[x: int]
    """

    __slots__ = ("_fields", "_name")

    def __init__(
        self,
        elements: Iterable[Type],
        name: str | None = None,
        fields: Sequence[str] | None = None,
    ) -> None:
        self._elements = type_list(elements, "TupleType")
        self._name = name
        self._fields = None if fields is None else tuple(fields)

    def elements(self) -> list[Type]:
        """The types of the elements."""
        return list(self._elements)

    def name(self) -> str | None:
        """The qualified name of a named tuple's class, else None."""
        return self._name

    def field_names(self) -> list[str] | None:
        """The fields of a named tuple, else None."""
        return None if self._fields is None else list(self._fields)

    def _key(self) -> Any:
        return self._elements, self._name, self._fields

    def _is_below(self, other: Type) -> bool:
        if not isinstance(other, TupleType):
            return False
        named = other._name is not None
        if named and (self._name, self._fields) != (other._name, other._fields):
            return False
        return super()._is_below(other)

    def annotation_str(self) -> str:
        """`Tuple[...]`, or a named tuple's class."""
        return super().annotation_str() if self._name is None else self._name

    def _text(self) -> str:
        if self._name is None or self._fields is None:
            return super()._text()
        pairs = zip(self._fields, self._elements, strict=True)
        return f"{self._name}[{', '.join(f'{n}: {t}' for n, t in pairs)}]"


class _OfOne(_Container):
    """A container of one type."""

    __slots__ = ()

    def __init__(self, element: Type) -> None:
        self._elements = type_list((element,), self.kind())

    def get_element_type(self) -> Type:
        """The type of what is inside."""
        return self._elements[0]


class ListType(_OfOne):
    """A list whose elements have one type.

    Example:
        >>> ListType.of_ints()
        List[int]
    """

    __slots__ = ()

    @classmethod
    def of_tensors(cls) -> Self:
        """`List[Tensor]`."""
        return cls(TensorType.get())

    @classmethod
    def of_ints(cls) -> Self:
        """`List[int]`."""
        return cls(IntType.get())

    @classmethod
    def of_floats(cls) -> Self:
        """`List[float]`."""
        return cls(FloatType.get())

    @classmethod
    def of_complex_doubles(cls) -> Self:
        """`List[complex]`."""
        return cls(ComplexType.get())

    @classmethod
    def of_bools(cls) -> Self:
        """`List[bool]`."""
        return cls(BoolType.get())

    @classmethod
    def of_strings(cls) -> Self:
        """`List[str]`."""
        return cls(StringType.get())


class OptionalType(_OfOne):
    """A value of a type, or None.

    Example:
        >>> OptionalType.of_tensor()
        Optional[Tensor]
    """

    __slots__ = ()

    @classmethod
    def of_tensor(cls) -> Self:
        """`Optional[Tensor]`."""
        return cls(TensorType.get())

    def _takes(self, narrower: Type) -> bool:
        inner = self.get_element_type()
        return isinstance(narrower, NoneType) or narrower.is_subtype_of(inner)


class DictType(_Container):
    """A dictionary with one type of keys and one of values.

    Example:
        >>> DictType(StringType.get(), IntType.get())
        Dict[str, int]
    """

    __slots__ = ()

    def __init__(self, key: Type, value: Type) -> None:
        self._elements = type_list((key, value), "DictType")

    def get_key_type(self) -> Type:
        """The type of the keys."""
        return self._elements[0]

    def get_value_type(self) -> Type:
        """The type of the values."""
        return self._elements[1]


class UnionType(_Container):
    """A value of one of several types; unions inside are opened.

    Example:
        >>> UnionType([IntType.get(), StringType.get()])
        Union[int, str]
    """

    __slots__ = ()

    def __init__(self, members: Iterable[Type]) -> None:
        flat: dict[Type, None] = {}
        for member in type_list(members, "UnionType"):
            inner = member.contained_types() if isinstance(member, UnionType) else []
            flat.update(dict.fromkeys(inner or [member]))
        self._elements = tuple(flat)

    def is_subtype_of(self, other: Type) -> bool:
        """Whether each member of the union is one of `other`."""
        if isinstance(other, AnyType) or self == other:
            return True
        return all(member.is_subtype_of(other) for member in self._elements)

    def _takes(self, narrower: Type) -> bool:
        return any(narrower.is_subtype_of(member) for member in self._elements)

    def _key(self) -> Any:
        return frozenset(self._elements)


class PyTreeType(_Container):
    """A container that is registered with JAX, by its class and its leaves' types.

    Attributes:
        treedef: JAX's structure, None where the type was read from text.
    """

    __slots__ = ("_name", "treedef")

    def __init__(self, name: str, leaves: Iterable[Type], treedef: Any = None) -> None:
        self._elements = type_list(leaves, "PyTreeType")
        self._name = name
        self.treedef = treedef

    def name(self) -> str:
        """The qualified name of the class."""
        return self._name

    def _head(self) -> str:
        return "PyTree"

    def _key(self) -> Any:
        return self._name, self._elements, self.treedef

    def _is_below(self, other: Type) -> bool:
        if not isinstance(other, PyTreeType):
            return False
        same = (self._name, self.treedef) == (other._name, other.treedef)
        return same and super()._is_below(other)

    def annotation_str(self) -> str:
        """The class."""
        return self._name

    def _text(self) -> str:
        return f"PyTree[{', '.join([self._name, *map(str, self._elements)])}]"
