"""run.py counts a mutant as caught only if a test says so, and tells when one is out of date."""

import tempfile
import unittest
from pathlib import Path

from run import Unusable, edited, misfits, outcome_of
from table import Mutant

_PASSED = "[==========] Running 2 tests from 1 test suite.\n[  PASSED  ] 2 tests.\n"
_FAILED = ("[==========] Running 2 tests from 1 test suite.\n[  FAILED  ] Unit.Holds (0 ms)\n"
           "[  FAILED  ] 1 test, listed below:\n[  FAILED  ] Unit.Holds\n")
_NONE = "[==========] Running 0 tests from 0 test suites.\n[  PASSED  ] 0 tests.\n"


def mutant(text="a < b", name="m", file="a.cpp", replacement="a <= b"):
    return Mutant(name, file, text, replacement, "test_a", "Unit.*")


class OutcomeTest(unittest.TestCase):
    def test_names_the_tests_that_failed(self):
        outcome = outcome_of(_FAILED, 1)
        self.assertTrue(outcome.has_failed)
        self.assertFalse(outcome.has_passed)
        self.assertIn("Unit.Holds", outcome.failed)

    def test_passes_with_tests_alone(self):
        self.assertTrue(outcome_of(_PASSED, 0).has_passed)
        self.assertFalse(outcome_of(_NONE, 0).has_passed)

    def test_a_crash_or_a_hang_is_no_failed_test(self):
        for exit_code in (-6, -11, 127, None):
            outcome = outcome_of(_FAILED, exit_code)
            self.assertFalse(outcome.has_failed or outcome.has_passed)
        self.assertFalse(outcome_of("", 1).has_failed)


class EditTest(unittest.TestCase):
    def test_replaces_the_text(self):
        self.assertEqual(edited("if (a < b) x();", mutant()), "if (a <= b) x();")

    def test_refuses_a_text_that_is_not_there_once(self):
        for source in ("if (b > a) x();", "a < b, a < b"):
            with self.assertRaisesRegex(Unusable, "say in tests/mutants/table.py anew"):
                edited(source, mutant())


class TableTest(unittest.TestCase):
    def problems(self, *mutants):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "a.cpp").write_text("a < b\n", encoding="utf-8")
            return list(misfits(mutants, Path(folder)))

    def test_a_fitting_one_is_no_problem(self):
        self.assertEqual(self.problems(mutant()), [])

    def test_says_what_does_not_fit(self):
        self.assertEqual(len(self.problems(mutant(), mutant())), 1)
        self.assertEqual(len(self.problems(mutant(file="b.cpp"))), 1)
        self.assertEqual(len(self.problems(mutant(text="a > b"))), 1)
        self.assertEqual(len(self.problems(mutant(replacement="a < b"))), 1)


if __name__ == "__main__":
    unittest.main()
