#include "config/sections.hpp"

namespace sluicegate::config {

Defaults parse_defaults(Context& context, const Value& at, const Models& models) {
    const MapReader map(context, at, Section::defaults);
    Defaults defaults;
    if (const auto moderations = map.find("moderations")) {
        if (const auto name = read_text(context, *moderations)) {
            check_model_name(context, *moderations->node, moderations->path, *name, models);
            defaults.moderations = name->text;
        }
    }
    return defaults;
}

}  // namespace sluicegate::config
