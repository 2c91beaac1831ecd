"""What the machine does to a training is told in a sentence, however torch says it."""

from __future__ import annotations

import pytest

from gandash.core.faults import of_the_machine


class OutOfMemoryError(RuntimeError):
    """As torch's."""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "The machine ran out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "The machine ran out of memory"),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried"), "The machine ran out of memory"),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), "The GPU ran out of memory"),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be"), "The GPU ran out of memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"), "The GPU ran out of memory"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"), "The GPU ran out of memory"),
        (RuntimeError("CUDA error: an illegal memory access was encountered\nmore"), "The GPU failed (CUDA error: an"),
        (RuntimeError("CUDA error: " + "x" * 5000), "The GPU failed (CUDA error: x"),
    ],
)
def test_it_is_told_what_to_do(error: Exception, told: str) -> None:
    sentence = of_the_machine(error)
    assert sentence is not None and sentence.startswith(told) and "\n" not in sentence and len(sentence) < 400
    assert "smaller" in sentence or "on the CPU" in sentence
    assert ("on the CPU" in sentence) == ("GPU" in told)


@pytest.mark.parametrize("error", [ValueError("out of memory"), RuntimeError("shapes differ"), KeyError("memory")])
def test_other_errors_are_not_the_machines(error: Exception) -> None:
    assert of_the_machine(error) is None
