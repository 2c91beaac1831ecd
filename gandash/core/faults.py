"""What the machine may do to a training, in words: too little memory, a GPU that fails. No torch here."""

from __future__ import annotations

import re

from gandash.core.problems import cut, one_line

_MEMORY = re.compile("(allocate|not enough|out of) memory|ALLOC_FAILED", re.IGNORECASE)
_GPU = re.compile("CUDA|CUBLAS|HIP|MPS")


def want_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was too little memory, the GPU's or the machine's, in whatever way."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and bool(_MEMORY.search(str(error))))


def of_the_machine(error: BaseException) -> str | None:
    """What went wrong and what to do if the machine is to blame for an error, None if it is not."""
    text = str(error)
    if want_of_memory(error):
        less = "take smaller networks, a smaller batch or fewer points"
        if _GPU.search(text):
            return f"The GPU ran out of memory: {less}, or train on the CPU."
        return f"The machine ran out of memory: {less}."
    if isinstance(error, RuntimeError) and text.startswith("CUDA error"):
        why = cut(one_line(text.partition("\n")[0]), 200)
        return f"The GPU failed ({why}): try again, or train on the CPU."
    return None
