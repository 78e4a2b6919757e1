#pragma once
/// A strict reader of the Prometheus text format 0.0.4. It follows the specification and shares no
/// code with our writer.

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluicegate::test {

struct ParsedSample {
    std::string name;
    std::vector<std::pair<std::string, std::string>> labels;  ///< in the order of the text
    std::string value;                                        ///< as written
};

struct ParsedFamily {
    std::string name;
    std::string help;
    std::string type;
    std::vector<ParsedSample> samples;
};

/// Throws std::runtime_error, with the line, for everything that the format forbids: an unknown
/// directive, a sample outside its family, a repeated family or series, a bad name or escape, a
/// value that is no number, a missing last newline, an incomplete histogram.
[[nodiscard]] std::vector<ParsedFamily> parse_exposition(std::string_view text);

/// The value of the only sample with this name and these labels; throws when there is none.
[[nodiscard]] std::string value_of(const std::vector<ParsedFamily>& families, std::string_view name,
                                   const std::map<std::string, std::string>& labels = {});

}  // namespace sluicegate::test
