"""Other words for what people write beside rules and devices: comments, aliases, prefixes of the log, searched texts.

A word stays where a tool writes it or where it says nothing about whose host it is (`KNOWN`, numbers); any other one,
be it a name, a host's name, a ticket or a mail address, is a pseudonym, the same one everywhere. Ids of containers and
images are other digits, and paths of sockets that an installation chose have another folder.
"""

from __future__ import annotations

import re
import secrets

_KNOWN_WORDS = """
a accept accepted access admin all allow allowed also and any api app are at bad ban banned block blocked
bridge by cali chain cilium client cluster cni connection connections container containers default deny denied
dhcp direct dnat dns docker drop dropped egress endpoint endpoints established external filter firewall
firewalld flannel flanneld for forward forwarded forwarding from ftp gateway generated goto hairpin handle has
health host hosts http https icc icmp id if in incus ingress input inside interface internal internet invalid
ip ipv4 ipv6 is it jump kube kube-proxy kube-router kubernetes lan limit link load local localhost log
loopback lxd main managed mark masq masquerade name nat net netavark network networks new no node nodeport
nodeports not of ok on only open or out output outside packets pod pods podman policy port portal portmap
ports portscope postrouting prerouting private proxy public queue range rate reject rejected related remote
return route router rule rules service services snat source src ssh state subnet table tailscale tcp temp test
the this to traffic trusted tunnel udp ufw unpublished untrusted user vpn wan web when with without wireguard
zone
"""
#: Words of tools' own comments (moby, kube-proxy, kube-router, libvirt, ufw, firewalld, netavark, tailscale, flannel,
#: CNI, Calico, Cilium), and words of the trade.
KNOWN = frozenset(_KNOWN_WORDS.split())
#: What stands behind these in a rule is free text (iptables-extensions(8), nft(8)).
_FREE = r"--comment|--log-prefix|--nflog-prefix|--ulog-prefix|--string|--hex-string|comment|log prefix|prefix"
_WRITTEN = re.compile(rf'((?:^|(?<=[\s(]))(?:{_FREE}) )(?:"((?:[^"\\]|\\.)*)"|([^\s"-][^\s"]*))')
_WORD = re.compile(r"[^\s\"\\,;:()\[\]{}<>=|/]+")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HOST = re.compile(r"(?<![\w.-])(?!net\.)(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:[A-Za-z]{2,})(?![\w-])")
_ID = re.compile(r"(?<![\w-])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{12,64}(?![\w-])")
#: Endings that look like a name's and are a file's or a setting's.
_FILES = frozenset(("sock", "service", "conf", "json", "yaml", "yml", "sh", "so", "py", "slice", "scope", "socket"))
_SOCKET = re.compile(r"unix://(/[\w./-]+)/([\w.-]+\.sock)")
#: Folders of engines' sockets that everybody has.
_USUAL = re.compile(r"(/var)?/run(/(docker|podman|containerd|user/\d+(/(docker|podman))?))?")
#: The first digits of an id name it wherever it is short.
_SHORT = 12


class Words:
    """The pseudonyms of one recording."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}
        self._key = secrets.token_bytes(16)

    def free(self, text: str) -> str:
        """A text that a person wrote: every word that is not known is another one."""
        return _WORD.sub(
            lambda found: self._word(found[0]), _MAIL.sub(lambda found: self._other("mail", found[0]), text)
        )

    def technical(self, text: str) -> str:
        """A text of a tool, in which free texts, mail addresses, names of hosts, ids and paths may stand."""
        text = _WRITTEN.sub(self._written, text)
        text = _MAIL.sub(lambda found: self._other("mail", found[0]), text)
        text = _SOCKET.sub(self._socket, text)
        return self.ids(_HOST.sub(self._host, text))

    def ids(self, text: str) -> str:
        """A text with other ids; a short one stays the beginning of the long one."""
        return _ID.sub(lambda found: self._digits(found[0]), text)

    def _word(self, word: str) -> str:
        bare = word.strip(".!?'’-_#*")
        if not bare or bare.lower() in KNOWN or bare.isdigit() or self._is_pseudonym(bare):
            return word
        if _ID.fullmatch(bare):
            return self._digits(bare)
        return word.replace(bare, self._other("word", bare))

    def _is_pseudonym(self, word: str) -> bool:
        kind, _, number = word.rpartition("-")
        return kind.isalpha() and number.isdigit() and (kind in _KINDS or word in self._found.values())

    def _other(self, kind: str, word: str) -> str:
        if word not in self._found:
            count = sum(one.startswith(f"{kind}-") for one in self._found.values())
            self._found[word] = f"{kind}-{count + 1}"
        return self._found[word]

    def _written(self, found: re.Match[str]) -> str:
        if found[2] is not None:
            return f'{found[1]}"{self.free(found[2])}"'
        return f"{found[1]}{self.free(found[3])}"

    def _host(self, found: re.Match[str]) -> str:
        name = found[0]
        return name if name.rpartition(".")[2].lower() in _FILES else self._other("name", name)

    def _socket(self, found: re.Match[str]) -> str:
        folder = found[1] if _USUAL.fullmatch(found[1]) else f"/run/{self._other('folder', found[1])}"
        return f"unix://{folder}/{found[2]}"

    def _digits(self, digits: str) -> str:
        from hashlib import blake2s  # noqa: PLC0415 - only what leaves the house is redacted

        short = blake2s(digits[:_SHORT].encode(), key=self._key).hexdigest()[:_SHORT]
        rest = blake2s(digits.encode(), key=self._key).hexdigest()
        return (short + rest)[: len(digits)].ljust(len(digits), "0")


#: Pseudonyms of names, which are made before.
_KINDS = frozenset({"machine", "container", "image", "project", "service", "pod", "network", "netns"})
