// The door of the module that asks libvirt: a table of plain C functions, so that it and the program need to agree on
// nothing else. No function throws; one thread. A call may take as long as the hypervisor does.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" {

// What is told of the guests that run, one call each. Texts are valid during the call.
struct MienLibvirtListener {
  void* context;
  // Begins a guest; what follows is its own. `uuid` as libvirt writes it: 36 characters.
  void (*guest)(void* context, const char* name, const char* uuid);
  // Fields by libvirt's names: "cpu.time", "balloon.current", "block.0.rd.bytes", "net.0.rx.bytes".
  void (*number)(void* context, const char* field, double value);
  void (*text)(void* context, const char* field, const char* value);
};

struct MienLibvirtModule {
  uint32_t version;  // mien_libvirt_version of the header it was made with

  // A connection that can only look. Null: `why` says what libvirt says, cut at `size` with its end.
  void* (*open)(const char* uri, char* why, size_t size);
  // "QEMU", "LXC": what the connection speaks to; valid until close.
  const char* (*driver)(void* connection);
  // At most `most` guests. How many there were, told or not; -1: `why` says what went wrong.
  int (*ask)(void* connection, size_t most, const struct MienLibvirtListener* listener, char* why, size_t size);
  void (*close)(void* connection);
};

enum { mien_libvirt_version = 1 };

// What the program looks up.
const struct MienLibvirtModule* mien_libvirt_module(void);
}
