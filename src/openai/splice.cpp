#include "sluicegate/openai/splice.hpp"

#include "sluicegate/base/json_text.hpp"

#include <cassert>

namespace sluicegate::openai {

Spliced replace_model(const Inspection& inspection, std::string_view body,
                      std::string_view upstream_model) {
    const ByteRange range = inspection.model_value;
    assert(range.offset <= body.size() && range.size <= body.size() - range.offset);
    Spliced out{.before = body.substr(0, range.offset),
                .replacement = {},
                .after = body.substr(range.offset + range.size)};
    if (inspection.is_multipart) {
        assert(upstream_model.find_first_of("\r\n") == std::string_view::npos);
        out.replacement = upstream_model;
    } else {
        append_json_string(out.replacement, upstream_model);
    }
    return out;
}

}  // namespace sluicegate::openai
