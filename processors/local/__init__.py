"""The model that runs on this machine: it hears a grammar of requests, answers, and speaks."""
