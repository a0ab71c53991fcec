// The module that asks libvirt for what it knows of its guests. Loaded by the agent on a host where libvirt is.
//
// It only looks: the connection is read-only, and nothing of a guest is set, not even how often its balloon counts.
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "edge/guests/libvirt_module.h"

namespace {

// What goes wrong is told to who asked, and not to standard error.
void keep_quiet(void* context, virErrorPtr error) {
  static_cast<void>(context);
  static_cast<void>(error);
}

void say_why(char* why, size_t size) {
  const char* said = virGetLastErrorMessage();
  std::snprintf(why, size, "%s", said == nullptr ? "no reason given" : said);
}

void* open_connection(const char* uri, char* why, size_t size) {
  virSetErrorFunc(nullptr, keep_quiet);
  virConnectPtr connection = virConnectOpenReadOnly(uri);
  if (connection == nullptr) say_why(why, size);
  return connection;
}

const char* driver_of(void* connection) {
  const char* type = virConnectGetType(static_cast<virConnectPtr>(connection));
  return type == nullptr ? "" : type;
}

void tell(const virTypedParameter& field, const MienLibvirtListener& listener) {
  auto number = [&](double value) { listener.number(listener.context, field.field, value); };
  switch (field.type) {
    case VIR_TYPED_PARAM_INT: return number(field.value.i);
    case VIR_TYPED_PARAM_UINT: return number(field.value.ui);
    case VIR_TYPED_PARAM_LLONG: return number(static_cast<double>(field.value.l));
    case VIR_TYPED_PARAM_ULLONG: return number(static_cast<double>(field.value.ul));
    case VIR_TYPED_PARAM_DOUBLE: return number(field.value.d);
    case VIR_TYPED_PARAM_BOOLEAN: return number(field.value.b == 0 ? 0 : 1);
    case VIR_TYPED_PARAM_STRING: return listener.text(listener.context, field.field, field.value.s);
    default: return;
  }
}

// What every driver knows, of one that has no statistics.
void tell_little(virDomainPtr guest, const MienLibvirtListener& listener) {
  virDomainInfo info;
  if (virDomainGetInfo(guest, &info) != 0) return;
  listener.number(listener.context, "cpu.time", static_cast<double>(info.cpuTime));
  listener.number(listener.context, "vcpu.current", info.nrVirtCpu);
  listener.number(listener.context, "balloon.current", static_cast<double>(info.memory));
  listener.number(listener.context, "balloon.maximum", static_cast<double>(info.maxMem));
}

int ask(void* connection, size_t most, const MienLibvirtListener* listener, char* why, size_t size) {
  constexpr unsigned what = VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON |
                            VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_INTERFACE | VIR_DOMAIN_STATS_BLOCK;
  // A guest that does something long is told of by what can be known without waiting for it.
  constexpr unsigned which = VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT;
  virDomainStatsRecordPtr* all = nullptr;
  int count = virConnectGetAllDomainStats(static_cast<virConnectPtr>(connection), what, &all, which);
  if (count < 0) {
    say_why(why, size);
    return -1;
  }
  for (int i = 0; i < count && static_cast<size_t>(i) < most; ++i) {
    std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
    const char* name = virDomainGetName(all[i]->dom);
    if (name == nullptr || virDomainGetUUIDString(all[i]->dom, uuid.data()) != 0) continue;
    listener->guest(listener->context, name, uuid.data());
    bool known = false;
    for (int field = 0; field < all[i]->nparams; ++field) {
      known = known || std::strcmp(all[i]->params[field].field, "cpu.time") == 0;
      tell(all[i]->params[field], *listener);
    }
    if (!known) tell_little(all[i]->dom, *listener);
  }
  virDomainStatsRecordListFree(all);
  return count;
}

void close_connection(void* connection) { virConnectClose(static_cast<virConnectPtr>(connection)); }

constexpr MienLibvirtModule module{.version = mien_libvirt_version,
                                   .open = open_connection,
                                   .driver = driver_of,
                                   .ask = ask,
                                   .close = close_connection};

}  // namespace

extern "C" __attribute__((visibility("default"))) const MienLibvirtModule* mien_libvirt_module() { return &module; }
