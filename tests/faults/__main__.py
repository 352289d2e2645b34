"""`python -m tests.faults [NAME…]`, as root: judges the faults that have hosts of their own, and prints the table.

Docker, Podman and scenarios judge the rest; their tests run by `make test`. `--page` writes docs/faults.md instead.
Exit codes: 0 all of it right, 1 something is wrong, 2 no such fault.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.faults import page, table
from tests.faults.catalogue import Fault, read_catalogue
from tests.faults.stage import Judgement, judge

#: Hosts that stand side by side: most of the time is waiting for clients to give up.
AT_ONCE = 4


def judge_all(faults: Sequence[Fault]) -> dict[str, Judgement]:
    """Every fault with hosts of its own; what is wrong is told as it is found."""
    chosen = [fault for fault in faults if fault.hosts]
    results: dict[str, Judgement] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for fault, result in zip(chosen, pool.map(judge, chosen), strict=True):
            results[fault.id] = result
            for line in result.wrong:
                print(f"{fault}: {line}", file=sys.stderr, flush=True)
    return results


def main(words: Sequence[str]) -> int:
    faults = read_catalogue()
    if list(words) == ["--page"]:
        page.PAGE.write_text(page.page(faults))
        return 0
    strange = set(words) - {fault.id for fault in faults}
    if strange:
        print(f"no such fault: {', '.join(sorted(strange))}", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("namespaces can be made by root only: run it as root", file=sys.stderr)
        return 2
    chosen = [fault for fault in faults if not words or fault.id in words]
    results = judge_all(chosen)
    print("\n".join([*table.lines(chosen, results), "", table.summary(chosen, results)]))
    return 1 if any(result.wrong for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
