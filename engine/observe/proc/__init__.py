"""What /proc shows: processes, relays of published ports, sysctls, counts of sockets, counters of devices."""
