"""What can be said between a client and a speech model, and each provider's way of saying it.

`events` is the one vocabulary (with `items`, `config` and `usage`); every folder beside it is a
dialect that translates between it and a provider's wire. Nothing here does I/O or reads a clock.
"""
