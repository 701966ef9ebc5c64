"""Which names a piece of source reads, writes and captures.

- `reads(node)`: names that it may read, those of functions defined in it included.
- `writes(node)`: names that it may bind in the scope around it.
- `Scope`: the local names of a function, those that nested functions capture, and those
  of them that live in cells, as they change after they were captured.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
LOOPS = (ast.For, ast.While)

Nodes = ast.AST | Iterable[ast.AST] | None


def _each(nodes: Nodes) -> Iterable[ast.AST]:
    if nodes is None:
        return ()
    return (nodes,) if isinstance(nodes, ast.AST) else nodes


def reads(nodes: Nodes) -> set[str]:
    """Names that may be read; those that a nested function captures too."""
    found: set[str] = set()
    for node in _each(nodes):
        if isinstance(node, FUNCTIONS):
            found |= free_names(node) | reads(_outside(node))
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                found.add(node.id)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            found |= {node.target.id} | reads(node.value)
        elif isinstance(node, ast.AnnAssign):
            found |= reads([node.target]) | reads(node.value)  # annotations aren't run
        else:
            found |= reads(ast.iter_child_nodes(node))
    return found


def _outside(function: ast.AST) -> list[ast.AST]:
    """What of a nested function is evaluated where it is defined."""
    args = function.args  # type: ignore[attr-defined]
    found: list[ast.AST] = [*args.defaults, *filter(None, args.kw_defaults)]
    return found + list(getattr(function, "decorator_list", []))


def writes(nodes: Nodes, items: bool = True) -> set[str]:
    """Names that may be bound: by assignment, del, for, with, def, walrus.

    Returns:
        The names; with `items` also the owners of stored items, arrays perhaps.
    """
    found: set[str] = set()
    for node in _each(nodes):
        found |= _writes(node, items)
    return found


def _writes(node: ast.AST, items: bool) -> set[str]:
    if isinstance(node, FUNCTIONS):
        name = getattr(node, "name", None)
        return ({name} if name else set()) | writes(_outside(node), items)
    if isinstance(node, COMPREHENSIONS):
        # Its own targets are its own; a walrus binds outside.
        inner = [n for n in ast.walk(node) if isinstance(n, ast.NamedExpr)]
        return {n.target.id for n in inner if isinstance(n.target, ast.Name)}
    if isinstance(node, ast.Name):
        return set() if isinstance(node.ctx, ast.Load) else {node.id}
    found = writes(ast.iter_child_nodes(node), items)
    if items and isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        # `x[i] = v` on an array binds x anew.
        found |= base_name(node)
    return found


def base_name(target: ast.AST) -> set[str]:
    """The name that a store to `a[i]`, `a[i][j]` may bind anew."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return {target.id} if isinstance(target, ast.Name) else set()


def parameters(function: ast.FunctionDef | ast.Lambda) -> list[str]:
    """The names of all parameters, in the order of the signature."""
    args = function.args
    found = [a.arg for a in (*args.posonlyargs, *args.args)]
    found += [args.vararg.arg] if args.vararg else []
    found += [a.arg for a in args.kwonlyargs]
    return found + ([args.kwarg.arg] if args.kwarg else [])


def body_of(function: ast.AST) -> list[ast.AST]:
    """What runs when a function is called."""
    body = function.body  # type: ignore[attr-defined]
    return body if isinstance(body, list) else [body]


def local_names(function: ast.AST) -> set[str]:
    """The names that are local to a function."""
    own = writes(body_of(function), items=False) | set(parameters(function))  # type: ignore[arg-type]
    declared = {
        name
        for node in _own_nodes(body_of(function))
        if isinstance(node, ast.Global | ast.Nonlocal)
        for name in node.names
    }
    return own - declared


def free_names(function: ast.AST) -> set[str]:
    """The names that a function reads and doesn't bind."""
    return reads(body_of(function)) - local_names(function)


def captured_targets(node: ast.AST) -> list[tuple[ast.comprehension, str]]:
    """The targets of a comprehension that functions inside it read, by their clause."""
    inner = [n for n in ast.walk(node) if isinstance(n, FUNCTIONS)]
    free = set().union(*map(free_names, inner))
    clauses = node.generators  # type: ignore[attr-defined]
    return [
        (clause, name)
        for clause in clauses
        for name in sorted(writes(clause.target, items=False) & free)
    ]


def handed_out(node: ast.AST) -> Iterator[ast.Lambda]:
    """The functions that may be the value of an expression, or an element of it."""
    if isinstance(node, ast.Lambda):
        yield node
    elif not isinstance(node, ast.Call | ast.Subscript | ast.Compare | ast.JoinedStr):
        for part in ast.iter_child_nodes(node):
            yield from handed_out(part)


def _own_nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes of a function but those of functions nested in it."""
    for node in nodes:
        yield node
        if not isinstance(node, FUNCTIONS):
            yield from _own_nodes(ast.iter_child_nodes(node))


class Scope:
    """The names of one function.

    Attributes:
        locals: its local names.
        cells: local names whose value a nested function must find changed, or changes:
            they are bound again after a function captured them, or by it.
    """

    def __init__(self, function: ast.FunctionDef | ast.Lambda) -> None:
        self.locals = local_names(function)
        self.cells = self._find_cells(function)

    def _find_cells(self, function: ast.AST) -> set[str]:
        own = list(_own_nodes(body_of(function)))
        stores = [(name, _place(node)) for node in own for name in _stored(node)]
        loops = [node for node in own if isinstance(node, LOOPS)]
        found: set[str] = set()
        for inner in own:
            if not isinstance(inner, FUNCTIONS):
                continue
            # What is bound later in the text, or in another round of a loop around it,
            # by the `def` itself, or by storing an item inside it.
            changed = {name for name, place in stores if place > _place(inner)}
            around = [loop for loop in loops if inner in ast.walk(loop)]
            changed |= set().union(*(writes(loop) for loop in around))
            changed |= {getattr(inner, "name", "")} | _items_of(inner)
            found |= free_names(inner) & self.locals & changed
        return found


def _place(node: ast.AST) -> tuple[int, int]:
    return node.lineno, node.col_offset  # type: ignore[attr-defined]


def _stored(node: ast.AST) -> set[str]:
    """The names that a piece of source, without what is in it, binds anew."""
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return {node.id}
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        return base_name(node)  # `x[i] = v` on an array binds x anew
    return set()


def _items_of(function: ast.AST) -> set[str]:
    """The names whose items a function, or one inside it, stores."""
    return {
        name
        for node in ast.walk(function)
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load)
        for name in base_name(node)
    }
