"""The tools of the demo's bot: plain typed functions."""

WEATHER = {
    "Oslo": ("light rain", 7),
    "Rome": ("sunny", 18),
    "Tokyo": ("cloudy", 12),
}


def get_weather(city: str) -> dict[str, str | int]:
    """What the weather is like in a city."""
    sky, degrees = WEATHER.get(city, ("sunny", 15))
    return {"city": city, "conditions": sky, "celsius": degrees}


def get_time() -> str:
    """What time it is. The demo has a clock that stands, so that every run is alike."""
    return "09:30"


def set_timer(minutes: int) -> str:
    """Sets a timer for some minutes."""
    return f"The timer is set for {minutes} minutes."


TOOLS = (get_weather, get_time, set_timer)
