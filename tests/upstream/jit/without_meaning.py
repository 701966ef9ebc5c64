"""torch's tests of graphs and traces that have no meaning on JAX, and why.

- `WITHOUT_MEANING`: the name of the test in torch, and one sentence.
"""

WITHOUT_MEANING: dict[str, str] = {
    # torch's registries and analyses.
    "test_cu_get_functions": (
        "It looks a compiled function up in torch's global registry of them; here a "
        "compiled function is its own handle, and nothing is registered."
    ),
    "test_aliasdb": (
        "It prints which tensors of a graph share memory; arrays are immutable, so "
        "that no two values of a graph can be told to share any."
    ),
    "test_trace_c10_ops": (
        "It calls an operator of Caffe2, which is no longer a part of torch either."
    ),
    # Flags of tensors.
    "test_trace_detach_redispatch": (
        "It asks inside the traced function whether a tensor requires gradients; JAX "
        "differentiates functions, and arrays have no such flag."
    ),
    "test_trace_detach_inplace": (
        "It detaches a tensor in place; arrays are immutable (test_trace_detach tests "
        "jax.lax.stop_gradient, which makes another)."
    ),
    "test_trace_detach_inplace_redispatch": (
        "As test_trace_detach_redispatch, for detaching in place."
    ),
    "test_trace_detach_onnx_erase": (
        "It tests that torch's exporter to ONNX drops a detach; there is no such "
        "exporter, and torch has dropped the test."
    ),
    # Memory: views, layouts, ragged tensors, devices.
    "test_trace_checker_inplace_on_view": (
        "It writes through a view of a tensor, which a trace that is forced out of "
        "place gets wrong; there are no views, and nothing has to be forced."
    ),
    "test_inplace_warn": (
        "It tests the warning for what test_trace_checker_inplace_on_view does."
    ),
    "test_trace_contiguous_short_circuit": (
        "It asks for a contiguous layout of a tensor that has it; layouts are chosen "
        "by XLA, and are no operation of a program."
    ),
    "test_trace_with_nested_strided_tensor_output": (
        "It returns a nested tensor, with rows of several lengths; arrays are "
        "rectangular."
    ),
    "test_traced_module_cuda": (
        "It moves the weights of a traced nn.Module between devices, and edits them "
        "in it; a traced function has no weights of its own (test_ge_cuda lowers for "
        "CUDA)."
    ),
    # Threads.
    "test_trace_fork_join_and_module": (
        "It starts modules as asynchronous tasks and waits for them; a program of JAX "
        "has no tasks, because XLA schedules what is independent."
    ),
    # Modules with methods that were compiled from their source.
    "test_trace_export_fns": (
        "It compiles __getstate__ and __setstate__ of an nn.Module from their source, "
        "to be called by its file; a file here holds one function, and runs no code."
    ),
    "test_trace_export_fns_recursive": (
        "As test_trace_export_fns, for modules within modules."
    ),
    "test_trace_hierarchy": (
        "It tests that modules compiled from source keep their methods inside a traced "
        "one; a traced function has no parts that could be called."
    ),
    "test_trace_with_size": (
        "It takes int() of a traced value inside a function that is compiled from "
        "source; what is traced inside jax.jit has no such number."
    ),
    "test_traced_module_implements_interface": (
        "It passes modules by a declared interface to a function that is compiled from "
        "source; Python calls whatever is callable, and declares nothing."
    ),
    "test_traced_module_contains_scripted_interface_types": (
        "As test_traced_module_implements_interface, for a submodule that two share."
    ),
}
