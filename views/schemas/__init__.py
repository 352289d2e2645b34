"""The JSON documents that portscope prints, as JSON Schemas (draft 2020-12): a promise to scripts, with a test each.

form                 how a shape is written here, and the schema that it stands for
parts                nouns that several documents hold: packets, places, journeys, causes, fixes
answers              the answers: why, why-all, case, watch
past                 what changed: diff, when
hosts                a host: snapshot, rules, report, doctor
labs                 labs and twins
fleets               many hosts
published            all of them by name
"""
