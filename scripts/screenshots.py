"""Makes the pictures of the README, by the pilot that also tests the workbench: `make screenshots`.

Each is the workbench on a recorded host, with a question asked and some keys pressed. Run it from the repository's
folder (`python -m scripts.screenshots`). The SVG that Textual writes names a font on the network; a picture in a
repository must not fetch anything, so that is taken out.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from dataclasses import dataclass
from pathlib import Path

from textual.widgets import Footer

from engine.observe.recording.snapshot_file import loads
from scripts.film import Frame, film, frames
from views.verdict.ask import Ask
from workbench.app import Workbench
from workbench.session.sources import Given

ROOT = Path(__file__).parent.parent
HOSTS = ROOT / "tests" / "hosts"
FOLDER = ROOT / "screenshots"
#: Turns of the event loop to wait for an answer.
TURNS = 3000


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's name, the recorded host, the question, and the keys pressed once it is answered."""

    name: str
    host: str
    ask: Ask
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = (120, 36)


SHOP = Ask("192.168.30.1:8080", "ns:shop-lan")
PICTURES = (
    Picture("main", "shop", SHOP),
    Picture("why", "docker26/drop-reply", Ask("10.77.0.1:8080", "ns:lan"), ("3", "plus")),
    Picture("step", "shop", SHOP, ("k", "k", "k", "k", "i")),
    Picture("narrow", "shop", SHOP, ("1",), (80, 24)),
    Picture("lab", "shop", SHOP, ("n", "g", "j", "j", "enter")),
)


def offline(svg: str) -> str:
    """The picture without its fonts on the network; a reader's own monospace font takes their place."""
    return re.sub(r"@font-face\s*\{[^}]*\}", "", svg)


async def draw(picture: Picture) -> str:
    """One picture as SVG."""
    snapshot = loads(gzip.decompress((HOSTS / f"{picture.host}.json.gz").read_bytes()).decode())
    app = Workbench(Given("a Docker host", lambda: snapshot), picture.ask)
    async with app.run_test(size=picture.size) as pilot:
        for _ in range(TURNS):
            await pilot.pause(0.01)
            if app.panes.verdict is not None and app.panes.path.has_focus:
                break
        else:
            raise SystemExit(f"{picture.name}: the question was not answered")
        for key in picture.keys:
            await pilot.press(key)
            await pilot.app.workers.wait_for_complete()
        footer = app.screen_stack[0].query_one(Footer)
        while not footer.children or not all(key.region for key in footer.children):  # it is laid out anew
            await pilot.pause(0.01)
        await pilot.pause(0.2)
        return offline(app.export_screenshot(title=f"portscope why {picture.ask.target} --from {picture.ask.source}"))


def main() -> None:
    """Writes all pictures."""
    FOLDER.mkdir(exist_ok=True)
    for picture in PICTURES:
        path = FOLDER / f"{picture.name}.svg"
        path.write_text(asyncio.run(draw(picture)), encoding="utf-8")
        print(path.relative_to(ROOT))
    path = FOLDER / "film.svg"
    path.write_text(offline(film(asyncio.run(shot()))), encoding="utf-8")
    print(path.relative_to(ROOT))


async def shot() -> list[Frame]:
    """The frames of the film."""
    snapshot = loads(gzip.decompress((HOSTS / "shop.json.gz").read_bytes()).decode())
    return [frame async for frame in frames(snapshot)]


if __name__ == "__main__":
    main()
