import unittest

import include_rules
from fixture_tree import RuleTest

HEADER = "#pragma once\n/// What it is.\n"


class IncludeRules(RuleTest):
    def test_a_folder_may_include_itself_and_what_it_uses(self):
        self.assertEqual(self.problems(include_rules, {
            "include/sluicegate/limit/run_log.hpp": HEADER + '#include "sluicegate/base/x.hpp"\n'
                                                             "struct RunLog {};\n",
            "src/limit/run_log.cpp": '#include "sluicegate/limit/run_log.hpp"\n',
            "src/cli/main.cpp": '#include "sluicegate/gateway/path.hpp"\n#include <CLI/CLI.hpp>\n',
        }), [])

    def test_a_circle_of_units_is_found(self):
        files = {
            "src/gateway/a.hpp": HEADER + "struct A {};\n",
            "src/gateway/a.cpp": '#include "gateway/a.hpp"\n\n#include "gateway/b.hpp"\n',
            "src/gateway/b.hpp": HEADER + "struct B {};\n",
            "src/gateway/b.cpp": '#include "gateway/b.hpp"\n',
        }
        self.assertEqual(self.problems(include_rules, files), [])
        files["src/gateway/b.cpp"] += '\n#include "gateway/a.hpp"\n'
        self.assertEqual(self.fires(include_rules, files), ["circle"])

    def test_a_folder_that_has_grown_too_large_is_found(self):
        files = {f"src/gateway/f{i}.cpp": "int a;\n" for i in range(26)}
        self.assertEqual(self.problems(include_rules, files), [])
        files["src/gateway/more.cpp"] = "int a;\n"
        self.assertEqual(self.fires(include_rules, files), ["folder-size"])

    # name, path, text, the rule that must fire
    CASES = (
        ("upwards", "src/limit/run_log.cpp", '#include "sluicegate/gateway/path.hpp"\n',
         "direction"),
        ("sideways", "include/sluicegate/limit/a.hpp",
         HEADER + '#include "sluicegate/openai/usage.hpp"\nint a;\n', "direction"),
        ("upwards out of base", "src/base/clock.cpp", '#include "sluicegate/limit/a.hpp"\n',
         "direction"),
        ("cli past its libraries", "src/cli/main.cpp", '#include "sluicegate/http/head.hpp"\n',
         "direction"),
        ("a header of no folder", "src/limit/run_log.cpp", '#include "sluicegate/all.hpp"\n',
         "direction"),
        ("a folder outside the graph", "src/extra/a.cpp", "int a;\n", "folders"),
        ("a file beside the folders", "src/a.cpp", "int a;\n", "folders"),
        ("Asio in limit", "src/limit/run_log.cpp", "#include <boost/asio/ip/tcp.hpp>\n",
         "third-party"),
        ("Asio's sockets in http", "src/http/a.cpp", "#include <boost/asio/ip/tcp.hpp>\n",
         "third-party"),
        ("Beast in http", "src/http/a.cpp", "#include <boost/beast/http.hpp>\n",
         "third-party"),
        ("Beast in gateway", "src/gateway/path.cpp", "#include <boost/beast/http.hpp>\n",
         "third-party"),
        ("libyaml in gateway", "src/gateway/path.cpp", "#include <yaml.h>\n",
         "third-party"),
        ("OpenSSL in limit", "src/limit/run_log.cpp", "#include <openssl/evp.h>\n", "third-party"),
        ("simdjson in gateway", "src/gateway/path.cpp", "#include <simdjson.h>\n", "third-party"),
        ("nlohmann in limit", "src/limit/run_log.cpp", '#include "nlohmann/json.hpp"\n',
         "third-party"),
        ("sockets in http", "src/http/a.cpp", "#include <sys/socket.h>\n", "third-party"),
        ("gtest in src", "src/base/clock.cpp", "#include <gtest/gtest_prod.h>\n", "third-party"),
        ("simdjson in a public header", "include/sluicegate/openai/a.hpp",
         HEADER + "#include <simdjson.h>\nint a;\n", "heavy-header"),
        ("an umbrella header", "include/sluicegate/limit/limit.hpp",
         HEADER + '#include "sluicegate/limit/a.hpp"\n#include "sluicegate/limit/b.hpp"\n',
         "umbrella"),
        ("an included source", "src/limit/run_log.cpp", '#include "helper.cpp"\n', "cpp-included"),
    )

    def test_each_forbidden_include_is_found(self):
        for name, path, text, rule in self.CASES:
            with self.subTest(name):
                self.assertEqual(self.fires(include_rules, {path: text}), [rule])

    def test_allowed_third_party_headers_pass(self):
        for path, text in (("src/http/head.cpp", "#include <boost/asio/buffer.hpp>\n"),
                           ("src/openai/inspect.cpp", "#include <simdjson.h>\n"),
                           ("src/gateway/path.cpp", "#include <boost/asio/awaitable.hpp>\n"),
                           ("src/base/log.cpp", "#include <spdlog/spdlog.h>\n")):
            with self.subTest(path):
                self.assertEqual(self.problems(include_rules, {path: text}), [])

    def test_asio_is_not_reached_through_other_headers(self):
        files = {
            "src/http/buffers.hpp": HEADER + "#include <boost/asio/buffer.hpp>\nint a;\n",
            "include/sluicegate/http/head.hpp": HEADER + '#include "http/buffers.hpp"\nint b;\n',
            "src/provider/rules.hpp": HEADER + '#include "sluicegate/http/head.hpp"\nint c;\n',
            "src/provider/fields.cpp": '#include "provider/rules.hpp"\n',
            "src/gateway/path.cpp": '#include "sluicegate/http/head.hpp"\n',
        }
        found = self.problems(include_rules, files)
        self.assertEqual([(problem.path, problem.rule) for problem in found],
                         [("src/provider/fields.cpp", "reaches-asio"),
                          ("src/provider/rules.hpp", "reaches-asio")])
        self.assertIn("include/sluicegate/http/head.hpp -> src/http/buffers.hpp -> "
                      "boost/asio/buffer.hpp", found[0].message)
        files["src/http/buffers.hpp"] = HEADER + "int a;\n"
        self.assertEqual(self.problems(include_rules, files), [])

    def test_a_private_header_is_for_its_own_folder(self):
        private = {"src/http/grammar.hpp": HEADER + "int a;\n"}
        for spelling in ("http/grammar.hpp", "../http/grammar.hpp", "src/http/grammar.hpp"):
            with self.subTest(spelling):
                self.assertEqual(self.fires(include_rules, {
                    **private, "src/gateway/path.cpp": f'#include "{spelling}"\n'}),
                    ["private-header"])
                self.assertEqual(self.fires(include_rules, {
                    **private, "src/http/head.cpp": f'#include "{spelling}"\n'}), [])

    def test_a_test_may_include_the_private_headers_of_its_folder_only(self):
        private = {"src/http/grammar.hpp": HEADER + "int a;\n"}
        include = '#include "src/http/grammar.hpp"\n'
        self.assertEqual(self.fires(include_rules, {
            **private, "tests/limit/a_test.cpp": include}), ["private-header"])
        self.assertEqual(self.fires(include_rules, {
            **private, "tests/http/a_test.cpp": include}), [])

    def test_a_fuzz_target_may_include_the_private_headers_of_its_folder_only(self):
        private = {"src/http/grammar.hpp": HEADER + "int a;\n"}
        include = '#include "http/grammar.hpp"\n'
        self.assertEqual(self.fires(include_rules, {
            **private, "tests/fuzz/limit_state.cpp": include}), ["private-header"])
        self.assertEqual(self.fires(include_rules, {
            **private, "tests/fuzz/http_words.cpp": include}), [])

    def test_a_source_includes_its_own_header_first(self):
        for header, spelling in (("include/sluicegate/limit/run_log.hpp",
                                  "sluicegate/limit/run_log.hpp"),
                                 ("src/limit/run_log.hpp", "run_log.hpp")):
            with self.subTest(header):
                files = {header: HEADER + "struct RunLog {};\n"}
                late = f'#include <vector>\n#include "{spelling}"\n'
                first = f'#include "{spelling}"\n#include <vector>\n'
                self.assertEqual(self.fires(include_rules, {
                    **files, "src/limit/run_log.cpp": late}), ["own-header-first"])
                self.assertEqual(self.fires(include_rules, {
                    **files, "src/limit/run_log.cpp": first}), [])

    def test_every_rule_has_a_case_that_fires_it(self):
        shown = {rule for *_, rule in self.CASES} | {"private-header", "own-header-first",
                                                 "reaches-asio", "circle", "folder-size"}
        self.assertEqual(shown, set(include_rules.RULES))


if __name__ == "__main__":
    unittest.main()
