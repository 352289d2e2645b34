"""Draws nouns: Snapshot, Trace and Verdict as pictures.

Laws of this room:
1. Nothing here reads the kernel or decides anything: a view is a function of nouns.
2. One room a picture: pure rows, scene or card first (no Textual), then the widget that shows it.
3. Colour never says a thing alone: a mark or a word says it too.
4. The same nouns give the same picture, cell by cell.
"""
