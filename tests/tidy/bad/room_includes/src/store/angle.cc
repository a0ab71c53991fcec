#include <base/a.h>
