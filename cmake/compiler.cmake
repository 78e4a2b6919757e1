# Flags that hold for every target of the project.

find_program(SLUICEGATE_CCACHE ccache)
if(SLUICEGATE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SLUICEGATE_CCACHE})
endif()

find_package(Threads REQUIRED)

add_library(sluicegate_flags INTERFACE)
target_compile_options(sluicegate_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Werror
  $<$<NOT:$<CONFIG:Release>>:-fno-omit-frame-pointer>)
# Frames of nested coroutines differ in size: a larger cache lets asio recycle all of them, so that
# a request allocates no frame once its connection is warm.
target_compile_definitions(sluicegate_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION
  BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=16)
target_link_libraries(sluicegate_flags INTERFACE Threads::Threads)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Boost.Asio's coroutine frames and std::string under -O3 make g++ 12 report overruns that are
  # not there (GCC bugs 105329, 105651); the sanitizer builds look for real ones.
  target_compile_options(sluicegate_flags INTERFACE -Wno-restrict -Wno-stringop-overflow)
  if(SLUICEGATE_SANITIZER)
    # Coroutine frames under -O1 and TSan's instrumentation bring two more of that kind; fences,
    # which Asio uses, are what TSan cannot see, and -Wtsan only says so.
    target_compile_options(sluicegate_flags INTERFACE
      -Wno-mismatched-new-delete -Wno-maybe-uninitialized -Wno-tsan)
  endif()
endif()
if(SLUICEGATE_UNITY)
  # Both warnings mean something in a source of its own only; the other builds have them.
  target_compile_options(sluicegate_flags INTERFACE -Wno-shadow
    $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ lets a large unit grow by 40 % only and then stops to inline: a joined unit would be
    # slower than its sources (62,300 instructions a request instead of 59,900).
    target_compile_options(sluicegate_flags INTERFACE
      --param=inline-unit-growth=400 --param=large-unit-insns=200000)
  endif()
endif()

# What makes an attack on a memory error harder, as far as it costs less than 1 % of a request
# (docs/decisions/0015). Builds with a sanitizer find the errors themselves.
add_library(sluicegate_hardening INTERFACE)
# The resolver of lazy bindings puts all registers on the stack, and parts of keys with them.
target_link_options(sluicegate_hardening INTERFACE -Wl,-z,now)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT SLUICEGATE_SANITIZER)
  target_compile_definitions(sluicegate_hardening INTERFACE _FORTIFY_SOURCE=3)
  # A std::string holds an array of 16 bytes: without the 17, nearly each function has a guard.
  # -fPIE and not CMake's property, which compiles libraries with -fPIC: that inlines less.
  target_compile_options(sluicegate_hardening INTERFACE
    -fPIE -fstack-protector --param=ssp-buffer-size=17 -fstack-clash-protection)
  target_link_options(sluicegate_hardening INTERFACE
    -pie -Wl,-z,relro -Wl,-z,noexecstack)
endif()

if(SLUICEGATE_SANITIZER)
  add_compile_options(-fsanitize=${SLUICEGATE_SANITIZER} -fno-sanitize-recover=all -g -O1)
  # The check of vptr opens a pipe to see whether memory can be read. It reports an error that is
  # not there in tests which leave the daemon no descriptor.
  add_compile_options(-fno-sanitize=vptr)
  add_link_options(-fsanitize=${SLUICEGATE_SANITIZER})
endif()
