"""What is changed in session descriptions on their way, as text.

https://www.rfc-editor.org/rfc/rfc8866
"""

import re

from antiphon.transports.webrtc.errors import BadSdp

LARGEST = 512 * 1024
"""Characters; descriptions have a few thousand."""

_LOCAL_NAME = re.compile(r"^a=candidate:\S+ \d+ \S+ \d+ \S+\.local ")
_MESSAGE_SIZE = re.compile(r"^a=max-message-size:\d+", re.MULTILINE)
_FRAGMENT = re.compile(r"^a=ice-ufrag:(\S+)", re.MULTILINE)


def has(sdp: str, kind: str) -> bool:
    """Whether there is a section of *kind*, as audio or application."""
    return re.search(rf"^m={kind} ", sdp, re.MULTILINE) is not None


def checked(sdp: str) -> str:
    """*sdp* with the line ends that it should have; raises BadSdp if it is none."""
    if not sdp.startswith("v=0"):
        raise BadSdp(f"a session description begins with v=0, not {sdp[:20]!r}")
    if len(sdp) > LARGEST:
        raise BadSdp(f"a session description of {len(sdp)} characters; {LARGEST} are allowed")
    return "\r\n".join(sdp.splitlines()) + "\r\n"


def offered(sdp: str) -> str:
    """An offer as it can be answered at once.

    Names that browsers give for addresses are left out: looking them up takes seconds, and
    whoever reaches us shows its address by that. So more candidates than are listed can come,
    be it none, whatever the offer says.
    """
    lines = checked(sdp).splitlines()
    kept = [
        line
        for line in lines
        if not _LOCAL_NAME.match(line) and not line.startswith("a=end-of-candidates")
    ]
    return "\r\n".join(kept) + "\r\n"


def described(sdp: str, *, max_size: int) -> str:
    """Our own, saying that messages of *max_size* bytes are taken."""
    return _MESSAGE_SIZE.sub(f"a=max-message-size:{max_size}", sdp)


def fragments(sdp: str) -> set[str]:
    """By which a connection is told from its successor, after an ICE restart."""
    return set(_FRAGMENT.findall(sdp.replace("\r", "")))
