"""The command line: `gandash` opens the dashboard; `gandash train`, `code`, `runs`, `shapes`, ... do without.

This module turns words into a checked `RunConfig` and knows no torch, so help, lists and refusals come at once;
`gandash.headless` trains, `gandash.admin` looks after saved runs, `gandash.core.bench` measures. Every knob of
`RunConfig` is an option by itself.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import runpy
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Never

from pydantic import ValidationError

from gandash import __version__, admin, typed_data, typed_formula
from gandash.core.config import KNOBS, MOST_EPOCHS, NO_WIDTHS, Group, Knob, RunConfig, explain
from gandash.core.fork import child_config
from gandash.core.formats import FORMATS
from gandash.core.objectives import OBJECTIVES
from gandash.core.presets import PRESET_TITLES, PRESETS, RECIPES
from gandash.core.problems import cut, one_line
from gandash.core.setup_file import MOST_BYTES, read_config
from gandash.core.standalone import script
from gandash.core.targets import TargetSpec
from gandash.core.targets.shapes import SHAPES
from gandash.headless import (
    Exit,
    FailedError,
    RefusedError,
    Request,
    checked_target,
    faults_told,
    free,
    run,
    write_atomically,
)
from gandash.lineage import Parent, find
from gandash.usual_names import advice

GROUP_TITLES: dict[Group, str] = {
    "data": "data",
    "networks": "networks",
    "objective": "objective",
    "training": "training",
    "stopping": "stopping and measuring",
    "device": "machine",
}
AVERAGE = {"average": "ema"}
"""What a generator is called, and what the code calls it."""
METAVARS = {"target": "NAME", "choice": "NAME", "int": "N", "float": "X", "widths": "N,N,..."}
DASHBOARD = Path(__file__).parent / "dashboard" / "app.py"
MOST_SAMPLES = 1_000_000
MOST_THREADS = 256
MOST_ROUNDS = 1000
MOST_PORT = 65_535
LONGEST_ERROR = 2000
"""Bytes that are told of what went wrong."""

TRAIN_TEXT = """\
Train a GAN on a shape and save its generator as TorchScript.

Later sources win: the defaults (the textbook's recipe), then --preset, then --config, then the options of single knobs.
A new --objective brings what its paper recommends for the knobs that have such defaults, unless you set them too.
Ctrl-C stops cleanly and saves what has been trained so far.
"""
TRAIN_END = """\
exit status: 0 done; 1 failed; 2 refused, nothing was trained; 3 the run diverged, the last healthy generator is saved;
130 stopped by Ctrl-C, what was trained is saved.

example: {command} train --shape exponential --epochs 200 --seed 0 --out exponential.pt --json history.json
"""
DASHBOARD_TEXT = """\
Serve the dashboard on this machine and open it in a browser; Ctrl-C ends it. It is what comes without a command, too.

Streamlit's settings work as environment variables, such as STREAMLIT_SERVER_ADDRESS=127.0.0.1.
"""
RUNS_TEXT = """\
Look after the saved runs, as the one who runs the server: list, stop, delete, undelete or export them.

A server that is there does what is asked for, within about 2 s; without one the saved runs themselves are changed.
Everybody's runs can be controlled from here. GANDASH_HOME says where they are saved.
"""
RUNS_END = """\
exit status: 0 done; 1 failed, such as a server that does not obey; 2 refused, nothing was changed.

example: {command} runs stop 0123456789
"""
RUN_ACTIONS = {
    "list": "list the runs, the newest first; it is what comes without an action, too",
    "stop": "end a run for good; its generators stay",
    "delete": "put a run out of sight; for an hour at least it can be brought back",
    "undelete": "bring a deleted run back",
    "export": "save a generator of a run, as `export` does",
}
SAMPLE_TEXT = """\
Draw points from a generator's file of your own: portable (.zip), ONNX, TorchScript (.pt) or torch.export (.pt2).

The same seed gives the points that the dashboard gives. A .pt or .pt2 file is a program: loading it runs what is in it,
so that takes --trust. Without --csv and --plot the points are printed as CSV.
"""
SAMPLE_END = """\
example: {command} sample exponential.zip -n 1000 --seed 0 --csv points.csv --plot points.png
"""
EXPORT_TEXT = """\
Save a generator of a run, as the run was saved last, in one of the formats, and say how it is loaded.
"""
EXPORT_END = """\
example: {command} export 0123456789 --format portable --which best --out best.zip
"""
CODE_TEXT = """\
Write a set-up as one readable PyTorch file, which trains as gandash does and needs nothing of it.

The set-up is made as that of `train`: the defaults, then --preset, then --config, then the options of single knobs.
"""
CODE_END = """\
example: {command} code --preset textbook-exponential -o exponential.py
"""
BENCH_TEXT = (
    "Train the textbook's set-up and the best preset of the 25 Gaussians, gandash and its own script (with "
    "torch's dropout) taking turns, and print steps a second. Takes about half a minute."
)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help texts that do not break names such as wgan-gp at their hyphens."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(text, width, break_on_hyphens=False)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Never:
        raise RefusedError(f"{message[:1].upper()}{message[1:]}".rstrip(".") + ".")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say and return the exit status; what goes wrong is one line on standard error."""
    try:
        return _dispatch(list(sys.argv[1:] if argv is None else argv))
    except RefusedError as error:
        return _error(str(error), Exit.REFUSED)
    except FailedError as error:
        return _error(str(error), Exit.FAILED)
    except KeyboardInterrupt:
        return _error("interrupted before everything was saved.", Exit.INTERRUPTED)
    except Exception as error:
        if os.environ.get("GANDASH_DEBUG"):
            raise
        reason = f"{type(error).__name__}: {error}"[:300]
        return _error(f"unexpected {reason} (set GANDASH_DEBUG=1 to see where)", Exit.FAILED)


def _error(message: str, status: Exit) -> int:
    print("Error:", cut(one_line(message), LONGEST_ERROR), file=sys.stderr)
    return status


def _dispatch(argv: list[str]) -> int:
    parser, commands = _parsers()
    argv = argv or ["dashboard"]
    if not argv[0].startswith("-") and argv[0] not in commands:
        raise RefusedError(f"There is no command {argv[0]!r}.{_hint(argv[0], commands)}")
    if argv[0] == "runs" and argv[1:] and not argv[1].startswith("-") and argv[1] not in RUN_ACTIONS:
        raise RefusedError(f"There is no command 'runs {argv[1][:100]}'.{_hint(argv[1], RUN_ACTIONS)}")
    given, unknown = parser.parse_known_args(_joined(argv))
    if unknown:
        raise RefusedError(_unknown(unknown[0], given.parser or commands.get(argv[0], parser)))
    typed_formula.take(given)
    typed_data.take(given)
    match given.command:
        case "shapes":
            print(_table((shape.name, shape.title, shape.kind, shape.formula) for shape in SHAPES.values()))
        case "presets":
            print(_table((name, PRESET_TITLES[name], _recipe(preset)) for name, preset in PRESETS.items()))
        case "runs":
            _runs(given)
        case "export":
            _export(given)
        case "sample":
            _sample(given)
        case "bench":
            _bench(given)
        case "code":
            _code(given)
        case "dashboard":
            _dashboard(given)
        case _:
            return run(_request(given))
    return Exit.DONE


def _dashboard(given: argparse.Namespace) -> None:
    """Serve the dashboard until Ctrl-C: this process becomes Streamlit's."""
    port = [] if given.port is None else [f"--server.port={_count('--port', given.port, MOST_PORT)}"]
    sys.argv = ["streamlit", "run", str(DASHBOARD), *port]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def _runs(given: argparse.Namespace) -> None:
    match given.action:
        case "stop":
            print(admin.stop(given.run))
        case "delete":
            print(admin.delete(given.run))
        case "undelete":
            print(admin.undelete(given.run))
        case "export":
            _export(given)
        case _:
            try:
                print(_table(admin.listing()))
            except admin.NoRunsError as none:  # that is an answer, too
                print(none)


def _export(given: argparse.Namespace) -> None:
    which = AVERAGE.get(given.which, given.which)
    admin.export(given.run, which, None if given.out is None else Path(given.out), given.format)


def _sample(given: argparse.Namespace) -> None:
    count = _count("-n", given.n, MOST_SAMPLES)
    seed = _seed(given.seed)
    path = Path(given.file)
    written = {"--csv": given.csv, "--plot": given.plot}
    files = {option: checked_target(option, Path(name)) for option, name in written.items() if name is not None}
    if len(set(files.values())) < len(files):
        raise RefusedError(f"--csv and --plot are the same file, {given.csv}: give two names.")
    for option, place in files.items():
        if place == path.resolve():
            raise RefusedError(f"{option} {given.file} would overwrite the generator: give another name.")
    from gandash import sampling

    try:
        with faults_told():
            generator = sampling.opened(path, trusted=given.trust)
            points = generator.sample(count, seed)
    except ValueError as error:
        raise RefusedError(f"{given.file} {error}") from error
    target = generator.target
    table = target.csv(points)
    if not files:
        print(table.decode(), end="")
        return
    described = f"{target.title}{f', {generator.note}' if generator.note else ''}"
    if "--csv" in files:
        _written(files["--csv"], given.csv, table)
        print(f"Saved {count:,} points of {described} to {given.csv}.")
    if "--plot" in files:
        from gandash.charts.picture import picture

        drawn = picture(points, target, note=generator.note, theme=given.theme, scale=2)
        _written(files["--plot"], given.plot, drawn)
        print(
            f"Saved their picture to {given.plot}."
            if "--csv" in files
            else f"Saved a picture of {described} to {given.plot}."
        )


def _written(path: Path, name: str, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise FailedError(f"{name} could not be written: {error.strerror or error}.") from error


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text[:30]) >= 2**63:
        raise RefusedError(f"--seed: {text[:100]!r} was given; it must be a whole number from 0 to 2^63 - 1.")
    return int(text)


def _bench(given: argparse.Namespace) -> None:
    rounds = _count("--rounds", given.rounds, MOST_ROUNDS)
    threads = _count("--threads", given.threads, MOST_THREADS)
    from gandash.core import bench

    try:
        bench.report(given.device, rounds, threads)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _code(given: argparse.Namespace) -> None:
    config = _config(given, {name: value for name, value in vars(given).items() if name in KNOBS})
    path = None if given.out is None else checked_target("--out", Path(given.out))
    try:
        text = script(config)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    if path is None:
        print(text, end="")
        return
    _written(path, given.out, text.encode())
    print(f"Saved the script as {given.out}: it needs torch, numpy and matplotlib.")


def _parsers() -> tuple[_Parser, dict[str, _Parser]]:
    command = _command()
    parser = _Parser(
        prog=command,
        description="Train GANs on 2-D shapes and patterns of numbers. Without a command the dashboard opens.",
        allow_abbrev=False,
    )
    parser.set_defaults(parser=None)
    parser.add_argument("--version", action="version", version=f"gandash {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    dashboard = subparsers.add_parser(
        "dashboard", help="open the dashboard", description=DASHBOARD_TEXT, formatter_class=_Help, allow_abbrev=False
    )
    dashboard.add_argument("--port", metavar="N", help=f"where to serve, 1 to {MOST_PORT}; default: 8501 or the next")
    train = subparsers.add_parser(
        "train",
        help="train a GAN on a shape or a pattern of numbers and save its generator",
        description=TRAIN_TEXT,
        epilog=TRAIN_END.format(command=command),
        formatter_class=_Help,
        allow_abbrev=False,
        usage=f"{command} train [options]",
    )
    _add_files(train)
    _add_knobs(train)
    code = subparsers.add_parser(
        "code",
        help="write a set-up as one PyTorch script",
        description=CODE_TEXT,
        epilog=CODE_END.format(command=command),
        formatter_class=_Help,
        allow_abbrev=False,
        usage=f"{command} code [options]",
    )
    written = code.add_argument_group("file and recipe")
    _add_recipe(written)
    written.add_argument("-o", "--out", metavar="FILE", help="where the script goes; default: it is printed")
    _add_knobs(code)
    runs = subparsers.add_parser(
        "runs",
        help="list, stop, delete or export saved runs",
        description=RUNS_TEXT,
        epilog=RUNS_END.format(command=command),
        formatter_class=_Help,
        allow_abbrev=False,
    )
    _add_actions(runs)
    export = subparsers.add_parser(
        "export",
        help="save a generator of a saved run in any format",
        description=EXPORT_TEXT,
        epilog=EXPORT_END.format(command=command),
        formatter_class=_Help,
        allow_abbrev=False,
    )
    _add_run(export)
    _add_export(export)
    sample = subparsers.add_parser(
        "sample",
        help="draw points from a generator's file",
        description=SAMPLE_TEXT,
        epilog=SAMPLE_END.format(command=command),
        formatter_class=_Help,
        allow_abbrev=False,
    )
    _add_sample(sample)
    shapes = subparsers.add_parser("shapes", help="list the shapes", description="List the shapes.")
    presets = subparsers.add_parser("presets", help="list the presets", description="List the presets.")
    bench = subparsers.add_parser("bench", help="measure how fast this machine trains", description=BENCH_TEXT)
    bench.add_argument("--device", choices=KNOBS["device"].choices, default="auto", help="where to train; default auto")
    bench.add_argument("--rounds", metavar="N", default="5", help=f"rounds, 1 to {MOST_ROUNDS}; default 5")
    bench.add_argument("--threads", metavar="N", default="1", help=f"CPU threads, 1 to {MOST_THREADS}; default 1")
    return parser, {
        "dashboard": dashboard,
        "train": train,
        "code": code,
        "runs": runs,
        "export": export,
        "sample": sample,
        "shapes": shapes,
        "presets": presets,
        "bench": bench,
    }


def _command() -> str:
    """How gandash was called."""
    return "gandash" if Path(sys.argv[0]).stem == "gandash" else "python -m gandash"


def _add_actions(runs: _Parser) -> None:
    actions = runs.add_subparsers(dest="action", metavar="ACTION", parser_class=_Parser)
    for name, text in RUN_ACTIONS.items():
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        action.set_defaults(parser=action)
        if name != "list":
            _add_run(action)
        if name == "export":
            _add_export(action)


def _add_run(parser: _Parser) -> None:
    parser.add_argument("run", metavar="ID", help="the run's id, as `runs` and the dashboard's address show it")


def _add_sample(parser: _Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="the generator, as the dashboard or `export` saved it")
    parser.add_argument("-n", metavar="N", default="1000", help=f"how many points, 1 to {MOST_SAMPLES:,}; default 1000")
    parser.add_argument("--seed", metavar="N", default="0", help="of the noise; default 0")
    parser.add_argument("--csv", metavar="FILE", help="write the points as CSV, in the target's own units")
    parser.add_argument("--plot", metavar="FILE", help="write a picture of them over real points, as PNG")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="the picture's; default light")
    parser.add_argument("--trust", action="store_true", help="run the program that a .pt or .pt2 file is")


def _add_export(parser: _Parser) -> None:
    parser.add_argument(
        "--format", choices=tuple(FORMATS), default="torchscript", help="the file's format; default: torchscript"
    )
    parser.add_argument(
        "--which",
        choices=("latest", "ema", "best", "average"),
        help="the generator; default: ema (the running average, also called average) if the run keeps one, else latest",
    )
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="where it goes; default: the shape's name with the format's ending, numbered from 2 on if taken",
    )


def _add_files(train: _Parser) -> None:
    group = train.add_argument_group("files and recipe")
    _add_recipe(group)
    group.add_argument(
        "--from",
        dest="parent",
        metavar="RUN|FILE",
        help="train on from a saved run, named by its id, or from a file that --checkpoint wrote; it stays as it is. "
        "--epochs are those to come, the real points and the networks cannot be changed",
    )
    group.add_argument(
        "--out",
        metavar="FILE",
        help="where the generator goes; default: the shape's name with .pt, with --from the first of -2.pt, -3.pt, ... "
        "that is free",
    )
    group.add_argument(
        "--which",
        choices=("latest", "ema", "best"),
        help="the generator to save; default: ema (the running average) if --ema-decay is above 0, else latest",
    )
    group.add_argument("--json", metavar="FILE", help="write config, epoch records and the end of the run as JSON")
    group.add_argument("--checkpoint", metavar="FILE", help="write all that --from needs to train on later")
    group.add_argument("--csv", metavar="FILE", help="write generated points as CSV, in the shape's own units")
    group.add_argument("--samples", metavar="N", help=f"points in that CSV, 1 to {MOST_SAMPLES:,}; default 2000")
    group.add_argument(
        "--film", metavar="FILE", help="write the run as a film: an animated .gif, or an .html page that plays anywhere"
    )
    group.add_argument(
        "--pictures",
        nargs=2,
        metavar=("N", "FOLDER"),
        help="write the picture of every N-th epoch there, as p25.png, p50.png, ...; the folder is made",
    )
    group.add_argument(
        "--threads",
        metavar="N",
        default="1",
        help=f"CPU threads, 1 to {MOST_THREADS}; default 1, as in the dashboard. More pay off for wide networks only, "
        "and change the last bits of the results",
    )


def _add_recipe(group: argparse._ArgumentGroup) -> None:
    """What a set-up starts from."""
    group.add_argument(
        "--preset",
        metavar="NAME",
        help=f"start from a preset; `{_command()} presets` lists them. "
        "textbook, quick and best are recipes for any target",
    )
    group.add_argument(
        "--config",
        metavar="FILE",
        help="start from the set-up in a config or a history (.json) or a generator (.pt) that gandash saved",
    )


def _add_knobs(train: _Parser) -> None:
    groups = {name: train.add_argument_group(title) for name, title in GROUP_TITLES.items()}
    typed_formula.add_options(groups["data"])
    typed_data.add_options(groups["data"])
    for knob in KNOBS.values():
        shared: dict[str, Any] = {"dest": knob.name, "default": argparse.SUPPRESS, "help": _help(knob)}
        option = "--shape" if knob.kind == "target" else "--" + knob.name.replace("_", "-")
        if knob.kind == "bool":
            groups[knob.group].add_argument(option, action=argparse.BooleanOptionalAction, **shared)
        else:
            groups[knob.group].add_argument(option, metavar=METAVARS[knob.kind], **shared)


def _help(knob: Knob) -> str:
    allowed = "" if knob.kind == "bool" else f"{knob.allowed} {knob.unit}".rstrip() + "; "
    others = [
        f"{_typed(objective.defaults[knob.name])} for {name}"
        for name, objective in OBJECTIVES.items()
        if knob.name in objective.defaults
    ]
    text = f"{knob.help} ({allowed}default {', '.join([_typed(knob.default), *others])})"
    return text.replace("%", "%%")


def _typed(value: object) -> str:
    """A knob's value as one types it."""
    match value:
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case tuple():
            return ",".join(map(str, value)) or NO_WIDTHS
        case _:
            return str(value)


def _joined(argv: list[str]) -> list[str]:
    """The arguments with dashes in the options' names, and with numbers such as -1e-3 bound to their options."""
    joined: list[str] = []
    for argument in typed_formula.joined(argv):
        if joined and joined[-1].startswith("--") and "=" not in joined[-1] and _negative(argument):
            joined[-1] += f"={argument}"
        elif argument.startswith("--"):
            name, equals, value = argument.partition("=")
            joined.append(name.replace("_", "-") + equals + value)
        else:
            joined.append(argument)
    return joined


def _negative(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.startswith("-")


def _unknown(argument: str, parser: _Parser) -> str:
    if not argument.startswith("-"):
        return f"{argument!r} is one word too many: every value follows its option, such as --shape ring8."
    name = argument.partition("=")[0]
    known = [option for option in parser._option_string_actions if option.startswith("--") and option != "--help"]
    instead = advice(name)
    if instead and set(re.findall(r"--[a-z][a-z0-9-]*", instead)) <= set(known):  # not for those of another command
        return f"There is no option {name}: {instead}."
    return f"There is no option {name}.{_hint(name, known)}"


def _hint(word: str, known: Iterable[str]) -> str:
    bare = {name.lstrip("-"): name for name in known}
    close = difflib.get_close_matches(word.lstrip("-")[:100], bare, n=1)
    if close:
        return f" Did you mean {bare[close[0]]}?"
    return f" Choose one of {', '.join(bare.values())}." if 0 < len(bare) < 30 else " --help lists what there is."


def _request(given: argparse.Namespace) -> Request:
    if given.samples is not None and given.csv is None:
        raise RefusedError("--samples says how many points go into a CSV: add --csv FILE.")
    parent = None if given.parent is None else _parent(given)
    changes = {name: value for name, value in vars(given).items() if name in KNOBS}
    if parent is not None and "data_file" in given and _is_of(parent, changes["target"]):
        del changes["target"]  # it has only brought the rows
    config = _config(given, changes) if parent is None else _child(parent, changes)
    files = {
        "--data": Path(given.data_file) if "data_file" in given else None,
        "--config": None if given.config is None else Path(given.config),
        "--from": None if parent is None else parent.file,
    }
    return Request(
        config=config,
        parent=parent,
        changes=changes,
        sources={option: path for option, path in files.items() if path is not None},
        model=free(f"{config.shape}.pt", taken=parent is not None) if given.out is None else Path(given.out),
        which=given.which,
        history=None if given.json is None else Path(given.json),
        checkpoint=None if given.checkpoint is None else Path(given.checkpoint),
        samples=None if given.csv is None else Path(given.csv),
        sample_count=2000 if given.samples is None else _count("--samples", given.samples, MOST_SAMPLES),
        threads=_count("--threads", given.threads, MOST_THREADS),
        film=None if given.film is None else Path(given.film),
        pictures=None if given.pictures is None else Path(given.pictures[1]),
        pictures_every=25 if given.pictures is None else _count("--pictures", given.pictures[0], MOST_EPOCHS),
    )


def _parent(given: argparse.Namespace) -> Parent:
    for option in ("preset", "config"):
        if getattr(given, option) is not None:
            raise RefusedError(f"--from goes on with its own set-up: leave out --{option} and give single knobs.")
    try:
        return find(given.parent)
    except ValueError as error:
        raise RefusedError(f"--from {error}") from error


def _is_of(parent: Parent, given: TargetSpec) -> bool:
    """Whether the rows that are given are those that a parent learns."""
    learnt = parent.config.target
    if learnt.rows_hash != given.rows_hash:
        raise RefusedError(
            f"--data gives other rows than those that {parent.name} learns: give its own, in the same order and with "
            "the same columns."
        )
    return True


def _child(parent: Parent, changes: Mapping[str, Any]) -> RunConfig:
    try:
        return child_config(parent.config, changes)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _config(given: argparse.Namespace, options: Mapping[str, Any]) -> RunConfig:
    values: dict[str, Any] = {}
    saved = {} if given.config is None else _read(given.config).model_dump(exclude_unset=True)
    if given.preset is not None:
        values |= _preset(given.preset, {**saved, **options}.get("target", KNOBS["target"].default))
    values |= saved
    if "objective" in options and options["objective"] != values.get("objective", KNOBS["objective"].default):
        recommended = {name for objective in OBJECTIVES.values() for name in objective.defaults}
        values = {name: value for name, value in values.items() if name not in recommended}
    try:
        return RunConfig.model_validate(values | dict(options))
    except ValidationError as error:
        raise RefusedError(" ".join(explain(error))) from error


def _preset(name: str, target: Any) -> dict[str, Any]:
    """What a preset says; a recipe's name alone means the one for this target."""
    if name not in RECIPES and name not in PRESETS:
        raise RefusedError(f"There is no preset {name!r}.{_hint(name, [*RECIPES, *PRESETS])}")
    try:
        preset = RECIPES[name](RunConfig(target=target).target) if name in RECIPES else PRESETS[name]
    except ValidationError as error:
        raise RefusedError(" ".join(explain(error))) from error
    return preset.model_dump(exclude_unset=True)


def _read(path: str) -> RunConfig:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        return read_config(f"--config {path}", data)
    except OSError as error:
        raise RefusedError(f"--config {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _count(option: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:20]) <= most:
        raise RefusedError(f"{option}: {text!r} was given; it must be a whole number from 1 to {most:,}.")
    return int(text)


def _recipe(preset: RunConfig) -> str:
    return f"{preset.objective}, up to {preset.epochs:,} epochs of {preset.points:,} points, batch {preset.batch_size}"


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows as text columns."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
