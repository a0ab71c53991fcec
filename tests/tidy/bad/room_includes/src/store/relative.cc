#include "../wire/a.h"
