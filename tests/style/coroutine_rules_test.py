import unittest

import coroutine_rules
from fixture_tree import RuleTest


def body(*lines):
    return "Task f() {\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


class CoroutineRules(RuleTest):
    def fires_on(self, text):
        return self.fires(coroutine_rules, {"src/gateway/path.cpp": text})

    # name, text, the rule that must fire
    BAD = (
        ("aggregate as argument",
         body("auto head = co_await upstream.send(Request{.method = post, .target = path});"),
         "brace-temporary"),
        ("aggregate as argument over several lines",
         body("auto head =", "    co_await upstream.send(", "        Request{", "1});"),
         "brace-temporary"),
        ("braces without a type", body("co_await send({.method = post});"), "brace-temporary"),
        ("in a condition", body("if (co_await send(Request{1})) {", "    go();", "}"),
         "brace-temporary"),
        ("in a loop's condition", body("while (co_await send(Request{1})) {", "    go();", "}"),
         "brace-temporary"),
        ("chosen by ?:", body("co_await send(flag ? Request{1} : other);"), "brace-temporary"),
        ("of a template", body("co_await send(Pair<int, int>{1, 2});"), "brace-temporary"),
        ("of a qualified type", body("auto x = co_await ns::send(ns::Request{1}, 2);"),
         "brace-temporary"),
        ("beside, not inside, the call", body("use(Request{1}, co_await receive());"),
         "brace-temporary"),
        ("returned", body("co_return co_await send(Request{1});"), "brace-temporary"),
        ("inside the braces of a named variable",
         body("Outer outer{Inner{1}, co_await receive()};"), "brace-temporary"),
        ("in a lambda without captures",
         "auto f = []() -> Task { co_await send(Request{1}); };\n", "brace-temporary"),
        ("after a lambda argument",
         body("co_await run([](int x) { return x; }, Request{1});"), "brace-temporary"),
        ("two awaits", body("use(co_await first(), co_await second());"), "one-await"),
        ("a capturing lambda",
         body("spawn([&request]() -> Task { co_await send(request); });"), "lambda-coroutine"),
        ("a lambda capturing this", body("spawn([this] { co_return; });"), "lambda-coroutine"),
        ("a capturing lambda with a template head",
         body("spawn([=]<class T>(T value) mutable -> Task<T> { co_return value; });"),
         "lambda-coroutine"),
        ("a capturing lambda in a variable",
         "auto f = [x = 1](int y) { co_yield x + y; };\n", "lambda-coroutine"),
        ("a capturing lambda that is returned", body("return [x] { co_await g(x); };"),
         "lambda-coroutine"),
    )

    GOOD = (
        ("a named variable", body("Request request{.method = post};",
                                  "auto head = co_await upstream.send(std::move(request));")),
        ("a named variable of a template", body("std::array<int, 2> pair{1, 2};",
                                                "co_await send(pair);")),
        ("parentheses", body("co_await send(Request(1, 2));")),
        ("braces after the await's block", body("if (co_await ready()) {", "    use(Request{1});",
                                                "}")),
        ("braces in the statement before", body("use(Request{1});", "co_await ready();")),
        ("a function's body", "Task f() {\n    co_await g();\n}\n"),
        ("a body after a trailing return type",
         "auto f(int x) -> net::awaitable<void> {\n    co_await g(x);\n}\n"),
        ("a body after specifiers", "Task C::f() const noexcept {\n    co_await g();\n}\n"),
        ("a loop", body("for (int i = 0; i < 3; ++i) {", "    co_await g(i);", "}")),
        ("a switch", body("switch (kind) {", "case 1: {", "    co_await g();", "}", "}")),
        ("a class in a namespace",
         "namespace a::b {\nclass C : public D {\n    Task f() { co_await g(); }\n};\n}\n"),
        ("a comment that shows the pattern",
         body("// not: co_await send(Request{1});", "co_await g();")),
        ("a string that shows the pattern", body('log("co_await send(Request{1})");')),
        ("a lambda without captures", body("spawn([](Request r) -> Task { co_await send(r); });")),
        ("a capturing lambda that is no coroutine",
         body("sort([&](int a, int b) { return a < b; });", "co_await g();")),
        ("a plain capturing lambda around a coroutine without captures",
         body("use([&] { spawn([](int x) -> Task { co_return; }); });")),
        ("a subscript and an attribute", body("[[maybe_unused]] int y = table[index];",
                                              "co_await g(table[y]);")),
        ("structured bindings", body("auto [ec, size] = co_await read(buffer);",
                                     "const auto& [a, b] = pair;")),
    )

    def test_each_bad_pattern_is_found(self):
        for name, text, rule in self.BAD:
            with self.subTest(name):
                self.assertEqual(self.fires_on(text), [rule])

    def test_good_code_passes(self):
        for name, text in self.GOOD:
            with self.subTest(name):
                self.assertEqual(self.fires_on(text), [])

    def test_the_problem_names_the_line_of_the_brace(self):
        found = self.problems(coroutine_rules, {"src/gateway/path.cpp": body(
            "co_await g();", "co_await send(", "    1,", "    Request{2});")})
        self.assertEqual([problem.line for problem in found], [5])

    def test_tests_and_headers_are_held_to_it_too(self):
        bad = body("co_await send(Request{1});")
        for path in ("include/sluicegate/net/a.hpp", "tests/net/a_test.cpp"):
            with self.subTest(path):
                self.assertEqual(self.fires(coroutine_rules, {path: bad}), ["brace-temporary"])

    def test_every_rule_has_a_case_that_fires_it(self):
        self.assertEqual({rule for *_, rule in self.BAD}, set(coroutine_rules.RULES))


if __name__ == "__main__":
    unittest.main()
