"""How a script has a table as its target: it reads the file, holds out the same rows, and learns standardised numbers.

The config knows no rows, so the script is given the table as a CSV file with a header, commas and decimal points.
"""

from __future__ import annotations

from string import Template

from gandash.core.targets.table import TableSpec

_READ = Template('''\
TABLE = sys.argv[1] if len(sys.argv) > 1 else $FILE
COLUMNS = (
    $X,
    $Y,
)
HELD_OUT = $COUNT  # rows that training never sees


def read_rows(path):
    """The rows with a finite number in both columns, of a CSV file with a header."""
    rows = []
    with open(path, newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        if not set(COLUMNS) <= set(table.fieldnames or ()):
            raise SystemExit(f"{path} needs a header with the columns {' and '.join(COLUMNS)}")
        for row in table:
            try:
                rows.append([float(row[name]) for name in COLUMNS])
            except (TypeError, ValueError):  # a value is missing
                continue
    rows = np.array(rows).reshape(-1, 2)
    return rows[np.isfinite(rows).all(axis=1)]


rows = read_rows(TABLE)
order = np.random.default_rng(
    0x$HASH  # what the table holds decides which rows are held out
).permutation(len(rows))
training = rows[order[HELD_OUT:]]


def draw(n, rng):
    chosen = rng.choice(len(training), n, replace=n > len(training))
    return training[chosen].astype(np.float32)


# what the networks learn is $WHAT, shifted and scaled to mean 0 and standard deviation 1
SHIFT, SCALE = np.array($SHIFTS), np.array($SCALES)


def learnt(points):
    numbers = points.astype(np.float64)
$LOG    return ((numbers - SHIFT) / SCALE).astype(np.float32)
''')


def read_function(spec: TableSpec) -> str:
    """The source of ``draw(n, rng)`` and of ``learnt(points)``, which standardises."""
    target = spec.make()
    output = target.output
    return _READ.substitute(
        FILE=f'"{target.name}.csv"',
        X=ascii(spec.columns[0]),  # whatever the file calls them, as Python's own literals
        Y=ascii(spec.columns[1]),
        COUNT=spec.held_out,
        HASH=spec.hash,
        WHAT="each column, in part its logarithm" if output.exponential else "each column",
        SHIFTS=list(output.shift),
        SCALES=list(output.scale),
        LOG="".join(f"    numbers[:, {axis}] = np.log(numbers[:, {axis}])\n" for axis in output.exponential),
    )
