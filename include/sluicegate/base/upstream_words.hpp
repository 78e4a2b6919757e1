#pragma once
/// What an upstream said, made fit for a client: bounded, and without the secrets that it was sent.
///
/// An upstream may repeat the head of a request in its answer, and with it our API key. So its
/// words reach a client only as a value of this type, which cannot be made without the secrets.

#include "sluicegate/base/redaction.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sluicegate {

class UpstreamWords {
public:
    static constexpr std::size_t bytes_max = 4096;

    UpstreamWords() = default;
    /// `said` without the secrets. Cut to bytes_max, before a UTF-8 character, never inside one.
    UpstreamWords(std::string_view said, const Redaction& redaction);

    [[nodiscard]] const std::string& text() const& noexcept { return text_; }
    [[nodiscard]] std::string text() && noexcept { return std::move(text_); }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

private:
    std::string text_;
};

}  // namespace sluicegate
