"""One module for each command: `run(arguments)` does it and returns the exit code, or raises `Refusal`.

why watching proving case answering    one question: once, on every change, with the real packet
rules diff report snapshot collect clean config
screen serve demo                      the workbench: here, in a browser, on the demo
lab lab_faults lab_screen lab_ground   labs
lab_twin lab_twin_told lab_twin_try lab_twin_verify    a snapshot as a lab
"""
