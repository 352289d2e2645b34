import subprocess

import pytest


@pytest.fixture
def run_in_bash():
    """Runs a line in bash and gives what it printed."""
    return lambda line: subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout.decode()
