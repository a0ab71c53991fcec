// The few fields of the kernel that the sensors read, by name: at load they are found where the running kernel keeps them
// (CO-RE), so one build serves every kernel. Nothing else of these types is true.
#pragma once

typedef unsigned char __u8;
typedef signed short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef __u16 __sum16;
typedef _Bool bool;

// Values of the kernel's own interface, which never change.
enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_PERCPU_ARRAY = 6, BPF_MAP_TYPE_LRU_HASH = 9, BPF_MAP_TYPE_RINGBUF = 27 };
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_RB_NO_WAKEUP = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
  __u64 id;
};
struct cgroup {
  struct kernfs_node *kn;
};
struct cgroup_subsys_state {
  struct cgroup *cgroup;
};
struct css_set {
  struct cgroup_subsys_state *subsys[12];
  struct cgroup *dfl_cgrp;
};
enum cgroup_subsys_id { cpuacct_cgrp_id = 2 };

struct super_block {
  __u32 s_dev;
};
struct inode {
  unsigned short i_mode;
  struct super_block *i_sb;
  unsigned long i_ino;
};
struct qstr {
  const unsigned char *name;
};
struct dentry {
  struct dentry *d_parent;
  struct qstr d_name;
  struct inode *d_inode;
};
struct vfsmount {
  struct dentry *mnt_root;
};
struct mount {
  struct mount *mnt_parent;
  struct dentry *mnt_mountpoint;
  struct vfsmount mnt;
};
struct path {
  struct vfsmount *mnt;
  struct dentry *dentry;
};
struct file {
  unsigned int f_mode;
  void *private_data;
  struct inode *f_inode;
  struct path f_path;
};
struct fs_struct {
  struct path pwd;
};
struct fdtable {
  unsigned int max_fds;
  struct file **fd;
};
struct files_struct {
  struct fdtable *fdt;
};

typedef struct {
  __u32 val;
} kuid_t;
struct cred {
  kuid_t uid;
  kuid_t euid;
};
struct mm_struct {
  struct file *exe_file;
};
struct thread_info {
  __u32 status;
};
struct task_struct {
  struct thread_info thread_info;
  struct mm_struct *mm;
  int tgid;
  struct task_struct *real_parent;
  const struct cred *cred;
  struct fs_struct *fs;
  struct files_struct *files;
  struct css_set *cgroups;
};
struct linux_binprm {
  struct file *file;
  const char *filename;
  const char *interp;
};
struct module {
  char name[56];
};

struct in6_addr {
  union {
    __u8 u6_addr8[16];
  } in6_u;
};
struct sock_common {
  __be32 skc_daddr;
  __be32 skc_rcv_saddr;
  __be16 skc_dport;
  __u16 skc_num;
  unsigned short skc_family;
  struct in6_addr skc_v6_daddr;
  struct in6_addr skc_v6_rcv_saddr;
};
struct sock {
  struct sock_common __sk_common;
  __u16 sk_protocol;
};
struct socket {
  struct sock *sk;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
  unsigned long di, si, dx, r10, r8, orig_ax;
};
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs {
  __u64 regs[31];
  __u64 orig_x0;
  __s32 syscallno;
};
#endif

#pragma clang attribute pop

// Numbers and arguments of system calls, as they stand in the registers when a call returns.
#if defined(__TARGET_ARCH_x86)
#define CALL_NUMBER(r) ((long)(r)->orig_ax)
#define CALL_ARG1(r) ((r)->di)
#define CALL_ARG2(r) ((r)->si)
#define CALL_ARG3(r) ((r)->dx)
#define CALL_ARG5(r) ((r)->r8)
enum { call_open = 2, call_connect = 42, call_sendto = 44, call_sendmsg = 46, call_bind = 49, call_creat = 85, call_setuid = 105,
       call_setreuid = 113, call_setresuid = 117, call_openat = 257, call_bpf = 321, call_openat2 = 437 };
enum { compat_task = 2 };  // TS_COMPAT: this call came through the 32-bit door, with other numbers
#elif defined(__TARGET_ARCH_arm64)
#define CALL_NUMBER(r) ((long)(r)->syscallno)
#define CALL_ARG1(r) ((r)->orig_x0)
#define CALL_ARG2(r) ((r)->regs[1])
#define CALL_ARG3(r) ((r)->regs[2])
#define CALL_ARG5(r) ((r)->regs[4])
enum { call_open = -2, call_connect = 203, call_sendto = 206, call_sendmsg = 211, call_bind = 200, call_creat = -3, call_setuid = 146,
       call_setreuid = 145, call_setresuid = 147, call_openat = 56, call_bpf = 280, call_openat2 = 437 };
enum { compat_task = 0 };
#else
#error "the sensors know the registers of x86-64 and arm64"
#endif
