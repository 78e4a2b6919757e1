#include "worker/disposal.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace sluicegate::worker {
namespace {

/// Frees up to `most` endpoints and models; true when the rest is small.
bool free_some(LocalSnapshot& snapshot, std::size_t most) noexcept {
    auto& upstreams = snapshot.endpoints;
    for (std::size_t done = 0; done < most; ++done) {
        if (!upstreams.empty()) {
            if (upstreams.back().empty()) {
                upstreams.pop_back();
            } else {
                upstreams.back().pop_back();
            }
        } else if (!snapshot.model_counters.empty()) {
            snapshot.model_counters.pop_back();
        } else {
            return true;
        }
    }
    return false;
}

}  // namespace

void Disposal::add(std::unique_ptr<LocalSnapshot> snapshot) noexcept {
    if (!is_open_ || free_some(*snapshot, step_size)) return;
    try {
        waiting_.push_back(std::move(snapshot));
    } catch (...) {
        return;  // no memory to wait with: it is freed here
    }
    if (waiting_.size() == 1) post_step();
}

void Disposal::close() noexcept {
    is_open_ = false;
    waiting_.clear();
}

bool Disposal::step() noexcept {
    if (!waiting_.empty() && free_some(*waiting_.back(), step_size)) waiting_.pop_back();
    return waiting_.empty();
}

void Disposal::post_step() noexcept {
    try {
        net::asio::post(io_, [self = shared_from_this()] {
            if (!self->step()) self->post_step();
        });
    } catch (...) {
        waiting_.clear();
    }
}

std::shared_ptr<LocalSnapshot> freed_in_parts(std::unique_ptr<LocalSnapshot> snapshot,
                                              std::shared_ptr<Disposal> disposal) {
    return {snapshot.release(), [disposal = std::move(disposal)](LocalSnapshot* last) {
                disposal->add(std::unique_ptr<LocalSnapshot>(last));
            }};
}

}  // namespace sluicegate::worker
