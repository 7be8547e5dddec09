"""Reports of conversations that were never held, for what draws and sums them up."""

from antiphon.report import (
    Interruption,
    Latencies,
    Parts,
    Report,
    Span,
    ToolCall,
    Turn,
)


def turn(
    began: float,
    *,
    said: str = "What's the weather in Oslo?",
    understood: str | None = None,
    answer: str = "In Oslo it is sunny, at 21 degrees.",
    tools: list[ToolCall] | None = None,
    interrupted: bool = False,
) -> Turn:
    """The user speaks for 2 s, waits for 0.75 s and hears 3 s of an answer."""
    return Turn(
        said=said,
        understood=said if understood is None else understood,
        answer=answer,
        began=began,
        end_of_speech=began + 2.0,
        first_audio_heard=began + 2.75,
        answer_ended=began + 5.75,
        response_time_ms=750,
        parts=Parts(detection_ms=300, thinking_ms=420, playout_ms=30),
        tools=tools or [],
        interrupted=interrupted,
    )


def tool(at: float) -> ToolCall:
    return ToolCall(
        name="get_weather",
        arguments='{"city": "Oslo"}',
        output="sunny, 21 degrees",
        failed=False,
        at=at,
    )


def report(*turns: Turn, duration: float, model: str = "local/assistant") -> Report:
    spans: list[Span] = []
    cuts: list[Interruption] = []
    for one in turns:
        began, ended = one.began or 0.0, one.end_of_speech or 0.0
        heard, over = one.first_audio_heard or 0.0, one.answer_ended or 0.0
        spans.append(Span(who="user", start=began, end=ended, text=one.said))
        spans.append(Span(who="bot", start=heard, end=over, text=one.answer))
        if one.interrupted:
            cuts.append(Interruption(at=over, item_id="item_1", heard_ms=3000, text=one.answer))
    return Report(
        model=model,
        duration=duration,
        clock="virtual",
        turns=list(turns),
        interruptions=cuts,
        spans=spans,
        latency=Latencies(
            turns=len(turns), median_ms=750 if turns else None, worst_ms=750 if turns else None
        ),
    )
