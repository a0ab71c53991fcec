// Loading what stands beside the program: a shared object over one large library, with one plain C function as its door
// (modules/README.md). Once loaded it stays to the end of the process. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mien::edge {

struct ModuleFile {
  std::string_view file;      // "mien-plot.so"
  std::string_view door;      // the function that gives its table
  std::string_view for_what;  // "drawing"
  std::string_view package;   // "mien-plot"
  std::string_view library;   // "cairo (apt-get install libcairo2)"
};

// The door. `folder`: where it is; empty: beside the program, else in ../lib/mien. Errors: unsupported, with what to
// install.
[[nodiscard]] Result<void*> load_module(const ModuleFile& wanted, const std::string& folder);
[[nodiscard]] Error wrong_release(const ModuleFile& wanted);

}  // namespace mien::edge
