std::random_device device;
