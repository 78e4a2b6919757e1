#include "config/sections.hpp"

namespace sluicegate::config {

Log parse_log(Context& context, const Value& at) {
    const MapReader map(context, at, Section::log);
    Log settings;
    if (const auto value = map.find("level")) {
        if (const auto text = read_text(context, *value)) {
            const auto level = log::level_from(text->text);
            if (level) {
                settings.level = *level;
            } else {
                add_problem(context, *value, "must be debug, info, warn or error" + got(*text));
            }
        }
    }
    map.boolean("access", settings.access);
    return settings;
}

}  // namespace sluicegate::config
