"""Shows a conversation while it happens: on a terminal, in plain lines, as JSON."""
