"""The tools of the demo's bot: plain typed functions."""

WEATHER = {"Oslo": ("light rain", 7), "Rome": ("sunshine", 18), "Tokyo": ("clouds", 12)}


def get_weather(city: str) -> dict[str, str | int]:
    """What the weather is like in a city."""
    description, temperature = WEATHER.get(city, ("a light breeze", 15))
    return {"city": city, "temperature": temperature, "description": description}


def get_time() -> dict[str, str]:
    """What time it is. The demo has a clock that stands, so that every run is alike."""
    return {"time": "half past nine"}


def set_timer(minutes: int) -> str:
    """Sets a timer for some minutes."""
    return f"The timer is set for {minutes} minutes."


TOOLS = (get_weather, get_time, set_timer)
