"""The topology: namespaces, devices and containers as a graph in columns, with the traced path on it."""
