"""Proves: sends the real packet of a question and collects what the kernel itself shows of it.

Laws of this room:
1. A kind of evidence is a file of its own: a thin reader beside a pure parser. `compare` puts it beside the prediction.
2. Whatever may not be read, or is not there, is a `Gap`; any one kind of evidence alone already helps.
3. Only the question's own packets are looked for. What is sent is bounded in number and time.
4. Nothing is left. The rules that make the kernel trace are in a table that the kernel removes with the socket which
   made it, however this process ends; what the kernel does not remove by itself, `leftovers` does.
5. Sockets are opened by threads that enter a namespace and end there; they are read from anywhere afterwards.
6. Observing lends its readers; nothing here thinks about the packet's way (that came with the prediction).
"""
