"""The same pictures in ASCII, for terminals and fonts that have nothing else: one character for each cell.

Pure. What lines mean is kept: a heavy one (the packet's way) is = across and # everywhere else, a light one - | and +.
"""

from __future__ import annotations

import unicodedata

from views.text import cells

#: Marks and letters by what stands for them. Each takes one cell, as the original does.
MARKS = {
    **dict.fromkeys("●", "o"),
    **dict.fromkeys("○◌", "."),
    **dict.fromkeys("✗×", "x"),
    **dict.fromkeys("✓", "v"),
    **dict.fromkeys("▶→⇒▸", ">"),
    **dict.fromkeys("←⇐◀", "<"),
    **dict.fromkeys("•·", "*"),
    **dict.fromkeys("…≈", "~"),
    **dict.fromkeys("−–—", "-"),
    **dict.fromkeys("⇄⇅↔", "%"),
    **dict.fromkeys("⚠", "!"),
    **dict.fromkeys("∅", "0"),
    **dict.fromkeys("‖", "="),
    **dict.fromkeys("⟳◎", "@"),
    **dict.fromkeys("↳└", "`"),
    **dict.fromkeys("↑", "^"),
    **dict.fromkeys("↓", "v"),
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("⏎", "^"),
    **dict.fromkeys("Δ", "d"),
    **dict.fromkeys("▔▁", "-"),
    **dict.fromkeys("▂▃", "."),
    **dict.fromkeys("▄▅", ":"),
    **dict.fromkeys("▆▇", "|"),
    **dict.fromkeys("◆", "+"),
    **dict.fromkeys("◇", "~"),
    **dict.fromkeys("›", ">"),
    **dict.fromkeys("‹", "<"),
    **dict.fromkeys("⋮", ":"),
}


def _line(name: str) -> str:
    """What stands for a character of the block Box Drawing, by its Unicode name."""
    heavy = "HEAVY" in name or "DOUBLE" in name
    if "HORIZONTAL" in name and not any(word in name for word in ("VERTICAL", "UP", "DOWN")):
        return "=" if heavy else "-"
    if "VERTICAL" in name and not any(word in name for word in ("HORIZONTAL", "LEFT", "RIGHT")):
        return "#" if heavy else "|"
    return "#" if heavy else "+"


TABLE = {
    **{code: _line(unicodedata.name(chr(code))) for code in range(0x2500, 0x2580)},
    **{code: "#" if code in (0x2588, 0x2589, 0x258A) else "|" for code in range(0x2580, 0x25A0)},
    **{ord(mark): word for mark, word in MARKS.items()},
}


def in_ascii(text: str) -> str:
    """The text with an ASCII character in each cell; what has none is ?.

    >>> in_ascii("● lan ━━┫ ✗ host ┠─ …")
    'o lan ==# x host #- ~'
    """
    if text.isascii():
        return text
    return "".join(char if char.isascii() else "?" * cells(char) for char in text.translate(TABLE))
