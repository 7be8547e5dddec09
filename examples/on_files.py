"""A question in a file, an answer in another, in virtual time: seconds take milliseconds."""

import sys

from antiphon.pipeline import Pipeline
from antiphon.pipeline.testing import run_virtual
from antiphon.processors import FileSink, FileSource, Realtime, Transcript


def converse(question: str, answer: str) -> Transcript:
    transcript = Transcript()
    bot = Pipeline(
        FileSource(question),
        Realtime("local/assistant"),
        transcript,
        FileSink(answer),
        fit="auto",
    )
    run_virtual(bot.run)
    return transcript


if __name__ == "__main__":
    for said in converse(*sys.argv[1:3]).said:
        print(f"{said.at / 1_000_000:6.2f} s  {said.who:9}  {said.text}")
