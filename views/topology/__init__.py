"""The topology: namespaces, devices and containers as a graph in columns, with the traced path on it.

scene graph facts names      what there is to draw: nodes, bridges with ports, short facts, names
sift fold fitting            less of it: by a pattern, by folding, by the room that there is
layout canvas ports box drawing picture    columns and rows, drawn into cells
way detail                   the traced path on it, and details of one node
widget                       the pane
"""
