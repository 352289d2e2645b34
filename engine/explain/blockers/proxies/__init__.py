"""Why an HTTP client is not served by a proxy that it reached.

answers      the proxy's own answer, as a cause: its status, its line, and whom it asked
start        names without an address, for which a proxy does not start
stale        a name that the proxy looked up before its address changed
"""
