"""A Function class for a random body, with a rule that is written from what it saved.

- `Plan`: everything that was drawn about one class.
- `build`: the class; `arguments`: a call's arguments.
- `SIGNATURES`: how its forward takes them, in both of torch's styles.

The rules are class methods that read `cls.plan`, so that nothing is closed over.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgrad import Context, Function
from tests.properties import programs
from tests.properties.programs import Program, Static, Type


class Plan(NamedTuple):
    """One random class.

    Attributes:
        program: its body.
        signature: a key of `SIGNATURES`.
        arrays: for each argument that holds arrays, a pytree of the numbers of leaves.
        static: the static arguments that are passed, by name.
        by_name: how many of the arguments are passed by name.
        setup: whether `setup_context` fills the context.
        rule: "reverse", "derived" (its JVP is the transpose), "both" or "jvp".
        chain: backward by hand-written slopes, or by `jax.vjp` of the body.
        saved: the values it would like to save.
        attributes: those of them that are attributes of the context.
        marks: what backward and jvp multiply the true derivative with.
        large: return gradients as large as broadcasting made them.
        upcast: return gradients in float32 at least.
        flags: ask `needs_input_grad`, and return None where nothing is needed.
        materialize: as in `set_materialize_grads`.
        constant: the number of the output that is marked non-differentiable, or -1.
        convention: of complex rules.
        jit: as on the class.
    """

    program: Program
    signature: str
    arrays: dict[str, Any]
    static: Static
    by_name: int = 0
    setup: bool = False
    rule: str = "reverse"
    chain: bool = True
    saved: tuple[int, ...] = ()
    attributes: tuple[int, ...] = ()
    marks: tuple[int, int] = (1, 1)
    large: bool = False
    upcast: bool = False
    flags: bool = False
    materialize: bool = True
    constant: int = -1
    convention: str = "torch"
    jit: bool = False

    @property
    def c(self) -> Callable[[Any], Any]:
        torch = self.convention == "torch"
        return lambda v: jnp.conj(v) if torch and jnp.iscomplexobj(v) else v


# --- forward --------------------------------------------------------------------------


class Signature(NamedTuple):
    """A forward in both styles; its parameters; how many may be passed by position."""

    forward: Callable[..., Any]
    setup: Callable[..., Any]
    names: tuple[str, ...]
    positional: int
    defaults: Static


def _forward(cls: Any, ctx: Context | None, *arguments: Any, **named: Any) -> Any:
    plan = cls.plan
    leaves, static = take(plan, {**dict(_named(plan, arguments)), **named})
    values = programs.evaluate(plan.program, leaves, static)
    if ctx is not None:
        _keep(cls, ctx, values, static)
    return programs.returned(plan.program, values)


def _named(plan: Plan, arguments: Sequence[Any]) -> Any:
    names = SIGNATURES[plan.signature].names
    return zip(names, arguments, strict=False)


def take(plan: Plan, arguments: dict[str, Any]) -> tuple[list[Any], Static]:
    """The leaves of a call's arguments, in order, and its static ones by name."""
    leaves: dict[int, Any] = {}
    for name, template in plan.arrays.items():
        jax.tree.map(_put(leaves), template, arguments[name])
    static = {k: v for k, v in arguments.items() if k not in plan.arrays}
    return [leaves[i] for i in range(plan.program.leaves)], static


def _put(leaves: dict[int, Any]) -> Callable[[Any, Any], None]:
    def put(number: Any, value: Any) -> None:
        if isinstance(number, int):
            leaves[number] = value

    return put


def _keep(cls: Any, ctx: Context, values: Any, static: Static) -> None:
    plan, tensors = cls.plan, cls.tensors
    ctx.save_for_backward(*[values[i] for i in tensors])
    if plan.rule in ("both", "jvp"):
        ctx.save_for_forward(*[values[i] for i in tensors])
    ctx.kept = {str(i): values[i] for i in cls.attributes}
    ctx.static = static
    if not plan.materialize:
        ctx.set_materialize_grads(False)
    if plan.constant >= 0:
        ctx.mark_non_differentiable(values[plan.constant])


def _setup_context(
    cls: Any, ctx: Context, inputs: tuple[Any, ...], output: Any
) -> None:
    plan = cls.plan
    names = slot_names(plan)
    if plan.signature == "star":
        inputs = (inputs[0], inputs[1:])
    leaves, static = take(plan, dict(zip(names, inputs, strict=True)))
    values = dict(enumerate(leaves))
    for i, value in zip(plan.program.returned(), jax.tree.leaves(output), strict=True):
        values.setdefault(i, value)
    _keep(cls, ctx, values, static)


SIGNATURES = {
    "one": Signature(
        lambda cls, ctx, a: _forward(cls, ctx, a),
        lambda cls, a: _forward(cls, None, a),
        ("a",),
        1,
        {},
    ),
    "two": Signature(
        lambda cls, ctx, a, b: _forward(cls, ctx, a, b),
        lambda cls, a, b: _forward(cls, None, a, b),
        ("a", "b"),
        2,
        {},
    ),
    "static": Signature(
        lambda cls, ctx, a, scale, b: _forward(cls, ctx, a, scale, b),
        lambda cls, a, scale, b: _forward(cls, None, a, scale, b),
        ("a", "scale", "b"),
        3,
        {},
    ),
    "default": Signature(
        lambda cls, ctx, a, scale=1.5, flip=True: _forward(cls, ctx, a, scale, flip),
        lambda cls, a, scale=1.5, flip=True: _forward(cls, None, a, scale, flip),
        ("a", "scale", "flip"),
        3,
        {"scale": 1.5, "flip": True},
    ),
    "keyword": Signature(
        lambda cls, ctx, a, *, b, mode="sin": _forward(cls, ctx, a, b, mode),
        lambda cls, a, *, b, mode="sin": _forward(cls, None, a, b, mode),
        ("a", "b", "mode"),
        1,
        {"mode": "sin"},
    ),
    "star": Signature(
        lambda cls, ctx, a, *b: _forward(cls, ctx, a, b),
        lambda cls, a, *b: _forward(cls, None, a, b),
        ("a", "b"),
        2,
        {},
    ),
    "open": Signature(
        lambda cls, ctx, a, **static: _forward(cls, ctx, a, **static),
        lambda cls, a, **static: _forward(cls, None, a, **static),
        ("a",),
        1,
        {},
    ),
}


def arguments(plan: Plan, leaves: Sequence[Any]) -> tuple[tuple[Any, ...], Any]:
    """The positional and keyword arguments of a call with these leaves."""
    fill = lambda i: leaves[i] if isinstance(i, int) else i  # noqa: E731
    values = {n: jax.tree.map(fill, t) for n, t in plan.arrays.items()}
    values.update(plan.static)
    signature = SIGNATURES[plan.signature]
    if plan.signature == "star":
        return (values["a"], *values["b"]), {}
    first = signature.names[: signature.positional - plan.by_name]
    # What is left to its default ends the positional ones.
    missing = [n for n, name in enumerate(first) if name not in values]
    first = first[: missing[0]] if missing else first
    rest = {n: v for n, v in values.items() if n not in first}
    return tuple(values[n] for n in first), rest


# --- rules ----------------------------------------------------------------------------


def _value(cls: Any, ctx: Context) -> tuple[dict[int, Any], Callable[[int], Any]]:
    known = dict(zip(cls.tensors, ctx.saved_tensors, strict=True))
    known.update({int(i): value for i, value in ctx.kept.items()})
    return known, programs.recall(cls.plan.program, known, ctx.static)


def _none(value: Any) -> bool:
    return value is None


def _backward(cls: Any, ctx: Context, *grads: Any) -> Any:
    plan, types = cls.plan, cls.types
    program = plan.program
    given = grads if isinstance(program.outputs, tuple) else grads[0]
    cotangents = jax.tree.leaves(given, is_leaf=_none)
    known, value = _value(cls, ctx)
    wanted = list(cls.moving)
    parts = slots(plan)
    if plan.flags:
        for template, needed in zip(parts, ctx.needs_input_grad, strict=True):
            unneeded = [] if needed else jax.tree.leaves(template)
            for i in unneeded:
                if isinstance(i, int):
                    wanted[i] = False
    if plan.chain:
        moving = programs.moving(program, wanted)
        found = programs.pull(
            program, value, types, cotangents, ctx.static, plan.c, moving, plan.large
        )
    else:
        found = _by_vjp(cls, known, cotangents, ctx.static, wanted)
    return _gradients(plan, parts, [_marked(plan, g) for g in found])


def _by_vjp(
    cls: Any, known: dict[int, Any], cotangents: Any, static: Static, wanted: list[bool]
) -> list[Any]:
    plan, types = cls.plan, cls.types
    program = plan.program
    positions = [i for i in range(program.leaves) if wanted[i]]
    outs = [
        (n, i)
        for n, i in enumerate(program.returned())
        if jnp.issubdtype(types[i][1], jnp.inexact) and cotangents[n] is not None
    ]

    def body(*xs: Any) -> Any:
        leaves = [known[i] for i in range(program.leaves)]
        for i, x in zip(positions, xs, strict=True):
            leaves[i] = x
        values = programs.evaluate(program, leaves, static)
        return [values[i] for _, i in outs]

    _, back = jax.vjp(body, *[known[i] for i in positions])
    gradients = back([plan.c(cotangents[n]) for n, _ in outs])
    out: list[Any] = [None] * program.leaves
    for i, gradient in zip(positions, gradients, strict=True):
        out[i] = plan.c(gradient)
    return out


def _marked(plan: Plan, gradient: Any) -> Any:
    if gradient is None:
        return None
    if plan.upcast:
        gradient = gradient.astype(jnp.promote_types(gradient.dtype, jnp.float32))
    return plan.marks[0] * gradient if plan.marks[0] != 1 else gradient


def slot_names(plan: Plan) -> list[str]:
    """The arguments that `backward` counts, by name; those of a star are one."""
    names = list(SIGNATURES[plan.signature].names)
    return names + list(plan.static) if plan.signature == "open" else names


def written_names(plan: Plan) -> list[str]:
    """The same, each argument of a star by its own name."""
    names = slot_names(plan)
    if plan.signature != "star":
        return names
    return ["a", *(f"b[{n}]" for n in range(len(plan.arrays["b"])))]


def slots(plan: Plan) -> list[Any]:
    """One pytree for each argument, as `backward` counts them."""
    if plan.signature == "star":
        return [plan.arrays["a"], *plan.arrays["b"]]
    return [plan.arrays.get(name, "static") for name in slot_names(plan)]


def _gradients(plan: Plan, parts: list[Any], leaves: list[Any]) -> Any:
    def fill(template: Any) -> Any:
        pick = lambda i: leaves[i] if isinstance(i, int) else None  # noqa: E731
        found = jax.tree.map(pick, template)
        return found if jax.tree.leaves(found) else None

    gradients = [fill(template) for template in parts]
    if plan.flags and len(parts) == 1 and isinstance(parts[0], int):
        return gradients[0]  # a bare value
    return tuple(gradients)


def _jvp(cls: Any, ctx: Context, *tangents: Any) -> Any:
    plan, program = cls.plan, cls.plan.program
    found: dict[int, Any] = {}
    for template, given in zip(slots(plan), tangents, strict=True):
        numbers = jax.tree.leaves(template, is_leaf=_none)
        parts = jax.tree.leaves(given, is_leaf=_none) if numbers != ["static"] else [0]
        for i, t in zip(numbers, parts, strict=True):
            if isinstance(i, int) and cls.moving[i]:
                found[i] = t
    _, value = _value(cls, ctx)
    given = [found.get(i) for i in range(program.leaves)]
    pushed = programs.push(program, value, cls.types, given, ctx.static)
    out = [
        None if t is None or i == plan.constant else plan.marks[1] * t
        for t, i in zip(pushed, program.returned(), strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(program.outputs), out)


def build(plan: Plan, types: Sequence[Type]) -> Any:
    """The class; `types` are those of every value of the body."""
    signature = SIGNATURES[plan.signature]
    leaves = range(plan.program.leaves)
    kept = programs.sources(plan.program, plan.saved) if plan.chain else list(leaves)
    if plan.rule in ("both", "jvp"):
        kept += [i for i in programs.sources(plan.program, plan.saved) if i not in kept]
    moving = [jnp.issubdtype(types[i][1], jnp.inexact) for i in leaves]
    members: dict[str, Any] = {
        "plan": plan,
        "types": tuple(types),
        "moving": tuple(moving),
        "tensors": tuple(i for i in kept if i not in plan.attributes),
        "attributes": tuple(i for i in kept if i in plan.attributes),
        "jit": plan.jit,
        "complex_convention": plan.convention,
        "generate_jvp_rule": plan.rule == "derived",
        "forward": classmethod(signature.setup if plan.setup else signature.forward),
    }
    if plan.setup:
        members["setup_context"] = classmethod(_setup_context)
    if plan.rule != "jvp":
        members["backward"] = classmethod(_backward)
    if plan.rule in ("both", "jvp"):
        members["jvp"] = classmethod(_jvp)
    return type("Random", (Function,), members)
