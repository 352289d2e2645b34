"""Changes the kernel, and knows the way back.

Laws of this room:
1. `hands` is the only writer: the only module that loads pyroute2, starts a program or writes a sysctl. The listeners
   of a lab live in a child process of their own, `server`.
2. A lab's change that has an inverse is journaled, fsynced, before it is made (`journal`); undoing replays inverses
   from the last to the first, and doing so twice is the same as once.
3. What lies inside a namespace that the lab made goes with the namespace and needs no inverse of its own.
4. Only what the journal names and what carries the lab's mark is removed; anything else is left and reported.
"""
