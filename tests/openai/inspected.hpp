#pragma once
/// The inspection of a body by the tests of this folder.

#include "sluicegate/openai/inspect_request.hpp"

#include <string_view>
#include <vector>

namespace sluicegate::test {

/// Inspects a body with exactly the required padding, so that ASan detects a read beyond it.
inline Result<openai::Inspection> inspected(
    std::string_view body, openai::Endpoint endpoint = openai::Endpoint::chat_completions,
    const openai::FieldNames& names = openai::FieldNames::own()) {
    std::vector<char> bytes(body.begin(), body.end());
    bytes.resize(body.size() + openai::body_padding, '"');
    return openai::inspect_json(endpoint, bytes.data(), body.size(), names);
}

}  // namespace sluicegate::test
