"""The names of torch's tests of graphs, traces and backends.

- `LISTED`: torch's test file or class, and the names in it.
- `BACKENDS`: those of its test_backends.py, whose names come several times: the class
  and the name in torch, and where the test is here.

Each name of `LISTED` is a test of that name in this folder, or a row of
`without_meaning.py`.
"""

_PYTHON_IR = """
test_param_strides test_permute_inputs_binding test_python_ir_utils
test_python_ir_utils_graph
"""

_PYTHON_BINDINGS = """
test_cu_get_functions test_cu_create_function test_invalidation
test_graph_iterator_keepalive test_aliasdb test_graph_create test_add_input
test_canonicalize
"""

_TRACER = """
test_large_nbr_kernel_args test_trace_legacy_ctor test_simple
test_trace_checking_with_global_name test_trace_aliased_parameter test_trace_nested_fn
test_trace_single_tuple test_trace_out_operator_with_two_output test_trace_namedtuple
test_trace_topk test_typeas_trace_check test_trace_index test_trace_index_constant
test_index_put test_canonicalize_tensor_iterator test_constant test_wrapped_number
test_inplace_transplant test_inplace_flags test_inplace_check
test_force_outplace_check_fill test_force_outplace_check_zero test_trace_size
test_trace_size_with_grad test_trace_numel test_trace_arange test_trace_arange_with_grad
test_trace_full_dynamic_shape test_trace_slice_setitem_dynamic_shape test_trace_slice
test_trace_slice_with_grad test_trace_casts test_trace_warn test_trace_tuple
test_trace_random test_trace_tensor_factory test_trace_indexed_assignment
test_output_unflatten test_input_flatten test_input_dict_empty
test_input_dict_remembers_keys test_input_dict_insertion_order
test_input_dict_recursive test_input_dict_checkTrace_mut test_input_dict_unify
test_input_tuple_of_dicts test_input_dict_of_dicts test_input_dict_of_lists
test_input_list_toplevel_flatten test_input_list_toplevel_flatten_direct
test_input_list_of_tuples test_input_dict_empty_list test_input_list_mixed_type
test_conv test_max_pool test_nested_inplace test_repeated_input test_repeated_output
test_inplace_copy test_inplace_copy_force_outplace test_shared_param test_trace_c10_ops
test_ge_unoptimized test_ge_optimized test_ge_cuda test_ge test_trace_annotation
test_traced_module_cuda test_type_same_device test_export_no_reorder
test_python_function test_python_function_tup test_trace_detach
test_trace_detach_redispatch test_trace_detach_inplace
test_trace_detach_inplace_redispatch test_trace_detach_onnx_erase
test_trace_slice_full_dim test_trace_dict_input test_trace_dict_output
test_trace_with_tensor_list_output test_trace_with_number_list_output
test_trace_with_nested_tensor_list_output
test_trace_with_nested_strided_tensor_output test_trace_variable_instantiation
test_trace_slice_expr_complete_type test_trace_inline_shape test_trace_save
test_trace_optioanl_dtype test_trace_save_load_copy test_trace_export_fns
test_trace_export_fns_recursive test_trace_autograd_function
test_trace_multi_output_function test_interpolate_trace test_trace_optional
test_trace_nested_datatypes test_call_traced_fn_from_traced_module
test_call_traced_module_from_traced_module test_index_put_trace_with_view
test_index_put_trace_without_view test_trace_checker_dot_data
test_trace_checker_control_flow test_trace_checker_memoization
test_trace_checker_slice_lhs test_trace_checker_inplace_on_view test_lhs_index_fails
test_lhs_index_trivial test_inplace_warn test_trace_checker_dropout_train
test_trace_checker_dropout_notrain test_trace_contiguous
test_trace_contiguous_short_circuit test_trace_inverse test_trace_modulelist
test_trace_fork_join_and_module test_trace_invert_module_hierarchy
test_trace_records_names test_tracing_hooks test_tracing_backward_hook_error
test_tracing_multiple_methods test_tensor_with_grad_as_constant
test_non_tensor_tracing test_trace_skip_none_submodule
test_trace_with_conditional_property test_trace_func_argument_names_captured
test_trace_partial_func_argument_names_captured
test_trace_module_argument_names_captured test_trace_checking_with_deprecated_name
test_trace_with_tuple_tensor test_trace_no_duplicated_lifted_input_output
"""

_MIXED = """
test_trace_script test_trace_mixed_by_script_with_dict_output test_trace_of_script
test_trace_with_size test_tracing_slicing test_tracing_indexing test_trace_hierarchy
test_trace_parameter test_call_script_fn_from_traced_module
test_call_script_module_from_traced_module test_call_traced_fn_from_script_fn
test_call_traced_mod_from_script_fn test_call_tracing_fn_from_script_module
test_call_tracing_mod_from_script_module test_script_inline_trace_multiple_args
test_trace_dict_mix_script test_trace_script_returning_complex_dict
test_trace_returning_dict_with_tensor_tuples test_trace_linear
test_traced_module_implements_interface
test_traced_module_contains_scripted_interface_types
test_jit_trace_callfunction_return_shapes
"""

_FRONTEND = """
test_python_frontend test_python_frontend_source_range test_python_frontend_py3
test_annot_string_py3_fn test_annot_ast_py3_fn test_annot_string_py3_method
test_annot_ast_py3_method test_annot_string_mypy_fn test_annot_ast_mypy_fn
test_annot_string_mypy_method test_annot_ast_mypy_method test_parser_type_annotations
test_parser_type_annotations_comment test_parser_type_annotations_unknown_type
test_parser_type_annotations_subscript_non_ident
test_parser_type_annotations_subscript_tensor
test_parser_type_annotations_incompatible_expression test_bad_multiline_annotations
"""

LISTED: dict[str, tuple[str, ...]] = {
    "jit/test_python_ir.py": (*_PYTHON_IR.split(),),
    "jit/test_python_bindings.py": (*_PYTHON_BINDINGS.split(),),
    "jit/test_tracer.py, TestTracer": (*_TRACER.split(),),
    "jit/test_tracer.py, TestMixTracingScripting": (*_MIXED.split(),),
    "test_jit.py, TestScript, its frontend": (*_FRONTEND.split(),),
}

_THERE = "tests/lower/test_backends.py"
_HERE = "tests/upstream/jit/test_backends_upstream.py"

# The file, the class and the names of the tests. TestBackends and
# TestBackendsWithCompiler only call the others.
BACKENDS: dict[tuple[str, str], tuple[str, str, tuple[str, ...]]] = {
    ("BasicModuleTest", "test_execution"): (
        _THERE,
        "TestBasicModuleTest",
        ("test_execution", "test_methods"),
    ),
    ("BasicModuleTest", "test_save_load"): (
        _THERE,
        "TestBasicModuleTest",
        ("test_save_load",),
    ),
    ("BasicModuleUnavailableTest", "test_execution"): (
        _THERE,
        "TestBasicModuleUnavailableTest",
        ("test_execution",),
    ),
    ("BasicModuleUnavailableTest", "test_save_load"): (
        _THERE,
        "TestBasicModuleUnavailableTest",
        ("test_save_load",),
    ),
    ("NestedModuleTest", "test_execution"): (
        _THERE,
        "TestNestedModuleTest",
        ("test_execution",),
    ),
    ("NestedModuleTest", "test_save_load"): (
        _THERE,
        "TestNestedModuleTest",
        ("test_save_load",),
    ),
    ("SelectiveLoweringTest", "test_execution"): (
        _THERE,
        "TestSelectiveLoweringTest",
        ("test_execution",),
    ),
    ("SelectiveLoweringTest", "test_save_load"): (
        _THERE,
        "TestSelectiveLoweringTest",
        ("test_save_load",),
    ),
    ("SelectiveLoweringTest", "test_errors"): (
        _THERE,
        "TestSelectiveLoweringTest",
        ("test_not_a_graph", "test_an_unknown_name", "test_a_name_of_several"),
    ),
    ("SelectiveLoweringTest", "test_selective_lowering_type_remap"): (
        _HERE,
        "TestSelectiveLoweringTest",
        ("test_selective_lowering_type_remap",),
    ),
    ("BasicModuleTestWithCompiler", "test_execution"): (
        _HERE,
        "TestBasicModuleTestWithCompiler",
        ("test_execution",),
    ),
    ("ErrorMessagesWithCompiler", "test_errors"): (
        _HERE,
        "TestErrorMessagesWithCompiler",
        ("test_errors",),
    ),
    ("CompModuleTestWithCompiler", "test_execution"): (
        _HERE,
        "TestCompModuleTestWithCompiler",
        ("test_execution",),
    ),
    ("CompModuleTestSameNameWithCompiler", "test_execution"): (
        _HERE,
        "TestCompModuleTestSameNameWithCompiler",
        ("test_execution",),
    ),
    ("AddedAttributesTest", "test_attribute"): (
        _HERE,
        "TestAddedAttributesTest",
        ("test_attribute",),
    ),
}
