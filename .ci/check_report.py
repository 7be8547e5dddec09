"""Checks what `antiphon demo` left: was everybody understood, and was the bot in time?"""

import json
import sys
import wave
from pathlib import Path

EXPECTED = {
    "hello": None,
    "time": "get_time",
    "weather": "get_weather",
    "story": None,
    "timer": "set_timer",
    "goodbye": None,
}
"""A word of what the user says, and the tool that answers it."""

SLOWEST = 2000
"""Milliseconds; a bot that takes longer has lost its user."""


def main(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text())
    turns = report["turns"]
    for word, tool in EXPECTED.items():
        heard = [turn for turn in turns if word in turn["understood"].lower().split()]
        assert heard, f"nobody was understood to say {word!r}"
        called = [call["name"] for turn in heard for call in turn["tools"]]
        assert called == ([tool] if tool else []), f"{word}: called {called}, not {tool}"
    assert all(call["output"] for turn in turns for call in turn["tools"]), "a tool is unanswered"
    assert len(report["interruptions"]) == 1, "the story was not interrupted"
    assert report["interruptions"][0]["heard_ms"] > 1000, "it was interrupted before it began"
    late = [t["response_time_ms"] for t in turns if not 0 < (t["response_time_ms"] or 1) < SLOWEST]
    assert not late, f"response times of {late} ms"
    with wave.open(str(folder / "conversation.wav")) as sound:
        seconds = sound.getnframes() / sound.getframerate()
        assert sound.getnchannels() == 2
        assert abs(seconds - report["duration"]) < 0.1, "the sound is not as long as the report"
    assert (folder / "timeline.png").read_bytes().startswith(b"\x89PNG")
    print(f"the demo's report is as it should be: {len(turns)} turns, {report['latency']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
