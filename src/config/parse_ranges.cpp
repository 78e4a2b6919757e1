#include "config/sections.hpp"

namespace sluicegate::config {
namespace {

constexpr std::size_t ranges_max = 1000;

}  // namespace

void parse_ranges(Context& context, const Value& at, std::string_view what,
                  std::vector<AddressRange>& into) {
    for_each_element(context, at, ranges_max, what, [&](const Value& element) {
        const auto text = read_text(context, element);
        if (!text) return;
        const auto range = AddressRange::parse(text->text);
        if (range) {
            into.push_back(*range);
        } else if (text->is_from_environment) {
            add_problem(context, element, "must be an address or a range" + got(*text));
        } else {
            add_problem(context, element, AddressRange::hint(text->text) + got(*text));
        }
    });
}

}  // namespace sluicegate::config
