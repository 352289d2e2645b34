"""Random hosts and questions, put to the model and to the kernel: a machine that looks for what the model gets wrong.

    python -m tests.fidelity.fuzz --cases N --seed S [--jobs J]        as root

1. `generate` makes a scenario from a seed and a number, always the same one: a host that works, then a few ingredients
   from weighted tables (`hosts`, `settings`, `xt`, `nft`, `questions`). A scenario is a value of tests.scenarios.
2. A worker (`worker`) has mounts, processes and networks of its own (unshare(1)): the rest of the machine neither sees
   nor feels what it builds, and all of it is gone when the worker ends.
3. `stage` builds a scenario there, `clients` sends real packets, `judge` compares symptom, rules, counters and routes.
4. A disagreement is asked again in a freshly built host; one that stays is made small (`shrink`) and printed as a
   scenario file, each smaller one judged anew by the kernel.
5. `mending` carries out the fixes that portscope prints for what fails, each on a host of its own, and has a client try
   again; `promises` (`python -m tests.fidelity.fuzz.promises`) does so for many hosts.
6. `report` counts endings, symptoms and the vocabulary that packets met, so that what a run covered can be seen.
"""
