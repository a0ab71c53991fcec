# Language and warning flags for everything of ours; sanitizers are chosen by preset.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(MIEN_SANITIZE "" CACHE STRING "Sanitizers, comma separated: address,undefined or thread")
set(MIEN_SANITIZE_EXCEPT "" CACHE STRING "Checks of those that are left out, comma separated")
option(MIEN_PRECOMPILE "Precompile the heaviest library headers, once per room that uses them" OFF)
option(MIEN_TESTS "Build the tests" ON)
option(MIEN_BENCH "Build bench/" OFF)
option(MIEN_FUZZ "Build tests/fuzz with libFuzzer (needs clang)" OFF)

find_program(CCACHE ccache)
if(CCACHE)
  # The sloppiness is what ccache asks for to cache files that use a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(mien_flags INTERFACE)
target_compile_options(mien_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Werror
  # Same bytes on every compiler: no fused multiply-add, no fast-math (docs/invariants.md, same_bytes).
  -ffp-contract=off
  # g++ 12 at -O2 sees ghosts in std::variant and std::string (GCC bugs 105562, 105651); clang and UBSan watch instead.
  $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess -Wno-maybe-uninitialized -Wno-restrict>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Wno-gnu-statement-expression>)
target_include_directories(mien_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
if(MIEN_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(mien_flags INTERFACE -Wno-stringop-overflow)  # the same ghosts
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/wire/gzip.cc PROPERTIES COMPILE_OPTIONS -Wno-array-bounds)
endif()
if(MIEN_SANITIZE)
  target_compile_options(mien_flags INTERFACE -fsanitize=${MIEN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(mien_flags INTERFACE -fsanitize=${MIEN_SANITIZE})
  if(MIEN_SANITIZE_EXCEPT)
    target_compile_options(mien_flags INTERFACE -fno-sanitize=${MIEN_SANITIZE_EXCEPT})
  endif()
endif()
