#include "config/sections.hpp"

namespace sluicegate::config {

Admin parse_admin(Context& context, const Value& at) {
    const MapReader map(context, at, Section::admin);
    Admin admin;
    if (const auto listen = map.find("listen")) {
        admin.listen = parse_listen_address(context, *listen);
    }
    map.boolean("show_users", admin.show_users);
    map.boolean("user_metrics", admin.user_metrics);
    return admin;
}

}  // namespace sluicegate::config
