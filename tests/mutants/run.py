"""run.py [NAME ...]: each mutant, one deliberate fault in a copy of the sources, fails its test.

table.py lists the mutants. One after another is put into the copy in build/mutants. The test
binary that it names is built there by the preset release, and the tests that it names must fail.
Without the fault they pass. A test that misses its mutant is to be made sharper, and a mutant whose
text is no longer in the sources is to be said anew.

--list    names the mutants
--check   only looks whether the table fits the sources; this is a test of ctest
--jobs N  compiles N files at once
"""

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from table import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build" / "mutants"
BUILD = COPY / "build" / "release"
TEST_SECONDS_MAX = 120
_RUNNING = re.compile(r"^\[=+\] Running (\d+) tests?", re.MULTILINE)
_FAILED = re.compile(r"^\[  FAILED  \] ([\w/]+\.[\w/]+)", re.MULTILINE)


class Unusable(Exception):
    """The table, the sources or the build are not as they must be: nothing was learned."""


@dataclass
class Outcome:
    """How a run of some tests ended."""

    tests: int
    failed: list
    exit_code: int | None  # None: it was still running at the end of its time
    output: str

    @property
    def has_passed(self):
        return self.tests > 0 and self.exit_code == 0

    @property
    def has_failed(self):
        """Tests have failed, and nothing worse happened, such as a crash."""
        return self.tests > 0 and self.exit_code == 1 and bool(self.failed)


def outcome_of(output, exit_code):
    running = _RUNNING.search(output)
    tests = int(running.group(1)) if running else 0
    return Outcome(tests, sorted(set(_FAILED.findall(output))), exit_code, output)


def edited(text, mutant):
    """The text of a source with the mutant's fault in it."""
    count = text.count(mutant.text)
    if count != 1:
        raise Unusable(f"{mutant.name}: its text is in {mutant.file} {count} times, not once: "
                       "say in tests/mutants/table.py anew how the fault is made")
    return text.replace(mutant.text, mutant.replacement)


def misfits(mutants, root=ROOT):
    """What is wrong with a table of mutants."""
    seen = set()
    for mutant in mutants:
        if mutant.name in seen:
            yield f"{mutant.name}: the name comes twice"
        seen.add(mutant.name)
        path = root / mutant.file
        if not path.is_file():
            yield f"{mutant.name}: there is no {mutant.file}"
            continue
        try:
            if edited(path.read_text(encoding="utf-8"), mutant) == path.read_text(encoding="utf-8"):
                yield f"{mutant.name}: it changes nothing"
        except Unusable as why:
            yield str(why)


def _files():
    """What git tracks, or in an unpacked archive everything but build folders."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.decode().split("\0")
        return {Path(name) for name in names if name and (ROOT / name).is_file()}
    return {path.relative_to(ROOT) for path in ROOT.rglob("*")
            if path.is_file() and path.relative_to(ROOT).parts[0] not in ("build", ".git")}


def _write(path, content):
    """Leaves a file that says the same alone, so that nothing is built again for it."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def bring_up_to_date():
    """Makes build/mutants a copy of the sources as they are now."""
    wanted = _files()
    for name in wanted:
        _write(COPY / name, (ROOT / name).read_bytes())
        (COPY / name).chmod((ROOT / name).stat().st_mode)
    for folder in ("src", "include", "tests", "cmake"):
        for path in (COPY / folder).rglob("*"):
            if path.is_file() and path.relative_to(COPY) not in wanted:
                path.unlink()


def _run(*command):
    made = subprocess.run(command, cwd=COPY, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise Unusable(f"{' '.join(command)} failed:\n" +
                       "\n".join((made.stdout + made.stderr).split("\n")[-30:]))


def configure():
    # Tests are named on the command line here: no build has to run a binary to list them.
    _run("cmake", "--preset", "release", "-DSLUICEGATE_TESTS=ON",
         "-DCMAKE_GTEST_DISCOVER_TESTS_DISCOVERY_MODE=PRE_TEST")


def build(targets, jobs):
    _run("cmake", "--build", str(BUILD), "--parallel", str(jobs), "--target", *sorted(targets))


def run_tests(mutant):
    command = [str(BUILD / mutant.binary), f"--gtest_filter={mutant.tests}", "--gtest_color=no"]
    try:
        ran = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, errors="replace",
                             timeout=TEST_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired as late:
        return outcome_of((late.stdout or b"").decode(errors="replace"), None)
    return outcome_of(ran.stdout, ran.returncode)


def check_that_tests_pass(mutants):
    """Without a fault, each test passes; otherwise its failure would say nothing."""
    passed = set()
    for mutant in mutants:
        if (mutant.binary, mutant.tests) in passed:
            continue
        outcome = run_tests(mutant)
        if outcome.tests == 0:
            raise Unusable(f"{mutant.name}: {mutant.binary} has no test {mutant.tests}")
        if not outcome.has_passed:
            raise Unusable(f"{mutant.name}: {mutant.tests} of {mutant.binary} fails without the "
                           f"fault:\n{outcome.output[-3000:]}")
        passed.add((mutant.binary, mutant.tests))


def try_mutant(mutant, jobs):
    """What the mutant's tests say of its fault, in words; None if they miss it."""
    path = COPY / mutant.file
    original = path.read_text(encoding="utf-8")
    try:
        path.write_text(edited(original, mutant), encoding="utf-8")
        build({mutant.binary}, jobs)
        outcome = run_tests(mutant)
    finally:
        path.write_text(original, encoding="utf-8")
    if outcome.has_passed:
        return None
    if not outcome.has_failed:
        end = "hangs" if outcome.exit_code is None else f"ends with {outcome.exit_code}"
        raise Unusable(f"{mutant.name}: {mutant.binary} {end} instead of telling a failed test:\n"
                       f"{outcome.output[-3000:]}")
    return ", ".join(outcome.failed)


def run(mutants, jobs):
    print(f"    {len(mutants)} mutants in {COPY.relative_to(ROOT)}; building what they name",
          flush=True)
    bring_up_to_date()
    configure()
    build({mutant.binary for mutant in mutants}, jobs)
    check_that_tests_pass(mutants)
    survivors, unusable = [], []
    for number, mutant in enumerate(mutants, 1):
        began = time.monotonic()
        try:
            caught = try_mutant(mutant, jobs)
        except Unusable as why:
            unusable.append(mutant.name)
            print(f"    UNUSABLE {why}", flush=True)
            continue
        if caught is None:
            survivors.append(mutant.name)
        print(f"    [{number}/{len(mutants)}] {mutant.name}: " +
              (f"caught by {caught}" if caught else f"SURVIVES {mutant.tests}") +
              f" ({time.monotonic() - began:.0f} s)", flush=True)
    caught = len(mutants) - len(survivors) - len(unusable)
    print(f"    {caught} of {len(mutants)} mutants were caught")
    for name in survivors:
        print(f"    {name} survives: its tests pass with the fault")
    for name in unusable:
        print(f"    {name} could not be tried")
    return 1 if survivors or unusable else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if not arguments.names or mutant.name in arguments.names]
    problems = list(misfits(chosen))
    unknown = set(arguments.names) - {mutant.name for mutant in MUTANTS}
    problems += [f"{name}: there is no such mutant" for name in sorted(unknown)]
    if problems:
        print("\n".join(problems))
        return 1
    if arguments.list:
        print("\n".join(mutant.name for mutant in MUTANTS))
    if arguments.list or arguments.check:
        return 0
    try:
        return run(chosen, arguments.jobs)
    except Unusable as why:
        print(f"    {why}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
