#include "metrics/exposition_parser.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

namespace sluicegate::test {
namespace {

bool is_name(std::string_view text, bool allows_colon) {
    const auto is_start = [&](char c) {
        return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' ||
               (allows_colon && c == ':');
    };
    return !text.empty() && is_start(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return is_start(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
           });
}

double number(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw std::runtime_error("not a number: " + std::string(text));
    }
    return value;
}

class LineReader {
public:
    explicit LineReader(std::string_view line) : rest_(line) {}

    bool skip(std::string_view text) {
        if (rest_.substr(0, text.size()) != text) return false;
        rest_.remove_prefix(text.size());
        return true;
    }
    void expect(std::string_view text) {
        if (!skip(text)) throw std::runtime_error("expected '" + std::string(text) + "'");
    }
    std::string name(bool allows_colon) {
        const std::size_t end = std::min(rest_.find_first_of("{}=,\" "), rest_.size());
        std::string text(rest_.substr(0, end));
        if (!is_name(text, allows_colon)) throw std::runtime_error("bad name '" + text + "'");
        rest_.remove_prefix(end);
        return text;
    }
    std::string quoted() {
        expect("\"");
        std::string text;
        while (!skip("\"")) {
            if (rest_.empty()) throw std::runtime_error("unclosed label value");
            if (skip("\\")) {
                text += skip("\\") ? '\\' : skip("\"") ? '"' : skip("n") ? '\n' : bad_escape();
            } else {
                text += rest_.front();
                rest_.remove_prefix(1);
            }
        }
        return text;
    }
    std::string rest() { return std::string(std::exchange(rest_, {})); }

private:
    [[noreturn]] static char bad_escape() { throw std::runtime_error("unknown escape"); }
    std::string_view rest_;
};

ParsedSample parse_sample(std::string_view line) {
    LineReader reader(line);
    ParsedSample sample;
    sample.name = reader.name(true);
    if (reader.skip("{")) {
        do {
            std::string label = reader.name(false);
            reader.expect("=");
            sample.labels.emplace_back(std::move(label), reader.quoted());
        } while (reader.skip(","));
        reader.expect("}");
    }
    reader.expect(" ");
    sample.value = reader.rest();
    static_cast<void>(number(sample.value));
    return sample;
}

/// Buckets ascend and never shrink, the last is +Inf and equals _count, and _sum is there.
void check_histogram(const ParsedFamily& family) {
    struct Seen {
        double bound = -1;
        double count = 0;
        bool is_complete = false, has_sum = false, has_count = false;
    };
    std::map<std::vector<std::pair<std::string, std::string>>, Seen> series;
    for (const ParsedSample& sample : family.samples) {
        auto labels = sample.labels;
        const double value = number(sample.value);
        if (sample.name == family.name + "_bucket") {
            if (labels.empty() || labels.back().first != "le") throw std::runtime_error("no le");
            const std::string bound = labels.back().second;
            labels.pop_back();
            Seen& seen = series[labels];
            if (seen.is_complete || value < seen.count) throw std::runtime_error("bad buckets");
            seen.is_complete = bound == "+Inf";
            if (!seen.is_complete && number(bound) <= seen.bound) {
                throw std::runtime_error("bounds do not ascend");
            }
            if (!seen.is_complete) seen.bound = number(bound);
            seen.count = value;
        } else if (sample.name == family.name + "_sum") {
            series[labels].has_sum = true;
        } else {
            Seen& seen = series[labels];
            seen.has_count = seen.is_complete && seen.count == value;
        }
    }
    for (const auto& [labels, seen] : series) {
        if (!seen.has_sum || !seen.has_count) throw std::runtime_error("incomplete histogram");
    }
}

void check_family(const ParsedFamily& family) {
    std::set<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> seen;
    for (const ParsedSample& sample : family.samples) {
        const bool belongs = family.type == "histogram" ? sample.name == family.name + "_bucket" ||
                                                              sample.name == family.name + "_sum" ||
                                                              sample.name == family.name + "_count"
                                                        : sample.name == family.name;
        if (!belongs) throw std::runtime_error(sample.name + " stands in " + family.name);
        auto labels = sample.labels;
        std::sort(labels.begin(), labels.end());
        if (!seen.emplace(sample.name, labels).second) {
            throw std::runtime_error("repeated series of " + sample.name);
        }
    }
    if (family.type == "histogram") check_histogram(family);
}

void parse_line(std::string_view line, std::vector<ParsedFamily>& families) {
    LineReader reader(line);
    if (reader.skip("# HELP ")) {
        ParsedFamily family;
        family.name = reader.name(true);
        reader.expect(" ");
        family.help = reader.rest();
        for (const ParsedFamily& other : families) {
            if (other.name == family.name) throw std::runtime_error("repeated family");
        }
        families.push_back(std::move(family));
        return;
    }
    if (families.empty()) throw std::runtime_error("a line before the first family");
    ParsedFamily& family = families.back();
    if (reader.skip("# TYPE ")) {
        if (reader.name(true) != family.name || !family.type.empty()) {
            throw std::runtime_error("TYPE does not follow its HELP");
        }
        reader.expect(" ");
        family.type = reader.rest();
        static const std::set<std::string> types{"counter", "gauge", "histogram"};
        if (!types.contains(family.type)) throw std::runtime_error("unknown type");
        return;
    }
    if (family.type.empty()) throw std::runtime_error("a sample before its TYPE");
    family.samples.push_back(parse_sample(line));
}

}  // namespace

std::vector<ParsedFamily> parse_exposition(std::string_view text) {
    std::vector<ParsedFamily> families;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string line(text.substr(0, end));
        try {
            if (end == std::string_view::npos) throw std::runtime_error("no newline at the end");
            parse_line(line, families);
        } catch (const std::runtime_error& error) {
            throw std::runtime_error(std::string(error.what()) + " in: " + line);
        }
        text.remove_prefix(end + 1);
    }
    for (const ParsedFamily& family : families) check_family(family);
    return families;
}

std::string value_of(const std::vector<ParsedFamily>& families, std::string_view name,
                     const std::map<std::string, std::string>& labels) {
    for (const ParsedFamily& family : families) {
        for (const ParsedSample& sample : family.samples) {
            const std::map<std::string, std::string> found(sample.labels.begin(),
                                                           sample.labels.end());
            if (sample.name == name && found == labels) return sample.value;
        }
    }
    throw std::runtime_error("no such sample: " + std::string(name));
}

}  // namespace sluicegate::test
