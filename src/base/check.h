// CHECK: programmer errors end the program, in production too, with the place and the broken condition.
// Operating errors are Results (base/result.h); nothing that depends on outside input may reach a CHECK.
#pragma once

namespace mien {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace mien

#define CHECK(condition) ((condition) ? static_cast<void>(0) : ::mien::check_failed(#condition, __FILE__, __LINE__))
