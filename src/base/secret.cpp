#include "sluicegate/base/secret.hpp"

#include <cstring>

namespace sluicegate {

void grow_wiping(std::string& text, std::size_t size) {
    std::string moved;
    moved.reserve(size);
    moved = text;
    wipe(text);
    text = std::move(moved);
}

void Secret::wipe() noexcept {
    sluicegate::wipe(text_);
}

Secret& Secret::operator=(const Secret& other) {
    if (this != &other) {
        wipe();
        text_ = other.text_;
    }
    return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        wipe();
        text_ = std::move(other.text_);
        other.wipe();
    }
    return *this;
}

}  // namespace sluicegate
