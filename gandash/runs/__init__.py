"""The life of a run: started, paused, stepped, resumed, stopped and deleted, in worker processes, kept in a file."""
