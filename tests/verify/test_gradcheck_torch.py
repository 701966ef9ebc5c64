"""The recorded verdicts are those of the installed torch."""

import warnings

import pytest

from tests.verify.gradcheck_cases import CASES, PASS, WRONG

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", CASES)
def test_recorded_verdict(name: str) -> None:
    case = CASES[name]
    function = case.make(torch.autograd.Function, torch)
    inputs = []
    for array in case.inputs:
        tensor = torch.from_numpy(array.copy())
        floating = tensor.is_floating_point() or tensor.is_complex()
        inputs.append(tensor.requires_grad_(floating))
    run = torch.autograd.gradgradcheck if case.second else torch.autograd.gradcheck

    def check() -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return run(function.apply, tuple(inputs), **case.options)

    if case.torch == PASS:
        assert check() is True
        return
    gradcheck_error = torch.autograd.gradcheck.__globals__["GradcheckError"]
    error = gradcheck_error if case.torch.error == WRONG else case.torch.error
    with pytest.raises(error) as caught:
        check()
    assert case.torch.says in str(caught.value)
    assert isinstance(caught.value, gradcheck_error) == (case.torch.error == WRONG)
