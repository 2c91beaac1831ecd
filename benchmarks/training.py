"""Steps a second against the textbook's loop and against the bare products: ``python -m benchmarks.training``.

gandash, the script that it writes of the set-up (with `torch.nn.Dropout` in place of its own dropout, which draws what
gandash draws) and the products alone take turns in rounds; the table shows the medians of ratios
taken within a round. Prints a table and writes ``benchmarks/results/training.json``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from benchmarks.common import RESULTS, machine, table
from gandash.core.bench import GANDASH, MEASURING, PRODUCTS, TEXTBOOK, compare
from gandash.core.config import RunConfig
from gandash.core.objectives import OBJECTIVES

SIZES: dict[str, dict[str, Any]] = {
    "textbook": {},
    "64-64": {"generator_widths": (64, 64), "discriminator_widths": (64, 64)},
    "512-512": {"generator_widths": (512, 512), "discriminator_widths": (512, 512)},
    "1024-1024": {"generator_widths": (1024, 1024), "discriminator_widths": (1024, 1024)},
}


def cases(quick: bool, device: str = "cpu") -> Iterator[tuple[str, int, RunConfig]]:
    """Title, threads and config of everything that is compared; what a GPU does needs no second thread."""
    for threads in (1,) if quick or device != "cpu" else (1, 2):
        for dropout in (0.3, 0.0):
            yield f"textbook, dropout {dropout:g}", threads, RunConfig(dropout=dropout)
    if quick:
        return
    for size, widths in SIZES.items():
        for dropout in (0.3, 0.0):
            for batch in (128, 1024):
                if (size, batch) != ("textbook", 128):
                    yield (
                        f"{size}, dropout {dropout:g}, batch {batch}",
                        1,
                        RunConfig(dropout=dropout, batch_size=batch, **widths),
                    )
    for objective in OBJECTIVES:
        yield f"{objective}, its own defaults", 1, RunConfig.model_validate({"objective": objective})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu", help="where to train (default cpu)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each candidate in each round (default 1)")
    parser.add_argument("--quick", action="store_true", help="the textbook's set-up on one thread alone")
    parser.add_argument(
        "--match", default="", help="only set-ups whose title has this in it; the others stay as they are"
    )
    options = parser.parse_args(arguments)
    rows, results = [], []
    for title, threads, config in cases(options.quick, options.device):
        if options.match not in title:
            continue
        torch.set_num_threads(threads)
        found = compare(config.model_copy(update={"device": options.device}), options.rounds, options.seconds)
        result = {
            "case": title,
            "threads": threads,
            "steps_per_second": {name: round(found.rate(name), 1) for name in found.rates},
            "times_the_plain_loop": round(found.ratio(GANDASH, TEXTBOOK), 2),
            "share_of_products": round(found.ratio(GANDASH, PRODUCTS), 3) if PRODUCTS in found.rates else None,
        }
        results.append(result)
        share = result["share_of_products"]
        rows.append(
            [
                title,
                str(threads),
                *(f"{found.rate(name):,.0f}" for name in (GANDASH, MEASURING, TEXTBOOK)),
                f"{result['times_the_plain_loop']:.2f}",
                "" if share is None else f"{share:.0%}",
            ]
        )
        print(" | ".join(rows[-1]), flush=True)
    header = ["set-up", "threads", "steps a second", "measuring", "plain loop", "times", "share of the products' speed"]
    print("\n" + table(header, rows))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / ("training.json" if options.device == "cpu" else f"training-{options.device}.json")
    if options.match and path.exists():
        fresh = {(result["case"], result["threads"]): result for result in results}
        before = json.loads(path.read_text(encoding="utf-8"))["cases"]
        results = [fresh.get((result["case"], result["threads"]), result) for result in before]
    gpu = {"gpu": torch.cuda.get_device_name()} if options.device == "cuda" else {}
    report = {"machine": machine() | gpu, "rounds": options.rounds, "seconds": options.seconds, "cases": results}
    if not options.quick:
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
