"""A certificate for this machine, for clients that insist on TLS; made anew each time."""

import ssl
from pathlib import Path

NAMES = ("localhost", "127.0.0.1", "::1")


class Certificate:
    """Its authority, which clients have to trust, is written to *folder*."""

    def __init__(self, folder: Path, *names: str) -> None:
        import trustme

        authority = trustme.CA()
        self.path = folder / "antiphon-emulation.pem"
        authority.cert_pem.write_to_path(str(self.path))
        self.serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*dict.fromkeys((*names, *NAMES))).configure_cert(self.serving)
        self.trusting = ssl.create_default_context()
        """What a client connects with."""
        authority.configure_trust(self.trusting)
