"""The engine: it knows Linux networking, and nothing about screens.

    model change catalogue      nouns, changes to a host, and the codes of answers
    observe                     reads the kernel and the container engines
    path explain                walks one packet; answers why
    apply lab prove             changes the kernel; Docker-like networks; real packets
    documents                   YAML documents that people write, as values that know their line
    records lazy programs       cheap dataclasses, sequences that are parsed when read, programs that are started

No Textual, no Rich and no print below this folder. `docs/architecture.md` has the dependency rule.
"""
