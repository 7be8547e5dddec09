"""A conversation between a synthetic user and a bot, recorded, measured and explained."""
