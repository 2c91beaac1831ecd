"""What the browser shows: one script a page, and the parts that they are put together from."""

from pathlib import Path

NAVIGATION = Path(__file__).with_name("navigation.py")
TRAIN = Path(__file__).with_name("train.py")
RUNS = Path(__file__).with_name("runs.py")
EXPLORE = Path(__file__).with_name("explore.py")
