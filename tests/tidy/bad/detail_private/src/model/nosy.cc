#include "base/detail/secret.h"
