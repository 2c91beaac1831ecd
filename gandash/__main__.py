"""`python -m gandash`, and `gandash` once it is installed."""

import io
import sys

from gandash.cli import main


def start() -> int:
    """Do what the command line says and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no "²" must not end a run
    return main()


if __name__ == "__main__":
    sys.exit(start())
