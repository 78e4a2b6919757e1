#include "config/units.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <system_error>

namespace sluicegate::config {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t factor;
};

/// From the largest down, so the first exact unit gives the shortest text.
constexpr std::array<Unit, 4> time_units{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<Unit, 4> size_units{
    {{"GiB", std::int64_t{1} << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}};

constexpr std::array<Unit, 1> percent_units{{{"%", 1}}};

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

template <std::size_t count>
std::optional<std::int64_t> parse_with_unit(std::string_view text,
                                            const std::array<Unit, count>& units) {
    const std::size_t unit_at = text.find_first_not_of("0123456789", text.starts_with('-') ? 1 : 0);
    if (unit_at == std::string_view::npos) return std::nullopt;
    const auto number = parse_integer(text.substr(0, unit_at));
    if (!number) return std::nullopt;
    for (const Unit& unit : units) {
        if (text.substr(unit_at) != unit.name) continue;
        std::int64_t product = 0;
        if (__builtin_mul_overflow(*number, unit.factor, &product)) {
            return *number < 0 ? std::numeric_limits<std::int64_t>::min()
                               : std::numeric_limits<std::int64_t>::max();
        }
        return product;
    }
    return std::nullopt;
}

template <std::size_t count>
std::string text_with_unit(std::int64_t value, const std::array<Unit, count>& units) {
    for (const Unit& unit : units) {
        if (value != 0 && value % unit.factor == 0) {
            return std::to_string(value / unit.factor) + std::string(unit.name);
        }
    }
    return "0" + std::string(units.back().name);
}

/// Reads fixed-width decimal fields and separators from left to right.
class Fields {
public:
    explicit Fields(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool is_good() const { return is_good_; }
    [[nodiscard]] bool is_done() const { return is_good_ && rest_.empty(); }
    [[nodiscard]] bool next_is(char c) const { return rest_.starts_with(c); }

    int number(std::size_t width) {
        int value = 0;
        for (std::size_t i = 0; i < width; ++i) {
            if (i >= rest_.size() || !is_digit(rest_[i])) {
                is_good_ = false;
                return 0;
            }
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(width);
        return value;
    }

    char one_of(std::string_view characters) {
        if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) {
            is_good_ = false;
            return '\0';
        }
        const char found = rest_.front();
        rest_.remove_prefix(1);
        return found;
    }

    void skip_digits() {
        if (!(!rest_.empty() && is_digit(rest_.front()))) is_good_ = false;
        while (!rest_.empty() && is_digit(rest_.front())) rest_.remove_prefix(1);
    }

private:
    std::string_view rest_;
    bool is_good_ = true;
};

/// The offset from UTC at the end of an RFC 3339 time.
std::optional<std::chrono::minutes> parse_offset(Fields& fields) {
    const char sign = fields.one_of("Zz+-");
    if (!fields.is_good()) return std::nullopt;
    if (sign == 'Z' || sign == 'z') return std::chrono::minutes(0);
    const int hours = fields.number(2);
    fields.one_of(":");
    const int minutes = fields.number(2);
    if (!fields.is_good() || hours > 23 || minutes > 59) return std::nullopt;
    const std::chrono::minutes offset(hours * 60 + minutes);
    return sign == '-' ? -offset : offset;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end != text.data() + text.size()) return std::nullopt;
    if (error == std::errc::result_out_of_range) {
        return text.starts_with('-') ? std::numeric_limits<std::int64_t>::min()
                                     : std::numeric_limits<std::int64_t>::max();
    }
    if (error != std::errc{}) return std::nullopt;
    return value;
}

std::optional<Milliseconds> parse_duration(std::string_view text) {
    const auto value = parse_with_unit(text, time_units);
    if (!value) return std::nullopt;
    return Milliseconds(*value);
}

std::optional<std::int64_t> parse_size(std::string_view text) {
    return parse_with_unit(text, size_units);
}

std::optional<std::int64_t> parse_percent(std::string_view text) {
    return parse_with_unit(text, percent_units);
}

std::optional<WallTime> parse_time(std::string_view text) {
    using namespace std::chrono;
    Fields fields(text);
    const int year_number = fields.number(4);
    fields.one_of("-");
    const int month_number = fields.number(2);
    fields.one_of("-");
    const int day_number = fields.number(2);
    const year_month_day date{year(year_number), month(static_cast<unsigned>(month_number)),
                              day(static_cast<unsigned>(day_number))};
    if (!fields.is_good() || !date.ok() || year_number < 1970 || year_number > 2199) {
        return std::nullopt;
    }
    if (fields.is_done()) return WallTime(sys_days(date));

    fields.one_of("Tt ");
    const int hour_number = fields.number(2);
    fields.one_of(":");
    const int minute_number = fields.number(2);
    fields.one_of(":");
    const int second_number = fields.number(2);
    if (fields.next_is('.')) {
        fields.one_of(".");
        fields.skip_digits();
    }
    const auto offset = parse_offset(fields);
    if (!offset || !fields.is_done() || hour_number > 23 || minute_number > 59 ||
        second_number > 59) {
        return std::nullopt;
    }
    return WallTime(sys_days(date)) + hours(hour_number) + minutes(minute_number) +
           seconds(second_number) - *offset;
}

std::string duration_text(Milliseconds value) {
    return text_with_unit(value.count(), time_units);
}

std::string size_text(std::int64_t bytes) {
    return text_with_unit(bytes, size_units);
}

std::string percent_text(std::int64_t value) {
    return text_with_unit(value, percent_units);
}

std::string time_text(WallTime value) {
    using namespace std::chrono;
    const auto day_point = floor<days>(value);
    const year_month_day date(day_point);
    const hh_mm_ss time(floor<seconds>(value - day_point));
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                  static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    return text.data();
}

std::string expiry_text(WallTime end) {
    constexpr std::chrono::hours soon = std::chrono::days(14);
    const auto left = end - std::chrono::system_clock::now();
    if (left <= left.zero()) return "has expired";
    if (left > soon) return "";
    const auto days = std::chrono::ceil<std::chrono::days>(left).count();
    return "expires in " + std::to_string(days) + (days == 1 ? " day" : " days");
}

}  // namespace sluicegate::config
