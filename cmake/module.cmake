# sluicegate_precompiled(TARGET HEADERS <a> ... [LINKS lib ...])
#
# Headers that other targets share precompiled: target_precompile_headers(other REUSE_FROM TARGET).
# Only headers of the system belong here: they change with a package, never with a commit. A header
# that a source forgets is found by the build that precompiles nothing, the preset release-clang.
function(sluicegate_precompiled target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "HEADERS;LINKS")
  set(empty ${CMAKE_CURRENT_BINARY_DIR}/${target}.cpp)
  file(CONFIGURE OUTPUT ${empty} CONTENT "")
  add_library(${target} OBJECT ${empty})
  target_link_libraries(${target} PRIVATE sluicegate_flags ${arg_LINKS})
  target_precompile_headers(${target} PRIVATE ${arg_HEADERS})
endfunction()

# sluicegate_join_sources(TARGET): with SLUICEGATE_UNITY its sources are compiled a dozen at a time,
# so that a header is read once for all of them. Names in anonymous namespaces then share one
# unit: they are unique in their folder.
function(sluicegate_join_sources target)
  if(SLUICEGATE_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
  endif()
endfunction()

# sluicegate_module(NAME [SOURCES a.cpp ...] [USES base ...] [LINKS PUBLIC|PRIVATE Lib::lib ...])
#
# One static library `sluicegate_NAME` per folder: sources in src/NAME, public headers in
# include/sluicegate/NAME. USES names the folders whose headers it may include; a call to any
# other folder fails to link in that folder's own test binary.
function(sluicegate_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES;LINKS")
  set(target sluicegate_${name})
  set(scope PUBLIC)
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    list(TRANSFORM arg_SOURCES PREPEND ${name}/)
    set_target_properties(${target} PROPERTIES SOURCES "${arg_SOURCES}")
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${target} PRIVATE sluicegate_flags sluicegate_hardening)
    sluicegate_join_sources(${target})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${PROJECT_SOURCE_DIR}/include)

  # The headers are globbed only to have each compiled alone; sources are always listed.
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/sluicegate/${name}/*.hpp)
  if(headers)
    target_sources(${target} ${scope} FILE_SET HEADERS
                   BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${headers})
  endif()
  foreach(used IN LISTS arg_USES)
    target_link_libraries(${target} ${scope} sluicegate_${used})
  endforeach()
  if(arg_LINKS)
    target_link_libraries(${target} ${arg_LINKS})
  endif()
  set_property(GLOBAL APPEND PROPERTY SLUICEGATE_GRAPH "${name}: ${arg_USES}")
endfunction()
