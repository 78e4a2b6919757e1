# Everything comes from Debian 12 packages (./dev lists them); nothing is downloaded here.

find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(simdjson REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(zstd REQUIRED)
# These have no package for CMake.
find_package(PkgConfig REQUIRED)
pkg_check_modules(Yaml REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(Brotli REQUIRED IMPORTED_TARGET libbrotlidec)
