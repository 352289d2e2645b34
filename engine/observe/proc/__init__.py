"""What /proc tells: processes, relays of published ports, sysctls, counts of sockets."""
