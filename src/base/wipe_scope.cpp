#include "sluicegate/base/wipe_scope.hpp"

namespace sluicegate {

constinit thread_local int wipe_scopes = 0;

}  // namespace sluicegate
