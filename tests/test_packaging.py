"""What `pip install .` brings: the whole package, its dependencies, the command, and an app of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import gandash

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """The wheel that is built from this working tree."""
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "gandash", source / "gandash", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "requirements.txt"):
        shutil.copy(ROOT / name, source)
    build = "from setuptools.build_meta import build_wheel; build_wheel('.')"
    done = subprocess.run([sys.executable, "-c", build], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = source.glob("*.whl")
    return zipfile.Path(path)


def text(wheel: zipfile.Path, name: str) -> str:
    """A file of the wheel's own description of itself."""
    return (wheel / f"gandash-{gandash.__version__}.dist-info" / name).read_text(encoding="utf-8")


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.Path) -> None:
    held = {name for name in wheel.root.namelist() if not name.endswith("/") and ".dist-info/" not in name}
    files = (path for path in (ROOT / "gandash").rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert held == {path.relative_to(ROOT).as_posix() for path in files}
    assert {Path(name).suffix for name in held} >= {".py", ".css", ".js", ".svg", ".toml"}


def test_the_wheel_asks_for_what_the_requirements_ask_for(wheel: zipfile.Path) -> None:
    asked = [line.removeprefix("Requires-Dist: ") for line in text(wheel, "METADATA").splitlines() if "-Dist: " in line]
    needed = [requirement for requirement in asked if "extra ==" not in requirement]
    assert needed == (ROOT / "requirements.txt").read_text().split()
    assert all("==" in requirement for requirement in needed)
    assert [each for each in asked if each not in needed] == ['onnx>=1.20; extra == "onnx"']


def test_the_wheel_brings_the_command(wheel: zipfile.Path) -> None:
    assert "gandash = gandash.__main__:start" in text(wheel, "entry_points.txt")


@pytest.mark.parametrize("name", ["app.py", ".streamlit/config.toml"])
def test_the_package_carries_the_same_app(name: str) -> None:
    own, top = ROOT / "gandash" / "dashboard" / name, ROOT / name
    assert own.read_bytes() == top.read_bytes(), f"they are one file in two places: cp {name} gandash/dashboard/{name}"
