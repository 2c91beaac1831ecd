"""The rooms: who may import whom, and who starts without torch."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SERVER_SIDE = (
    "gandash",
    "gandash.admin",
    "gandash.cli",
    "gandash.core.config",
    "gandash.core.cost",
    "gandash.core.formats",
    "gandash.core.link",
    "gandash.core.metrics",
    "gandash.core.objectives",
    "gandash.core.presets",
    "gandash.core.problems",
    "gandash.core.records",
    "gandash.core.rows",
    "gandash.core.setup_file",
    "gandash.core.standalone",
    "gandash.core.tables",
    "gandash.core.targets.shapes",
    "gandash.core.targets.table",
    "gandash.core.views",
    "gandash.core.fork",
    "gandash.live.assets",
    "gandash.live.hub",
    "gandash.live.messages",
    "gandash.live.routes",
    "gandash.portable",
    "gandash.runs.executors",
    "gandash.runs.library",
    "gandash.runs.run",
    "gandash.runs.sending",
    "gandash.runs.service",
    "gandash.runs.settings",
    "gandash.runs.snapshot",
    "gandash.runs.store",
    "gandash.runs.worker",
)
TORCH_FREE_CORE = (
    "best",
    "config",
    "cost",
    "diagram",
    "formats",
    "health",
    "link",
    "metrics",
    "presets",
    "problems",
    "records",
    "rows",
    "setup_file",
)
INTERFACE = ("streamlit", "plotly")


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    """A module's file name without its ending, to tell which rule is for it."""
    return path.stem


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path, *, at_import_only: bool = False) -> frozenset[str]:
    """The dotted names that a module imports, those for the type checker alone left out.

    `at_import_only` leaves out imports inside functions too.
    """
    package = path.relative_to(ROOT).parent.parts
    return frozenset(_imports(tree(path), package=package, skip_functions=at_import_only))


def _imports(node: ast.AST, package: tuple[str, ...], skip_functions: bool) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=module, names=names, level=level):
            parent = ".".join(package[: len(package) - level + 1]) if level else ""
            base = ".".join(part for part in (parent, module or "") if part)
            yield base
            yield from (f"{base}.{alias.name}" for alias in names)
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"), orelse=orelse):
            for statement in orelse:
                yield from _imports(statement, package, skip_functions)
        case ast.FunctionDef() | ast.AsyncFunctionDef() if skip_functions:
            return
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _imports(child, package, skip_functions)


def offenders(paths: list[Path], *forbidden: str, at_import_only: bool = False) -> list[str]:
    """Each import of something forbidden, as "file: name"; fails if there is nothing to look at."""
    assert paths, "the rule looks at no file"
    return [
        f"{path.relative_to(ROOT)}: {name}"
        for path in paths
        for name in sorted(imports(path, at_import_only=at_import_only))
        if any(name == root or name.startswith(f"{root}.") for root in forbidden)
    ]


def test_the_reader_of_imports_sees_what_it_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    (tmp_path / "pack").mkdir()
    source = tmp_path / "pack" / "module.py"
    source.write_text(
        "from typing import TYPE_CHECKING\nimport numpy.linalg\nfrom . import near\nfrom .near import thing\n"
        "if TYPE_CHECKING:\n    import torch\nelse:\n    import json\n"
        "def late():\n    from plotly import io\n"
    )
    early = {"typing", "typing.TYPE_CHECKING", "numpy.linalg", "pack", "pack.near", "pack.near.thing", "json"}
    assert imports(source, at_import_only=True) == early
    assert imports(source) == early | {"plotly", "plotly.io"}


def test_the_core_knows_no_run_no_chart_and_no_page() -> None:
    upstairs = ("gandash.runs", "gandash.charts", "gandash.pages", "gandash.cli", "gandash.headless")
    assert offenders(modules("gandash/core"), *INTERFACE, *upstairs) == []


def test_the_first_half_of_the_core_knows_no_torch() -> None:
    paths = [ROOT / "gandash" / "core" / f"{name}.py" for name in TORCH_FREE_CORE]
    paths += modules("gandash/core/targets") + modules("gandash/core/standalone") + modules("gandash/core/tables")
    assert offenders(paths, "torch", "gandash.core.trainer", "gandash.core.networks") == []
    late = [ROOT / "gandash" / "core" / f"{name}.py" for name in ("fork", "objectives")]
    assert offenders(late, "torch", "gandash.core.trainer", at_import_only=True) == []  # what they do may need it


def test_targets_know_nothing_of_configs_and_load_heavy_libraries_when_asked() -> None:
    paths = modules("gandash/core/targets")
    assert offenders(paths, "gandash.core.config", "gandash.core.presets", "gandash.core.link") == []
    assert offenders(paths, "scipy", "sklearn", "ot", "gandash.core.metrics", at_import_only=True) == []


LIST_SHAPES = {
    "gandash/cli.py",  # prints the list
    "gandash/core/config.py",  # names the choices of a knob
    "gandash/core/presets.py",  # a recipe for each
    "gandash/pages/gallery.py",  # a picture of each
}
"""Who may read the registry of built-in shapes; everybody else has a target and asks it."""


def outside_targets() -> list[Path]:
    return [path for path in [ROOT / "app.py", *modules("gandash")] if path.parent.name != "targets"]


def test_whoever_wants_to_know_the_data_asks_the_target() -> None:
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in outside_targets()
        if "gandash.core.targets.shapes.SHAPES" in imports(path)
    }
    assert readers == LIST_SHAPES


def test_nobody_asks_whether_a_target_is_a_curve() -> None:
    """A shape's own fields are for its own module: whether there is a curve, where it lies, which modes there are."""
    asked = [
        f"{path.relative_to(ROOT)}:{node.lineno}: .{node.attr}"
        for path in outside_targets()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"curve", "modes", "x_range", "mode_std"}
    ]
    assert asked == []


def test_what_a_server_holds_begins_and_ends_with_it() -> None:
    """In the lifespan: a hook at exit comes too late, and a cache of resources can be cleared by any visitor."""
    paths = [ROOT / "app.py", *modules("gandash")]
    assert offenders(paths, "atexit", "streamlit.cache_resource") == []
    cached = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in paths
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "cache_resource"
    ]
    assert cached == []


def test_runs_know_no_chart_and_no_page() -> None:
    assert offenders(modules("gandash/runs"), *INTERFACE, "gandash.charts", "gandash.pages", "gandash.cli") == []


def test_only_the_worker_may_ever_import_torch_among_the_runs() -> None:
    paths = [path for path in modules("gandash/runs") if name_of(path) != "worker"]
    assert offenders(paths, "torch", "gandash.core.trainer") == []
    assert offenders(modules("gandash/runs"), "torch", "gandash.core.trainer", at_import_only=True) == []


def test_a_runs_states_know_no_clock_no_lock_no_engine_and_no_store() -> None:
    neighbours = ("executors", "library", "service", "settings", "store")
    forbidden = ("time", "threading", "concurrent", "sqlite3", *(f"gandash.runs.{name}" for name in neighbours))
    assert offenders([ROOT / "gandash/runs/run.py"], *forbidden) == []


def test_the_stream_knows_runs_and_neither_page_nor_chart() -> None:
    paths = modules("gandash/live")
    upstairs = ("gandash.pages", "gandash.charts", "gandash.cli")
    assert offenders(paths, "torch", "plotly", "gandash.core.trainer", *upstairs) == []
    assert offenders([path for path in paths if name_of(path) != "base"], "streamlit") == []
    assert offenders(modules("gandash/runs"), "gandash.live", "starlette") == []


def test_charts_know_no_page_no_torch_and_streamlit_in_live_alone() -> None:
    paths = modules("gandash/charts")
    assert offenders(paths, "torch", "gandash.pages", "gandash.core.trainer") == []
    assert offenders([path for path in paths if name_of(path) != "live"], "streamlit") == []


def test_pages_know_no_torch() -> None:
    paths = [ROOT / "app.py", *modules("gandash/dashboard"), *modules("gandash/pages")]
    assert offenders(paths, "torch", "gandash.core.trainer", "gandash.core.networks", "gandash.core.devices") == []


def test_the_command_line_imports_torch_inside_functions_alone() -> None:
    paths = [path for path in modules("gandash") if path.parent.name == "gandash"]
    assert offenders(paths, *INTERFACE, "gandash.pages") == []
    drawn = offenders(paths, "gandash.charts")  # pictures and films without a browser are for all
    assert [name for name in drawn if not re.search(r"gandash\.charts\.(picture|film)", name)] == []
    assert offenders(paths, "torch", "gandash.core.trainer", at_import_only=True) == []


def test_importing_loads_no_torch() -> None:
    """Each module by itself: what another one has imported of gandash is forgotten before."""
    code = """if True:
        import importlib, sys
        for module in sys.argv[1:]:
            for known in [name for name in sys.modules if name.partition(".")[0] == "gandash"]:
                del sys.modules[known]
            importlib.import_module(module)
            assert module in sys.modules and "torch" not in sys.modules, module
    """
    done = subprocess.run([sys.executable, "-c", code, *SERVER_SIDE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_public_names_are_there() -> None:
    import gandash

    assert set(gandash.__all__) == {
        *("PATTERNS", "PRESETS", "SHAPES", "RunConfig", "Target", "Trainer"),
        *("int_to_onehot", "onehot_encoder", "onehot_to_int"),
    }
    for name in gandash.__all__:
        assert getattr(gandash, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Generator'"):
        _ = gandash.Generator
