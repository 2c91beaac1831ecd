"""The live path: what changed of a run, encoded once and sent to all who watch it."""
