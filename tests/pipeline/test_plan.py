"""Which members share a task, and how that is drawn."""

from collections.abc import Iterator

from antiphon.pipeline import Audio, Merge, Pipeline, Plan, Tee, Threaded, alone
from antiphon.pipeline.plan import Task
from tests.pipeline.parts import Script, Shout, Sink, Slow, Suffix, Text


class Named:
    name = "a name of its own"

    def process(self, frame: Text) -> Iterator[Text]:
        yield frame


def count(frame: Text) -> Text:
    return frame


def test_neighbouring_processors_are_fused_behind_their_stage() -> None:
    plan = Pipeline(Script(), Shout(), Suffix("!"), Slow(), count, Sink()).plan()

    assert plan == Plan(
        (Task("Script", ("Shout", "Suffix")), Task("Slow", ("count",)), Task("Sink"))
    )
    assert plan.lanes == 3


def test_processors_at_the_beginning_run_in_the_task_of_the_sender() -> None:
    plan = Pipeline(Shout(), Suffix("!"), Slow()).plan()

    assert plan == Plan((Task(None, ("Shout", "Suffix")), Task("Slow")))
    assert plan.lanes == 1


def test_an_empty_pipeline_has_no_tasks() -> None:
    assert Pipeline().plan() == Plan(())
    assert str(Pipeline()) == ""


def test_alone_puts_a_lane_on_either_side() -> None:
    plan = Pipeline(Script(), Shout(), alone(count), Suffix("!"), Sink()).plan()

    assert [task.fused for task in plan.tasks] == [("Shout",), ("count",), ("Suffix",), ()]
    assert plan.lanes == 4


def test_alone_puts_no_lane_where_one_is_already() -> None:
    plan = Pipeline(Script(), alone(Shout()), alone(count), Sink()).plan()

    assert [task.fused for task in plan.tasks] == [(), ("Shout",), ("count",), ()]


def test_alone_in_a_branch_is_not_fused_with_what_follows_the_join() -> None:
    plan = Pipeline(Script(), Tee(alone(Shout()), []), count).plan()

    (tee, behind) = plan.tasks
    assert [task.fused for task in tee.branches[0].tasks] == [("Shout",), ()]
    assert behind == Task(None, ("count",))


def test_a_processor_in_a_thread_is_a_stage() -> None:
    plan = Pipeline(Script(), Shout(), Threaded(Named()), Sink()).plan()

    assert [task.stage for task in plan.tasks] == [
        "Script",
        "Threaded(a name of its own)",
        "Sink",
    ]


def test_a_line_is_drawn_with_its_lanes() -> None:
    pipeline = Pipeline(Script(), Shout(), Named(), Slow(), Suffix("!"), Sink())

    assert str(pipeline).splitlines() == [
        "[Script] → Shout → a name of its own",
        "│ lane",
        "[Slow] → Suffix",
        "│ lane",
        "[Sink]",
    ]


def test_branches_are_drawn_indented() -> None:
    pipeline = Pipeline(
        Script(), Shout(), Tee([Slow(), count], [Suffix("!"), Slow(), Merge(Script())]), Sink()
    )

    assert str(pipeline).splitlines() == [
        "[Script] → Shout",
        "┌╴branch 1",
        "│  [Slow] → count",
        "├╴branch 2",
        "│  Suffix",
        "│  │ lane",
        "│  [Slow]",
        "│  ├╴branch 1",
        "│  │  [Script]",
        "│  └╴joined",
        "└╴joined",
        "│ lane",
        "[Sink]",
    ]
    assert pipeline.plan().lanes == 5


def test_a_resampler_that_was_put_in_is_drawn() -> None:
    class Needs:
        takes_rates = frozenset({24_000})

        def process(self, frame: Audio) -> Iterator[Audio]:
            yield frame

    assert str(Pipeline(Script(), Needs(), fit="auto")) == "[Script] → Resampler → Needs"


def test_a_pipeline_is_shown_by_the_names_of_its_members() -> None:
    assert repr(Pipeline(Script(), Shout(), count)) == "Pipeline(Script, Shout, count)"
