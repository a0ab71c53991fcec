#include "edge/files/module_file.h"

#include <dlfcn.h>

#include <filesystem>
#include <vector>

#include "base/text.h"

namespace mien::edge {
namespace {

Error missing(std::string message) {
  return Error{.code = Code::unsupported, .message = std::move(message), .where = {}, .cause = nullptr};
}

std::vector<std::filesystem::path> usual_folders() {
  std::error_code unreadable;
  std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", unreadable);
  std::filesystem::path beside = unreadable ? std::filesystem::path("/usr/bin") : program.parent_path();
  return {beside, beside.parent_path() / "lib" / "mien"};
}

}  // namespace

Error wrong_release(const ModuleFile& wanted) {
  return missing(cat(wanted.file, " is of another release of mien; install the ", wanted.package, " of this one"));
}

Result<void*> load_module(const ModuleFile& wanted, const std::string& folder) {
  std::vector<std::filesystem::path> folders = usual_folders();
  if (!folder.empty()) folders = {folder};
  std::string looked;
  for (const std::filesystem::path& each : folders) {
    std::filesystem::path path = each / wanted.file;
    std::error_code unreadable;
    if (!std::filesystem::exists(path, unreadable)) {
      looked += cat(looked.empty() ? "" : " nor in ", each.string());
      continue;
    }
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
      return missing(
          cat("the module for ", wanted.for_what, " can not be loaded: ", ::dlerror(), "; it needs ", wanted.library));
    void* door = ::dlsym(library, std::string(wanted.door).c_str());
    if (door == nullptr) return wrong_release(wanted);
    return door;
  }
  return missing(cat(wanted.for_what, " needs the module ", wanted.file, ", which is not in ", looked,
                     "; install the package ", wanted.package));
}

}  // namespace mien::edge
