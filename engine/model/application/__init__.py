"""Nouns of what is above the packet.

naming          how names are looked up: configurations, resolvers, one look-up
lab_resolver    the resolver of a lab, as the words that it is started with
expressions     regular expressions of strangers, within limits
client_proxy    the proxy that a client's environment names
web_paths       rewrites of a request's path, and which files a web server has
proxy           reverse proxies as tables of sites and routes, and what an HTTP client is answered
"""
