std::mutex lock;
