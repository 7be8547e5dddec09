"""Messages and audio over networks. Knows no dialect."""
