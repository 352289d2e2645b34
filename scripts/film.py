"""The film of the README: the workbench as it is used, as one SVG that moves by itself.

Each frame is a picture that Textual draws of the real program on a recorded host; style sheets show one after the other
(CSS Animations, steps), which a browser plays in an image, too. Where somebody wants no motion, the first frame stands.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence

from textual.pilot import Pilot

from engine.model.host import Snapshot
from workbench.app import Workbench
from workbench.session.sources import Given

#: A frame, and how long it stands, in seconds.
Frame = tuple[str, float]
SIZE = (110, 32)
#: How long a step of the packet stands, and one at which it is rewritten.
PACE, FLASH = 0.35, 1.2


async def frames(snapshot: Snapshot) -> AsyncIterator[Frame]:
    """The board, a row of it opened, the packet on its way, the rule supposed to be gone, and the plan of that."""
    app = Workbench(Given("a Docker host", lambda: snapshot))
    async with app.run_test(size=SIZE) as pilot:
        await _until(pilot, lambda: bool(app.panes._board))
        yield app.export_screenshot(title="portscope"), 3.0
        await pilot.press("enter")
        await _until(pilot, lambda: app.panes.verdict is not None and app.panes.path.has_focus)
        yield app.export_screenshot(title="portscope"), 3.0
        while app.panes.walk(1):
            await pilot.pause()
            yield app.export_screenshot(title="portscope"), FLASH if app.panes.changed else PACE
            if app.panes.stopped:
                break
        app.panes.fall(2)
        await pilot.pause()
        yield app.export_screenshot(title="portscope"), 1.5
        await pilot.press("space")
        await _until(pilot, lambda: app.panes.verdict is not None and app.panes.verdict.supposed is not None)
        yield app.export_screenshot(title="portscope"), 3.0
        await pilot.press("a")
        await pilot.pause(0.3)
        yield app.export_screenshot(title="portscope"), 4.0


async def _until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            await pilot.pause(0.2)
            return
        await pilot.pause(0.01)
    raise SystemExit("the film: this never came about")


def film(pictures: Sequence[Frame]) -> str:
    """The frames as one SVG, which plays them again and again."""
    whole = sum(seconds for _, seconds in pictures)
    opening, rest = pictures[0][0].split(">", 1)[0] + ">", []
    rules = ["@media (prefers-reduced-motion: reduce) { .frame { animation: none !important } }"]
    at = 0.0
    for number, (svg, seconds) in enumerate(pictures):
        begin, end = 100 * at / whole, 100 * (at + seconds) / whole
        shown = "visible" if number == 0 else "hidden"
        rules.append(
            f".frame{number} {{ visibility: {shown}; animation: frame{number} {whole:.2f}s step-end infinite }}"
        )
        before = "" if number == 0 else "0% { visibility: hidden } "
        after = "" if number == len(pictures) - 1 else f" {end:.3f}% {{ visibility: hidden }}"
        rules.append(f"@keyframes frame{number} {{ {before}{begin:.3f}% {{ visibility: visible }}{after} }}")
        inside = svg.split(">", 1)[1].rsplit("</svg>", 1)[0]
        rest.append(f'<g class="frame frame{number}">{inside}</g>')
        at += seconds
    style = "\n".join(rules)
    return re.sub(r"[ \t]+\n", "\n", f"{opening}\n<style>\n{style}\n</style>\n{''.join(rest)}\n</svg>\n")
