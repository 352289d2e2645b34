"""What tests need that touch a kernel: throw-away namespaces, servers in them, a real client as the oracle."""
