"""AutoGraph's tests that have no meaning on JAX, and why.

- `WITHOUT_MEANING`: the class here and the name of the test, and one sentence.
"""

_DATASET = "Its {} reads a tf.data pipeline ({}); JAX has no such type."
_RAGGED = "It iterates a ragged tensor ({}); arrays are rectangular."
_DYNAMIC = "It {}; every array has one shape, known when it is compiled."
_FRAMES = "It looks {} up in the frame of generated code ({}); script generates none."
_UNROLLED = "It tests {}; what Python runs here is Python's own {} loop."

WITHOUT_MEANING: dict[tuple[str, str], str] = {
    ("TestLoopBasic", "test_for_no_vars_ds_iterator"): (
        "It iterates a tf.data pipeline without variables; JAX has no such type."
    ),
    ("TestLoopBasic", "test_for_one_var_ds_iterator"): (
        "It iterates a tf.data pipeline with one variable; JAX has no such type."
    ),
    ("TestLoopBasic", "test_for_two_vars_ds_iterator"): (
        "It iterates a tf.data pipeline with two variables; JAX has no such type."
    ),
    ("TestLoopBasic", "test_successive_for_loops_iterators"): (
        "It iterates two tf.data pipelines; JAX has no such type."
    ),
    ("TestLoopBasic", "test_nested_for_loops_ragged"): _RAGGED.format(
        "in nested loops"
    ),
    ("TestLoopWithFunctionCall", "test_while_with_method_closure_call"): (
        "It defines a class within the function, with a while, which script refuses "
        "(test_class_definition_basic); AutoGraph skips it too."
    ),
    ("TestLoopWithFunctionCall", "test_for_with_method_closure_call"): (
        "It defines a class within the function, with a for, which script refuses "
        "(test_class_definition_basic); AutoGraph skips it too."
    ),
    ("TestLoopWithVariableType", "test_while_with_composite_tensor_shape_invariant"): (
        "It carries a sparse tensor of growing rank through a while; no array is one."
    ),
    ("TestLoopWithVariableType", "test_for_with_composite_tensor_shape_invariant"): (
        "It carries a sparse tensor of growing rank through a for; no array is one."
    ),
    ("TestLoopWithVariableTypeIllegalCases", "test_while_with_shape_erasure"): (
        _DYNAMIC.format("makes an array of a random length in a while")
    ),
    ("TestLoopWithVariableTypeIllegalCases", "test_for_with_shape_erasure"): (
        _DYNAMIC.format("makes an array of a random length in a for")
    ),
    (
        "TestLoopWithVariableTypeIllegalCases",
        "test_while_with_shape_invariant_violation",
    ): _DYNAMIC.format("declares which shapes a while may make"),
    (
        "TestLoopWithVariableTypeIllegalCases",
        "test_for_with_shape_invariant_violation",
    ): _DYNAMIC.format("declares which shapes a for may make"),
    (
        "TestNestedControlFlow",
        "test_if_nested_with_modification_of_global_not_executed",
    ): (
        "It asks that a global write that is not executed does nothing; such a write "
        "is refused wherever it stands (test_if_nested_with_modification_of_global)."
    ),
    ("TestBreakStatements", "test_while_loop_preserves_directives"): (
        "It keeps annotations on the syntax tree of a while that is rewritten; script "
        "rewrites no syntax tree."
    ),
    ("TestBreakStatements", "test_for_loop_preserves_directives"): (
        "It keeps annotations on the syntax tree of a for that is rewritten; script "
        "rewrites no syntax tree."
    ),
    ("TestIfStatement", "test_sparse_tensor"): (
        "It takes a sparse tensor as a condition, which AutoGraph does not stage."
    ),
    ("TestCallTrees", "test_debugger_set_trace"): (
        "It tests that a debugger is called in generated code; script generates none."
    ),
    ("TestForLoopOperator", "test_python_generator_with_extra_test"): (
        "It leaves a generator of the caller's half read; a program that is compiled "
        "once can't read on at its next call."
    ),
    ("TestForLoopOperator", "test_python_generator_with_extra_test_no_iterations"): (
        "It leaves a generator of the caller's unread by means of an argument of "
        "AutoGraph's own operator."
    ),
    ("TestForLoopOperator", "test_tf_dataset"): _DATASET.format("tf_dataset", "plain"),
    ("TestForLoopOperator", "test_dataset_with_extra_test"): (
        _DATASET.format("dataset_with_extra_test", "left early")
    ),
    ("TestForLoopOperator", "test_dataset_with_extra_test_collection_vars"): (
        _DATASET.format("dataset_with_extra_test_collection_vars", "into a list")
    ),
    ("TestForLoopOperator", "test_dataset_with_extra_test_iteration_limiting"): (
        _DATASET.format("dataset_with_extra_test_iteration_limiting", "and no further")
    ),
    ("TestForLoopOperator", "test_tf_dataset_no_loop_vars"): (
        _DATASET.format("tf_dataset_no_loop_vars", "into a variable")
    ),
    ("TestForLoopOperator", "test_tf_iterator"): (
        _DATASET.format("tf_iterator", "by an iterator")
    ),
    ("TestForLoopOperator", "test_tf_iterator_shape_invariants"): (
        _DATASET.format("tf_iterator_shape_invariants", "into a vector that grows")
    ),
    (
        "TestForLoopOperator",
        "test_tf_iterator_shape_invariants_with_nested_structures",
    ): _DATASET.format(
        "tf_iterator_shape_invariants_with_nested_structures", "into a tuple"
    ),
    ("TestForLoopOperator", "test_tf_iterator_no_loop_vars"): (
        _DATASET.format("tf_iterator_no_loop_vars", "by an iterator, into a variable")
    ),
    ("TestForLoopOperator", "test_tf_ragged_tensor"): _RAGGED.format("by rows"),
    ("TestForLoopOperator", "test_tf_ragged_tensor_higher_dimensional"): (
        _RAGGED.format("of three dimensions")
    ),
    ("TestForLoopOperator", "test_tf_ragged_tensor_no_loop_vars"): (
        _RAGGED.format("into a variable")
    ),
    ("TestWhileLoopOperator", "test_tensor_creating_dynamic_shape_variable"): (
        _DYNAMIC.format("makes a longer array in every step")
    ),
    (
        "TestWhileLoopOperator",
        "test_tensor_creating_dynamic_shape_variable_preserves_shape_invar",
    ): _DYNAMIC.format("declares the shape of an array that a loop makes"),
    ("TestWhileLoopOperator", "test_tensor_creating_variable_of_dynamic_shape"): (
        _DYNAMIC.format("makes an array of a random number of rows")
    ),
    ("TestWhileLoopOperator", "test_tensor_failing_to_determine_placeholder"): (
        "It tests that an object that a loop defines has no stand-in; script "
        "makes none, and refuses its use (test_non_tensor_state_illegal_type)."
    ),
    ("TestWhileLoopOperator", "test_python_while_infinite"): (
        _UNROLLED.format("a limit of iterations for debugging", "while")
    ),
    ("TestWhileLoopOperator", "test_python_for_infinite"): (
        _UNROLLED.format("a limit of iterations for debugging", "for")
    ),
    ("TestWhileLoopOperator", "test_python_while_large_unroll_warning"): (
        _UNROLLED.format("a warning for long unrolled loops over generators", "for")
    ),
    ("TestWhileLoopOperator", "test_python_for_large_unroll_warning"): (
        _UNROLLED.format("a warning for long unrolled loops", "while")
    ),
    (
        "TestWhileLoopOperator",
        "test_tensor_illegal_cond_not_single_element_dynamic_shape",
    ): _DYNAMIC.format("has a while condition of unknown size"),
    (
        "TestIfStmtOperator",
        "test_tensor_illegal_cond_not_single_element_dynamic_shape",
    ): _DYNAMIC.format("has a condition of unknown size"),
    ("TestPyBuiltins", "test_len_dynamic_shape"): (
        _DYNAMIC.format("asks for the length of an array of unknown rank")
    ),
    **{
        ("TestPyBuiltins", f"test_{name}"): _DATASET.format(name, "by a builtin")
        for name in (
            "abs_dataset",
            "abs_dataset_zipped",
            "abs_dataset_mixed",
            "len_dataset",
            "len_dataset_infinite",
            "len_dataset_unknown",
            "enumerate_dataset",
            "zip_dataset",
            "map_dataset",
            "map_multiple_datasets",
            "next_tf_iterator",
            "next_tf_iterator_error_checking",
            "next_tf_iterator_error_checking_structures",
            "filter_dataset",
            "any_dataset",
            "all_dataset",
        )
    },
    **{
        ("TestPyBuiltins", f"test_{name}_in_original_context{where}"): _FRAMES.format(
            f"{name}()", "of a function" if where else "of the caller"
        )
        for name in ("eval", "locals", "globals")
        for where in ("", "_inner_function")
    },
    ("TestParser", "test_parse_expression"): (
        "It tests a helper that parses an expression for templates of generated code."
    ),
    ("TestOriginInfo", "test_create_source_map"): (
        "It maps lines of generated code to the program; script generates none."
    ),
    ("TestOriginInfo", "test_create_source_map_no_origin_info"): (
        "It maps lines of generated code that come from nowhere; script generates none."
    ),
    ("TestErrorUtils", "test_get_message_no_code"): (
        "It formats the frames of generated code without source; script generates none."
    ),
    ("TestErrorUtils", "test_get_message_call_overload"): (
        "It hides the frames of AutoGraph's own calls in a message; script adds none."
    ),
    ("TestScope", "test_copy_from"): "It copies into AutoGraph's object for a scope.",
    ("TestScope", "test_merge_from"): "It merges AutoGraph's objects for a scope.",
    ("TestScope", "test_copy_of"): "It copies AutoGraph's object for a scope.",
    ("TestScope", "test_referenced"): "It asks AutoGraph's object for a scope.",
}
