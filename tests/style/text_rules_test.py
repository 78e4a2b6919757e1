import unittest

import text_rules
from fixture_tree import RuleTest

GOOD_HEADER = "#pragma once\n/// What it is.\n\nint a;\n"
UNFINISHED = "TO" + "DO"


class TextRules(RuleTest):
    # name, path, text, the rule that must fire
    CASES = (
        ("a long line of C++", "src/base/a.cpp", "// " + "x" * 98 + "\n", "line-length"),
        ("a long line of Python", "tests/style/a.py", "# " + "x" * 99 + "\n", "line-length"),
        ("a long line of the dev script", "dev", "# " + "x" * 99 + "\n", "line-length"),
        ("a tab", "src/base/a.cpp", "\tint a;\n", "tab"),
        ("a tab in YAML", "config/quickstart.yaml", "a:\tb\n", "tab"),
        ("a blank at the end", "docs/a.md", "text \n", "trailing-space"),
        ("no newline at the end", "docs/a.md", "text", "final-newline"),
        ("a carriage return", "docs/a.md", "text\r\n", "carriage-return"),
        ("unfinished work", "src/base/a.cpp", f"// {UNFINISHED}: later\n", "leftover"),
        ("unfinished work in the build", "CMakeLists.txt", f"# {UNFINISHED}\n", "leftover"),
        ("an archaic pronoun in a comment", "src/base/a.cpp", "// Who" + "ever waits.\n",
         "plain-word"),
        ("an archaic pronoun in a comment of a test", "tests/base/a_test.cpp",
         "    // No" + "body waits.\n", "plain-word"),
        ("an archaic pronoun in the docs", "docs/a.md", "No" + "body waits.\n", "plain-word"),
        ("a comment before pragma once", "src/base/a.hpp", "// hi\n" + GOOD_HEADER,
         "pragma-once"),
        ("an include guard", "include/sluicegate/base/a.hpp", "#ifndef A\n#define A\n#endif\n",
         "pragma-once"),
        ("no head comment", "src/base/a.hpp", "#pragma once\n\nint a;\n", "head-comment"),
        ("using namespace in a header", "src/base/a.hpp",
         GOOD_HEADER + "using namespace std;\n", "using-namespace"),
        ("a sleeping unit test", "tests/base/a_test.cpp", "std::this_thread::sleep_for(1s);\n",
         "sleeping-test"),
        ("the wall clock in a unit test", "tests/base/a_test.cpp",
         "auto t = std::chrono::system_clock::now();\n", "sleeping-test"),
        ("a skipped test", "tests/base/a_test.cpp", "GTEST_SK" + "IP();\n", "ignored-test"),
        ("a disabled test", "tests/base/a_test.cpp", "TEST(A, DISAB" + "LED_B) {}\n",
         "ignored-test"),
    )

    def test_each_blemish_is_found(self):
        for name, path, text, rule in self.CASES:
            with self.subTest(name):
                self.assertEqual(self.fires(text_rules, {path: text}), [rule])

    def test_clean_files_pass(self):
        for path, text in (
                ("src/base/a.hpp", GOOD_HEADER),
                ("src/base/a.cpp", "using namespace std::chrono_literals;\n" + "x" * 100 + "\n"),
                ("docs/a.md", "x" * 300 + "\n"),
                ("src/base/b.cpp", f'constexpr auto body = R"({"x" * 120})";\n'),
                ("src/base/c.cpp", "// " + "é" * 97 + "\n"),  # characters count, not bytes
                ("docs/empty.md", ""),
                ("src/base/d.cpp", "int body_of_no = 0;  // a client that waits\n"),
                ("tests/base/d.cpp", 'auto user = "no' + 'body";\n'),
                ("run.log", "\t\r")):
            with self.subTest(path):
                self.assertEqual(self.problems(text_rules, {path: text}), [])

    def test_data_and_build_output_are_left_alone(self):
        self.assertEqual(self.problems(text_rules, {
            "build/a.cpp": "\t", "tests/fuzz/corpus/http/a": "\t\r\n", ".git/config": "\t",
            "tests/config/bad/tab_indent.yaml": "a:\n\tb: 1\n",
            "tests/e2e/node_modules/x/a.mjs": "\t", "tests/http/a.json": b"\xff\xfe\t",
        }), [])

    def test_every_rule_has_a_case_that_fires_it(self):
        self.assertEqual({rule for *_, rule in self.CASES}, set(text_rules.RULES))


if __name__ == "__main__":
    unittest.main()
