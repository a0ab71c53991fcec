#include <ctime>
#include <thread>
long now() { return time(nullptr); }
