#include "sluicegate/base/secret.hpp"

#include <cstring>

namespace sluicegate {

void Secret::wipe() noexcept {
    // explicit_bzero is not optimised away, unlike memset before a free.
    ::explicit_bzero(text_.data(), text_.capacity());
    text_.clear();
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
