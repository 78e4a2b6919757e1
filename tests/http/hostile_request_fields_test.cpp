/// Field lines of requests: each row has the expected result. Unless a test says otherwise, `lines`
/// is between "POST / HTTP/1.1\r\nHost: h\r\n" and the blank line.

#include "http/outcome.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::http {
namespace {

using std::string_view_literals::operator""sv;

struct FieldsRow {
    const char* name;
    std::string_view lines;
    const char* verdict;
};

void check_fields(std::string_view before, const std::vector<FieldsRow>& rows) {
    for (const FieldsRow& row : rows) {
        SCOPED_TRACE(row.name);
        const std::string bytes = std::string(before) + std::string(row.lines) + "\r\n";
        const std::string whole = request_outcome(bytes, all_at_once);
        EXPECT_EQ(verdict(whole), row.verdict) << whole;
        EXPECT_EQ(request_outcome(bytes, byte_by_byte), whole);
    }
}

constexpr std::string_view with_host = "POST / HTTP/1.1\r\nHost: h\r\n";
constexpr std::string_view without_host = "GET / HTTP/1.1\r\n";
constexpr std::string_view old_version = "POST / HTTP/1.0\r\n";

TEST(HostileRequestFields, NamesAreTokens) {
    check_fields(with_host, {
                                {"a plain one", "a: b\r\n"sv, "accepted"},
                                {"every tchar mark", "!#$%&'*+-.^_`|~09azAZ: b\r\n"sv, "accepted"},
                                {"an underscore", "x_y: b\r\n"sv, "accepted"},
                                {"empty", ": b\r\n"sv, "bad_request"},
                                {"no colon", "ab\r\n"sv, "bad_request"},
                                {"no colon, last line cut", "a b\r\n"sv, "bad_request"},
                                {"space before the colon", "a : b\r\n"sv, "bad_request"},
                                {"tab before the colon", "a\t: b\r\n"sv, "bad_request"},
                                {"space inside", "a b: c\r\n"sv, "bad_request"},
                                {"space first", " a: b\r\n"sv, "bad_request"},
                                {"a NUL", "a\0: b\r\n"sv, "bad_request"},
                                {"a bare CR", "a\r: b\r\n"sv, "bad_request"},
                                {"obs-text", "\xC3\xA9: b\r\n"sv, "bad_request"},
                                {"DEL", "a\x7F: b\r\n"sv, "bad_request"},
                                {"a slash", "a/b: c\r\n"sv, "bad_request"},
                                {"parentheses", "a(b): c\r\n"sv, "bad_request"},
                                {"a comma", "a,b: c\r\n"sv, "bad_request"},
                                {"a semicolon", "a;b: c\r\n"sv, "bad_request"},
                                {"a less-than sign", "a<b: c\r\n"sv, "bad_request"},
                                {"an equals sign", "a=b: c\r\n"sv, "bad_request"},
                                {"an at sign", "a@b: c\r\n"sv, "bad_request"},
                                {"brackets", "a[b]: c\r\n"sv, "bad_request"},
                                {"braces", "a{b}: c\r\n"sv, "bad_request"},
                                {"a backslash", "a\\b: c\r\n"sv, "bad_request"},
                                {"a quote", "a\"b: c\r\n"sv, "bad_request"},
                                {"a question mark", "a?b: c\r\n"sv, "bad_request"},
                            });
}

TEST(HostileRequestFields, ValuesHoldNoControls) {
    check_fields(with_host, {
                                {"empty", "a:\r\n"sv, "accepted"},
                                {"only white space", "a: \t \r\n"sv, "accepted"},
                                {"no space after the colon", "a:b\r\n"sv, "accepted"},
                                {"white space around", "a: \t b \t\r\n"sv, "accepted"},
                                {"a tab inside", "a: b\tc\r\n"sv, "accepted"},
                                {"obs-text", "a: \xC3\xA9\xFF\x80\r\n"sv, "accepted"},
                                {"colons", "a: b:c::d\r\n"sv, "accepted"},
                                {"unbalanced quotes", "a: \"b\r\n"sv, "accepted"},
                                {"a NUL", "a: b\0c\r\n"sv, "bad_request"},
                                {"a bare CR", "a: b\rc\r\n"sv, "bad_request"},
                                {"a bare CR last", "a: b\r\r\n"sv, "bad_request"},
                                {"a bare LF", "a: b\nc: d\r\n"sv, "bad_request"},
                                {"LF CR", "a: b\n\r\r\n"sv, "bad_request"},
                                {"0x01", "a: \x01\r\n"sv, "bad_request"},
                                {"backspace", "a: b\x08\r\n"sv, "bad_request"},
                                {"vertical tab", "a: b\x0B\r\n"sv, "bad_request"},
                                {"form feed", "a: b\x0C\r\n"sv, "bad_request"},
                                {"escape", "a: \x1B[0m\r\n"sv, "bad_request"},
                                {"0x1F", "a: \x1F\r\n"sv, "bad_request"},
                                {"DEL", "a: b\x7F\r\n"sv, "bad_request"},
                                {"DEL after eight bytes", "a: 123456789\x7F\r\n"sv, "bad_request"},
                                {"NUL after eight bytes", "a: 1234567890\0\r\n"sv, "bad_request"},
                            });
}

TEST(HostileRequestFields, LinesAreNeverFolded) {
    check_fields(
        with_host,
        {
            {"by a space", "a: b\r\n c\r\n"sv, "bad_request"},
            {"by a tab", "a: b\r\n\tc\r\n"sv, "bad_request"},
            {"into an empty line", "a: b\r\n \r\n"sv, "bad_request"},
            {"an empty value continued", "a:\r\n b\r\n"sv, "bad_request"},
            {"a folded Transfer-Encoding", "Transfer-Encoding:\r\n chunked\r\n"sv, "bad_request"},
            {"a folded Content-Length", "Content-Length: 1\r\n 0\r\n"sv, "bad_request"},
        });
    check_fields(without_host, {
                                   {"in the first line", " Host: h\r\n"sv, "bad_request"},
                                   {"by a tab in the first line", "\tHost: h\r\n"sv, "bad_request"},
                               });
}

TEST(HostileRequestFields, HostIsOneAndValid) {
    check_fields(
        without_host,
        {
            {"a name", "Host: example.com\r\n"sv, "accepted"},
            {"a name in another case", "hOST: EXAMPLE.com\r\n"sv, "accepted"},
            {"a name and a port", "Host: example.com:8080\r\n"sv, "accepted"},
            {"an empty port", "Host: example.com:\r\n"sv, "accepted"},
            {"port 0", "Host: h:0\r\n"sv, "accepted"},
            {"port 65535", "Host: h:65535\r\n"sv, "accepted"},
            {"a name with an underscore", "Host: my_service:80\r\n"sv, "accepted"},
            {"an IPv4 address", "Host: 127.0.0.1:80\r\n"sv, "accepted"},
            {"an IPv6 address", "Host: [::1]\r\n"sv, "accepted"},
            {"an IPv6 address and a port", "Host: [2001:db8::1]:443\r\n"sv, "accepted"},
            {"a mapped address", "Host: [::ffff:10.0.0.1]\r\n"sv, "accepted"},
            {"absent", ""sv, "bad_request"},
            {"empty", "Host:\r\n"sv, "bad_request"},
            {"white space only", "Host: \t\r\n"sv, "bad_request"},
            {"twice", "Host: h\r\nHost: h\r\n"sv, "bad_request"},
            {"twice, different", "Host: a\r\nHost: b\r\n"sv, "bad_request"},
            {"twice, in another case", "Host: a\r\nhost: a\r\n"sv, "bad_request"},
            {"twice, one empty", "Host: a\r\nHost:\r\n"sv, "bad_request"},
            {"a list", "Host: a, b\r\n"sv, "bad_request"},
            {"a list without space", "Host: a,b\r\n"sv, "bad_request"},
            {"a space inside", "Host: a b\r\n"sv, "bad_request"},
            {"a tab inside", "Host: a\tb\r\n"sv, "bad_request"},
            {"a path", "Host: a/b\r\n"sv, "bad_request"},
            {"a URL", "Host: http://a\r\n"sv, "bad_request"},
            {"user information", "Host: u@a\r\n"sv, "bad_request"},
            {"a query", "Host: a?b\r\n"sv, "bad_request"},
            {"a fragment", "Host: a#b\r\n"sv, "bad_request"},
            {"a backslash", "Host: a\\b\r\n"sv, "bad_request"},
            {"obs-text", "Host: \xC3\xA9\r\n"sv, "bad_request"},
            {"a percent sign", "Host: a%00b\r\n"sv, "bad_request"},
            {"quotes", "Host: \"a\"\r\n"sv, "bad_request"},
            {"angle brackets", "Host: <a>\r\n"sv, "bad_request"},
            {"a star", "Host: *\r\n"sv, "bad_request"},
            {"a port only", "Host: :80\r\n"sv, "bad_request"},
            {"port 65536", "Host: h:65536\r\n"sv, "bad_request"},
            {"a port of six digits", "Host: h:000080\r\n"sv, "bad_request"},
            {"a port with a letter", "Host: h:80a\r\n"sv, "bad_request"},
            {"a negative port", "Host: h:-1\r\n"sv, "bad_request"},
            {"two ports", "Host: h:80:81\r\n"sv, "bad_request"},
            {"an IPv6 address without brackets", "Host: ::1\r\n"sv, "bad_request"},
            {"an open bracket", "Host: [::1\r\n"sv, "bad_request"},
            {"a closing bracket only", "Host: ::1]\r\n"sv, "bad_request"},
            {"empty brackets", "Host: []\r\n"sv, "bad_request"},
            {"a zone", "Host: [fe80::1%25eth0]\r\n"sv, "bad_request"},
            {"a name in brackets", "Host: [example]\r\n"sv, "bad_request"},
            {"bytes after the bracket", "Host: [::1]x\r\n"sv, "bad_request"},
            {"too long for an address",
             "Host: [1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]\r\n"sv, "bad_request"},
        });
    check_fields(old_version, {
                                  {"absent in 1.0", ""sv, "accepted"},
                                  {"empty in 1.0", "Host:\r\n"sv, "accepted"},
                                  {"one in 1.0", "Host: h\r\n"sv, "accepted"},
                                  {"two in 1.0", "Host: h\r\nHost: h\r\n"sv, "bad_request"},
                                  {"malformed in 1.0", "Host: a b\r\n"sv, "bad_request"},
                              });
    check_fields("GET http://h/ HTTP/1.0\r\n",
                 {
                     {"absent beside a URL in 1.0", ""sv, "accepted"},
                     {"empty beside a URL in 1.0", "Host:\r\n"sv, "bad_request"},
                     {"another beside a URL in 1.0", "Host: x\r\n"sv, "bad_request"},
                 });
}

TEST(HostileRequestFields, ContentLengthIsOnePlainNumber) {
    check_fields(
        with_host,
        {
            {"zero", "Content-Length: 0\r\n"sv, "accepted"},
            {"a number", "content-length: 10\r\n"sv, "accepted"},
            {"white space around", "Content-Length: \t10 \r\n"sv, "accepted"},
            {"a leading zero", "Content-Length: 010\r\n"sv, "accepted"},
            {"19 digits", "Content-Length: 0000000000000000010\r\n"sv, "accepted"},
            {"2^63-1", "Content-Length: 9223372036854775807\r\n"sv, "accepted"},
            {"2^63", "Content-Length: 9223372036854775808\r\n"sv, "bad_request"},
            {"19 nines", "Content-Length: 9999999999999999999\r\n"sv, "bad_request"},
            {"20 digits", "Content-Length: 00000000000000000010\r\n"sv, "bad_request"},
            {"2^64", "Content-Length: 18446744073709551616\r\n"sv, "bad_request"},
            {"2^64+5", "Content-Length: 18446744073709551621\r\n"sv, "bad_request"},
            {"a hundred digits",
             "Content-Length: 1111111111111111111111111111111111111111111111111111"
             "111111111111111111111111111111111111111111111111\r\n"sv,
             "bad_request"},
            {"empty", "Content-Length:\r\n"sv, "bad_request"},
            {"white space only", "Content-Length: \r\n"sv, "bad_request"},
            {"a plus sign", "Content-Length: +10\r\n"sv, "bad_request"},
            {"a minus sign", "Content-Length: -10\r\n"sv, "bad_request"},
            {"minus zero", "Content-Length: -0\r\n"sv, "bad_request"},
            {"hexadecimal", "Content-Length: 0x10\r\n"sv, "bad_request"},
            {"hexadecimal digits", "Content-Length: a\r\n"sv, "bad_request"},
            {"a decimal point", "Content-Length: 10.0\r\n"sv, "bad_request"},
            {"an exponent", "Content-Length: 1e1\r\n"sv, "bad_request"},
            {"digits in two groups", "Content-Length: 1 0\r\n"sv, "bad_request"},
            {"an underscore", "Content-Length: 1_0\r\n"sv, "bad_request"},
            {"a list of one value", "Content-Length: 10, 10\r\n"sv, "bad_request"},
            {"a list of two values", "Content-Length: 10, 11\r\n"sv, "bad_request"},
            {"a trailing comma", "Content-Length: 10,\r\n"sv, "bad_request"},
            {"a parameter", "Content-Length: 10;a\r\n"sv, "bad_request"},
            {"in quotes", "Content-Length: \"10\"\r\n"sv, "bad_request"},
            {"a trailing letter", "Content-Length: 10a\r\n"sv, "bad_request"},
            {"full-width digits", "Content-Length: \xEF\xBC\x91\r\n"sv, "bad_request"},
            {"twice, equal", "Content-Length: 10\r\nContent-Length: 10\r\n"sv, "bad_request"},
            {"twice, different", "Content-Length: 10\r\nContent-Length: 11\r\n"sv, "bad_request"},
            {"twice, zero", "Content-Length: 0\r\nCONTENT-LENGTH: 0\r\n"sv, "bad_request"},
            {"by a look-alike name", "Content_Length: 5\r\n"sv, "bad_request"},
            {"a look-alike beside it", "Content-Length: 5\r\nCONTENT.LENGTH: 6\r\n"sv,
             "bad_request"},
            {"without its dash", "ContentLength: 5\r\n"sv, "bad_request"},
            {"a dash more", "-content-length-: 5\r\n"sv, "bad_request"},
            {"another word", "Content-Lengthy: 5\r\nX-Content-Length: 6\r\n"sv, "accepted"},
            {"a part of it", "Content-Len: 5\r\n"sv, "accepted"},
        });
}

TEST(HostileRequestFields, TransferEncodingIsExactlyChunked) {
    check_fields(
        with_host,
        {
            {"chunked", "Transfer-Encoding: chunked\r\n"sv, "accepted"},
            {"in capitals", "TRANSFER-ENCODING: CHUNKED\r\n"sv, "accepted"},
            {"white space around", "Transfer-Encoding: \t chunked \t\r\n"sv, "accepted"},
            {"identity", "Transfer-Encoding: identity\r\n"sv, "bad_request"},
            {"gzip", "Transfer-Encoding: gzip\r\n"sv, "bad_request"},
            {"gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n"sv, "bad_request"},
            {"chunked, gzip", "Transfer-Encoding: chunked, gzip\r\n"sv, "bad_request"},
            {"chunked, chunked", "Transfer-Encoding: chunked, chunked\r\n"sv, "bad_request"},
            {"identity, chunked", "Transfer-Encoding: identity, chunked\r\n"sv, "bad_request"},
            {"twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"sv,
             "bad_request"},
            {"twice, first gzip", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"sv,
             "bad_request"},
            {"twice, then identity",
             "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"sv, "bad_request"},
            {"empty", "Transfer-Encoding:\r\n"sv, "bad_request"},
            {"a comma", "Transfer-Encoding: ,\r\n"sv, "bad_request"},
            {"a leading comma", "Transfer-Encoding: , chunked\r\n"sv, "bad_request"},
            {"a trailing comma", "Transfer-Encoding: chunked,\r\n"sv, "bad_request"},
            {"xchunked", "Transfer-Encoding: xchunked\r\n"sv, "bad_request"},
            {"chunkedx", "Transfer-Encoding: chunkedx\r\n"sv, "bad_request"},
            {"chunke", "Transfer-Encoding: chunke\r\n"sv, "bad_request"},
            {"in quotes", "Transfer-Encoding: \"chunked\"\r\n"sv, "bad_request"},
            {"in single quotes", "Transfer-Encoding: 'chunked'\r\n"sv, "bad_request"},
            {"a parameter", "Transfer-Encoding: chunked;q=1\r\n"sv, "bad_request"},
            {"a space inside", "Transfer-Encoding: chun ked\r\n"sv, "bad_request"},
            {"a vertical tab before",
             "Transfer-Encoding: \x0B"
             "chunked\r\n"sv,
             "bad_request"},
            {"obs-text before",
             "Transfer-Encoding: \xA0"
             "chunked\r\n"sv,
             "bad_request"},
            {"a space before the colon", "Transfer-Encoding : chunked\r\n"sv, "bad_request"},
            {"beside Content-Length", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"sv,
             "bad_request"},
            {"before Content-Length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"sv,
             "bad_request"},
            {"beside Content-Length: 0", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"sv,
             "bad_request"},
            {"beside a malformed Content-Length",
             "Transfer-Encoding: chunked\r\nContent-Length: x\r\n"sv, "bad_request"},
            {"nominated by Connection",
             "Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n"sv, "accepted"},
            {"by a look-alike name", "Transfer_Encoding: chunked\r\n"sv, "bad_request"},
            {"a look-alike in lower case", "transfer__encoding: gzip\r\n"sv, "bad_request"},
            {"odd bytes around it", "'Transfer-Encoding!: chunked\r\n"sv, "bad_request"},
            {"without its dash", "TransferEncoding: chunked\r\n"sv, "bad_request"},
            {"a dash after each letter", "t-r-a-n-s-f-e-r-e-n-c-o-d-i-n-g: x\r\n"sv, "bad_request"},
            {"another word", "X-Transfer-Encoding: x\r\nTransfer-Encoding2: x\r\n"sv, "accepted"},
        });
    check_fields(
        old_version,
        {
            {"chunked in 1.0", "Transfer-Encoding: chunked\r\n"sv, "bad_request"},
            {"identity in 1.0", "Transfer-Encoding: identity\r\n"sv, "bad_request"},
            {"both in 1.0", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"sv, "bad_request"},
        });
}

TEST(HostileRequestFields, ExpectAndConnectionAreUnderstoodOrRefused) {
    check_fields(
        with_host,
        {
            {"continue", "Expect: 100-continue\r\nContent-Length: 1\r\n"sv, "accepted"},
            {"continue in capitals", "EXPECT: 100-CONTINUE\r\n"sv, "accepted"},
            {"continue twice", "Expect: 100-continue\r\nExpect: 100-continue\r\n"sv, "accepted"},
            {"another", "Expect: 200-ok\r\n"sv, "expectation_failed"},
            {"empty", "Expect:\r\n"sv, "expectation_failed"},
            {"a list", "Expect: 100-continue, x\r\n"sv, "expectation_failed"},
            {"a second one", "Expect: 100-continue\r\nExpect: x\r\n"sv, "expectation_failed"},
            {"a parameter", "Expect: 100-continue;a\r\n"sv, "expectation_failed"},
            {"framing is judged first", "Expect: x\r\nContent-Length: x\r\n"sv, "bad_request"},
            {"an empty Connection", "Connection:\r\n"sv, "accepted"},
            {"empty list elements", "Connection: ,close, ,\r\n"sv, "accepted"},
            {"a Connection of spaces", "Connection: a b\r\n"sv, "bad_request"},
            {"a Connection with quotes", "Connection: \"close\"\r\n"sv, "bad_request"},
            {"a Connection with a parameter", "Connection: close;a\r\n"sv, "bad_request"},
        });
    check_fields(old_version, {
                                  {"another in 1.0", "Expect: 200-ok\r\n"sv, "accepted"},
                              });
}

}  // namespace
}  // namespace sluicegate::http
