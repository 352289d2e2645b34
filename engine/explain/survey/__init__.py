"""One question from many places, and many questions of one host.

probes everywhere      places that ask, and the same question from each
matrix exposure        every port from every place, and ports that are open further than intended
source_ranges          from which addresses beyond an uplink a question connects
flip snapshot_bisect   which of the changes between two snapshots flip an answer
turns met              at which of many states an answer flips, and what a walk reads of a state
consequences           what the kernel does because of a change, named by that change
"""
