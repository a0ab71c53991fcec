int open_it() { return ::open("a", 0); }
