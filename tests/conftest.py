"""Settings of all tests."""

import os

# Two tests' thread pools on two cores spend their time waiting for each other; a worker trains on one thread as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")
