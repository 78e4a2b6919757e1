/// Request lines: each row has the expected result. `line` is followed by "\r\nHost: h\r\n\r\n".

#include "http/outcome.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::http {
namespace {

using std::string_view_literals::operator""sv;

struct LineRow {
    const char* name;
    std::string_view line;
    const char* verdict;
};

void check_line(const std::vector<LineRow>& rows) {
    for (const LineRow& row : rows) {
        SCOPED_TRACE(row.name);
        const std::string bytes = std::string(row.line) + "\r\nHost: h\r\n\r\n";
        const std::string whole = request_outcome(bytes, all_at_once);
        EXPECT_EQ(verdict(whole), row.verdict) << whole;
        EXPECT_EQ(request_outcome(bytes, byte_by_byte), whole);
    }
}

TEST(HostileRequestLine, MethodsMustBeKnown) {
    check_line({
        {"get", "GET / HTTP/1.1"sv, "accepted"},
        {"head", "HEAD / HTTP/1.1"sv, "accepted"},
        {"post", "POST / HTTP/1.1"sv, "accepted"},
        {"put", "PUT / HTTP/1.1"sv, "accepted"},
        {"patch", "PATCH / HTTP/1.1"sv, "accepted"},
        {"delete", "DELETE / HTTP/1.1"sv, "accepted"},
        {"options", "OPTIONS / HTTP/1.1"sv, "accepted"},
        {"trace", "TRACE / HTTP/1.1"sv, "accepted"},
        {"connect with a path", "CONNECT / HTTP/1.1"sv, "method_not_supported"},
        {"connect with an authority", "CONNECT h:443 HTTP/1.1"sv, "method_not_supported"},
        {"connect with a raw byte", "CONNECT h\x80:443 HTTP/1.1"sv, "bad_request"},
        {"connect without a version", "CONNECT h:443"sv, "bad_request"},
        {"webdav", "PROPFIND / HTTP/1.1"sv, "method_not_supported"},
        {"invented", "FOO / HTTP/1.1"sv, "method_not_supported"},
        {"lower case", "get / HTTP/1.1"sv, "method_not_supported"},
        {"mixed case", "Get / HTTP/1.1"sv, "method_not_supported"},
        {"a known one and more", "GETX / HTTP/1.1"sv, "method_not_supported"},
        {"a part of a known one", "GE / HTTP/1.1"sv, "method_not_supported"},
        {"every tchar mark", "!#$%&'*+-.^_`|~ / HTTP/1.1"sv, "method_not_supported"},
        {"unknown with an empty target", "FOO  HTTP/1.1"sv, "bad_request"},
        {"unknown with a raw target", "FOO /\xC3\xA9 HTTP/1.1"sv, "bad_request"},
        {"32 bytes", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1"sv, "method_not_supported"},
        {"33 bytes", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1"sv, "bad_request"},
        {"absent", " / HTTP/1.1"sv, "bad_request"},
        {"after a space", " GET / HTTP/1.1"sv, "bad_request"},
        {"after a tab", "\tGET / HTTP/1.1"sv, "bad_request"},
        {"with a slash", "GE/T / HTTP/1.1"sv, "bad_request"},
        {"with a colon", "GET: / HTTP/1.1"sv, "bad_request"},
        {"with a NUL", "GET\0 / HTTP/1.1"sv, "bad_request"},
        {"starting with NUL", "\0GET / HTTP/1.1"sv, "bad_request"},
        {"with DEL", "GET\x7F / HTTP/1.1"sv, "bad_request"},
        {"with obs-text", "GET\xFF / HTTP/1.1"sv, "bad_request"},
        {"after a byte order mark", "\xEF\xBB\xBFGET / HTTP/1.1"sv, "bad_request"},
        {"in quotes", "\"GET\" / HTTP/1.1"sv, "bad_request"},
        {"with a bracket", "GET{} / HTTP/1.1"sv, "bad_request"},
    });
}

TEST(HostileRequestLine, VersionsMustBeExact) {
    check_line({
        {"1.1", "GET / HTTP/1.1"sv, "accepted"},
        {"1.0", "GET / HTTP/1.0"sv, "accepted"},
        {"1.2", "GET / HTTP/1.2"sv, "bad_request"},
        {"1.9", "GET / HTTP/1.9"sv, "bad_request"},
        {"0.9", "GET / HTTP/0.9"sv, "bad_request"},
        {"2.0", "GET / HTTP/2.0"sv, "bad_request"},
        {"2", "GET / HTTP/2"sv, "bad_request"},
        {"3", "GET / HTTP/3"sv, "bad_request"},
        {"the HTTP/2 preface", "PRI * HTTP/2.0"sv, "bad_request"},
        {"lower case", "GET / http/1.1"sv, "bad_request"},
        {"mixed case", "GET / Http/1.1"sv, "bad_request"},
        {"no slash", "GET / HTTP1.1"sv, "bad_request"},
        {"no minor", "GET / HTTP/1"sv, "bad_request"},
        {"no digits", "GET / HTTP/"sv, "bad_request"},
        {"a dot only", "GET / HTTP/1."sv, "bad_request"},
        {"leading zero", "GET / HTTP/01.1"sv, "bad_request"},
        {"minor with two digits", "GET / HTTP/1.10"sv, "bad_request"},
        {"minor with a zero", "GET / HTTP/1.01"sv, "bad_request"},
        {"a comma", "GET / HTTP/1,1"sv, "bad_request"},
        {"a sign", "GET / HTTP/+1.1"sv, "bad_request"},
        {"another protocol", "GET / ICY/1.1"sv, "bad_request"},
        {"another protocol of four letters", "GET / HTTQ/1.1"sv, "bad_request"},
        {"trailing space", "GET / HTTP/1.1 "sv, "bad_request"},
        {"trailing tab", "GET / HTTP/1.1\t"sv, "bad_request"},
        {"trailing word", "GET / HTTP/1.1 x"sv, "bad_request"},
        {"trailing letter", "GET / HTTP/1.1x"sv, "bad_request"},
        {"trailing NUL", "GET / HTTP/1.1\0"sv, "bad_request"},
        {"space inside", "GET / HTTP/ 1.1"sv, "bad_request"},
        {"space before the slash", "GET / HTTP /1.1"sv, "bad_request"},
        {"absent, as in HTTP/0.9", "GET /"sv, "bad_request"},
        {"absent after a space", "GET / "sv, "bad_request"},
        {"twice", "GET / HTTP/1.1 HTTP/1.1"sv, "bad_request"},
    });
}

TEST(HostileRequestLine, SeparatorsAreSingleSpaces) {
    check_line({
        {"two after the method", "GET  / HTTP/1.1"sv, "bad_request"},
        {"two before the version", "GET /  HTTP/1.1"sv, "bad_request"},
        {"tab after the method", "GET\t/ HTTP/1.1"sv, "bad_request"},
        {"tab before the version", "GET /\tHTTP/1.1"sv, "bad_request"},
        {"vertical tab", "GET\x0B/ HTTP/1.1"sv, "bad_request"},
        {"form feed", "GET /\x0CHTTP/1.1"sv, "bad_request"},
        {"a bare CR", "GET\r/ HTTP/1.1"sv, "bad_request"},
        {"a bare LF", "GET\n/ HTTP/1.1"sv, "bad_request"},
        {"a bare CR before the version", "GET /\rHTTP/1.1"sv, "bad_request"},
        {"CR CR LF", "GET / HTTP/1.1\r"sv, "bad_request"},
        {"no-break space", "GET\xA0/ HTTP/1.1"sv, "bad_request"},
        {"a method alone", "GET"sv, "bad_request"},
        {"a method and a space", "GET "sv, "bad_request"},
        {"a space in the target", "GET /a b HTTP/1.1"sv, "bad_request"},
        {"two spaces for the target", "GET   HTTP/1.1"sv, "bad_request"},
        {"no target", "GET HTTP/1.1"sv, "bad_request"},
    });
}

TEST(HostileRequestLine, EmptyLinesBeforeIt) {
    check_line({
        {"one is skipped", "\r\nGET / HTTP/1.1"sv, "accepted"},
        {"two are refused", "\r\n\r\nGET / HTTP/1.1"sv, "bad_request"},
        {"a bare LF", "\nGET / HTTP/1.1"sv, "bad_request"},
        {"a bare CR", "\rGET / HTTP/1.1"sv, "bad_request"},
        {"CR CR LF", "\r\r\nGET / HTTP/1.1"sv, "bad_request"},
        {"a line of one space", " \r\nGET / HTTP/1.1"sv, "bad_request"},
        {"a space after the skipped one", "\r\n GET / HTTP/1.1"sv, "bad_request"},
    });
}

TEST(HostileRequestLine, OriginFormFollowsTheUriGrammar) {
    check_line({
        {"root", "GET / HTTP/1.1"sv, "accepted"},
        {"a path", "GET /v1/chat/completions HTTP/1.1"sv, "accepted"},
        {"a trailing slash", "GET /v1/ HTTP/1.1"sv, "accepted"},
        {"double slashes", "GET //v1//models HTTP/1.1"sv, "accepted"},
        {"all pchar marks", "GET /-._~!$&'()*+,;=:@ HTTP/1.1"sv, "accepted"},
        {"a query", "GET /v1/models?limit=2&after=x HTTP/1.1"sv, "accepted"},
        {"an empty query", "GET /v1/models? HTTP/1.1"sv, "accepted"},
        {"a question mark in the query", "GET /?a=?b HTTP/1.1"sv, "accepted"},
        {"a URL in the query", "GET /?u=http://x/ HTTP/1.1"sv, "accepted"},
        {"brackets that fetch leaves", "GET /?include[]=a HTTP/1.1"sv, "accepted"},
        {"braces, bar, caret, backtick in the query", "GET /?{a}|^` HTTP/1.1"sv, "accepted"},
        {"an encoded slash", "GET /v1/models/a%2Fb HTTP/1.1"sv, "accepted"},
        {"lower-case hexadecimal", "GET /%c3%a9 HTTP/1.1"sv, "accepted"},
        {"dot segments, for the router to refuse", "GET /../etc HTTP/1.1"sv, "accepted"},
        {"brackets in the path", "GET /a[] HTTP/1.1"sv, "bad_request"},
        {"braces in the path", "GET /{a} HTTP/1.1"sv, "bad_request"},
        {"a bar in the path", "GET /a|b HTTP/1.1"sv, "bad_request"},
        {"a caret in the path", "GET /a^b HTTP/1.1"sv, "bad_request"},
        {"a backtick in the path", "GET /a`b HTTP/1.1"sv, "bad_request"},
        {"a fragment", "GET /#a HTTP/1.1"sv, "bad_request"},
        {"a fragment after the query", "GET /?a#b HTTP/1.1"sv, "bad_request"},
        {"a backslash", "GET /a\\b HTTP/1.1"sv, "bad_request"},
        {"a backslash in the query", "GET /?a\\b HTTP/1.1"sv, "bad_request"},
        {"a backslash first", "GET \\a HTTP/1.1"sv, "bad_request"},
        {"a quote", "GET /\"a\" HTTP/1.1"sv, "bad_request"},
        {"a quote in the query", "GET /?\"a\" HTTP/1.1"sv, "bad_request"},
        {"angle brackets", "GET /<a> HTTP/1.1"sv, "bad_request"},
        {"angle brackets in the query", "GET /?<a> HTTP/1.1"sv, "bad_request"},
        {"raw UTF-8", "GET /\xC3\xA9 HTTP/1.1"sv, "bad_request"},
        {"raw UTF-8 in the query", "GET /?\xC3\xA9 HTTP/1.1"sv, "bad_request"},
        {"a raw 0xFF", "GET /\xFF HTTP/1.1"sv, "bad_request"},
        {"a tab", "GET /a\tb HTTP/1.1"sv, "bad_request"},
        {"a NUL", "GET /a\0b HTTP/1.1"sv, "bad_request"},
        {"DEL", "GET /a\x7F HTTP/1.1"sv, "bad_request"},
        {"escape", "GET /\x1B[31m HTTP/1.1"sv, "bad_request"},
        {"a lone percent sign", "GET /% HTTP/1.1"sv, "bad_request"},
        {"a percent sign and one digit", "GET /%4 HTTP/1.1"sv, "bad_request"},
        {"a percent sign and no hexadecimal", "GET /%zz HTTP/1.1"sv, "bad_request"},
        {"a percent sign twice", "GET /%%41 HTTP/1.1"sv, "bad_request"},
        {"a cut encoding before the query", "GET /%4?1 HTTP/1.1"sv, "bad_request"},
        {"a cut encoding in the query", "GET /?a=%4 HTTP/1.1"sv, "bad_request"},
        {"an unfinished encoding of %u", "GET /%u0041 HTTP/1.1"sv, "bad_request"},
    });
}

TEST(HostileRequestLine, OtherFormsOfTheTarget) {
    check_line({
        {"asterisk for OPTIONS", "OPTIONS * HTTP/1.1"sv, "accepted"},
        {"asterisk for GET", "GET * HTTP/1.1"sv, "bad_request"},
        {"asterisk for POST", "POST * HTTP/1.1"sv, "bad_request"},
        {"asterisk and more", "OPTIONS *x HTTP/1.1"sv, "bad_request"},
        {"asterisk and a query", "OPTIONS *?a HTTP/1.1"sv, "bad_request"},
        {"absolute", "GET http://h/v1 HTTP/1.1"sv, "accepted"},
        {"absolute with https", "GET https://h/v1 HTTP/1.1"sv, "accepted"},
        {"absolute, scheme in capitals", "GET HTTP://h/v1 HTTP/1.1"sv, "accepted"},
        {"absolute, host in capitals", "GET http://H/v1 HTTP/1.1"sv, "accepted"},
        {"absolute without a path", "GET http://h HTTP/1.1"sv, "accepted"},
        {"absolute OPTIONS without a path", "OPTIONS http://h HTTP/1.1"sv, "accepted"},
        {"absolute with a query only", "GET http://h?a HTTP/1.1"sv, "bad_request"},
        {"absolute with a fragment", "GET http://h#a HTTP/1.1"sv, "bad_request"},
        {"absolute with a fragment after the path", "GET http://h/#a HTTP/1.1"sv, "bad_request"},
        {"absolute for another host", "GET http://evil/v1 HTTP/1.1"sv, "bad_request"},
        {"absolute for a longer host", "GET http://h.evil/v1 HTTP/1.1"sv, "bad_request"},
        {"absolute for another port", "GET http://h:81/v1 HTTP/1.1"sv, "bad_request"},
        {"absolute with user information", "GET http://u@h/v1 HTTP/1.1"sv, "bad_request"},
        {"absolute with a password", "GET http://u:p@h/v1 HTTP/1.1"sv, "bad_request"},
        {"absolute without an authority", "GET http:///v1 HTTP/1.1"sv, "bad_request"},
        {"absolute with one slash", "GET http:/h/v1 HTTP/1.1"sv, "bad_request"},
        {"absolute with a backslash", "GET http://h\\v1 HTTP/1.1"sv, "bad_request"},
        {"absolute with a raw path", "GET http://h/\xC3\xA9 HTTP/1.1"sv, "bad_request"},
        {"another scheme", "GET ftp://h/v1 HTTP/1.1"sv, "bad_request"},
        {"a file", "GET file:///etc/passwd HTTP/1.1"sv, "bad_request"},
        {"a scheme only", "GET http:// HTTP/1.1"sv, "bad_request"},
        {"a network path is an origin-form", "GET //evil/v1 HTTP/1.1"sv, "accepted"},
        {"an authority", "GET h:80 HTTP/1.1"sv, "bad_request"},
        {"a relative path", "GET v1/models HTTP/1.1"sv, "bad_request"},
        {"a dot", "GET . HTTP/1.1"sv, "bad_request"},
        {"a query only", "GET ?a HTTP/1.1"sv, "bad_request"},
    });
}

}  // namespace
}  // namespace sluicegate::http
