"""What a gateway remembers: tickets, who is there, how often and for how much."""

from antiphon.gateway.store.errors import StoreAway, StoreError, StoreFull
from antiphon.gateway.store.opening import open_store
from antiphon.gateway.store.store import Store

__all__ = ["Store", "StoreAway", "StoreError", "StoreFull", "open_store"]
