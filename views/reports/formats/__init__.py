"""Pictures of the network as files: one pure function from the graph to text for each format.

svg drawio placing               drawn: places put into columns
dot mermaid names                diagrams as text, with short ids
graphml node_link                for programs that compute on graphs, by networkx
containerlab                     a lab that is like it
"""
