"""A session does what the AI SDK's hook was seen to do, step by step, but for its mistakes."""

import copy
import re

import pytest

from antiphon.pipeline.testing import run_virtual
from tests.antiphon.session.scenario import SCENARIOS, Json, Stage

OUTPUT = "conversation-item-create"


def output(call_id: str, name: str, text: str) -> Json:
    item = {"type": "function-call-output", "callId": call_id, "name": name, "output": text}
    return {"type": OUTPUT, "item": item}


def truncate(item_id: str, ms: int) -> Json:
    return {
        "type": "conversation-item-truncate",
        "itemId": item_id,
        "contentIndex": 0,
        "audioEndMs": ms,
    }


Change = tuple[int | str, str, object]
"""The step, or "final"; the field; what it is instead."""

DIFFERENCES: dict[str, tuple[str, list[Change]]] = {
    "handler throws -> error, no output, no response": (
        "a tool's failure reaches the model",
        [
            (
                3,
                "sent",
                [
                    output("c1", "f", '{"error":"f failed: RuntimeError: broken"}'),
                    {"type": "response-create"},
                ],
            ),
            (
                "final",
                "messages",
                [
                    {
                        "id": "assistant#0",
                        "role": "assistant",
                        "parts": [
                            {
                                "type": "dynamic-tool",
                                "toolName": "f",
                                "toolCallId": "c1",
                                "state": "output-error",
                                "input": {},
                                "errorText": "f failed: RuntimeError: broken",
                            }
                        ],
                    }
                ],
            ),
        ],
    ),
    "done without prior delta: no message part but tool runs": (
        "a call that comes in one piece is shown too",
        [
            (
                "final",
                "messages",
                [
                    {
                        "id": "assistant#0",
                        "role": "assistant",
                        "parts": [
                            {
                                "type": "dynamic-tool",
                                "toolName": "f",
                                "toolCallId": "c1",
                                "state": "output-available",
                                "input": {},
                                "output": {"ok": True},
                            }
                        ],
                    }
                ],
            )
        ],
    ),
    "addToolOutput(undefined) sends no output key": (
        "an output is always an output: None is null",
        [
            (4, "sent", [output("c1", "f", "null")]),
            (
                "final",
                "messages",
                [
                    {
                        "id": "assistant#0",
                        "role": "assistant",
                        "parts": [
                            {
                                "type": "dynamic-tool",
                                "toolName": "f",
                                "toolCallId": "c1",
                                "state": "output-available",
                                "input": {},
                                "output": None,
                            }
                        ],
                    }
                ],
            ),
        ],
    ),
    "cancelled response still triggers tool continuation": (
        "a cancelled response's tools do not request another",
        [(3, "sent", [output("c1", "f", '{"ok":true}')])],
    ),
    "barge-in offset counts from first chunk across items": (
        "truncation names the item that was heard, and counts from its beginning",
        [(5, "sent", [truncate("i2", 200)])],
    ),
    "gap resets playback origin": (
        "what was heard of the item before the gap was heard too",
        [(7, "sent", [truncate("i1", 350)])],
    ),
    "odd-length audio-delta": (
        "half a sample waits for its other half and ends nothing",
        [
            (3, "state", ["playing:true"]),
            (3, "onEvent", ["audio-delta"]),
            (3, "onError", None),
            (4, "onEvent", ["text-delta"]),
            ("final", "status", "connected"),
            ("final", "isPlaying", True),
            ("final", "eventsKept", 3),
            (
                "final",
                "messages",
                [
                    {
                        "id": "assistant#0",
                        "role": "assistant",
                        "parts": [{"type": "text", "text": "x", "state": "streaming"}],
                    }
                ],
            ),
        ],
    ),
    "audio-delta invalid base64": (
        "a message with a wrong field is an error, and the session goes on",
        [(3, "state", None), ("final", "status", "connected"), ("final", "eventsKept", 1)],
    ),
    "google: interrupted has no item id but truncate is dropped on the wire": (
        "an interruption is heard as what it is",
        [(5, "onEvent", ["response-interrupted"])],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_session_does_as_the_hook_does(name: str) -> None:
    scenario = as_it_should_be(SCENARIOS[name])
    stage: list[Stage] = []

    async def main() -> tuple[list[Json], Json]:
        stage.append(Stage(scenario))
        return await stage[0].play()

    steps, final = run_virtual(main)

    assert steps == scenario["steps"]
    assert final == scenario["final"]
    assert stage[0].request == scenario["setupRequest"]
    assert stage[0].socket == scenario["socket"]


def test_every_difference_is_one_from_a_scenario() -> None:
    assert set(DIFFERENCES) <= set(SCENARIOS)


def as_it_should_be(scenario: Json) -> Json:
    scenario = copy.deepcopy(scenario)
    for step in scenario["steps"]:
        for frame in step.get("sent", ()):
            whole_samples(frame)
    for where, field, value in DIFFERENCES.get(scenario["name"], ("", []))[1]:
        what = scenario["final"] if where == "final" else scenario["steps"][where]
        if value is None:
            del what[field]
        else:
            what[field] = value
    return scenario


def whole_samples(frame: Json) -> None:
    """The hook sends whatever it is given; half a sample is noise to whoever plays it."""
    if found := re.fullmatch(r"\$bytes:(\d+)", str(frame.get("audio"))):
        frame["audio"] = f"$bytes:{int(found[1]) // 2 * 2}"
