# How a test program of GoogleTest cases is made. Each case is one ctest test, named PREFIX.Suite.Case and labelled with
# its tier, so that `./dev test --tier T` is `ctest -L T`.
find_package(GTest REQUIRED)
include(GoogleTest)

# Shared helpers of the tests (tests/support/*.h) and, once for all of them, the precompiled GoogleTest.
file(GLOB support CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/support/*.cc)
add_library(mien_testing STATIC ${support})
target_link_libraries(mien_testing PUBLIC mien_flags GTest::gmock)
target_precompile_headers(mien_testing PRIVATE
  <gmock/gmock.h> <gtest/gtest.h> <map> <memory> <optional> <string> <string_view> <variant> <vector>)

# mien_add_gtest(name tier prefix SOURCES file... LINKS target...)
# Property tests draw from a fixed seed here, so that the same commit runs the same cases; run the program by hand for others.
function(mien_add_gtest name tier prefix)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "" "SOURCES;LINKS")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINKS} mien_testing GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name} REUSE_FROM mien_testing)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(${name} TEST_PREFIX "${prefix}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS ${tier} COST 50 TIMEOUT 120 ENVIRONMENT RC_PARAMS=seed=20261122)
endfunction()
