"""What tells xAI apart from OpenAI, for the ends that both have in common."""

from antiphon.codecs.openai.profile import Profile
from antiphon.codecs.xai import wire
from antiphon.codecs.xai.session import (
    RATES,
    read_session,
    show_session,
    write_options,
    write_session,
)

XAI = Profile(
    name=wire.NAME,
    write_session=write_session,
    read_session=read_session,
    show_session=show_session,
    write_options=write_options,
    event_ids=False,
    truncates=False,
    pcm_rates=RATES,
    text_events="response.text",
    parts=("text", "audio"),
)
