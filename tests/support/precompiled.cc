// Gives the precompiled GoogleTest headers a target to belong to (tools/cmake/MienTesting.cmake).
