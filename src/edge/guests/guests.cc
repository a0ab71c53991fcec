#include "edge/guests/guests.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <thread>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/files/module_file.h"
#include "edge/guests/guest_readings.h"
#include "edge/guests/libvirt_module.h"
#include "edge/mutex.h"

namespace mien::edge {
namespace {

using enum SensorState::Status;

constexpr ModuleFile module_file{.file = "mien-libvirt.so",
                                 .door = "mien_libvirt_module",
                                 .for_what = "seeing guests from outside",
                                 .package = "mien-libvirt",
                                 .library = "libvirt (apt-get install libvirt0)"};
constexpr std::string_view system_guests = "qemu:///system";
constexpr Duration ask_at_most_every = 1s;
constexpr Duration ask_again_after = 10s;  // a libvirt that did not answer
constexpr int share_of_its_time = 20;
constexpr Duration longest_pause = 60s;
constexpr Duration end_patience = 2s;

std::string_view state_name() { return "guests"; }

// What is to be asked; empty: nobody.
std::string wanted_uri(const GuestOptions& options) {
  if (options.libvirt == "off") return {};
  if (options.libvirt != "auto") return options.libvirt;
  for (const char* socket : {"/libvirt/libvirt-sock-ro", "/libvirt/virtqemud-sock-ro"})
    if (::access((options.run_root + socket).c_str(), F_OK) == 0) return std::string(system_guests);
  return {};
}

SensorState nothing_to_see(const GuestOptions& options) {
  bool off = options.libvirt == "off";
  return {.name = std::string(state_name()),
          .status = works,
          .mechanism = off ? "agent.yaml says `libvirt: off`" : "nothing to see: no libvirt runs here",
          .why = {},
          .remedy = {}};
}

SensorState does_not_work(std::string why, std::string remedy) {
  return {.name = std::string(state_name()),
          .status = missing,
          .mechanism = {},
          .why = std::move(why),
          .remedy = std::move(remedy)};
}

Result<const MienLibvirtModule*> load(const std::string& folder) {
  void* door = TRY(load_module(module_file, folder));
  const MienLibvirtModule* functions = reinterpret_cast<decltype(&mien_libvirt_module)>(door)();
  if (functions == nullptr || functions->version != mien_libvirt_version) return wrong_release(module_file);
  return functions;
}

struct Answer {
  std::vector<GuestStats> guests;
  std::string driver;
  int there = 0;  // told or not
  std::string wrong;
};

// What the asking thread and the ticks share. It outlives both: a libvirt that never answers keeps its thread.
struct Shared {
  Mutex mutex;
  Condition changed;
  bool asked GUARDED_BY(mutex) = false;
  bool stopping GUARDED_BY(mutex) = false;
  bool ended GUARDED_BY(mutex) = false;
  std::optional<Answer> answer GUARDED_BY(mutex);
  MonoTime next GUARDED_BY(mutex);
};

// Of the asking thread alone.
class Asker {
 public:
  Asker(std::string uri, std::string folder) : uri_(std::move(uri)), folder_(std::move(folder)) {}
  ~Asker() { hang_up(); }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  Answer ask() {
    Answer answer;
    if (functions_ == nullptr) {
      Result<const MienLibvirtModule*> loaded = load(folder_);
      if (!loaded) {
        answer.wrong = loaded.error().message;
        return answer;
      }
      functions_ = *loaded;
    }
    std::array<char, 512> why{};
    if (connection_ == nullptr) connection_ = functions_->open(uri_.c_str(), why.data(), why.size());
    if (connection_ == nullptr) {
      answer.wrong = cat("libvirt: ", why.data());
      return answer;
    }
    answer.driver = functions_->driver(connection_);
    MienLibvirtListener listener{.context = &answer, .guest = on_guest, .number = on_number, .text = on_text};
    answer.there = functions_->ask(connection_, most_guests, &listener, why.data(), why.size());
    if (answer.there >= 0) return answer;
    answer.wrong = cat("libvirt: ", why.data());
    answer.guests.clear();
    hang_up();  // it may have been started anew
    return answer;
  }

 private:
  static void on_guest(void* context, const char* name, const char* uuid) {
    static_cast<Answer*>(context)->guests.push_back({.name = name, .uuid = uuid, .numbers = {}, .texts = {}});
  }
  static void on_number(void* context, const char* field, double value) {
    static_cast<Answer*>(context)->guests.back().numbers.emplace(field, value);
  }
  static void on_text(void* context, const char* field, const char* value) {
    static_cast<Answer*>(context)->guests.back().texts.emplace(field, value);
  }
  void hang_up() {
    if (connection_ != nullptr) functions_->close(connection_);
    connection_ = nullptr;
  }

  std::string uri_, folder_;
  const MienLibvirtModule* functions_ = nullptr;
  void* connection_ = nullptr;
};

void ask_until_stopped(const std::shared_ptr<Shared>& shared, const std::string& uri, const std::string& folder) {
  {
    Asker asker(uri, folder);
    for (;;) {
      {
        Lock lock(shared->mutex);
        while (!shared->stopping && !shared->asked) shared->changed.wait(shared->mutex);
        if (shared->stopping) break;
      }
      MonoTime began = mono_now();
      Answer answer = asker.ask();
      Duration pause = std::clamp<Duration>((mono_now() - began) * share_of_its_time, ask_at_most_every, longest_pause);
      if (!answer.wrong.empty()) pause = ask_again_after;
      Lock lock(shared->mutex);
      shared->answer = std::move(answer);
      shared->asked = false;
      // From tick to tick, not a little after each: else a clock that is a little late would skip every other one.
      shared->next = began + pause - ask_at_most_every / 4;
    }
  }
  Lock lock(shared->mutex);
  shared->ended = true;
  shared->changed.notify_all();
}

class LibvirtGuests final : public Guests {
 public:
  LibvirtGuests(GuestOptions options, std::string uri) : options_(std::move(options)), uri_(std::move(uri)) {
    thread_ = std::thread(
        [shared = shared_, uri = uri_, folder = options_.module_folder] { ask_until_stopped(shared, uri, folder); });
  }
  ~LibvirtGuests() override {
    bool ended = false;
    {
      MonoTime until = mono_now() + end_patience;
      Lock lock(shared_->mutex);
      shared_->stopping = true;
      shared_->changed.notify_all();
      while (!shared_->ended && mono_now() < until) shared_->changed.wait_for(shared_->mutex, until - mono_now());
      ended = shared_->ended;
    }
    if (ended) thread_.join();
    else thread_.detach();  // libvirt does not answer; nothing of ours is in the way of its thread
  }
  LibvirtGuests(const LibvirtGuests&) = delete;
  LibvirtGuests& operator=(const LibvirtGuests&) = delete;

  const std::vector<model::InstanceReadings>& look(MonoTime now) override {
    std::optional<Answer> answer;
    {
      Lock lock(shared_->mutex);
      answer.swap(shared_->answer);
      if (!shared_->asked && now >= shared_->next) {
        shared_->asked = true;
        shared_->changed.notify_all();
      }
    }
    if (answer && answer->wrong.empty()) take(*answer);
    else
      for (model::InstanceReadings& guest : guests_)
        for (model::Reading& reading : guest.readings) reading.value = model::missing;
    if (answer) wrong_ = answer->wrong;
    return guests_;
  }

  SensorState state() const override {
    if (!wrong_.empty())
      return does_not_work(wrong_, cat("is libvirt running, and may this user ask ", uri_,
                                       "? `libvirt: off` under `collect` in agent.yaml ends the question"));
    SensorState state{.name = std::string(state_name()),
                      .status = works,
                      .mechanism = cat("libvirt ", uri_),
                      .why = {},
                      .remedy = {}};
    if (left_ == 0) return state;
    state.status = limited;
    state.why = cat("only the first ", most_guests, " guests are seen; ", left_, " more are there");
    return state;
  }

 private:
  void take(const Answer& answer) {
    std::vector<model::InstanceReadings> now;
    for (const GuestStats& each : answer.guests) now.push_back(readings_of_guest(each, answer.driver, options_.host));
    guests_ = std::move(now);
    left_ = static_cast<std::size_t>(std::max(answer.there, 0)) - answer.guests.size();
  }

  GuestOptions options_;
  std::string uri_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::thread thread_;
  std::vector<model::InstanceReadings> guests_;
  std::string wrong_;
  std::size_t left_ = 0;
};

class NoGuests final : public Guests {
 public:
  explicit NoGuests(const GuestOptions& options) : state_(nothing_to_see(options)) {}
  const std::vector<model::InstanceReadings>& look(MonoTime) override { return none_; }
  SensorState state() const override { return state_; }

 private:
  SensorState state_;
  std::vector<model::InstanceReadings> none_;
};

}  // namespace

std::unique_ptr<Guests> Guests::start(GuestOptions options) {
  std::string uri = wanted_uri(options);
  if (uri.empty()) return std::make_unique<NoGuests>(options);
  return std::make_unique<LibvirtGuests>(std::move(options), std::move(uri));
}

SensorState probe_guests(const GuestOptions& options) {
  std::string uri = wanted_uri(options);
  if (uri.empty()) return nothing_to_see(options);
  if (Result<const MienLibvirtModule*> loaded = load(options.module_folder); !loaded)
    return does_not_work(loaded.error().message, "install the package mien-libvirt");
  return {
      .name = std::string(state_name()), .status = works, .mechanism = cat("libvirt ", uri), .why = {}, .remedy = {}};
}

}  // namespace mien::edge
