"""`jax.Ref` arguments: forward gets them live, and really writes them.

A Ref has no gradient: it is never detached, never attached, and has no flag. What can't
be right is refused with a `RefError`: a Ref that is returned, saved, closed over or
differentiated, and a second run of forward, which would write twice.

- `check_arguments`, `check_kept`: what a call was given; what forward did with it.
- `refuse_closed`: Refs that a class reaches without being given them.
- `refuse_perturbed`, `refuse_rerun`: what differentiation can't do with a Ref.
"""

import dis
import types
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import jax

from jaxgrad import _compat
from jaxgrad.errors import RefError
from jaxgrad.function._opaque import Parts
from jaxgrad.function._trees import leaf_path

if TYPE_CHECKING:
    from jaxgrad.function._context import Context
    from jaxgrad.function._spec import Spec


def is_view(value: Any) -> bool:
    """Whether a value is a part of a Ref, as `ref.at[...]` makes it."""
    return hasattr(value, "transforms") and _compat.is_ref(getattr(value, "ref", None))


def refuse_view(owner: str) -> NoReturn:
    """Raise: a part of a Ref is an argument."""
    raise RefError(
        f"{owner}.apply was given a part of a jax.Ref, like ref.at[...].\n"
        "  Expected a whole Ref; got a view of one.\n"
        "  Pass the Ref and index it in forward: ref[start:stop] = value."
    )


def check_arguments(spec: "Spec", refs: Sequence[Any]) -> None:
    """Refuse a call that is given one Ref twice.

    Raises:
        RefError: naming both arguments.
    """
    first: dict[int, str] = {}
    for ref, path in zip(refs, spec.ref_paths(), strict=True):
        if id(ref) in first:
            raise RefError(
                f"{spec.owner}.apply was given one jax.Ref twice, as "
                f"{first[id(ref)]!r} and as {path!r}.\n"
                "  Expected different Refs; got the same one.\n"
                "  Pass it once, and write it once in forward."
            )
        first[id(ref)] = path
    if spec.style.vmap:
        raise RefError(
            f"{spec.owner}.apply was given a jax.Ref as {spec.ref_paths()[0]!r}, and "
            f"{spec.owner} has a `vmap` staticmethod.\n"
            "  Expected arrays: a batching rule returns new values; got a Ref, which "
            "it would have to write.\n"
            "  Pass the Ref's value and return the new one; or remove `vmap`, and JAX "
            "batches forward."
        )


def keeps_ref(ctx: "Context", result: Any) -> bool:
    """Whether a Ref is returned or saved, in plain sight; asked at every trace."""
    state, is_ref = ctx._state, _compat.is_ref
    if is_ref(result) or any(map(is_ref, state.saved)):
        return True
    if isinstance(result, tuple) and any(map(is_ref, result)):
        return True
    return any(map(is_ref, ctx.__dict__.values()))


def check_kept(spec: "Spec", ctx: "Context", result: Any) -> None:
    """Refuse Refs that forward returned or left on its context.

    Args:
        spec: the static side of the call, holding the live Refs if it was given any.
        ctx: the context of forward.
        result: what it returned.

    Raises:
        RefError: naming the Ref's argument, and where it was found.
    """
    saved = ctx._state.saved, ctx._state.saved_for_forward
    for group, tree in zip(
        ("saved_tensors", "saved_tensors (jvp)"), saved, strict=True
    ):
        for path, ref in _found(tree):
            _refuse_kept(spec, ref, group + path)
    for name, value in ctx.__dict__.items():
        for path, ref in _found(value):
            _refuse_kept(spec, ref, f"ctx.{name}{path}")
    for path, ref in _found(result):
        _refuse_returned(spec, ref, path)


def _found(tree: Any) -> Iterator[tuple[str, Any]]:
    """The Refs in a pytree, in its functions and objects too, with their paths."""
    for path, leaf in _leaves(tree):
        where = jax.tree_util.keystr(path)
        if _compat.is_ref(leaf) or is_view(leaf):
            yield where, leaf
        else:
            parts = Parts([(where, leaf)], _compat.is_ref)
            for name, ref in zip(parts.names, parts.leaves, strict=True):
                yield f"{where} (its {name})", ref


def _refuse_kept(spec: "Spec", ref: Any, where: str) -> NoReturn:
    """Raise: `ref` was saved for backward."""
    raise RefError(
        f"{spec.owner}.forward saved {_name(spec, ref)} as {where}.\n"
        "  Expected arrays and static values on the context; got a Ref, whose content "
        "changes until backward runs.\n"
        "  Save its value instead: ref[...]."
    )


def _refuse_returned(spec: "Spec", ref: Any, where: str) -> NoReturn:
    """Raise: `ref` is an output."""
    at = f" at {where}" if where else ""
    raise RefError(
        f"{spec.owner}.forward returned {_name(spec, ref)}{at}.\n"
        "  Expected arrays and static values as outputs; got a Ref.\n"
        "  Leave it out, the caller sees what was written; or return its value, "
        "ref[...]."
    )


def _name(spec: "Spec", ref: Any) -> str:
    """How to call a Ref in a message: by its argument, if it is one."""
    whole = ref.ref if is_view(ref) else ref
    for value, path in zip(spec.held, spec.ref_paths(), strict=False):
        if value is whole:
            return f"the jax.Ref argument {path!r}"
    return "a jax.Ref"


def refuse_perturbed(spec: "Spec", perturbed: Sequence[bool]) -> None:
    """Raise if a Ref is being differentiated; `perturbed` has one entry for each."""
    pairs = zip(spec.ref_paths(), perturbed, strict=True)
    moving = [path for path, moves in pairs if moves]
    if moving:
        listed = ", ".join(map(repr, moving))
        raise RefError(
            f"{spec.owner}: the jax.Ref argument {listed} is being differentiated.\n"
            "  Expected a Ref from outside the function that is differentiated: what "
            "forward writes has no gradient; got one that was made in it, or that "
            "the gradient is asked for.\n"
            "  Make it outside, with jax.new_ref, and pass it in or close over it "
            "there; or pass its value to apply and return the new value."
        )


def refuse_rerun(spec: "Spec") -> NoReturn:
    """Raise: forward would have to run again, and to write again."""
    listed = ", ".join(map(repr, spec.ref_paths()))
    raise RefError(
        f"{spec.owner}.forward would have to run again for another derivative, and "
        f"would write the jax.Ref argument {listed} a second time.\n"
        "  Expected a forward that saves only inputs and outputs, whatever "
        "needs_input_grad says; got one that saved an intermediate, or that read "
        "needs_input_grad where another input is differentiated too.\n"
        "  Save inputs and outputs, or return the intermediate as an output too."
    )


def refuse_closed(
    owner: str, functions: Sequence[Any], values: Sequence[tuple[str, Any]]
) -> None:
    """Refuse Refs that a call reaches without being given them.

    Args:
        owner: the class's name.
        functions: the user's functions; their closures and globals are looked at.
        values: static arguments and their paths, which may hold Refs.

    Raises:
        RefError: naming the variable.
    """
    named = [(f.__name__, f) for f in functions if _closes(f)]
    parts = Parts([*named, *values], _compat.is_ref)
    refuse_hidden(owner, parts.names, parts.leaves)
    for function in functions:
        for name in _globals(function):
            _refuse_hidden(owner, name)


def refuse_hidden(owner: str, names: Sequence[str], values: Sequence[Any]) -> None:
    """Raise if one of the closed-over `values` is a Ref."""
    for name, value in zip(names, values, strict=True):
        if _compat.is_ref(value):
            _refuse_hidden(owner, name)


def _refuse_hidden(owner: str, name: str) -> NoReturn:
    raise RefError(
        f"{owner} reaches the jax.Ref {name!r} without being given it.\n"
        "  Expected every Ref among the arguments of apply; got one from elsewhere: a "
        "closure, an object, a partial, a global.\n"
        f"  Pass it as an argument, {owner}.apply(..., {name.split('.')[-1]}), and "
        "return None for it from backward."
    )


def _closes(function: Any) -> bool:
    return bool(getattr(getattr(function, "__func__", function), "__closure__", None))


def _globals(function: Any) -> list[str]:
    """The global variables that a function reads and that are Refs, or hold some."""
    inner = getattr(function, "__func__", function)
    scope = getattr(inner, "__globals__", {})
    found = []
    for code in _codes(getattr(inner, "__code__", None)):
        names = [n for n in code.co_names if n in scope and holds_ref(scope[n])]
        if names:  # attributes are among them too
            loads = dis.get_instructions(code)
            read = {i.argval for i in loads if i.opname.startswith("LOAD_GLOBAL")}
            found += [name for name in names if name in read]
    return found


def holds_ref(value: Any) -> bool:
    """Whether a value is a Ref, or a container of values some of which are Refs."""
    if isinstance(value, dict | list | tuple):
        return any(_compat.is_ref(leaf) for _, leaf in _leaves(value))
    return _compat.is_ref(value)


def _leaves(tree: Any) -> list[tuple[Any, Any]]:
    """The leaves of a pytree and their paths; none of what JAX can't flatten."""
    try:
        return jax.tree_util.tree_flatten_with_path(tree)[0]
    except (TypeError, ValueError):  # a dict whose keys can't be sorted
        return []


def _codes(code: Any) -> Iterator[types.CodeType]:
    """A function's code and that of the functions in it."""
    if isinstance(code, types.CodeType):
        yield code
        for constant in code.co_consts:
            yield from _codes(constant)


def leaf_paths(names: Sequence[str], trees: Sequence[Any], wanted: Any) -> list[str]:
    """The paths of the leaves that are `wanted`, in order."""
    return [
        leaf_path(name, tree, position)
        for name, tree in zip(names, trees, strict=True)
        for position, leaf in enumerate(jax.tree.leaves(tree))
        if leaf is wanted
    ]
