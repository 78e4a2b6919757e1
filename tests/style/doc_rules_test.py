import unittest

import doc_rules
from fixture_tree import RuleTest


class DocRules(RuleTest):
    # name, files, the rule that must fire
    CASES = (
        ("a link to nothing", {"README.md": "See [it](docs/it.md).\n"}, "dead-link"),
        ("a link that is right from the root only",
         {"docs/a.md": "See [b](docs/b.md).\n", "docs/b.md": ""}, "dead-link"),
        ("a command that no test runs", {"README.md": "```sh\nls\n```\n"}, "unmarked-example"),
        ("Python that no test runs", {"README.md": "```python\nimport os\n```\n"},
         "unmarked-example"),
        ("two examples of one name",
         {"docs/a.md": "```sh example=ls\nls\n```\n```sh example=ls\nls\n```\n"},
         "repeated-example"),
    )

    def test_each_fault_is_found(self):
        for name, files, rule in self.CASES:
            with self.subTest(name):
                self.assertEqual(self.fires(doc_rules, files), [rule])

    def test_good_documents_pass(self):
        self.assertEqual(self.problems(doc_rules, {
            "README.md": "[a](docs/a.md#part) [b](https://example.org/x) [c](#here) [d](docs)\n"
                         "```sh example=ls\nls\n```\n```text\n./dev run [x](nowhere)\n```\n",
            "docs/a.md": "[back](../README.md)\n```sh\nls\n```\n",
        }), [])

    def test_every_rule_has_a_case_that_fires_it(self):
        self.assertEqual({rule for *_, rule in self.CASES}, set(doc_rules.RULES))


if __name__ == "__main__":
    unittest.main()
