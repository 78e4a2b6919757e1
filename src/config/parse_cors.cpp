#include "config/sections.hpp"

#include <chrono>
#include <utility>

namespace sluicegate::config {
namespace {

constexpr std::size_t origins_max = 1000;
constexpr Range<Milliseconds> max_age_range{std::chrono::seconds(0), std::chrono::hours(24)};

void parse_origins(Context& context, const Value& at, std::vector<OriginPattern>& into) {
    for_each_element(context, at, origins_max, "one origin", [&](const Value& element) {
        // Without quotes YAML reads the origin of sandboxed pages as an absent value.
        if (element.node->kind == Node::Kind::null) {
            add_problem(context, element, "is empty; the origin null needs quotes: \"null\"");
            return;
        }
        const auto text = read_text(context, element);
        if (!text) return;
        auto origin = OriginPattern::parse(text->text);
        if (origin) {
            into.push_back(std::move(*origin));
        } else if (text->is_from_environment) {
            add_problem(context, element, "must be an origin" + got(*text));
        } else {
            add_problem(context, element, OriginPattern::hint(text->text) + got(*text));
        }
    });
}

}  // namespace

Cors parse_cors(Context& context, const Value& at) {
    const MapReader map(context, at, Section::server_cors);
    Cors cors;
    if (const auto origins = map.require("origins")) {
        parse_origins(context, *origins, cors.origins);
    }
    map.duration("max_age", max_age_range, cors.max_age);
    return cors;
}

}  // namespace sluicegate::config
