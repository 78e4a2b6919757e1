// What was checked is what is meant: the names of a body's fields, in every spelling.
#include "sluicegate/openai/body_fields.hpp"

#include "sluicegate/openai/inspect_request.hpp"

#include "openai/inspected.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::openai {
namespace {

using namespace std::string_literals;

using test::inspected;

std::string part(const std::string& name, const std::string& value) {
    return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}

Result<Inspection> inspected_form(const std::string& parts,
                                  const FieldNames& names = FieldNames::own()) {
    return inspect_multipart(Endpoint::images_edits, "multipart/form-data; boundary=b",
                             parts + "--b--", names);
}

void expect_refused(const Result<Inspection>& found, ErrorKind kind, std::string_view subject) {
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, kind) << name_of(found.error().kind);
    EXPECT_EQ(found.error().subject, subject);
}

struct Spelling {
    const char* name;
    std::string right;
    std::string sent;     ///< as JSON
    std::string decoded;  ///< as it is told
};

const std::vector<Spelling>& spellings() {
    static const std::vector<Spelling> rows{
        {"capital", "model", "Model", "Model"},
        {"capitals", "model", "MODEL", "MODEL"},
        {"long s", "stream", "ſtream", "ſtream"},
        {"long s, escaped", "stream", R"(\u017ftream)", "ſtream"},
        {"long s in the middle", "messages", "meſsages", "meſsages"},
        {"Kelvin", "max_tokens",
         "max_to\xE2\x84\xAA"
         "ens",
         "max_to\xE2\x84\xAA"
         "ens"},
        {"Kelvin, escaped", "max_tokens", R"(max_to\u212Aens)",
         "max_to\xE2\x84\xAA"
         "ens"},
        {"i without its dot", "input", "\xC4\xB1nput", "\xC4\xB1nput"},
        {"NUL at the end", "model", R"(model\u0000)", "model\0"s},
        {"NUL and more", "model", R"(model\u0000xyz)", "model\0xyz"s},
        {"NUL inside", "model", R"(mo\u0000del)", "mo\0del"s},
        {"capital and NUL", "tools", R"(Tools\u0000)", "Tools\0"s},
        {"escaped capital", "model", R"(\u004dodel)", "Model"},
        {"camel case", "max_tokens", "maxTokens", "maxTokens"},
        {"dash", "max_completion_tokens", "max-completion-tokens", "max-completion-tokens"},
        {"space", "n", "n ", "n "},
        {"of responses", "previous_response_id", "Previous_Response_Id", "Previous_Response_Id"},
        {"of the policy", "background", "BACKGROUND", "BACKGROUND"},
        {"of speech", "stream_format", "Stream_Format", "Stream_Format"},
    };
    return rows;
}

TEST(BodyFields, RefuseAnotherSpellingOfAKnownName) {
    for (const Spelling& row : spellings()) {
        SCOPED_TRACE(row.name);
        const std::string body = R"({"model":"m",")" + row.sent + R"(":1})";
        if (row.right == "model") {
            expect_refused(inspected(body), ErrorKind::duplicate_field, "model");
            expect_refused(inspected(R"({")" + row.sent + R"(":"m"})"), ErrorKind::misspelt_field,
                           "model " + row.decoded);
        } else {
            expect_refused(inspected(body), ErrorKind::misspelt_field,
                           row.right + ' ' + row.decoded);
        }
    }
}

TEST(BodyFields, RefuseASecondSpellingOnEitherSide) {
    for (const Spelling& row : spellings()) {
        SCOPED_TRACE(row.name);
        const std::string right = '"' + row.right + R"(":null)";
        const std::string other = '"' + row.sent + R"(":null)";
        const std::string others = R"("a":[{"b":"c"}])";
        for (const std::string& members :
             {right + ',' + others + ',' + other, other + ',' + others + ',' + right,
              right + ',' + right, other + ',' + other}) {
            SCOPED_TRACE(members);
            for (const Endpoint endpoint : {Endpoint::chat_completions, Endpoint::responses,
                                            Endpoint::completions, Endpoint::audio_speech}) {
                expect_refused(inspected('{' + members + '}', endpoint), ErrorKind::duplicate_field,
                               row.right);
            }
        }
    }
}

TEST(BodyFields, RefuseOtherSpellingsInTheObjectsThatAreRead) {
    struct Row {
        const char* name;
        std::string body;
        ErrorKind kind;
        std::string subject;
    };
    const std::string options = R"({"model":"m","stream_options":{)";
    const std::string conversation = R"({"model":"m","conversation":{)";
    const Row rows[] = {
        {"capital", options + R"("Include_Usage":true}})", ErrorKind::misspelt_field,
         "stream_options.include_usage Include_Usage"},
        {"long s", options + R"("include_u\u017fage":true}})", ErrorKind::misspelt_field,
         "stream_options.include_usage include_uſage"},
        {"NUL", options + R"("continuous_usage_stats\u0000":true}})", ErrorKind::misspelt_field,
         "stream_options.continuous_usage_stats continuous_usage_stats\0"s},
        {"twice", options + R"("include_usage":true,"include_usage":true}})",
         ErrorKind::duplicate_field, "stream_options.include_usage"},
        {"conversation, capital", conversation + R"("ID":"conv_1"}})", ErrorKind::misspelt_field,
         "conversation.id ID"},
        {"conversation, twice", conversation + R"("id":"conv_1","id":"conv_2"}})",
         ErrorKind::duplicate_field, "conversation.id"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        expect_refused(inspected(row.body, Endpoint::responses), row.kind, row.subject);
    }
}

TEST(BodyFields, OfAFormFollowTheSameRule) {
    const std::string model = part("model", "m");
    struct Row {
        const char* name;
        std::string parts;
        ErrorKind kind;
        std::string subject;
    };
    const Row rows[] = {
        {"capital", part("Model", "m"), ErrorKind::misspelt_field, "model Model"},
        {"second spelling", model + part("Model", "big"), ErrorKind::duplicate_field, "model"},
        {"second spelling first", part("MODEL", "big") + model, ErrorKind::duplicate_field,
         "model"},
        {"long s", model + part("ſtream", "true"), ErrorKind::misspelt_field, "stream ſtream"},
        {"an array", model + part("n[]", "128"), ErrorKind::misspelt_field, "n n[]"},
        {"an array of models", model + part("model[0]", "big"), ErrorKind::duplicate_field,
         "model"},
        {"twice, a name that is not read", model + part("prompt", "a") + part("prompt", "b"),
         ErrorKind::duplicate_field, "prompt"},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        expect_refused(inspected_form(row.parts), row.kind, row.subject);
    }
    EXPECT_FALSE(inspected_form(model + part("=?utf-8?Q?model?=", "big")));
    EXPECT_TRUE(inspected_form(model + part("image[]", "a") + part("image[]", "b")));
    EXPECT_TRUE(inspected_form(model + part("Size", "a")));
}

TEST(BodyFields, LetTheNamesOfTheApiPass) {
    const std::string body =
        R"({"model":"m","messages":[],"temperature":1,"top_p":1,"user":"u","User":"v","Seed":1,)"
        R"("metadata":{"Model":"x","file_id":"y"},"x":{"Model":"a","STREAM":true},"":1,"\u0000":2,)"
        R"("modell":1,"models_":2,"streams":1,"store":true})";
    const auto found = inspected(body);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->fields,
              FieldSet().set(number_of(Field::model)).set(number_of(Field::messages)));
}

TEST(BodyFields, AreKnownByTheirNumbers) {
    FieldNames names;
    const auto models = names.add("models");
    const auto seed = names.add("seed");
    ASSERT_TRUE(models && seed);
    EXPECT_EQ(names.add("Models"), models);
    EXPECT_EQ(names.name_of(*models), "models");
    const auto found =
        inspected(R"({"model":"m","models":["x"],"seed":null})", Endpoint::chat_completions, names);
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->fields[*models]);
    EXPECT_FALSE(found->fields[*seed]) << "null counts as absent";
    expect_refused(inspected(R"({"model":"m","Seed":1})", Endpoint::chat_completions, names),
                   ErrorKind::misspelt_field, "seed Seed");
    expect_refused(inspected_form(part("model", "m") + part("models[]", "x"), names),
                   ErrorKind::misspelt_field, "models models[]");
    std::size_t added = 0;
    while (names.add("name" + std::to_string(added))) ++added;
    EXPECT_GE(added, 128U) << "config::denied_names_max";
}

TEST(BodyFields, TellWhichServiceIsAskedFor) {
    struct Row {
        const char* member;
        bool is_background;
        bool is_other_tier;
    };
    const Row rows[] = {
        {R"("background":true)", true, false},
        {R"("background":1)", true, false},
        {R"("background":"true")", true, false},
        {R"("background":false)", false, false},
        {R"("background":null)", false, false},
        {R"("service_tier":"auto")", false, false},
        {R"("service_tier":"\u0061uto")", false, false},
        {R"("service_tier":"default")", false, false},
        {R"("service_tier":"flex")", false, true},
        {R"("service_tier":"priority")", false, true},
        {R"("service_tier":"Auto")", false, true},
        {R"("service_tier":null)", false, false},
        {R"("service_tier":["auto"])", false, true},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.member);
        const auto found = inspected(R"({"model":"m",)" + std::string(row.member) + '}');
        ASSERT_TRUE(found);
        EXPECT_EQ(found->fields[number_of(Field::running_in_background)], row.is_background);
        EXPECT_EQ(found->fields[number_of(Field::other_service_tier)], row.is_other_tier);
    }
    const auto form = inspected_form(part("model", "m") + part("service_tier", "flex"));
    ASSERT_TRUE(form);
    EXPECT_TRUE(form->fields[number_of(Field::other_service_tier)]);
}

TEST(BodyFields, FindIdsOfWhatIsStoredInNamesOfAForm) {
    struct Row {
        const char* name;
        Field found;
    };
    constexpr Field none = Field::count_;
    const Row rows[] = {
        {"image[file_id]", Field::file_id},
        {"images[0][file_id]", Field::file_id},
        {"image.file_id", Field::file_id},
        {"images[0].File-Id", Field::file_id},
        {"image[file_id][]", Field::file_id},
        {"a[vector_store_ids][]", Field::vector_store_ids},
        {"a[vector_store_id]", Field::vector_store_id},
        {"a.b.file_ids.0", Field::file_ids},
        {"a[container]", Field::container},
        {"a[container][type]", none},
        {"metadata[file_id]", none},
        {"image[]", none},
        {"my_file_id_note", none},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto found = inspected_form(part("model", "m") + part(row.name, "f"));
        ASSERT_TRUE(found);
        for (const Field id : {Field::file_id, Field::file_ids, Field::vector_store_ids,
                               Field::vector_store_id, Field::container, Field::container_id}) {
            EXPECT_EQ(found->fields[number_of(id)], id == row.found) << number_of(id);
        }
    }
}

TEST(BodyFields, FindIdsOfWhatIsStoredAtAnyDepth) {
    struct Row {
        const char* name;
        std::string member;
        Field found;
    };
    constexpr Field none = Field::count_;
    const Row rows[] = {
        {"a file of chat", R"("messages":[{"content":[{"type":"file","file":{"file_id":"f"}}]}])",
         Field::file_id},
        {"a file of responses", R"("input":[{"content":[{"type":"input_file","file_id":"f"}]}])",
         Field::file_id},
        {"an image", R"("input":[{"content":[{"type":"input_image","file_id":"f"}]}])",
         Field::file_id},
        {"an image URL", R"("messages":[{"content":[{"image_url":{"file_id":"f"}}]}])",
         Field::file_id},
        {"file search", R"("tools":[{"type":"file_search","vector_store_ids":["v"]}])",
         Field::vector_store_ids},
        {"file search in one store", R"("tools":[{"type":"file_search","vector_store_id":"v"}])",
         Field::vector_store_id},
        {"one store, camel case", R"("tools":[{"vectorStoreId":"v"}])", Field::vector_store_id},
        {"code interpreter",
         R"("tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["f"]}}])",
         Field::file_ids},
        {"a container", R"("tools":[{"type":"code_interpreter","container":"cntr_1"}])",
         Field::container},
        {"a container by reference", R"("tools":[{"environment":{"container_id":"cntr_1"}}])",
         Field::container_id},
        {"a stored prompt's variable", R"("prompt":{"variables":{"a":{"file_id":"f"}}})",
         Field::file_id},
        {"in a member that is not known", R"("attachments":[{"file_id":"f"}])", Field::file_id},
        {"at the top", R"("vector_store_ids":["v"])", Field::vector_store_ids},
        {"capitals", R"("input":[{"FILE_ID":"f"}])", Field::file_id},
        {"camel case", R"("input":[{"fileId":"f"}])", Field::file_id},
        {"in one word", R"("input":[{"fileid":"f"}])", Field::file_id},
        {"camel case, a list", R"("tools":[{"vectorStoreIds":["v"]}])", Field::vector_store_ids},
        {"a space before", R"("input":[{" file_id":"f"}])", Field::file_id},
        {"a space behind", R"("input":[{"file_id ":"f"}])", Field::file_id},
        {"a dot before, a dollar behind", R"("input":[{".file_id$":"f"}])", Field::file_id},
        {"escaped", R"("input":[{"fil\u0065_id":"f"}])", Field::file_id},
        {"escaped first", R"("input":[{"\u0066ile_id":"f"}])", Field::file_id},
        {"long s", R"("input":[{"file_id\u017f":["f"]}])", Field::file_ids},
        {"NUL", R"("input":[{"file_id\u0000":"f"}])", Field::file_id},
        {"NUL and more", R"("input":[{"file_id\u0000x":"f"}])", Field::file_id},
        {"a schema", R"("tools":[{"parameters":{"properties":{"file_id":{"type":"string"}}}}])",
         none},
        {"a schema's list", R"("tools":[{"parameters":{"required":["file_id"]}}])", none},
        {"a new container", R"("tools":[{"container":{"type":"auto"}}])", none},
        {"an empty list", R"("tools":[{"container":{"file_ids":[]}}])", none},
        {"null", R"("input":[{"file_id":null}])", none},
        {"text", R"("input":"file_id: f")", none},
        {"arguments", R"("input":[{"arguments":"{\"file_id\":\"f\"}"}])", none},
        {"metadata", R"("metadata":{"file_id":"f"})", none},
        {"another word", R"("input":[{"file_idx":"f","profile_id":"p"}])", none},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.name);
        const auto found = inspected(R"({"model":"m",)" + row.member + '}', Endpoint::responses);
        ASSERT_TRUE(found);
        for (std::size_t i = number_of(Field::file_id); i <= number_of(Field::container_id); ++i) {
            EXPECT_EQ(found->fields[i], i == number_of(row.found)) << i;
        }
    }
}

TEST(BodyFields, FindIdsOfWhatIsStoredOnEveryEndpoint) {
    for (const Endpoint endpoint :
         {Endpoint::chat_completions, Endpoint::completions, Endpoint::responses,
          Endpoint::embeddings, Endpoint::moderations, Endpoint::rerank,
          Endpoint::images_generations, Endpoint::images_edits, Endpoint::audio_speech}) {
        SCOPED_TRACE(name_of(endpoint));
        for (const std::string member :
             {R"("documents":[{"file_id":"f"}])", R"("query":{"a":[{"file_id":"f"}]})",
              R"("prompt":[{"file_id":"f"}])", R"("input":{"file_id":"f"})",
              R"("stream_options":{"file_id":"f"})", R"("stream_options":{"a":{"file_id":"f"}})",
              R"("conversation":{"id":"c","file_id":"f"})",
              R"("conversation":{"id":"c","a":[{"file\u005fid":"f"}]})"}) {
            SCOPED_TRACE(member);
            const auto found = inspected(R"({"model":"m",)" + member + '}', endpoint);
            ASSERT_TRUE(found);
            EXPECT_TRUE(found->fields[number_of(Field::file_id)]);
        }
        const auto stores =
            inspected(R"({"model":"m","documents":[{"a":{"vector_store_ids":["v"]}}]})", endpoint);
        ASSERT_TRUE(stores);
        EXPECT_TRUE(stores->fields[number_of(Field::vector_store_ids)]);
    }
    // Values that the endpoint does not read.
    for (const std::string name : {"stream_format", "best_of", "max_output_tokens"}) {
        const auto found = inspected(R"({"model":"m",")" + name + R"(":[{"file_id":"f"}]})");
        ASSERT_TRUE(found);
        EXPECT_TRUE(found->fields[number_of(Field::file_id)]) << name;
    }
}

TEST(BodyFields, FindIdsOfWhatIsStoredInJsonOfAForm) {
    struct Row {
        const char* type;
        const char* value;
        bool is_found;
    };
    for (const Row& row :
         {Row{"application/json", R"({"file_id":"f"})", true},
          Row{"application/json; charset=utf-8", R"([{"a":{"FILE_ID":"f"}}])", true},
          Row{"application/x+json", R"({"file_id":"f"})", true},
          Row{"application/json", R"({"file_id":1})", false}, Row{"application/json", "{", false},
          Row{"text/plain", R"({"file_id":"f"})", false}}) {
        SCOPED_TRACE(row.value);
        const std::string json =
            std::string("--b\r\ncontent-disposition: form-data; name=image\r\n") +
            "content-type: " + row.type + "\r\n\r\n" + row.value + "\r\n";
        const auto found = inspected_form(part("model", "m") + json);
        ASSERT_TRUE(found);
        EXPECT_EQ(found->fields[number_of(Field::file_id)], row.is_found);
    }
}

TEST(BodyFields, OfResponsesNameWhatTheRequestGoesOnFrom) {
    const auto read = [](const std::string& member, Endpoint endpoint = Endpoint::responses) {
        return inspected(R"({"model":"m",)" + member + '}', endpoint);
    };
    EXPECT_EQ(read(R"("previous_response_id":"resp_1")")->previous_response_id, "resp_1");
    EXPECT_EQ(read(R"("previous_response_id":"resp\u005f1")")->previous_response_id, "resp_1");
    EXPECT_EQ(read(R"("previous_response_id":null)")->previous_response_id, "");
    EXPECT_EQ(read(R"("conversation":"conv_1")")->conversation_id, "conv_1");
    EXPECT_EQ(read(R"("conversation":{"x":[1],"id":"conv_1"})")->conversation_id, "conv_1");
    const Endpoint chat = Endpoint::chat_completions;
    EXPECT_EQ(read(R"("previous_response_id":"resp_1")", chat)->previous_response_id, "resp_1");
    EXPECT_EQ(read(R"("conversation":"conv_1")", chat)->conversation_id, "conv_1");
    EXPECT_EQ(read(R"("conversation":{"id":"conv_1"})", chat)->conversation_id, "conv_1");
    for (const char* other : {"1", "true", R"("")", R"("about cats")", R"(["conv_1"])", "{}"}) {
        SCOPED_TRACE(other);
        const std::string value(other);
        EXPECT_EQ(read(R"("conversation":)" + value, chat)->conversation_id, "");
        EXPECT_EQ(read(R"("previous_response_id":)" + value, chat)->previous_response_id, "");
    }
    for (const char* id : {"1", "true", R"("")", R"("resp 1")", R"("resp_1 ")", R"("resp_1\n")",
                           R"("resp_1\u0000")", R"("résp")", R"(["resp_1"])", R"({"id":"r"})"}) {
        SCOPED_TRACE(id);
        expect_refused(read(R"("previous_response_id":)" + std::string(id)),
                       ErrorKind::invalid_type, "previous_response_id");
    }
    expect_refused(read(R"("conversation":["c"])"), ErrorKind::invalid_type, "conversation");
    expect_refused(read(R"("conversation":{"id":1})"), ErrorKind::invalid_type, "conversation.id");
}

// --- the reference: a parser that folds its keys, and whose last member of a name wins ---

std::string reference_name(std::string_view key) {
    std::string out;
    key = key.substr(0, key.find('\0'));
    for (std::size_t i = 0; i < key.size(); ++i) {
        if (key.substr(i).starts_with("ſ")) {
            out += 's';
            ++i;
        } else if (key.substr(i).starts_with("\xE2\x84\xAA")) {
            out += 'k';
            i += 2;
        } else {
            out += static_cast<char>(std::tolower(static_cast<unsigned char>(key[i])));
        }
    }
    return out;
}

using Members = std::map<std::string, nlohmann::json>;

/// The members of the outermost object of `text`, as a Go server reads them.
Members folded_members(const std::string& text) {
    Members members;
    std::string key;
    const auto keep = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
        using Event = nlohmann::json::parse_event_t;
        if (depth == 1 && event == Event::key) key = parsed.get<std::string>();
        const bool is_value =
            event == Event::value || event == Event::object_end || event == Event::array_end;
        if (depth == 1 && is_value) members[reference_name(key)] = parsed;
        return true;
    };
    const auto parsed = nlohmann::json::parse(text, keep);
    EXPECT_TRUE(parsed.is_object());
    return members;
}

TEST(BodyFields, MeanTheSameToAParserThatFoldsAndTakesTheLast) {
    const std::vector<std::string> keys{"model",
                                        "Model",
                                        R"(mod\u0065l)",
                                        R"(model\u0000)",
                                        "stream",
                                        "ſtream",
                                        "STREAM",
                                        R"(\u017ftream)",
                                        "max_tokens",
                                        "Max_Tokens",
                                        R"(max_to\u212aens)",
                                        "n",
                                        "N",
                                        "messages",
                                        "Messages",
                                        "stream_options",
                                        "Stream_Options",
                                        "user",
                                        "User",
                                        R"(x\u0000)",
                                        "input",
                                        "temperature",
                                        "meta"};
    const std::vector<std::string> inner_keys{"include_usage", "Include_Usage",
                                              R"(include_u\u017fage)", "x"};
    std::size_t accepted = 0;
    for (std::uint64_t seed = 1; seed <= 30'000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        const auto pick = [&](std::size_t count) {
            return static_cast<std::size_t>(random() % count);
        };
        const auto value_of = [&](const std::string& key) -> std::string {
            const std::string name =
                reference_name(nlohmann::json::parse('"' + key + '"').get<std::string>());
            if (name == "model") return pick(2) == 0 ? R"("small")" : R"("big")";
            if (name == "stream") return pick(2) == 0 ? "true" : "false";
            if (name == "max_tokens" || name == "n") return std::to_string(1 + pick(100));
            if (name != "stream_options") return pick(2) == 0 ? "[1]" : R"({"Model":"a"})";
            std::string options = "{";
            for (std::size_t i = 0, count = pick(3); i < count; ++i) {
                options += (i > 0 ? ",\"" : "\"") + inner_keys[pick(inner_keys.size())] +
                           "\":" + (pick(2) == 0 ? "true" : "false");
            }
            return options + '}';
        };
        std::string text = "{\"model\":\"small\"";
        for (std::size_t i = 0, count = pick(4); i < count; ++i) {
            // Mostly right spellings, so that enough bodies pass.
            const std::string& key = keys[pick(keys.size())];
            text += ",\"" + key + "\":" + value_of(key);
        }
        text += '}';
        const auto found = inspected(text);
        if (!found) continue;
        ++accepted;
        Members members = folded_members(text);
        EXPECT_EQ(members["model"], found->model) << text;
        EXPECT_EQ(members["stream"] == true, found->is_streaming) << text;
        const auto number = [&](const char* name, std::int64_t otherwise) {
            return members[name].is_null() ? otherwise : members[name].get<std::int64_t>();
        };
        EXPECT_EQ(number("max_tokens", -1), found->output_cap) << text;
        EXPECT_EQ(number("n", 1), found->choices) << text;
        Members options = folded_members(
            members["stream_options"].is_null() ? "{}" : members["stream_options"].dump());
        EXPECT_EQ(options["include_usage"] == true, found->wants_usage) << text;
        if (!members["messages"].is_null()) {
            EXPECT_EQ(members["messages"],
                      nlohmann::json::parse(std::string_view(text).substr(
                          found->conversation.offset, found->conversation.size)));
        }
    }
    EXPECT_GT(accepted, 3000U);
}

}  // namespace
}  // namespace sluicegate::openai
