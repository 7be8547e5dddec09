"""Draws a conversation: who spoke when, and what came between."""
