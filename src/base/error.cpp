#include "sluicegate/base/error.hpp"

#include "sluicegate/base/failure_table.hpp"

namespace sluicegate {

std::string_view name_of(ErrorKind kind) noexcept {
    return failure_row(kind).name;
}

Fault fault_of(ErrorKind kind) noexcept {
    return failure_row(kind).fault;
}

}  // namespace sluicegate
