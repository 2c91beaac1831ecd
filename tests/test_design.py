"""The rooms of the house: who may import whom, and what must stay without torch."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RULES = {
    "gandash/core": {"streamlit", "plotly", "gandash.runs", "gandash.charts", "gandash.pages", "gandash.cli"},
    "gandash/runs": {"streamlit", "plotly", "gandash.charts", "gandash.pages", "gandash.cli"},
    "gandash/charts": {"torch", "gandash.pages", "gandash.cli"},
    "gandash/pages": {"torch", "gandash.cli"},
    "app.py": {"torch", "gandash.core", "gandash.runs", "gandash.charts"},
}
ALONE = {"gandash/charts/figures.py": {"streamlit"}}
NO_TORCH = [
    "gandash",
    "gandash.core.config",
    "gandash.core.presets",
    "gandash.core.records",
    "gandash.core.shapes",
    "gandash.core.metrics",
    "gandash.runs.service",
    "gandash.runs.snapshot",
    "gandash.runs.store",
    "gandash.runs.worker",
    "gandash.runs.executors",
    "gandash.charts.figures",
    "gandash.charts.live",
    "gandash.cli",
]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("place", [*RULES, *ALONE])
def test_imports_respect_the_rooms(place: str) -> None:
    root = ROOT / place
    files = [root] if root.is_file() else sorted(root.rglob("*.py"))
    assert files
    forbidden = {**RULES, **ALONE}[place]
    for path in files:
        broken = {name for name in imports(path) for no in forbidden if name == no or name.startswith(no + ".")}
        assert not broken, f"{path.relative_to(ROOT)} imports {', '.join(sorted(broken))}"


@pytest.mark.parametrize("place", ["gandash", "app.py", "benchmarks"])
def test_nothing_untrusted_is_unpickled_or_evaluated(place: str) -> None:
    root = ROOT / place
    for path in [root] if root.is_file() else root.rglob("*.py"):
        assert not {"pickle", "dill", "marshal", "shelve"} & set(imports(path)), path
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in {"eval", "exec", "torch.jit.load"}, f"{path}:{node.lineno}"
                if called == "torch.load":
                    assert any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords), path


@pytest.mark.parametrize("module", NO_TORCH)
def test_the_server_side_loads_no_torch(module: str) -> None:
    script = f"import sys, {module}; print([name for name in ('torch', 'sklearn') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names() -> None:
    import gandash

    assert dir(gandash) == ["PRESETS", "RunConfig", "SHAPES", "Trainer"]
    for name in dir(gandash):
        assert getattr(gandash, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        gandash.nothing  # noqa: B018
