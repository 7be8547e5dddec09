"""What is done with dialects as such: showing what they can say, translating, measuring."""
