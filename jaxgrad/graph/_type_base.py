"""The types of values that are no arrays.

- `Type`: what every type has.
- `AnyType`, `NumberType`, `IntType`, ... `NoneType`: one instance each, `.get()`.
- `TupleType`, `ListType`, `DictType`, `OptionalType`, `UnionType`, `PyTreeType`.
- `ClassType`, `EnumType`: the user's classes, by name.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, Self

from jaxgrad.errors import GraphError

# `Type` has a method `str`, which hides the builtin inside its body.
Text = str


class Type:
    """Base of every type. Types are values: they compare equal by what they say."""

    __slots__ = ()

    def kind(self) -> Text:
        """The name of the type's class, for example `"TensorType"`."""
        return type(self).__name__

    def annotation_str(self) -> Text:
        """What to write in an annotation: array types are `Tensor`, without a shape."""
        return str(self)

    def contained_types(self) -> list["Type"]:
        """The types inside this one, in order."""
        return []

    def is_subtype_of(self, other: "Type") -> bool:
        """Whether each value of this type is one of `other`.

        Args:
            other: the wider type, perhaps.

        Returns:
            True if it is so.
        """
        if self == other or isinstance(other, AnyType):
            return True
        return other._takes(self) or self._is_below(other)

    def _is_below(self, other: "Type") -> bool:
        """Whether `other`, another type, is wider by what this class knows."""
        return False

    def _takes(self, narrower: "Type") -> bool:
        """Whether this one is wider by what this class knows."""
        return False

    def dim(self) -> int | None:
        """The rank; None where it is unknown. Array types alone have one."""
        return self._no_array("dim")

    def sizes(self) -> list[int] | None:
        """The shape in numbers; None unless each is known."""
        return self._no_array("sizes")

    def varying_sizes(self) -> list[int | None] | None:
        """The shape in numbers, None for each that is unknown or symbolic."""
        return self._no_array("varying_sizes")

    def symbolic_sizes(self) -> list[Any] | None:
        """The shape with its symbolic dimensions, None for each that is unknown."""
        return self._no_array("symbolic_sizes")

    def scalar_type(self) -> Text | None:
        """The name of the dtype, for example `"float32"`; None where unknown."""
        return self._no_array("scalar_type")

    def dtype(self) -> Any:
        """The dtype; None where unknown."""
        return self._no_array("dtype")

    def device(self) -> Any:
        """The sharding over explicit mesh axes; None where there is none."""
        return self._no_array("device")

    def with_dtype(self, dtype: Any) -> "Type":
        """This type with another dtype, not weak."""
        return self._no_array("with_dtype")

    def with_sizes(self, sizes: Sequence[Any] | None) -> "Type":
        """This type with another shape."""
        return self._no_array("with_sizes")

    def with_device(self, sharding: Any) -> "Type":
        """This type with another sharding over explicit mesh axes."""
        return self._no_array("with_device")

    def _no_array(self, method: Text) -> NoReturn:
        raise GraphError(
            f"{self} is no array type, so that it has no {method}(); ask for "
            f"isinstance(t, types.TensorType) first"
        )

    def _key(self) -> Any:
        return ()

    def _text(self) -> Text:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return self._key() == other._key()  # pyrefly: ignore[missing-attribute]

    def __hash__(self) -> int:
        return hash((type(self), self._key()))

    def __str__(self) -> Text:
        return self._text()

    def __repr__(self) -> Text:
        return self._text()

    def str(self) -> Text:
        """The text that graphs show, which `types.parse` reads back."""
        return self._text()


class _Singleton(Type):
    """A type without parts."""

    __slots__ = ()
    _instance: "_Singleton | None" = None
    _name = ""
    _parents: tuple[str, ...] = ()

    def __new__(cls) -> Self:
        if cls.__dict__.get("_instance") is None:
            cls._instance = super().__new__(cls)
        return cls._instance  # pyrefly: ignore[bad-return]

    @classmethod
    def get(cls) -> Self:
        """The one instance."""
        return cls()

    def _is_below(self, other: Type) -> bool:
        return other.kind() in self._parents

    def _text(self) -> str:
        return self._name

    def __reduce__(self) -> Any:
        return type(self), ()


class AnyType(_Singleton):
    """Any value."""

    __slots__ = ()
    _name = "Any"


class NumberType(_Singleton):
    """An `int`, a `float` or a `complex`."""

    __slots__ = ()
    _name = "number"


class IntType(_Singleton):
    """A Python `int`."""

    __slots__ = ()
    _name = "int"
    _parents = ("NumberType",)


class FloatType(_Singleton):
    """A Python `float`."""

    __slots__ = ()
    _name = "float"
    _parents = ("NumberType",)


class ComplexType(_Singleton):
    """A Python `complex`."""

    __slots__ = ()
    _name = "complex"
    _parents = ("NumberType",)


class BoolType(_Singleton):
    """A Python `bool`."""

    __slots__ = ()
    _name = "bool"


class StringType(_Singleton):
    """A `str`."""

    __slots__ = ()
    _name = "str"


class NoneType(_Singleton):
    """None."""

    __slots__ = ()
    _name = "None"


class DimType(Type):
    """A symbolic dimension as a number, for example `Dim[2*b]`; `Dim` for any."""

    __slots__ = ("dimension",)

    def __init__(self, dimension: Any = None) -> None:
        self.dimension = dimension

    def _is_below(self, other: Type) -> bool:
        return isinstance(other, IntType | NumberType) or other == DimType()

    def _key(self) -> Any:
        return self.dimension

    def _text(self) -> str:
        return "Dim" if self.dimension is None else f"Dim[{self.dimension}]"


class _Nominal(Type):
    """A type that is its class's name."""

    __slots__ = ("_qualified_name", "python_class")

    def __init__(self, qualified_name: str, python_class: type | None = None) -> None:
        self._qualified_name = qualified_name
        self.python_class = python_class

    def name(self) -> str:
        """The class's own name."""
        return self._qualified_name.rpartition(".")[2]

    def qualified_name(self) -> str:
        """The module and the name."""
        return self._qualified_name

    def _key(self) -> Any:
        return self._qualified_name

    def _text(self) -> str:
        return self._qualified_name


class ClassType(_Nominal):
    """An instance of a class of the user's, known by its name.

    Attributes:
        python_class: the class, None where the type was read from text.
    """

    __slots__ = ("_attributes",)

    def __init__(
        self,
        qualified_name: str,
        attributes: Mapping[str, Type] | None = None,
        python_class: type | None = None,
    ) -> None:
        super().__init__(qualified_name, python_class)
        self._attributes = dict(attributes or {})

    def attributes(self) -> dict[str, Type]:
        """The types of the fields, as far as they are known."""
        return dict(self._attributes)

    def method_names(self) -> list[str]:
        """The names of the class's own methods, without the private ones."""
        members = vars(self.python_class) if self.python_class else {}
        return [n for n, m in members.items() if callable(m) and n[0] != "_"]

    def contained_types(self) -> list[Type]:
        """The types of the fields."""
        return list(self._attributes.values())

    def _is_below(self, other: Type) -> bool:
        if not isinstance(other, ClassType) or self.python_class is None:
            return False
        return any(qualified(c) == other._key() for c in self.python_class.__mro__)


class EnumType(_Nominal):
    """A member of an `enum.Enum`."""

    __slots__ = ()

    def enum_names_values(self) -> list[tuple[str, Any]]:
        """The names and values of the members; empty where read from text."""
        members: Any = self.python_class or ()
        return [(m.name, m.value) for m in members if isinstance(m, enum.Enum)]

    def _text(self) -> str:
        return f"Enum[{self._qualified_name}]"


def qualified(cls: type) -> str:
    """The module and the name of a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


def type_list(types: Iterable[Type], owner: str) -> tuple[Type, ...]:
    """`types` as a tuple.

    Returns:
        The tuple.

    Raises:
        GraphError: If one is not a Type.
    """
    found = tuple(types)
    for position, each in enumerate(found):
        if not isinstance(each, Type):
            raise GraphError(
                f"{owner}: element {position} is {each!r}, not a Type; "
                f"types.from_annotation makes one of an annotation"
            )
    return found
