"""One module for each command: `run(arguments)` does it and returns the exit code, or raises `Refusal`.

why watching proving case answering    one question: once, on every change, with the real packet
rules diff report snapshot collect clean config
explain                                what a code or a term of an answer means
completion doctor schema mcp           portscope itself: what it completes, needs, prints; for agents
screen serve demo                      the workbench: here, in a browser, on the demo
record when                            the flight recorder, and what its store says
fleet/ labs/                           many hosts; labs
"""
