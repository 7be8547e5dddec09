"""Models that providers run, reached over a network."""

from antiphon.processors.remote.providers import NoKey, remote_model
from antiphon.processors.remote.retry import Retry
from antiphon.processors.remote.session import LostModel, Open, Wanted
from antiphon.processors.remote.stage import Remote

__all__ = ["LostModel", "NoKey", "Open", "Remote", "Retry", "Wanted", "remote_model"]
