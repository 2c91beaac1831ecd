"""`python -m gandash`: see `gandash.cli`."""

import sys

from gandash.cli import main

sys.exit(main())
