"""Stands in for providers in tests: scripted models behind their own APIs, and faults on the way."""
