"""A port that browsers never ask, though anything else that asks it is served.

Source: the Fetch standard, "port blocking" (fetch.spec.whatwg.org): "bad ports", the same list in all browsers.
"""

from __future__ import annotations

from engine.model.ref import Ref, RefKind
from engine.model.trace import Conversation
from engine.model.verdict import Cause, Question
from engine.path.world import World

#: Ports of protocols that a page could be made to speak by accident.
BAD_PORTS = frozenset(
    (
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109),
        *(110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530),
        *(531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045),
        *(4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    )
)
_MESSAGES = "Chrome says ERR_UNSAFE_PORT, Firefox that this address is restricted; curl connects"


def refused_by_browsers(_world: World, question: Question, talk: Conversation) -> list[Cause]:
    """HTTP_BAD_PORT, where a URL has such a port."""
    url = question.url
    if url is None or url.via or url.port not in BAD_PORTS:
        return []
    netns = talk.forward.hops[-1].netns
    at = Ref(RefKind.NETNS, netns, (), f"port {url.port}/tcp", str(url))
    sentence = f"browsers refuse to ask port {url.port}, whatever answers there; no packet leaves them"
    settled = "publish another port for browsers, for example 8080"
    return [Cause("HTTP_BAD_PORT", sentence, at, evidence=(_MESSAGES,), settled=settled)]
