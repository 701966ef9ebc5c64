"""Assignments: to names, tuples, attributes and subscripts; and deletions."""

from __future__ import annotations

import ast

from jaxgrad.frontend.emit._emitter import Emitter
from jaxgrad.frontend.emit._syntax import BINARY, mangled
from jaxgrad.graph import Value


def assign(emitter: Emitter, target: ast.expr, value: Value) -> None:
    """Bind a target to a value."""
    emitter.at(target)
    if isinstance(target, ast.Name):
        emitter.write(target.id, value)
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(emitter, target, value)
    elif isinstance(target, ast.Starred):
        assign(emitter, target.value, value)
    elif isinstance(target, ast.Attribute):
        owner = emitter.expression(target.value)
        _set_attribute(emitter, target, owner, value)
    else:
        assert isinstance(target, ast.Subscript)
        owner = emitter.expression(target.value)
        _set_item(emitter, target, owner, emitter.expression(target.slice), value)


def _unpack(emitter: Emitter, target: ast.Tuple | ast.List, value: Value) -> None:
    stars = [i for i, t in enumerate(target.elts) if isinstance(t, ast.Starred)]
    star = {"star": stars[0]} if stars else {}
    parts = emitter.node("prim::TupleUnpack", (value,), len(target.elts), **star)
    for each, part in zip(target.elts, parts.outputs(), strict=True):
        assign(emitter, each, part)


def _set_attribute(
    emitter: Emitter, target: ast.Attribute, owner: Value, value: Value
) -> None:
    emitter.at(target)
    name = mangled(emitter.owner, target.attr)
    emitter.node("prim::SetAttr", (owner, value), 0, name=name)


def _set_item(
    emitter: Emitter, target: ast.Subscript, owner: Value, at: Value, value: Value
) -> None:
    """Store to `owner[at]`, and store the new owner where the old one came from."""
    emitter.at(target)
    new = emitter.value("prim::SetItem", owner, at, value)
    _store_back(emitter, target.value, owner, new)


def _store_back(emitter: Emitter, source: ast.expr, old: Value, new: Value) -> None:
    # A list is changed in place and stays the same object, which nobody has to store;
    # an array is a new one.
    if isinstance(source, ast.Name):
        name = emitter.renamed.get(source.id, source.id)
        if name in emitter.scope.locals or name in emitter.env:
            emitter.write(source.id, new)
        else:
            emitter.node("prim::Unchanged", (old, new), 0, name=name)
    elif isinstance(source, ast.Attribute):
        owner = old.node().inputs()[0] if _is_read(old, "prim::GetAttr") else None
        if owner is not None:
            name = mangled(emitter.owner, source.attr)
            emitter.node("prim::SetAttr", (owner, new, old), 0, name=name)
    elif isinstance(source, ast.Subscript) and _is_read(old, "py::operator.getitem"):
        owner, at = old.node().inputs()
        newer = emitter.value("prim::SetItem", owner, at, new, old)
        _store_back(emitter, source.value, owner, newer)
    else:
        emitter.node("prim::Unchanged", (old, new), 0, name=ast.unparse(source))


def _is_read(value: Value, kind: str) -> bool:
    return value.node().kind() == kind


def augment(emitter: Emitter, node: ast.AugAssign) -> None:
    """`target op= value`, where the target's parts are evaluated once."""
    kind = f"py::operator.i{BINARY[type(node.op)].strip('_')}"
    target = node.target
    if isinstance(target, ast.Name):
        old = emitter.read(target.id)
        value = emitter.expression(node.value)
        emitter.at(node)
        emitter.write(target.id, emitter.value(kind, old, value))
        return
    assert isinstance(target, ast.Attribute | ast.Subscript)
    owner = emitter.expression(target.value)
    emitter.at(target)
    if isinstance(target, ast.Attribute):
        name = mangled(emitter.owner, target.attr)
        old = emitter.value("prim::GetAttr", owner, name=name)
        new = _augmented(emitter, node, kind, old)
        _set_attribute(emitter, target, owner, new)
    else:
        at = emitter.expression(target.slice)
        old = emitter.value("py::operator.getitem", owner, at)
        new = _augmented(emitter, node, kind, old)
        _set_item(emitter, target, owner, at, new)


def _augmented(emitter: Emitter, node: ast.AugAssign, kind: str, old: Value) -> Value:
    value = emitter.expression(node.value)
    emitter.at(node)
    return emitter.value(kind, old, value)


def delete(emitter: Emitter, node: ast.Delete) -> None:
    """`del` of names, items and attributes."""
    for target in node.targets:
        _delete(emitter, target)


def _delete(emitter: Emitter, target: ast.expr) -> None:
    emitter.at(target)
    if isinstance(target, ast.Name):
        emitter.value("prim::Use", emitter.read(target.id))  # it has to have a value
        gone = emitter.uninitialized(target.id)
        gone.node()._attributes["deleted"] = target.lineno
        emitter.write(target.id, gone)
    elif isinstance(target, ast.Attribute):
        owner = emitter.expression(target.value)
        name = emitter.constant(mangled(emitter.owner, target.attr))
        emitter.node("py::builtins.delattr", (owner, name), 1)
    elif isinstance(target, ast.Subscript):
        owner = emitter.expression(target.value)
        at = emitter.expression(target.slice)
        emitter.at(target)
        emitter.node("py::operator.delitem", (owner, at), 1)
    else:
        assert isinstance(target, ast.Tuple | ast.List)
        for each in target.elts:
            _delete(emitter, each)
