"""The search for what makes a question work.

search                 remedies are tried on the model; the smallest set wins
endings                how the branches of a question end, and what that comes to
masked_blockers        blockers that only show when another one is gone
same_rule_both_ways    a rule that ends the packet and later its reply is one cause
no_endpoints           an engine's rule for a service without endpoints
ref_mapping            pointers of a later cause, as the host has them now
unread_gaps            gaps that could decide
"""
