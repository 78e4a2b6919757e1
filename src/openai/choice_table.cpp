#include "openai/choice_table.hpp"

#include "sluicegate/openai/plausible_usage.hpp"

#include <algorithm>

namespace sluicegate::openai {

ChoiceTable::Choice* ChoiceTable::at(std::int64_t index) {
    if (index < 0 || index >= choices_max) return nullptr;
    const auto place = static_cast<std::size_t>(index);
    if (place >= choices_.size()) choices_.resize(place + 1);
    return &choices_[place];
}

void ChoiceTable::finish(std::int64_t index) {
    Choice* const choice = at(index);
    if (choice == nullptr || choice->is_finished) return;
    choice->is_finished = true;
    ++finished_;
}

Usage ChoiceTable::report(std::int64_t index, const Usage& usage) {
    Choice* const choice = at(index);
    if (choice == nullptr) return usage;
    choice->output = std::max(choice->output, usage.output);
    choice->reasoning = std::max(choice->reasoning, usage.reasoning);
    sum_ = larger_parts(sum_, usage);
    sum_.output = 0;
    sum_.reasoning = 0;
    for (const Choice& other : choices_) {
        sum_.output = std::min(sum_.output + other.output, usage_max);
        sum_.reasoning = std::min(sum_.reasoning + other.reasoning, usage_max);
    }
    // The totals are those of single choices.
    sum_.total = std::min(sum_.input + sum_.output, usage_max);
    return sum_;
}

}  // namespace sluicegate::openai
