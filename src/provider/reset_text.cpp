#include "sluicegate/provider/reset_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace sluicegate::provider {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// Longer than any spelling of a time.
constexpr std::size_t text_bytes_max = 64;
constexpr std::int64_t epoch_seconds_min = 1'000'000'000;
constexpr std::int64_t epoch_milliseconds_min = 100'000'000'000;

/// Reads a text from its front. What does not fit fails, and what follows a failure fails too.
class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
    [[nodiscard]] bool at_digit() const noexcept {
        return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
    }
    bool take(std::string_view wanted) noexcept {
        if (!rest_.starts_with(wanted)) return false;
        rest_.remove_prefix(wanted.size());
        return true;
    }
    bool take_any(std::string_view characters) noexcept {
        if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return false;
        rest_.remove_prefix(1);
        return true;
    }
    /// Exactly `count` digits, at most nine.
    bool take_digits(std::size_t count, unsigned& value) noexcept {
        value = 0;
        for (; count > 0 && at_digit(); --count) value = value * 10 + take_digit();
        return count == 0;
    }
    /// One digit or more; a number that is too large becomes the largest.
    bool take_number(std::int64_t& value) noexcept {
        constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
        if (!at_digit()) return false;
        for (value = 0; at_digit();) {
            const std::int64_t digit = take_digit();
            value = value > (most - digit) / 10 ? most : value * 10 + digit;
        }
        return true;
    }
    /// Takes a fraction such as ".25", if there is one. Digits beyond the millionths are dropped.
    bool take_fraction(std::int64_t& millionths) noexcept {
        millionths = 0;
        if (!take(".")) return true;
        if (!at_digit()) return false;
        for (std::int64_t worth = 100'000; at_digit(); worth /= 10) {
            millionths += worth * take_digit();
        }
        return true;
    }
    /// Takes the name that comes next; `index` is its index in `names`.
    template <std::size_t size>
    bool take_name(const std::array<std::string_view, size>& names, unsigned& index) noexcept {
        for (index = 0; index < size; ++index) {
            if (take(names[index])) return true;
        }
        return false;
    }

private:
    unsigned take_digit() noexcept {
        const auto digit = static_cast<unsigned>(rest_.front() - '0');
        rest_.remove_prefix(1);
        return digit;
    }

    std::string_view rest_;
};

Milliseconds bounded(nanoseconds span) noexcept {
    if (span <= nanoseconds(0)) return Milliseconds(0);
    return std::chrono::ceil<Milliseconds>(std::min<nanoseconds>(span, reset_max));
}

/// So many units and millionths of one; at most reset_max.
nanoseconds scaled(std::int64_t number, std::int64_t millionths, nanoseconds unit) noexcept {
    if (number >= nanoseconds(reset_max) / unit) return reset_max;
    return unit * number + nanoseconds(unit.count() / 1'000 * millionths / 1'000);
}

/// Whole seconds reach further than the wall clock's nanoseconds, so that no year overflows.
Milliseconds until(std::chrono::sys_seconds point, std::int64_t millionths, WallTime now) noexcept {
    const seconds whole = point - std::chrono::floor<seconds>(now);
    if (whole > reset_max) return reset_max;
    if (whole < -reset_max) return Milliseconds(0);
    return bounded(whole + std::chrono::microseconds(millionths) -
                   (now - std::chrono::floor<seconds>(now)));
}

struct Calendar {
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;

    /// Nothing for a date that does not exist. A leap second counts as the second after it.
    [[nodiscard]] std::optional<std::chrono::sys_seconds> point() const noexcept {
        const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                               std::chrono::month(month), std::chrono::day(day)};
        if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
        return std::chrono::sys_days(date) + std::chrono::hours(hour) +
               std::chrono::minutes(minute) + seconds(second);
    }
};

bool take_clock(Scanner& text, Calendar& at) noexcept {
    return text.take_digits(2, at.hour) && text.take(":") && text.take_digits(2, at.minute) &&
           text.take(":") && text.take_digits(2, at.second);
}

/// Takes "Z" or "+01:00". `ahead` is how far the clocks of that zone are ahead of UTC.
bool take_zone(Scanner& text, std::chrono::minutes& ahead) noexcept {
    if (text.take_any("Zz")) return true;
    const bool is_behind = text.take("-");
    if (!is_behind && !text.take("+")) return false;
    unsigned hour = 0;
    unsigned minute = 0;
    if (!text.take_digits(2, hour) || !text.take(":") || !text.take_digits(2, minute)) return false;
    if (hour > 23 || minute > 59) return false;
    ahead = std::chrono::hours(hour) + std::chrono::minutes(minute);
    if (is_behind) ahead = -ahead;
    return true;
}

std::optional<Milliseconds> parse_rfc3339(Scanner text, WallTime now) noexcept {
    Calendar at;
    std::int64_t millionths = 0;
    std::chrono::minutes ahead{0};
    const bool is_read = text.take_digits(4, at.year) && text.take("-") &&
                         text.take_digits(2, at.month) && text.take("-") &&
                         text.take_digits(2, at.day) && text.take_any("Tt ") &&
                         take_clock(text, at) && text.take_fraction(millionths) &&
                         take_zone(text, ahead) && text.at_end();
    const auto point = at.point();
    if (!is_read || !point) return std::nullopt;
    return until(*point - ahead, millionths, now);
}

std::optional<Milliseconds> parse_http_date(Scanner text, WallTime now) noexcept {
    constexpr std::array<std::string_view, 7> days{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    Calendar at;
    unsigned weekday = 0;  // not needed: the date says it too
    const bool is_read = text.take_name(days, weekday) && text.take(", ") &&
                         text.take_digits(2, at.day) && text.take(" ") &&
                         text.take_name(months, at.month) && text.take(" ") &&
                         text.take_digits(4, at.year) && text.take(" ") && take_clock(text, at) &&
                         text.take(" GMT") && text.at_end();
    ++at.month;
    const auto point = at.point();
    if (!is_read || !point) return std::nullopt;
    return until(*point, 0, now);
}

/// Takes the unit that comes next. Both micro signs of Unicode are in use.
bool take_unit(Scanner& text, nanoseconds& unit) noexcept {
    struct Unit {
        std::string_view name;
        nanoseconds size;
    };
    constexpr std::array<Unit, 9> units{{{"ns", 1ns},
                                         {"us", 1us},
                                         {"\u00b5s", 1us},
                                         {"\u03bcs", 1us},
                                         {"ms", 1ms},
                                         {"s", 1s},
                                         {"m", 1min},
                                         {"h", 1h},
                                         {"d", 24h}}};
    for (const Unit& candidate : units) {
        if (!text.take(candidate.name)) continue;
        unit = candidate.size;
        return true;
    }
    return false;
}

std::optional<Milliseconds> parse_units(Scanner text) noexcept {
    nanoseconds sum{0};
    while (!text.at_end()) {
        std::int64_t number = 0;
        std::int64_t millionths = 0;
        nanoseconds unit{0};
        if (!text.take_number(number) || !text.take_fraction(millionths)) return std::nullopt;
        if (!take_unit(text, unit)) return std::nullopt;
        sum = std::min<nanoseconds>(sum + scaled(number, millionths, unit), reset_max);
    }
    return bounded(sum);
}

std::optional<Milliseconds> parse_number(Scanner text, WallTime now) noexcept {
    std::int64_t number = 0;
    std::int64_t millionths = 0;
    if (!text.take_number(number) || !text.take_fraction(millionths) || !text.at_end()) {
        return std::nullopt;
    }
    if (number < epoch_seconds_min) return bounded(scaled(number, millionths, 1s));
    if (number < epoch_milliseconds_min) {
        return until(std::chrono::sys_seconds(seconds(number)), millionths, now);
    }
    const std::int64_t part = number % 1'000 * 1'000;
    return until(std::chrono::sys_seconds(seconds(number / 1'000)), part, now);
}

}  // namespace

std::optional<Milliseconds> parse_reset(std::string_view text, WallTime now) {
    if (text.empty() || text.size() > text_bytes_max) return std::nullopt;
    const Scanner scanner(text);
    if (!scanner.at_digit()) return parse_http_date(scanner, now);
    if (const auto span = parse_number(scanner, now)) return span;
    if (const auto span = parse_units(scanner)) return span;
    return parse_rfc3339(scanner, now);
}

std::optional<Milliseconds> retry_delay_in(std::string_view body) {
    constexpr std::string_view delay_key = R"("retryDelay")";
    constexpr std::string_view sentence = "try again in ";
    std::string_view span;
    if (const std::size_t key = body.find(delay_key); key != std::string_view::npos) {
        span = body.substr(key + delay_key.size());
        const std::size_t quote = span.find_first_not_of(": \t\r\n");
        span = span.substr(std::min(quote, span.size()));
        if (!span.starts_with('"')) return std::nullopt;
        span.remove_prefix(1);
    } else if (const std::size_t told = body.find(sentence); told != std::string_view::npos) {
        span = body.substr(told + sentence.size());
    } else {
        return std::nullopt;
    }
    span = span.substr(0, span.find_first_not_of("0123456789.hms"));
    // The time may be the last word of a sentence.
    if (span.ends_with('.')) span.remove_suffix(1);
    const bool has_unit = !span.empty() && (span.back() < '0' || span.back() > '9');
    return has_unit && span.size() <= text_bytes_max ? parse_units(Scanner(span)) : std::nullopt;
}

}  // namespace sluicegate::provider
