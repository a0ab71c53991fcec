// The least that a collector could do: reads the files it is given once a second, each from its start on a descriptor
// that stays open, and does nothing with what it read. bench/agent_compare.py measures the agent against it.
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { most = 4096 };

int main(int count, char **names) {
  static int files[most];
  static char buffer[1 << 20];
  int opened = 0;
  for (int i = 1; i < count && opened < most; i++) {
    int file = open(names[i], O_RDONLY | O_CLOEXEC);
    if (file >= 0) files[opened++] = file;
  }
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (;;) {
    for (int i = 0; i < opened; i++)
      if (pread(files[i], buffer, sizeof buffer, 0) < 0) continue;
    next.tv_sec++;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, 0);
  }
}
