"""A file of the collect script, for machines without Python: the script, and its file as a Snapshot.

    sections reading snapshot               the file taken apart, section by section, and put together as a Snapshot
    machine containers gaps                 sections of the whole machine
    links peers addresses routes nexthops   what ip and bridge printed
    settings listeners programs             sysctls, ss, bpftool and tc
    firewall arptables                      rules

1. `collect.sh` is the script: it only reads, and writes one file of sections: what a tool printed in a namespace.
2. `sections` takes the file apart; every other module is a pure parser of one tool's text, with the nouns and the
   words of the readers that ask the kernel itself.
3. `snapshot.loads` is the way in. A file that is none, or is cut off, is a `CollectedError`; a tool that failed, is
   missing, or printed something else leaves a `Gap`, and the rest is read all the same.
"""

from __future__ import annotations

from pathlib import Path


def script() -> str:
    """The script, for a POSIX shell. It asks for the sysctls that a look reads."""
    from engine.observe.netlink.devconf import IPV4_SETTINGS, IPV6_SETTINGS  # noqa: PLC0415 - reading a file needs neither
    from engine.observe.proc.sysctls import FILES  # noqa: PLC0415

    paths = [path for path, _ in FILES]
    paths += [f"ipv4/conf/*/{key}" for _, key in IPV4_SETTINGS] + [f"ipv6/conf/*/{key}" for _, key in IPV6_SETTINGS]
    text = Path(__file__).with_name("collect.sh").read_text(encoding="utf-8")
    return text.replace("@SETTINGS@", " ".join(paths))
