"""The names of AutoGraph's tests of its analyses of programs.

- `ANALYSES`: its test file, the class here, and the names in it, as in `listed.py`.
"""

_ACTIVITY = """
test_import test_import_from test_print_statement test_call_args
test_call_args_attributes test_call_args_subscripts test_while test_for test_if
test_if_attributes test_if_subscripts test_nested_if test_nested_function
test_nested_lambda test_nested_function_arg_defaults test_constructor_attributes
test_aug_assign_subscripts test_return_vars_are_read test_raise_names_are_read
test_except_exposes_names test_except_hides_exception_var_name test_aug_assign
test_aug_assign_rvalues test_lambda test_lambda_params_args
test_lambda_params_arg_defaults test_lambda_complex test_lambda_nested
test_comprehension_targets_are_isolated
test_comprehension_targets_are_isolated_list_function_w_generator
test_list_comprehension_targets_are_sometimes_isolated
test_comprehension_targets_are_isolated_in_augassign test_comprehension_generator_order
test_global_symbol test_nonlocal_symbol test_annotated_assign test_pure_definition
test_function_def_annotations test_class_definition_basic
test_class_definition_isolates_method_writes
"""

_LIVENESS = """
test_live_out_try_block test_live_out_if_inside_except test_live_out_stacked_if
test_live_out_stacked_if_else test_live_out_for_basic test_live_out_for_iterate
test_live_out_attributes test_live_out_nested_functions
test_live_out_nested_functions_defined_ahead
test_live_out_nested_functions_defined_after test_live_out_lambda
test_live_out_nested_functions_hidden_by_argument
test_live_out_nested_functions_isolation test_live_out_deletion test_live_in_pass
test_live_in_raise test_live_out_except_variable test_live_in_return_statement
test_live_in_try_block test_live_in_try_orelse test_live_in_if_inside_except
test_live_in_stacked_if test_live_in_stacked_if_else test_live_in_for_basic
test_live_in_for_nested test_live_in_deletion test_live_in_generator_comprehension
test_live_in_list_comprehension test_live_in_list_comprehension_expression
test_live_in_set_comprehension test_live_in_dict_comprehension test_global_symbol
test_nonlocal_symbol
"""

_REACHING_DEFINITIONS = """
test_conditional test_try_in_conditional test_conditional_in_try_in_conditional
test_conditional_in_except_in_conditional test_while test_while_else test_for_else
test_nested_functions test_nested_functions_isolation test_function_call_in_with
test_mutation_subscript test_deletion_partial test_deletion_total test_replacement
test_comprehension_leaking test_function_definition test_definitions_in_except_block
test_definitions_in_except_block_of_raising_try test_global test_nonlocal
test_nonlocal_in_nested_function
"""

_CFG = """
test_straightline test_straightline_no_return test_unreachable_code
test_if_straightline test_branch_nested test_branch_straightline_unbalanced
test_branch_return test_branch_raise test_branch_return_minimal test_while_straightline
test_while_else_straightline test_while_else_continue test_while_else_break
test_while_else_return test_while_nested_straightline test_while_nested_continue
test_while_nested_break test_for_straightline test_for_else_straightline
test_for_else_continue test_for_else_break test_for_else_return
test_for_nested_straightline test_for_nested_continue test_for_nested_break
test_complex test_finally_straightline test_return_finally test_break_finally
test_continue_finally test_with_straightline test_lambda_basic test_lambda_in_return
test_lambda_in_while_loop_test test_lambda_in_for_loop_test test_pass test_try_finally
test_try_except_single_bare test_try_except_single test_try_except_single_aliased
test_try_except_single_tuple_aliased test_try_except_multiple test_try_except_finally
test_try_in_if test_try_in_if_all_branches_exit test_raise_exits
test_raise_triggers_enclosing_finally test_raise_adds_finally_sortcuts
test_raise_exits_via_except test_list_comprehension test_class_definition_empty
test_class_definition_with_members test_import
"""

# Its tests of the data structure of a scope have nothing to be a program of.
_SCOPE = "test_copy_from test_merge_from test_copy_of test_referenced"

ANALYSES: dict[tuple[str, str], tuple[str, ...]] = {
    ("pyct/static_analysis/activity, scope", "TestScope"): (*_SCOPE.split(),),
    ("pyct/static_analysis/activity", "TestActivityAnalyzer"): (*_ACTIVITY.split(),),
    ("pyct/static_analysis/liveness", "TestLivenessAnalyzer"): (*_LIVENESS.split(),),
    ("pyct/static_analysis/reaching_definitions", "TestReachingDefinitions"): (
        *_REACHING_DEFINITIONS.split(),
    ),
    ("pyct/cfg, visitor", "TestGraphVisitor"): (
        "test_basic_coverage_forward",
        "test_basic_coverage_reverse",
    ),
    ("pyct/cfg", "TestAstToCfg"): (*_CFG.split(),),
}
