import unittest

import package_rules
from fixture_tree import RuleTest

DEV = "packages_build=(g++ cmake curl\n    libssl-dev)\npackages_test=(libgtest-dev)\n"
DOCKERFILE = "RUN apt-get install -y --no-install-recommends \\\n g++ cmake \\\n {} && rm x\n"


class PackageRules(RuleTest):
    def fires_on(self, dev, dockerfile):
        return self.fires(package_rules, {"tools/packages.sh": dev,
                                          "docker/Dockerfile": dockerfile})

    def test_equal_lists_pass(self):
        self.assertEqual(self.fires_on(DEV, DOCKERFILE.format("libssl-dev")), [])

    def test_a_package_on_one_side_only_is_found(self):
        for name, last in (("missing in the image", ""),
                           ("missing in dev", "libssl-dev libyaml-dev")):
            with self.subTest(name):
                self.assertEqual(self.fires_on(DEV, DOCKERFILE.format(last)),
                                 ["package-lists"])

    def test_a_missing_file_is_no_agreement(self):
        self.assertEqual(self.fires(package_rules, {"tools/packages.sh": DEV}), ["package-lists"])


if __name__ == "__main__":
    unittest.main()
