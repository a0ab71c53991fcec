// The sensors in the kernel. They watch: nothing here can refuse, change or delay beyond its own nanoseconds. No argument
// of a process, no environment and no content of a file is read; of memory of a process only socket addresses and the
// name of a BPF program.
//
// One hook on the return of system calls carries most of it, because there a call's number, its arguments and its
// outcome are known at once; a call that raises no event costs the look at one bit.
#include "kernel_types.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#include "event.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";  // some helpers are for programs under the GPL

const volatile bool legacy_groups = 0;       // services are told apart by version 1's cpuacct, not by version 2
const volatile __u32 self = 0;               // the agent's process
volatile __u32 told_per_second = 200;         // events of a kind and CPU; more are counted as lost. The agent lowers it under pressure

enum { execution, listener, connection, write, sensitive_read, privilege, kernel_module, bpf_program, system_call };
enum { tcp_syn_sent = 2, tcp_listen = 10, tcp = 6, udp = 17, inet = 2, inet6 = 10 };
enum { mode_write = 2, type_mask = 0170000, type_regular = 0100000, type_socket = 0140000 };
enum { deepest = 32, bpf_prog_load = 5, program_name_at = 48, only_looked = 2 };
#define ONE_SECOND 1000000000ull
#define TEXT_MASK 2047

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 512 * 1024);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct sense_cpu);
} cpus SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct sense_event);
} scratch SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SENSE_GROUPS);
  __type(key, __u64);
  __type(value, struct sense_group);
} groups SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, SENSE_WATCHED);
  __type(key, struct sense_inode);
  __type(value, __u32);
} watched SEC(".maps");

// The same within a second is told once.
struct recent_key {
  __u64 group;
  __u64 a, b;
  __u64 program;
  __u32 uid;
  __u16 port;
  __u8 kind;
  __u8 protocol;
};
struct recent {
  __u64 since;
  __u64 held;
};
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 8192);
  __type(key, struct recent_key);
  __type(value, struct recent);
} recently SEC(".maps");

static __always_inline struct sense_cpu *this_cpu(void) {
  __u32 zero = 0;
  return bpf_map_lookup_elem(&cpus, &zero);
}

static __always_inline __u64 group_of(struct task_struct *task) {
  struct css_set *set = task->cgroups;
  if (!legacy_groups || !bpf_core_enum_value_exists(enum cgroup_subsys_id, cpuacct_cgrp_id)) return set->dfl_cgrp->kn->id;
  struct cgroup_subsys_state *state = 0;
  __u64 index = bpf_core_enum_value(enum cgroup_subsys_id, cpuacct_cgrp_id);
  bpf_probe_read_kernel(&state, sizeof state, (void *)set + bpf_core_field_offset(struct css_set, subsys) + index * 8);
  return BPF_CORE_READ(state, cgroup, kn, id);
}

// ---- paths ----

static __always_inline struct mount *mount_of(struct vfsmount *inner) {
  return (void *)inner - bpf_core_field_offset(struct mount, mnt);
}

// One step towards the root, through mount points. Returns 0 at the root.
static __always_inline int step_up(struct dentry **at, struct mount **in) {
  struct dentry *parent = BPF_CORE_READ(*at, d_parent);
  if (*at != BPF_CORE_READ(*in, mnt.mnt_root)) {
    if (parent == *at) return 0;
    *at = parent;
    return 1;
  }
  struct mount *up = BPF_CORE_READ(*in, mnt_parent);
  if (up == *in) return 0;
  *at = BPF_CORE_READ(*in, mnt_mountpoint);
  *in = up;
  return 2;
}

// Where a file is: ours, unlike the kernel's type, and so of our own layout.
struct place {
  struct dentry *dentry;
  struct vfsmount *mnt;
};

// An offset that the verifiers of all kernels can see is one: a plain `&` the compiler leaves out where it knows better.
static __always_inline __u64 inside_text(__u64 offset) {
  asm volatile("%0 &= 2047" : "+r"(offset));
  return offset;
}

// Appends the names of a path from its leaf to its root. Returns where the text ends then.
static __noinline __u32 add_names(struct sense_event *event, __u32 end, const struct place *path) {
  struct dentry *at = path->dentry;
  struct mount *in = mount_of(path->mnt);
  __u32 limit = end + SENSE_PATH - 256;
  for (int i = 0; i < deepest; i++) {
    struct dentry *named = at;
    int step = step_up(&at, &in);
    if (step == 0) break;
    if (step == 2) continue;  // a mounted root has no name of its own
    if (end >= limit || end > TEXT_MASK) break;
    long length = bpf_probe_read_kernel_str(event->text + inside_text(end), 256, BPF_CORE_READ(named, d_name.name));
    if (length <= 0) break;
    end += length;
  }
  return end;
}

static __always_inline __u32 add_path(struct sense_event *event, __u32 end, struct file *file) {
  struct place path = {};
  BPF_CORE_READ_INTO(&path.dentry, file, f_path.dentry);
  BPF_CORE_READ_INTO(&path.mnt, file, f_path.mnt);
  return add_names(event, end, &path);
}

static __always_inline void inode_of(struct inode *inode, struct sense_inode *key) {
  key->number = BPF_CORE_READ(inode, i_ino);
  key->device = BPF_CORE_READ(inode, i_sb, s_dev);
}

static __noinline int below_watched(struct file *file) {
  struct dentry *at = BPF_CORE_READ(file, f_path.dentry);
  struct mount *in = mount_of(BPF_CORE_READ(file, f_path.mnt));
  for (int i = 0; i < deepest; i++) {
    struct sense_inode key;
    inode_of(BPF_CORE_READ(at, d_inode), &key);
    __u32 *watch = bpf_map_lookup_elem(&watched, &key);
    if (watch && (*watch & sense_writes_below)) return 1;
    if (step_up(&at, &in) == 0) break;
  }
  return 0;
}

// ---- telling ----

static __always_inline void count_it(struct recent_key *key) {
  __u32 kind = key->kind;
  struct sense_group *group = bpf_map_lookup_elem(&groups, &key->group);
  if (group && kind < SENSE_KINDS) __sync_fetch_and_add(&group->done[kind], 1);
}

// Whether this is to be told now. What is the same within a second is held back and counted; what is over a kind's
// share of a second is lost, and counted too.
static __noinline int is_news(struct recent_key *key, __u64 *count) {
  __u64 now = bpf_ktime_get_ns();
  count_it(key);
  struct recent *before = bpf_map_lookup_elem(&recently, key);
  if (before && now - before->since < ONE_SECOND) {
    __sync_fetch_and_add(&before->held, 1);
    return 0;
  }
  struct sense_cpu *cpu = this_cpu();
  __u32 kind = key->kind;
  if (!cpu || kind >= SENSE_KINDS) return 0;
  if (cpu->window != now >> 30) {
    cpu->window = now >> 30;
    __builtin_memset(cpu->told, 0, sizeof cpu->told);
  }
  if (cpu->told[kind] >= told_per_second) {
    cpu->lost[kind]++;
    return 0;
  }
  cpu->told[kind]++;
  *count = 1;
  if (before) {
    *count += before->held;
    before->held = 0;
    before->since = now;
  } else {
    struct recent fresh = {.since = now, .held = 0};
    bpf_map_update_elem(&recently, key, &fresh, BPF_ANY);
  }
  return 1;
}

static __always_inline struct sense_event *begin(struct recent_key *key, __u64 count) {
  __u32 zero = 0;
  struct sense_event *event = bpf_map_lookup_elem(&scratch, &zero);
  if (!event) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  event->at = bpf_ktime_get_ns();
  event->group = key->group;
  event->count = count;
  event->pid = task->tgid;
  event->uid = key->uid;
  event->target = 0;
  event->object_length = 0;
  event->program_length = 0;
  event->interpreter_length = 0;
  event->directory_length = 0;
  event->port = key->port;
  event->kind = key->kind;
  event->flags = 0;
  event->protocol = key->protocol;
  event->family = 0;
  struct task_struct *parent = task;
  for (int i = 0; i < SENSE_PARENTS; i++) {
    parent = BPF_CORE_READ(parent, real_parent);
    event->parents[i] = BPF_CORE_READ(parent, tgid);
  }
  return event;
}

static __always_inline void add_program(struct sense_event *event, struct file *program) {
  __u32 end = event->object_length;
  if (end > SENSE_PATH) return;
  event->program_length = add_path(event, end, program) - end;
}

// 0 when the ring took it.
static __always_inline long tell(struct sense_event *event) {
  __u32 length = __builtin_offsetof(struct sense_event, text) + event->object_length + event->program_length +
                 event->interpreter_length + event->directory_length;
  if (length > sizeof *event) length = sizeof *event;
  long failed = bpf_ringbuf_output(&events, event, length, BPF_RB_NO_WAKEUP);
  if (failed) {
    struct sense_cpu *cpu = this_cpu();
    if (cpu && event->kind < SENSE_KINDS) cpu->lost[event->kind]++;
  }
  return failed;
}

static __always_inline struct file *program_of(struct task_struct *task) { return BPF_CORE_READ(task, mm, exe_file); }

static __always_inline void new_key(struct recent_key *key, __u8 kind) {
  struct task_struct *task = bpf_get_current_task_btf();
  __builtin_memset(key, 0, sizeof *key);
  key->kind = kind;
  key->group = group_of(task);
  key->uid = bpf_get_current_uid_gid();
  key->program = BPF_CORE_READ(task, mm, exe_file, f_inode, i_ino);
}

// ---- system calls ----

static __noinline void change_group(struct sense_cpu *cpu, struct task_struct *task) {
  __u64 group = group_of(task);
  __u64 before = cpu->group;
  cpu->set = (__u64)task->cgroups;
  if (group == before) return;
  struct sense_group *old = bpf_map_lookup_elem(&groups, &before);
  if (old) {
    __sync_fetch_and_add(&old->calls, cpu->calls);
    __sync_fetch_and_add(&old->sent, cpu->sent);
    __sync_fetch_and_add(&old->received, cpu->received);
  }
  cpu->calls = 0;
  cpu->sent = 0;
  cpu->received = 0;
  cpu->group = group;
  struct sense_group *now = bpf_map_lookup_elem(&groups, &group);
  if (now) {
    __builtin_memcpy(cpu->seen, now->seen, sizeof cpu->seen);
    return;
  }
  __builtin_memset(cpu->seen, 0, sizeof cpu->seen);
  // The key of an empty cache is no group: the value only has to be all zero.
  struct sense_group fresh = {};
  bpf_map_update_elem(&groups, &group, &fresh, BPF_NOEXIST);
}

static __noinline void first_call(struct sense_cpu *cpu, __u32 number) {
  __u64 group = cpu->group;
  __u64 bit = 1ull << (number & 63);
  __u32 word = (number >> 6) & 7;
  struct sense_group *known = bpf_map_lookup_elem(&groups, &group);
  if (!known) {
    cpu->seen[word] |= bit;  // more groups than are told apart: not looked at again on this CPU for now
    return;
  }
  if (!(known->seen[word] & bit)) {
    struct recent_key key;
    __u64 count = 1;
    new_key(&key, system_call);
    key.a = number;
    if (!is_news(&key, &count)) return;  // told at its next turn
    struct sense_event *event = begin(&key, count);
    if (!event) return;
    event->target = number;
    add_program(event, program_of(bpf_get_current_task_btf()));
    if (tell(event)) return;
    __sync_fetch_and_or(&known->seen[word], bit);
  }
  cpu->seen[word] |= bit;
}

static __noinline void on_opened(long descriptor) {
  struct task_struct *task = bpf_get_current_task_btf();
  struct file **table = BPF_CORE_READ(task, files, fdt, fd);
  struct file *file = 0;
  bpf_probe_read_kernel(&file, sizeof file, table + descriptor);
  if (!file) return;
  struct inode *inode = BPF_CORE_READ(file, f_inode);
  if ((BPF_CORE_READ(inode, i_mode) & type_mask) != type_regular) return;
  __u8 kind;
  struct sense_inode which;
  inode_of(inode, &which);
  __u32 *watch = bpf_map_lookup_elem(&watched, &which);
  if (BPF_CORE_READ(file, f_mode) & mode_write) {
    if (!below_watched(file)) return;
    kind = write;
  } else {
    if (!watch || !(*watch & sense_reads)) return;
    kind = sensitive_read;
  }
  struct recent_key key;
  __u64 count = 1;
  new_key(&key, kind);
  key.a = which.number;
  key.b = which.device;
  if (!is_news(&key, &count)) return;
  struct sense_event *event = begin(&key, count);
  if (!event) return;
  event->object_length = add_path(event, 0, file);
  add_program(event, program_of(task));
  tell(event);
}

// ---- sockets ----

static __always_inline void tell_address(struct recent_key *key, __u8 family) {
  __u64 count = 1;
  if (!is_news(key, &count)) return;
  struct sense_event *event = begin(key, count);
  if (!event) return;
  event->family = family;
  __builtin_memcpy(event->address, &key->a, 16);
  add_program(event, program_of(bpf_get_current_task_btf()));
  tell(event);
}

static __noinline void on_socket(const struct sock *sock, __u8 kind, __u8 protocol) {
  struct recent_key key;
  new_key(&key, kind);
  key.protocol = protocol;
  __u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
  key.port = kind == listener ? BPF_CORE_READ(sock, __sk_common.skc_num)
                              : __builtin_bswap16(BPF_CORE_READ(sock, __sk_common.skc_dport));
  if (key.port == 0) return;
  if (family == inet) {
    __u32 address = kind == listener ? BPF_CORE_READ(sock, __sk_common.skc_rcv_saddr) : BPF_CORE_READ(sock, __sk_common.skc_daddr);
    key.a = address;
    tell_address(&key, 4);
  } else if (family == inet6) {
    if (kind == listener) BPF_CORE_READ_INTO((struct in6_addr *)&key.a, sock, __sk_common.skc_v6_rcv_saddr);
    else BPF_CORE_READ_INTO((struct in6_addr *)&key.a, sock, __sk_common.skc_v6_daddr);
    tell_address(&key, 6);
  }
}

static __noinline struct sock *udp_socket(unsigned long descriptor) {
  struct task_struct *task = bpf_get_current_task_btf();
  struct fdtable *table = BPF_CORE_READ(task, files, fdt);
  if (descriptor >= BPF_CORE_READ(table, max_fds)) return 0;
  struct file **all = BPF_CORE_READ(table, fd);
  struct file *file = 0;
  bpf_probe_read_kernel(&file, sizeof file, all + descriptor);
  if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & type_mask) != type_socket) return 0;
  struct socket *socket = BPF_CORE_READ(file, private_data);
  struct sock *sock = BPF_CORE_READ(socket, sk);
  __u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
  if (family != inet && family != inet6) return 0;
  return BPF_CORE_READ(sock, sk_protocol) == udp ? sock : 0;
}

struct user_address {
  __u16 family;
  __u16 port;  // in the network's order
  __u8 rest[24];
};

// A datagram with an address of its own.
static __noinline void on_datagram(unsigned long descriptor, const void *where) {
  struct user_address address = {};
  if (!where || !udp_socket(descriptor)) return;
  if (bpf_probe_read_user(&address, 8, where) != 0) return;
  struct recent_key key;
  new_key(&key, connection);
  key.protocol = udp;
  key.port = __builtin_bswap16(address.port);
  if (address.family == inet) {
    __builtin_memcpy(&key.a, address.rest, 4);
    tell_address(&key, 4);
  } else if (address.family == inet6) {
    if (bpf_probe_read_user(&key.a, 16, where + 8) == 0) tell_address(&key, 6);
  }
}

static __noinline void on_bound(unsigned long descriptor, const void *where) {
  struct user_address address = {};
  // A port that the kernel chose is the client's own, and no service.
  if (bpf_probe_read_user(&address, 4, where) != 0 || address.port == 0) return;
  struct sock *sock = udp_socket(descriptor);
  if (sock) on_socket(sock, listener, udp);
}

// ---- traffic ----

// Bytes that stay on this machine are no traffic, as the host's figures leave out its loopback. Fields are read straight
// and bytes are added up for each CPU, because this is asked at every send and every receive.
static __always_inline bool is_traffic(struct sock *sock, int bytes) {
  if (bytes <= 0) return 0;
  __u16 family = sock->__sk_common.skc_family;
  if (family == inet) return (sock->__sk_common.skc_daddr & 0xff) != 127;
  if (family != inet6) return 0;
  struct in6_addr to;
  BPF_CORE_READ_INTO(&to, sock, __sk_common.skc_v6_daddr);
  const __u32 *part = (const __u32 *)&to;
  if (part[0] != 0 || part[1] != 0) return 1;
  if (part[2] == 0xffff0000) return (part[3] & 0xff) != 127;  // ::ffff:127.0.0.1, in the network's order
  return part[2] != 0 || part[3] != 0x01000000;
}

static __always_inline struct sense_cpu *of_this_group(void) {
  struct sense_cpu *cpu = this_cpu();
  struct task_struct *task = bpf_get_current_task_btf();
  if (cpu && cpu->set != (__u64)task->cgroups) change_group(cpu, task);
  return cpu;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_sent, struct sock *sock, int bytes, int flags) {
  if (!is_traffic(sock, bytes)) return 0;
  struct sense_cpu *cpu = of_this_group();
  if (cpu) cpu->sent += bytes;
  return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_received, struct sock *sock, int bytes, int flags) {
  if ((flags & only_looked) || !is_traffic(sock, bytes)) return 0;  // what is looked at is taken later
  struct sense_cpu *cpu = of_this_group();
  if (cpu) cpu->received += bytes;
  return 0;
}

// ---- privileges and programs ----

static __noinline void on_privilege(__u32 from, __u32 to) {
  struct recent_key key;
  __u64 count = 1;
  new_key(&key, privilege);
  key.uid = from;
  key.a = to;
  if (!is_news(&key, &count)) return;
  struct sense_event *event = begin(&key, count);
  if (!event) return;
  event->target = to;
  add_program(event, program_of(bpf_get_current_task_btf()));
  tell(event);
}

// Somebody is root now whose parent is not.
static __noinline void on_user_changed(void) {
  struct task_struct *task = bpf_get_current_task_btf();
  if (BPF_CORE_READ(task, cred, uid.val) != 0) return;
  __u32 parent = BPF_CORE_READ(task, real_parent, cred, uid.val);
  if (parent != 0) on_privilege(parent, 0);
}

static __noinline void on_program_loaded(const void *attributes) {
  struct recent_key key;
  __u64 count = 1;
  struct task_struct *task = bpf_get_current_task_btf();
  if (task->tgid == self) return;
  new_key(&key, bpf_program);
  bpf_probe_read_user(&key.a, 16, attributes + program_name_at);
  if (!is_news(&key, &count)) return;
  struct sense_event *event = begin(&key, count);
  if (!event) return;
  event->flags = sense_script;
  __builtin_memcpy(event->text, &key.a, 16);
  event->text[16] = 0;
  event->object_length = 17;
  add_program(event, program_of(task));
  tell(event);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_call, struct pt_regs *regs, long result) {
  struct sense_cpu *cpu = this_cpu();
  if (!cpu) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  if (task->thread_info.status & compat_task) return 0;
  // A task's set of control groups stays the same object while its membership does: one comparison in place of a walk.
  if (cpu->set != (__u64)task->cgroups) change_group(cpu, task);
  cpu->calls++;
  long number = CALL_NUMBER(regs);
  if (number < 0 || number >= SENSE_CALLS) return 0;
  if (!(cpu->seen[(number >> 6) & 7] >> (number & 63) & 1)) first_call(cpu, number);
  if (result < 0) return 0;
  switch (number) {
    case call_open:
    case call_creat:
    case call_openat:
    case call_openat2: on_opened(result); break;
    case call_connect: {
      struct sock *sock = udp_socket(CALL_ARG1(regs));
      if (sock) on_socket(sock, connection, udp);
      break;
    }
    case call_sendto:
      if (CALL_ARG5(regs)) on_datagram(CALL_ARG1(regs), (const void *)CALL_ARG5(regs));
      break;
    case call_sendmsg: {
      const void *where = 0;
      bpf_probe_read_user(&where, sizeof where, (const void *)CALL_ARG2(regs));
      if (where) on_datagram(CALL_ARG1(regs), where);
      break;
    }
    case call_bind: on_bound(CALL_ARG1(regs), (const void *)CALL_ARG2(regs)); break;
    case call_setuid:
    case call_setreuid:
    case call_setresuid: on_user_changed(); break;
    case call_bpf:
      if (CALL_ARG1(regs) == bpf_prog_load) on_program_loaded((const void *)CALL_ARG2(regs));
      break;
  }
  return 0;
}

// FNV-1a of a text's first bytes.
static __noinline __u64 hash_of(const char *text) {
  unsigned char bytes[96] = {};
  __u64 hash = 0xcbf29ce484222325ull;
  bpf_probe_read_kernel_str(bytes, sizeof bytes, text);
  for (int i = 0; i < sizeof bytes; i++) hash = (hash ^ bytes[i]) * 0x100000001b3ull;
  return hash;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm) {
  struct recent_key key;
  __u64 count = 1;
  new_key(&key, execution);
  struct file *program = BPF_CORE_READ(bprm, file);
  struct sense_inode which;
  inode_of(BPF_CORE_READ(program, f_inode), &which);
  key.a = which.number;
  key.b = which.device;
  key.program = BPF_CORE_READ(task, real_parent, mm, exe_file, f_inode, i_ino);
  __u32 effective = BPF_CORE_READ(task, cred, euid.val);
  if (effective == 0 && key.uid != 0) on_privilege(key.uid, 0);
  const char *given = BPF_CORE_READ(bprm, filename);
  bool script = given != BPF_CORE_READ(bprm, interp);
  if (script) key.b = hash_of(given);  // of one interpreter's scripts each is its own
  if (!is_news(&key, &count)) return 0;
  struct sense_event *event = begin(&key, count);
  if (!event) return 0;
  __u32 end = 0;
  if (script) {
    event->flags = sense_script;
    long length = bpf_probe_read_kernel_str(event->text, SENSE_PATH, given);
    end = length > 0 ? length : 0;
  } else {
    end = add_path(event, 0, program);
  }
  event->object_length = end;
  __u32 at = end;
  end = add_path(event, at, BPF_CORE_READ(task, real_parent, mm, exe_file));
  event->program_length = end - at;
  if (script) {
    at = end;
    end = add_path(event, at, program);
    event->interpreter_length = end - at;
    at = end;
    struct place directory = {};
    BPF_CORE_READ_INTO(&directory.dentry, task, fs, pwd.dentry);
    BPF_CORE_READ_INTO(&directory.mnt, task, fs, pwd.mnt);
    event->directory_length = add_names(event, at, &directory) - at;
  }
  tell(event);
  return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, const struct sock *sock, int before, int after) {
  if (after != tcp_listen && after != tcp_syn_sent) return 0;
  if (BPF_CORE_READ(sock, sk_protocol) != tcp) return 0;
  on_socket(sock, after == tcp_listen ? listener : connection, tcp);
  return 0;
}

SEC("tp_btf/module_load")
int BPF_PROG(on_module, struct module *module) {
  struct recent_key key;
  __u64 count = 1;
  new_key(&key, kernel_module);
  if (!is_news(&key, &count)) return 0;
  struct sense_event *event = begin(&key, count);
  if (!event) return 0;
  event->flags = sense_script;
  long length = bpf_probe_read_kernel_str(event->text, 56, &module->name);
  event->object_length = length > 0 ? length : 0;
  add_program(event, program_of(bpf_get_current_task_btf()));
  tell(event);
  return 0;
}
