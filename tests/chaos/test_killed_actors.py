"""SIGKILL of the actors. Ray starts those of the map again, so that the run goes on; the last one ends the command."""

import pytest
from scene import answer_files, asked, kill_process, locked, new_parts, part_files, remove, table

KIND = "actor killed"


def kill_actor(case, head, name, process):
    kill_process(case, head.pid, ("ray::", name), process)


def finish_struck(case, process):
    """The run that was struck to its end; the same command again where it says that this goes on."""
    output, _ = process.communicate(timeout=900)
    assert "Traceback" not in output, output
    if process.returncode:
        assert "the same command" in output, output
        case.row.harm += "; the command ended with one sentence and was given again"
    case.finish()  # nothing, where it was through


@pytest.mark.parametrize(
    ("state", "name", "n_parts_kept"),
    [
        pytest.param("named", "TopicFinder", 8, marks=pytest.mark.fast),
        ("named", "PartWriter", 8),
    ],
)
def test_an_actor_of_the_map(case_of, calm, head, state, name, n_parts_kept):
    case = case_of(state, KIND, f"{name}, after the first new part file")
    remove(part_files(case.root)[n_parts_kept:])
    process = case.start()
    case.wait_for(process, new_parts(1))
    kill_actor(case, head, name, process)
    finish_struck(case, process)
    case.check(calm)


def test_the_topic_actor_twice_while_it_loads(case_of, calm, head):
    case = case_of("named", KIND, "TopicFinder, 2 x, as soon as it is there")
    remove(part_files(case.root)[8:])
    process = case.start()
    for _ in range(2):
        kill_actor(case, head, "TopicFinder", process)
    finish_struck(case, process)
    case.check(calm)


def test_the_naming_actor(case_of, calm, head):
    case = case_of("unnamed", KIND, "PartNamer, after 9 questions")
    process = case.start()
    case.wait_for(process, asked(9))
    kill_actor(case, head, "PartNamer", process)
    finish_struck(case, process)
    case.check(calm)


@pytest.mark.parametrize(
    ("moment", "words"),
    [(asked(2), "after 2 questions about themes"), (table("topics"), "while it publishes")],
    ids=["naming", "publishing"],
)
def test_the_last_actor(case_of, calm, head, moment, words):
    case = case_of("named", KIND, f"FinalActor, {words}")
    if words.startswith("after"):
        remove(answer_files(case.root))
    process = case.start()
    case.wait_for(process, moment)
    kill_actor(case, head, "FinalActor", process)
    finish_struck(case, process)
    case.check(calm)


def test_the_last_actor_while_it_starts(case_of, calm, head):
    case = case_of("named", KIND, "FinalActor, as soon as it is there")
    process = case.start()
    case.wait_for(process, locked)
    kill_actor(case, head, "FinalActor", process)
    finish_struck(case, process)
    case.check(calm)
