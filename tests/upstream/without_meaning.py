"""torch's tests of custom Functions that have no meaning on JAX, and why.

- `WITHOUT_MEANING`: the name of the test in torch, and one sentence.
"""

WITHOUT_MEANING: dict[str, str] = {
    # The graph: JAX traces functions and keeps no nodes that could be asked or run.
    "test_will_engine_execute_node": (
        "It asks torch's engine whether a graph node will run in the backward that is "
        "under way; JAX has neither nodes nor an engine to ask."
    ),
    "test_grad_to_node": (
        "It differentiates with respect to a GradientEdge, an edge of the graph; in "
        "JAX one differentiates with respect to arguments only."
    ),
    "test_gradient_edge_graph_ownership": (
        "It tests that a GradientEdge keeps its graph alive; there is no graph, and "
        "a function returned by jax.vjp owns its residuals."
    ),
    "test_callback_adds_callback": (
        "It queues callbacks on torch's engine, to run when a backward ends; JAX "
        "returns the gradients, and what is to follow is the next line of code."
    ),
    "test_reentrant_priority": (
        "It tests in which order the engine's queue serves nested backward calls; JAX "
        "has no queue, because a nested gradient is a part of one traced program."
    ),
    "test_grad_mode_restored_reentrant": (
        "It tests that grad mode is put back after a nested backward; JAX has no grad "
        "mode."
    ),
    "test_is_retain_graph": (
        "It asks the engine for the retain_graph flag of the backward under way; a "
        "function returned by jax.vjp may always be called again."
    ),
    "test_grad_fn_input_metadata": (
        "It reads shapes and dtypes off a graph node; ctx._input_metadata is an "
        "AttributeError that says to read them off the outputs."
    ),
    "test_create_graph_and_full_backward_hook_cycle": (
        "It tests reference cycles made by the full backward hooks of nn.Module; "
        "jaxgrad has no modules and JAX no hooks on them."
    ),
    # Memory and identity.
    "test_no_grad_copy": (
        "It compares data pointers, to see that the engine takes over a gradient's "
        "buffer; XLA decides about buffers, and arrays have no pointer to compare "
        "inside a program."
    ),
    "test_no_grad_copy_sparse": (
        "As test_no_grad_copy, for sparse gradients, which jax.grad doesn't have."
    ),
    "test_checkpointing_without_reentrant_saved_object_identity": (
        "It tests that a saved input is the same Python object in backward; in a "
        "traced program values have no identity, and checkpoints recompute them."
    ),
    "test_pynode_destruction_deadlock": (
        "It tests that graph nodes written in Python, destroyed by C++ threads, don't "
        "deadlock on the interpreter lock; there are no such nodes and no such threads."
    ),
    "test_thread_shutdown": (
        "It tests that the engine's device threads end with the process; backward has "
        "no threads of its own here."
    ),
    "test_custom_function_boxed_grads_no_extra_refs": (
        "It counts the owners of a cotangent while backward runs; JAX's transposition "
        "holds each until the rule returns, and XLA frees by liveness in a program."
    ),
    # In place and views: arrays are immutable and share nothing.
    "test_inplace_version_error_shows_forward_op_name": (
        "It tests the error for a saved tensor that was changed in place; arrays can't "
        "change, so that the error can't occur."
    ),
    "test_autograd_inplace_views_creation_meta": (
        "It tests which views may be written in place later, by how they were made; "
        "there are no views, and a slice is an array of its own."
    ),
    "test_custom_function_inplace_on_non_default_view": (
        "It tests the error for writing one of several views of a tensor in place; "
        "there are no views to write."
    ),
    "test_custom_function_inplace_on_view_of_leaf": (
        "It tests the error for writing a view of a leaf in place; there are neither "
        "views nor leaves."
    ),
    "test_retains_grad_inplace_multiple_outputs": (
        "It tests retain_grad on tensors that are written in place later; arrays keep "
        "no gradient, and are not written."
    ),
    "test_save_tensor_hook_version_counter_not_shared": (
        "It tests that a packed tensor has a version counter of its own; immutable "
        "arrays have no versions."
    ),
    # Hooks on tensors: JAX's arrays have none; jaxgrad has hooks on applications.
    "test_tensor_hooks_inplace_multiple_outputs": (
        "It tests hooks registered on tensors that are written in place; arrays take "
        "no hooks (ctx.register_hook and ctx.register_prehook are tested here)."
    ),
    "test_multi_grad_hooks": (
        "It registers one hook on the gradients of several tensors; arrays take no "
        "hooks, and jax.grad returns those gradients together."
    ),
    "test_multi_grad_any_hooks": (
        "As test_multi_grad_hooks, for whichever gradient comes first; a traced "
        "program has no such order."
    ),
    # torch's own objects.
    "test_autograd_print_tensor": (
        "It tests that a printed tensor shows its grad_fn; arrays have none to show."
    ),
    "test_custom_function_preserve_torch_function_when_return_as_is": (
        "It tests __torch_function__ of tensor subclasses; jax.Array can't be "
        "subclassed."
    ),
    "test_sparse_backward": (
        "It adds sparse and dense gradients of one tensor; jax.grad has dense ones "
        "only."
    ),
    "test_simple_reentrant_cross_device": (
        "It runs a backward inside another on the engine thread of a second device; "
        "JAX starts no thread for a device, and one program may use several."
    ),
    "test_function_with_non_tensor_output": (
        "It tests torch.library.custom_op under selective checkpoints, not Function."
    ),
    "test_nested_anomaly_printstack_cleanup": (
        "It tests that stack traces stored on graph nodes are freed with the graph; "
        "nothing is stored, as the apply line is found when a rule is traced."
    ),
    "test_gradcheck_get_analytical_jacobian": (
        "It tests a deprecated helper of torch's gradcheck module; jax.jacrev gives "
        "the Jacobian of a rule."
    ),
    "test_chunk_jacrev_chunksize_one": (
        "It tests the chunk_size of torch.func.jacrev; jax.jacrev has no chunks."
    ),
    # torch.func wraps ctx; here each level has a context of its own, unwrapped.
    "test_CtxWithSavedTensors_error_if_name_collision": (
        "It tests the names that torch.func reserves on its wrapper of ctx; there is "
        "no wrapper, and no name is reserved."
    ),
    "test_CtxWithSavedTensors_nesting": (
        "It tests wrappers round wrappers of ctx; there are none."
    ),
    "test_CtxWithSavedTensors_overrides_saved_tensors": (
        "It tests that the wrapper of ctx hides its saved_tensors; there is no wrapper."
    ),
    "test_CtxWithSavedTensors_passthrough": (
        "It tests that the wrapper of ctx passes other attributes on; there is no "
        "wrapper."
    ),
}
