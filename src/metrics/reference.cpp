#include "sluicegate/metrics/reference.hpp"

#include "sluicegate/metrics/catalogue.hpp"

#include "metrics/seconds_text.hpp"

#include <string_view>

namespace sluicegate::metrics {
namespace {

constexpr std::string_view introduction =
    "# Metrics\n"
    "\n"
    "Generated from the catalogue in `src/metrics/catalogue.cpp`; a test compares this page with "
    "it and says how to write it again.\n"
    "\n"
    "`GET /metrics` on the admin port answers in the Prometheus text format 0.0.4. Label values "
    "come from the configuration\n"
    "or from the lists below, never from a client: requests whose model is missing or not "
    "configured are counted under\n"
    "the model `unknown`. Names of users are labels only of `sluicegate_user_*`, which "
    "`admin.user_metrics` turns on, and addresses of\n"
    "upstream endpoints only of the label `endpoint`. No label is a key or the address of a "
    "client.\n"
    "\n"
    "Durations are in seconds; the histograms have buckets up to ";

}  // namespace

std::string reference_page() {
    std::string page(introduction);
    std::string_view separator;
    for (const std::int64_t bound : bucket_bounds()) {
        page += separator;
        append_seconds(page, bound);
        separator = ", ";
    }
    page += " and without bound.\n";
    for (const Definition& definition : catalogue()) {
        page += "\n## `";
        page += definition.name;
        page += "`\n\n";
        page += name_of(definition.type);
        page += ". ";
        page += definition.help;
        page += '\n';
        if (!definition.labels.empty()) page += "\n| label | values |\n|---|---|\n";
        for (const Label& label : definition.labels) {
            page += "| `";
            page += label.name;
            page += "` | ";
            page += label.values;
            page += " |\n";
        }
    }
    return page;
}

}  // namespace sluicegate::metrics
