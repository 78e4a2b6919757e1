#pragma once
/// Who may ask the admin port for which page.
///
/// Order    the host (against DNS rebinding), the site (against pages of other sites in an
///          operator's browser), the key; without keys, what a port off loopback shows.
/// Open     `/livez` and `/readyz` answer every request, because probes have no key.
/// Threads  immutable; any number may read.
/// Source   docs/decisions/0014-admin-port.md; Fetch Metadata Request Headers, 2.3; RFC 6454, 7.

#include "sluicegate/auth/key_ring.hpp"
#include "sluicegate/config/server.hpp"
#include "sluicegate/http/request_head.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace sluicegate::admin {

struct Refusal {
    unsigned status = 403;
    std::string message;         ///< says what to do
    bool has_wrong_key = false;  ///< it may be a guess
};

/// Pages that every request gets, though with its reason only where refusal() allows more.
[[nodiscard]] bool is_open_page(std::string_view path) noexcept;

class Access {
public:
    explicit Access(const config::Admin& admin);

    /// Why a request may not have the page of `path`; nothing if it may.
    [[nodiscard]] std::optional<Refusal> refusal(const http::RequestHead& request,
                                                 std::string_view path) const;

private:
    [[nodiscard]] bool is_known_host(std::string_view host) const;
    [[nodiscard]] std::optional<Refusal> refusal_of_key(const http::FieldTable& fields) const;

    std::set<std::string, std::less<>> hosts_;  ///< in lower case, without a dot at the end
    auth::KeyRing keys_;
    bool is_on_loopback_;
};

}  // namespace sluicegate::admin
