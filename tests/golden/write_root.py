"""Writes a ROOT of this version, for later versions to read (tests/integration/test_root_of_before.py).

    python tests/golden/write_root.py

Half of the invented sample calls of one quarter, run on Ray as `ftm run --keep-vectors` does, named by an endpoint on
this machine (good_endpoint.py), with lineage, and with sentiment out of invented probabilities, as no model is shipped.
The file's name holds the version of the code. Run it before a release, and commit what it writes.
"""

import sys
import tempfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from command import ftm
from good_endpoint import good_endpoint
from sample import QUARTER, SAMPLE
from scored import keep_scores, make_config_only

from ftm_ray.lake.code_version import code_version
from ftm_ray.lake.storage import Lake

#: What says nothing to a later version: locks are held for the time of a command.
_LEFT_OUT = ("locks/",)


def main() -> int:
    """Write the file; returns its size in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        root, model = Path(folder) / "lake", make_config_only(Path(folder) / "model")
        calls = ("--path", SAMPLE / f"part_a_{QUARTER}.jsonl", "--links", SAMPLE / "links.csv")
        done("prefetch", QUARTER, *calls, "--root", root)
        with good_endpoint() as endpoint:
            done("run", QUARTER, "--llm", endpoint.url, "--keep-vectors", "--root", root)
        keep_scores(Lake(str(root)), QUARTER, model)
        done("sentiment", QUARTER, "--model", model, "--root", root)
        done("lineage", QUARTER, "--root", root)
        done("verify", QUARTER, "--root", root)
        path = Path(__file__).with_name(f"root_of_{code_version().replace('+', '_')}.zip")
        with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=9) as kept:
            for file in sorted(root.rglob("*")):
                name = file.relative_to(root).as_posix()
                if file.is_file() and not name.startswith(_LEFT_OUT):
                    kept.writestr(ZipInfo(name), file.read_bytes(), ZIP_DEFLATED)
    print(path, path.stat().st_size)
    return path.stat().st_size


def done(*arguments: object) -> None:
    """A command that must succeed."""
    result = ftm(*arguments)
    if result.exit_code:
        sys.exit(f"ftm {arguments[0]} ended with {result.exit_code}: {result.output}{result.exception!r}")


if __name__ == "__main__":
    main()
