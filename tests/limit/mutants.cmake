# sluicegate_limit_mutant(NAME TEXT REPLACEMENT)
#
# Builds the limiter with one defect put into a copy of its run log, and runs the test of the laws,
# which must fail. Assertions are off: the laws have to find the defect, not the code itself.
function(sluicegate_limit_mutant name text replacement)
  set(original ${PROJECT_SOURCE_DIR}/src/limit/run_log.hpp)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${original})
  file(READ ${original} source)
  string(FIND "${source}" "${text}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "${original} has changed: say anew how the mutant ${name} is made of it")
  endif()
  string(REPLACE "${text}" "${replacement}" source "${source}")
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name})
  file(CONFIGURE OUTPUT ${folder}/limit/run_log.hpp CONTENT "${source}" @ONLY)

  get_target_property(sources sluicegate_limit SOURCES)
  list(TRANSFORM sources PREPEND ${PROJECT_SOURCE_DIR}/src/)
  set(target limit_mutant_${name})
  add_executable(${target} limiter_property_test.cpp random_traffic.cpp ${sources})
  target_include_directories(${target} BEFORE PRIVATE ${folder})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src
                                               ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${target} PRIVATE NDEBUG)
  target_link_libraries(${target} PRIVATE sluicegate_flags sluicegate_base Boost::headers
                                          GTest::gmock_main)
  add_test(NAME LimiterMutants.${name} COMMAND ${target})
  set_tests_properties(LimiterMutants.${name} PROPERTIES WILL_FAIL TRUE TIMEOUT 300)
endfunction()
