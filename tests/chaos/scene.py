"""What every case of chaos does: a command in a process of its own, a moment, a blow, and the same command again.

Nothing is patched, but the clock of a command in test_clock_jumps.py: the run is real, on a real head of Ray, and the
LLM is an HTTP server that counts what it is asked.
"""

import json
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from command import FTM, ftm, start_ftm
from llm_server import LlmServer, error, in_its_words
from processes import titled
from sample import QUARTER

from ftm_ray.lake.storage import Lake
from ftm_ray.sources.manifest import read_manifest

#: An answer that was sent so shortly before a blow may not be on disk yet, and counts as under way: a second in which
#: answers are gathered for one file, and one for a busy machine.
_JUST_NOW_S = 2.0

#: The actors of a killed driver go on asking until Ray has noticed; after so much silence they are gone.
_SILENCE_S = 3.0

#: What a killed process had sent may wait so long for a thread of ours to read it; who replaces it needs seconds.
_SENT_S = 0.2

#: How often the same command is given again where it says that this will help.
_TRIES = 4


@dataclass
class Asked:
    """One question that reached the LLM; times of time.monotonic()."""

    question: str
    came: float
    answered: float | None = None
    is_paid: bool = False


class CountingLlm(LlmServer):
    """Answers well, in 0.3 s, so that a blow can fall in between; knows what it was asked and what it answered.

    Attributes:
        asked: All questions but the one that a run begins with ("Good morning").
        is_away: Whether it says 503 to everything.
    """

    def __init__(self) -> None:
        super().__init__(self._answer, delay_s=0.3)
        self.asked: list[Asked] = []
        self.is_away = False

    def _answer(self, _, body):
        return error(503, "away") if self.is_away else in_its_words(body)

    def reply(self, path, key, body):
        asked = Asked(json.dumps(body["messages"]), time.monotonic())
        if "Good morning" not in asked.question:
            self.asked.append(asked)
        answer = super().reply(path, key, body)
        asked.is_paid, asked.answered = answer.status == 200, time.monotonic()
        return answer

    def wait_for_silence(self) -> None:
        """Until nobody asks any more."""
        quiet_since, n_asked = time.monotonic(), len(self.asked)
        deadline = quiet_since + 60.0
        while time.monotonic() - quiet_since < _SILENCE_S:
            assert time.monotonic() < deadline, "somebody goes on asking for a driver that is dead"
            time.sleep(0.1)
            if len(self.asked) > n_asked:
                quiet_since, n_asked = time.monotonic(), len(self.asked)


@dataclass
class Row:
    """What a case did and what came of it: a row of docs/reliability.md.

    Attributes:
        kind: Driver, actor, storage ...
        harm: What was done, in words.
        blows: How often it was done.
        firms_lost: Firms of the store that are not published.
        firms_twice: Firms that are published more than once.
        paid_twice: Questions that were answered twice, less those under way when a blow fell.
        under_way: Those that were under way, and asked again: nobody had read their answer.
        recover_s: From the start of the last command to its end.
    """

    kind: str
    harm: str
    blows: int = 0
    firms_lost: int | None = None
    firms_twice: int | None = None
    paid_twice: int | None = None
    under_way: int | None = None
    same_bytes: bool | None = None
    recover_s: float | None = None

    def as_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass
class Case:
    """A command over a ROOT, which is struck and given again.

    Attributes:
        arguments: Of `ftm`; the same each time.
        environment: Of its process; None = this one's without a cluster, so that it starts a Ray of its own.
        blows: When they fell, and when those who were hit had ended; time.monotonic().
        n_asked_before: What the LLM had been asked when the process at hand was started.
        started_at: When that was; seconds since 1970.
    """

    root: Path | str  # a text where it lies on S3: no moment looks there
    arguments: tuple[str, ...]
    environment: dict[str, str] | None
    llm: CountingLlm
    row: Row
    blows: list[tuple[float, float]] = field(default_factory=list)
    n_asked_before: int = 0
    started_at: float = 0.0
    n_asked_at_first: int = 0

    def __post_init__(self) -> None:
        self.n_asked_at_first = len(self.llm.asked)

    def start(self, program: Sequence[str] = FTM) -> subprocess.Popen:
        self.n_asked_before, self.started_at = len(self.llm.asked), time.time()
        return start_ftm(*self.arguments, environment=self.environment, program=program)

    def wait_for(self, process: subprocess.Popen, moment: "Moment", within_s: float = 500.0) -> None:
        """Until the moment has come; or until the process is through, which may be before we looked."""
        deadline = time.monotonic() + within_s
        while not moment(self) and process.poll() is None:
            assert time.monotonic() < deadline, "the moment did not come"
            time.sleep(0.005)

    def struck(self, fell: float | None = None) -> None:
        """Count a blow that fell just now, or then and whose last victim ended just now."""
        now = time.monotonic()
        self.blows.append((fell or now, now))
        self.row.blows += 1

    def kill_driver(self, moment: "Moment", delay_s: float = 0.0) -> None:
        """Start the command, and SIGKILL it so long after the moment.

        A machine that is busy elsewhere may look up too late, when the command is through: then nothing was struck, and
        no blow is counted; a run that was published so is taken back, or there would be nothing left to strike.
        """
        process = self.start()
        try:
            self.wait_for(process, moment)
            time.sleep(delay_s)
        finally:
            fell = time.monotonic()
            process.kill()
            output, _ = process.communicate(timeout=120)
        if process.returncode == -signal.SIGKILL:
            self.llm.wait_for_silence()
            self.struck(fell)
        else:
            assert process.returncode == 0, output
        if isinstance(self.root, Path):
            remove(list(self.root.glob("runs/*/*/run.json")) if self.arguments[0] == "run" else [])

    def finish(self) -> str:
        """The same command until it is through; returns what it said in the end."""
        begin = time.monotonic()
        for _ in range(_TRIES):
            process = self.start()
            output, _ = process.communicate(timeout=900)
            assert "Traceback" not in output, output
            if process.returncode == 0:
                break
            assert process.returncode == 4, output
        assert process.returncode == 0, output
        self.row.recover_s = round(time.monotonic() - begin, 1)
        return output

    def check(self, calm: Path) -> None:
        """Hold what is published against a calm run, and the LLM's questions against one another.

        `ftm verify` reads every published file and holds its bytes against run.json; that has those of the calm run.
        """
        lake = Lake(str(self.root))
        self.row.same_bytes = recorded_files(lake) == recorded_files(Lake(str(calm)))
        wanted = {firm for batch in read_manifest(lake, QUARTER).batches for firm in batch.firm_ids}
        published = Counter(lake.read_folder(lake.table_dir("firms", QUARTER))["firm_id"].to_pylist())
        self.row.firms_lost = len(wanted - set(published))
        self.row.firms_twice = sum(n - 1 for n in published.values())
        self.count_paid_twice()
        verified = ftm("verify", QUARTER, "--root", self.root)
        assert verified.exit_code == 0, verified.output
        assert self.row.same_bytes
        assert (self.row.firms_lost, self.row.firms_twice, self.row.paid_twice) == (0, 0, 0)

    def count_paid_twice(self) -> None:
        asked = self.llm.asked[self.n_asked_at_first :]
        paid = Counter(a.question for a in asked if a.is_paid)
        under_way = {a.question for a in asked for fell, ended in self.blows if _is_under_way(a, fell, ended)}
        self.row.paid_twice = sum(n - 1 for question, n in paid.items() if question not in under_way)
        self.row.under_way = sum(n - 1 for question, n in paid.items() if question in under_way)


Moment = Callable[[Case], bool]


def _is_under_way(asked: Asked, fell: float, ended: float) -> bool:
    return asked.came < ended and (asked.answered is None or asked.answered > fell - _JUST_NOW_S)


def recorded_files(lake: Lake) -> dict[str, dict]:
    """Size, digest and rows of each published file, as run.json has them."""
    (run_id,) = lake.list_folders(f"runs/quarter={QUARTER}")
    return lake.read_json(lake.run_file(QUARTER, run_id))["files"]


# -- moments ------------------------------------------------------------------------------------------------------


def locked(case: Case) -> bool:
    """The command has begun: the lock is its own."""
    return any(path.stat().st_mtime >= case.started_at for path in case.root.glob("locks/[!.]*.json"))


def new_files(pattern: str, n: int = 1) -> Moment:
    """So many files of this pattern below ROOT were written since the command began."""

    def has_come(case: Case) -> bool:
        return sum(_is_new(path, case) for path in case.root.glob(pattern)) >= n

    return has_come


def _is_new(path: Path, case: Case) -> bool:
    try:
        return path.stat().st_mtime >= case.started_at
    except FileNotFoundError:  # put in place, or deleted, while we looked
        return False


def new_parts(n: int = 1) -> Moment:
    return new_files("intermediate/firm-topics/*/*/[!.]*.parquet", n)


def table(name: str) -> Moment:
    return new_files(f"processed/{name}/*/*.parquet")


def asked(n: int) -> Moment:
    """The LLM was asked so much since the command began."""
    return lambda case: len(case.llm.asked) - case.n_asked_before >= n


def kill_process(case: Case, head_pid: int, words: tuple[str, ...], command: subprocess.Popen) -> None:
    """SIGKILL a process of the head's as soon as one is there that has these words in its title."""
    found: list[psutil.Process] = []

    def is_there(_: Case) -> bool:
        found[:] = titled(*words, below=head_pid)[:1]
        return bool(found)

    case.wait_for(command, is_there)
    assert found, command.communicate()[0]
    fell = time.monotonic()
    found[0].kill()
    time.sleep(_SENT_S)
    case.struck(fell)


# -- states of a ROOT ---------------------------------------------------------------------------------------------

#: What a state takes over of a calm ROOT.
STATES = {
    "prefetched": ("prefetch",),
    "named": ("prefetch", "intermediate"),
    "published": ("prefetch", "intermediate", "processed", "sentiment-ready", "runs"),
}


def copy_state(calm: Path, root: Path, state: str) -> Path:
    """A ROOT of its own in one of the states."""
    for folder in STATES[state]:
        shutil.copytree(calm / folder, root / folder)
    return root


def part_files(root: Path) -> list[Path]:
    return sorted(root.glob("intermediate/firm-topics/*/*/[!.]*.parquet"))


def answer_files(root: Path) -> list[Path]:
    return sorted(root.glob("intermediate/llm-answers/*/[!.]*.parquet"))


def remove(files: list[Path]) -> None:
    for file in files:
        file.unlink()
