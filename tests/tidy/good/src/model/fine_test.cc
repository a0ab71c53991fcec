#include <fstream>
#include "tests/support/files.h"
