"""The engine: it knows Linux networking, and nothing about screens.

Rooms: `model` (nouns), `observe` (reads the kernel), `path` (walks one packet), `explain` (answers),
`build` (changes the kernel), `lab` (desired networks), `prove` (real packets). No Textual, no Rich and
no print below this folder. `docs/architecture.md` has the map and the dependency rule.
"""
