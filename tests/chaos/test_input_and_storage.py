"""Files that are damaged between two runs, a full disk, an LLM that is away, and two commands at once."""

import subprocess
import threading
from contextlib import contextmanager

import pytest
from scene import STATES, answer_files, asked, new_parts, part_files, remove

DAMAGED = "file damaged"


def flip(path):
    """Change one byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("harm", "words"),
    [(flip, "a byte flipped in"), (truncate, "the second half cut off")],
    ids=["flipped", "truncated"],
)
def test_a_part_file(case_of, calm, harm, words):
    case = case_of("named", DAMAGED, f"{words} a part file between two runs")
    harm(part_files(case.root)[5])
    case.struck()
    assert "is made again" in case.finish()
    case.check(calm)


def test_kept_answers(case_of, calm):
    case = case_of("unnamed", DAMAGED, "a byte flipped in each second file of kept answers, after a SIGKILL")
    case.kill_driver(asked(20))
    files = answer_files(case.root)
    assert files
    for path in files[::2]:
        flip(path)
        case.struck()
    n_damaged = len(case.llm.asked)
    case.finish()
    assert len(case.llm.asked) > n_damaged
    case.llm.asked[case.n_asked_at_first : n_damaged] = []  # what they held is lost, and has to be paid for again
    case.check(calm)


@contextmanager
def small_disk(folder, kilobytes):
    """A file system of its own of this size; grown by `mount -o remount`."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize(
    ("state", "words"),
    [("unnamed", "while topics are named and their parts written again"), ("named", "while it publishes")],
    ids=["naming", "publishing"],
)
def test_a_full_disk(case_of, calm, calm_roots, tmp_path, state, words):
    source = calm_roots[1] if state == "unnamed" else calm
    files = [path for folder in STATES["named"] for path in (source / folder).rglob("*") if path.is_file()]
    used = sum(-(-path.stat().st_size // 4096) * 4 for path in files)
    with small_disk(tmp_path / "small", used + 60):
        case = case_of(state, "disk full", f"{words}: a tmpfs without room, given more", tmp_path / "small")
        process = case.start()
        output, _ = process.communicate(timeout=900)
        case.struck()
        assert process.returncode == 4, output
        assert "Traceback" not in output and "No space left" in output, output
        subprocess.run(["mount", "-o", "remount,size=64m", case.root], check=True)
        case.finish()
        case.check(calm)


def test_the_llm_is_away_for_a_minute(case_of, calm):
    case = case_of("unnamed", "LLM away", "503 to everything for 60 s, after 9 questions")
    process = case.start()
    case.wait_for(process, asked(9))
    case.llm.is_away = True
    case.struck()
    back = threading.Timer(60.0, setattr, (case.llm, "is_away", False))
    back.start()
    try:
        output, _ = process.communicate(timeout=900)
    finally:
        back.join()
    case.row.harm += outlasted(process.returncode)
    assert process.returncode in (0, 3) and "Traceback" not in output, output
    case.finish()
    case.check(calm)


def outlasted(code):
    return "; the run outlasted it" if code == 0 else "; the command ended with one sentence and was given again"


@pytest.mark.fast
def test_two_commands_at_once(case_of, calm):
    case = case_of("unnamed", "two at once", "the same command twice in the same second")
    first, second = case.start(), case.start()
    case.struck()
    outputs = [process.communicate(timeout=900)[0] for process in (first, second)]
    codes = [first.returncode, second.returncode]
    assert sorted(codes) == [0, 4], outputs
    loser = outputs[codes.index(4)]
    assert "Traceback" not in loser
    assert "2024Q1" in loser and ("works on" in loser or "wait for it" in loser), loser
    case.finish()
    case.check(calm)


def test_a_part_that_goes_away_while_the_run_goes_on(case_of, calm):
    case = case_of("named", DAMAGED, "a finished part file deleted while the map makes others")
    remove(part_files(case.root)[8:])
    process = case.start()
    case.wait_for(process, new_parts(1))
    part_files(case.root)[0].unlink()
    case.struck()
    output, _ = process.communicate(timeout=900)
    assert process.returncode == 4 and "Traceback" not in output, output
    case.finish()
    case.check(calm)
