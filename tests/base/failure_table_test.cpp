// The one table of failures, compared with the page that explains it.
#include "sluicegate/base/failure_table.hpp"

#include "support/paths.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace sluicegate {
namespace {

constexpr std::size_t kinds = static_cast<std::size_t>(ErrorKind::count_);

/// The lines of docs/request-path.md below a heading, up to the next one.
std::vector<std::string> section(const std::string& heading) {
    std::ifstream page(support::source_folder() / "docs/request-path.md");
    std::vector<std::string> lines;
    bool is_inside = false;
    for (std::string line; std::getline(page, line);) {
        if (line.starts_with("#")) is_inside = line == heading;
        if (is_inside) lines.push_back(line);
    }
    return lines;
}

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream text(line.substr(1));
    for (std::string cell; std::getline(text, cell, '|');) {
        const std::size_t first = cell.find_first_not_of(' ');
        if (first == std::string::npos) continue;
        cells.push_back(cell.substr(first, cell.find_last_not_of(' ') + 1 - first));
    }
    return cells;
}

/// The effect on the endpoint, in the words of the page.
std::string words_for(Outcome outcome) {
    switch (outcome) {
        case Outcome::connect_failed: return "connecting failed";
        case Outcome::cut:
        case Outcome::failed: return "failure";
        case Outcome::overloaded: return "failure; with `Retry-After` it is paused";
        case Outcome::rate_limited: return "none; the account may cool down";
        case Outcome::rejected: return "success";
        case Outcome::refused:
        case Outcome::success:
        case Outcome::abandoned: break;
    }
    return "not on the page";
}

std::string words_for(Begun begun) {
    switch (begun) {
        case Begun::no: return "no";
        case Begun::maybe: return "maybe";
        case Begun::likely: return "likely";
    }
    return "not on the page";
}

/// The cells of a row on the page, without the first.
std::vector<std::string> cells_for(const FailureRow& row) {
    return {std::to_string(row.reply.status) + " `" + std::string(row.reply.code) + "`",
            words_for(row.attempt.outcome),
            row.attempt.next == NextAttempt::free ? "free" : "charged",
            words_for(row.attempt.begun)};
}

TEST(FailureTable, SaysOfEveryAttemptWhatThePageSays) {
    std::set<std::vector<std::string>> on_the_page;
    for (const std::string& line : section("### When another follows")) {
        if (!line.starts_with("| ")) continue;
        std::vector<std::string> cells = cells_of(line);
        ASSERT_EQ(cells.size(), 5U) << line;
        cells.erase(cells.begin());
        if (cells[0].find(" `") == 3) on_the_page.insert(cells);
    }
    std::set<std::vector<std::string>> in_the_table;
    for (std::size_t i = 0; i < kinds; ++i) {
        const FailureRow& row = failure_row(static_cast<ErrorKind>(i));
        if (row.attempt.next != NextAttempt::none) in_the_table.insert(cells_for(row));
    }
    EXPECT_FALSE(in_the_table.empty());
    EXPECT_EQ(on_the_page, in_the_table);
}

/// The codes of `line` between backticks, as the kinds of attempts have them.
std::vector<Usefulness> usefulness_of_codes(const std::string& line) {
    std::vector<Usefulness> found;
    std::istringstream text(line);
    std::string between;
    for (bool is_code = false; std::getline(text, between, '`'); is_code = !is_code) {
        for (std::size_t i = 0; is_code && i < kinds; ++i) {
            const FailureRow& row = failure_row(static_cast<ErrorKind>(i));
            if (row.fault != Fault::upstream || row.reply.code != between) continue;
            found.push_back(row.attempt.usefulness);
            break;
        }
    }
    return found;
}

TEST(FailureTable, PutsTheMoreUsefulErrorFirstAsThePageDoes) {
    std::optional<Usefulness> last;
    std::size_t items = 0;
    for (const std::string& line : section("### When nothing is left")) {
        const bool is_item = !line.empty() && line[0] >= '1' && line[0] <= '9';
        if (is_item) ++items;
        if (!is_item && !line.starts_with("   ")) continue;
        for (const Usefulness useful : usefulness_of_codes(line)) {
            SCOPED_TRACE(line);
            EXPECT_TRUE(!last || useful <= *last);
            last = useful;
        }
    }
    EXPECT_EQ(items, 5U);
    EXPECT_EQ(last, Usefulness::operators_matter);
}

TEST(FailureTable, GivesEachKindANameOfItsOwn) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < kinds; ++i) {
        const auto kind = static_cast<ErrorKind>(i);
        EXPECT_EQ(failure_row(kind).kind, kind);
        EXPECT_TRUE(names.insert(name_of(kind)).second) << name_of(kind);
        EXPECT_EQ(fault_of(kind), failure_row(kind).fault);
    }
}

}  // namespace
}  // namespace sluicegate
