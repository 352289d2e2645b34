"""Proves: sends the real packet of a question and collects the kernel's own evidence of it.

    prove attempt http echo watch     the attempt: a real client, a ping, or a wait for a client elsewhere
    names                             servers of names that are asked
    listener listeners                everything that listens in a namespace meanwhile
    packets/ sources/ evidence        captures; the kernel's own evidence by source; all of it as values
    predicted evidence_lookup compare judge    prediction and evidence side by side, and the answer after it
    errors                            no attempt can be made

1. A kind of evidence is a module of its own: a thin reader beside a pure parser. `compare` joins them.
2. Evidence that may not be read, or is not there, is a `Gap`; any one kind of evidence alone already helps.
3. Only the question's own packets are looked for. What is sent is bounded in number and time.
4. Nothing is left behind. The rules that make the kernel trace are in a table that the kernel removes with the socket
   which made it, however this process ends; `clean` removes the rest.
5. Sockets are opened by threads that enter a namespace and end there; they are read from anywhere afterwards.
"""
