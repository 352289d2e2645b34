"""What may decide about a packet without being modelled: programs on devices, and flowtables. The answer names them.

An XDP or tc program may drop, redirect or rewrite anything before a rule sees it; a flowtable takes later packets of
a flow past the forward hook (Documentation/networking/nf_flowtable.rst).
"""

from __future__ import annotations

from engine.model.link import Link
from engine.model.ref import Ref, RefKind
from engine.model.trace import Assumption
from engine.path.journey import Journey


def mention_programs(journey: Journey, link: Link, *hooks: str) -> None:
    """Programs at these hooks of a device are taken to let the packet pass."""
    for program in link.programs:
        if program.hook in hooks:
            kind = "XDP" if program.hook == "xdp" else f"tc {program.hook}"
            name = f" {program.name}" if program.name else ""
            sentence = f"the {kind} program{name} ({program.kind}) on {link.name} passes the packet unchanged"
            journey.assume(Assumption("ASSUME_PROGRAM_PASSES", sentence, journey.link_ref(link)))


def mention_flowtables(journey: Journey, device: Link, out: Link) -> None:
    """Flowtables between two devices are taken to let a flow's later packets pass as its first ones do."""
    for table in journey.netns.firewall.tables:
        for flowtable in table.flowtables:
            if {device.name, out.name} <= set(flowtable.devices):
                ref = Ref(RefKind.NETNS, journey.netns.id, (), journey.netns.id, f"flowtable {flowtable.name}")
                sentence = (
                    f"later packets between {device.name} and {out.name} may bypass the forward hook in flowtable "
                    f"{flowtable.name} of {table.family} {table.name}"
                )
                journey.assume(Assumption("ASSUME_FLOWTABLE", sentence, ref))
