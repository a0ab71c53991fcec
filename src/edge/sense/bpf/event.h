// What the sensors in the kernel tell the agent: one record of the ring buffer. Shared by both sides, plain C; it never
// leaves this machine, and both sides are of one build. Native byte order.
#pragma once

#define SENSE_PARENTS 8
#define SENSE_PATH 1024       // bytes of one path, cut at its root's end
#define SENSE_CALLS 512       // numbers of system calls that are known one by one
#define SENSE_KINDS 12        // as model::FactKind counts them
#define SENSE_GROUPS 1024     // control groups that are told apart
#define SENSE_WATCHED 256     // directories and files

enum sense_flag { sense_script = 1 };  // the object is a text as it was given, not a walked path

// The text holds paths, one after the other: the object, the program that did it (of an execution the one that started
// it), a script's interpreter, and the directory that a script's path may be relative to. A path is its names from the
// leaf to the root, each ended by a NUL.
struct sense_event {
  unsigned long long at;     // CLOCK_MONOTONIC, ns
  unsigned long long group;  // id of the control group
  unsigned long long count;  // 1, and how many the same were held back since the last one
  unsigned int pid;
  unsigned int uid;
  unsigned int target;                  // of privilege: the user it became; of system_call: its number
  unsigned int parents[SENSE_PARENTS];  // process ids, nearest first
  unsigned short object_length;
  unsigned short program_length;
  unsigned short interpreter_length;
  unsigned short directory_length;
  unsigned short port;
  unsigned char kind;
  unsigned char flags;
  unsigned char protocol;  // 6 or 17
  unsigned char family;    // 4 or 6
  unsigned char address[16];
  char text[2 * SENSE_PATH + 256];
};

// A directory or file by what the kernel knows it by.
struct sense_inode {
  unsigned long long number;
  unsigned long long device;  // major << 20 | minor
};
enum sense_watch { sense_writes_below = 1, sense_reads = 2 };

// A control group's system calls, and what it did otherwise: all of it, also what was held back and what was lost.
struct sense_group {
  unsigned long long calls;
  unsigned long long sent;      // bytes that its processes gave to sockets of the internet's families
  unsigned long long received;  // and took from them; what stays on this machine is left out
  unsigned long long done[SENSE_KINDS];
  unsigned long long seen[SENSE_CALLS / 64];
};

// Of each CPU: what is counted between two looks, and what was held back.
struct sense_cpu {
  unsigned long long set;  // the kernel's object that `group` was read from
  unsigned long long group;
  unsigned long long calls;
  unsigned long long sent;
  unsigned long long received;
  unsigned long long seen[SENSE_CALLS / 64];
  unsigned long long window;  // of about a second
  unsigned int told[SENSE_KINDS];
  unsigned long long lost[SENSE_KINDS];  // since the start
};
