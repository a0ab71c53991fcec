#include <cstdio>

int main() {
  std::puts("mien 0.1.0");
  return 0;
}
