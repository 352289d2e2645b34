"""The commands of `fleet`: many hosts, each asked alone.

add        snapshots become the fleet's
answer     every open port of every host, from each zone, as rows
exposed    the rows that are reached
sql        any question about the rows
diff       ports of two fleets that end otherwise
report     the fleet as one HTML page
refusing   what goes wrong with a fleet, as the command's own refusal
"""
