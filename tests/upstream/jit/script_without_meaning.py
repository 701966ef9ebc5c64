"""torch's tests of scripted programs that have no meaning on JAX, and why.

- `SCRIPT_WITHOUT_MEANING`: torch's class and the name of the test, and one sentence.
"""

_FUTURE = "It types futures {}; a program has no asynchronous values."
_INTERFACE = (
    "It tests {} of a declared interface; Python calls whatever has the method."
)
_FREEZE = "It freezes a module {}; a program is given its arrays."
_ANNOTATED = "It tests torch.jit.annotate for {}; annotations decide nothing here."
_UNION = "It tests how a graph prints {}; annotations decide nothing here."
_PREPARED = "It tests a hook that gives another object to compile {}; pass that object."
_LAYOUT = (
    "It parses a constant tensor of {}; graphs have arrays as inputs and hidden ones."
)

SCRIPT_WITHOUT_MEANING: dict[tuple[str, str], str] = {
    ("TestScript", "test_filecheck"): (
        "It tests the tool with which torch's tests read printed graphs; these tests "
        "ask graphs for their nodes."
    ),
    ("TestScript", "test_filecheck_parse"): (
        "It tests the comments from which torch's tool for printed graphs reads checks."
    ),
    ("TestNamedTuple", "test_namedtuple_lower"): (
        "It runs a pass that flattens tuples in place; no tuple is in the program that "
        "runs (test_lower_nested_tuples)."
    ),
    ("TestClassType", "test_schema_human_readable"): (
        "It tests how the default text of an operator's schema is printed in an error; "
        "operators here are Python callables."
    ),
    ("TestMisc", "test_subexpression_List_Future"): _FUTURE.format("in a list"),
    ("TestMisc", "test_subexpression_Future_annotate"): _FUTURE.format("by annotation"),
    ("TestMisc", "test_future_isinstance"): _FUTURE.format("by isinstance"),
    ("TestMisc", "test_subexpression_Tuple_int_int_Future"): (
        _FUTURE.format("in a tuple")
    ),
    ("TestMisc", "test_subexpression_Dict_int_Future"): _FUTURE.format("in a dict"),
    ("TestMisc", "test_subexpression_Optional"): _FUTURE.format("that may be absent"),
    ("TestMisc", "test_hacked_twin"): (
        "It calls the overload of an operator that torch made for lists of tensors."
    ),
    ("TestMisc", "test_unsafe_hacked_twin"): (
        "It calls the unchecked overload of an operator that torch made for lists."
    ),
    ("TestMisc", "test_jit_get_operation_order"): (
        "It tests the order of overloads in torch's registry of operators."
    ),
    ("TestMisc", "test_parse_ir_single_element_tensor_positive"): (
        _LAYOUT.format("one element")
    ),
    ("TestMisc", "test_parse_ir_single_element_tensor_negative"): (
        _LAYOUT.format("one negative element")
    ),
    ("TestRecursiveScript", "test_init_error"): (
        "It forgets __init__ of nn.Module; a module is an instance of any class."
    ),
    ("TestRecursiveScript", "test_error_stack_annotation"): (
        "It compiles a class that an annotation names; annotations decide nothing."
    ),
    ("TestRecursiveScript", "test_prepare_scriptable_basic"): (
        _PREPARED.format("instead of a module")
    ),
    ("TestRecursiveScript", "test_prepare_scriptable_iterable_modules"): (
        _PREPARED.format("instead of those in containers")
    ),
    ("TestRecursiveScript", "test_prepare_scriptable_escape_hatch"): (
        _PREPARED.format("instead of one that can't be compiled")
    ),
    ("TestModuleContainers", "test_module_inplace_construct"): (
        "It puts the compiled object of one torch module into the wrapper of another."
    ),
    ("TestModuleInterface", "test_module_interface_subtype"): (
        _INTERFACE.format("the subtypes")
    ),
    ("TestModuleInterface", "test_module_interface_inheritance"): (
        _INTERFACE.format("that no class can inherit from one that is no part")
    ),
    ("TestModuleInterface", "test_module_swap_wrong_module"): (
        _INTERFACE.format("that a module of other types can't take the place of one")
    ),
    ("TestModuleInterface", "test_module_swap_no_lazy_compile"): (
        _INTERFACE.format("that methods nobody called are no part")
    ),
    ("TestModuleInterface", "test_freeze_module_with_interface"): (
        _FREEZE.format("behind an interface")
    ),
    ("TestModuleInterface", "test_freeze_module_with_setattr_in_interface"): (
        _FREEZE.format("that sets an attribute behind an interface")
    ),
    ("TestModuleInterface", "test_freeze_module_with_inplace_mutation_in_interface"): (
        _FREEZE.format("that writes into a tensor behind an interface")
    ),
    ("TestModuleInterface", "test_freeze_module_with_mutated_interface"): (
        _FREEZE.format("that replaces a submodule behind an interface")
    ),
    ("TestModuleInterface", "test_freeze_module_with_interface_and_fork"): (
        _FREEZE.format("that starts an asynchronous task")
    ),
    ("TestTypeSharing", "test_type_sharing_disabled"): (
        "It makes torch compile equal modules apart; who shares what is no part of "
        "what a program means."
    ),
    ("TestTypeSharing", "test_type_shared_ignored_attributes"): (
        "It declares attributes that torch leaves out of a module's type; here all "
        "static attributes are part of the key."
    ),
    ("TestTypeSharing", "test_type_not_shared_ignored_attributes"): (
        "It changes which attributes torch leaves out of a module's type; here all "
        "static attributes are part of the key."
    ),
    (
        "TestScriptModuleInstanceAttributeTypeAnnotation",
        "test_annotated_with_jit_attribute",
    ): "It tests torch.jit.Attribute, which pairs a value with a type.",
    (
        "TestScriptModuleInstanceAttributeTypeAnnotation",
        "test_annotated_class_level_jit_annotation",
    ): _ANNOTATED.format("an annotated class attribute"),
    (
        "TestScriptModuleInstanceAttributeTypeAnnotation",
        "test_annotated_with_jit_empty_list",
    ): _ANNOTATED.format("an empty List"),
    (
        "TestScriptModuleInstanceAttributeTypeAnnotation",
        "test_annotated_with_jit_empty_list_lowercase",
    ): _ANNOTATED.format("an empty list"),
    (
        "TestScriptModuleInstanceAttributeTypeAnnotation",
        "test_annotated_with_jit_empty_dict",
    ): _ANNOTATED.format("an empty Dict"),
    (
        "TestScriptModuleInstanceAttributeTypeAnnotation",
        "test_annotated_with_jit_empty_dict_lowercase",
    ): _ANNOTATED.format("an empty dict"),
    (
        "TestScriptModuleInstanceAttributeTypeAnnotation",
        "test_annotated_with_jit_empty_optional",
    ): _ANNOTATED.format("an absent value"),
    (
        "TestScriptModuleInstanceAttributeTypeAnnotation",
        "test_annotated_with_torch_jit_import",
    ): _ANNOTATED.format("a name that is imported from torch"),
    ("TestIgnoreContextManager", "test_with_ignore_context_manager_with_inp_out"): (
        "It runs a block in Python that gives numbers to it; what Python gives "
        "at run time is an array, from a function (test_python_op_exception)."
    ),
    ("TestIgnoreContextManager", "test_with_ignore_context_manager_with_just_out"): (
        "It runs a block in Python that gives a list to it; how long a list is "
        "has to be known while it is compiled."
    ),
    ("TestEnumFeatureGuard", "test_enum_comp_disabled"): (
        "It tests an environment variable that once enabled enums in torch."
    ),
    ("TestIsinstance", "test_tuple_no_contained_type"): (
        "It refuses Tuple without the types of its elements, as torch's own isinstance "
        "does; Python's accepts it (test_list_no_contained_type)."
    ),
    ("TestIsinstance", "test_dict_no_contained_type"): (
        "It refuses Dict without the types of its elements, as torch's own isinstance "
        "does; Python's accepts it (test_list_no_contained_type)."
    ),
    ("TestUnion", "test_union_as_annotation_py2"): (
        "It declares a type in a comment; annotations decide nothing here."
    ),
    ("TestUnion", "test_union_does_not_replace_existing_annotated_type_union"): (
        "It refuses an element that the annotation of a list does not name."
    ),
    (
        "TestUnion",
        "test_union_does_not_replace_existing_annotated_type_empty_container",
    ): "It refuses an element that the annotation of an empty list does not name.",
    ("TestUnion", "test_unions_of_unions_are_flattened"): _UNION.format(
        "nested unions"
    ),
    ("TestUnion", "test_unions_of_a_single_argument_vanish"): (
        _UNION.format("unions of one type")
    ),
    ("TestUnion", "test_union_redundant_arguments_are_skipped"): (
        _UNION.format("unions that name a type twice")
    ),
    ("TestUnion", "test_union_redundant_arguments_are_skipped_container"): (
        _UNION.format("unions that name a container twice")
    ),
    ("TestUnion", "test_union_argument_order_is_ignored"): (
        _UNION.format("unions in another order")
    ),
    ("TestUnion", "test_union_argument_order_is_ignored_container"): (
        _UNION.format("unions of containers in another order")
    ),
    ("TestBuiltins", "test_torch_check_invalid_args"): (
        "It tests arguments of torch._check; a check is an assert (test_torch_check)."
    ),
    ("TestSaveLoad", "test_different_interfaces"): (
        _INTERFACE.format("the names in files")
    ),
    ("TestPeephole", "test_peephole_cuda"): (
        "It tests that a pass keeps conversions of devices; where arrays are is no "
        "part of a graph."
    ),
    ("TestIfHoisting", "test_mutate_before"): (
        "It writes into a tensor before a value that both branches have; arrays are "
        "immutable."
    ),
    ("TestIfHoisting", "test_mutate_after"): (
        "It writes into a tensor after a value that both branches have; arrays are "
        "immutable."
    ),
    ("TestProperty", "test_inheritance_style"): (
        "It tests the base class from which compiled modules once had to derive."
    ),
    ("TestParametrization", "test_traceable"): (
        "It tests the cache of torch's parametrized modules while they are traced."
    ),
}
