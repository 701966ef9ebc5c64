"""Backends: python == traced == lowered, save and load, absence, selective lowering.

The first four classes are torch's tests of the same names, written anew; the last three
test the members of the surface.
"""

import io
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import Context, Function
from jaxgrad.errors import ArgumentError, BackendError, SavedFileError
from jaxgrad.graph import Graph, types
from jaxgrad.lower import _archive, backends
from jaxgrad.lower.backends import LoweredFunction, to_backend, to_backend_selective

BUILT_IN = ["xla:cpu", "xla:gpu", "xla:tpu", "stablehlo", "interpret"]
HERE = ["xla:cpu", "stablehlo", "interpret"]
X = np.asarray([0.5, -1.0, 2.0], np.float32)
H = np.asarray([1.0, 3.0, -2.0], np.float32)
VECTOR = jax.ShapeDtypeStruct((3,), jnp.float32)


class Marked(Function):
    """Its rule is not the derivative, so that a dropped one shows."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        return 50.0 * g


class Basic:
    """Methods that are lowered one by one, or together."""

    def accum(self, x: jax.Array, h: jax.Array) -> jax.Array:
        return x + h

    def sub_accum(self, x: jax.Array, h: jax.Array) -> jax.Array:
        return x - h

    def forward(self, x: jax.Array, h: jax.Array) -> dict[str, jax.Array]:
        return {"sum": Marked.apply(self.accum(x, h)), "rest": self.sub_accum(x, h)}


class Remote:
    """A backend that is somewhere else, and is counted."""

    def __init__(self, available: bool) -> None:
        self.available = available
        self.calls: list[str] = []

    def is_available(self) -> bool:
        return self.available

    def preprocess(self, fn: Any, spec: tuple[Any, ...]) -> Any:
        self.calls.append("preprocess")
        return fn

    def compile(self, processed: Any, spec: tuple[Any, ...]) -> Any:
        self.calls.append("compile")
        return jax.jit(processed)

    def execute(self, handle: Any, inputs: tuple[Any, ...]) -> Any:
        self.calls.append("execute")
        # It computes on the host: what it is given has to be there.
        return handle(*map(np.asarray, inputs))


@pytest.fixture(scope="module")
def remote() -> Remote:
    backend = Remote(available=True)
    backends.register("remote", backend)
    return backend


@pytest.fixture(scope="module")
def absent() -> Remote:
    backend = Remote(available=False)
    backends.register("absent", backend)
    return backend


def same(first: Any, second: Any) -> None:
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), first, second
    )


def saved(function: Any, path: Path | None = None, **options: Any) -> LoweredFunction:
    """What comes back from a file."""
    file: Any = path or io.BytesIO()
    function.save(file, **options)
    if path is None:
        file.seek(0)
    return backends.load(file)


@pytest.fixture(scope="module", params=HERE)
def lowered(request: pytest.FixtureRequest) -> LoweredFunction:
    return to_backend(request.param, Basic().forward, (VECTOR, VECTOR))


class TestBasicModuleTest:
    def test_execution(self, lowered: LoweredFunction) -> None:
        python = Basic().forward(jnp.asarray(X), jnp.asarray(H))
        traced = jaxgrad.trace(Basic().forward, X, H)
        same(traced(X, H), python)
        same(lowered(X, H), python)
        same(jax.jit(lowered)(X, H), python)
        same(to_backend(lowered.name, traced, (VECTOR, VECTOR))(X, H), python)

    def test_methods(self) -> None:
        spec = {"accum": (VECTOR, VECTOR), "sub_accum": (VECTOR, 1.0)}
        basic = to_backend("xla:cpu", Basic(), spec)
        same(basic.accum(X, H), X + H)
        same(basic.sub_accum(X, 2.0), X - 2)
        same(saved(basic).sub_accum(X, 2.0), X - 2)
        with pytest.raises(BackendError, match=r"call \.accum\(\.\.\.\), \.sub_accum"):
            basic(X, H)
        with pytest.raises(AttributeError, match="'forward' is no method that was low"):
            basic.forward(X, H)

    def test_save_load(self, lowered: LoweredFunction, tmp_path: Path) -> None:
        loaded = saved(lowered, tmp_path / "basic.jaxgrad")
        assert (loaded.name, loaded.backend) == (lowered.name, lowered.backend)
        same(loaded(X, H), lowered(X, H))
        same(saved(loaded)(X, H), lowered(X, H))

    def test_a_marked_rule_stays(self, lowered: LoweredFunction) -> None:
        for function in (lowered, jax.jit(lowered), saved(lowered)):
            total = lambda x, f=function: jnp.sum(f(x, jnp.asarray(H))["sum"])  # noqa: E731
            same(jax.grad(total)(jnp.asarray(X)), np.full(3, 50.0, np.float32))

    def test_a_marked_rule_stays_twice(self) -> None:
        lowered = to_backend("stablehlo", Basic().forward, (VECTOR, VECTOR))
        twice = saved(lowered, vjp_order=2)
        total = lambda x: jnp.sum(jnp.sin(twice(x, jnp.asarray(H))["sum"]))  # noqa: E731
        second = jax.grad(lambda x: jnp.sum(jax.grad(total)(x)))(jnp.asarray(X))
        same(second, -2500 * np.sin((X + H) ** 2))


class TestBasicModuleUnavailableTest:
    def test_execution(self, absent: Remote) -> None:
        lowered = to_backend("absent", Basic().forward, (VECTOR, VECTOR))
        assert absent.calls[-1:] == ["preprocess"]  # and nothing is compiled
        assert lowered.handles == {}
        for call in (lowered, jax.jit(lowered)):
            with pytest.raises(BackendError) as caught:
                call(X, H)
            lines = str(caught.value).splitlines()
            assert lines[0] == "the backend 'absent' is not available here."
            assert "Available are xla:cpu, stablehlo, interpret" in lines[1]
            assert "save(PATH) writes it" in lines[2]

    def test_save_load(self, absent: Remote) -> None:
        lowered = to_backend("absent", Basic().forward, (VECTOR, VECTOR))
        with pytest.raises(BackendError, match="The file was lowered for it: load it"):
            saved(lowered)
        absent.available = True
        try:
            # Where it is there, the same file runs; and so does what waited for it.
            same(saved(lowered)(X, H), Basic().forward(X, H))
            same(lowered(X, H), Basic().forward(X, H))
        finally:
            absent.available = False

    def test_a_device_that_is_not_here(self) -> None:
        name = next(n for n in ("xla:tpu", "xla:gpu") if not _is_here(n))
        lowered = to_backend(name, Basic().forward, (VECTOR, VECTOR))
        (program,) = lowered.processed.values()
        assert program.exported.platforms == ({"xla:tpu": "tpu"}.get(name, "cuda"),)
        assert repr(lowered).endswith(f"on {name}, which is not available here>")
        with pytest.raises(BackendError, match=f"'{name}' is not available here"):
            lowered(X, H)
        with pytest.raises(BackendError, match="load it there"):
            saved(lowered)
        with pytest.raises(BackendError, match="eigvals can't be lowered for"):
            to_backend(name, jnp.linalg.eigvals, (np.eye(2, dtype=np.float32),))


def _is_here(name: str) -> bool:
    return backends.get(name).is_available()


class TestNestedModuleTest:
    @pytest.mark.parametrize(
        ("inner", "outer"),
        [
            ("xla:cpu", "stablehlo"),
            ("xla:cpu", "interpret"),
            ("stablehlo", "interpret"),
            ("interpret", "xla:cpu"),
        ],
    )
    def test_execution(self, inner: str, outer: str) -> None:
        part = to_backend(inner, Marked.apply, (VECTOR,))

        def whole(x: jax.Array, h: jax.Array) -> jax.Array:
            return part(x) + part(h)

        nested = to_backend(outer, whole, (VECTOR, VECTOR))
        same(nested(X, H), X * X + H * H)
        total = lambda x: jnp.sum(nested(x, jnp.asarray(H)))  # noqa: E731
        same(jax.grad(total)(jnp.asarray(X)), np.full(3, 50.0, np.float32))

    def test_save_load(self) -> None:
        part = to_backend("stablehlo", Marked.apply, (VECTOR,))
        nested = to_backend("xla:cpu", lambda x: part(part(x)), (VECTOR,))
        loaded = saved(nested)
        same(loaded(X), X**4)
        total = lambda x: jnp.sum(loaded(x))  # noqa: E731
        same(jax.grad(total)(jnp.asarray(X)), np.full(3, 2500.0, np.float32))


def outer(x: jax.Array, params: dict[str, jax.Array]) -> dict[str, jax.Array]:
    y = Marked.apply(x)
    z = jnp.sin(y)
    w = jnp.sin(z * params["h"])
    return {"w": w, "most": jnp.max(w)}


class TestSelectiveLoweringTest:
    @pytest.mark.parametrize("name", HERE)
    def test_execution(self, name: str) -> None:
        traced = jaxgrad.trace(outer, X, {"h": H})
        mixed = to_backend_selective(traced, name, ["Marked", "w"])
        assert list(mixed.lowered) == ["Marked", "w"]
        assert [f.name for f in mixed.lowered.values()] == [name, name]
        same(mixed(X, {"h": H}), outer(jnp.asarray(X), {"h": H}))
        same(traced(X, {"h": H}), outer(jnp.asarray(X), {"h": H}))
        assert "prim::PythonOp" in [n.kind() for n in traced.graph.nodes()]
        total = lambda f: jax.grad(lambda x: jnp.sum(f(x, {"h": H})["w"]))  # noqa: E731
        same(total(mixed)(jnp.asarray(X)), total(outer)(jnp.asarray(X)))

    def test_save_load(self, absent: Remote) -> None:
        traced = jaxgrad.trace(outer, X, {"h": H})
        mixed = to_backend_selective(traced, "stablehlo", ["w"], X, {"h": H})
        loaded = saved(mixed)
        same(loaded(X, {"h": H}), outer(jnp.asarray(X), {"h": H}))
        away = to_backend_selective(traced, "absent", ["w"], X, {"h": H})
        with pytest.raises(BackendError, match="'absent' is not available here"):
            away(X, {"h": H})
        with pytest.raises(BackendError, match="The file was lowered for it"):
            saved(away)

    def test_a_backend_of_concrete_values(self, remote: Remote) -> None:
        traced = jaxgrad.trace(outer, X, {"h": H})
        mixed = to_backend_selective(traced, "remote", ["w"])
        remote.calls.clear()
        same(mixed(X, {"h": H}), outer(jnp.asarray(X), {"h": H}))
        assert remote.calls == ["execute"]

    def test_a_function_that_lowers(self) -> None:
        taken: list[Any] = []

        def take(node: Any, spec: tuple[Any, ...]) -> Any:
            taken.append(spec)
            return lambda *inputs: 2 * node(*inputs)

        graph = Graph()
        x = graph.add_input("x").set_type(types.parse("f32[3]"))
        y = graph.insert("lax::sin", x).set_debug_name("y")
        graph.register_output(graph.insert("lax::mul", y, x))
        mixed = to_backend_selective(graph, take, "lax::sin")
        same(mixed(X), 2 * np.sin(X) * X)
        assert [(s.shape, s.dtype) for s in taken[0]] == [((3,), np.float32)]
        assert "lax::sin" in str(graph)
        assert "lax::sin" not in str(mixed.graph)

    def test_not_a_graph(self) -> None:
        with pytest.raises(BackendError, match=r"Trace it first: jaxgrad.trace\(fn"):
            to_backend_selective(outer, "xla:cpu", ["w"])

    def test_an_unknown_name(self) -> None:
        traced = jaxgrad.trace(outer, X, {"h": H})
        with pytest.raises(BackendError, match="no node 'nothing'") as caught:
            to_backend_selective(traced, "xla:cpu", ["nothing"])
        assert "^Marked" in str(caught.value)
        assert "%w = lax::sin" in str(caught.value)

    def test_a_name_of_several(self) -> None:
        traced = jaxgrad.trace(outer, X, {"h": H})
        with pytest.raises(BackendError, match="'lax::sin' matches 2 nodes: %z = lax"):
            to_backend_selective(traced, "xla:cpu", ["lax::sin"])
        with pytest.raises(BackendError, match="'w' is named twice"):
            to_backend_selective(traced, "xla:cpu", ["w", "w"])


class TestRegistry:
    def test_names_and_get(self) -> None:
        assert backends.names()[:5] == BUILT_IN
        assert all(isinstance(backends.get(n), backends.Backend) for n in BUILT_IN)
        with pytest.raises(BackendError, match=r"Did you mean 'xla:cpu'\?"):
            backends.get("xla:cpus")

    def test_register(self, remote: Remote) -> None:
        backends.register("remote", remote)  # the same one again
        with pytest.raises(BackendError, match="'remote' is registered already"):
            backends.register("remote", Remote(available=True))
        with pytest.raises(BackendError, match="got one without is_available"):
            backends.register("nothing", object())  # type: ignore[arg-type]
        with pytest.raises(BackendError, match="got a class"):
            backends.register("class", Remote)  # type: ignore[arg-type]
        assert "nothing" not in backends.names()

    def test_a_registered_backend_does_it_all(self, remote: Remote) -> None:
        remote.calls.clear()
        lowered = to_backend("remote", lambda x: x + 1, (VECTOR,))
        same(lowered(X), X + 1)
        same(saved(lowered)(X), X + 1)
        once = ["preprocess", "compile", "execute"]
        assert remote.calls == once + once


class TestBuiltIn:
    def test_handles(self) -> None:
        made = {n: to_backend(n, jnp.sin, (VECTOR,)) for n in HERE}
        handles = {n: f.handles["__call__"] for n, f in made.items()}
        assert "HloModule" in handles["xla:cpu"].compiled.as_text()
        assert isinstance(handles["stablehlo"], jax.export.Exported)
        assert handles["stablehlo"].platforms == ("cpu", "cuda", "tpu")
        assert handles["interpret"] is jnp.sin
        assert made["xla:cpu"].spec == (VECTOR,)

    def test_interpret_runs_one_operation_at_a_time(self) -> None:
        seen: list[float] = []

        @jax.jit
        def loop(x: jax.Array) -> jax.Array:
            def step(carry: jax.Array, _: None) -> tuple[jax.Array, None]:
                seen.append(float(carry))  # a traced value has none
                return carry + 1, None

            return jax.lax.scan(step, x, None, length=2)[0]

        assert float(to_backend("interpret", loop, (1.0,))(jnp.float32(1))) == 3
        assert seen == [1, 2]

    def test_stablehlo_takes_symbolic_shapes(self) -> None:
        (n,) = jax.export.symbolic_shape("n")
        rows = jax.ShapeDtypeStruct((n, 2), jnp.float32)
        total = saved(to_backend("stablehlo", lambda x: x.sum(0), (rows,)))
        same(total(np.ones((5, 2), np.float32)), np.full(2, 5.0))
        with pytest.raises(BackendError, match="'stablehlo' takes symbolic ones"):
            to_backend("xla:cpu", jnp.sum, (rows,))

    def test_a_platform_that_is_not_among_those_lowered_for(self) -> None:
        backends.register("for tpus", backends.StableHLO(["tpu"]))
        lowered = to_backend("for tpus", jnp.sin, (VECTOR,))
        with pytest.raises(ArgumentError, match="or platforms"):
            lowered(X)

    @pytest.mark.parametrize("name", ["xla:cpu", "stablehlo"])
    def test_other_arguments(self, name: str) -> None:
        lowered = to_backend(name, lambda x, p: x + p["h"], (VECTOR, {"h": VECTOR}))
        with pytest.raises(ArgumentError, match="was lowered for other arguments"):
            lowered(X, {"h": H[:2]})
        with pytest.raises(ArgumentError, match="was lowered for other arguments"):
            lowered(X, H)
        with pytest.raises(ArgumentError, match="was lowered for other arguments"):
            lowered(X)

    def test_where_the_argument_differs(self) -> None:
        lowered = to_backend(
            "xla:cpu", lambda x, p: x + p["h"], (VECTOR, {"h": VECTOR})
        )
        with pytest.raises(ArgumentError, match=r"argument 1\['h'\]; got int32\[3\]"):
            lowered(X, {"h": H.astype(np.int32)})


class TestError:
    @pytest.mark.parametrize(
        ("name", "fn", "spec", "message"),
        [
            ("xla", jnp.sin, (VECTOR,), "there is no backend 'xla'"),
            ("xla:cpu", jnp.sin, VECTOR, r"For one argument: \(example,\)"),
            ("xla:cpu", 3, (VECTOR,), "lowers a callable or a Graph; got int"),
            ("xla:cpu", Basic(), {}, "spec names no method"),
            ("xla:cpu", Basic(), {"other": (VECTOR,)}, "got no method 'other'"),
            ("xla:cpu", Basic(), {"accum": [VECTOR]}, "got list"),
        ],
    )
    def test_to_backend(self, name: str, fn: Any, spec: Any, message: str) -> None:
        with pytest.raises(BackendError, match=message):
            to_backend(name, fn, spec)

    def test_files(self, tmp_path: Path) -> None:
        file = tmp_path / "sin.jaxgrad"
        to_backend("stablehlo", jnp.sin, (VECTOR,)).save(file)
        data = file.read_bytes()
        for bad in (
            b"",
            b"PK\x03\x04 something else",
            data[:-7],
            data[:200] + data[201:],
        ):
            with pytest.raises(SavedFileError):
                backends.load(io.BytesIO(bad))
        traced = tmp_path / "traced.jaxgrad"
        jaxgrad.trace(jnp.sin, X).save(traced)
        with pytest.raises(SavedFileError, match=r"is read by jaxgrad\.load"):
            backends.load(traced)

    @pytest.mark.parametrize(
        "manifest",
        [
            {"backend": "stablehlo"},
            {"backend": 3, "needs": [], "methods": ["__call__"]},
            {"backend": "stablehlo", "needs": [], "methods": ["__call__"]},
        ],
    )
    def test_a_forged_file(self, manifest: dict[str, Any]) -> None:
        file = io.BytesIO()
        _archive.write(file, manifest, {"__call__.stablehlo": b"junk"})
        file.seek(0)
        with pytest.raises(SavedFileError):
            backends.load(file)

    def test_what_cannot_be_compiled_is_found_at_load(self) -> None:
        def f(x: jax.Array) -> jax.Array:
            return jax.ffi.ffi_call("no_such_target", VECTOR)(x)

        check = jax.export.DisabledSafetyCheck.custom_call("no_such_target")
        exported = jax.export.export(jax.jit(f), disabled_checks=[check])(VECTOR)
        manifest = {"backend": "stablehlo", "needs": [], "methods": ["__call__"]}
        file = io.BytesIO()
        data = bytes(exported.serialize())
        _archive.write(file, manifest, {"__call__.stablehlo": data})
        file.seek(0)
        with pytest.raises(SavedFileError, match="can't be used here, with JAX"):
            backends.load(file)

    def test_derivatives_that_were_not_saved(self) -> None:
        once = saved(to_backend("stablehlo", Marked.apply, (VECTOR,)), vjp_order=1)
        with pytest.raises(BackendError, match="can't be saved with vjp_order=3"):
            saved(once, vjp_order=3)
