"""Replies as a file has them; `script` says how they are written."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from antiphon.codecs.items import JsonObject
from antiphon.processors.local.casting import Book
from antiphon.processors.local.reply import Reply

Seconds = Annotated[float, Meta(ge=0)]


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done in a reply, in the order of the fields."""

    wait: Seconds = 0.0
    say: str = ""
    sound: str = ""
    tone: Seconds = 0.0
    call: str = ""
    arguments: JsonObject = {}
    error: str = ""
    message: str = "The script says so."
    hang_up: bool = False
    interrupt: Seconds | None = None
    interrupt_words: str = ""

    def play(self, reply: Reply, folder: Path) -> None:
        """Let *reply* do it; sounds are in *folder*."""
        if self.interrupt is not None:
            reply.interrupted(self.interrupt_words, after=self.interrupt)
        if self.wait:
            reply.thinks(self.wait)
        if self.say:
            reply.says(self.say)
        if self.sound:
            reply.plays(folder / self.sound)
        if self.tone:
            reply.tone(self.tone)
        if self.call:
            reply.calls(self.call, self.arguments)
        if self.error:
            reply.fails(self.error, self.message)
        if self.hang_up:
            reply.hangs_up()


class Answer(Step, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reply, and to what it is one."""

    hears: str | None = None
    when: str | None = None
    after: str | None = None
    times: int | None = None
    then: tuple[Step, ...] = ()

    def reply(self, folder: Path) -> Reply:
        reply = Reply(hears=self.hears, when=self.when, after=self.after, times=self.times)
        self.play(reply, folder)
        for step in self.then:
            step.play(reply.then(), folder)
        return reply


class Answers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A script of replies, as it is written."""

    reply: tuple[Answer, ...] = ()
    default: Answer | None = None
    voice: str = "en-us"
    recognise: bool = False

    def book(self, folder: Path) -> Book:
        """Raises ValueError."""
        replies: list[Reply] = []
        for number, answer in enumerate(self.reply):
            try:
                replies.append(answer.reply(folder))
            except ValueError as error:
                raise ValueError(f"{error} - at `$.reply[{number}]`") from error
        default = None if self.default is None else self.default.reply(folder)
        return Book(replies, default=default, voice=self.voice, recognise=self.recognise)
