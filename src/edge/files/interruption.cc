#include "edge/files/interruption.h"

namespace mien::edge {
namespace {

volatile sig_atomic_t asked_by = 0;

void note(int number) { asked_by = number; }

}  // namespace

Interruption::Interruption() {
  asked_by = 0;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    ::sigaction(signals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN) continue;  // nohup, a background job: still ignored
    struct sigaction action {};
    action.sa_handler = note;
    ::sigaction(signals[i], &action, nullptr);
  }
}

Interruption::~Interruption() { restore(); }

void Interruption::restore() {
  if (!caught_) return;
  caught_ = false;
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
}

bool Interruption::asked() const { return asked_by != 0; }

void Interruption::obey() {
  restore();
  if (asked_by != 0) ::raise(asked_by);
}

}  // namespace mien::edge
