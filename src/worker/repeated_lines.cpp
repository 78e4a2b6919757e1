#include "sluicegate/worker/repeated_lines.hpp"

#include "sluicegate/base/json_text.hpp"
#include "sluicegate/base/log.hpp"
#include "sluicegate/config/address.hpp"

#include <algorithm>
#include <chrono>

namespace sluicegate::worker {
namespace {

void append_sum(std::string& out, const RepeatedLines::Ended& latest, bool has_address,
                std::int64_t repeated, WallTime wall) {
    const auto time =
        std::chrono::duration_cast<std::chrono::microseconds>(wall.time_since_epoch());
    log::append_beginning(out, time.count(), log::Level::info, "access");
    append_json_member(out, "request_id", latest.id.text());
    if (has_address) append_json_member(out, "client", config::IpAddress(latest.address).text());
    append_json_member(out, "endpoint", latest.endpoint);
    append_json_member(out, "status", std::int64_t{latest.status});
    append_json_member(out, "outcome", name_of(latest.reason));
    append_json_member(out, "repeated", repeated);
    out += "}\n";
}

}  // namespace

bool RepeatedLines::note(const Ended& request, Instant now) {
    Key key(request.address, request.reason);
    auto found = groups_.find(key);
    if (found == groups_.end() && groups_.size() >= groups_max) {
        key.first.reset();
        found = groups_.find(key);
    }
    if (found == groups_.end()) {
        found = groups_.emplace(key, Group{.since = now, .latest = request}).first;
        next_due_ = std::min(next_due_, now + span);
    }
    Group& group = found->second;
    if (key.first && group.lines < own_lines) {
        ++group.lines;
        return true;
    }
    ++group.repeated;
    group.latest = request;
    return false;
}

void RepeatedLines::append_due(std::string& out, Instant now, WallTime wall) {
    if (now < next_due_) return;
    next_due_ = Instant::max();
    for (auto at = groups_.begin(); at != groups_.end();) {
        Group& group = at->second;
        if (now >= group.since + span) {
            // A group that was silent for a span begins anew, with lines of its own.
            if (group.repeated == 0) {
                at = groups_.erase(at);
                continue;
            }
            append_sum(out, group.latest, at->first.first.has_value(), group.repeated, wall);
            group.repeated = 0;
            group.since = now;
        }
        next_due_ = std::min(next_due_, group.since + span);
        ++at;
    }
}

void RepeatedLines::append_all(std::string& out, WallTime wall) {
    for (const auto& [key, group] : groups_) {
        if (group.repeated == 0) continue;
        append_sum(out, group.latest, key.first.has_value(), group.repeated, wall);
    }
    groups_.clear();
    next_due_ = Instant::max();
}

}  // namespace sluicegate::worker
