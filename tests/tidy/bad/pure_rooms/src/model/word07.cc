const char* home() { return getenv("HOME"); }
