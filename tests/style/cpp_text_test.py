import unittest

import cpp_text


def words(source):
    return [token.text for token in cpp_text.tokens(source)]


class CppText(unittest.TestCase):
    def test_comments_are_no_tokens(self):
        self.assertEqual(words("a // co_await\n/* { */ b"), ["a", "b"])

    def test_a_literal_is_one_token(self):
        self.assertEqual(words(r'f("a { \" }", ' r"'{', '\'')"),
                         ["f", "(", r'"a { \" }"', ",", "'{'", ",", r"'\''", ")"])

    def test_a_raw_string_ends_at_its_delimiter(self):
        self.assertEqual(words('x(R"json({"a": ")"})json", y)'),
                         ["x", "(", 'R"json({"a": ")"})json"', ",", "y", ")"])

    def test_digit_separators_are_no_character_literals(self):
        self.assertEqual(words("1'000'000 + 0x1F + 1.5e-3"),
                         ["1'000'000", "+", "0x1F", "+", "1.5e-3"])

    def test_directives_are_no_tokens_even_when_continued(self):
        self.assertEqual(words("#define F(x) \\\n  { x }\nint a;"), ["int", "a", ";"])

    def test_lines_count_from_one_across_comments_and_literals(self):
        stream = cpp_text.tokens('/* 1\n2 */ a\nR"(3\n4)" b\n\nc')
        self.assertEqual([(token.text, token.line) for token in stream if token.kind == "word"],
                         [("a", 2), ("b", 4), ("c", 6)])

    def test_includes_are_found_with_their_form_and_line(self):
        found = cpp_text.includes('// #include "no"\n#include "a/b.hpp"\n#  include <vector> //\n')
        self.assertEqual([(i.path, i.line, i.is_quoted) for i in found],
                         [("a/b.hpp", 2, True), ("vector", 3, False)])

    def test_an_include_inside_a_string_is_none(self):
        self.assertEqual(cpp_text.includes('R"(\n#include "x"\n)"'), [])

    def test_brackets_match_across_nesting(self):
        stream = cpp_text.tokens("f(a(b), [c](d) {})")
        self.assertEqual(cpp_text.matching(stream, 1), len(stream) - 1)
        self.assertEqual(cpp_text.matching(stream, 3), 5)
        self.assertEqual(cpp_text.matching(cpp_text.tokens("( x"), 0), 2)


if __name__ == "__main__":
    unittest.main()
