#include "sluicegate/openai/inspect_request.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

namespace sluicegate::openai {
namespace {

using namespace std::string_literals;

constexpr std::string_view form_type = "multipart/form-data; boundary=b";

std::string field(std::string_view name, std::string_view value) {
    return "--b\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"\r\n\r\n" +
           std::string(value) + "\r\n";
}

std::string file(std::string_view bytes) {
    return "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
           "Content-Type: audio/wav\r\n\r\n" +
           std::string(bytes) + "\r\n";
}

Result<Inspection> inspected_form(std::string_view body, std::string_view type = form_type) {
    return inspect_multipart(Endpoint::audio_transcriptions, type, body);
}

TEST(InspectMultipart, FindsTheModelBeforeAndBehindTheFile) {
    const std::string bytes = "RIFF\0\r\n--\r\n-\n--\r\r\n--a\xFF x--b"s;
    const std::string bodies[] = {
        field("model", "whisper-1") + file(bytes) + "--b--",
        field("model", "whisper-1") + file(bytes) + "--b--\r\n\r\n",
        file(bytes) + field("model", "whisper-1") + "--b--\r\n",
        field("language", "en") + file(bytes) + field("model", "whisper-1") +
            field("timestamp_granularities[]", "word") +
            field("timestamp_granularities[]", "segment") + "--b--\r\n",
    };
    for (const std::string& body : bodies) {
        const auto found = inspected_form(body);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->model, "whisper-1");
        EXPECT_EQ(body.substr(found->model_value.offset, found->model_value.size), "whisper-1");
        EXPECT_TRUE(found->is_multipart);
        EXPECT_FALSE(found->is_streaming);
    }
}

TEST(InspectMultipart, ReadsEverySpellingOfTheHead) {
    struct Row {
        std::string_view name;
        std::string_view type;
        std::string body;
    };
    const Row rows[] = {
        {"quoted boundary", "multipart/form-data; boundary=\"b\"", field("model", "m") + "--b--"},
        {"boundary with blanks and marks", "multipart/form-data; boundary=\"a b:/=?'()+_,-.\"",
         "--a b:/=?'()+_,-.\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
         "--a b:/=?'()+_,-.--"},
        {"upper case", "MULTIPART/FORM-DATA; BOUNDARY=b",
         "--b\r\nCONTENT-DISPOSITION: FORM-DATA; NAME=\"model\"\r\n\r\nm\r\n--b--"},
        {"charset of the form", "multipart/form-data; charset=utf-8; boundary=b",
         field("model", "m") + "--b--"},
        {"no space, token name", form_type,
         "--b\r\nContent-Disposition:form-data;name=model\r\n\r\nm\r\n--b--"},
        {"type of the part", form_type,
         "--b\r\nContent-Type: text/plain; charset=UTF-8\r\n"
         "Content-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--"},
        {"harmless transfer encoding", form_type,
         "--b\r\nContent-Transfer-Encoding: 8bit\r\n"
         "Content-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--"},
        {"escaped file name", form_type,
         "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\\\"b\\\\.wav\"\r\n"
         "\r\nx\r\n" +
             field("model", "m") + "--b--"},
        {"encoded file name", form_type,
         "--b\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''a.wav\r\n"
         "\r\nx\r\n" +
             field("model", "m") + "--b--"},
        {"empty part", form_type, field("prompt", "") + field("model", "m") + "--b--"},
        {"charset of the part that makes no difference", form_type,
         "--b\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n"
         "Content-Transfer-Encoding: 8bit\r\n"
         "Content-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--"},
        {"charset of the form that makes no difference",
         "multipart/form-data; boundary=b; charset=ISO-8859-1",
         field("model", "m") + file("\xFF\xC3") + "--b--"},
        {"another charset, other marks",
         "multipart/form-data; charset=\"windows-1252\"; boundary=b",
         field("model", "m") + "--b--"},
        {"part as JSON", form_type,
         "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n"
         "Content-Type: application/json; charset=UTF-8\r\n\r\nm\r\n--b--"},
        {"part with a parameter", form_type,
         "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n"
         "Content-Type: text/plain; format=flowed\r\n\r\nm\r\n--b--"},
        {"preamble", form_type, "A form.\r\n" + field("model", "m") + "--b--"},
        {"empty line before", form_type, "\r\n" + field("model", "m") + "--b--"},
        {"preamble with dashes", form_type,
         "--\r\n--a --b x\r\n\r\n" + field("model", "m") + "--b--"},
        {"epilogue", form_type, field("model", "m") + "--b--\r\nbye\n"},
        {"padding behind the last delimiter", form_type, field("model", "m") + "--b-- \t\r\n"},
        {"form behind the form", form_type,
         field("model", "m") + "--b--\r\n" + field("model", "n") + "--b--"},
        {"half a line end behind", form_type, field("model", "m") + "--b--\r\n\r"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto found = inspected_form(row.body, row.type);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->model, "m");
        const std::string_view form =
            std::string_view(row.body).substr(found->form().offset, found->form().size);
        EXPECT_TRUE(form.starts_with("--b\r\n") || form.starts_with("--a b"));
        EXPECT_EQ(form.find("bye"), std::string_view::npos);
        EXPECT_EQ(form.find("\r\nn\r\n"), std::string_view::npos);
    }
}

TEST(InspectMultipart, TakesTheModelOfTheUrlWhereItHasNone) {
    for (const std::string& body : {file("x") + "--b--", "x\r\n" + file("x") + "--b--\r\ny",
                                    field("model", "") + file("x") + "--b--"}) {
        SCOPED_TRACE(body);
        const auto found = inspect_multipart(Endpoint::audio_transcriptions, form_type, body,
                                             FieldNames::own(), "u");
        ASSERT_TRUE(found);
        EXPECT_EQ(found->model, "u");
    }
    const auto own = inspect_multipart(Endpoint::audio_transcriptions, form_type,
                                       field("model", "m") + "--b--", FieldNames::own(), "u");
    ASSERT_TRUE(own);
    EXPECT_EQ(own->model, "m");
    EXPECT_FALSE(inspect_multipart(Endpoint::audio_transcriptions, form_type, "--b--",
                                   FieldNames::own(), "u"));
}

TEST(InspectMultipart, RefusesAnotherCharsetWhereItMatters) {
    const std::string type = "multipart/form-data; boundary=b; charset=iso-8859-1";
    for (const std::string& body : {field("model", "m") + field("prompt", "caf\xE9") + "--b--",
                                    field("model", "m") + field("caf\xE9", "x") + "--b--"}) {
        auto found = inspected_form(body, type);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().kind, ErrorKind::unsupported_media_type);
    }
}

TEST(InspectMultipart, ReadsStreamAndN) {
    for (const std::string_view yes : {"true", "True", "1", "on", "YES", "t", "y"}) {
        SCOPED_TRACE(yes);
        const auto found = inspected_form(field("model", "m") + field("stream", yes) + "--b--");
        ASSERT_TRUE(found);
        EXPECT_TRUE(found->is_streaming);
    }
    for (const std::string_view no : {"false", "False", "0", "off", "no", "f", "n"}) {
        SCOPED_TRACE(no);
        const auto found = inspected_form(field("model", "m") + field("stream", no) + "--b--");
        ASSERT_TRUE(found);
        EXPECT_FALSE(found->is_streaming);
    }
    const auto never = inspect_multipart(Endpoint::audio_translations, form_type,
                                         field("model", "m") + field("stream", "true") + "--b--");
    ASSERT_TRUE(never);
    EXPECT_FALSE(never->is_streaming);
    const auto four = inspected_form(field("n", "4") + field("model", "m") + "--b--");
    ASSERT_TRUE(four);
    EXPECT_EQ(four->choices, 4);
}

struct RefusedForm {
    std::string_view name;
    std::string body;
    ErrorKind kind;
    std::string_view subject = "";
    std::string_view type = form_type;
};

TEST(InspectMultipart, RefusesFieldsThatCannotBeTrusted) {
    const std::string model = field("model", "m");
    const std::string head = "--b\r\nContent-Disposition: form-data; name=\"model\"";
    const RefusedForm rows[] = {
        {"two models", model + model + "--b--", ErrorKind::duplicate_field, "model"},
        {"two models around the file", model + file("x") + model + "--b--",
         ErrorKind::duplicate_field, "model"},
        {"two streams", model + field("stream", "true") + field("stream", "true") + "--b--",
         ErrorKind::duplicate_field, "stream"},
        {"two n", model + field("n", "1") + field("n", "1") + "--b--", ErrorKind::duplicate_field,
         "n"},
        {"no model", file("x") + "--b--", ErrorKind::missing_model, "model"},
        {"empty model", field("model", "") + "--b--", ErrorKind::missing_model, "model"},
        {"no parts", "--b--", ErrorKind::missing_model, "model"},
        {"line break in the model", field("model", "a\r\nb") + "--b--", ErrorKind::invalid_body,
         "model"},
        {"NUL in the model", field("model", "a\0b"s) + "--b--", ErrorKind::invalid_body, "model"},
        {"model not UTF-8", field("model", "\xFF") + "--b--", ErrorKind::invalid_body, "model"},
        {"model of 257 bytes", field("model", std::string(257, 'm')) + "--b--",
         ErrorKind::invalid_body, "model"},
        {"model as a file", head + "; filename=\"m\"\r\n\r\nm\r\n--b--", ErrorKind::invalid_type,
         "model"},
        {"model as a file with an encoded name", head + "; filename*=UTF-8''m\r\n\r\nm\r\n--b--",
         ErrorKind::invalid_type, "model"},
        {"model as a JSON string",
         head + "\r\nContent-Type: application/json\r\n\r\n\"m\"\r\n--b--", ErrorKind::invalid_type,
         "model"},
        {"model as bytes", head + "\r\nContent-Type: application/octet-stream\r\n\r\nm\r\n--b--",
         ErrorKind::invalid_type, "model"},
        {"model beyond ASCII in another charset",
         head + "\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\ncaf\xC3\xA9\r\n--b--",
         ErrorKind::invalid_type, "model"},
        {"model in a charset with shifts",
         head + "\r\nContent-Type: text/plain; charset=utf-7\r\n\r\nm\r\n--b--",
         ErrorKind::invalid_type, "model"},
        {"model in another charset",
         head + "\r\nContent-Type: text/plain; charset=utf-16\r\n\r\nm\r\n--b--",
         ErrorKind::invalid_type, "model"},
        {"stream maybe", model + field("stream", "maybe") + "--b--", ErrorKind::invalid_type,
         "stream"},
        {"stream empty", model + field("stream", "") + "--b--", ErrorKind::invalid_type, "stream"},
        {"n a word", model + field("n", "two") + "--b--", ErrorKind::invalid_type, "n"},
        {"n 0", model + field("n", "0") + "--b--", ErrorKind::invalid_body, "n"},
        {"n 129", model + field("n", "129") + "--b--", ErrorKind::invalid_body, "n"},
        {"charset of the form by a part", field("_charset_", "utf-16") + model + "--b--",
         ErrorKind::invalid_body, "_charset_"},
    };
    for (const RefusedForm& row : rows) {
        SCOPED_TRACE(row.name);
        auto found = inspected_form(row.body, row.type);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().kind, row.kind);
        EXPECT_EQ(found.error().subject, row.subject);
    }
}

TEST(InspectMultipart, RefusesWhatParsersCouldReadDifferently) {
    const std::string model = field("model", "m");
    const auto part = [](std::string_view head) {
        return "--b\r\n" + std::string(head) + "\r\n\r\nm\r\n--b--";
    };
    const std::string named = "Content-Disposition: form-data; name=\"model\"";
    const RefusedForm rows[] = {
        {"empty", "", ErrorKind::invalid_body, "it is empty"},
        {"preamble without a line end", "x" + model + "--b--", ErrorKind::missing_model, "model"},
        {"preamble with a bare LF", "x\n" + model + "--b--", ErrorKind::invalid_body},
        {"preamble with a bare CR", "x\r" + model + "--b--", ErrorKind::invalid_body},
        {"preamble alone", "x\r\n", ErrorKind::invalid_body},
        {"longer boundary in the preamble", "x\r\n--bc\r\n" + model + "--b--",
         ErrorKind::invalid_body},
        {"bare LF behind", model + "--b--\nx", ErrorKind::invalid_body},
        {"word behind", model + "--b--x", ErrorKind::invalid_body},
        {"form behind the form", model + "--b--" + model, ErrorKind::invalid_body},
        {"no last delimiter", model, ErrorKind::invalid_body},
        {"cut delimiter", model + "--b-", ErrorKind::invalid_body},
        {"delimiter alone", model + "--b", ErrorKind::invalid_body},
        {"cut value", model.substr(0, model.size() - 3), ErrorKind::invalid_body},
        {"padding behind a delimiter", "--b \r\n" + named + "\r\n\r\nm\r\n--b--",
         ErrorKind::invalid_body},
        {"longer boundary in the file", file("x\r\n--bc\r\n") + model + "--b--",
         ErrorKind::invalid_body},
        {"bare LF lines", "--b\n" + named + "\n\nm\n--b--", ErrorKind::invalid_body},
        {"bare LF in the head", part("X: y\n" + named), ErrorKind::invalid_body},
        {"bare CR in the head", part("X: y\r" + named), ErrorKind::invalid_body},
        {"folded line", part("X: y\r\n " + named), ErrorKind::invalid_body},
        {"space before the colon", part("X : y\r\n" + named), ErrorKind::invalid_body},
        {"line without a colon", part(named + "\r\nX"), ErrorKind::invalid_body},
        {"NUL in the head", part("X: \0\r\n"s + named), ErrorKind::invalid_body},
        {"no head", "--b\r\n\r\nm\r\n--b--", ErrorKind::invalid_body},
        {"no disposition", part("Content-Type: text/plain"), ErrorKind::invalid_body},
        {"two dispositions", part(named + "\r\n" + named), ErrorKind::invalid_body},
        {"two types", part(named + "\r\nContent-Type: text/plain\r\nContent-Type: text/plain"),
         ErrorKind::invalid_body},
        {"attachment", part("Content-Disposition: attachment; name=\"model\""),
         ErrorKind::invalid_body},
        {"no name", part("Content-Disposition: form-data"), ErrorKind::invalid_body},
        {"empty name", part("Content-Disposition: form-data; name=\"\""), ErrorKind::invalid_body},
        {"two names", part(named + "; name=\"x\""), ErrorKind::invalid_body},
        {"encoded name", part(named + "; name*=UTF-8''model"), ErrorKind::invalid_body},
        {"escaped name", part("Content-Disposition: form-data; name=\"mod\\el\""),
         ErrorKind::invalid_body},
        {"percent in the name", part("Content-Disposition: form-data; name=\"mod%65l\""),
         ErrorKind::invalid_body},
        {"name hidden in an escape",
         part("Content-Disposition: form-data; q=\"a\\\"; name=model; r=\"; name=\"x\""),
         ErrorKind::invalid_body},
        {"unclosed quote", part("Content-Disposition: form-data; name=\"model"),
         ErrorKind::invalid_body},
        {"no semicolon", part("Content-Disposition: form-data; name=\"model\" x=y"),
         ErrorKind::invalid_body},
        {"base64", part(named + "\r\nContent-Transfer-Encoding: base64"), ErrorKind::invalid_body},
        {"head without an end", "--b\r\n" + named + "\r\n", ErrorKind::invalid_body},
        {"boundary missing", model + "--b--", ErrorKind::invalid_body, "", "multipart/form-data"},
        {"boundary empty", model + "--b--", ErrorKind::invalid_body, "",
         "multipart/form-data; boundary=\"\""},
        {"boundary ends with a blank", "--b \r\n" + named + "\r\n\r\nm\r\n--b --",
         ErrorKind::invalid_body, "", "multipart/form-data; boundary=\"b \""},
        {"boundary with a bad byte", model + "--b--", ErrorKind::invalid_body, "",
         "multipart/form-data; boundary=\"b*\""},
        {"two boundaries", model + "--b--", ErrorKind::unsupported_media_type, "",
         "multipart/form-data; boundary=b; boundary=c"},
        {"escaped boundary", model + "--b--", ErrorKind::unsupported_media_type, "",
         "multipart/form-data; boundary=\"\\b\""},
        {"form in UTF-16", model + "--b--", ErrorKind::unsupported_media_type, "",
         "multipart/form-data; boundary=b; charset=utf-16"},
        {"mixed", model + "--b--", ErrorKind::unsupported_media_type, "",
         "multipart/mixed; boundary=b"},
    };
    for (const RefusedForm& row : rows) {
        SCOPED_TRACE(row.name);
        auto found = inspected_form(row.body, row.type);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().kind, row.kind);
        EXPECT_EQ(found.error().subject, row.subject);
    }
}

TEST(InspectMultipart, RefusesExtendedParameters) {
    const std::string form = field("a", "x") + field("model", "m") + "--b--";
    for (const std::string_view parameter :
         {"boundary*0=c", "boundary*=utf-8''c", "boundary*0*=utf-8''c", "BOUNDARY*0=c",
          "charset*0=utf-7", "charset*=utf-8''utf-7", "x*=y"}) {
        SCOPED_TRACE(parameter);
        const std::string type = std::string(form_type) + "; " + std::string(parameter);
        auto found = inspected_form(form, type);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().kind, ErrorKind::unsupported_media_type);
        const std::string first = "multipart/form-data; " + std::string(parameter) + "; boundary=b";
        EXPECT_FALSE(inspected_form(form, first));
    }
    const std::string start = "--b\r\nContent-Disposition: form-data; name=\"a\"";
    const std::string end = "\r\n\r\nx\r\n" + field("model", "m") + "--b--";
    ASSERT_TRUE(inspected_form(start + end));
    for (const std::string_view rest :
         {"; name*0=\"mod\"; name*1=\"el\"", "; name*0*=utf-8''mod; name*1=el",
          "; name*=utf-8''model", "; NAME*0=model", "; filename*0=\"a\"; filename*1=\".wav\"",
          "; filename*0*=utf-8''a", "; x*=y", "; filename=\"a\\\"; name=model; x=\"",
          "\r\nContent-Type: text/plain; charset*0=utf-7",
          "\r\nContent-Type: text/plain; charset*=utf-8''utf-7",
          "\r\nContent-Type: audio/wav; name*0=model"}) {
        SCOPED_TRACE(rest);
        auto found = inspected_form(start + std::string(rest) + end);
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().kind, ErrorKind::invalid_body);
    }
}

TEST(InspectMultipart, RefusesADelimiterBehindHalfALineEnd) {
    const std::string model = field("model", "m");
    const std::string hidden = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbig";
    for (const std::string& value :
         {"x\n" + hidden, "x\r" + hidden, "\n" + hidden, hidden, "x\n\r" + hidden, "\n--b--"s,
          "x--b\n--b"s, "\r--bc"s, "--b"s}) {
        SCOPED_TRACE(value);
        auto found = inspected_form(file(value) + model + "--b--");
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().kind, ErrorKind::invalid_body);
        EXPECT_FALSE(inspected_form(model + field("prompt", value) + "--b--"));
    }
    EXPECT_TRUE(inspected_form(file("x--b\r\n\n -\n--\r-\r--a") + model + "--b--"));
}

TEST(InspectMultipart, BoundsBoundariesInsideLines) {
    const auto with = [](std::size_t count) {
        std::string value;
        for (std::size_t i = 0; i < count; ++i) value += "x--b";
        return inspected_form(file(value) + field("model", "m") + "--b--");
    };
    EXPECT_TRUE(with(multipart_inner_boundaries_max));
    EXPECT_FALSE(with(multipart_inner_boundaries_max + 1));
}

TEST(InspectMultipart, RefusesTheFormsCharsetInEachSpelling) {
    for (const std::string_view name : {"_charset_", "_Charset_", "_CHARSET_"}) {
        SCOPED_TRACE(name);
        EXPECT_FALSE(inspected_form(field(name, "utf-7") + field("model", "m") + "--b--"));
    }
}

TEST(InspectMultipart, BoundsPartsHeadsAndBoundaries) {
    std::string parts;
    for (std::size_t i = 1; i < multipart_parts_max; ++i) parts += field("x", "y");
    EXPECT_TRUE(inspected_form(parts + field("model", "m") + "--b--"));
    EXPECT_FALSE(inspected_form(parts + field("x", "y") + field("model", "m") + "--b--"));

    // Of the head's bytes, all but the value of X.
    const std::string head = "Content-Disposition: form-data; name=\"model\"\r\nX: \r\n";
    const auto with_head = [&](std::size_t size) {
        std::string padded = head;
        padded.insert(padded.size() - 2, size - head.size(), 'x');
        return "--b\r\n" + padded + "\r\nm\r\n--b--";
    };
    EXPECT_TRUE(inspected_form(with_head(multipart_part_head_bytes_max)));
    EXPECT_FALSE(inspected_form(with_head(multipart_part_head_bytes_max + 1)));

    const auto with_boundary = [](std::size_t size) {
        const std::string boundary(size, 'b');
        return inspect_multipart(
            Endpoint::images_edits, "multipart/form-data; boundary=" + boundary,
            "--" + boundary + "\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--" +
                boundary + "--");
    };
    EXPECT_TRUE(with_boundary(70));
    EXPECT_FALSE(with_boundary(71));
}

TEST(InspectMultipart, RefusesEveryCutForm) {
    const std::string body = file("x\r\n-") + field("model", "m") + field("n", "2") + "--b--";
    ASSERT_TRUE(inspected_form(body));
    for (std::size_t size = 0; size < body.size(); ++size) {
        SCOPED_TRACE(size);
        EXPECT_FALSE(inspected_form(std::string_view(body).substr(0, size)));
    }
}

TEST(InspectMultipart, LeavesFilesAloneWhateverTheyHold) {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        constexpr std::string_view alphabet = "\r\n-b\0:;=\" ";
        std::string bytes;
        for (std::uint64_t left = random() % 64; left > 0; --left) {
            bytes += alphabet[random() % alphabet.size()];
        }
        // A delimiter to some parser.
        const std::string lines = "\n" + bytes;
        if (lines.find("\n--b") != std::string::npos || lines.find("\r--b") != std::string::npos) {
            continue;
        }
        const std::string body = file(bytes) + field("model", "m") + "--b--";
        const auto found = inspected_form(body);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->model_value.offset, body.rfind("m\r\n--b--"));
    }
}

}  // namespace
}  // namespace sluicegate::openai
