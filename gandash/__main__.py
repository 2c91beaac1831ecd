"""`python -m gandash`."""

import io
import sys

from gandash.cli import main

for stream in (sys.stdout, sys.stderr):
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")  # a terminal that knows no "²" must not end a run

sys.exit(main())
