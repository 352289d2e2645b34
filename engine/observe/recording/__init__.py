"""Snapshots as files.

snapshot_file                a versioned JSON document: the same bytes for the same snapshot, read back equal
snapshot_places embedded     files that have a snapshot in them: cases, reports
codec codec_values           frozen values to JSON and back by their type hints
json_layout                  the document as indented text
references                   what leads to nothing in the file becomes a gap
redact redact_names           consistent pseudonyms for addresses and names
redact_application           the same for names that are looked up, and sites of proxies
redact_words                 the same for comments, ids and paths
"""
