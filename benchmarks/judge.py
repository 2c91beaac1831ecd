"""What the judge sees, on every built-in shape and on twenty real tables: faults that are known, at several sizes.

    python -m benchmarks.judge [--quick] [--sizes 500,8000] [--subjects circle heart]

Prints a table and writes it to ``benchmarks/judge.md``, the raw results to ``benchmarks/results/judge.json``. The judge
sees a fault where its two-sample test tells the samples apart, another metric where it says worse than of any real
sample that was tried. Tables are split at random anew for every try. What the file holds already with as many tries is
not made again, so the report can be made in pieces.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, in_processes, rounded, save, table
from benchmarks.real_tables import TABLES
from gandash.core.judge import JUDGE_VERSION, PAIRS, Copying, Floats, Ruler, gap, spread_of
from gandash.core.metrics import energy_distance, precision_recall_density_coverage, sliced_wasserstein
from gandash.core.targets.shapes import SHAPES
from gandash.core.verdict import LEVEL, PERMUTATIONS, Mixture, compare, p_value

SIZES = (60, 200, 500, 2000, 8000)
PAIR = 500
"""Points on which gap and other metrics are taken, or as many as a table has."""
OTHERS = 32
BETTER = {
    "sw_ratio": -1,
    "coverage": 1,
    "precision": 1,
    "recall": 1,
    "density": 0,
    "energy_distance": -1,
    "earlier": -1,
}
"""Whether a metric of before should be high, low, or neither."""
GROUPS = ("curve", "closed line", "mixture", "area", "table")
FRESH, BLUR = "fresh real rows", "blur 5 %"
"""Tried three times as often as the rest."""
ONE_MODE = "one mode of 25 gone"
COPIES = "copies"
PLAIN = 8.0
"""Standard deviations of permutations above their mean: what is beyond is told apart, whichever are permuted."""

Fault = Callable[[Floats, Floats, np.random.Generator], Floats]
Draw = Callable[[int, np.random.Generator], Floats]


def _blurred(share: float) -> Fault:
    return lambda points, spread, rng: points + share * spread * rng.standard_normal(points.shape)


def _without(points: Floats, spread: Floats, rng: np.random.Generator) -> Floats:
    """The tenth with the lowest x is missing."""
    return points[points[:, 0].argsort(kind="stable")][len(points) // 10 :]


def _doubled(points: Floats, spread: Floats, rng: np.random.Generator) -> Floats:
    """The tenth with the highest x comes twice as often: of the others as many as that takes are left out."""
    order = points[:, 0].argsort(kind="stable")
    half = len(points) // 2
    lower, upper = order[: len(order) * 9 // 10], order[len(order) * 9 // 10 :]
    kept = np.concatenate((rng.permutation(lower)[: half * 9 // 11], rng.permutation(upper)[: half * 2 // 11]))
    doubled: Floats = points[kept]
    return doubled


def _beyond(points: Floats, spread: Floats, rng: np.random.Generator) -> Floats:
    """One in twenty lies beyond the highest x, up to half a spread."""
    moved = points.copy()
    some = points[:, 0].argsort(kind="stable")[-(len(points) // 20) :]
    moved[some, 0] = points[:, 0].max() + 0.5 * spread[0] * rng.random(len(some))
    return moved


def _one_mode_gone(points: Floats, spread: Floats, rng: np.random.Generator) -> Floats:
    modes = SHAPES["grid25"].modes
    assert modes is not None
    near = ((points[:, None] - modes) ** 2).sum(axis=2).argmin(axis=1)
    left: Floats = points[near != 7]
    return left


FAULTS: Mapping[str, Fault] = {
    FRESH: lambda points, spread, rng: points,
    "blur 0.5 %": _blurred(0.005),
    "blur 2 %": _blurred(0.02),
    BLUR: _blurred(0.05),
    "blur 20 %": _blurred(0.2),
    "a tenth missing": _without,
    "a tenth doubled": _doubled,
    "shift of 2 %": lambda points, spread, rng: points + 0.02 * spread,
    "x beyond the ends": _beyond,
    ONE_MODE: _one_mode_gone,
}
ROOM = 2.2
"""Points that are drawn for one of a faulty sample, since some faults leave some out."""


def examine(name: str, size: int, tries: int, faults: Sequence[str]) -> list[dict[str, Any]]:
    """These faults of a shape or a table at a size; nothing where that has too few rows."""
    kind, draw, count = subject(name)
    sizes = [each for each in SIZES if each <= PAIR and (1 + ROOM) * each <= count]
    if (1 + ROOM) * size > count:
        return []
    measured = size == max(sizes)  # all faults, since those metrics are held against what they say of fresh rows
    if list(faults) == [COPIES] and not measured:
        return []
    every = measured and list(faults) != [COPIES]
    return _at(name, kind, draw, size, tries, list(FAULTS) if every else faults, measured)


def subject(name: str) -> tuple[str, Draw, float]:
    """A shape's or table's kind, what draws so many of its points, and how many there are."""
    if name in SHAPES:
        shape = SHAPES[name]
        return shape.kind, lambda n, rng: shape.sample(n, rng).astype(np.float64), np.inf
    rows = TABLES[name]()
    return "table", lambda n, rng: rows[rng.permutation(len(rows))[:n]], len(rows)


def _at(
    name: str, kind: str, draw: Draw, size: int, tries: int, faults: Sequence[str], with_metrics: bool
) -> list[dict[str, Any]]:
    rng = np.random.default_rng((len(name), size))
    spread = spread_of(draw(20_000, rng))
    if with_metrics:
        ruler = Ruler([draw(size, rng) for _ in range(PAIRS)], [draw(size, rng) for _ in range(OTHERS)])
    chance: list[tuple[float, float]] = []
    first = draw(2 * size, rng) / spread
    for _ in compare(lambda: Mixture(first[:size], first[size:], 1), chance, PERMUTATIONS):
        pass
    usual: dict[str, list[float]] = defaultdict(list)
    found = []
    for fault, distort in FAULTS.items():
        if fault not in faults or (fault == ONE_MODE and name != "grid25"):
            continue
        count = 3 * tries if fault in (FRESH, BLUR) else tries
        told = 0
        gaps: list[float] = []
        seen: dict[str, int] = defaultdict(int)
        for _ in range(count):
            drawn = draw(size + int(ROOM * size), rng)
            real, fake = drawn[:size], distort(drawn[size:], spread, rng)
            fake = fake[rng.permutation(len(fake))[:size]]
            told += _told_apart(real / spread, fake / spread, chance)
            if not with_metrics:
                continue
            if len(fake) == size:
                gaps.append(gap([ruler.pair(fake, len(gaps))]))
            values = _metrics(real / spread, fake / spread)
            for metric, better in BETTER.items():
                value = abs(values[metric] - 1) if not better else -better * values[metric]
                if fault == FRESH:
                    usual[metric].append(value)
                seen[metric] += value > max(usual[metric])
        record = {"subject": name, "kind": kind, "size": size, "fault": fault, "tries": count, "told_apart": told}
        if with_metrics:
            record |= {"gap": rounded({"mean": float(np.mean(gaps))})["mean"], "seen": dict(seen)}
        found.append(record)
    if with_metrics:
        many = [_copies(draw(3 * size, rng), spread, rng) for _ in range(tries)]
        means = {key: float(np.mean([each[key] for each in many])) for key in many[0]}
        found.append({"subject": name, "kind": kind, "size": size, "fault": COPIES, **rounded(means)})
    return found


def _copies(drawn: Floats, spread: Floats, rng: np.random.Generator) -> dict[str, float]:
    """What copying says of fair rows, of the same blurred by 0.1 %, of copies as blurred, and how many rows repeat."""
    rows, held_out, fair = np.split(drawn, 3)
    size = len(rows)
    blur = 1e-3 * spread
    copied = rows[rng.integers(size, size=size)] + blur * rng.standard_normal((size, 2))
    blurred = fair + blur * rng.standard_normal((size, 2))
    near = Copying(rows, held_out)
    return {
        "repeats": float((rows[:, None] == held_out).all(axis=2).any(axis=0).mean()),
        "fair": near.share(fair),
        "copied": near.share(copied),
        "fair_blurred": near.share(blurred),
    }


def _told_apart(real: Floats, fake: Floats, chance: list[tuple[float, float]]) -> bool:
    """By the permutations of real samples, and, where those say so of what is doubtful, by its own."""
    mixture = Mixture(real[: len(fake)], fake, 1)
    observed = mixture.observed()
    if (np.subtract(observed, np.mean(chance[1:], axis=0)) > PLAIN * np.std(chance[1:], axis=0)).any():
        return True
    value = p_value([observed, *chance[1:]])
    if value > 3 * LEVEL:
        return False
    return p_value([observed, *(mixture.permuted(index) for index in range(1, PERMUTATIONS + 1))]) <= LEVEL


def _metrics(real: Floats, fake: Floats) -> dict[str, float]:
    """The metrics of before, of which the earlier gap was made; the distance without its floor, which is the same."""
    near = precision_recall_density_coverage(real, fake)
    distance = sliced_wasserstein(real, fake)
    return {
        "sw_ratio": distance,
        "coverage": near.coverage,
        "precision": near.precision,
        "recall": near.recall,
        "density": near.density,
        "energy_distance": energy_distance(real, fake),
        "earlier": distance / min(1.0, max(near.coverage, 1 / len(real)) / 0.969),
    }


def report(found: Sequence[Mapping[str, Any]]) -> str:
    """What is seen how often, in per cent, by kind of data; and how often each metric of before sees it."""
    sizes = sorted({each["size"] for each in found})
    rows, before = [], []
    for fault in FAULTS:
        for kind in GROUPS:
            cells = [_share(found, fault, kind, size) for size in sizes]
            if any(cells):
                gaps = [
                    each["gap"] for each in found if (each["fault"], each["kind"]) == (fault, kind) and "gap" in each
                ]
                rows.append(
                    [fault, kind, *(cell or "–" for cell in cells), f"{100 * np.mean(gaps):.0f} %" if gaps else "–"]
                )
        those = [each for each in found if each["fault"] == fault and "seen" in each]
        tries = sum(each["tries"] for each in those)
        told = sum(each["told_apart"] for each in those)
        shares = [sum(each["seen"][metric] for each in those) for metric in BETTER]
        before.append([fault, *(f"{100 * share / tries:.0f}" for share in (told, *shares))])
    return "\n\n".join(
        (
            *_promises(found, sizes),
            f"Told apart, in per cent of tries, by points of each kind; the gap is of {PAIR:,} points or fewer.",
            table(["fault", "data", *(f"{size:,}" for size in sizes), "gap"], rows),
            f"Seen by the judge and by each metric of before, in per cent of tries, at {PAIR:,} points or fewer "
            "(the others say worse than of any of some dozen real samples, so by chance once in a dozen):",
            table(["fault", "judge", *BETTER], before),
            *_copying_told(found),
        )
    )


def _promises(found: Sequence[Mapping[str, Any]], sizes: Sequence[int]) -> tuple[str, ...]:
    """What the judge has to keep: how often it tells real from real, and what it sees of a blur of 5 % of each line."""
    rows = []
    for size in sizes:
        those = [each for each in found if (each["fault"], each["size"]) == (FRESH, size)]
        told, tries = (sum(each[key] for each in those) for key in ("told_apart", "tries"))
        worst = max(those, key=lambda each: each["told_apart"] / each["tries"])
        share = f"{100 * told / tries:.1f} %"
        named = f"{worst['told_apart']} of {worst['tries']} ({worst['subject']})" if worst["told_apart"] else "–"
        rows.append([f"{size:,}", str(len(those)), f"{told} of {tries:,}", share, named])
    lines = []
    for kind in ("curve", "closed line", "mixture"):
        for name in dict.fromkeys(each["subject"] for each in found if each["kind"] == kind):
            seen = {
                each["size"]: f"{each['told_apart']} of {each['tries']}"
                for each in found
                if (each["subject"], each["fault"]) == (name, BLUR)
            }
            lines.append([name, kind, *(seen.get(size, "–") for size in sizes)])
    return (
        "Real against real, told apart (at most 5 of 100 are allowed):",
        table(["points", "shapes and tables", "told apart", "share", "the worst single one"], rows),
        "A blur of 5 % of the spread, seen:",
        table(["shape", "kind", *(f"{size:,}" for size in sizes)], lines),
        "Two circles are lines with noise of 0.03 around them, which a blur of 5 %, 0.028, makes wider by a third and "
        "does not blur from nothing; their recipe is that of areas, too.",
    )


def _copying_told(found: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What copying says of shapes, in a line, and of tables, the more of which repeats the further down."""
    known = [each for each in found if each["fault"] == COPIES and "repeats" in each]
    shapes = [each for each in known if each["kind"] != "table"]
    keys = ("repeats", "fair", "fair_blurred", "copied")
    rows = [
        [each["subject"], *(f"{each[key]:.2f}" for key in keys)]
        for each in sorted(known, key=lambda each: float(each["repeats"]))
        if each["kind"] == "table"
    ]
    said = " and ".join(
        f"{min(each[key] for each in shapes):.2f} to {max(each[key] for each in shapes):.2f} of {what}"
        for key, what in (("fair", "fair samples"), ("copied", "copies of the rows, blurred by 0.1 %"))
        if shapes
    )
    return (
        "Copying: 0.5 is fair, 1 is nothing but copies. "
        f"Of built-in shapes it says {said or 'nothing yet'}. Of tables, by the share of held-out rows "
        "that are training rows as well:",
        table(["table", "repeats", "fair", "fair, blurred", "copies, blurred"], rows),
        "Copies say 1 less half of what repeats, since nothing tells a copy from a row that repeats. Numbers of a "
        "column that repeats are first rounded to the nearest that the training has.",
    )


def _share(found: Sequence[Mapping[str, Any]], fault: str, kind: str, size: int) -> str:
    those = [each for each in found if (each["fault"], each["kind"], each["size"]) == (fault, kind, size)]
    tries = sum(each["tries"] for each in those)
    return f"{100 * sum(each['told_apart'] for each in those) / tries:.0f}" if tries else ""


def held() -> list[dict[str, Any]]:
    """What the file of results has of this judge."""
    file = RESULTS / "judge.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    found: list[dict[str, Any]] = known.get("found", []) if known.get("judge") == JUDGE_VERSION else []
    return found


def _key(record: Mapping[str, Any]) -> tuple[str, int, str]:
    return record["subject"], record["size"], record["fault"]


def _sizes(text: str) -> list[int]:
    chosen = [int(part) for part in text.split(",") if part.strip().isdigit()]
    if not chosen or min(chosen) < SIZES[0]:
        raise argparse.ArgumentTypeError(f"give numbers of points from {SIZES[0]} on, such as 500,2000")
    return chosen


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the report, or the part of it that is missing."""
    names = (*SHAPES, *TABLES)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer tries and points: two minutes on a core")
    parser.add_argument("--tries", type=int, help="of each fault; three times as many of two (10, or 4 if quick)")
    parser.add_argument(
        "--sizes", type=_sizes, help=f"points of each kind (default: {SIZES}, without the last if quick)"
    )
    parser.add_argument("--subjects", nargs="+", choices=names, default=names, metavar="NAME", help="default: all")
    parser.add_argument("--faults", nargs="+", choices=[*FAULTS, COPIES], default=list(FAULTS), metavar="FAULT")
    parser.add_argument("--workers", type=int, default=2, help="subjects at once (default 2)")
    options = parser.parse_args(arguments)
    tries = options.tries or (4 if options.quick else 10)
    sizes = options.sizes or (SIZES[:-1] if options.quick else SIZES)
    found = held()
    made = {
        _key(each) for each in found if each.get("tries", 0) >= (3 * tries if each["fault"] in (FRESH, BLUR) else tries)
    }
    jobs = []
    for name, size in ((name, size) for size in sizes for name in options.subjects):
        faults = [each for each in options.faults if (name, size, each) not in made]
        if [each for each in faults if each != ONE_MODE or name == "grid25"]:
            jobs.append((name, size, tries, faults))
    for new in in_processes(examine, jobs, options.workers):
        if not new:
            continue
        keys = {_key(each) for each in new}
        found = [each for each in found if _key(each) not in keys] + new
        found.sort(key=lambda each: (names.index(each["subject"]), each["size"]))
        save("judge", judge=JUDGE_VERSION, found=found)
        print(new[0]["subject"], new[0]["size"], flush=True)
    text = report(found)
    print(text)
    Path(__file__).with_suffix(".md").write_text(f"# What the judge sees\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
