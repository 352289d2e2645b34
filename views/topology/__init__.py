"""The topology: namespaces, devices and containers as a graph in columns, with the traced path on it.

scene graph facts names      what there is to draw: nodes, bridges with ports, short facts, names
sift fold fitting            less of it: by a pattern, by folding, by the room that there is
layout canvas ports box drawing picture    columns and rows, drawn into cells
way flight                   the traced path on it, and the packet that walks there
detail cut_off               details of one node, and what hangs on it
minimap                      all containers of a large host in a few lines
network                      all of it as a flat graph of places and devices, for exports and cut_off
widget                       the pane
"""
