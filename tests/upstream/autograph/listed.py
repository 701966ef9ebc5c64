"""The names of AutoGraph's tests, as its copy without TensorFlow has them.

- `LISTED`: its test file, the class here, and the names in it.

Each name is a test of that name in that class, or a row of `without_meaning.py`.
"""

_COND_BASIC = """
test_no_vars test_several_vars test_var_lifetime_imbalanced_legal
test_if_else_var_lifetime test_creates_var_imbalanced_illegal test_returns_none_legal
test_returns_none_illegal test_local_vars
test_nested_if_temporarily_undefined_return_legal
test_nested_if_temporarily_undefined_return_illegal test_composition
"""

_EARLY_RETURN = """
test_return_with_default test_return_dependent_on_local
test_return_possibly_undefined_legal test_return_possibly_undefined_illegal
test_nested_ifs test_possible_return_before_loop test_nested_ifs_and_context_managers
test_unreachable_return test_return_with_default_in_contexmanager
test_return_in_try_finally test_return_with_default_try_finally test_return_in_finally
test_return_with_default_in_finally test_return_in_finally_default_in_try
test_raise_during_return_caught test_raise_during_return_caught_in_tail_branch
"""

_LOOP_BASIC = """
test_while_no_vars test_for_no_vars test_for_no_vars_ds_iterator test_while_one_var
test_for_one_var test_for_one_var_ds_iterator test_while_two_vars test_for_two_vars
test_for_two_vars_ds_iterator test_for_else test_while_else
test_while_creates_var_legal test_while_creates_var_illegal test_for_creates_var_legal
test_for_creates_var_illegal test_successive_while_loops test_successive_for_loops
test_successive_for_loops_iterators test_nested_while_loops test_nested_for_loops_dense
test_nested_for_loops_ragged test_nested_for_loops_mixed_list
"""

_LOOP_CONTROL_FLOW = """
test_single_for test_single_while test_single_loop_illegal_return test_nested_for
test_nested_while
"""

_LOOP_SCOPING = """
test_for_with_local_var test_for_with_local_var_range test_while_with_local_var
test_for_initializes_local_var_legal_cases test_for_initializes_local_var_illegal_cases
test_while_initializes_local_var_legal_cases
test_while_initializes_local_var_illegal_cases test_for_defines_var_legal_cases
test_for_defines_var_illegal_cases test_while_defines_var_legal_cases
test_while_defines_var_illegal_cases test_for_defines_iterate_legal_cases
test_for_defines_iterate_range test_for_defines_iterate_tf_range
test_for_reuses_iterate test_for_reuses_iterate_range test_for_alters_iterate
test_for_alters_iterate_range test_for_with_lambda_iter test_for_with_lambda_object
test_for_with_lambda_iter_local_var
"""

_LOOP_WITH_FUNCTION_CALL = """
test_while_with_call_in_cond test_for_with_call_in_target
test_for_with_range_call_in_target test_while_with_call test_for_with_call
test_while_with_local_call test_for_with_local_call test_while_with_closure_call
test_for_with_closure_call test_while_with_lambda_closure_call
test_for_with_lambda_closure_call test_while_with_method_closure_call
test_for_with_method_closure_call
"""

_LOOP_WITH_VARIABLE_TYPE = """
test_while_with_variable_shape_growing_vector
test_for_with_variable_shape_growing_vector
test_while_with_variable_shape_growing_matrix_rows
test_for_with_variable_shape_growing_matrix_rows
test_while_with_variable_shape_growing_matrix_cols
test_for_with_variable_shape_growing_matrix_cols
test_while_with_variable_shape_growing_matrix
test_for_with_variable_shape_growing_matrix test_while_with_variable_shape_inside_if
test_for_with_variable_shape_inside_if test_for_with_nested_variable_shape_inside_if
test_while_with_variable_shape_and_break test_for_with_variable_shape_and_break
test_while_with_composite_tensor_shape_invariant
test_for_with_composite_tensor_shape_invariant
"""

_LOOP_WITH_VARIABLE_TYPE_ILLEGAL = """
test_while_with_variable_py_type test_while_with_variable_dtype
test_while_with_variable_dtype_and_early_stopping test_for_with_variable_dtype
test_for_with_variable_dtype_and_early_stopping test_while_with_variable_shape
test_for_with_variable_shape test_while_with_shape_erasure test_for_with_shape_erasure
test_while_with_shape_invariant_violation test_for_with_shape_invariant_violation
test_while_with_variable_structure test_for_with_variable_structure
"""

_NESTED_CONTROL_FLOW = """
test_independent_ifs test_dependent_inner_if test_dependent_imbalanced_inner_if
test_if_with_local_modification_masked_by_exception
test_if_nested_with_modification_of_global
test_if_nested_with_modification_of_global_not_executed test_independent_inner_for
test_independent_inner_while test_dependent_inner_for test_dependent_inner_while
test_if_in_for test_while_continue_in_context_manager test_while_continue_in_try
test_while_break_in_context_manager test_while_break_in_try
test_loop_initializing_invariant_variable_legal
test_loop_initializing_invariant_variable_illegal
test_loop_initializing_variant_variable_legal
test_loop_initializing_variant_variable_illegal
"""

_COMPOSITE_NAMES = """
test_if_basic test_if_imbalanced_legal test_if_imbalanced_illegal test_while_basic
test_while_state_only test_while_imbalanced_legal test_while_imbalanced_illegal
test_for_basic test_for_state_only test_for_imbalanced_legal test_for_imbalanced_illegal
"""

_PRINT = """
test_lone_print test_print_multiple_values test_multiple_prints
test_print_with_nontf_values test_print_in_cond test_tf_print
"""

_BREAK = """
test_while_loop test_while_loop_preserves_directives test_for_loop
test_for_loop_preserves_directives test_nested test_nested_loops test_loop_orelse
test_multiple_correlated_breaks_with_side_effects
"""

_CONTINUE = """
test_basic test_multiple_continues test_multiple_continues_in_nested_scope
test_for_loop test_nested_with test_nested_multiple_withs
test_nested_multiple_withs_and_statements test_nested_multiple_withs_and_nested_withs
test_nested test_multiple_guarded_continues_with_side_effects
"""

_RETURN = """
test_straightline test_superfluous_returns test_superfluous_returns_adjacent
test_conditional test_conditional_missing_else
test_conditional_missing_else_then_default test_conditional_else_only_then_default
test_conditional_nested test_context_manager test_context_manager_in_conditional
test_conditional_in_context_manager test_no_return test_nested_function
test_nested_function_in_control_flow test_for_loop test_while_loop test_null_return
test_nested_multiple_withs test_multiple_returns_in_nested_scope
"""

_WHILE_STATEMENT = """
test_basic test_single_output test_composite_state_attr test_composite_state_slice
test_composite_state_literal_slice test_composite_state_attr_initialized_in_loop
test_composite_state_slice_initialized_in_loop
test_composite_state_literal_slice_initialized_in_loop
test_composite_state_slice_aliased_to_local test_local_composite_attr
test_local_composite_slice test_local_composite_literal_slice test_non_tensor_state
test_non_tensor_state_illegal_type test_dispatches_by_cond_only
"""

_IF_STATEMENT = """
test_basic test_sparse_tensor test_complex_outputs test_single_output test_unbalanced
test_unbalanced_raising test_local_var test_local_remains_local test_global_local
test_no_outputs test_created_outputs test_created_loop_local_outputs
test_created_loop_variable test_unaffected_global test_unaffected_nonlocal
test_output_defined_in_prior_except test_unbalanced_multiple_composites
test_unbalanced_composite
"""

_FOR_STATEMENT = """
test_basic test_single_output test_iterated_expression
test_composite_state_initialized_in_loop test_tuple_unpacking
test_with_comprehension_in_body
"""

_CALL_TREES = """
test_function_no_args test_function_with_expression_in_argument
test_function_with_call_in_argument test_function_chaining
test_function_with_single_arg test_function_with_args_only test_function_with_kwarg
test_function_with_kwargs_starargs test_function_with_starargs_only
test_function_with_starargs_mixed test_function_with_kwargs_keywords
test_function_with_multiple_kwargs test_function_with_call_in_lambda_argument
test_debugger_set_trace test_class_method test_object_method
"""

_VARIABLES = """
test_read test_aug_assign test_del test_del_getitem_ignored_basic_slice
test_del_getitem_ignored_range_slice test_del_getattr_ignored
test_del_packing_ignored_list test_del_packing_ignored_nested
test_del_item_multiple_mixed_used_after test_del_item_multiple_mixed_unused_after
test_attribute test_subscript test_call
"""

_FOR_OPERATOR = """
test_tensor test_range_tensor test_range_tensor_explicit_limit_delta
test_range_tensor_explicit_limit_negative_delta test_range_tensor_random_delta
test_range_tensor_random_negative_delta test_tensor_with_extra_test_object_vars
test_python test_python_generator_with_extra_test
test_python_generator_with_extra_test_no_iterations test_tf_dataset
test_dataset_with_extra_test test_dataset_with_extra_test_collection_vars
test_dataset_with_extra_test_iteration_limiting test_tf_dataset_no_loop_vars
test_tf_iterator test_tf_iterator_shape_invariants
test_tf_iterator_shape_invariants_with_nested_structures test_tf_iterator_no_loop_vars
test_tf_ragged_tensor test_tf_ragged_tensor_higher_dimensional
test_tf_ragged_tensor_no_loop_vars test_tensor_illegal_input test_tensor_none_output
test_tensor_dtype_change test_tensor_shape_change
"""

_WHILE_OPERATOR = """
test_tensor test_tensor_creating_variable test_tensor_creating_dynamic_shape_variable
test_tensor_creating_dynamic_shape_variable_preserves_shape_invar
test_tensor_creating_complex_variable test_tensor_creating_variable_of_dynamic_shape
test_tensor_with_side_effecting_condition test_tensor_failing_to_determine_placeholder
test_tensor_failing_to_stage_loop_body test_tensor_with_python_state test_python
test_python_with_tensor_state test_python_while_infinite test_python_for_infinite
test_python_while_large_unroll_warning test_python_for_large_unroll_warning
test_tensor_illegal_input test_tensor_none_output test_tensor_dtype_change
test_tensor_shape_change test_tensor_legal_cond_scalar
test_tensor_legal_cond_single_element_nd test_tensor_illegal_cond_not_bool
test_tensor_illegal_cond_not_single_element
test_tensor_illegal_cond_not_single_element_dynamic_shape
"""

_IF_OPERATOR = """
test_tensor test_tensor_no_outputs test_tensor_multiple_returns test_python
test_python_multiple_returns test_tensor_none_output test_tensor_undefined_output
test_tensor_dtype_change test_tensor_legal_cond_scalar
test_tensor_legal_cond_single_element_nd test_tensor_illegal_cond_not_bool
test_tensor_illegal_cond_not_single_element
test_tensor_illegal_cond_not_single_element_dynamic_shape
"""

_PY_BUILTINS = """
test_abs test_abs_dataset test_abs_dataset_zipped test_abs_dataset_mixed test_float
test_int test_int_unsupported_base test_len test_len_dataset test_len_dataset_infinite
test_len_dataset_unknown test_len_scalar test_len_dynamic_shape test_print_tensors
test_print_complex test_max test_max_tensor test_min test_min_tensor test_range
test_range_tensor test_range_tensor_empty_range test_enumerate test_enumerate_dataset
test_zip test_zip_dataset test_map test_map_dataset test_map_multiple_datasets
test_next_normal test_next_tf_iterator test_next_tf_iterator_error_checking
test_next_tf_iterator_error_checking_structures test_eval_in_original_context
test_eval_in_original_context_inner_function test_locals_in_original_context
test_locals_in_original_context_inner_function test_globals_in_original_context
test_globals_in_original_context_inner_function
test_super_in_original_context_unary_call test_super_in_original_context_binary_call
test_super_in_original_context_niladic_call
test_super_in_original_context_caller_with_locals
test_super_in_original_context_inner_function
test_super_in_original_context_inner_lambda test_filter test_filter_dataset test_any
test_any_dataset test_all test_all_dataset test_sorted test_sorted_tensor
"""

_PARSER = """
test_parse_entity test_parse_lambda test_parse_lambda_prefix_cleanup
test_parse_lambda_resolution_by_location test_parse_lambda_resolution_by_signature
test_parse_lambda_resolution_ambiguous test_parse_lambda_multiline
test_parse_lambda_in_expression test_parse_lambda_complex_body
test_parse_lambda_function_call_definition test_parse_entity_print_function
test_parse_comments test_parse_multiline_strings test_dedent_block_basic
test_dedent_block_comments_out_of_line test_dedent_block_multiline_string
test_dedent_block_multiline_expression test_dedent_block_continuation
test_dedent_block_continuation_in_string test_parse_expression test_unparse
test_ext_slice_roundtrip
"""

_ORIGIN_INFO = """
test_create_source_map test_create_source_map_identity
test_create_source_map_multiline_call test_create_source_map_no_origin_info
test_resolve test_resolve_with_trailing_garbage test_resolve_entity
test_resolve_entity_nested_function test_resolve_entity_indented_block
test_resolve_entity_decorated_function
"""

_ERROR_UTILS = """
test_create_exception_default_constructor test_create_exception_custom_constructor
test_get_message_no_code test_get_message_converted_code test_get_message_call_overload
"""

# AutoGraph's file, the class here, and the names.
LISTED: dict[tuple[str, str], tuple[str, ...]] = {
    ("cond_basic", "TestCondBasic"): (*_COND_BASIC.split(),),
    ("early_return", "TestEarlyReturn"): (*_EARLY_RETURN.split(),),
    ("loop_basic", "TestLoopBasic"): (*_LOOP_BASIC.split(),),
    ("loop_control_flow", "TestLoopControlFlow"): (*_LOOP_CONTROL_FLOW.split(),),
    ("loop_control_flow_illegal_cases", "TestLoopControlFlowIllegalCases"): (
        "test_tf_control_flow_in_py_for",
        "test_tf_control_flow_in_py_while",
    ),
    ("loop_created_variables", "TestLoopCreatedVariables"): (
        "test_while_creates_var_illegal_tf",
        "test_while_creates_var_illegal_py",
        "test_while_creates_var",
    ),
    ("loop_scoping", "TestLoopScoping"): (*_LOOP_SCOPING.split(),),
    ("loop_with_function_call", "TestLoopWithFunctionCall"): (
        *_LOOP_WITH_FUNCTION_CALL.split(),
    ),
    ("loop_with_variable_type", "TestLoopWithVariableType"): (
        *_LOOP_WITH_VARIABLE_TYPE.split(),
    ),
    ("loop_with_variable_type_illegal_cases", "TestLoopWithVariableTypeIllegalCases"): (
        *_LOOP_WITH_VARIABLE_TYPE_ILLEGAL.split(),
    ),
    ("nested_control_flow", "TestNestedControlFlow"): (*_NESTED_CONTROL_FLOW.split(),),
    ("composite_names_in_control_flow", "TestCompositeNamesInControlFlow"): (
        *_COMPOSITE_NAMES.split(),
    ),
    ("logical_expression", "TestLogicalExpression"): (
        "test_basic",
        "test_basic_tensor",
        "test_equality",
        "test_equality_tensor",
    ),
    ("basic_ifexp", "TestBasicIfexp"): ("test_basic",),
    ("basic_list", "TestBasicList"): ("test_tensor_mutation", "test_basic"),
    ("ext_slice", "TestExtSlice"): (
        "test_basic_ext_slice",
        "test_basic_expand_dims",
        "test_slice_of_application",
    ),
    ("generator", "TestGenerator"): (
        "test_basic_generator",
        "test_generator_in_for",
        "test_generator_in_while",
    ),
    ("assertion", "TestAssertion"): ("test_basic",),
    ("call_to_builtin_function", "TestCallToBuiltinFunction"): (
        "test_basic",
        "test_basic_tensor",
    ),
    ("call_to_lambda_function", "TestCallToLambdaFunction"): (
        "test_inline",
        "test_external",
    ),
    ("call_to_named_tuple", "TestCallToNamedTuple"): (
        "test_inline",
        "test_external",
        "test_subclass",
    ),
    ("call_to_print_function", "TestCallToPrintFunction"): (*_PRINT.split(),),
    ("call_to_user_function", "TestCallToUserFunction"): (
        "test_basic",
        "test_basic_tensor",
    ),
    ("converters/break_statements", "TestBreakStatements"): (*_BREAK.split(),),
    ("converters/continue_statements", "TestContinueStatements"): (*_CONTINUE.split(),),
    ("converters/return_statements", "TestReturnStatements"): (*_RETURN.split(),),
    ("converters/control_flow, nested", "TestNestedControlFlowConverted"): (
        "test_basic",
        "test_mixed_globals_nonglobals",
        "test_composite_state_complex",
    ),
    ("converters/control_flow, while", "TestWhileStatement"): (
        *_WHILE_STATEMENT.split(),
    ),
    ("converters/control_flow, if", "TestIfStatement"): (*_IF_STATEMENT.split(),),
    ("converters/control_flow, for", "TestForStatement"): (*_FOR_STATEMENT.split(),),
    ("converters/control_flow, advanced", "TestAdvancedControlFlow"): (
        "test_while_with_else",
        "test_while_with_else_and_break",
        "test_for_with_else",
        "test_for_with_else_and_break",
    ),
    ("converters/call_trees", "TestCallTrees"): (*_CALL_TREES.split(),),
    ("converters/variables", "TestVariables"): (*_VARIABLES.split(),),
    ("operators/control_flow, for", "TestForLoopOperator"): (*_FOR_OPERATOR.split(),),
    ("operators/control_flow, while", "TestWhileLoopOperator"): (
        *_WHILE_OPERATOR.split(),
    ),
    ("operators/control_flow, if", "TestIfStmtOperator"): (*_IF_OPERATOR.split(),),
    ("operators/py_builtins", "TestPyBuiltins"): (*_PY_BUILTINS.split(),),
    ("operators/logical", "TestLogicalOperators"): (
        "test_and_python",
        "test_and_tf",
        "test_or_python",
        "test_or_tf",
        "test_not_python",
        "test_not_tf",
    ),
    ("operators/conditional_expressions", "TestConditionalExpressions"): (
        "test_tensor",
        "test_tensor_mismatched_type",
        "test_python",
    ),
    ("pyct/parser", "TestParser"): (*_PARSER.split(),),
    ("pyct/origin_info", "TestOriginInfo"): (*_ORIGIN_INFO.split(),),
    ("pyct/error_utils", "TestErrorUtils"): (*_ERROR_UTILS.split(),),
}
