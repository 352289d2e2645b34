"""The commands of labs: `portscope lab VERB`.

lab faulty ground screen               what each verb does, faults of a lab, the folder of labs, the menus
twin twin_told twin_try twin_verify    a snapshot as a lab
"""
