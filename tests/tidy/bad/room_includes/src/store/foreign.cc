#include "wire/a.h"
