#include "sluicegate/metrics/exposition.hpp"

#include "sluicegate/base/json_text.hpp"

#include "metrics/seconds_text.hpp"

#include <cstddef>

namespace sluicegate::metrics {
namespace {

/// Escapes backslash and newline, and in label values the quote, which has no escape in help text.
void append_escaped(std::string& out, std::string_view text, bool is_quoted) {
    for (const char c : text) {
        if (c == '\\') {
            out += "\\\\";
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '"' && is_quoted) {
            out += "\\\"";
        } else {
            out += c;
        }
    }
}

void append_value(std::string& out, Unit unit, std::int64_t value) {
    if (unit == Unit::nanoseconds) {
        append_seconds(out, value);
    } else {
        append_decimal(out, value);
    }
}

class Writer {
public:
    Writer(std::string& out, const Definition& definition) : out_(out), definition_(definition) {}

    void head() {
        out_ += "# HELP ";
        out_ += definition_.name;
        out_ += ' ';
        append_escaped(out_, definition_.help, false);
        out_ += "\n# TYPE ";
        out_ += definition_.name;
        out_ += ' ';
        out_ += name_of(definition_.type);
        out_ += '\n';
    }

    /// `bound`: the label le, empty when there is none.
    void line(std::string_view suffix, const Registry::Sample& sample, std::string_view bound,
              Unit unit, std::int64_t value) {
        out_ += definition_.name;
        out_ += suffix;
        char separator = '{';
        for (std::size_t i = 0; i < sample.labels.size(); ++i) {
            label(separator, definition_.labels[i].name, sample.labels[i]);
        }
        if (!bound.empty()) label(separator, "le", bound);
        if (separator == ',') out_ += '}';
        out_ += ' ';
        append_value(out_, unit, value);
        out_ += '\n';
    }

    void histogram(const Registry::Sample& sample) {
        const auto bounds = bucket_bounds();
        std::int64_t count = 0;
        std::string bound;
        for (std::size_t i = 0; i < bounds.size(); ++i) {
            count += sample.values[i];
            bound.clear();
            append_seconds(bound, bounds[i]);
            line("_bucket", sample, bound, Unit::one, count);
        }
        count += sample.values[bounds.size()];
        line("_bucket", sample, "+Inf", Unit::one, count);
        line("_sum", sample, {}, definition_.unit, sample.values[bounds.size() + 1]);
        line("_count", sample, {}, Unit::one, count);
    }

private:
    void label(char& separator, std::string_view name, std::string_view value) {
        out_ += separator;
        separator = ',';
        out_ += name;
        out_ += "=\"";
        append_escaped(out_, value, true);
        out_ += '"';
    }

    std::string& out_;
    const Definition& definition_;
};

}  // namespace

std::string expose(const Registry& registry) {
    std::string out;
    for (const Definition& definition : catalogue()) {
        Writer writer(out, definition);
        writer.head();
        for (const Registry::Sample& sample : registry.collect(definition.metric)) {
            if (definition.type == Type::histogram) {
                writer.histogram(sample);
            } else {
                writer.line({}, sample, {}, definition.unit, sample.values.front());
            }
        }
    }
    return out;
}

}  // namespace sluicegate::metrics
