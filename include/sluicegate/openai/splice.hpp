#pragma once
/// The body that the upstream gets: with another model name and, if wanted, other stream options.
/// It consists of pieces for one gathered write. Every other byte stays as it is.

#include "sluicegate/openai/inspect_request.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::openai {

/// Members of stream_options to set to true. The others stay. Only for JSON bodies.
struct StreamOptionsEdit {
    bool include_usage = false;
    bool continuous_usage_stats = false;
};

/// It refers to the body, which must stay in place. Movable.
class Rewritten {
public:
    static constexpr std::size_t pieces_max = 7;

    /// The pieces in order; some may be empty. The views are valid while this object stays in
    /// place.
    [[nodiscard]] std::array<std::string_view, pieces_max> pieces() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept;

private:
    friend Rewritten rewrite(const Inspection& inspection, std::string_view body,
                             std::string_view upstream_model, StreamOptionsEdit edit);

    static constexpr std::size_t edits_max = pieces_max / 2;

    struct Edit {
        ByteRange replaced;  // of body_
        ByteRange text;      // of text_
    };

    void add(ByteRange replaced, std::string_view text);

    std::string_view body_;
    std::string text_;
    std::array<Edit, edits_max> edits_;  // in the order of the body
    std::size_t edit_count_ = 0;
};

/// A body that needs no change is one piece. `inspection` must be that of `body`. `upstream_model`
/// comes from the configuration and has no line break.
[[nodiscard]] Rewritten rewrite(const Inspection& inspection, std::string_view body,
                                std::string_view upstream_model, StreamOptionsEdit edit = {});

}  // namespace sluicegate::openai
