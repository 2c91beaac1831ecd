"""What the browser shows: one script a page, and the parts that they are put together from."""

from pathlib import Path

# Whole paths, as Streamlit looks for others beside the app, and there is one in the package and one above it.
TRAIN = Path(__file__).with_name("train.py")
RUNS = Path(__file__).with_name("runs.py")
