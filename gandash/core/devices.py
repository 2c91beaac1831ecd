"""Which machine part trains: what there is, and what `auto` means."""

from __future__ import annotations

import torch

from gandash.core.config import Device


def available_devices() -> tuple[str, ...]:
    """The devices of this machine, the CPU first; a GPU counts once torch can use it."""
    found = ["cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(found)


def resolve_device(device: Device) -> torch.device:
    """The device to train on; raises `ValueError` for hardware that is not there."""
    available = available_devices()
    if device == "auto":
        return torch.device("cuda" if "cuda" in available else "cpu")
    if device not in available:
        raise ValueError(f"Device {device!r} is not on this machine: choose auto or one of {', '.join(available)}.")
    return torch.device(device)
