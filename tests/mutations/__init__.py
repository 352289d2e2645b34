"""Files as strangers send them: recordings and Compose files, mutated at random, and everything asked of them.

`python -m tests.mutations snapshots --cases 100000` (or compose; `make mutations`) runs many; the tests run a few
on a fresh seed. Whatever the file, a command gives an answer or one line that refuses it: anything else is a defect.
"""
