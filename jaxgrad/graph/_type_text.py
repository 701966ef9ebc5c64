"""Reads the text of a type.

- `parse`: a whole text.
- `parse_at`: the type that starts somewhere in a longer text.
"""

import re
import tokenize
from collections.abc import Sequence
from typing import Any, NoReturn

import jax

from jaxgrad.errors import ParseError
from jaxgrad.graph._aval_text import dtype_of, placed, split
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
    of_parts,
)

_NAME = re.compile(r"[A-Za-z_](?:<locals>|[\w.])*")
_FIELD = re.compile(r"\s*([A-Za-z_]\w*)\s*:")
_SPACE = re.compile(r"<([^<>\[\]{}]*)>")
_OPAQUE = re.compile(r"[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*")
_SHARDED = re.compile(r"(.*)@(\w+|\([\w, ]+\))")
_SIMPLE: dict[str, Type] = {
    "Any": AnyType.get(),
    "Dim": DimType(),
    "None": NoneType.get(),
    "PRNGKey": PRNGKeyType.get(),
    "Tensor": TensorType.get(),
    "bool": BoolType.get(),
    "complex": ComplexType.get(),
    "float": FloatType.get(),
    "int": IntType.get(),
    "number": NumberType.get(),
    "str": StringType.get(),
}
_COUNTS = {"List": 1, "Optional": 1, "Dict": 2, "Tuple": None, "Union": None}
_MAKERS: dict[str, Any] = {"List": ListType, "Optional": OptionalType, "Dict": DictType}
_MARKS = {"V": "varying", "U": "unreduced", "R": "reduced"}
_IMPLEMENTATIONS = {"fry": "threefry2x32", "urbg": "unsafe_rbg"}


def parse(text: str, *, scope: Any = None) -> Type:
    """Read the text of a type, as `str` writes it.

    A sharding or a varying axis is read where its mesh is in use (`jax.set_mesh`),
    since the text names axes alone. A structure of JAX's and a class are read by name.

    Args:
        text: for example `"Tuple[f32[3, 4], Optional[int]]"`.
        scope: a `jax.export.SymbolicScope` for symbolic dimensions, a new one by
            default; dimensions of different scopes differ.

    Returns:
        The type.

    Raises:
        ParseError: If the text is no type; a caret shows where.

    Example:
        >>> parse("Dict[str, f32[b, 2*a]]").get_value_type().dim()
        2
    """
    found, end = parse_at(text, 0, scope=scope)
    reader = _Reader(text, end, scope)
    if not reader.at_end():
        reader.fail("expected the end of the type")
    return found


def parse_at(text: str, start: int, *, scope: Any = None) -> tuple[Type, int]:
    """Read the type that starts at `text[start]`.

    Returns:
        The type, and the position behind it.

    Raises:
        ParseError: If there is no type.
    """
    reader = _Reader(text, start, scope)
    return reader.type(), reader.at


class _Reader:
    """A position in a text."""

    def __init__(self, text: str, at: int, scope: Any) -> None:
        self.text = text
        self.at = at
        self.scope = jax.export.SymbolicScope() if scope is None else scope

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        at = self.at if at is None else at
        caret = " " * at + "^"
        raise ParseError(
            f"not a type: {message} at column {at}\n  {self.text}\n  {caret}"
        )

    def at_end(self) -> bool:
        self._skip_spaces()
        return self.at == len(self.text)

    def _skip_spaces(self) -> None:
        while self.text[self.at : self.at + 1] in (" ", "\n", "\t"):
            self.at += 1

    def _takes(self, what: str) -> bool:
        found = self.text.startswith(what, self.at)
        self.at += len(what) * found
        return found

    def _expect(self, what: str) -> None:
        if not self._takes(what):
            got = self.text[self.at : self.at + 1]
            self.fail(
                f"expected {what!r}, got {got!r}" if got else f"expected {what!r}"
            )

    def _match(self, pattern: re.Pattern[str], what: str) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            self.fail(f"expected {what}")
        self.at = match.end()
        return match[match.lastindex or 0]

    def type(self) -> Type:
        self._skip_spaces()
        start = self.at
        name = self._match(_NAME, "a type")
        following = self.text[self.at : self.at + 1]
        if name == "Ref" and following in ("<", "{"):
            return self._ref()
        if following not in ("[", "<") or not following:
            if dtype_of(name) is not None and name not in _SIMPLE:
                self.fail(f"{name} needs a shape, {name}[...] where it is unknown")
            return _SIMPLE.get(name) or ClassType(name)
        if name == "key" and following == "<":
            return self._array(self._key_dtype(), start)
        if name == "Tensor" or dtype_of(name) is not None:
            return self._array(None if name == "Tensor" else dtype_of(name), start)
        self._expect("[")
        if name in _COUNTS:
            return self._container(name, start)
        special = {"Dim": self._dim, "Enum": self._enum, "PyTree": self._pytree}
        if name == "Opaque":
            opaque = self._match(_OPAQUE, "a name")
            self._expect("]")
            return OpaqueType(None, opaque)
        return special[name]() if name in special else self._named_tuple(name)

    def _elements(self) -> list[Type]:
        """The types up to the closing bracket, whose opening one is behind."""
        found: list[Type] = []
        self._skip_spaces()
        while not self._takes("]"):
            if found:
                self._expect(",")
            found.append(self.type())
            self._skip_spaces()
        return found

    def _container(self, name: str, start: int) -> Type:
        if name == "Tuple" and self._takes("()]"):
            return TupleType([])
        elements = self._elements()
        count = _COUNTS[name]
        if count is not None and len(elements) != count:
            self.fail(f"{name} takes {count} types, got {len(elements)}", start)
        if name in _MAKERS:
            return _MAKERS[name](*elements)
        return TupleType(elements) if name == "Tuple" else UnionType(elements)

    def _named_tuple(self, name: str) -> Type:
        fields: dict[str, Type] = {}
        while not self._takes("]"):
            if fields:
                self._expect(",")
            field = self._match(_FIELD, f"a field of {name}, such as `x: int`")
            fields[field] = self.type()
            self._skip_spaces()
        return TupleType(fields.values(), name, list(fields))

    def _enum(self) -> Type:
        name = self._match(_NAME, "the name of an enum")
        self._expect("]")
        return EnumType(name)

    def _pytree(self) -> Type:
        name = self._match(_NAME, "the name of a class")
        self._skip_spaces()
        leaves = self._elements() if self._takes(",") else self._expect("]")
        return PyTreeType(name, leaves or [])

    def _dim(self) -> Type:
        start = self.at
        end = self.text.find("]", start)
        if end < 0:
            self.fail("expected ']'", len(self.text))
        self.at = end + 1
        return DimType(self._sizes([self.text[start:end]], start)[0])

    def _ref(self) -> Type:
        named = self.text[self.at] == "<"
        space = self._match(_SPACE, "a memory space") if named else None
        self._expect("{")
        element = self.type()
        self._expect("}")
        return RefType(element, space)

    def _key_dtype(self) -> Any:
        start = self.at
        tag = self._match(_SPACE, "a key's implementation")
        name = _IMPLEMENTATIONS.get(tag, tag)
        try:
            # Abstractly, so that nothing runs.
            return jax.eval_shape(lambda: jax.random.key(0, impl=name)).dtype
        except ValueError:
            self.fail(f"JAX has no random keys <{tag}>", start)

    def _array(self, dtype: Any, start: int) -> Type:
        """The rest of an array type, from its memory space or shape on."""
        space = None
        if self.text[self.at : self.at + 1] == "<":
            space = self._match(_SPACE, "a memory space")
        self._expect("[")
        inside, end = self.at, self.text.find("]", self.at)
        if end < 0:
            self.fail("expected ']'", len(self.text))
        dims, self.at = split(self.text[inside:end]), end + 1
        marks: list[str] = []
        if self.text[self.at : self.at + 1] == "{":
            end = self.text.find("}", self.at)
            if end < 0:
                self.fail("expected '}'", len(self.text))
            marks, self.at = split(self.text[self.at + 1 : end]), end + 1
        if dims == ["..."] and not marks:
            return of_parts(dtype, None)
        axes = [m and m[2] for m in (_SHARDED.fullmatch(d) for d in dims)]
        bare = [
            d.rpartition("@")[0] if a else d for d, a in zip(dims, axes, strict=True)
        ]
        found = of_parts(dtype, self._sizes(bare, inside), weak="weak" in marks)
        marks = [m for m in marks if m != "weak"]
        if found.aval is None or not (marks or space or any(axes)):
            return found
        return self._placed(found.aval, axes, marks, space, start)

    def _sizes(self, dims: list[str], start: int) -> list[Any]:
        known = [d for d in dims if d != "?"]
        if bad := [d for d in known if not d or re.fullmatch(r"-\d+", d)]:
            self.fail(f"{bad[0]!r} is not a dimension", start)
        if all(d.isdecimal() for d in known):
            return [None if d == "?" else int(d) for d in dims]
        try:
            found = iter(jax.export.symbolic_shape(", ".join(known), scope=self.scope))
        except (ValueError, tokenize.TokenError) as error:
            reason = str(error).splitlines()[0]
            self.fail(f"{', '.join(known)!r} is no shape ({reason})", start)
        return [None if d == "?" else next(found) for d in dims]

    def _placed(
        self, aval: Any, axes: list[Any], marks: list[str], space: Any, start: int
    ) -> Type:
        """`aval` on the axes of the mesh in use, in a memory space."""
        named = [m for m in marks if m[1:2] == ":" and m[0] in _MARKS]
        parts: dict[str, Sequence[str]] = {_MARKS[m[0]]: _names(m[2:]) for m in named}
        if len(parts) != len(marks):
            self.fail(f"{{{', '.join(marks)}}} can't be read", start)
        spec = tuple(None if a is None else _names(a) for a in axes)
        try:
            return TensorType.of(placed(aval, spec, parts, space))
        except (TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            self.fail(
                f"{self.text[start : self.at]} can't be placed: {reason}; mesh axes "
                f"are those of the mesh in use, jax.set_mesh",
                start,
            )


def _names(axes: str) -> tuple[str, ...]:
    """`(i,j)` or `i` as names of mesh axes."""
    return tuple(axis.strip() for axis in axes.strip("() ").split(","))
