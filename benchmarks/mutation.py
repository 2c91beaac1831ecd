"""Would the tests notice? Small faults, one at a time, in the mathematics of a step.

``python -m benchmarks.mutation`` takes a fixed sample of places in each module, makes one of cosmic-ray's mutations at
each (another operator, a number off by one, a condition turned round) in a temporary copy of the tree, and runs the
module's own tests there. (mutmut wraps functions, which `torch.jit.script` cannot read.) A mutant that no test fails
has survived. Survivors that change nothing anybody could see are explained in ``benchmarks/mutation.md``; the command
fails if more than 3 % of all mutants survive unexplained. Two workers need less than an hour on two cores.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from difflib import ndiff
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXPLAINED = Path(__file__).with_suffix(".md")
TESTS: Mapping[str, tuple[str, ...]] = {
    "adam": ("test_adam",),
    "early_stopping": ("test_early_stopping",),
    "schedules": ("test_schedules",),
    "objectives": ("test_objectives",),
    "networks": ("test_networks",),
    "backprop": ("test_backprop",),
    "game": ("test_game", "test_knobs"),
}
"""The tests in ``tests/core`` that answer for each module of ``gandash/core``."""
SEED = 8
PLACES = 50
"""Places a module, at most."""
ALLOWED = 0.03

Place = tuple[int, int]
"""A line, from 1, and a column, from 0."""


@dataclass(frozen=True)
class Mutant:
    """A module's source with one fault; `before` and `after` are the line that differs."""

    module: str
    line: int
    before: str
    after: str
    source: str

    @property
    def path(self) -> Path:
        """Where the module is, from the root."""
        return Path("gandash", "core", f"{self.module}.py")


@dataclass(frozen=True)
class Trial:
    """What the module's tests said to a mutant: an exit code of pytest, or None if they did not end in time."""

    mutant: Mutant
    code: int | None
    seconds: float

    @property
    def survived(self) -> bool:
        """Whether no test failed."""
        return self.code == 0


def mutants(module: str, places: int) -> list[Mutant]:
    """One mutant at each of a sample of places, the same sample each time."""
    from cosmic_ray.mutating import mutate_code

    source = (ROOT / "gandash" / "core" / f"{module}.py").read_text(encoding="utf-8")
    rng = random.Random(f"{SEED} {module}")
    found: list[Mutant] = []
    candidates = list(_mutations(source).items())
    for _, choices in rng.sample(candidates, len(candidates)):
        operator, occurrence = rng.choice(choices)
        mutated = mutate_code(source, operator, occurrence)
        if mutated is None or not _compiles(mutated):
            continue
        changed = [
            line for line in ndiff(source.splitlines(), mutated.splitlines()) if line[0] in "-+" and line[2:].strip()
        ]
        before = next((line[2:].strip() for line in changed if line[0] == "-"), "")
        after = next((line[2:].strip() for line in changed if line[0] == "+"), "")
        number = next(
            i
            for i, pair in enumerate(zip(source.split("\n"), mutated.split("\n"), strict=False), 1)
            if pair[0] != pair[1]
        )
        found.append(Mutant(module, number, before, after, mutated))
        if len(found) == places:
            break
    return found


def _mutations(source: str) -> dict[Place, list[tuple[object, int]]]:
    """At each place that counts, the mutations that cosmic-ray has for it: an operator and which of its occurrences."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    nodes, silent = list(ast_nodes(get_ast(source))), list(_silent(ast.parse(source)))
    found = defaultdict(list)
    for name in operator_names():
        kind = get_operator(name)
        if kind.arguments():
            continue
        operator = kind()
        starts = (start for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, start in enumerate(starts):
            if not any(first <= start < last for first, last in silent):
                found[start].append((operator, occurrence))
    return dict(sorted(found.items()))


def _silent(tree: ast.AST) -> Iterator[tuple[Place, Place]]:
    """Where a mutation says nothing of the mathematics: annotations, what is for the type checker, `dataclass`."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(annotation=ast.expr() as part) | ast.AnnAssign(annotation=part):
                yield _extent(part)
            case ast.FunctionDef(returns=returns, decorator_list=_) if returns is not None:
                yield _extent(returns)
            case ast.Assert() | ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield _extent(node)
            case ast.ClassDef(decorator_list=decorators):
                for decorator in decorators:
                    start, end = _extent(decorator)
                    yield (start[0], 0), end


def _extent(node: ast.expr | ast.stmt) -> tuple[Place, Place]:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def _settle(room: str) -> None:
    """Make a worker's own copy of the tree and load what every mutant needs, so that each is tried in a fork."""
    tree = Path(room, str(os.getpid()))
    leave = shutil.ignore_patterns(".*", "__pycache__", "data", "results", "venv", "*.egg-info")
    shutil.copytree(ROOT, tree, ignore=leave)
    os.chdir(tree)
    sys.path[:] = [path for path in sys.path if path and Path(path).resolve() != ROOT]
    sys.dont_write_bytecode = True
    import pydantic  # noqa: F401
    import pytest  # noqa: F401
    import scipy.stats  # noqa: F401
    import torch.optim  # noqa: F401


def _try(mutant: Mutant, limit: float) -> Trial:
    """Run the module's tests on a mutant, at most `limit` seconds."""
    import pytest

    tests = [f"tests/core/{name}.py" for name in TESTS[mutant.module]]
    original = mutant.path.read_text(encoding="utf-8")
    mutant.path.write_text(mutant.source, encoding="utf-8")
    start = time.perf_counter()
    try:
        child = os.fork()  # from a worker that has loaded torch already
        if not child:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            failed = 1  # whatever happens, the child must not come back into the worker's own code
            try:
                failed = pytest.main([*tests, "-x", "-q", "-n", "0", "-p", "no:cacheprovider"])
            finally:
                os._exit(failed)
        code = _wait(child, start + limit)
    finally:
        mutant.path.write_text(original, encoding="utf-8")
    return Trial(mutant, code, time.perf_counter() - start)


def _wait(child: int, deadline: float) -> int | None:
    """A child's exit code, negative for a signal; None if it had to be ended at the deadline."""
    while time.perf_counter() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return None


def run(modules: Sequence[str], places: int, workers: int) -> list[Trial]:
    """Try every mutant of the sample; fails if a module's tests do not pass without a fault."""
    trials: list[Trial] = []
    os.environ["OMP_NUM_THREADS"] = "1"
    with (
        tempfile.TemporaryDirectory(prefix="gandash-mutation-") as room,
        ProcessPoolExecutor(workers, get_context("spawn"), _settle, (room,)) as pool,
    ):
        for module in modules:
            source = (ROOT / "gandash" / "core" / f"{module}.py").read_text(encoding="utf-8")
            sound = pool.submit(_try, Mutant(module, 0, "", "", source), 600).result()
            if sound.code != 0:
                raise SystemExit(f"{module}: its tests fail without any fault (exit code {sound.code})")
            limit = 20 + 5 * sound.seconds
            sample = mutants(module, places)
            print(f"{module}: {len(sample)} mutants, {sound.seconds:.0f} s for one that survives", flush=True)
            for done in as_completed([pool.submit(_try, mutant, limit) for mutant in sample]):
                trial = done.result()
                trials.append(trial)
                if trial.survived:
                    mutant = trial.mutant
                    print(f"  survived, line {mutant.line}:\n    - {mutant.before}\n    + {mutant.after}", flush=True)
    return trials


def report(trials: Sequence[Trial]) -> float:
    """Print a line a module and every survivor that is not explained; return their share."""
    text = EXPLAINED.read_text(encoding="utf-8") if EXPLAINED.exists() else ""
    survivors = [trial.mutant for trial in trials if trial.survived]
    puzzling = [mutant for mutant in survivors if f"`{mutant.before}` → `{mutant.after}`" not in text]
    row = "{:<16}{:>9}{:>9}{:>10}{:>13}{:>10}"
    print(row.format("module", "mutants", "noticed", "survived", "unexplained", "minutes"))
    for module in dict.fromkeys(trial.mutant.module for trial in trials):
        own = [trial for trial in trials if trial.mutant.module == module]
        left = sum(trial.survived for trial in own)
        odd = sum(mutant.module == module for mutant in puzzling)
        minutes = sum(trial.seconds for trial in own) / 60
        print(row.format(module, len(own), len(own) - left, left, odd, f"{minutes:.1f}"))
    share = len(puzzling) / len(trials)
    print(f"\n{len(trials)} mutants, {len(survivors)} survived, {len(puzzling)} of them unexplained: {share:.1%}")
    for mutant in puzzling:
        print(f"- `{mutant.module}` `{mutant.before}` → `{mutant.after}`")
    return share


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mutation", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("modules", nargs="*", choices=[*TESTS, []], help="modules of gandash/core; all by default")
    parser.add_argument("--places", type=int, default=PLACES, help="places a module, at most (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: %(default)s)")
    options = parser.parse_args()
    raise SystemExit(report(run(options.modules or list(TESTS), options.places, options.workers)) > ALLOWED)


if __name__ == "__main__":
    main()
