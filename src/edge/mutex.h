// A mutex that clang's thread-safety analysis understands: a field marked GUARDED_BY(mutex_) that is touched without
// the lock does not compile there. Other compilers see std::mutex.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define MIEN_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define MIEN_THREAD_ATTRIBUTE(x)
#endif

#ifndef GUARDED_BY
#define GUARDED_BY(x) MIEN_THREAD_ATTRIBUTE(guarded_by(x))
#define REQUIRES_LOCK(...) MIEN_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#endif

namespace mien::edge {

class MIEN_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() MIEN_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() MIEN_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class MIEN_THREAD_ATTRIBUTE(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& mutex) MIEN_THREAD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~Lock() MIEN_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits with a Mutex held: std::condition_variable_any works on it directly.
using Condition = std::condition_variable_any;

}  // namespace mien::edge
