"""The path: the steps of a trace as rows."""
