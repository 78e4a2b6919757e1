import unittest

import listing_rules
from fixture_tree import RuleTest

TESTS = {"tests/CMakeLists.txt": "add_subdirectory(base)\nadd_subdirectory(e2e)\n"}


class ListingRules(RuleTest):
    def test_what_is_listed_passes(self):
        self.assertEqual(self.problems(listing_rules, {
            **TESTS,
            "src/base/clock.cpp": "int a;\n",
            "src/cli/main.cpp": "int main() {}\n",
            "tests/base/CMakeLists.txt": "sluicegate_test(base SOURCES\n  clock_test.cpp)\n",
            "tests/base/clock_test.cpp": "int a;\n",
            "tests/e2e/CMakeLists.txt": "foreach(name IN ITEMS sdk_test)\nendforeach()\n",
            "tests/e2e/sdk_test.py": "",
        }), [])

    # name, files, the rule that must fire
    CASES = (
        ("a source that no module lists", {"src/base/forgotten.cpp": "int a;\n"},
         "source-listed"),
        ("a source of a folder without a module", {"src/extra/a.cpp": "int a;\n"},
         "source-listed"),
        ("a source of cli that the executable does not list",
         {"src/cli/serve.cpp": "int a;\n"}, "source-listed"),
        ("a test that its folder does not list",
         {"tests/base/CMakeLists.txt": "sluicegate_test(base SOURCES a_test.cpp)\n",
          "tests/base/b_test.cpp": "int b;\n"}, "test-listed"),
        ("a test whose name only ends like a listed one",
         {"tests/base/CMakeLists.txt": "sluicegate_test(base SOURCES big_a_test.cpp)\n",
          "tests/base/a_test.cpp": "int a;\n"}, "test-listed"),
        ("a test that is listed in a comment",
         {"tests/base/CMakeLists.txt": "# a_test.cpp\n", "tests/base/a_test.cpp": "int a;\n"},
         "test-listed"),
        ("a test folder without a listing", {"tests/base/a_test.cpp": "int a;\n"}, "test-listed"),
        ("a test folder that is not added",
         {"tests/limit/CMakeLists.txt": "sluicegate_test(limit SOURCES)\n"}, "folder-listed"),
        ("a test folder that mirrors nothing", {"tests/misc/data.txt": "x\n"}, "mirrors-src"),
    )

    def test_what_lies_beside_the_build_is_found(self):
        for name, files, rule in self.CASES:
            with self.subTest(name):
                self.assertEqual(self.fires(listing_rules, {**TESTS, **files}), [rule])

    def test_every_rule_has_a_case_that_fires_it(self):
        self.assertEqual({rule for *_, rule in self.CASES}, set(listing_rules.RULES))


if __name__ == "__main__":
    unittest.main()
