#pragma once
/// A body as the upstream gets it: another model name and, where asked for, other stream options.
/// Pieces for one gathered write; every other byte stays as it is.

#include "sluicegate/openai/inspect_request.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace sluicegate::openai {

/// Members of stream_options to set to true, whatever they are now; the others are left alone.
/// JSON bodies only.
struct StreamOptionsEdit {
    bool include_usage = false;
    bool continuous_usage_stats = false;
};

/// Refers to the body, which must stay where it is. Movable.
class Rewritten {
public:
    static constexpr std::size_t pieces_max = 7;

    /// In order; some may be empty. The views hold as long as this object stays where it is.
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

/// A body that asks for the upstream's name already, and for no other options, is one piece.
/// `inspection` must be that of `body`. `upstream_model` comes from the configuration and holds no
/// line break.
[[nodiscard]] Rewritten rewrite(const Inspection& inspection, std::string_view body,
                                std::string_view upstream_model, StreamOptionsEdit edit = {});

}  // namespace sluicegate::openai
