"""The catalogue of faults: root causes from practice, and how each is judged."""
