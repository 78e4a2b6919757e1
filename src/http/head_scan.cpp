#include "http/head_scan.hpp"

#include "http/octets.hpp"

#include <algorithm>

namespace sluicegate::http {
namespace {

HeadScan refused(const char* detail) {
    return {.size = 0, .flaw = Flaw{.detail = detail}};
}

}  // namespace

HeadScan scan_head(std::string_view bytes, std::size_t start, std::size_t searched) {
    std::size_t at = std::max(start, searched);
    // A CR at the end of the searched bytes may still get its LF.
    if (at > start && bytes[at - 1] == '\r') --at;
    while (true) {
        at = find_control(bytes, at);
        if (at == bytes.size()) return {};
        if (bytes[at] == '\n') return refused("a line ends in LF without CR");
        if (bytes[at] != '\r') return refused("a control byte in the head");
        if (at + 1 == bytes.size()) return {};
        if (bytes[at + 1] != '\n') return refused("a CR without LF in the head");
        if (at > start && bytes[at - 1] == '\n') return {.size = at + 2, .flaw = {}};
        at += 2;
    }
}

}  // namespace sluicegate::http
