#include "edge/collect/process_metrics.h"

#include <sys/stat.h>

#include <array>

#include "base/text.h"
#include "edge/collect/procfs.h"

namespace mien::edge {
namespace {

using Kind = model::Reading::Kind;

constexpr std::array<MetricSpec, 5> specs{{
    {"system.process.count", "", "", "{process}", Kind::gauge},
    {"system.process.count", "status", "sleeping", "{process}", Kind::gauge},
    {"system.process.count", "status", "idle", "{process}", Kind::gauge},
    {"system.process.count", "status", "stopped", "{process}", Kind::gauge},
    {"system.process.count", "status", "zombies", "{process}", Kind::gauge},
}};

double number(std::uint64_t value) { return static_cast<double>(value); }

}  // namespace

ProcessMetrics::ProcessMetrics(std::string proc_root)
    : proc_root_(std::move(proc_root)), directory_(nullptr, &::closedir) {}

void ProcessMetrics::build(std::vector<model::Reading>& readings) {
  block_ = add_block(readings, specs);
  if (last_) finish(readings);
}

void ProcessMetrics::read(MonoTime now, ReadBuffer& buffer, std::vector<model::Reading>& readings) {
  Duration wait = process_interval * static_cast<std::int64_t>(1 + (last_ ? last_->processes : 0) / 1000);
  if (!directory_ && (!begun_ || now - *begun_ >= wait)) {
    begun_ = now;
    found_ = {};
    directory_.reset(::opendir(proc_root_.c_str()));
  }
  if (directory_) walk(buffer, readings);
  readings[block_.first].value = all();
}

// A process that ends while it is looked at is none; those that begin behind the walk's back are there in the next.
void ProcessMetrics::walk(ReadBuffer& buffer, std::vector<model::Reading>& readings) {
  for (std::size_t looked = 0; looked < processes_per_tick;) {
    dirent* entry = ::readdir(directory_.get());
    if (entry == nullptr) {
      last_ = found_;
      directory_.reset();
      return finish(readings);
    }
    std::string_view name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
    if (!parse_count(name)) {
      ++found_.directories;
      continue;
    }
    ++looked;
    auto text = KernelFile(cat(proc_root_, "/", name, "/stat")).read(buffer);
    if (!text) continue;
    ++found_.processes;
    switch (parse_process_state(*text).value_or('\0')) {
      case 'S': ++found_.sleeping; break;
      case 'I': ++found_.idle; break;
      case 'T':
      case 't': ++found_.stopped; break;
      case 'Z': ++found_.zombies; break;
      default: break;  // running and blocked are told by /proc/stat at each tick
    }
  }
}

void ProcessMetrics::finish(std::vector<model::Reading>& readings) {
  set_block(readings, block_,
            {all(), number(last_->sleeping), number(last_->idle), number(last_->stopped), number(last_->zombies)});
}

// Where the links are not counted (a /proc that is none of the kernel's), what the last walk found.
double ProcessMetrics::all() const {
  if (!last_) return model::missing;
  struct stat info {};
  std::uint64_t others = last_->directories + 2;  // and the two of every directory
  if (::stat(proc_root_.c_str(), &info) != 0 || info.st_nlink <= others) return number(last_->processes);
  return number(info.st_nlink - others);
}

}  // namespace mien::edge
