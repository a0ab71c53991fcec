double bits(double x) { return std::exp(x); }
