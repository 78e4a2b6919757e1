#include "sluicegate/base/upstream_words.hpp"

namespace sluicegate {
namespace {

bool is_inside_character(char byte) noexcept {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

}  // namespace

UpstreamWords::UpstreamWords(std::string_view said, const Redaction& redaction)
    : text_(redaction.cleaned(said)) {
    if (text_.size() <= bytes_max) return;
    std::size_t size = bytes_max;
    while (size > 0 && is_inside_character(text_[size])) --size;
    text_.resize(size);
}

}  // namespace sluicegate
