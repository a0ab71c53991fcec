// A header with its paragraph. It says time( and rand( and std::mutex only in comments.
#pragma once

#include <string>

#include "base/fine.h"
#include "model/detail/own.h"

inline const char* text = "getenv(\"X\") throw fine";
inline int parse_time(int x) { return x; }
struct Log {
  int read();
  int time();
};
inline int ask(Log& log) { return log.read() + log.time() + parse_time(1'000'000); }
