"""The same nouns as documents: pure functions from values to text, without a terminal or a file.

answer_short answer_text answer_json       an answer: in a dozen lines, whole, for scripts
json_parts                                what several JSON documents hold
proof_text proof_json                     a real attempt beside it
everywhere difference when grid           a question from all places, two snapshots, the past, the matrix
rules fleet doctor                        the audit of a host's rules; rows of many hosts; what is there to work with
document sheet                            a report: the snapshot as tables
writers plain markdown report_json page/ formats/    the formats of a report
"""
