"""`portscope mcp`: the answers as tools of an agent, by the Model Context Protocol.

server     the server: tools, resources, what it says of itself
tools      the eight tools
documents  a tool's document, as portscope itself prints it
pieces     a document in pieces that an agent reads whole
"""
