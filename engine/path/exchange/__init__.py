"""Client, server and the packets between them: a question as a conversation.

by_name            a question by name: the look-up, then the conversation with what it gives
conversation       the first packet, its reply, the third packet, data, a relay's second connection
client client_port the client's packets, its own port, and the replies that it accepts
server echo        the socket that takes a packet, or what the kernel answers
icmp_errors pmtu   errors and resets, and packets that are too large
symptoms           what the client sees
"""
