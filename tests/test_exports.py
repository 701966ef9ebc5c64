"""The public names of the package, and that each is what it says."""

import types

import jaxgrad
from jaxgrad import errors

NAMES = {
    "CheckedError",
    "CompilationUnit",
    "Context",
    "Final",
    "Function",
    "GradientEdge",
    "Recording",
    "RecursiveScriptClass",
    "ScriptDict",
    "ScriptDictIterator",
    "ScriptDictKeyIterator",
    "ScriptFunction",
    "ScriptList",
    "ScriptListIterator",
    "ScriptMethod",
    "ScriptModule",
    "ScriptObject",
    "TracedFunction",
    "annotate",
    "as_module",
    "as_object",
    "backends",
    "detect_anomaly",
    "disable_saved_tensors_hooks",
    "errors",
    "export",
    "freeze",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "ignore",
    "is_scripting",
    "load",
    "loop",
    "once_differentiable",
    "packers",
    "record",
    "save_on_host",
    "saved_tensors_hooks",
    "script",
    "script_if_tracing",
    "to_backend",
    "trace",
    "trees",
    "unused",
}


def public(module: types.ModuleType) -> set[str]:
    return {name for name in vars(module) if not name.startswith("_")}


def test_all_is_the_public_names() -> None:
    assert set(jaxgrad.__all__) == NAMES
    assert len(jaxgrad.__all__) == len(set(jaxgrad.__all__))


def test_every_name_in_all_exists() -> None:
    for name in jaxgrad.__all__:
        assert getattr(jaxgrad, name) is not None


def test_nothing_else_is_public_but_the_packages() -> None:
    others = public(jaxgrad) - set(jaxgrad.__all__)
    assert all(isinstance(getattr(jaxgrad, n), types.ModuleType) for n in others)
    assert others <= {"display", "frontend", "function", "lower", "tour", "verify"}


def test_public_names_have_docstrings() -> None:
    for name in jaxgrad.__all__:
        assert (getattr(jaxgrad, name).__doc__ or "").strip(), name
    for name in public(jaxgrad.Function) | public(jaxgrad.Context):
        owner = jaxgrad.Function if hasattr(jaxgrad.Function, name) else jaxgrad.Context
        member = getattr(owner, name)
        if callable(member):
            assert (member.__doc__ or "").strip(), name


def test_the_tree_of_errors_is_complete_in_its_docstring() -> None:
    tree = errors.__doc__ or ""
    for name in public(errors):
        error = getattr(errors, name)
        assert name in tree
        assert issubclass(error, errors.JaxgradError | errors.JaxgradWarning)
        if error is not errors.JaxgradError and not issubclass(error, Warning):
            builtins = [b for b in error.__mro__ if b.__module__ == "builtins"]
            assert len(builtins) > 3, f"{name} derives from no builtin that users catch"
