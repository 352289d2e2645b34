"""Docker-like networks: from a file to a standing lab, broken and fixed on purpose. Planning is pure.

reading/ spec                           a Compose file with its `x-lab` part, read into a `LabSpec`
choose addresses publish outside_hosts  what the file leaves open: subnets, addresses, ports, clients outside
naming                                  who answers names where, and the files that decide a look-up
blueprint planning commands             the lab with everything chosen, and the plan that builds it
layouts/                                what each container engine writes into the firewall for it
lifecycle edits save description script a lab's life: up, changed, saved, described, as a shell script
faults/ breaking dojo                   faults to break it with, and the game of finding one
library gallery/                        labs that come with portscope
demo running                            the demo, for as long as a `with` block runs
errors                                  what can be wrong with a file, or with what is asked of a lab
"""
