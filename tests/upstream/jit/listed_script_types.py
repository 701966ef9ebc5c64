"""The names of torch's tests of types, operators and passes, and all names by class.

- `LISTED_SCRIPT`: torch's test file, its class, which is the class here, and the names.

Each name is a test of that name in that class, or a row of `script_without_meaning.py`.
"""

from tests.upstream.jit import listed_script as names

_UNION = """
test_union_with_scalar_values test_union_with_collections test_union_with_enum
test_union_in_class_constructor test_union_return_type test_union_as_annotation
test_union_as_annotation_in_typed_container test_union_as_annotation_py2
test_union_as_internal_tuple_type test_union_variable_can_be_reassigned
test_union_does_not_replace_existing_annotated_type
test_union_does_not_replace_existing_annotated_type_union
test_union_does_not_replace_existing_annotated_type_empty_container
test_unions_of_unions_are_flattened test_unions_of_a_single_argument_vanish
test_union_redundant_arguments_are_skipped
test_union_redundant_arguments_are_skipped_container
test_union_argument_order_is_ignored test_union_argument_order_is_ignored_container
test_union_T_None_is_equivalent_to_optional_T test_optional_of_union_is_flattened
test_union_subclasses_larger_union test_union_as_dict_key test_union_as_dict_value
test_union_module_with_union_instance_variable
test_union_module_with_union_class_variable
"""

_PYTHON_BUILTIN_OP = """
test_add test_mul test_matmul_py3 test_pow test_triple test_slice test_gather
test_random test_stepped_tuple_slicing test_index test_advancedindex
test_adv_indexing_list test_index_ellipses test_inf test_str_to_float
"""

_BUILTINS = """
test_has_attr test_has_attr_invalid_args test_del test_del_multiple_operands
test_torch_check test_torch_check_invalid_args
"""

_TENSOR_BUILTINS = """
test_tensor_properties test_tensor_subscript_assign
test_tensor_subscript_assign_device test_tensor_item test_method_on_number
test_scalar_to_num_conversions
"""

_SLICE = """
test_slice_kwarg test_slice_three_nones test_slice_two_nones test_slice_one_none
test_slice_stop_only test_slice_stop_only_with_nones test_slice_start_stop
test_slice_start_stop_with_none test_slice_start_stop_step test_slice_string
test_slice_tensor test_slice_tensor_multidim test_slice_tensor_multidim_with_dots
test_slice_as_variable test_slice_stop_clipped test_slice_dynamic_index
test_tuple_slicing test_module_list_slicing
"""

# Each after test_string_interpolation_with_.
_STRING_FORMATTING = """
string_placeholder_and_string_variable string_placeholder_and_format_string_variable
double_percent_in_string percent_in_string string_placeholder_and_digit_variable
digit_placeholder_and_digit_variable alternate_digit_placeholder
digit_placeholder_and_string_variable exponent_placeholder_and_string_variable
lowercase_exponent_placeholder_and_digit_variable
capital_exponent_placeholder_and_digit_variable
float_placeholder_and_float_variable float_placeholder_and_digit_variable
char_placeholder_and_char_variable char_placeholder_and_digit_variable
char_placeholder_and_true_string_variable multiple_placeholders subscript
too_few_arguments too_many_arguments unknown_format_specifier
"""

_WARN = """
test_warn test_warn_only_once test_warn_only_once_in_loop_func
test_warn_once_per_func test_warn_once_per_func_in_loop
test_warn_multiple_calls_multiple_warnings test_warn_multiple_calls_same_func_diff_stack
"""

_PEEPHOLE = """
test_peephole_with_writes test_peephole_with_non_output_writes
test_peephole_no_output_aliasing test_peephole test_peephole_dynamic
test_peephole_list_ops test_peephole_cuda test_peephole_type_refinements
test_short_circuit_optimization test_conv_dim_folding test_normalized_is_op
test_normalized_isnot_op test_peephole_list_len test_integer_refinement
test_optimize_out_comparison_same_value test_refine_integer_values
test_peephole_len_list test_peephole_int test_peephole_arith
"""

_REMOVE_MUTATION = """
test_aten_inplace test_if_output test_if_output_fail test_special_mapped_op
test_lists_append test_lists_insert test_list_indexing_removal
test_common_pytorch_list_ops
"""

_IF_HOISTING = """
test_if_hoist_basic test_if_hoist_transposed_expr test_if_hoist_swapped_expr
test_if_hoist_reused_var test_no_hoist test_mutate_before test_mutate_after
test_multiple_hoists
"""

_PROPERTY = """
test_basic test_inheritance_style test_property_as_tuple test_tensor_method
test_tensor_slice test_list_len test_list_comprehension
test_property_setters_deleters
"""

_HASH = """
test_hash_tuple test_hash_tuple_nested_unhashable_type test_hash_tensor test_hash_none
test_hash_bool test_hash_float test_hash_int test_hash_string test_hash_device
"""

# torch's file, its class and the class here, and the names.
LISTED_SCRIPT: dict[tuple[str, str], tuple[str, ...]] = {
    ("test_jit.py", "TestScript"): (*names.CONTROL_FLOW.split(),),
    ("jit/test_list_dict.py", "TestNamedTuple"): (*names.NAMED_TUPLE.split(),),
    ("jit/test_class_type.py", "TestClassType"): (*names.CLASS_TYPE.split(),),
    ("jit/test_exception.py", "TestException"): (*names.EXCEPTION.split(),),
    ("jit/test_misc.py", "TestMisc"): (*names.MISC.split(),),
    ("jit/test_recursive_script.py", "TestRecursiveScript"): (
        *names.RECURSIVE.split(),
    ),
    ("jit/test_module_containers.py", "TestModuleContainers"): (
        *names.CONTAINERS.split(),
    ),
    ("jit/test_module_interface.py", "TestModuleInterface"): (
        *names.INTERFACE.split(),
    ),
    ("jit/test_type_sharing.py", "TestTypeSharing"): (*names.SHARING.split(),),
    (
        "jit/test_scriptmod_ann.py",
        "TestScriptModuleInstanceAttributeTypeAnnotation",
    ): (*names.ANNOTATIONS.split(),),
    ("jit/test_hooks.py", "TestHooks"): (*names.HOOKS.split(),),
    ("jit/test_with.py", "TestWith"): (*names.WITH.split(),),
    ("jit/test_ignore_context_manager.py", "TestIgnoreContextManager"): (
        *names.IGNORE_CONTEXT.split(),
    ),
    ("jit/test_enum.py", "TestEnum"): (*names.ENUM.split(),),
    ("jit/test_enum.py", "TestEnumFeatureGuard"): ("test_enum_comp_disabled",),
    ("jit/test_dataclasses.py", "TestDataclasses"): (*names.DATACLASSES.split(),),
    ("jit/test_isinstance.py", "TestIsinstance"): (*names.ISINSTANCE.split(),),
    ("jit/test_union.py", "TestUnion"): (*_UNION.split(),),
    ("jit/test_python_builtins.py", "TestPythonBuiltinOP"): (
        *_PYTHON_BUILTIN_OP.split(),
    ),
    ("jit/test_builtins.py", "TestBuiltins"): (*_BUILTINS.split(),),
    ("jit/test_builtins.py", "TestTensorBuiltins"): (*_TENSOR_BUILTINS.split(),),
    ("jit/test_slice.py", "TestSlice"): (*_SLICE.split(),),
    ("jit/test_string_formatting.py", "TestStringFormatting"): (
        "test_modulo_operator",
        *(f"test_string_interpolation_with_{n}" for n in _STRING_FORMATTING.split()),
    ),
    ("jit/test_unsupported_ops.py", "TestUnsupportedOps"): (
        "test_factory_ops_requires_grad_fail",
        "test_init_ops",
    ),
    ("jit/test_warn.py", "TestWarn"): (*_WARN.split(),),
    ("jit/test_save_load.py", "TestSaveLoad"): (
        "test_different_modules",
        "test_different_functions",
        "test_different_interfaces",
        "test_many_collisions",
    ),
    ("jit/test_dce.py", "TestDCE"): ("test_setattr_no_aliasdb", "test_setattr_removed"),
    ("jit/test_peephole.py", "TestPeephole"): (*_PEEPHOLE.split(),),
    ("jit/test_remove_mutation.py", "TestRemoveMutation"): (*_REMOVE_MUTATION.split(),),
    ("jit/test_if_hoisting.py", "TestIfHoisting"): (*_IF_HOISTING.split(),),
    ("jit/test_attr.py", "TestGetDefaultAttr"): (
        "test_getattr_with_default",
        "test_getattr_named_tuple",
        "test_getattr_tuple",
    ),
    ("jit/test_property.py", "TestProperty"): (*_PROPERTY.split(),),
    ("jit/test_parametrization.py", "TestParametrization"): (
        "test_traceable",
        "test_scriptable",
    ),
    ("jit/test_copy.py", "TestCopy"): ("test_copy_parameter",),
    ("jit/test_hash.py", "TestHash"): (*_HASH.split(),),
}
