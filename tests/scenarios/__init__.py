"""Scenarios: a host, questions, and what the kernel and the model both answer. `README.md` has the format."""
