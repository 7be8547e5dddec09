"""A voice bot on this machine's microphone and speaker, with one tool."""

import anyio

from antiphon.pipeline import Pipeline
from antiphon.processors import MicSource, Realtime, SpeakerSink


def get_weather(city: str) -> str:
    """What the weather is like in a city."""
    return f"It is sunny in {city}."


if __name__ == "__main__":
    realtime = Realtime("local/assistant", tools=[get_weather])
    bot = Pipeline(MicSource(), realtime, SpeakerSink(), fit="auto")
    anyio.run(bot.run)
